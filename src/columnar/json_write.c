#include "columnar/json_write.h"

#include "base/time_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

size_t double_shortest(double value, bool single, char *target)
{
    if (isnan(value) || isinf(value)) {
        const char *name = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        return (size_t) snprintf(target, DOUBLE_TEXT_BYTES, "%s", name);
    }
    int size = 0;
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        size = snprintf(target, DOUBLE_TEXT_BYTES, "%.*g", digits, value);
        double back = single ? (double) strtof(target, NULL) : strtod(target, NULL);
        if (back == value) {
            break;
        }
    }
    return (size_t) size;
}

void json_write_double(double value, bool single, struct buffer *target)
{
    char text[DOUBLE_TEXT_BYTES];
    size_t size = double_shortest(value, single, text);
    if (isnan(value) || isinf(value)) {
        buffer_append_json(target, slice_of(text, size));
        return;
    }
    buffer_append(target, text, size);
    if (strpbrk(text, ".e") == NULL) {
        buffer_append_string(target, ".0");
    }
}

void json_write_decimal(int128 unscaled, uint8_t scale, struct buffer *target)
{
    uint128 rest = unscaled < 0 ? -(uint128) unscaled : (uint128) unscaled;
    char digits[48];
    char *at = digits + sizeof(digits);
    for (unsigned count = 0; rest != 0 || count <= scale; count++) {
        if (count == scale && count > 0) {
            *--at = '.';
        }
        *--at = (char) ('0' + (int) (rest % 10));
        rest /= 10;
    }
    if (unscaled < 0) {
        *--at = '-';
    }
    buffer_append(target, at, (size_t) (digits + sizeof(digits) - at));
}

void json_write_base64(struct slice bytes, struct buffer *target)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buffer_append_byte(target, '"');
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t) bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t) bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        char text[4] = {
            letters[group >> 18],
            letters[(group >> 12) & 63],
            left > 1 ? letters[(group >> 6) & 63] : '=',
            left > 2 ? letters[group & 63] : '=',
        };
        buffer_append(target, text, sizeof(text));
    }
    buffer_append_byte(target, '"');
}

void json_write_date(int64_t days, struct buffer *target)
{
    int64_t year;
    unsigned month;
    unsigned day;
    civil_from_days(days, &year, &month, &day);
    buffer_printf(target, "\"%04lld-%02u-%02u\"", (long long) year, month, day);
}

void json_write_timestamp(int64_t time_us, struct buffer *target)
{
    char text[TIME_TEXT_BYTES];
    size_t size = time_format(time_us, text);
    buffer_append_byte(target, '"');
    buffer_append(target, text, size);
    buffer_append_byte(target, '"');
}
