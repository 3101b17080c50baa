/* Filter, take and concat: new columns from rows of others. */

#include "base/assert.h"
#include "columnar/column.h"

/* A column without buffers, for `length` rows of `type`. */
static struct column *column_start(struct arena *arena, const struct type *type, int64_t length)
{
    struct column *column = ARENA_NEW(arena, struct column);
    *column = (struct column){.type = type, .length = length};
    return column;
}

static uint8_t *bitmap_new(struct arena *arena, int64_t bits)
{
    return arena_zalloc(arena, (size_t) ((bits + 7) / 8));
}

/* ---- Take ------------------------------------------------------------------------------------ */

static void take_validity(struct arena *arena,
                          const struct column *column,
                          const int32_t *indices,
                          int64_t count,
                          struct column *result)
{
    uint8_t *validity = NULL;
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] >= 0 && !column_is_null(column, indices[i])) {
            continue;
        }
        if (validity == NULL) {
            validity = bitmap_new(arena, count);
            for (int64_t j = 0; j < count; j++) {
                bit_set(validity, j);
            }
        }
        bit_clear(validity, i);
        result->null_count++;
    }
    result->validity = validity;
}

#define TAKE_LOOP(width, value_type)                                                               \
    case width: {                                                                                  \
        const value_type *from = column->values;                                                   \
        value_type *to = values;                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                      \
            to[i] = indices[i] < 0 ? 0 : from[indices[i]];                                         \
        }                                                                                          \
        break;                                                                                     \
    }

static void *take_fixed(struct arena *arena,
                        const struct column *column,
                        const int32_t *indices,
                        int64_t count,
                        uint32_t width)
{
    void *values = arena_alloc(arena, (size_t) count * width);
    switch (width) {
        TAKE_LOOP(1, uint8_t)
        TAKE_LOOP(2, uint16_t)
        TAKE_LOOP(4, uint32_t)
        TAKE_LOOP(8, uint64_t)
        TAKE_LOOP(16, int128)
    default:
        ASSERT(!"width of a value");
    }
    return values;
}

static void *
take_bits(struct arena *arena, const struct column *column, const int32_t *indices, int64_t count)
{
    uint8_t *values = bitmap_new(arena, count);
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] >= 0 && bit_get(column->values, indices[i])) {
            bit_set(values, i);
        }
    }
    return values;
}

/* Offsets of the rows taken; nulls are empty. */
static int32_t *take_offsets(struct arena *arena,
                             const struct column *column,
                             const int32_t *indices,
                             int64_t count)
{
    int32_t *offsets = arena_alloc(arena, (size_t) (count + 1) * sizeof(*offsets));
    int64_t end = 0;
    offsets[0] = 0;
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] >= 0 && !column_is_null(column, indices[i])) {
            end += column->offsets[indices[i] + 1] - column->offsets[indices[i]];
        }
        ASSERT(end <= INT32_MAX);
        offsets[i + 1] = (int32_t) end;
    }
    return offsets;
}

static void *take_bytes(struct arena *arena,
                        const struct column *column,
                        const int32_t *indices,
                        int64_t count,
                        const int32_t *offsets)
{
    uint8_t *values = arena_alloc(arena, (size_t) offsets[count]);
    const uint8_t *from = column->values;
    for (int64_t i = 0; i < count; i++) {
        int32_t size = offsets[i + 1] - offsets[i];
        if (size > 0) {
            memcpy(values + offsets[i], from + column->offsets[indices[i]], (size_t) size);
        }
    }
    return values;
}

static const int32_t *element_indices(struct arena *arena,
                                      const struct column *column,
                                      const int32_t *indices,
                                      int64_t count,
                                      const int32_t *offsets)
{
    int32_t *elements = arena_alloc(arena, (size_t) offsets[count] * sizeof(*elements));
    for (int64_t i = 0; i < count; i++) {
        int32_t size = offsets[i + 1] - offsets[i];
        for (int32_t j = 0; j < size; j++) {
            elements[offsets[i] + j] = column->offsets[indices[i]] + j;
        }
    }
    return elements;
}

static const struct column *const *take_children(struct arena *arena,
                                                 const struct column *column,
                                                 const int32_t *indices,
                                                 int64_t count)
{
    uint32_t child_count = column->type->field_count;
    const struct column **children = ARENA_ARRAY(arena, const struct column *, child_count);
    for (uint32_t i = 0; i < child_count; i++) {
        children[i] = column_take(arena, column->children[i], indices, count);
    }
    return children;
}

struct column *
column_take(struct arena *arena, const struct column *column, const int32_t *indices, int64_t count)
{
    struct column *result = column_start(arena, column->type, count);
    take_validity(arena, column, indices, count, result);
    switch (column->type->id) {
    case TYPE_NULL:
        break;
    case TYPE_BOOLEAN:
        result->values = take_bits(arena, column, indices, count);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        result->offsets = take_offsets(arena, column, indices, count);
        result->values = take_bytes(arena, column, indices, count, result->offsets);
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        result->offsets = take_offsets(arena, column, indices, count);
        result->children = take_children(
            arena, column, element_indices(arena, column, indices, count, result->offsets),
            result->offsets[count]);
        break;
    case TYPE_STRUCT:
        result->children = take_children(arena, column, indices, count);
        break;
    default:
        result->values = take_fixed(arena, column, indices, count, type_width(column->type));
        break;
    }
    return result;
}

/* ---- Filter ---------------------------------------------------------------------------------- */

