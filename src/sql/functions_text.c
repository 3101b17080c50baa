/* Strings: padding, splitting, formatting, and smaller helpers. */

#include "base/utf8.h"
#include "columnar/builder.h"
#include "sql/code_points.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

/* Fails the row if a result of so many bytes is not wanted. */
static bool too_large(struct text_output *text, int64_t row, uint64_t bytes)
{
    if (bytes <= TEXT_VALUE_BYTES_MAX) {
        return false;
    }
    output_fail(&text->base, row, "the result is too large: more than 256 MiB");
    text_end_null(text, row);
    return true;
}

static const struct column *call_repeat(CALL_PARAMETERS)
{
    bool spaces = call->argument_count == 1;
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value =
            spaces ? SLICE(" ") : arg_bytes(arg_of(arguments[0], text.base.rows), i);
        int64_t count = arg_int(arg_of(arguments[call->argument_count - 1], text.base.rows), i);
        count = count < 0 || value.size == 0 ? 0 : count;
        if (too_large(&text, i, (uint64_t) count * value.size)) {
            continue;
        }
        for (int64_t n = 0; n < count; n++) {
            text_append_slice(&text, value);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* Cuts to `length` code points, or fills up with those of `fill`, repeated. */
static void append_padding(struct text_output *text, struct slice fill, int64_t count)
{
    int64_t size = code_point_count(fill);
    for (; count >= size; count -= size) {
        text_append_slice(text, fill);
    }
    text_append_slice(text, code_point_range(fill, 0, count));
}

enum {
    PAD_LEFT,
    PAD_RIGHT
};

static const struct column *call_pad(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(arg_of(arguments[0], rows), i);
        int64_t wanted = arg_int(arg_of(arguments[1], rows), i);
        struct slice fill =
            call->argument_count == 3 ? arg_bytes(arg_of(arguments[2], rows), i) : SLICE(" ");
        int64_t missing = wanted - code_point_count(value);
        if (missing <= 0 || fill.size == 0) {
            text_end_slice(&text, i, code_point_range(value, 0, wanted));
            continue;
        }
        if (too_large(&text, i, value.size + (uint64_t) missing * 4)) {
            continue;
        }
        if (call->function->variant == PAD_LEFT) {
            append_padding(&text, fill, missing);
        }
        text_append_slice(&text, value);
        if (call->function->variant == PAD_RIGHT) {
            append_padding(&text, fill, missing);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* Part number n of the text cut at a delimiter, from 1 or from the end; '' outside. */
static struct slice split_part(struct slice text, struct slice delimiter, int64_t n)
{
    if (delimiter.size == 0) {
        return n == 1 || n == -1 ? text : slice_of(text.data, 0);
    }
    int64_t parts = 1;
    for (size_t at = 0; (at = slice_find(text, delimiter, at)) != SIZE_MAX;) {
        parts++;
        at += delimiter.size;
    }
    int64_t index = n > 0 ? n : parts + n + 1;
    if (index < 1 || index > parts) {
        return slice_of(text.data, 0);
    }
    size_t start = 0;
    for (int64_t i = 1; i < index; i++) {
        start = slice_find(text, delimiter, start) + delimiter.size;
    }
    size_t end = slice_find(text, delimiter, start);
    return slice_of(text.data + start, (end == SIZE_MAX ? text.size : end) - start);
}

static const struct column *call_split_part(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 3, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(arg_of(arguments[2], rows), i);
        if (n == 0) {
            output_fail(&text.base, i, "split_part counts from 1, not 0");
            text_end_null(&text, i);
            continue;
        }
        text_end_slice(&text, i,
                       split_part(arg_bytes(arg_of(arguments[0], rows), i),
                                  arg_bytes(arg_of(arguments[1], rows), i), n));
    }
    return text_finish(&text);
}

/* What stands before the n-th delimiter, or behind the n-th from the end. */
static struct slice substring_index(struct slice text, struct slice delimiter, int64_t n)
{
    if (n == 0 || delimiter.size == 0) {
        return slice_of(text.data, 0);
    }
    if (n > 0) {
        size_t at = 0;
        for (int64_t i = 0; i < n; i++) {
            size_t hit = slice_find(text, delimiter, i == 0 ? 0 : at + 1);
            if (hit == SIZE_MAX) {
                return text;
            }
            at = hit;
        }
        return slice_of(text.data, at);
    }
    int64_t at = (int64_t) text.size - (int64_t) delimiter.size + 1;
    for (int64_t i = 0; i > n; i--) {
        do {
            at--;
        } while (at >= 0 && memcmp(text.data + at, delimiter.data, delimiter.size) != 0);
        if (at < 0) {
            return text;
        }
    }
    size_t start = (size_t) at + delimiter.size;
    return slice_of(text.data + start, text.size - start);
}

static const struct column *call_substring_index(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 3, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (!text_skip_null(&text, i)) {
            text_end_slice(&text, i,
                           substring_index(arg_bytes(arg_of(arguments[0], rows), i),
                                           arg_bytes(arg_of(arguments[1], rows), i),
                                           arg_int(arg_of(arguments[2], rows), i)));
        }
    }
    return text_finish(&text);
}

/* overlay(text PLACING by FROM position [FOR length]) */
static const struct column *call_overlay(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(arg_of(arguments[0], rows), i);
        struct slice by = arg_bytes(arg_of(arguments[1], rows), i);
        int64_t position = arg_int(arg_of(arguments[2], rows), i);
        int64_t length = call->argument_count == 4 ? arg_int(arg_of(arguments[3], rows), i) : -1;
        length = length < 0 ? code_point_count(by) : length;
        text_append_slice(&text, code_point_range(value, 0, position - 1));
        text_append_slice(&text, by);
        text_append_slice(&text, code_point_range(value, position - 1 + length, INT64_MAX));
        text_end(&text, i);
    }
    return text_finish(&text);
}

static const struct column *call_ascii(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            struct slice value = arg_bytes(x, i);
            uint32_t code_point = 0;
            if (value.size > 0) {
                utf8_decode(value.data, value.size, &code_point);
            }
            output_int(&output, i, code_point);
        }
    }
    return output_finish(&output);
}

