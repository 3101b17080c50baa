/* Casts to and from STRING. */

#include "base/utf8.h"
#include "sql/cast_internal.h"
#include "sql/datetime.h"
#include "sql/decimal.h"
#include "sql/interval_text.h"
#include "sql/number_text.h"

#include <strings.h>

/* ---- to text ---- */

/* Room for the text of any value that is neither bytes nor nested. */
#define PLAIN_TEXT_BYTES 96

static size_t format_plain(const struct column *column, int64_t row, char *target)
{
    switch (column->type->id) {
    case TYPE_BOOLEAN: {
        bool value = column_bool(column, row);
        memcpy(target, value ? "true" : "false", 5);
        return value ? 4 : 5;
    }
    case TYPE_FLOAT:
        return number_format_float(((const float *) column->values)[row], target);
    case TYPE_DOUBLE:
        return number_format_double(((const double *) column->values)[row], target);
    case TYPE_DECIMAL:
        return decimal_format(((const int128 *) column->values)[row], column->type->scale, target);
    case TYPE_DATE:
        return datetime_format_date(column_int(column, row), target);
    case TYPE_TIMESTAMP:
        return datetime_format_timestamp(column_int(column, row), target);
    case TYPE_INTERVAL:
        return interval_format(column_int(column, row), target);
    case TYPE_INTERVAL_MONTHS:
        return interval_format_months(column_int(column, row), target);
    default:
        return number_format_int(column_int(column, row), target);
    }
}

/* Bytes as text: what is not UTF-8 becomes U+FFFD. */
static void append_valid_utf8(struct buffer *target, struct slice bytes)
{
    size_t at = 0;
    while (at < bytes.size) {
        uint32_t code_point;
        size_t size = utf8_decode(bytes.data + at, bytes.size - at, &code_point);
        if (size == 0) {
            buffer_append_string(target, "\xef\xbf\xbd");
            at++;
        } else {
            buffer_append(target, bytes.data + at, size);
            at += size;
        }
    }
}

static void write_list(const struct column *column, int64_t row, struct buffer *target)
{
    bool map = column->type->id == TYPE_MAP;
    buffer_append_byte(target, map ? '{' : '[');
    for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++) {
        if (i > column->offsets[row]) {
            buffer_append_string(target, ", ");
        }
        value_write_text(column->children[0], i, target);
        if (map) {
            buffer_append_string(target, " -> ");
            value_write_text(column->children[1], i, target);
        }
    }
    buffer_append_byte(target, map ? '}' : ']');
}

void value_write_text(const struct column *column, int64_t row, struct buffer *target)
{
    if (column->type->id == TYPE_NULL || column_is_null(column, row)) {
        buffer_append_string(target, "null");
        return;
    }
    switch (column->type->id) {
    case TYPE_STRING:
        buffer_append_slice(target, column_bytes(column, row));
        break;
    case TYPE_BINARY:
        append_valid_utf8(target, column_bytes(column, row));
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        write_list(column, row, target);
        break;
    case TYPE_STRUCT:
        buffer_append_byte(target, '{');
        for (uint32_t i = 0; i < column->type->field_count; i++) {
            buffer_append_string(target, i > 0 ? ", " : "");
            value_write_text(column->children[i], row, target);
        }
        buffer_append_byte(target, '}');
        break;
    default: {
        char text[PLAIN_TEXT_BYTES];
        buffer_append(target, text, format_plain(column, row, text));
        break;
    }
    }
}

/* Whether every value is valid UTF-8 by itself, so that the bytes can be shared. */
static bool all_valid_utf8(const struct column *column)
{
    const uint8_t *bytes = column->values;
    size_t start = (size_t) column->offsets[0];
    size_t end = (size_t) column->offsets[column->length];
    if (!utf8_valid(bytes + start, end - start)) {
        return false;
    }
    for (int64_t i = 0; i < column->length; i++) {
        size_t at = (size_t) column->offsets[i];
        if (at < end && (bytes[at] & 0xc0) == 0x80) {
            return false;
        }
    }
    return true;
}

