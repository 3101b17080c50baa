/* Pieces of Avro data: defaults, decimals, base64, skipping. */

#include "codec/avro_value.h"

#include "base/utf8.h"

/* ---- Decimals -------------------------------------------------------------------------------- */

bool avro_append_decimal(int128 unscaled, uint32_t size, struct buffer *target)
{
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++) {
        bytes[i] = (uint8_t) (unscaled >> (8 * (15 - i)));
    }
    uint8_t sign = unscaled < 0 ? 0xff : 0;
    size_t start = 0;
    while (start < 15 && bytes[start] == sign && (bytes[start + 1] & 0x80) == (sign & 0x80)) {
        start++;
    }
    size_t needed = 16 - start;
    if (size != 0 && needed > size) {
        return false;
    }
    for (size_t i = needed; i < size; i++) {
        buffer_append_byte(target, sign);
    }
    buffer_append(target, bytes + start, needed);
    return true;
}

bool avro_read_decimal(struct slice bytes, int128 *ret_unscaled)
{
    uint8_t sign = bytes.size > 0 && (bytes.data[0] & 0x80) != 0 ? 0xff : 0;
    while (bytes.size > 16) {
        if (bytes.data[0] != sign || (bytes.data[1] & 0x80) != (sign & 0x80)) {
            return false;
        }
        bytes = slice_of(bytes.data + 1, bytes.size - 1);
    }
    uint128 value = sign != 0 ? ~(uint128) 0 : 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    *ret_unscaled = (int128) value;
    return true;
}

/* Splits off the exponent; false if it is out of any use. */
static bool take_exponent(struct slice *text, int *ret_exponent)
{
    int exponent = 0;
    size_t mantissa = 0;
    while (mantissa < text->size && (text->data[mantissa] | 0x20) != 'e') {
        mantissa++;
    }
    if (mantissa < text->size) {
        size_t at = mantissa + 1;
        bool negative = text->data[at] == '-';
        at += text->data[at] == '-' || text->data[at] == '+';
        for (; at < text->size; at++) {
            if (exponent > 10000) {
                return false;
            }
            exponent = exponent * 10 + (text->data[at] - '0');
        }
        exponent = negative ? -exponent : exponent;
    }
    text->size = mantissa;
    *ret_exponent = exponent;
    return true;
}

static bool times_ten(int128 *value, unsigned digit)
{
    return !__builtin_mul_overflow(*value, (int128) 10, value) &&
           !__builtin_add_overflow(*value, (int128) digit, value);
}

bool avro_decimal_from_text(struct slice text,
                            uint8_t precision,
                            uint8_t scale,
                            int128 *ret_unscaled)
{
    int exponent;
    if (!take_exponent(&text, &exponent)) {
        return false;
    }
    int128 value = 0;
    bool negative = text.size > 0 && text.data[0] == '-';
    bool point = false;
    int zeros = 0; /* zeros at the end are kept back: 1.500 fits a scale of 1 */
    for (size_t i = negative; i < text.size; i++) {
        if (text.data[i] == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (text.data[i] == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0 && value != 0; zeros--) {
            if (!times_ten(&value, 0)) {
                return false;
            }
        }
        zeros = 0;
        if (!times_ten(&value, text.data[i] - '0')) {
            return false;
        }
    }
    exponent += zeros + scale;
    if (value != 0 && exponent < 0) {
        return false;
    }
    for (; value != 0 && exponent > 0; exponent--) {
        if (!times_ten(&value, 0)) {
            return false;
        }
    }
    int128 limit = 1;
    for (uint8_t i = 0; i < precision && i < 38; i++) {
        limit *= 10;
    }
    if (value >= limit) {
        return false;
    }
    *ret_unscaled = negative ? -value : value;
    return true;
}

/* ---- Base64 ---------------------------------------------------------------------------------- */

static int base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return byte - '0' + 52;
    }
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

