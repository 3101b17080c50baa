#pragma once

/*
 * Columns and batches in the Arrow layout (https://arrow.apache.org/docs/format/Columnar.html):
 * validity bitmap (bit i of byte i/8, least significant first; NULL: no nulls), values, 32-bit
 * offsets (length + 1 of them) for strings and lists.
 *
 * All memory of a batch belongs to an arena with the batch's lifetime; columns are immutable once
 * built and may share buffers with other columns of that lifetime. There is no offset field: a
 * column always starts at row 0 of its buffers.
 */

#include "base/arena.h"
#include "base/error.h"
#include "columnar/type.h"

#include <stdbool.h>
#include <stdint.h>

struct column {
    const struct type *type;
    int64_t length;
    int64_t null_count;                   /* exact */
    const uint8_t *validity;              /* NULL if null_count is 0 */
    const void *values;                   /* fixed width, bits, or the bytes of strings */
    const int32_t *offsets;               /* STRING, BINARY, ARRAY, MAP */
    const struct column *const *children; /* type->field_count of them */
};

struct batch {
    int64_t length;
    const struct type *type;             /* STRUCT: names and types of the columns */
    const struct column *const *columns; /* type->field_count of them */
};

static inline bool bit_get(const uint8_t *bits, int64_t i)
{
    return (bits[i >> 3] >> (i & 7)) & 1;
}

static inline void bit_set(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t) (bits[i >> 3] | (1u << (i & 7)));
}

static inline void bit_clear(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t) (bits[i >> 3] & ~(1u << (i & 7)));
}

static inline bool column_is_null(const struct column *column, int64_t row)
{
    return column->validity != NULL && !bit_get(column->validity, row);
}

/* The value of a STRING or BINARY column; the row must not be null. */
static inline struct slice column_bytes(const struct column *column, int64_t row)
{
    const uint8_t *bytes = column->values;
    return slice_of(bytes + column->offsets[row],
                    (size_t) (column->offsets[row + 1] - column->offsets[row]));
}

static inline bool column_bool(const struct column *column, int64_t row)
{
    return bit_get(column->values, row);
}

/* One integral, date, timestamp or interval value, widened. The row must not be null. */
int64_t column_int(const struct column *column, int64_t row);
double column_double(const struct column *column, int64_t row); /* FLOAT or DOUBLE */

const struct column *batch_column(const struct batch *batch, const char *name); /* or NULL */

/* A column of `length` nulls, and of one row of a column repeated `length` times. */
struct column *column_nulls(struct arena *arena, const struct type *type, int64_t length);
struct column *
column_repeat(struct arena *arena, const struct column *column, int64_t row, int64_t length);

/* Rows whose bit is set in `selection` (length bits), in order. */
struct column *column_filter(struct arena *arena,
                             const struct column *column,
                             const uint8_t *selection,
                             int64_t selected);
struct batch *batch_filter(struct arena *arena,
                           const struct batch *batch,
                           const uint8_t *selection,
                           int64_t selected);

/* Rows at `indices`; an index of -1 gives null. */
struct column *column_take(struct arena *arena,
                           const struct column *column,
                           const int32_t *indices,
                           int64_t count);

/* One after the other; types must be equal. */
struct column *
column_concat(struct arena *arena, const struct column *const *columns, size_t count);

/* Hash of each row over several columns (nulls included), for grouping. Equal values hash equal:
 * -0.0 as 0.0, every NaN alike. */
void columns_hash(const struct column *const *columns,
                  size_t count,
                  int64_t length,
                  uint64_t *ret_hashes);

/* Appends an order-free, self-delimiting encoding of one row of a column: the same bytes exactly
 * if the values are the same (grouping sense). Used as key of groups and of state. */
void column_encode_key(const struct column *column, int64_t row, struct buffer *target);

/* Reads values back that column_encode_key wrote: into a builder, advancing *bytes. */
struct column_builder;
MUST_USE enum status
column_decode_key(struct slice *bytes, struct column_builder *target, struct error *error);

/* Order of two rows as Spark's ORDER BY has it (nulls first, NaN last): -1, 0, 1. */
int column_compare(const struct column *a, int64_t a_row, const struct column *b, int64_t b_row);

/* Deep copy into another arena. */
struct batch *batch_copy(struct arena *arena, const struct batch *batch);

/* One value as JSON: timestamps as ISO 8601 strings with Z, dates as ISO, binary as base64,
 * decimals as numbers, intervals as strings, NaN and infinities as strings. */
void column_write_json(const struct column *column, int64_t row, struct buffer *target);

/* One row as a JSON object in column order. */
void batch_write_json(const struct batch *batch, int64_t row, struct buffer *target);
