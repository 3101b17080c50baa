/* JSON scalars to Avro data. */

#include "base/time_text.h"
#include "codec/avro_encoder.h"

#include <math.h>

static inline struct slice raw_text(const struct encoder *encoder, uint32_t index)
{
    const struct json_value *value = json_at(encoder->document, index);
    return slice_of(encoder->document->text.data + value->start, value->size);
}

static bool encode_string(struct encoder *encoder, uint32_t index, bool mixed)
{
    const struct json_value *value = json_at(encoder->document, index);
    if (value->kind != JSON_KIND_STRING && !(mixed && value->kind == JSON_KIND_NUMBER)) {
        return false;
    }
    encoder_bytes(encoder->target, json_text(encoder->document, index, &encoder->arena));
    return true;
}

/* Dates and timestamps: a number as it is, or ISO 8601 text, as the schema asks for a time. */
static bool read_time(struct encoder *encoder,
                      const struct avro_schema *schema,
                      uint32_t index,
                      int64_t *ret_value)
{
    if (json_at(encoder->document, index)->kind != JSON_KIND_STRING ||
        schema->logical == AVRO_LOGICAL_NONE) {
        return json_int64(encoder->document, index, ret_value);
    }
    int64_t time_us;
    int64_t unit = 1;
    if (time_parse(raw_text(encoder, index), &time_us, NULL) != STATUS_OK) {
        return false;
    }
    switch (schema->logical) {
    case AVRO_DATE:
        unit = US_PER_DAY;
        break;
    case AVRO_TIMESTAMP_MILLIS:
    case AVRO_LOCAL_TIMESTAMP_MILLIS:
        unit = US_PER_MS;
        break;
    case AVRO_TIMESTAMP_MICROS:
    case AVRO_LOCAL_TIMESTAMP_MICROS:
        break;
    default:
        return false;
    }
    *ret_value = time_us / unit - (time_us % unit < 0);
    return true;
}

static bool
encode_integer(struct encoder *encoder, const struct avro_schema *schema, uint32_t index)
{
    int64_t number;
    if (!read_time(encoder, schema, index, &number) ||
        (schema->kind == AVRO_INT && number != (int32_t) number)) {
        return false;
    }
    buffer_append_zigzag(encoder->target, number);
    return true;
}

/* A number, or the names that JSON has no numbers for. */
static bool
encode_floating(struct encoder *encoder, const struct avro_schema *schema, uint32_t index)
{
    double number;
    struct slice text = raw_text(encoder, index);
    if (json_at(encoder->document, index)->kind == JSON_KIND_NUMBER) {
        number = json_number_double(text);
        if (isinf(number) || (schema->kind == AVRO_FLOAT && isinf((float) number))) {
            return false;
        }
    } else if (json_at(encoder->document, index)->kind != JSON_KIND_STRING) {
        return false;
    } else if (slice_equal_string(text, "NaN")) {
        number = (double) NAN;
    } else if (slice_equal_string(text, "Infinity")) {
        number = HUGE_VAL;
    } else if (slice_equal_string(text, "-Infinity")) {
        number = -HUGE_VAL;
    } else {
        return false;
    }
    float single = (float) number;
    if (schema->kind == AVRO_FLOAT) {
        buffer_append(encoder->target, &single, sizeof(single));
    } else {
        buffer_append(encoder->target, &number, sizeof(number));
    }
    return true;
}

static bool
encode_decimal(struct encoder *encoder, const struct avro_schema *schema, uint32_t index)
{
    int128 unscaled;
    if (json_at(encoder->document, index)->kind != JSON_KIND_NUMBER ||
        !avro_decimal_from_text(raw_text(encoder, index), schema->precision, schema->scale,
                                &unscaled)) {
        return false;
    }
    if (schema->kind == AVRO_FIXED) {
        return avro_append_decimal(unscaled, schema->fixed_size, encoder->target);
    }
    size_t before = encoder->target->size;
    buffer_append_byte(encoder->target, 0); /* at most 16 bytes: one byte of size */
    (void) avro_append_decimal(unscaled, 0, encoder->target);
    encoder->target->data[before] = (uint8_t) ((encoder->target->size - before - 1) << 1);
    return true;
}

/* Bytes stand in JSON as base64. */
static bool encode_bytes(struct encoder *encoder, const struct avro_schema *schema, uint32_t index)
{
    if (schema->logical == AVRO_DECIMAL) {
        return encode_decimal(encoder, schema, index);
    }
    if (json_at(encoder->document, index)->kind != JSON_KIND_STRING) {
        return false;
    }
    CLEANUP(buffer_deinit) struct buffer bytes = BUFFER_INIT;
    if (!avro_append_base64(json_text(encoder->document, index, &encoder->arena), &bytes)) {
        return false;
    }
    if (schema->kind == AVRO_BYTES) {
        encoder_bytes(encoder->target, buffer_slice(&bytes));
        return true;
    }
    buffer_append_slice(encoder->target, buffer_slice(&bytes));
    return bytes.size == schema->fixed_size;
}

static bool encode_enum(struct encoder *encoder, const struct avro_schema *schema, uint32_t index)
{
    if (json_at(encoder->document, index)->kind != JSON_KIND_STRING) {
        return false;
    }
    for (uint32_t i = 0; i < schema->symbol_count; i++) {
        if (json_text_is(encoder->document, index, slice_of_string(schema->symbols[i]))) {
            buffer_append_zigzag(encoder->target, i);
            return true;
        }
    }
    return false;
}

bool encoder_scalar(struct encoder *encoder,
                    const struct avro_schema *schema,
                    uint32_t index,
                    bool mixed)
{
    enum json_kind kind = json_at(encoder->document, index)->kind;
    switch (schema->kind) {
    case AVRO_NULL:
        return kind == JSON_KIND_NULL;
    case AVRO_BOOLEAN:
        buffer_append_byte(encoder->target, kind == JSON_KIND_TRUE);
        return kind == JSON_KIND_TRUE || kind == JSON_KIND_FALSE;
    case AVRO_INT:
    case AVRO_LONG:
        return encode_integer(encoder, schema, index);
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return encode_floating(encoder, schema, index);
    case AVRO_STRING:
        return encode_string(encoder, index, mixed || schema->mixed);
    case AVRO_ENUM:
        return encode_enum(encoder, schema, index);
    default: /* bytes, fixed */
        return encode_bytes(encoder, schema, index);
    }
}