/* The Latin-1 character of n modulo 256; '' for negative numbers. */
static const struct column *call_chr(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(x, i);
        if (n >= 0) {
            uint8_t *target = text_reserve(&text, 4);
            text.size += utf8_encode((uint32_t) (n & 0xff), target);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- format_string ---- */

static enum status resolve_format(RESOLVE_PARAMETERS)
{
    for (uint32_t i = 1; i < count; i++) {
        if (types[i]->field_count > 0) {
            return function_type_error(function, i, types[i], "a plain value", error);
        }
    }
    *ret_type = type_plain(TYPE_STRING);
    return function_want(function, types, 0, type_plain(TYPE_STRING), error);
}

/* Groups the digits of a plain number by thousands. */
static void group_thousands(char *text, size_t capacity)
{
    char copy[400];
    size_t size = strlen(text);
    if (size >= sizeof copy || size + size / 3 >= capacity) {
        return;
    }
    memcpy(copy, text, size + 1);
    size_t start = copy[0] == '-' || copy[0] == '+' ? 1 : 0;
    size_t digits = strspn(copy + start, "0123456789");
    size_t to = start;
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0) {
            text[to++] = ',';
        }
        text[to++] = copy[start + i];
    }
    memcpy(text + to, copy + start + digits, size - start - digits + 1);
}

struct directive {
    char flags[8];
    int width, precision; /* -1: none */
    char conversion;
    bool grouped;
};

