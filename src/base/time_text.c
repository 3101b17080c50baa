#include "base/time_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* Text that is read from the left. Every reader leaves it where it stopped. */
struct cursor {
    const uint8_t *data;
    size_t size;
};

static bool at_digit(const struct cursor *cursor)
{
    return cursor->size > 0 && cursor->data[0] >= '0' && cursor->data[0] <= '9';
}

static uint8_t take(struct cursor *cursor)
{
    uint8_t byte = cursor->data[0];
    cursor->data++;
    cursor->size--;
    return byte;
}

static bool take_if(struct cursor *cursor, char wanted)
{
    if (cursor->size == 0 || cursor->data[0] != (uint8_t) wanted) {
        return false;
    }
    (void) take(cursor);
    return true;
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->size > 0 && (cursor->data[0] == ' ' || cursor->data[0] == '\t')) {
        (void) take(cursor);
    }
}

static struct cursor trimmed(struct slice text)
{
    struct cursor cursor = {text.data, text.size};
    skip_blanks(&cursor);
    while (cursor.size > 0 &&
           (cursor.data[cursor.size - 1] == ' ' || cursor.data[cursor.size - 1] == '\t')) {
        cursor.size--;
    }
    return cursor;
}

/* Exactly `count` digits. */
static bool take_digits(struct cursor *cursor, unsigned count, unsigned *ret_value)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!at_digit(cursor)) {
            return false;
        }
        value = value * 10 + (unsigned) (take(cursor) - '0');
    }
    *ret_value = value;
    return true;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* ---- the calendar ------------------------------------------------------------------------- */

#define DAYS_PER_400_YEARS INT64_C(146097)

/* Both directions count years from March, so that the leap day is the last day of a year: the
 * months from March on start at day (153 * month + 2) / 5 of their year. */

int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t years = month > 2 ? year : year - 1;
    int64_t cycle = floor_divide(years, 400);
    int64_t in_cycle = years - cycle * 400;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + (int64_t) day - 1;
    int64_t day_of_cycle = in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + day_of_year;
    return cycle * DAYS_PER_400_YEARS + day_of_cycle - 719468; /* days from 0000-03-01 to 1970 */
}

void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t since = days + 719468;
    int64_t cycle = floor_divide(since, DAYS_PER_400_YEARS);
    int64_t day_of_cycle = since - cycle * DAYS_PER_400_YEARS;

    /* The estimate is never too small, and at most one too large. */
    int64_t year = day_of_cycle / 365;
    int64_t start = year * 365 + year / 4 - year / 100 + year / 400;
    if (start > day_of_cycle) {
        year--;
        start = year * 365 + year / 4 - year / 100 + year / 400;
    }
    int64_t day_of_year = day_of_cycle - start;
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned) (day_of_year - (153 * march_month + 2) / 5 + 1);
    *ret_month = (unsigned) (march_month < 10 ? march_month + 3 : march_month - 9);
    *ret_year = cycle * 400 + year + (march_month < 10 ? 0 : 1);
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

size_t time_format(int64_t time_us, char *target)
{
    int64_t days = floor_divide(time_us, US_PER_DAY);
    int64_t rest = time_us % US_PER_DAY + (time_us % US_PER_DAY < 0 ? US_PER_DAY : 0);
    int64_t year;
    unsigned month;
    unsigned day;
    civil_from_days(days, &year, &month, &day);
    const char *format = year < 0 || year > 9999 ? "%+05" PRId64 "-%02u-%02uT%02u:%02u:%02u.%06uZ"
                                                 : "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u.%06uZ";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int length =
        snprintf(target, TIME_TEXT_BYTES, format, year, month, day, (unsigned) (rest / US_PER_HOUR),
                 (unsigned) (rest / US_PER_MINUTE % 60), (unsigned) (rest / US_PER_SECOND % 60),
                 (unsigned) (rest % US_PER_SECOND));
#pragma GCC diagnostic pop
    return (size_t) length;
}

/* ---- reading times ------------------------------------------------------------------------ */

/* Four digits, or a sign and four to six (ISO 8601 expanded years, as time_format writes). */
static bool take_year(struct cursor *cursor, int64_t *ret_year)
{
    bool negative = take_if(cursor, '-');
    bool expanded = negative || take_if(cursor, '+');
    unsigned year;
    if (!take_digits(cursor, 4, &year)) {
        return false;
    }
    for (int i = 0; expanded && i < 2 && at_digit(cursor); i++) {
        year = year * 10 + (unsigned) (take(cursor) - '0');
    }
    *ret_year = negative ? -(int64_t) year : (int64_t) year;
    return true;
}