const struct column *cast_to_string(const struct cast *cast)
{
    const struct column *from = cast->from;
    if (from->type->id == TYPE_BINARY && from->length > 0 && all_valid_utf8(from)) {
        struct column *shared = ARENA_NEW(cast->eval->arena, struct column);
        *shared = *from;
        shared->type = cast->to;
        return shared;
    }
    struct text_output text;
    text_init(&text, cast->eval, &cast->call, &cast->from, 1, (size_t) from->length * 12);
    bool plain = from->type->field_count == 0 && from->type->id != TYPE_BINARY;
    struct buffer scratch = BUFFER_INIT;
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        if (plain) {
            char *target = (char *) text_reserve(&text, PLAIN_TEXT_BYTES);
            text.size += format_plain(from, i, target);
        } else {
            buffer_clear(&scratch);
            value_write_text(from, i, &scratch);
            text_append_slice(&text, buffer_slice(&scratch));
        }
        text_end(&text, i);
    }
    buffer_deinit(&scratch);
    return text_finish(&text);
}

/* ---- from text ---- */

static bool parse_boolean(struct slice text, bool *ret_value)
{
    static const char *const words[] = {"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strlen(words[i]) == text.size &&
            strncasecmp(words[i], (const char *) text.data, text.size) == 0) {
            *ret_value = i < 5;
            return true;
        }
    }
    return false;
}

static bool parse_integer(const struct type *to, struct slice text, int64_t *ret_value)
{
    if (!number_parse_int(text, false, ret_value)) {
        return false;
    }
    switch (type_width(to)) {
    case 1:
        return *ret_value == (int8_t) *ret_value;
    case 2:
        return *ret_value == (int16_t) *ret_value;
    case 4:
        return *ret_value == (int32_t) *ret_value;
    default:
        return true;
    }
}

static bool parse_decimal(struct output *output, int64_t row, struct slice text)
{
    const struct type *to = output->call->type;
    int128 value;
    if (!decimal_parse(text, to->scale, &value) || !decimal_fits(value, to->precision)) {
        return false;
    }
    ((int128 *) output->values)[row] = value;
    return true;
}

/* Reads one text into row `row` of the result. */
static bool parse_value(struct output *output, int64_t row, struct slice text)
{
    const struct type *to = output->call->type;
    struct slice trimmed = text_trim_all(text);
    int64_t integer = 0;
    bool boolean = false;
    double number = 0;
    bool ok;
    switch (to->id) {
    case TYPE_BOOLEAN:
        ok = parse_boolean(trimmed, &boolean);
        output_bool(output, row, boolean);
        return ok;
    case TYPE_FLOAT:
        ok = number_parse_double(trimmed, &number);
        ((float *) output->values)[row] = (float) number;
        return ok;
    case TYPE_DOUBLE:
        return number_parse_double(trimmed, &((double *) output->values)[row]);
    case TYPE_DECIMAL:
        return parse_decimal(output, row, trimmed);
    case TYPE_DATE:
        ok = datetime_parse_date(text, &integer);
        break;
    case TYPE_TIMESTAMP:
        ok = datetime_parse_timestamp(text, &integer);
        break;
    case TYPE_INTERVAL:
        ok = interval_parse(trimmed, &integer);
        break;
    case TYPE_INTERVAL_MONTHS:
        ok = interval_parse_months(trimmed, &integer);
        break;
    default:
        ok = parse_integer(to, trimmed, &integer);
        break;
    }
    if (ok) {
        output_int(output, row, integer);
    }
    return ok;
}

const struct column *cast_from_string(const struct cast *cast)
{
    if (cast->to->id == TYPE_BINARY) {
        struct column *shared = ARENA_NEW(cast->eval->arena, struct column);
        *shared = *cast->from;
        shared->type = cast->to;
        return shared;
    }
    struct output output;
    output_init(&output, cast->eval, &cast->call, &cast->from, 1);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i) && !parse_value(&output, i, column_bytes(cast->from, i))) {
            cast_fail(cast, &output, i);
        }
    }
    return output_finish(&output);
}
