#include "stream/batch_bytes.h"

#include "stream/bytes.h"

static bool has_offsets(const struct type *type)
{
    return type->id == TYPE_STRING || type->id == TYPE_BINARY || type->id == TYPE_ARRAY ||
           type->id == TYPE_MAP;
}

static size_t bitmap_bytes(int64_t length)
{
    return (size_t) (length + 7) / 8;
}

/* Bytes of the values buffer of a column without children. */
static size_t values_bytes(const struct column *column)
{
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        return bitmap_bytes(column->length);
    case TYPE_STRING:
    case TYPE_BINARY:
        return column->length == 0 ? 0 : (size_t) column->offsets[column->length];
    default:
        return (size_t) column->length * type_width(column->type);
    }
}

static void column_write(const struct column *column, struct buffer *target)
{
    buffer_append_varint(target, (uint64_t) column->length);
    buffer_append_varint(target, (uint64_t) column->null_count);
    if (column->null_count > 0) {
        buffer_append(target, column->validity, bitmap_bytes(column->length));
    }
    if (has_offsets(column->type) && column->length > 0) {
        buffer_append(target, column->offsets,
                      ((size_t) column->length + 1) * sizeof(*column->offsets));
    }
    if (column->type->field_count == 0) {
        buffer_append(target, column->values, values_bytes(column));
    }
    for (uint32_t i = 0; i < column->type->field_count; i++) {
        column_write(column->children[i], target);
    }
}

void batch_write_bytes(const struct batch *batch, struct buffer *target)
{
    buffer_append_varint(target, (uint64_t) batch->length);
    for (uint32_t i = 0; i < batch->type->field_count; i++) {
        column_write(batch->columns[i], target);
    }
}

/* Copies: what lies in the bytes may not be aligned. */
static const void *take_copy(struct bytes_reader *reader, struct arena *arena, size_t size)
{
    struct slice taken = bytes_take(reader, size);
    void *copy = arena_alloc(arena, taken.size + 8); /* of what is there, not of what is said */
    if (taken.size > 0) {
        memcpy(copy, taken.data, taken.size);
    }
    return copy;
}

static bool offsets_valid(const int32_t *offsets, int64_t length)
{
    for (int64_t i = 0; i < length; i++) {
        if (offsets[i] > offsets[i + 1]) {
            return false;
        }
    }
    return offsets[0] == 0;
}

/* How many values each child has: as many as the column, or as its lists hold together. */
static int64_t child_length(const struct column *column)
{
    return has_offsets(column->type) ? column->offsets[column->length] : column->length;
}

static void read_buffers(struct bytes_reader *reader, struct column *column, struct arena *arena)
{
    if (column->null_count > 0) {
        column->validity = take_copy(reader, arena, bitmap_bytes(column->length));
    }
    static const int32_t no_offsets[1] = {0};
    column->offsets = no_offsets;
    if (!has_offsets(column->type) || column->length == 0) {
        return;
    }
    column->offsets =
        take_copy(reader, arena, ((size_t) column->length + 1) * sizeof(*column->offsets));
    if (!reader->failed && !offsets_valid(column->offsets, column->length)) {
        reader->failed = true;
    }
}

static const struct column *column_read(struct bytes_reader *reader,
                                        const struct type *type,
                                        int64_t length,
                                        struct arena *arena)
{
    struct column *column = ARENA_NEW(arena, struct column);
    column->type = type;
    column->length = (int64_t) bytes_varint(reader);
    column->null_count = (int64_t) bytes_varint(reader);
    if (column->length != length || length > INT32_MAX || column->null_count < 0 ||
        column->null_count > length) {
        reader->failed = true;
    }
    if (!reader->failed) {
        read_buffers(reader, column, arena);
    }
    if (reader->failed) {
        return column;
    }
    if (type->field_count == 0) {
        column->values = take_copy(reader, arena, values_bytes(column));
    }
    const struct column **children = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count && !reader->failed; i++) {
        children[i] = column_read(reader, type->fields[i].type, child_length(column), arena);
    }
    column->children = children;
    return column;
}

enum status batch_read_bytes(struct slice *bytes,
                             const struct type *type,
                             struct arena *arena,
                             struct batch **ret_batch,
                             struct error *error)
{
    struct bytes_reader reader = bytes_reader_of(*bytes);
    struct batch *batch = ARENA_NEW(arena, struct batch);
    batch->type = type;
    batch->length = (int64_t) bytes_varint(&reader);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count && !reader.failed; i++) {
        columns[i] = column_read(&reader, type->fields[i].type, batch->length, arena);
    }
    if (reader.failed) {
        return error_set(error, STATUS_CORRUPT, "stored rows do not fit their table");
    }
    batch->columns = columns;
    *bytes = reader.rest;
    *ret_batch = batch;
    return STATUS_OK;
}