/* Reads "%-5.2f" behind the %; returns the bytes used, 0 if it is none of ours. */
static size_t read_directive(struct slice text, struct directive *directive, int *ret_index)
{
    size_t at = 0;
    size_t flags = 0;
    *directive = (struct directive){.width = -1, .precision = -1};
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    if (digits > 0 && digits < text.size && text.data[digits] == '$') {
        *ret_index = atoi((const char *) text.data);
        at = digits + 1;
    }
    for (; at < text.size && strchr("-#+ 0,(", text.data[at]) != NULL && text.data[at] != 0; at++) {
        if (text.data[at] == ',') {
            directive->grouped = true;
        } else if (flags < 6) {
            directive->flags[flags++] = (char) text.data[at];
        }
    }
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        directive->width = (directive->width < 0 ? 0 : directive->width * 10) + text.data[at] - '0';
        if (directive->width > 10000) {
            return 0;
        }
    }
    if (at < text.size && text.data[at] == '.') {
        directive->precision = 0;
        for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            directive->precision = directive->precision * 10 + text.data[at] - '0';
            if (directive->precision > 300) {
                return 0;
            }
        }
    }
    if (at == text.size || strchr("sSdxXofeEgGcbBn%", text.data[at]) == NULL) {
        return 0;
    }
    directive->conversion = (char) text.data[at];
    return at + 1;
}

static void append_padded(struct text_output *text, const struct directive *d, struct slice value)
{
    int64_t missing = d->width - code_point_count(value);
    bool left = strchr(d->flags, '-') != NULL;
    for (int64_t i = 0; !left && i < missing; i++) {
        text_append(text, " ", 1);
    }
    text_append_slice(text, value);
    for (int64_t i = 0; left && i < missing; i++) {
        text_append(text, " ", 1);
    }
}

static struct slice plain_text(struct eval *eval, struct arg value, int64_t row)
{
    if (value.column->type->id == TYPE_NULL || arg_is_null(value, row)) {
        return SLICE("null");
    }
    if (value.column->type->id == TYPE_STRING) {
        return arg_bytes(value, row);
    }
    int32_t index = (int32_t) arg_row(value, row);
    const struct column *one = column_take(eval->arena, value.column, &index, 1);
    struct batch batch = {.length = 1};
    struct eval nested = *eval;
    nested.batch = &batch;
    nested.active = NULL;
    return column_bytes(cast_column(&nested, one, type_plain(TYPE_STRING), true, 0), 0);
}

static bool append_integer(struct text_output *text,
                           const struct directive *d,
                           const struct column *column,
                           int64_t row)
{
    if (!type_is_integral(column->type)) {
        return false;
    }
    char format[32];
    char number[400];
    bool zero = strchr(d->flags, '0') != NULL;
    bool decimal = d->conversion == 'd';
    int64_t value = column_int(column, row);
    if (!decimal && column->type->id != TYPE_BIGINT) {
        value = (uint32_t) value; /* Java's Integer in hexadecimal */
    }
    snprintf(format, sizeof format, "%%%s*ll%c", d->grouped ? "" : d->flags, d->conversion);
    int width = d->width < 0 || d->grouped ? 0 : d->width;
    /* The format is made of checked parts. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(number, sizeof number, format, width > 300 ? 300 : width, (long long) value);
#pragma GCC diagnostic pop
    if (d->grouped && decimal) {
        group_thousands(number, sizeof number);
    }
    (void) zero;
    append_padded(text, d, slice_of_string(number));
    return true;
}

static bool append_float(struct text_output *text,
                         const struct directive *d,
                         const struct column *column,
                         int64_t row)
{
    double value;
    char number[800];
    if (column->type->id == TYPE_DECIMAL) {
        value = decimal_to_double(((const int128 *) column->values)[row], column->type->scale);
    } else if (column->type->id == TYPE_DOUBLE || column->type->id == TYPE_FLOAT) {
        value = column_double(column, row);
    } else {
        return false;
    }
    int precision = d->precision < 0 ? 6 : d->precision;
    int128 unscaled;
    if (d->conversion == 'f' && isfinite(value) && precision <= 18 && fabs(value) < 1e18 &&
        decimal_from_double(value, precision, &unscaled)) {
        /* Java rounds the shortest text HALF_UP; printf the exact value. */
        char plain[DECIMAL_TEXT_BYTES];
        decimal_format(unscaled, precision, plain);
        int width = strchr(d->flags, '0') != NULL && d->width > 0 ? d->width : 0;
        bool negative = plain[0] == '-';
        bool plus = strchr(d->flags, '+') != NULL && !negative;
        int digits = (int) strlen(plain) - negative;
        int zeros = width - digits - negative - plus;
        int size = snprintf(number, sizeof number, "%s", negative ? "-" : plus ? "+" : "");
        while (zeros-- > 0 && size < 400) {
            number[size++] = '0';
        }
        snprintf(number + size, sizeof number - (size_t) size, "%s", plain + negative);
    } else {
        char format[32];
        snprintf(format, sizeof format, "%%%s*.*%c", d->flags, d->conversion);
        int width = d->width < 0 ? 0 : d->width > 300 ? 300 : d->width;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(number, sizeof number, format, width, precision, value);
#pragma GCC diagnostic pop
    }
    if (d->grouped) {
        group_thousands(number, sizeof number);
    }
    append_padded(text, d, slice_of_string(number));
    return true;
}