/* Indices of the bits that are set; eight rows that are all out cost one look. */
static const int32_t *
selected_rows(struct arena *arena, const uint8_t *selection, int64_t length, int64_t selected)
{
    ASSERT(length <= INT32_MAX);
    int32_t *indices = arena_alloc(arena, (size_t) selected * sizeof(*indices));
    int64_t count = 0;
    for (int64_t base = 0; base < length; base += 8) {
        unsigned bits = selection[base >> 3];
        if (length - base < 8) {
            bits &= (1u << (length - base)) - 1;
        }
        for (; bits != 0; bits &= bits - 1) {
            ASSERT(count < selected);
            indices[count++] = (int32_t) (base + __builtin_ctz(bits));
        }
    }
    ASSERT(count == selected);
    return indices;
}

static struct column *share(struct arena *arena, const struct column *column)
{
    struct column *result = ARENA_NEW(arena, struct column);
    *result = *column;
    return result;
}

struct column *column_filter(struct arena *arena,
                             const struct column *column,
                             const uint8_t *selection,
                             int64_t selected)
{
    if (selected == column->length) {
        return share(arena, column);
    }
    const int32_t *indices = selected_rows(arena, selection, column->length, selected);
    return column_take(arena, column, indices, selected);
}

struct batch *batch_filter(struct arena *arena,
                           const struct batch *batch,
                           const uint8_t *selection,
                           int64_t selected)
{
    struct batch *result = ARENA_NEW(arena, struct batch);
    *result = *batch;
    if (selected == batch->length) {
        return result;
    }
    const int32_t *indices = selected_rows(arena, selection, batch->length, selected);
    uint32_t count = batch->type->field_count;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = column_take(arena, batch->columns[i], indices, selected);
    }
    result->length = selected;
    result->columns = columns;
    return result;
}

/* ---- Concat ---------------------------------------------------------------------------------- */

/* Copies `count` bits behind `at`; `from` NULL stands for ones. The target starts out as zeros. */
static void append_bits(uint8_t *to, int64_t at, const uint8_t *from, int64_t count)
{
    int64_t i = 0;
    if ((at & 7) == 0) {
        for (; i + 8 <= count; i += 8) {
            to[(at + i) >> 3] = from == NULL ? 0xff : from[i >> 3];
        }
    }
    for (; i < count; i++) {
        if (from == NULL || bit_get(from, i)) {
            bit_set(to, at + i);
        }
    }
}

static void concat_offsets(struct arena *arena,
                           const struct column *const *columns,
                           size_t count,
                           struct column *result)
{
    int32_t *offsets = arena_alloc(arena, (size_t) (result->length + 1) * sizeof(*offsets));
    int64_t row = 0;
    int64_t base = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < count; i++) {
        ASSERT(base + columns[i]->offsets[columns[i]->length] <= INT32_MAX);
        for (int64_t j = 1; j <= columns[i]->length; j++) {
            offsets[++row] = (int32_t) (base + columns[i]->offsets[j]);
        }
        base = offsets[row];
    }
    result->offsets = offsets;
}

static const struct column *const *
concat_children(struct arena *arena, const struct column *const *columns, size_t count)
{
    uint32_t child_count = columns[0]->type->field_count;
    const struct column **children = ARENA_ARRAY(arena, const struct column *, child_count);
    const struct column **parts = ARENA_ARRAY(arena, const struct column *, count);
    for (uint32_t i = 0; i < child_count; i++) {
        for (size_t j = 0; j < count; j++) {
            parts[j] = columns[j]->children[i];
        }
        children[i] = column_concat(arena, parts, count);
    }
    return children;
}

/* Bytes of `values` that belong to the column's rows. */
static size_t value_bytes(const struct column *column)
{
    if (column->offsets != NULL) {
        return (size_t) column->offsets[column->length];
    }
    return (size_t) column->length * type_width(column->type);
}

static const void *
concat_values(struct arena *arena, const struct column *const *columns, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += value_bytes(columns[i]);
    }
    uint8_t *values = arena_alloc(arena, size);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t part = value_bytes(columns[i]);
        if (part > 0) {
            memcpy(values + at, columns[i]->values, part);
        }
        at += part;
    }
    return values;
}

struct column *column_concat(struct arena *arena, const struct column *const *columns, size_t count)
{
    ASSERT(count > 0);
    struct column *result = column_start(arena, columns[0]->type, 0);
    for (size_t i = 0; i < count; i++) {
        ASSERT(type_equal(columns[i]->type, result->type));
        result->length += columns[i]->length;
        result->null_count += columns[i]->null_count;
    }
    enum type_id id = result->type->id;
    uint8_t *validity = result->null_count == 0 ? NULL : bitmap_new(arena, result->length);
    uint8_t *bits = id != TYPE_BOOLEAN ? NULL : bitmap_new(arena, result->length);
    int64_t row = 0;
    for (size_t i = 0; i < count; i++) {
        if (validity != NULL) {
            append_bits(validity, row, columns[i]->validity, columns[i]->length);
        }
        if (bits != NULL && columns[i]->length > 0) {
            append_bits(bits, row, columns[i]->values, columns[i]->length);
        }
        row += columns[i]->length;
    }
    result->validity = validity;
    if (columns[0]->offsets != NULL) {
        concat_offsets(arena, columns, count, result);
    }
    if (result->type->field_count > 0) {
        result->children = concat_children(arena, columns, count);
    } else {
        result->values = bits != NULL ? bits : concat_values(arena, columns, count);
    }
    return result;
}
