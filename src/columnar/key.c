/*
 * Keys of groups and of state, and the order of rows.
 *
 * An encoded value is 0 for null, or 1 and then:
 *
 *     BOOLEAN                    one byte
 *     integers, dates, times     zig-zag varint
 *     FLOAT, DOUBLE              8 bytes of the double, least significant first; one zero, one NaN
 *     DECIMAL                    16 bytes, least significant first
 *     STRING, BINARY             varint size, bytes
 *     ARRAY, MAP                 varint count, then each element (MAP: key, value)
 *     STRUCT                     each field
 */

#include "base/assert.h"
#include "columnar/builder.h"

#include <math.h>

static double normal_double(double value)
{
    if (value == 0) {
        return 0;
    }
    return isnan(value) ? (double) NAN : value;
}

void column_encode_key(const struct column *column, int64_t row, struct buffer *target)
{
    if (column->type->id == TYPE_NULL || column_is_null(column, row)) {
        buffer_append_byte(target, 0);
        return;
    }
    buffer_append_byte(target, 1);
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        buffer_append_byte(target, column_bool(column, row));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE: {
        double value = normal_double(column_double(column, row));
        buffer_append(target, &value, sizeof(value));
        break;
    }
    case TYPE_DECIMAL:
        buffer_append(target, (const uint8_t *) column->values + row * 16, 16);
        break;
    case TYPE_STRING:
    case TYPE_BINARY: {
        struct slice bytes = column_bytes(column, row);
        buffer_append_varint(target, bytes.size);
        buffer_append_slice(target, bytes);
        break;
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        buffer_append_varint(target, (uint64_t) (column->offsets[row + 1] - column->offsets[row]));
        for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++) {
            for (uint32_t j = 0; j < column->type->field_count; j++) {
                column_encode_key(column->children[j], i, target);
            }
        }
        break;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < column->type->field_count; i++) {
            column_encode_key(column->children[i], row, target);
        }
        break;
    default:
        buffer_append_zigzag(target, column_int(column, row));
        break;
    }
}

/* ---- Decoding -------------------------------------------------------------------------------- */

static enum status key_corrupt(struct error *error)
{
    return error_set(error, STATUS_CORRUPT, "a stored key does not fit its type");
}

static bool read_varint(struct slice *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && bytes->size > 0; shift += 7) {
        uint8_t byte = *bytes->data++;
        bytes->size--;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct slice *bytes, void *target, size_t size)
{
    if (bytes->size < size) {
        return false;
    }
    memcpy(target, bytes->data, size);
    *bytes = slice_of(bytes->data + size, bytes->size - size);
    return true;
}

static bool decode_value(struct slice *bytes, struct column_builder *target);

static bool decode_list(struct slice *bytes, struct column_builder *target)
{
    uint64_t count;
    /* Each element takes a byte at least, so a false count cannot cost more than its input. */
    if (!read_varint(bytes, &count) || count > bytes->size) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < target->type->field_count; j++) {
            if (!decode_value(bytes, &target->children[j])) {
                return false;
            }
        }
    }
    column_append_list_end(target);
    return true;
}

static bool decode_struct(struct slice *bytes, struct column_builder *target)
{
    for (uint32_t i = 0; i < target->type->field_count; i++) {
        if (!decode_value(bytes, &target->children[i])) {
            return false;
        }
    }
    column_append_struct_end(target);
    return true;
}

