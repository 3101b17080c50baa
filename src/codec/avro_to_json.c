/* Avro data as JSON text, for people. */

#include "codec/avro.h"
#include "codec/avro_value.h"
#include "columnar/json_write.h"

static bool write_value(struct avro_reader *reader,
                        const struct avro_schema *schema,
                        unsigned depth,
                        struct buffer *target);

/* Text that should be UTF-8; what is not becomes U+FFFD, as this is for looking at. */
static bool write_text(struct avro_reader *reader, struct buffer *target)
{
    struct slice text;
    if (!avro_read_bytes(reader, &text)) {
        return false;
    }
    buffer_append_json(target, text);
    return true;
}

static bool
write_bytes(struct avro_reader *reader, const struct avro_schema *schema, struct buffer *target)
{
    struct slice bytes;
    bool read = schema->kind == AVRO_FIXED ? avro_read_raw(reader, schema->fixed_size, &bytes)
                                           : avro_read_bytes(reader, &bytes);
    if (!read) {
        return false;
    }
    int128 unscaled;
    if (schema->logical == AVRO_DECIMAL && schema->scale <= 38 &&
        avro_read_decimal(bytes, &unscaled)) {
        json_write_decimal(unscaled, schema->scale, target);
    } else {
        json_write_base64(bytes, target);
    }
    return true;
}

static bool
write_integer(struct avro_reader *reader, const struct avro_schema *schema, struct buffer *target)
{
    int64_t value;
    bool read =
        schema->kind == AVRO_INT ? avro_read_int(reader, &value) : avro_read_long(reader, &value);
    if (!read) {
        return false;
    }
    bool millis =
        schema->logical == AVRO_TIMESTAMP_MILLIS || schema->logical == AVRO_LOCAL_TIMESTAMP_MILLIS;
    bool micros =
        schema->logical == AVRO_TIMESTAMP_MICROS || schema->logical == AVRO_LOCAL_TIMESTAMP_MICROS;
    int64_t time_us = value;
    if (schema->logical == AVRO_DATE) {
        json_write_date(value, target);
    } else if (micros || (millis && !__builtin_mul_overflow(value, INT64_C(1000), &time_us))) {
        json_write_timestamp(time_us, target);
    } else {
        buffer_printf(target, "%lld", (long long) value);
    }
    return true;
}

static bool
write_floating(struct avro_reader *reader, const struct avro_schema *schema, struct buffer *target)
{
    struct slice bytes;
    bool single = schema->kind == AVRO_FLOAT;
    if (!avro_read_raw(reader, single ? 4 : 8, &bytes)) {
        return false;
    }
    double value;
    if (single) {
        float number;
        memcpy(&number, bytes.data, 4);
        value = (double) number;
    } else {
        memcpy(&value, bytes.data, 8);
    }
    json_write_double(value, single, target);
    return true;
}

static bool
write_enum(struct avro_reader *reader, const struct avro_schema *schema, struct buffer *target)
{
    int64_t symbol;
    if (!avro_read_long(reader, &symbol)) {
        return false;
    }
    if (symbol < 0 || symbol >= schema->symbol_count) {
        return avro_fail(reader, "an enum symbol that does not exist");
    }
    buffer_append_json(target, slice_of_string(schema->symbols[symbol]));
    return true;
}

static bool write_list(struct avro_reader *reader,
                       const struct avro_schema *schema,
                       unsigned depth,
                       struct buffer *target)
{
    bool map = schema->kind == AVRO_MAP;
    bool first = true;
    buffer_append_byte(target, map ? '{' : '[');
    for (;;) {
        int64_t count;
        int64_t bytes;
        if (!avro_read_block(reader, &count, &bytes)) {
            return false;
        }
        if (count == 0) {
            break;
        }
        for (; count > 0; count--) {
            const uint8_t *item = reader->at;
            if (!first) {
                buffer_append_byte(target, ',');
            }
            first = false;
            if (map) {
                if (!write_text(reader, target)) {
                    return false;
                }
                buffer_append_byte(target, ':');
            }
            if (!write_value(reader, schema->branches[0], depth + 1, target) ||
                !avro_count_empty(reader, item)) {
                return false;
            }
        }
    }
    buffer_append_byte(target, map ? '}' : ']');
    return true;
}

static bool write_record(struct avro_reader *reader,
                         const struct avro_schema *schema,
                         unsigned depth,
                         struct buffer *target)
{
    const uint8_t *start = reader->at;
    buffer_append_byte(target, '{');
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (i > 0) {
            buffer_append_byte(target, ',');
        }
        buffer_append_json(target, slice_of_string(schema->fields[i].name));
        buffer_append_byte(target, ':');
        if (!write_value(reader, schema->fields[i].schema, depth + 1, target)) {
            return false;
        }
    }
    buffer_append_byte(target, '}');
    return avro_count_empty(reader, start);
}

static bool write_value(struct avro_reader *reader,
                        const struct avro_schema *schema,
                        unsigned depth,
                        struct buffer *target)
{
    struct slice byte;
    int64_t branch;
    if (depth == AVRO_DEPTH_MAX) {
        return avro_fail(reader, "nested too deeply");
    }
    switch (schema->kind) {
    case AVRO_NULL:
        buffer_append_string(target, "null");
        return true;
    case AVRO_BOOLEAN:
        if (!avro_read_raw(reader, 1, &byte)) {
            return false;
        }
        buffer_append_string(target, byte.data[0] != 0 ? "true" : "false");
        return byte.data[0] <= 1 || avro_fail(reader, "a boolean that is neither 0 nor 1");
    case AVRO_INT:
    case AVRO_LONG:
        return write_integer(reader, schema, target);
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return write_floating(reader, schema, target);
    case AVRO_BYTES:
    case AVRO_FIXED:
        return write_bytes(reader, schema, target);
    case AVRO_STRING:
        return write_text(reader, target);
    case AVRO_ENUM:
        return write_enum(reader, schema, target);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return write_list(reader, schema, depth, target);
    case AVRO_RECORD:
        return write_record(reader, schema, depth, target);
    case AVRO_UNION:
        if (!avro_read_long(reader, &branch)) {
            return false;
        }
        if (branch < 0 || branch >= schema->branch_count) {
            return avro_fail(reader, "a union branch that does not exist");
        }
        return write_value(reader, schema->branches[branch], depth + 1, target);
    }
    return false;
}

enum status avro_to_json(const struct avro_schema *schema,
                         struct slice datum,
                         struct buffer *target,
                         struct error *error)
{
    const uint8_t *start = datum.size == 0 ? (const uint8_t *) "" : datum.data;
    struct avro_reader reader = {.at = start, .end = start + datum.size};
    size_t before = target->size;
    bool done = write_value(&reader, schema, 0, target);
    if (done && reader.at != reader.end) {
        done = avro_fail(&reader, "bytes behind the value");
    }
    if (done) {
        return STATUS_OK;
    }
    target->size = before;
    return error_set(error, STATUS_DATA, "not Avro data of \"%s\": %s at byte %zu of %zu",
                     schema->name == NULL ? avro_kind_name(schema->kind) : schema->name,
                     reader.fault, (size_t) (reader.at - start), datum.size);
}