static bool take_date(struct cursor *cursor, int64_t *ret_days)
{
    int64_t year;
    unsigned month;
    unsigned day;
    if (!take_year(cursor, &year) || !take_if(cursor, '-') || !take_digits(cursor, 2, &month) ||
        !take_if(cursor, '-') || !take_digits(cursor, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *ret_days = days_from_civil(year, month, day);
    return true;
}

/* HH:MM[:SS[.fraction]], as microseconds of the day. */
static bool take_clock(struct cursor *cursor, int64_t *ret_us)
{
    unsigned hour;
    unsigned minute;
    unsigned second = 0;
    int64_t fraction = 0;
    if (!take_digits(cursor, 2, &hour) || !take_if(cursor, ':') ||
        !take_digits(cursor, 2, &minute)) {
        return false;
    }
    if (take_if(cursor, ':')) {
        if (!take_digits(cursor, 2, &second)) {
            return false;
        }
        if (take_if(cursor, '.')) {
            if (!at_digit(cursor)) {
                return false;
            }
            int64_t unit = US_PER_SECOND / 10;
            for (; at_digit(cursor); unit /= 10) {
                fraction += (take(cursor) - '0') * unit;
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret_us = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction;
    return true;
}

/* Z, +HH:MM, +HHMM, +HH or nothing (UTC). */
static bool take_offset(struct cursor *cursor, int64_t *ret_us)
{
    *ret_us = 0;
    if (cursor->size == 0 || take_if(cursor, 'Z') || take_if(cursor, 'z')) {
        return true;
    }
    bool negative = take_if(cursor, '-');
    unsigned hour;
    unsigned minute = 0;
    if ((!negative && !take_if(cursor, '+')) || !take_digits(cursor, 2, &hour)) {
        return false;
    }
    if (take_if(cursor, ':') || at_digit(cursor)) {
        if (!take_digits(cursor, 2, &minute)) {
            return false;
        }
    }
    if (hour > 23 || minute > 59) {
        return false;
    }
    int64_t offset = hour * US_PER_HOUR + minute * US_PER_MINUTE;
    *ret_us = negative ? -offset : offset;
    return true;
}

enum status time_parse(struct slice text, int64_t *ret_time_us, struct error *error)
{
    struct cursor cursor = {text.data, text.size};
    int64_t days;
    int64_t in_day = 0;
    int64_t offset = 0;
    bool good = take_date(&cursor, &days);
    if (good && cursor.size > 0) {
        good = (take_if(&cursor, 'T') || take_if(&cursor, 't') || take_if(&cursor, ' ')) &&
               take_clock(&cursor, &in_day) && take_offset(&cursor, &offset);
    }
    if (!good || cursor.size > 0) {
        (void) error_set(error, STATUS_DATA, "\"%.*s\" is not a time",
                         (int) (text.size < 64 ? text.size : 64), (const char *) text.data);
        error_hint(error, "write it as 2026-11-22T18:57:03Z; a date alone is its midnight in UTC");
        return STATUS_DATA;
    }
    int64_t time;
    if (__builtin_mul_overflow(days, US_PER_DAY, &time) ||
        __builtin_add_overflow(time, in_day - offset, &time)) {
        return error_set(error, STATUS_DATA, "\"%.*s\" is outside the years -290307 to 294246",
                         SLICE_FORMAT(text));
    }
    *ret_time_us = time;
    return STATUS_OK;
}

/* ---- amounts with units ------------------------------------------------------------------- */

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"us", 1},
    {"\xc2\xb5s", 1}, /* micro sign */
    {"\xce\xbcs", 1}, /* Greek mu   */
    {"microsecond", 1},
    {"microseconds", 1},
    {"ms", US_PER_MS},
    {"millisecond", US_PER_MS},
    {"milliseconds", US_PER_MS},
    {"s", US_PER_SECOND},
    {"sec", US_PER_SECOND},
    {"secs", US_PER_SECOND},
    {"second", US_PER_SECOND},
    {"seconds", US_PER_SECOND},
    {"m", US_PER_MINUTE},
    {"min", US_PER_MINUTE},
    {"mins", US_PER_MINUTE},
    {"minute", US_PER_MINUTE},
    {"minutes", US_PER_MINUTE},
    {"h", US_PER_HOUR},
    {"hour", US_PER_HOUR},
    {"hours", US_PER_HOUR},
    {"d", US_PER_DAY},
    {"day", US_PER_DAY},
    {"days", US_PER_DAY},
    {"w", 7 * US_PER_DAY},
    {"week", 7 * US_PER_DAY},
    {"weeks", 7 * US_PER_DAY},
    {NULL, 0},
};

static const struct unit byte_units[] = {
    {"B", 1},
    {"byte", 1},
    {"bytes", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", INT64_C(1000000000000)},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {NULL, 0},
};

/* A decimal number as `scaled` / `scale`; at most 12 digits before and 6 after the point, so that
 * nothing below can overflow unseen. */
struct decimal {
    int64_t whole;
    int64_t fraction;
    int64_t scale; /* of the fraction: a power of ten */
};

static bool take_decimal(struct cursor *cursor, struct decimal *ret_number)
{
    struct decimal number = {0, 0, 1};
    if (!at_digit(cursor)) {
        return false;
    }
    while (at_digit(cursor)) {
        if (__builtin_mul_overflow(number.whole, 10, &number.whole) ||
            __builtin_add_overflow(number.whole, take(cursor) - '0', &number.whole)) {
            return false;
        }
    }
    if (take_if(cursor, '.')) {
        if (!at_digit(cursor)) {
            return false;
        }
        while (at_digit(cursor)) {
            if (number.scale == 1000000) {
                return false;
            }
            number.fraction = number.fraction * 10 + (take(cursor) - '0');
            number.scale *= 10;
        }
    }
    *ret_number = number;
    return true;
}

/* number * factor, if that is a whole number that fits. */
static bool decimal_scale(struct decimal number, int64_t factor, int64_t *ret_value)
{
    int64_t part = number.fraction * factor; /* below 10^6 * 2^40 */
    return part % number.scale == 0 && !__builtin_mul_overflow(number.whole, factor, ret_value) &&
           !__builtin_add_overflow(*ret_value, part / number.scale, ret_value);
}

static const struct unit *take_unit(struct cursor *cursor, const struct unit *units)
{
    size_t length = 0;
    while (length < cursor->size && cursor->data[length] > ' ' &&
           !(cursor->data[length] >= '0' && cursor->data[length] <= '9')) {
        length++;
    }
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (slice_equal_string(slice_of(cursor->data, length), unit->name)) {
            cursor->data += length;
            cursor->size -= length;
            return unit;
        }
    }
    return NULL;
}

static enum status
refuse(struct error *error, struct slice text, const char *what, const char *hint)
{
    (void) error_set(error, STATUS_CONFIG, "\"%.*s\" is not %s",
                     (int) (text.size < 64 ? text.size : 64),
                     text.size == 0 ? "" : (const char *) text.data, what);
    error_hint(error, "%s", hint);
    return STATUS_CONFIG;
}

enum status duration_parse(struct slice text, int64_t *ret_us, struct error *error)
{
    static const char what[] = "a duration";
    static const char hint[] = "write a number and a unit (us, ms, s, min, h, days, weeks), such "
                               "as 10s, 5 min, 7 days or 1h30m";
    struct cursor cursor = trimmed(text);
    if (cursor.size == 1 && cursor.data[0] == '0') {
        *ret_us = 0;
        return STATUS_OK;
    }
    int64_t total = 0;
    int64_t last_factor = INT64_MAX;
    do {
        struct decimal number;
        int64_t part;
        if (!take_decimal(&cursor, &number)) {
            return refuse(error, text, what, hint);
        }
        skip_blanks(&cursor);
        const struct unit *unit = take_unit(&cursor, duration_units);
        if (unit == NULL || unit->factor >= last_factor || /* parts go from large to small */
            !decimal_scale(number, unit->factor, &part) ||
            __builtin_add_overflow(total, part, &total)) {
            return refuse(error, text, what, hint);
        }
        last_factor = unit->factor;
        skip_blanks(&cursor);
    } while (cursor.size > 0);
    *ret_us = total;
    return STATUS_OK;
}

size_t duration_format(int64_t duration_us, char *target)
{
    static const struct unit units[] = {
        {"d", US_PER_DAY},    {"h", US_PER_HOUR}, {"m", US_PER_MINUTE},
        {"s", US_PER_SECOND}, {"ms", US_PER_MS},  {"us", 1},
    };
    const struct unit *unit = &units[3]; /* zero is "0s" */
    if (duration_us != 0) {
        unit = units;
        while (duration_us % unit->factor != 0) {
            unit++;
        }
    }
    return (size_t) snprintf(target, TIME_TEXT_BYTES, "%" PRId64 "%s", duration_us / unit->factor,
                             unit->name);
}

enum status bytes_parse(struct slice text, int64_t *ret_bytes, struct error *error)
{
    static const char what[] = "a size in bytes";
    static const char hint[] = "write a number of bytes or a number and a unit, such as 1048576, "
                               "64 KiB, 1 GiB or 10 MB (powers of 1000)";
    struct cursor cursor = trimmed(text);
    struct decimal number;
    if (!take_decimal(&cursor, &number)) {
        return refuse(error, text, what, hint);
    }
    int64_t factor = 1;
    skip_blanks(&cursor);
    if (cursor.size > 0) {
        const struct unit *unit = take_unit(&cursor, byte_units);
        if (unit == NULL) {
            return refuse(error, text, what, hint);
        }
        factor = unit->factor;
    }
    int64_t value;
    if (cursor.size > 0 || !decimal_scale(number, factor, &value)) {
        return refuse(error, text, what, hint);
    }
    *ret_bytes = value;
    return STATUS_OK;
}
