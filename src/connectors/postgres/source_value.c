#include "connectors/postgres/source_value.h"

#include "base/hex.h"
#include "base/utf8.h"

#define DIMENSIONS_MAX 16 /* PostgreSQL has 6 */

bool value_type_builtin(uint32_t oid, enum value_kind *ret_kind)
{
    /* src/include/catalog/pg_type.dat of PostgreSQL: these never change. */
    static const struct {
        uint32_t oid;
        enum value_kind kind;
    } builtin[] = {
        {16, VALUE_BOOL},        {17, VALUE_BYTES},         {20, VALUE_LONG},
        {21, VALUE_INT},         {23, VALUE_INT},           {26, VALUE_LONG},
        {700, VALUE_FLOAT},      {701, VALUE_DOUBLE},       {1082, VALUE_DATE},
        {1114, VALUE_TIMESTAMP}, {1184, VALUE_TIMESTAMPTZ}, {1700, VALUE_NUMERIC},
        {18, VALUE_TEXT},        {19, VALUE_TEXT},          {25, VALUE_TEXT},
        {114, VALUE_TEXT},       {1042, VALUE_TEXT},        {1043, VALUE_TEXT},
        {1083, VALUE_TEXT},      {1186, VALUE_TEXT},        {1266, VALUE_TEXT},
        {2950, VALUE_TEXT},      {3802, VALUE_TEXT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
        if (builtin[i].oid == oid) {
            *ret_kind = builtin[i].kind;
            return true;
        }
    }
    return false;
}

/* ---- scalars -----------------------------------------------------------------------------------
 */

static bool append_text(struct slice text, struct buffer *target, const char **ret_fault)
{
    if (!utf8_valid(text.data, text.size)) {
        *ret_fault = "no UTF-8"; /* a database with the encoding SQL_ASCII */
        return false;
    }
    buffer_append_json(target, text);
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* A number as JSON has it. */
static bool is_number(struct slice text)
{
    size_t i = text.size > 0 && text.data[0] == '-';
    size_t start = i;
    while (i < text.size && is_digit(text.data[i])) {
        i++;
    }
    if (i == start || (text.data[start] == '0' && i - start > 1)) {
        return false;
    }
    if (i < text.size && text.data[i] == '.') {
        start = ++i;
        while (i < text.size && is_digit(text.data[i])) {
            i++;
        }
        if (i == start) {
            return false;
        }
    }
    if (i < text.size && (text.data[i] | 32) == 'e') {
        i++;
        i += i < text.size && (text.data[i] == '+' || text.data[i] == '-');
        start = i;
        while (i < text.size && is_digit(text.data[i])) {
            i++;
        }
        if (i == start) {
            return false;
        }
    }
    return i == text.size;
}

/* A number, or text for what JSON has no numbers for. */
static bool append_number(struct slice text, struct buffer *target, const char **ret_fault)
{
    if (is_number(text)) {
        buffer_append_slice(target, text);
        return true;
    }
    if (slice_equal_string(text, "NaN") || slice_equal_string(text, "Infinity") ||
        slice_equal_string(text, "-Infinity")) {
        buffer_append_json(target, text);
        return true;
    }
    *ret_fault = "no number";
    return false;
}

/* "\x4869" as base64. */
static bool append_bytes(struct slice text, struct buffer *target, const char **ret_fault)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    *ret_fault = "no bytes in hexadecimal form";
    if (text.size < 2 || text.data[0] != '\\' || text.data[1] != 'x' || text.size % 2 != 0) {
        return false;
    }
    size_t count = text.size / 2 - 1;
    const uint8_t *hex = text.data + 2;
    buffer_append_byte(target, '"');
    for (size_t i = 0; i < count; i += 3) {
        uint32_t bits = 0;
        size_t here = count - i < 3 ? count - i : 3;
        for (size_t j = 0; j < here; j++) {
            int high = hex_digit_value(hex[2 * (i + j)]);
            int low = hex_digit_value(hex[2 * (i + j) + 1]);
            if (high < 0 || low < 0) {
                return false;
            }
            bits |= (uint32_t) (high << 4 | low) << (16 - 8 * j);
        }
        for (size_t j = 0; j < 4; j++) {
            buffer_append_byte(target,
                               j <= here ? (uint8_t) alphabet[bits >> (18 - 6 * j) & 63] : '=');
        }
    }
    buffer_append_byte(target, '"');
    return true;
}

/* "2026-01-01 12:00:00.5+00" as "2026-01-01T12:00:00.5Z". What has no such form, before our era or
 * infinite, stays as PostgreSQL shows it. */
static bool append_timestamp(struct slice text, struct buffer *target, const char **ret_fault)
{
    const uint8_t *blank = text.size == 0 ? NULL : memchr(text.data, ' ', text.size);
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) && memchr("-:.+ ", text.data[i], 5) == NULL) {
            blank = NULL;
        }
    }
    if (blank == NULL) {
        return append_text(text, target, ret_fault);
    }
    size_t date = (size_t) (blank - text.data);
    struct slice time = slice_of(blank + 1, text.size - date - 1);
    bool utc = time.size > 3 && memcmp(time.data + time.size - 3, "+00", 3) == 0;
    time.size -= utc ? 3 : 0;
    buffer_append_byte(target, '"');
    buffer_append(target, text.data, date);
    buffer_append_byte(target, 'T');
    buffer_append_slice(target, time);
    buffer_append_string(target, utc ? "Z\"" : "\"");
    return true;
}

