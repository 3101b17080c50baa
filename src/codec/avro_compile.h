#pragma once

/*
 * The compiler of a decoder's program: what its parts share. avro_compile.c resolves records, lists
 * and unions; avro_compile_scalar.c writes single steps: skips and scalars. Not for other folders.
 */

#include "codec/avro_program.h"

#define PATH_MAX_STEPS 64

struct path {
    uint32_t at[PATH_MAX_STEPS];
    uint8_t size;
};

struct compiler {
    struct arena *arena;
    struct error *error;
    struct step *steps;
    uint32_t count;
    uint32_t capacity;
    uint32_t target; /* steps from here on may be merged with: nothing jumps between */
    uint32_t *paths;
    uint32_t path_count;
    uint32_t path_capacity;
    uint32_t records_in_line;
};

/* What is to be compiled: one value of the writer into one column. */
struct wanted {
    const struct avro_schema *reader; /* may be NULL */
    const struct type *type;
    bool mixed; /* numbers may become text */
};

/* Adds a step; the second form with the path of its builder. */
struct step *program_emit(struct compiler *compiler, enum step_code code);
struct step *
program_emit_at(struct compiler *compiler, enum step_code code, const struct path *path);

/* Step number `step` jumps to what comes next. */
void program_land(struct compiler *compiler, uint32_t step);

/* Steps over one value. */
void program_skip(struct compiler *compiler, const struct avro_schema *schema);

/* One value that is not nested. */
MUST_USE enum status program_scalar(struct compiler *compiler,
                                    const struct avro_schema *writer,
                                    const struct wanted *wanted,
                                    const struct path *path);

/* STATUS_CONFIG: "Avro long cannot be read as boolean". */
enum status program_unresolved(struct compiler *compiler,
                               const struct avro_schema *writer,
                               const struct type *type);
