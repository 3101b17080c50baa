#include "sql/datetime.h"

#include "sql/number_text.h"

#include <stdio.h>
#include <strings.h>

void datetime_from_date(int64_t days, struct datetime *ret_datetime)
{
    *ret_datetime = (struct datetime){.days = days};
    civil_from_days(days, &ret_datetime->year, &ret_datetime->month, &ret_datetime->day);
}

void datetime_from_timestamp(int64_t time_us, struct datetime *ret_datetime)
{
    int64_t days = floor_divide(time_us, US_PER_DAY);
    datetime_from_date(days, ret_datetime);
    int64_t rest = time_us - days * US_PER_DAY;
    ret_datetime->micros = (unsigned) (rest % US_PER_SECOND);
    rest /= US_PER_SECOND;
    ret_datetime->second = (unsigned) (rest % 60);
    ret_datetime->minute = (unsigned) (rest / 60 % 60);
    ret_datetime->hour = (unsigned) (rest / 3600);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned month_days(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

bool datetime_valid(const struct datetime *datetime)
{
    return datetime->month >= 1 && datetime->month <= 12 && datetime->day >= 1 &&
           datetime->day <= month_days(datetime->year, datetime->month) && datetime->hour < 24 &&
           datetime->minute < 60 && datetime->second < 60;
}

int64_t datetime_days(const struct datetime *datetime)
{
    return days_from_civil(datetime->year, datetime->month, datetime->day);
}

bool datetime_timestamp(const struct datetime *datetime, int64_t *ret_us)
{
    int64_t days = datetime_days(datetime);
    int64_t seconds = ((int64_t) datetime->hour * 60 + datetime->minute) * 60 + datetime->second;
    int64_t rest = seconds * US_PER_SECOND + datetime->micros - datetime->zone.offset_us;
    if (__builtin_mul_overflow(days, US_PER_DAY, ret_us) ||
        __builtin_add_overflow(*ret_us, rest, ret_us)) {
        return false;
    }
    if (datetime->zone.zone != NULL) {
        *ret_us = zone_text_utc(&datetime->zone, *ret_us);
    }
    return true;
}

unsigned weekday_of(int64_t days)
{
    return (unsigned) floor_modulo(days + 3, 7);
}

unsigned day_of_year(const struct datetime *datetime)
{
    return (unsigned) (datetime->days - days_from_civil(datetime->year, 1, 1)) + 1;
}

unsigned iso_week_of(int64_t days, int64_t *ret_year)
{
    int64_t thursday = days - weekday_of(days) + 3;
    struct datetime datetime;
    datetime_from_date(thursday, &datetime);
    *ret_year = datetime.year;
    return (day_of_year(&datetime) - 1) / 7 + 1;
}

int64_t days_add_months(int64_t days, int64_t months)
{
    struct datetime datetime;
    datetime_from_date(days, &datetime);
    int64_t total = datetime.year * 12 + (datetime.month - 1) + months;
    int64_t year = floor_divide(total, 12);
    unsigned month = (unsigned) (total - year * 12) + 1;
    unsigned last = month_days(year, month);
    return days_from_civil(year, month, datetime.day > last ? last : datetime.day);
}

/* Reads `least` to `most` digits; false if there are fewer. */
static bool read_digits(struct slice *text, size_t least, size_t most, int64_t *ret_value)
{
    size_t count = 0;
    int64_t value = 0;
    while (count < most && count < text->size && text->data[count] >= '0' &&
           text->data[count] <= '9') {
        value = value * 10 + (text->data[count] - '0');
        count++;
    }
    text->data += count;
    text->size -= count;
    *ret_value = value;
    return count >= least;
}

static bool read_char(struct slice *text, char c)
{
    if (text->size == 0 || text->data[0] != (uint8_t) c) {
        return false;
    }
    text->data++;
    text->size--;
    return true;
}

static bool read_field(struct slice *text, unsigned *ret_value)
{
    int64_t value;
    bool ok = read_digits(text, 1, 2, &value);
    *ret_value = (unsigned) value;
    return ok;
}

/* year[-month[-day]]; `ret_whole` says that all three were there. */
static bool read_date(struct slice *text, struct datetime *datetime, bool *ret_whole)
{
    *datetime = (struct datetime){.month = 1, .day = 1};
    bool negative = read_char(text, '-');
    if (!negative) {
        read_char(text, '+');
    }
    size_t before = text->size;
    if (!read_digits(text, 4, 7, &datetime->year) || before - text->size > 6) {
        return false;
    }
    datetime->year = negative ? -datetime->year : datetime->year;
    *ret_whole = false;
    if (!read_char(text, '-')) {
        return true;
    }
    if (!read_field(text, &datetime->month)) {
        return false;
    }
    if (!read_char(text, '-')) {
        return true;
    }
    *ret_whole = true;
    return read_field(text, &datetime->day);
}

bool datetime_parse_date(struct slice text, int64_t *ret_days)
{
    text = text_trim_all(text);
    struct datetime datetime;
    bool whole;
    if (!read_date(&text, &datetime, &whole)) {
        return false;
    }
    if (text.size > 0 && (!whole || (text.data[0] != ' ' && text.data[0] != 'T'))) {
        return false;
    }
    if (!datetime_valid(&datetime)) {
        return false;
    }
    *ret_days = datetime_days(&datetime);
    return *ret_days == (int32_t) *ret_days;
}

/* The fraction of a second: digits beyond the sixth are cut. */
static unsigned read_fraction(struct slice *text)
{
    unsigned micros = 0;
    for (int i = 0; i < 6; i++) {
        int64_t digit = 0;
        read_digits(text, 1, 1, &digit);
        micros = micros * 10 + (unsigned) digit;
    }
    int64_t ignored;
    while (text->size > 0 && read_digits(text, 1, 1, &ignored)) {
    }
    return micros;
}

static bool read_time(struct slice *text, struct datetime *datetime)
{
    if (!read_field(text, &datetime->hour)) {
        return false;
    }
    if (!read_char(text, ':')) {
        return text->size == 0;
    }
    if (!read_field(text, &datetime->minute)) {
        return false;
    }
    if (!read_char(text, ':')) {
        return text->size == 0;
    }
    if (!read_field(text, &datetime->second)) {
        return false;
    }
    if (read_char(text, '.')) {
        datetime->micros = read_fraction(text);
    }
    return true;
}

bool datetime_parse_timestamp(struct slice text, int64_t *ret_us)
{
    text = text_trim_all(text);
    struct datetime datetime;
    bool whole;
    if (!read_date(&text, &datetime, &whole)) {
        return false;
    }
    if (text.size > 0) {
        if (!whole || (!read_char(&text, ' ') && !read_char(&text, 'T'))) {
            return false;
        }
        if (!read_time(&text, &datetime)) {
            return false;
        }
        if (text.size > 0 && !zone_text_parse(text, &datetime.zone)) {
            return false;
        }
    }
    return datetime_valid(&datetime) && datetime_timestamp(&datetime, ret_us);
}

/* Java's ISO form of a year: at least four digits, a sign for what has more or is negative. */
static size_t format_year(int64_t year, char *target)
{
    if (year > 9999) {
        return (size_t) sprintf(target, "+%lld", (long long) year);
    }
    if (year < 0) {
        return (size_t) sprintf(target, "-%04lld", (long long) -year);
    }
    target[0] = (char) ('0' + year / 1000);
    target[1] = (char) ('0' + year / 100 % 10);
    target[2] = (char) ('0' + year / 10 % 10);
    target[3] = (char) ('0' + year % 10);
    return 4;
}

static void two_digits(char *target, unsigned value)
{
    target[0] = (char) ('0' + value / 10);
    target[1] = (char) ('0' + value % 10);
}

static size_t format_date_fields(const struct datetime *datetime, char *target)
{
    size_t size = format_year(datetime->year, target);
    target[size] = '-';
    two_digits(target + size + 1, datetime->month);
    target[size + 3] = '-';
    two_digits(target + size + 4, datetime->day);
    return size + 6;
}

size_t datetime_format_date(int64_t days, char target[DATETIME_TEXT_BYTES])
{
    struct datetime datetime;
    datetime_from_date(days, &datetime);
    return format_date_fields(&datetime, target);
}

size_t datetime_format_timestamp(int64_t time_us, char target[DATETIME_TEXT_BYTES])
{
    struct datetime datetime;
    datetime_from_timestamp(time_us, &datetime);
    size_t size = format_date_fields(&datetime, target);
    target[size] = ' ';
    two_digits(target + size + 1, datetime.hour);
    target[size + 3] = ':';
    two_digits(target + size + 4, datetime.minute);
    target[size + 6] = ':';
    two_digits(target + size + 7, datetime.second);
    size += 9;
    if (datetime.micros > 0) {
        target[size++] = '.';
        unsigned rest = datetime.micros;
        for (unsigned unit = 100000; rest > 0; unit /= 10) {
            target[size++] = (char) ('0' + rest / unit);
            rest %= unit;
        }
    }
    return size;
}
