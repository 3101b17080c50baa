#pragma once

/*
 * What function implementations are made of: arguments that may be constants, result columns whose
 * rows may become null or fail, strings that grow in one buffer, bitmaps by words. For src/sql
 * only.
 */

#include "base/slice.h"
#include "sql/eval.h"
#include "sql/function.h"

/* A value larger than this fails its row: repeat(), lpad(), concat() and the like. */
#define TEXT_VALUE_BYTES_MAX (256 << 20)

/* An argument as kernels read it: row `i & mask`. The mask is 0 for a constant. */
struct arg {
    const struct column *column;
    int64_t mask;
};

static inline struct arg arg_of(const struct column *column, int64_t rows)
{
    return (struct arg){column, column->length == 1 && rows != 1 ? 0 : -1};
}

static inline int64_t arg_row(struct arg arg, int64_t row)
{
    return row & arg.mask;
}

static inline bool arg_is_null(struct arg arg, int64_t row)
{
    return column_is_null(arg.column, row & arg.mask);
}

static inline struct slice arg_bytes(struct arg arg, int64_t row)
{
    return column_bytes(arg.column, row & arg.mask);
}

static inline bool arg_bool(struct arg arg, int64_t row)
{
    return column_bool(arg.column, row & arg.mask);
}

static inline int64_t arg_int(struct arg arg, int64_t row)
{
    return column_int(arg.column, row & arg.mask);
}

static inline double arg_double(struct arg arg, int64_t row)
{
    return column_double(arg.column, row & arg.mask);
}

/* Typed reads for tight loops: the column's type is known to have values of this C type. */
#define ARG_VALUE(arg, ctype, row) (((const ctype *) (arg).column->values)[(row) & (arg).mask])

/* A fixed-width or boolean result under construction, as long as the batch. */
struct output {
    struct eval *eval;
    const struct expression *call;
    struct column *column;
    uint8_t *validity; /* writable; NULL while there are no nulls */
    void *values;      /* zeroed */
    int64_t rows;
};

/* Makes the result of call->type; rows where one of `arguments` is null are null. */
void output_init(struct output *output,
                 struct eval *eval,
                 const struct expression *call,
                 const struct column *const *arguments,
                 uint32_t count);

static inline bool output_is_null(const struct output *output, int64_t row)
{
    return output->validity != NULL && !bit_get(output->validity, row);
}

void output_null(struct output *output, int64_t row);

/* Fails the row (if it is active) and makes it null. */
void output_fail(struct output *output, int64_t row, const char *format, ...) PRINTF(3, 4);

static inline void output_bool(struct output *output, int64_t row, bool value)
{
    if (value) {
        bit_set(output->values, row);
    }
}

/* Stores an integral, date, timestamp or interval value in the column's width; fails the row if it
 * does not fit. */
void output_int(struct output *output, int64_t row, int64_t value);

const struct column *output_finish(struct output *output);

/* A STRING or BINARY result: each row's bytes are appended, then the row is ended. */
struct text_output {
    struct output base;
    int32_t *offsets;
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

void text_init(struct text_output *text,
               struct eval *eval,
               const struct expression *call,
               const struct column *const *arguments,
               uint32_t count,
               size_t bytes_expected);

/* Room for `size` more bytes; the caller adds what it used to text->size. */
uint8_t *text_reserve(struct text_output *text, size_t size);
void text_append(struct text_output *text, const void *data, size_t size);

static inline void text_append_slice(struct text_output *text, struct slice bytes)
{
    text_append(text, bytes.data, bytes.size);
}

/* Ends the row; rows are ended in order, null ones too. */
void text_end(struct text_output *text, int64_t row);
void text_end_null(struct text_output *text, int64_t row);
void text_end_slice(struct text_output *text, int64_t row, struct slice bytes);
const struct column *text_finish(struct text_output *text);

/* True, and the row is ended, if it is null already: the head of most row loops. */
static inline bool text_skip_null(struct text_output *text, int64_t row)
{
    if (output_is_null(&text->base, row)) {
        text_end_null(text, row);
        return true;
    }
    return false;
}

/* Bitmaps of `count` bits; bytes needed are (count + 7) / 8. */
static inline size_t bits_bytes(int64_t count)
{
    return (size_t) ((count + 7) / 8);
}

uint8_t *bits_new(struct arena *arena, int64_t count, bool value);
void bits_and(uint8_t *into, const uint8_t *other, int64_t count);
void bits_and_not(uint8_t *into, const uint8_t *other, int64_t count);
void bits_or(uint8_t *into, const uint8_t *other, int64_t count);
int64_t bits_count(const uint8_t *bits, int64_t count);

/* Rows where a BOOLEAN argument is true, as a fresh bitmap of `rows` bits. */
uint8_t *bits_true(struct arena *arena, struct arg arg, int64_t rows);

/* The same column with rows null that are not set in `validity` (which it takes over). */
const struct column *
column_with_validity(struct arena *arena, const struct column *column, uint8_t *validity);

/* Row i is row i of columns[choice[i]], or null where choice[i] is -1. Columns of length 1 are
 * constants; entries never chosen may be NULL. */
const struct column *column_choose(struct arena *arena,
                                   const struct type *type,
                                   const struct column *const *columns,
                                   uint32_t count,
                                   const int32_t *choice,
                                   int64_t rows);

/* Evaluates a lambda's body for `count` rows that each belong to the row rows[i] of the batch;
 * `variables` are its own, each of length `count`. Failures go to the row they belong to. */
const struct column *eval_lambda(struct eval *eval,
                                 const struct expression *lambda,
                                 const int32_t *rows,
                                 int64_t count,
                                 const struct column *const *variables);

/* Casts a column of any length; `offset` is for row errors. With `try_cast` a bad row is null. */
const struct column *cast_column(struct eval *eval,
                                 const struct column *column,
                                 const struct type *to,
                                 bool try_cast,
                                 size_t offset);

/* Equality in the sense of grouping and of `=`: NaN equals NaN, -0.0 equals 0.0; nulls are equal
 * to each other. */
bool values_equal(const struct column *a, int64_t a_row, const struct column *b, int64_t b_row);

/* argument 0 IN (arguments 1..). */
const struct column *eval_in(struct eval *eval, const struct expression *expression);
