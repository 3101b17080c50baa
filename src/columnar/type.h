#pragma once

/*
 * Column types: Spark SQL's, under Spark's names. Types are immutable, live in an arena and may be
 * shared freely while it lives; the plain ones are static.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Unscaled decimals. gcc warns of the bare name under -Wpedantic. */
__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

enum type_id {
    TYPE_NULL,      /* VOID: only nulls                                                        */
    TYPE_BOOLEAN,   /* values: bitmap, like validity                                           */
    TYPE_TINYINT,   /* int8_t                                                                  */
    TYPE_SMALLINT,  /* int16_t                                                                 */
    TYPE_INT,       /* int32_t                                                                 */
    TYPE_BIGINT,    /* int64_t                                                                 */
    TYPE_FLOAT,     /* float                                                                   */
    TYPE_DOUBLE,    /* double                                                                  */
    TYPE_DECIMAL,   /* int128, unscaled; precision 1..38, scale 0..precision                 */
    TYPE_STRING,    /* offsets + bytes, valid UTF-8                                            */
    TYPE_BINARY,    /* offsets + bytes                                                         */
    TYPE_DATE,      /* int32_t days since 1970-01-01                                           */
    TYPE_TIMESTAMP, /* int64_t µs since 1970-01-01T00:00Z                                      */
    TYPE_INTERVAL,  /* int64_t µs (day-time)                                                   */
    TYPE_INTERVAL_MONTHS, /* int32_t months (year-month)                                       */
    TYPE_ARRAY,  /* offsets + one child                                                     */
    TYPE_MAP,    /* offsets + two children: keys, values                                    */
    TYPE_STRUCT, /* one child a field                                                       */
};

struct type;

struct type_field {
    const char *name;
    const struct type *type;
    bool nullable;
};

struct type {
    enum type_id id;
    uint8_t precision; /* DECIMAL */
    uint8_t scale;
    bool element_nullable;           /* ARRAY: elements; MAP: values */
    const struct type_field *fields; /* STRUCT: fields; ARRAY: [element]; MAP: [key, value] */
    uint32_t field_count;
};

/* A plain type (no parameters, no children). */
const struct type *type_plain(enum type_id id);
const struct type *type_decimal(struct arena *arena, uint8_t precision, uint8_t scale);
const struct type *type_array(struct arena *arena, const struct type *element, bool nullable);
const struct type *
type_map(struct arena *arena, const struct type *key, const struct type *value, bool nullable);
const struct type *
type_struct(struct arena *arena, const struct type_field *fields, uint32_t count); /* copies */

/* Same shape, names of struct fields included (compared without case); nullability aside. */
bool type_equal(const struct type *a, const struct type *b);

/* Index of the field of a struct type, without regard to case; -1 if none. */
int type_field_index(const struct type *type, const char *name);

/* Deep copy into another arena. */
const struct type *type_copy(struct arena *arena, const struct type *type);

/* "struct<a:int,b:array<string>>", Spark's simpleString. */
void type_write(const struct type *type, struct buffer *target);
const char *type_text(const struct type *type, struct arena *arena);

/* Reads that form, and DDL type names in any case: "BIGINT", "decimal(10,2)", "array<string>",
 * "STRUCT<a: INT NOT NULL, b: STRING>". STATUS_CONFIG with the place otherwise. */
MUST_USE enum status type_parse(struct slice text,
                                struct arena *arena,
                                const struct type **ret_type,
                                struct error *error);

/* Bytes of one value of a fixed-width type; 0 for BOOLEAN (bits), STRING, BINARY and nested. */
uint32_t type_width(const struct type *type);

bool type_is_numeric(const struct type *type);
bool type_is_integral(const struct type *type);
