#include "columnar/builder.h"

#include "base/assert.h"

/* Offsets are 32 bits: neither the bytes of a string column nor the elements of a list column may
 * pass this. Batches are kept far smaller by those who make them. */
#define OFFSET_MAX INT32_MAX

#define ROWS_FIRST 16

static bool has_offsets(const struct type *type)
{
    return type->id == TYPE_STRING || type->id == TYPE_BINARY || type->id == TYPE_ARRAY ||
           type->id == TYPE_MAP;
}

static bool has_bytes(const struct type *type)
{
    return type->id == TYPE_STRING || type->id == TYPE_BINARY;
}

static size_t bitmap_bytes(int64_t bits)
{
    return (size_t) ((bits + 7) / 8);
}

static uint8_t *grow_bitmap(struct arena *arena, uint8_t *bits, int64_t old, int64_t wanted)
{
    size_t from = bits == NULL ? 0 : bitmap_bytes(old);
    size_t to = bitmap_bytes(wanted);
    bits = arena_grow(arena, bits, from, to);
    memset(bits + from, 0, to - from);
    return bits;
}

static void grow_rows(struct column_builder *builder, int64_t wanted)
{
    int64_t old = builder->capacity;
    int64_t capacity = old == 0 ? ROWS_FIRST : old * 2;
    capacity = capacity < wanted ? wanted : capacity;
    struct arena *arena = builder->arena;
    uint32_t width = type_width(builder->type);
    if (width > 0) {
        builder->values =
            arena_grow(arena, builder->values, (size_t) old * width, (size_t) capacity * width);
    } else if (builder->type->id == TYPE_BOOLEAN) {
        builder->values = grow_bitmap(arena, builder->values, old, capacity);
    } else if (has_offsets(builder->type)) {
        size_t old_bytes = old == 0 ? 0 : (size_t) (old + 1) * sizeof(int32_t);
        builder->offsets = arena_grow(arena, builder->offsets, old_bytes,
                                      (size_t) (capacity + 1) * sizeof(int32_t));
        builder->offsets[0] = 0;
    }
    if (builder->validity != NULL) {
        builder->validity = grow_bitmap(arena, builder->validity, old, capacity);
    }
    builder->capacity = capacity;
}

static void grow_bytes(struct column_builder *builder, int64_t wanted)
{
    int64_t capacity = builder->bytes_capacity == 0 ? 256 : builder->bytes_capacity * 2;
    capacity = capacity < wanted ? wanted : capacity;
    builder->values =
        arena_grow(builder->arena, builder->values, (size_t) builder->bytes, (size_t) capacity);
    builder->bytes_capacity = capacity;
}

void column_builder_init(struct column_builder *builder,
                         struct arena *arena,
                         const struct type *type,
                         int64_t expected_rows)
{
    *builder = (struct column_builder){.arena = arena, .type = type};
    if (expected_rows > 0) {
        grow_rows(builder, expected_rows);
    }
    if (type->field_count > 0) {
        builder->children = ARENA_ARRAY(arena, struct column_builder, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++) {
            column_builder_init(&builder->children[i], arena, type->fields[i].type, expected_rows);
        }
    }
}

/* Where the next row goes; the caller fills it and calls close_row. */
static inline int64_t open_row(struct column_builder *builder)
{
    if (__builtin_expect(builder->length == builder->capacity, 0)) {
        grow_rows(builder, builder->length + 1);
    }
    return builder->length;
}

static inline void close_row(struct column_builder *builder)
{
    if (builder->validity != NULL) {
        bit_set(builder->validity, builder->length);
    }
    builder->length++;
}

static void make_validity(struct column_builder *builder)
{
    builder->validity = grow_bitmap(builder->arena, NULL, 0, builder->capacity);
    memset(builder->validity, 0xff, (size_t) (builder->length / 8));
    for (int64_t i = builder->length & ~INT64_C(7); i < builder->length; i++) {
        bit_set(builder->validity, i);
    }
}

void column_append_null(struct column_builder *builder)
{
    int64_t row = open_row(builder);
    if (builder->validity == NULL) {
        make_validity(builder);
    }
    bit_clear(builder->validity, row);
    uint32_t width = type_width(builder->type);
    if (width > 0) {
        memset(builder->values + row * width, 0, width);
    } else if (builder->type->id == TYPE_BOOLEAN) {
        bit_clear(builder->values, row);
    } else if (has_offsets(builder->type)) {
        builder->offsets[row + 1] = builder->offsets[row];
    } else if (builder->type->id == TYPE_STRUCT) {
        for (uint32_t i = 0; i < builder->type->field_count; i++) {
            column_append_null(&builder->children[i]);
        }
    }
    builder->length++;
    builder->null_count++;
}

void column_append_bool(struct column_builder *builder, bool value)
{
    int64_t row = open_row(builder);
    if (value) {
        bit_set(builder->values, row);
    } else {
        bit_clear(builder->values, row);
    }
    close_row(builder);
}

