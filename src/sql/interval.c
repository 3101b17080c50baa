#include "sql/interval.h"

#include "base/time_text.h"

#include <strings.h>

static const struct {
    const char *name;
    int64_t us, months;
} units[] = {
    [UNIT_NONE] = {"", 0, 0},
    [UNIT_YEAR] = {"year", 0, 12},
    [UNIT_MONTH] = {"month", 0, 1},
    [UNIT_WEEK] = {"week", 7 * US_PER_DAY, 0},
    [UNIT_DAY] = {"day", US_PER_DAY, 0},
    [UNIT_HOUR] = {"hour", US_PER_HOUR, 0},
    [UNIT_MINUTE] = {"minute", US_PER_MINUTE, 0},
    [UNIT_SECOND] = {"second", US_PER_SECOND, 0},
    [UNIT_MILLISECOND] = {"millisecond", US_PER_MS, 0},
    [UNIT_MICROSECOND] = {"microsecond", 1, 0},
};

enum interval_unit interval_unit_find(struct slice word)
{
    for (size_t i = UNIT_YEAR; i < ARRAY_SIZE(units); i++) {
        size_t length = strlen(units[i].name);
        if ((word.size == length ||
             (word.size == length + 1 && (word.data[length] | 0x20) == 's')) &&
            strncasecmp((const char *) word.data, units[i].name, length) == 0) {
            return (enum interval_unit) i;
        }
    }
    return UNIT_NONE;
}

static void skip_space(struct slice *text)
{
    while (text->size > 0 && text->data[0] <= ' ') {
        text->data++;
        text->size--;
    }
}

static struct slice take_word(struct slice *text)
{
    skip_space(text);
    struct slice word = {text->data, 0};
    while (text->size > 0 && text->data[0] > ' ') {
        word.size++;
        text->data++;
        text->size--;
    }
    return word;
}

/* Digits at the front of `text` as a number; false if there are none or it is too large. */
static bool take_digits(struct slice *text, int64_t *ret_value)
{
    int64_t value = 0;
    size_t digits = 0;
    for (; text->size > 0 && text->data[0] >= '0' && text->data[0] <= '9'; digits++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text->data[0] - '0', &value)) {
            return false;
        }
        text->data++;
        text->size--;
    }
    *ret_value = value;
    return digits > 0;
}

static bool take_byte(struct slice *text, char byte)
{
    if (text->size > 0 && text->data[0] == (uint8_t) byte) {
        text->data++;
        text->size--;
        return true;
    }
    return false;
}

/* ".250" behind seconds, in microseconds; more than nine digits are refused, below µs is cut. */
static bool take_fraction(struct slice *text, int64_t *ret_us)
{
    *ret_us = 0;
    if (!take_byte(text, '.')) {
        return true;
    }
    int64_t scale = US_PER_SECOND / 10;
    for (size_t digits = 0; text->size > 0 && text->data[0] >= '0' && text->data[0] <= '9';
         digits++) {
        if (digits == 9) {
            return false;
        }
        *ret_us += (text->data[0] - '0') * scale;
        scale /= 10;
        text->data++;
        text->size--;
    }
    return true;
}

/* Adds value * unit (+ fraction) to the sum in its kind. */
static bool add(struct interval *sum,
                enum interval_unit unit,
                int64_t value,
                int64_t fraction_us,
                bool negative)
{
    int64_t part = 0;
    if (units[unit].months > 0) {
        return !__builtin_mul_overflow(value, units[unit].months, &part) &&
               !__builtin_add_overflow((int64_t) sum->months, negative ? -part : part, &part) &&
               !__builtin_add_overflow(part, 0, &sum->months);
    }
    return !__builtin_mul_overflow(value, units[unit].us, &part) &&
           !__builtin_add_overflow(part, fraction_us, &part) &&
           !__builtin_add_overflow(sum->us, negative ? -part : part, &sum->us);
}

static enum status bad(struct slice text, struct error *error)
{
    (void) error_set(error, STATUS_CONFIG, "\"%.*s\" is no interval", SLICE_FORMAT(text));
    error_hint(error, "write a number and a unit, such as '10 minutes' or '1 day 12 hours'");
    return STATUS_CONFIG;
}

enum status
interval_parse_units(struct slice text, struct interval *ret_interval, struct error *error)
{
    struct interval sum = {0};
    struct slice rest = text;
    struct slice first = rest;
    struct slice word = take_word(&first);
    if (word.size == 8 && strncasecmp((const char *) word.data, "interval", 8) == 0) {
        rest = first;
    }
    bool any_months = false, any_time = false;
    for (skip_space(&rest); rest.size > 0; skip_space(&rest)) {
        bool negative = take_byte(&rest, '-');
        (void) (!negative && take_byte(&rest, '+'));
        skip_space(&rest);
        int64_t value = 0, fraction = 0;
        bool has_fraction = rest.size > 0 && rest.data[0] == '.';
        if (!has_fraction && !take_digits(&rest, &value)) {
            return bad(text, error);
        }
        has_fraction = rest.size > 0 && rest.data[0] == '.';
        if (!take_fraction(&rest, &fraction)) {
            return bad(text, error);
        }
        enum interval_unit unit = interval_unit_find(take_word(&rest));
        if (unit == UNIT_NONE || (has_fraction && unit != UNIT_SECOND) ||
            !add(&sum, unit, value, fraction, negative)) {
            return bad(text, error);
        }
        any_months |= units[unit].months > 0;
        any_time |= units[unit].us > 0;
    }
    if (any_months == any_time) {
        return any_months ? error_set(error, STATUS_CONFIG,
                                      "interval \"%.*s\" mixes months with days or times",
                                      SLICE_FORMAT(text))
                          : bad(text, error);
    }
    sum.is_months = any_months;
    *ret_interval = sum;
    return STATUS_OK;
}

/* The byte in front of a unit inside a range: "1-2", "1 02:03:04". */
static char separator(enum interval_unit unit)
{
    return unit == UNIT_MONTH ? '-' : unit == UNIT_HOUR ? ' ' : ':';
}

enum status interval_parse_range(struct slice text,
                                 enum interval_unit from,
                                 enum interval_unit to,
                                 struct interval *ret_interval,
                                 struct error *error)
{
    struct interval sum = {.is_months = units[from].months > 0};
    struct slice rest = text;
    if (to == UNIT_NONE) {
        to = from;
    }
    if (to < from || sum.is_months != (units[to].months > 0) || from == UNIT_WEEK ||
        to > UNIT_SECOND) {
        if (from != to) {
            return error_set(error, STATUS_CONFIG, "an interval cannot go from %s to %s",
                             units[from].name, units[to].name);
        }
    }
    skip_space(&rest);
    bool negative = take_byte(&rest, '-');
    (void) (!negative && take_byte(&rest, '+'));
    for (unsigned u = from; u <= to; u++) {
        enum interval_unit unit = (enum interval_unit) u;
        int64_t value = 0, fraction = 0;
        if (unit == UNIT_WEEK && from != to) {
            continue;
        }
        if ((unit != from && !take_byte(&rest, separator(unit))) || !take_digits(&rest, &value) ||
            (unit == UNIT_SECOND && !take_fraction(&rest, &fraction)) ||
            !add(&sum, unit, value, fraction, negative)) {
            return bad(text, error);
        }
    }
    skip_space(&rest);
    if (rest.size > 0) {
        return bad(text, error);
    }
    *ret_interval = sum;
    return STATUS_OK;
}
