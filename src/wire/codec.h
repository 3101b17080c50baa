#pragma once

/*
 * The Kafka protocol's encoding, driven by tables that tools/gen_wire.py makes from the .msg files.
 * docs/formats/wire.md tells it in full. A message is a plain C struct:
 *
 *     string, bytes, records   struct slice; data NULL is null
 *     array                    NAME and NAME_count; a count of -1 is null
 *     uuid                     struct uuid; all zero is "none"
 *
 * Decoded slices point into the input; arrays are in the arena.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct uuid {
    uint8_t bytes[16];
};

enum wire_kind {
    WIRE_BOOL,
    WIRE_INT8,
    WIRE_INT16,
    WIRE_INT32,
    WIRE_INT64,
    WIRE_UUID,
    WIRE_STRING,
    WIRE_BYTES,
    WIRE_RECORDS, /* bytes that may be large: encoded by reference where the output allows it */
    WIRE_ARRAY,
    WIRE_STRUCT, /* only as the element of an array */
};

#define WIRE_NEVER INT16_MAX

struct wire_type;

struct wire_field {
    const char *name;
    uint8_t kind;
    uint8_t element; /* WIRE_ARRAY */
    int16_t first;   /* versions that have it */
    int16_t last;
    int16_t null_from; /* null is allowed from this version on */
    uint32_t offset;
    uint32_t count_offset;        /* WIRE_ARRAY */
    int64_t absent;               /* what a reader finds where the version lacks it */
    const struct wire_type *type; /* elements that are structs */
};

struct wire_type {
    const char *name;
    size_t size;
    const struct wire_field *fields;
    int field_count;
};

/* An API, or a kind of record in one of our own files (which has no response). */
struct wire_message {
    const char *name;
    int16_t key;
    int16_t version_min;
    int16_t version_max;
    int16_t flexible_from; /* first version with compact lengths and tagged fields, or WIRE_NEVER */
    const struct wire_type *request;
    const struct wire_type *response;
};

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
};

struct wire_reference {
    size_t at; /* comes before byte `at` of the output's own bytes */
    struct slice bytes;
};

/* What an encoder writes: its own bytes, with large runs of records put in between by reference. */
struct wire_output {
    struct buffer bytes;
    struct wire_reference *references; /* in rising order of `at` */
    size_t reference_count;
    size_t reference_capacity;
    size_t referenced_bytes;
    size_t reference_min; /* records of at least so many bytes are referenced; 0: all are copied */
};

void wire_output_init(struct wire_output *output, size_t reference_min);
void wire_output_deinit(struct wire_output *output);
void wire_output_clear(struct wire_output *output); /* keeps the memory */
size_t wire_output_size(const struct wire_output *output);

/* Decodes one struct of `version`. Unknown tagged fields are skipped. STATUS_PROTOCOL, naming the
 * field, if the input is cut short, a length is impossible or null stands where it may not;
 * STATUS_LIMIT if the arrays would take more than `bytes_max` of the arena. */
MUST_USE enum status wire_decode(const struct wire_type *type,
                                 int16_t version,
                                 bool flexible,
                                 struct wire_reader *reader,
                                 size_t bytes_max,
                                 struct arena *arena,
                                 void *ret_struct,
                                 struct error *error);

/* Appends one struct of `version`. Fields that the version lacks are left out. Null where the
 * version does not allow it becomes empty. STATUS_LIMIT if a string is longer than the encoding
 * can say; then part of it may have been written. */
MUST_USE enum status wire_encode(const struct wire_type *type,
                                 int16_t version,
                                 bool flexible,
                                 const void *source,
                                 struct wire_output *output,
                                 struct error *error);

/* The pieces, for headers and tests. Each is false if the input is cut short or malformed. */
bool wire_read_int(struct wire_reader *reader, unsigned bytes, int64_t *ret_value);
bool wire_read_uvarint(struct wire_reader *reader, uint32_t *ret_value);
bool wire_read_tags(struct wire_reader *reader); /* skips a section of tagged fields */

static inline bool wire_is_flexible(const struct wire_message *message, int16_t version)
{
    return version >= message->flexible_from;
}

static inline bool uuid_is_zero(const struct uuid *id)
{
    static const struct uuid zero;
    return memcmp(id, &zero, sizeof(zero)) == 0;
}