static bool
append_directive(struct text_output *text, const struct directive *d, struct arg value, int64_t row)
{
    bool null = value.column->type->id == TYPE_NULL || arg_is_null(value, row);
    const struct column *column = value.column;
    int64_t at = arg_row(value, row);
    switch (null && strchr("cbB", d->conversion) == NULL ? 's' : d->conversion) {
    case 's':
    case 'S': {
        struct slice plain = plain_text(text->base.eval, value, row);
        if (d->precision >= 0) {
            plain = code_point_range(plain, 0, d->precision);
        }
        append_padded(text, d, plain);
        return true;
    }
    case 'b':
    case 'B': {
        bool is = !null && (column->type->id != TYPE_BOOLEAN || column_bool(column, at));
        append_padded(text, d, slice_of_string(is ? "true" : "false"));
        return true;
    }
    case 'c': {
        uint8_t bytes[4];
        if (null || !type_is_integral(column->type)) {
            append_padded(text, d, SLICE("null"));
            return null;
        }
        uint32_t code_point = (uint32_t) column_int(column, at);
        if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000)) {
            return false;
        }
        append_padded(text, d, slice_of(bytes, utf8_encode(code_point, bytes)));
        return true;
    }
    case 'd':
    case 'x':
    case 'X':
    case 'o':
        return append_integer(text, d, column, at);
    default:
        return append_float(text, d, column, at);
    }
}

static bool format_row(struct text_output *text,
                       const struct expression *call,
                       const struct column *const *arguments,
                       struct slice format,
                       int64_t row)
{
    int next = 1;
    for (size_t at = 0; at < format.size;) {
        if (format.data[at] != '%') {
            text_append(text, &format.data[at++], 1);
            continue;
        }
        struct directive directive;
        int index = 0;
        size_t used = read_directive(slice_of(format.data + at + 1, format.size - at - 1),
                                     &directive, &index);
        if (used == 0) {
            return false;
        }
        at += 1 + used;
        if (directive.conversion == '%' || directive.conversion == 'n') {
            append_padded(text, &directive,
                          slice_of_string(directive.conversion == 'n' ? "\n" : "%"));
            continue;
        }
        index = index > 0 ? index : next++;
        if ((uint32_t) index >= call->argument_count ||
            !append_directive(text, &directive, arg_of(arguments[index], text->base.rows), row)) {
            return false;
        }
    }
    return true;
}

static const struct column *call_format(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg format = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        if (format_row(&text, call, arguments, arg_bytes(format, i), i)) {
            text_end(&text, i);
        } else {
            output_fail(&text.base, i, "the format does not fit its arguments");
            text_end_null(&text, i);
        }
    }
    return text_finish(&text);
}

