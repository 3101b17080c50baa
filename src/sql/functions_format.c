/* format_string and format_number: values in formats of Java's Formatter and DecimalFormat. */

#include "base/utf8.h"
#include "sql/code_points.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
    if (!isfinite(value)) {
        bool plus = strchr(d->flags, '+') != NULL;
        append_padded(text, d,
                      slice_of_string(isnan(value) ? "NaN"
                                      : value < 0  ? "-Infinity"
                                      : plus       ? "+Infinity"
                                                   : "Infinity"));
        return true;
    }
    int precision = d->precision < 0 ? 6 : d->precision;
    int128 unscaled;
    if (d->conversion == 'f' && precision <= 18 && fabs(value) < 1e18 &&
        decimal_from_double(value, precision, &unscaled)) {
        /* Java rounds the shortest text HALF_UP; printf the exact value. */
        char plain[DECIMAL_TEXT_BYTES + 1] = "-";
        bool minus_zero = unscaled == 0 && signbit(value) != 0;
        decimal_format(unscaled, precision, plain + minus_zero);
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

/* What is negative stays so when it is rounded to zero: "-0.00". */
static bool is_minus(const struct column *column, int64_t row)
{
    if (column->type->id == TYPE_DOUBLE) {
        double value = column_double(column, row);
        return !isnan(value) && signbit(value) != 0;
    }
    return column->type->id == TYPE_DECIMAL && ((const int128 *) column->values)[row] < 0;
}

static const struct column *call_format_number(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 2, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        char signed_number[401] = "-";
        char *number = signed_number + 1;
        size_t number_bytes = sizeof signed_number - 1;
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
                snprintf(number, number_bytes, "%.*f", (int) digits, value);
            } else {
                strcpy(number, isnan(value) ? "NaN" : value < 0 ? "-\xe2\x88\x9e" : "\xe2\x88\x9e");
            }
        }
        group_thousands(number, number_bytes);
        bool minus = number[0] != '-' && is_minus(x.column, arg_row(x, i));
        text_end_slice(&text, i, slice_of_string(minus ? signed_number : number));
    }
    return text_finish(&text);
}

#define FORMAT(name)                                                                               \
    SCALAR_RESOLVED(name, 0, 1, ARGUMENTS_ANY, resolve_format, call_format,                        \
                    name "(format, a, ...)",                                                       \
                    "Values in a printf format: %s %d %x %o %f %e %g %c %b.")

static const struct sql_function rows[] = {
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
};

FUNCTION_FAMILY(functions_format, rows);
