#pragma once

/*
 * Parameters of a statement, in PostgreSQL's binary form: single values, and arrays that carry many
 * rows in one statement (`SELECT ... FROM unnest($1, $2)`).
 *
 *     struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
 *     pg_param_int8(&params, id);
 *     pg_array_begin(&params, PG_TEXT_ARRAY);
 *     pg_array_text(&params, key);            once a row
 *     pg_array_end(&params);
 */

#include "base/buffer.h"
#include "base/memory.h"

#include <stdbool.h>

/* Types by their fixed numbers (pg_type.dat of PostgreSQL). */
enum pg_type {
    PG_BOOL,
    PG_INT2,
    PG_INT4,
    PG_INT8,
    PG_FLOAT4,
    PG_FLOAT8,
    PG_NUMERIC,
    PG_TEXT,
    PG_BYTEA,
    PG_UUID,
    PG_DATE,
    PG_TIMESTAMPTZ,
    PG_INTERVAL,
    PG_JSONB,
};

struct pg_type_facts {
    uint32_t oid;
    uint32_t array_oid;
    const char *name;
};

const struct pg_type_facts *pg_type_facts(enum pg_type type);

struct pg_param {
    uint32_t oid;
    bool null;
    size_t offset, size; /* in bytes */
};

struct pg_params {
    struct pg_param *items;
    size_t count, capacity;
    struct buffer bytes;
    size_t array_offset; /* of the array under way */
    uint32_t array_count;
    size_t element_offset;
};

#define PG_PARAMS_INIT ((struct pg_params){0})

void pg_params_deinit(struct pg_params *params);
void pg_params_clear(struct pg_params *params);

void pg_param_null(struct pg_params *params, enum pg_type type);
void pg_param_bool(struct pg_params *params, bool value);
void pg_param_int4(struct pg_params *params, int32_t value);
void pg_param_int8(struct pg_params *params, int64_t value);
void pg_param_text(struct pg_params *params, struct slice text);   /* written as in pg_text.h */
void pg_param_string(struct pg_params *params, const char *text);  /* the same; NULL is null */
void pg_param_bytes(struct pg_params *params, struct slice bytes); /* data NULL: null */
void pg_param_time(struct pg_params *params, int64_t time_us);     /* timestamptz, since 1970 */

void pg_array_begin(struct pg_params *params, enum pg_type type);
void pg_array_end(struct pg_params *params);

/* One element each. */
void pg_array_null(struct pg_params *params);
void pg_array_int2(struct pg_params *params, int16_t value);
void pg_array_int4(struct pg_params *params, int32_t value);
void pg_array_int8(struct pg_params *params, int64_t value);
void pg_array_text(struct pg_params *params, struct slice text);
void pg_array_bytes(struct pg_params *params, struct slice bytes);

/* One whose bytes the caller appends between the two. */
struct buffer *pg_array_open(struct pg_params *params);
void pg_array_shut(struct pg_params *params);

/* µs since 1970 as PostgreSQL has them, since 2000: what it cannot hold becomes (minus) infinity,
 * INT64_MIN and INT64_MAX. */
int64_t pg_time_of(int64_t time_us);
int64_t pg_time_read(int64_t pg_time);