static bool append_scalar(enum value_kind kind,
                          struct slice text,
                          struct buffer *target,
                          const char **ret_fault)
{
    switch (kind) {
    case VALUE_BOOL:
        *ret_fault = "no boolean";
        buffer_append_string(target, slice_equal_string(text, "t") ? "true" : "false");
        return text.size == 1 && (text.data[0] == 't' || text.data[0] == 'f');
    case VALUE_INT:
    case VALUE_LONG:
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
    case VALUE_DECIMAL:
        return append_number(text, target, ret_fault);
    case VALUE_BYTES:
        return append_bytes(text, target, ret_fault);
    case VALUE_TIMESTAMP:
    case VALUE_TIMESTAMPTZ:
        return append_timestamp(text, target, ret_fault);
    case VALUE_TEXT:
    case VALUE_NUMERIC:
    case VALUE_DATE:
        break;
    }
    return append_text(text, target, ret_fault);
}

/* ---- arrays ------------------------------------------------------------------------------------
 */

struct array_reader {
    const struct value_type *type;
    struct slice left;
    struct buffer element;
    struct buffer *target;
    const char **ret_fault;
};

static bool next_is(struct array_reader *reader, uint8_t c)
{
    return reader->left.size > 0 && reader->left.data[0] == c;
}

static uint8_t take(struct array_reader *reader)
{
    uint8_t c = reader->left.data[0];
    reader->left.data++;
    reader->left.size--;
    return c;
}

/* An element up to the delimiter or brace behind it. Within quotes a backslash takes the sign
 * behind it as it is. */
static bool read_element(struct array_reader *reader)
{
    bool quoted = next_is(reader, '"');
    bool open = quoted;
    buffer_clear(&reader->element);
    if (quoted) {
        (void) take(reader);
    }
    while (reader->left.size > 0) {
        if (!open && (next_is(reader, (uint8_t) reader->type->delimiter) || next_is(reader, '}'))) {
            break;
        }
        uint8_t c = take(reader);
        if (open && c == '"') {
            open = false;
            continue;
        }
        if (c == '\\' && reader->left.size > 0) {
            c = take(reader);
        }
        buffer_append_byte(&reader->element, c);
    }
    if (open || (!quoted && reader->element.size == 0)) {
        *reader->ret_fault = "no array";
        return false;
    }
    if (!quoted && slice_equal_string(buffer_slice(&reader->element), "NULL")) {
        buffer_append_string(reader->target, "null");
        return true;
    }
    return append_scalar(reader->type->kind, buffer_slice(&reader->element), reader->target,
                         reader->ret_fault);
}