void column_append_int(struct column_builder *builder, int64_t value)
{
    int64_t row = open_row(builder);
    switch (type_width(builder->type)) {
    case 8:
        ((int64_t *) (void *) builder->values)[row] = value;
        break;
    case 4:
        ((int32_t *) (void *) builder->values)[row] = (int32_t) value;
        break;
    case 2:
        ((int16_t *) (void *) builder->values)[row] = (int16_t) value;
        break;
    default:
        ((int8_t *) builder->values)[row] = (int8_t) value;
        break;
    }
    close_row(builder);
}

void column_append_double(struct column_builder *builder, double value)
{
    int64_t row = open_row(builder);
    if (builder->type->id == TYPE_FLOAT) {
        ((float *) (void *) builder->values)[row] = (float) value;
    } else {
        ((double *) (void *) builder->values)[row] = value;
    }
    close_row(builder);
}

void column_append_decimal(struct column_builder *builder, int128 unscaled)
{
    int64_t row = open_row(builder);
    memcpy(builder->values + row * 16, &unscaled, 16);
    close_row(builder);
}

void column_append_bytes(struct column_builder *builder, struct slice value)
{
    int64_t row = open_row(builder);
    int64_t end = builder->bytes + (int64_t) value.size;
    ASSERT(end <= OFFSET_MAX);
    if (__builtin_expect(end > builder->bytes_capacity, 0)) {
        grow_bytes(builder, end);
    }
    if (value.size > 0) {
        memcpy(builder->values + builder->bytes, value.data, value.size);
    }
    builder->bytes = end;
    builder->offsets[row + 1] = (int32_t) end;
    close_row(builder);
}

void column_append_list_end(struct column_builder *builder)
{
    int64_t row = open_row(builder);
    int64_t end = builder->children[0].length;
    ASSERT(end <= OFFSET_MAX);
    builder->offsets[row + 1] = (int32_t) end;
    close_row(builder);
}

void column_append_struct_end(struct column_builder *builder)
{
    (void) open_row(builder);
    close_row(builder);
}

void column_append_value(struct column_builder *builder, const struct column *column, int64_t row)
{
    if (column_is_null(column, row)) {
        column_append_null(builder);
        return;
    }
    switch (builder->type->id) {
    case TYPE_NULL:
        column_append_null(builder);
        break;
    case TYPE_BOOLEAN:
        column_append_bool(builder, column_bool(column, row));
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        column_append_bytes(builder, column_bytes(column, row));
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        for (uint32_t i = 0; i < builder->type->field_count; i++) {
            for (int32_t j = column->offsets[row]; j < column->offsets[row + 1]; j++) {
                column_append_value(&builder->children[i], column->children[i], j);
            }
        }
        column_append_list_end(builder);
        break;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < builder->type->field_count; i++) {
            column_append_value(&builder->children[i], column->children[i], row);
        }
        column_append_struct_end(builder);
        break;
    default: {
        uint32_t width = type_width(builder->type);
        (void) open_row(builder);
        memcpy(builder->values + builder->length * width,
               (const uint8_t *) column->values + row * width, width);
        close_row(builder);
    }
    }
}

/* Children are cut even if the row itself is not there yet: it may have failed half way. */
void column_builder_truncate(struct column_builder *builder, int64_t length)
{
    ASSERT(length <= builder->length);
    for (int64_t i = length; i < builder->length; i++) {
        if (builder->validity != NULL && !bit_get(builder->validity, i)) {
            builder->null_count--;
        }
    }
    builder->length = length;
    int64_t end = builder->offsets == NULL ? 0 : builder->offsets[length];
    if (has_bytes(builder->type)) {
        builder->bytes = end;
    }
    for (uint32_t i = 0; i < builder->type->field_count; i++) {
        column_builder_truncate(&builder->children[i],
                                builder->type->id == TYPE_STRUCT ? length : end);
    }
}

/* Bits behind the last row are zero in a finished column. */
static void clear_tail(uint8_t *bits, int64_t length)
{
    if (bits != NULL && (length & 7) != 0) {
        bits[length >> 3] &= (uint8_t) ((1u << (length & 7)) - 1);
    }
}

struct column *column_builder_finish(struct column_builder *builder)
{
    if (builder->capacity == 0) {
        grow_rows(builder, 1);
    }
    if (builder->values == NULL) {
        builder->values = arena_alloc(builder->arena, 0);
    }
    struct column *column = ARENA_NEW(builder->arena, struct column);
    *column = (struct column){
        .type = builder->type,
        .length = builder->length,
        .null_count = builder->null_count,
        .values = builder->values,
        .offsets = builder->offsets,
    };
    clear_tail(builder->validity, builder->length);
    if (builder->type->id == TYPE_BOOLEAN) {
        clear_tail(builder->values, builder->length);
    }
    column->validity = builder->null_count > 0 ? builder->validity : NULL;
    uint32_t count = builder->type->field_count;
    if (count > 0) {
        const struct column **children = ARENA_ARRAY(builder->arena, const struct column *, count);
        int64_t wanted = builder->length;
        if (builder->type->id != TYPE_STRUCT) {
            wanted = builder->offsets[builder->length];
        }
        for (uint32_t i = 0; i < count; i++) {
            ASSERT(builder->children[i].length == wanted);
            children[i] = column_builder_finish(&builder->children[i]);
        }
        column->children = children;
    }
    return column;
}