/* format_number(x, digits): "1,234.50", halves to the even digit as Java's DecimalFormat. */
static enum status resolve_format_number(RESOLVE_PARAMETERS)
{
    if (types[0]->id == TYPE_STRING || types[0]->id == TYPE_NULL || types[0]->id == TYPE_FLOAT) {
        types[0] = type_plain(TYPE_DOUBLE);
    }
    if (!type_is_numeric(types[0])) {
        return function_type_error(function, 0, types[0], "a number", error);
    }
    *ret_type = type_plain(TYPE_STRING);
    return function_want(function, types, 1, type_plain(TYPE_INT), error);
}

static bool format_number(const struct column *column, int64_t row, int digits, char *target)
{
    int128 value;
    if (column->type->id == TYPE_DECIMAL) {
        value = ((const int128 *) column->values)[row];
        if (!decimal_rescale_even(value, column->type->scale, digits, &value)) {
            return false;
        }
    } else if (column->type->id == TYPE_DOUBLE) {
        int scale = digits > 17 ? digits : 18;
        if (!decimal_from_double(column_double(column, row), scale, &value) ||
            !decimal_rescale_even(value, scale, digits, &value)) {
            return false;
        }
    } else if (!decimal_rescale(column_int(column, row), 0, digits, &value)) {
        return false;
    }
    decimal_format(value, digits, target);
    return true;
}

static const struct column *call_format_number(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 2, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        char number[400];
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t digits = arg_int(arg_of(arguments[1], text.base.rows), i);
        if (digits < 0) {
            text_end_null(&text, i);
            continue;
        }
        digits = digits > 30 ? 30 : digits;
        if (!format_number(x.column, arg_row(x, i), (int) digits, number)) {
            double value = x.column->type->id == TYPE_DOUBLE ? arg_double(x, i) : 0;
            if (isfinite(value)) {
                snprintf(number, sizeof number, "%.*f", (int) digits, value);
            } else {
                strcpy(number, isnan(value) ? "NaN" : value < 0 ? "-\xe2\x88\x9e" : "\xe2\x88\x9e");
            }
        }
        group_thousands(number, sizeof number);
        text_end_slice(&text, i, slice_of_string(number));
    }
    return text_finish(&text);
}

/* ---- soundex, levenshtein, mask ---- */

static void soundex(struct slice text, char target[5])
{
    static const char codes[] = "01230127022455012623017202"; /* 7: H and W, which do not part */
    memcpy(target, "0000", 5);
    char last = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < 4; i++) {
        uint8_t c = text.data[i] & 0xdf;
        if (c < 'A' || c > 'Z') {
            last = '0';
            continue;
        }
        char code = codes[c - 'A'];
        if (i == 0) {
            target[size++] = (char) c;
            last = code;
        } else if (code != '7') {
            if (code != '0' && code != last) {
                target[size++] = code;
            }
            last = code;
        }
    }
}

static const struct column *call_soundex(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        uint8_t first = value.size == 0 ? 0 : value.data[0] & 0xdf;
        if (first < 'A' || first > 'Z' || value.data[0] >= 0x80) {
            text_end_slice(&text, i, value);
            continue;
        }
        char code[5];
        soundex(value, code);
        text_end_slice(&text, i, slice_of(code, 4));
    }
    return text_finish(&text);
}

/* Edits (insert, delete, replace) over code points; one row of the table at a time. */
static int64_t levenshtein(struct slice a, struct slice b, int32_t *costs)
{
    int32_t columns = 0;
    for (size_t j = 0; j < b.size; j += code_point_bytes(b.data[j])) {
        costs[columns] = columns;
        columns++;
    }
    costs[columns] = columns;
    int32_t line = 0;
    for (size_t i = 0; i < a.size; i += code_point_bytes(a.data[i])) {
        int32_t diagonal = line++;
        int32_t column = 0;
        costs[0] = line;
        for (size_t j = 0; j < b.size; j += code_point_bytes(b.data[j])) {
            size_t size = code_point_bytes(a.data[i]);
            bool same =
                size == code_point_bytes(b.data[j]) && memcmp(a.data + i, b.data + j, size) == 0;
            int32_t cost = diagonal + !same;
            column++;
            diagonal = costs[column];
            cost = diagonal + 1 < cost ? diagonal + 1 : cost;
            costs[column] = costs[column - 1] + 1 < cost ? costs[column - 1] + 1 : cost;
        }
    }
    return costs[columns];
}

