#pragma once

/*
 * Values of PostgreSQL, as its output functions write them, as JSON, and the Avro types that hold
 * them. Nothing is rounded and nothing silently becomes null:
 *
 *     boolean                       true, false                              boolean
 *     smallint, integer             the number                               int
 *     bigint, oid                   the number                               long
 *     real, double precision        the number; "NaN", "Infinity",           float, double
 *                                   "-Infinity" as text
 *     numeric                       text with all its digits                 string
 *     numeric(p,s)                  the number, with `numeric: decimal`      decimal(p,s)
 *     bytea                         base64                                   bytes
 *     date                          ISO 8601                                 date
 *     timestamp                     ISO 8601                                 local-timestamp-micros
 *     timestamp with time zone      ISO 8601, in UTC with Z                  timestamp-micros
 *     arrays                        arrays, of arrays where there are        array
 *                                   more dimensions
 *     domains                       as their base type
 *     all others                    the text that PostgreSQL shows           string
 *
 * Dates beyond the year 9999 or before our era and infinite ones have no ISO form and stay text; so
 * does "NaN" in a decimal.
 */

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum value_kind {
    VALUE_TEXT,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_LONG,
    VALUE_FLOAT,
    VALUE_DOUBLE,
    VALUE_NUMERIC,
    VALUE_DECIMAL,
    VALUE_BYTES,
    VALUE_DATE,
    VALUE_TIMESTAMP,
    VALUE_TIMESTAMPTZ,
};

struct value_type {
    enum value_kind kind; /* of the value, or of an array's elements */
    bool array;
    char delimiter;          /* between an array's elements */
    int8_t precision, scale; /* DECIMAL */
};

/* The type of a built-in scalar by its oid in pg_type; false if it is none of those above. */
bool value_type_builtin(uint32_t oid, enum value_kind *ret_kind);

/* Appends `text` as JSON. False, with what was appended left there, if it is no such value:
 * `*ret_fault` says what it is not ("no UTF-8"). */
bool value_append(const struct value_type *type,
                  struct slice text,
                  struct buffer *target,
                  const char **ret_fault);

/* A numeric whose modifier says precision and scale that a decimal can hold becomes one. */
void value_type_decimal(struct value_type *type, int32_t modifier);

/* The Avro type, without the null that every column may be: "\"int\"". */
void value_append_avro(const struct value_type *type, struct buffer *target);
bool value_type_equal(const struct value_type *a, const struct value_type *b);