bool avro_append_base64(struct slice text, struct buffer *target)
{
    if (text.size % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        uint32_t group = 0;
        bool last = i + 4 == text.size;
        unsigned pads = last ? (text.data[i + 3] == '=') + (text.data[i + 2] == '=') : 0;
        for (size_t j = 0; j < 4; j++) {
            int digit = j >= 4 - pads ? 0 : base64_digit(text.data[i + j]);
            if (digit < 0) {
                return false;
            }
            group = group << 6 | (uint32_t) digit;
        }
        uint8_t bytes[3] = {(uint8_t) (group >> 16), (uint8_t) (group >> 8), (uint8_t) group};
        if ((pads > 0 && bytes[2] != 0) || (pads > 1 && bytes[1] != 0)) {
            return false;
        }
        buffer_append(target, bytes, 3 - pads);
    }
    return true;
}

/* ---- Defaults -------------------------------------------------------------------------------- */

/* A record's default may hold the record again, or far more values than its text: {} stands for
 * all defaults of its fields. */
#define DEFAULT_VALUES_MAX 65536

struct default_limits {
    unsigned depth;
    unsigned values;
};

static bool encode_default(const struct avro_schema *schema,
                           const json_t *value,
                           struct default_limits *limits,
                           struct buffer *target);

/* Bytes stand in JSON as the code points 0 to 255. */
static bool append_latin1(const json_t *value, struct buffer *target)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    while (text.size > 0) {
        uint32_t code;
        size_t size = utf8_decode(text.data, text.size, &code);
        if (size == 0 || code > 255) {
            return false;
        }
        buffer_append_byte(target, (uint8_t) code);
        text = slice_of(text.data + size, text.size - size);
    }
    return true;
}

static bool
default_bytes(const struct avro_schema *schema, const json_t *value, struct buffer *target)
{
    if (!json_is_string(value)) {
        return false;
    }
    CLEANUP(buffer_deinit) struct buffer bytes = BUFFER_INIT;
    if (!append_latin1(value, &bytes) ||
        (schema->kind == AVRO_FIXED && bytes.size != schema->fixed_size)) {
        return false;
    }
    if (schema->kind == AVRO_BYTES) {
        buffer_append_zigzag(target, (int64_t) bytes.size);
    }
    buffer_append_slice(target, buffer_slice(&bytes));
    return true;
}

static void append_text(const char *text, size_t size, struct buffer *target)
{
    buffer_append_zigzag(target, (int64_t) size);
    buffer_append(target, text, size);
}

static bool default_record(const struct avro_schema *schema,
                           const json_t *value,
                           struct default_limits *limits,
                           struct buffer *target)
{
    if (!json_is_object(value)) {
        return false;
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct avro_field *field = &schema->fields[i];
        const json_t *part = json_object_get(value, field->name);
        part = part == NULL ? field->default_value : part;
        if (part == NULL || !encode_default(field->schema, part, limits, target)) {
            return false;
        }
    }
    return true;
}

static bool default_list(const struct avro_schema *schema,
                         const json_t *value,
                         struct default_limits *limits,
                         struct buffer *target)
{
    bool map = schema->kind == AVRO_MAP;
    if (map ? !json_is_object(value) : !json_is_array(value)) {
        return false;
    }
    size_t count = map ? json_object_size(value) : json_array_size(value);
    if (count > 0) {
        buffer_append_zigzag(target, (int64_t) count);
    }
    for (size_t i = 0; !map && i < count; i++) {
        if (!encode_default(schema->branches[0], json_array_get(value, i), limits, target)) {
            return false;
        }
    }
    const char *key;
    json_t *item;
    json_object_foreach((json_t *) (uintptr_t) value, key, item)
    {
        append_text(key, strlen(key), target);
        if (!encode_default(schema->branches[0], item, limits, target)) {
            return false;
        }
    }
    buffer_append_byte(target, 0);
    return true;
}

static bool default_union(const struct avro_schema *schema,
                          const json_t *value,
                          struct default_limits *limits,
                          struct buffer *target)
{
    size_t before = target->size;
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        buffer_append_zigzag(target, i);
        if (encode_default(schema->branches[i], value, limits, target)) {
            return true;
        }
        target->size = before;
    }
    return false;
}

static bool
default_number(const struct avro_schema *schema, const json_t *value, struct buffer *target)
{
    if (schema->kind == AVRO_INT || schema->kind == AVRO_LONG) {
        json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || (schema->kind == AVRO_INT && number != (int32_t) number)) {
            return false;
        }
        buffer_append_zigzag(target, number);
        return true;
    }
    if (!json_is_number(value)) {
        return false;
    }
    double number = json_number_value(value);
    float single = (float) number;
    if (schema->kind == AVRO_FLOAT) {
        buffer_append(target, &single, sizeof(single));
    } else {
        buffer_append(target, &number, sizeof(number));
    }
    return true;
}