static bool read_array(struct array_reader *reader, unsigned depth)
{
    *reader->ret_fault = "no array";
    if (depth > DIMENSIONS_MAX || !next_is(reader, '{')) {
        return false;
    }
    (void) take(reader);
    buffer_append_byte(reader->target, '[');
    bool empty = next_is(reader, '}');
    while (!empty) {
        if (!(next_is(reader, '{') ? read_array(reader, depth + 1) : read_element(reader))) {
            return false;
        }
        if (!next_is(reader, (uint8_t) reader->type->delimiter)) {
            break;
        }
        (void) take(reader);
        buffer_append_byte(reader->target, ',');
    }
    *reader->ret_fault = "no array";
    if (!next_is(reader, '}')) {
        return false;
    }
    (void) take(reader);
    buffer_append_byte(reader->target, ']');
    return true;
}

bool value_append(const struct value_type *type,
                  struct slice text,
                  struct buffer *target,
                  const char **ret_fault)
{
    if (!type->array) {
        return append_scalar(type->kind, text, target, ret_fault);
    }
    struct array_reader reader = {
        .type = type, .left = text, .target = target, .ret_fault = ret_fault};
    if (next_is(&reader, '[')) { /* "[2:4]={...}": where counting begins; JSON always begins at 0 */
        while (reader.left.size > 0 && take(&reader) != '=') {
        }
    }
    bool fine = read_array(&reader, 1) && reader.left.size == 0;
    buffer_deinit(&reader.element);
    return fine;
}

/* ---- types -------------------------------------------------------------------------------------
 */

/* The modifier of numeric(p,s): p in the upper half, s in the lower 11 bits, and 4 added. */
void value_type_decimal(struct value_type *type, int32_t modifier)
{
    if (type->kind != VALUE_NUMERIC || modifier < 4) {
        return;
    }
    int32_t precision = (modifier - 4) >> 16 & 0xffff;
    int32_t scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
    if (precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision) {
        type->kind = VALUE_DECIMAL;
        type->precision = (int8_t) precision;
        type->scale = (int8_t) scale;
    }
}

static void append_avro_scalar(const struct value_type *type, struct buffer *target)
{
    static const char *const names[] = {
        [VALUE_TEXT] = "\"string\"",
        [VALUE_BOOL] = "\"boolean\"",
        [VALUE_INT] = "\"int\"",
        [VALUE_LONG] = "\"long\"",
        [VALUE_FLOAT] = "\"float\"",
        [VALUE_DOUBLE] = "\"double\"",
        [VALUE_NUMERIC] = "\"string\"",
        [VALUE_BYTES] = "\"bytes\"",
        [VALUE_DATE] = "{\"type\":\"int\",\"logicalType\":\"date\"}",
        [VALUE_TIMESTAMP] = "{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}",
        [VALUE_TIMESTAMPTZ] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
    };

    if (type->kind == VALUE_DECIMAL) {
        buffer_printf(target,
                      "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":%d,"
                      "\"scale\":%d}",
                      type->precision, type->scale);
        return;
    }
    buffer_append_string(target, names[type->kind]);
}

void value_append_avro(const struct value_type *type, struct buffer *target)
{
    if (!type->array) {
        append_avro_scalar(type, target);
        return;
    }
    buffer_append_string(target, "{\"type\":\"array\",\"items\":[\"null\",");
    append_avro_scalar(type, target);
    buffer_append_string(target, "]}");
}

bool value_type_equal(const struct value_type *a, const struct value_type *b)
{
    return a->kind == b->kind && a->array == b->array && a->precision == b->precision &&
           a->scale == b->scale;
}
