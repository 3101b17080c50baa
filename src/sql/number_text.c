#include "sql/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct slice text_trim_all(struct slice text)
{
    while (text.size > 0 && (text.data[0] <= ' ' || text.data[0] == 0x7f)) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] <= ' ' || text.data[text.size - 1] == 0x7f)) {
        text.size--;
    }
    return text;
}

size_t number_format_int(int64_t value, char target[NUMBER_TEXT_BYTES])
{
    char digits[NUMBER_TEXT_BYTES];
    size_t count = 0;
    uint64_t rest = value < 0 ? -(uint64_t) value : (uint64_t) value;
    do {
        digits[count++] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    size_t size = 0;
    if (value < 0) {
        target[size++] = '-';
    }
    while (count > 0) {
        target[size++] = digits[--count];
    }
    target[size] = '\0';
    return size;
}

/* Turns "-1.2345e+07" of printf into Java's form. */
static size_t java_form(const char *scientific, char target[NUMBER_TEXT_BYTES])
{
    char digits[NUMBER_TEXT_BYTES];
    int count = 0;
    size_t size = 0;
    const char *at = scientific;
    if (*at == '-') {
        target[size++] = *at++;
    }
    for (; *at != 'e'; at++) {
        if (*at != '.') {
            digits[count++] = *at;
        }
    }
    int exponent = atoi(at + 1);
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    bool plain = exponent >= -3 && exponent < 7;
    int whole = plain ? exponent + 1 : 1;
    if (whole <= 0) {
        target[size++] = '0';
    }
    for (int i = 0; i < whole; i++) {
        target[size++] = i < count ? digits[i] : '0';
    }
    target[size++] = '.';
    for (int i = whole; i < 0; i++) {
        target[size++] = '0';
    }
    int start = whole < 0 ? 0 : whole;
    for (int i = start; i < count; i++) {
        target[size++] = digits[i];
    }
    if (start >= count) {
        target[size++] = '0';
    }
    if (!plain) {
        size += (size_t) snprintf(target + size, 8, "E%d", exponent);
    }
    target[size] = '\0';
    return size;
}

static size_t special_form(double value, char target[NUMBER_TEXT_BYTES])
{
    const char *text = "NaN";
    if (isinf(value)) {
        text = value < 0 ? "-Infinity" : "Infinity";
    } else if (value == 0) {
        text = signbit(value) ? "-0.0" : "0.0";
    }
    size_t size = strlen(text);
    memcpy(target, text, size + 1);
    return size;
}

/*
 * Numbers of few digits, as most of real data are: if value is a whole number below 10^15 divided
 * by a power of ten, that quotient is its shortest text (both are exact doubles, so the division is
 * rounded right, and up to 15 digits no other text reads back as the same double). 0: not of that
 * kind.
 */
static size_t few_digits(double value, char target[NUMBER_TEXT_BYTES])
{
    static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    double magnitude = fabs(value);
    if (magnitude >= 1e7 || magnitude < 1e-3) {
        return 0;
    }
    for (int digits = 0; digits <= 6; digits++) {
        double whole = nearbyint(magnitude * powers[digits]);
        if (whole / powers[digits] != magnitude) {
            continue;
        }
        uint64_t scaled = (uint64_t) whole;
        uint64_t power = (uint64_t) powers[digits];
        size_t size = 0;
        if (value < 0) {
            target[size++] = '-';
        }
        size += number_format_int((int64_t) (scaled / power), target + size);
        target[size++] = '.';
        uint64_t rest = scaled % power;
        for (power /= 10; power > 0; power /= 10) {
            target[size++] = (char) ('0' + rest / power % 10);
        }
        if (digits == 0) {
            target[size++] = '0';
        }
        target[size] = '\0';
        return size;
    }
    return 0;
}

size_t number_format_double(double value, char target[NUMBER_TEXT_BYTES])
{
    if (!isfinite(value) || value == 0) {
        return special_form(value, target);
    }
    size_t plain = few_digits(value, target);
    if (plain > 0) {
        return plain;
    }
    /* Fifteen digits are always exact enough for the shortest text of up to fifteen, once zeros at
     * the end are cut; only numbers below the normal range have fewer. */
    char text[NUMBER_TEXT_BYTES];
    for (int precision = fabs(value) < 0x1p-1022 ? 1 : 14; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return java_form(text, target);
}

size_t number_format_float(float value, char target[NUMBER_TEXT_BYTES])
{
    if (!isfinite(value) || value == 0) {
        return special_form((double) value, target);
    }
    char text[NUMBER_TEXT_BYTES];
    for (int precision = fabsf(value) < 0x1p-126f ? 1 : 5; precision <= 8; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, (double) value);
        if (strtof(text, NULL) == value) {
            break;
        }
    }
    return java_form(text, target);
}

static bool special_parse(struct slice text, double *ret_value)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {
        {"inf", INFINITY},      {"+inf", INFINITY},      {"-inf", -INFINITY},
        {"infinity", INFINITY}, {"+infinity", INFINITY}, {"-infinity", -INFINITY},
        {"nan", NAN},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) == text.size &&
            strncasecmp(words[i].word, (const char *) text.data, text.size) == 0) {
            *ret_value = words[i].value;
            return true;
        }
    }
    return false;
}

bool number_parse_double(struct slice text, double *ret_value)
{
    bool digit = false;
    size_t size = text.size;
    if (size > 1 && strchr("dDfF", text.data[size - 1]) != NULL && text.data[size - 1] != '\0') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t c = text.data[i];
        digit |= c >= '0' && c <= '9';
        if (c == '\0' || strchr("0123456789+-.eE", c) == NULL) {
            return special_parse(text, ret_value);
        }
    }
    if (!digit) {
        return special_parse(text, ret_value);
    }
    char stack[128];
    char *copy = size < sizeof stack ? stack : malloc(size + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, text.data, size);
    copy[size] = '\0';
    char *end = NULL;
    *ret_value = strtod(copy, &end);
    bool whole = end == copy + size;
    if (copy != stack) {
        free(copy);
    }
    return whole;
}

bool number_parse_int(struct slice text, bool fraction, int64_t *ret_value)
{
    size_t at = 0;
    bool negative = false;
    if (at < text.size && (text.data[at] == '-' || text.data[at] == '+')) {
        negative = text.data[at++] == '-';
    }
    size_t start = at;
    int64_t value = 0; /* negative, for the sake of the smallest value */
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text.data[at] - '0', &value)) {
            return false;
        }
    }
    bool digits = at > start;
    if (fraction && at < text.size && text.data[at] == '.') {
        for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            digits = true;
        }
    }
    if (!digits || at != text.size || (!negative && value == INT64_MIN)) {
        return false;
    }
    *ret_value = negative ? value : -value;
    return true;
}