static bool encode_one(const struct avro_schema *schema,
                       const json_t *value,
                       struct default_limits *limits,
                       struct buffer *target)
{
    switch (schema->kind) {
    case AVRO_NULL:
        return json_is_null(value);
    case AVRO_BOOLEAN:
        buffer_append_byte(target, json_is_true(value));
        return json_is_boolean(value);
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return default_number(schema, value, target);
    case AVRO_BYTES:
    case AVRO_FIXED:
        return default_bytes(schema, value, target);
    case AVRO_STRING:
        if (!json_is_string(value)) {
            return false;
        }
        append_text(json_string_value(value), json_string_length(value), target);
        return true;
    case AVRO_ENUM:
        for (uint32_t i = 0; i < schema->symbol_count; i++) {
            if (json_is_string(value) &&
                strcmp(schema->symbols[i], json_string_value(value)) == 0) {
                buffer_append_zigzag(target, i);
                return true;
            }
        }
        return false;
    case AVRO_RECORD:
        return default_record(schema, value, limits, target);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return default_list(schema, value, limits, target);
    case AVRO_UNION:
        return default_union(schema, value, limits, target);
    }
    return false;
}

static bool encode_default(const struct avro_schema *schema,
                           const json_t *value,
                           struct default_limits *limits,
                           struct buffer *target)
{
    if (limits->depth == AVRO_DEPTH_MAX || limits->values == DEFAULT_VALUES_MAX) {
        return false;
    }
    limits->depth++;
    limits->values++;
    bool done = encode_one(schema, value, limits, target);
    limits->depth--;
    return done;
}

bool avro_encode_default(const struct avro_schema *schema,
                         const json_t *value,
                         struct buffer *target)
{
    struct default_limits limits = {0};
    return encode_default(schema, value, &limits, target);
}

/* ---- Skipping -------------------------------------------------------------------------------- */

static bool skip_list(struct avro_reader *reader, const struct avro_schema *schema, unsigned depth)
{
    for (;;) {
        int64_t count;
        int64_t bytes;
        struct slice key;
        if (!avro_read_block(reader, &count, &bytes)) {
            return false;
        }
        if (count == 0) {
            return true;
        }
        if (bytes >= 0) {
            reader->at += bytes;
            continue;
        }
        for (; count > 0; count--) {
            const uint8_t *item = reader->at;
            if ((schema->kind == AVRO_MAP && !avro_read_bytes(reader, &key)) ||
                !avro_skip(reader, schema->branches[0], depth + 1) ||
                !avro_count_empty(reader, item)) {
                return false;
            }
        }
    }
}

bool avro_skip(struct avro_reader *reader, const struct avro_schema *schema, unsigned depth)
{
    int64_t number;
    struct slice bytes;
    if (depth == AVRO_DEPTH_MAX) {
        return avro_fail(reader, "nested too deeply");
    }
    const uint8_t *start = reader->at;
    switch (schema->kind) {
    case AVRO_NULL:
        return true;
    case AVRO_BOOLEAN:
        return avro_read_raw(reader, 1, &bytes);
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        return avro_read_long(reader, &number);
    case AVRO_FLOAT:
        return avro_read_raw(reader, 4, &bytes);
    case AVRO_DOUBLE:
        return avro_read_raw(reader, 8, &bytes);
    case AVRO_BYTES:
    case AVRO_STRING:
        return avro_read_bytes(reader, &bytes);
    case AVRO_FIXED:
        return avro_read_raw(reader, schema->fixed_size, &bytes);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return skip_list(reader, schema, depth);
    case AVRO_UNION:
        if (!avro_read_long(reader, &number)) {
            return false;
        }
        if (number < 0 || number >= schema->branch_count) {
            return avro_fail(reader, "a union branch that does not exist");
        }
        return avro_skip(reader, schema->branches[number], depth + 1);
    case AVRO_RECORD:
        for (uint32_t i = 0; i < schema->field_count; i++) {
            if (!avro_skip(reader, schema->fields[i].schema, depth + 1)) {
                return false;
            }
        }
        return avro_count_empty(reader, start);
    }
    return false;
}