static const struct column *call_levenshtein(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct buffer costs = BUFFER_INIT;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice a = arg_bytes(arg_of(arguments[0], output.rows), i);
        struct slice b = arg_bytes(arg_of(arguments[1], output.rows), i);
        if (a.size > 100000 || b.size > 100000) {
            output_fail(&output, i, "levenshtein takes texts of at most 100000 bytes");
            continue;
        }
        buffer_clear(&costs);
        void *memory = buffer_reserve(&costs, (b.size + 1) * sizeof(int32_t));
        int64_t distance = levenshtein(a, b, memory);
        if (call->argument_count == 3 && distance > arg_int(arg_of(arguments[2], output.rows), i)) {
            distance = -1;
        }
        output_int(&output, i, distance);
    }
    buffer_deinit(&costs);
    return output_finish(&output);
}

/* Which replacement a character gets: 0 upper, 1 lower, 2 digit, 3 other. */
static int mask_kind(uint32_t code_point)
{
    switch (utf8proc_category((utf8proc_int32_t) code_point)) {
    case UTF8PROC_CATEGORY_LU:
        return 0;
    case UTF8PROC_CATEGORY_LL:
        return 1;
    case UTF8PROC_CATEGORY_ND:
        return 2;
    default:
        return 3;
    }
}

static const struct column *call_mask(CALL_PARAMETERS)
{
    static const char *const defaults[] = {"X", "x", "n", NULL};
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    int64_t rows = text.base.rows;
    struct arg x = arg_of(arguments[0], rows);
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        for (size_t at = 0; at < value.size;) {
            uint32_t code_point;
            size_t size = utf8_decode(value.data + at, value.size - at, &code_point);
            size = size == 0 ? 1 : size;
            uint32_t kind = (uint32_t) mask_kind(code_point);
            struct slice by = slice_of_string(defaults[kind]);
            bool keep = defaults[kind] == NULL;
            if (kind + 1 < call->argument_count) {
                struct arg given = arg_of(arguments[kind + 1], rows);
                keep = arg_is_null(given, i);
                by = keep ? SLICE("") : arg_bytes(given, i);
            }
            text_append_slice(&text, keep ? slice_of(value.data + at, size) : by);
            at += size;
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- lists in text ---- */

static const struct column *call_find_in_set(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice wanted = arg_bytes(arg_of(arguments[0], output.rows), i);
        struct slice list = arg_bytes(arg_of(arguments[1], output.rows), i);
        int64_t place = 0;
        size_t start = 0;
        bool comma = wanted.size > 0 && memchr(wanted.data, ',', wanted.size) != NULL;
        for (int64_t n = 1; !comma && start <= list.size && place == 0; n++) {
            size_t end = slice_find(list, SLICE(","), start);
            end = end == SIZE_MAX ? list.size : end;
            if (slice_equal(slice_of(list.data + start, end - start), wanted)) {
                place = n;
            }
            start = end + 1;
        }
        output_int(&output, i, place);
    }
    return output_finish(&output);
}

static enum status resolve_elt(RESOLVE_PARAMETERS)
{
    TRY(function_want(function, types, 0, type_plain(TYPE_INT), error));
    for (uint32_t i = 1; i < count; i++) {
        TRY(function_want(function, types, i, type_plain(TYPE_STRING), error));
    }
    *ret_type = type_plain(TYPE_STRING);
    return STATUS_OK;
}

static const struct column *call_elt(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(arg_of(arguments[0], rows), i);
        if (n < 1 || n >= call->argument_count) {
            output_fail(&text.base, i, "elt has no value %lld", (long long) n);
            text_end_null(&text, i);
            continue;
        }
        struct arg chosen = arg_of(arguments[n], rows);
        if (arg_is_null(chosen, i)) {
            text_end_null(&text, i);
        } else {
            text_end_slice(&text, i, arg_bytes(chosen, i));
        }
    }
    return text_finish(&text);
}

