#include "columnar/column.h"

#include "base/assert.h"

#include <strings.h>

int64_t column_int(const struct column *column, int64_t row)
{
    switch (type_width(column->type)) {
    case 8:
        return ((const int64_t *) column->values)[row];
    case 4:
        return ((const int32_t *) column->values)[row];
    case 2:
        return ((const int16_t *) column->values)[row];
    default:
        return ((const int8_t *) column->values)[row];
    }
}

double column_double(const struct column *column, int64_t row)
{
    return column->type->id == TYPE_FLOAT ? (double) ((const float *) column->values)[row]
                                          : ((const double *) column->values)[row];
}

const struct column *batch_column(const struct batch *batch, const char *name)
{
    int index = type_field_index(batch->type, name);
    return index < 0 ? NULL : batch->columns[index];
}

struct column *column_nulls(struct arena *arena, const struct type *type, int64_t length)
{
    struct column *column = ARENA_NEW(arena, struct column);
    *column = (struct column){.type = type, .length = length, .null_count = length};
    size_t bitmap = (size_t) ((length + 7) / 8);
    if (length > 0) {
        column->validity = arena_zalloc(arena, bitmap);
    }
    uint32_t width = type_width(type);
    column->values =
        arena_zalloc(arena, type->id == TYPE_BOOLEAN ? bitmap : (size_t) length * width);
    bool nested = type->id >= TYPE_ARRAY;
    if (type->id == TYPE_STRING || type->id == TYPE_BINARY || type->id == TYPE_ARRAY ||
        type->id == TYPE_MAP) {
        column->offsets = arena_zalloc(arena, (size_t) (length + 1) * sizeof(int32_t));
    }
    if (nested) {
        const struct column **children =
            ARENA_ARRAY(arena, const struct column *, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++) {
            children[i] =
                column_nulls(arena, type->fields[i].type, type->id == TYPE_STRUCT ? length : 0);
        }
        column->children = children;
    }
    return column;
}

struct column *
column_repeat(struct arena *arena, const struct column *column, int64_t row, int64_t length)
{
    ASSERT(length <= INT32_MAX);
    int32_t *indices = arena_alloc(arena, (size_t) length * sizeof(*indices));
    for (int64_t i = 0; i < length; i++) {
        indices[i] = (int32_t) row;
    }
    return column_take(arena, column, indices, length);
}

/* ---- Deep copy ------------------------------------------------------------------------------- */

static const void *copy_bytes(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static struct column *
copy_column(struct arena *arena, const struct type *type, const struct column *column)
{
    struct column *copy = ARENA_NEW(arena, struct column);
    *copy = *column;
    copy->type = type;
    size_t bitmap = (size_t) ((column->length + 7) / 8);
    if (column->validity != NULL) {
        copy->validity = copy_bytes(arena, column->validity, bitmap);
    }
    if (column->offsets != NULL) {
        copy->offsets =
            copy_bytes(arena, column->offsets, (size_t) (column->length + 1) * sizeof(int32_t));
    }
    size_t bytes = (size_t) column->length * type_width(type);
    if (type->id == TYPE_BOOLEAN) {
        bytes = bitmap;
    } else if (type->id == TYPE_STRING || type->id == TYPE_BINARY) {
        bytes = (size_t) column->offsets[column->length];
    }
    copy->values = copy_bytes(arena, column->values, bytes);
    if (type->field_count > 0) {
        const struct column **children =
            ARENA_ARRAY(arena, const struct column *, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++) {
            children[i] = copy_column(arena, type->fields[i].type, column->children[i]);
        }
        copy->children = children;
    }
    return copy;
}

struct batch *batch_copy(struct arena *arena, const struct batch *batch)
{
    struct batch *copy = ARENA_NEW(arena, struct batch);
    copy->length = batch->length;
    copy->type = type_copy(arena, batch->type);
    uint32_t count = batch->type->field_count;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = copy_column(arena, copy->type->fields[i].type, batch->columns[i]);
    }
    copy->columns = columns;
    return copy;
}
