#pragma once

/*
 * An ARRAY (or MAP) result whose elements are elements of existing columns: rows append indices,
 * and the elements are taken in one go at the end.
 */

#include "sql/kernels.h"

struct list_output {
    struct output base;
    int32_t *offsets;
    int32_t *indices;
    size_t count;
    size_t capacity;
};

void list_init(struct list_output *list,
               struct eval *eval,
               const struct expression *call,
               const struct column *const *arguments,
               uint32_t count);

/* -1 adds a null. */
void list_add(struct list_output *list, int64_t index);
void list_end(struct list_output *list, int64_t row);
void list_end_null(struct list_output *list, int64_t row);

static inline bool list_skip_null(struct list_output *list, int64_t row)
{
    if (output_is_null(&list->base, row)) {
        list_end_null(list, row);
        return true;
    }
    return false;
}

/* Indices are rows of `elements` (and of `values`, for a MAP; else NULL). */
const struct column *
list_finish(struct list_output *list, const struct column *elements, const struct column *values);

/* The element range of an ARRAY or MAP argument's row. */
struct list_range {
    int32_t start, end;
};

static inline struct list_range list_range(struct arg arg, int64_t row)
{
    const int32_t *offsets = arg.column->offsets + arg_row(arg, row);
    return (struct list_range){offsets[0], offsets[1]};
}

/* A set of rows of one column, for distinct, union and the like; nulls are values too. */
struct row_set {
    const struct column *column;
    const uint64_t *hashes;
    int32_t *slots; /* row + 1 */
    uint64_t mask;
    struct buffer memory;
};

void row_set_init(struct row_set *set, struct arena *arena, const struct column *column);
void row_set_deinit(struct row_set *set);
/* Empties the set and makes room for `count` rows. */
void row_set_reset(struct row_set *set, int64_t count);
bool row_set_has(const struct row_set *set, int64_t row);
/* False if an equal row was there already. */
bool row_set_add(struct row_set *set, int64_t row);