#define PAD(name, side, help)                                                                      \
    SCALAR_VARIANT(name, side, 2, 3, "string, int, string -> string", call_pad,                    \
                   name "(text, length[, fill])", help)
#define FORMAT(name)                                                                               \
    SCALAR_RESOLVED(name, 0, 1, ARGUMENTS_ANY, resolve_format, call_format,                        \
                    name "(format, a, ...)",                                                       \
                    "Values in a printf format: %s %d %x %o %f %e %g %c %b.")
#define CHR(name)                                                                                  \
    SCALAR(name, 1, 1, "bigint -> string", call_chr, name "(n)", "The character with number n.")

static const struct sql_function rows[] = {
    SCALAR("repeat",
           2,
           2,
           "string, int -> string",
           call_repeat,
           "repeat(text, n)",
           "The text n times."),
    SCALAR("space", 1, 1, "int -> string", call_repeat, "space(n)", "n blanks."),
    PAD("lpad", PAD_LEFT, "The text filled up to a length at its start, or cut."),
    PAD("rpad", PAD_RIGHT, "The text filled up to a length at its end, or cut."),
    SCALAR("split_part",
           3,
           3,
           "string, string, int -> string",
           call_split_part,
           "split_part(text, delimiter, n)",
           "Part n between delimiters, from 1, or from the end if negative."),
    SCALAR("substring_index",
           3,
           3,
           "string, string, int -> string",
           call_substring_index,
           "substring_index(text, delimiter, n)",
           "What stands before the n-th delimiter, or behind the n-th from the end."),
    SCALAR("overlay",
           3,
           4,
           "string, string, int, int -> string",
           call_overlay,
           "overlay(text PLACING by FROM position [FOR length])",
           "The text with a part replaced."),
    SCALAR("ascii",
           1,
           1,
           "string -> int",
           call_ascii,
           "ascii(text)",
           "The code point of the first character, or 0."),
    CHR("chr"),
    CHR("char"),
    FORMAT("format_string"),
    FORMAT("printf"),
    SCALAR_RESOLVED("format_number",
                    0,
                    2,
                    2,
                    resolve_format_number,
                    call_format_number,
                    "format_number(number, digits)",
                    "The number with thousands grouped and so many digits behind the point."),
    SCALAR("soundex",
           1,
           1,
           "string -> string",
           call_soundex,
           "soundex(text)",
           "How the text sounds in English: a letter and three digits."),
    SCALAR("levenshtein",
           2,
           3,
           "string, string, int -> int",
           call_levenshtein,
           "levenshtein(a, b[, most])",
           "Edits between two texts; -1 if there are more than `most`."),
    SCALAR("mask",
           1,
           5,
           "string, string, string, string, string -> string",
           call_mask,
           "mask(text[, upper[, lower[, digit[, other]]]])",
           "Letters and digits replaced by X, x, n, or what is given; null keeps them."),
    SCALAR("find_in_set",
           2,
           2,
           "string, string -> int",
           call_find_in_set,
           "find_in_set(text, list)",
           "Place from 1 of the text in a list with commas, or 0."),
    SCALAR_RESOLVED("elt",
                    0,
                    2,
                    ARGUMENTS_ANY,
                    resolve_elt,
                    call_elt,
                    "elt(n, a, b, ...)",
                    "The n-th of the values."),
};

FUNCTION_FAMILY(functions_text, rows);
