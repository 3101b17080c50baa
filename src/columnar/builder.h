#pragma once

/*
 * Builds one column row by row. Memory comes from the arena and grows by doubling. Appending a
 * value to a nested builder: append to the children first, then close the row with
 * column_builder_list_end or column_builder_struct_end.
 *
 * The fixed-width appends do no checks beyond capacity; the caller knows the type.
 */

#include "columnar/column.h"

struct column_builder {
    struct arena *arena;
    const struct type *type;
    int64_t length;
    int64_t null_count;
    int64_t capacity;  /* rows */
    uint8_t *validity; /* made at the first null */
    uint8_t *values;
    int64_t bytes; /* of strings so far */
    int64_t bytes_capacity;
    int32_t *offsets;
    struct column_builder *children;
};

void column_builder_init(struct column_builder *builder,
                         struct arena *arena,
                         const struct type *type,
                         int64_t expected_rows);

void column_append_null(
    struct column_builder *builder); /* children get nulls or nothing as needed */
void column_append_bool(struct column_builder *builder, bool value);
void column_append_int(struct column_builder *builder,
                       int64_t value); /* any integral, date, time */
void column_append_double(struct column_builder *builder, double value); /* FLOAT or DOUBLE */
void column_append_decimal(struct column_builder *builder, int128 unscaled);
void column_append_bytes(struct column_builder *builder, struct slice value); /* STRING, BINARY */
void column_append_list_end(struct column_builder *builder);   /* elements since the last end */
void column_append_struct_end(struct column_builder *builder); /* one value in each child     */

/* Appends one value of a column of an equal type. */
void column_append_value(struct column_builder *builder, const struct column *column, int64_t row);

/* Forgets rows at and after `length`: to undo a row that failed half way. */
void column_builder_truncate(struct column_builder *builder, int64_t length);

/* The column. The builder is done with. */
struct column *column_builder_finish(struct column_builder *builder);