static bool decode_scalar(struct slice *bytes, struct column_builder *target)
{
    uint64_t number;
    switch (target->type->id) {
    case TYPE_NULL:
        return false;
    case TYPE_BOOLEAN: {
        uint8_t value;
        if (!read_fixed(bytes, &value, 1) || value > 1) {
            return false;
        }
        column_append_bool(target, value);
        return true;
    }
    case TYPE_FLOAT:
    case TYPE_DOUBLE: {
        double value;
        if (!read_fixed(bytes, &value, sizeof(value))) {
            return false;
        }
        column_append_double(target, value);
        return true;
    }
    case TYPE_DECIMAL: {
        int128 value;
        if (!read_fixed(bytes, &value, sizeof(value))) {
            return false;
        }
        column_append_decimal(target, value);
        return true;
    }
    case TYPE_STRING:
    case TYPE_BINARY:
        if (!read_varint(bytes, &number) || number > bytes->size) {
            return false;
        }
        column_append_bytes(target, slice_of(bytes->data, number));
        *bytes = slice_of(bytes->data + number, bytes->size - number);
        return true;
    default:
        if (!read_varint(bytes, &number)) {
            return false;
        }
        column_append_int(target, (int64_t) (number >> 1) ^ -(int64_t) (number & 1));
        return true;
    }
}

static bool decode_value(struct slice *bytes, struct column_builder *target)
{
    uint8_t present;
    if (!read_fixed(bytes, &present, 1) || present > 1) {
        return false;
    }
    if (!present) {
        column_append_null(target);
        return true;
    }
    switch (target->type->id) {
    case TYPE_ARRAY:
    case TYPE_MAP:
        return decode_list(bytes, target);
    case TYPE_STRUCT:
        return decode_struct(bytes, target);
    default:
        return decode_scalar(bytes, target);
    }
}

enum status
column_decode_key(struct slice *bytes, struct column_builder *target, struct error *error)
{
    int64_t length = target->length;
    struct slice rest = *bytes;
    if (!decode_value(&rest, target)) {
        column_builder_truncate(target, length);
        return key_corrupt(error);
    }
    *bytes = rest;
    return STATUS_OK;
}

/* ---- Order ----------------------------------------------------------------------------------- */

static int compare_double(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    }
    return (a > b) - (a < b);
}

static int
compare_decimal(const struct column *a, int64_t a_row, const struct column *b, int64_t b_row)
{
    int128 left;
    int128 right;
    memcpy(&left, (const uint8_t *) a->values + a_row * 16, sizeof(left));
    memcpy(&right, (const uint8_t *) b->values + b_row * 16, sizeof(right));
    return (left > right) - (left < right);
}

static int
compare_list(const struct column *a, int64_t a_row, const struct column *b, int64_t b_row)
{
    int32_t a_size = a->offsets[a_row + 1] - a->offsets[a_row];
    int32_t b_size = b->offsets[b_row + 1] - b->offsets[b_row];
    for (int32_t i = 0; i < a_size && i < b_size; i++) {
        for (uint32_t j = 0; j < a->type->field_count; j++) {
            int order = column_compare(a->children[j], a->offsets[a_row] + i, b->children[j],
                                       b->offsets[b_row] + i);
            if (order != 0) {
                return order;
            }
        }
    }
    return (a_size > b_size) - (a_size < b_size);
}

int column_compare(const struct column *a, int64_t a_row, const struct column *b, int64_t b_row)
{
    bool a_null = a->type->id == TYPE_NULL || column_is_null(a, a_row);
    bool b_null = b->type->id == TYPE_NULL || column_is_null(b, b_row);
    if (a_null || b_null) {
        return (a_null ? 0 : 1) - (b_null ? 0 : 1);
    }
    switch (a->type->id) {
    case TYPE_BOOLEAN:
        return (int) column_bool(a, a_row) - (int) column_bool(b, b_row);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return compare_double(column_double(a, a_row), column_double(b, b_row));
    case TYPE_DECIMAL:
        return compare_decimal(a, a_row, b, b_row);
    case TYPE_STRING:
    case TYPE_BINARY: {
        int order = slice_compare(column_bytes(a, a_row), column_bytes(b, b_row));
        return (order > 0) - (order < 0);
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        return compare_list(a, a_row, b, b_row);
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < a->type->field_count; i++) {
            int order = column_compare(a->children[i], a_row, b->children[i], b_row);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    default: {
        int64_t left = column_int(a, a_row);
        int64_t right = column_int(b, b_row);
        return (left > right) - (left < right);
    }
    }
}
