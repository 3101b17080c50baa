#include "orchestrate/schedule.h"

#include "base/time_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define YEARS_MAX 8 /* a 29 February is at most eight years away (1896 to 1904) */

struct field {
    const char *name;
    int min, max;
    const char *const *words; /* names of values, from `min` on; NULL: none */
    int word_count;
};

static const char *const month_words[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field fields[] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},
    {"month", 1, 12, month_words, 12},
    {"day of week", 0, 7, weekday_words, 7},
};

static const struct {
    const char *name, *meaning;
} macros[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* ---- parsing -----------------------------------------------------------------------------------
 */

/* A number or a name at *at; -1 if there is neither. */
static int read_value(const struct field *field, const char **at)
{
    if (isdigit((unsigned char) **at)) {
        char *end;
        long value = strtol(*at, &end, 10);
        *at = end;
        return value > field->max ? -1 : (int) value;
    }
    for (int i = 0; i < field->word_count; i++) {
        size_t length = strlen(field->words[i]);
        if (strncasecmp(*at, field->words[i], length) == 0 &&
            !isalnum((unsigned char) (*at)[length])) {
            *at += length;
            return field->min + i;
        }
    }
    return -1;
}

/* "*", "5", "1-5", each with "/step", at *at; adds to *bits. */
static bool read_range(const struct field *field, const char **at, uint64_t *bits)
{
    int first = field->min;
    int last = field->max;
    bool single = false;
    if (**at == '*') {
        (*at)++;
    } else {
        first = read_value(field, at);
        last = first;
        single = true;
        if (**at == '-') {
            (*at)++;
            last = read_value(field, at);
            single = false;
        }
    }
    int step = 1;
    if (**at == '/') {
        (*at)++;
        char *end;
        long value = isdigit((unsigned char) **at) ? strtol(*at, &end, 10) : 0;
        if (value < 1 || value > field->max) {
            return false;
        }
        *at = end;
        step = (int) value;
        last = single ? field->max : last; /* 5/10 goes on to the end, as in cron */
    }
    if (first < field->min || last < first) {
        return false;
    }
    for (int i = first; i <= last; i += step) {
        *bits |= UINT64_C(1) << i;
    }
    return true;
}

static enum status
read_field(const struct field *field, const char **at, uint64_t *ret_bits, struct error *error)
{
    const char *start = *at;
    uint64_t bits = 0;
    bool fine = read_range(field, at, &bits);
    while (fine && **at == ',') {
        (*at)++;
        fine = read_range(field, at, &bits);
    }
    if (!fine || (**at != '\0' && **at != ' ')) {
        return error_set(error, STATUS_CONFIG, "\"%.*s\" is no %s (%d to %d)",
                         (int) strcspn(start, " "), start, field->name, field->min, field->max);
    }
    *at += strspn(*at, " ");
    *ret_bits = bits;
    return STATUS_OK;
}

/* Every value: not a restriction, however it is written. */
static bool covers(const struct field *field, uint64_t bits)
{
    int last = field->words == weekday_words ? 6 : field->max; /* 7 is 0 again */
    for (int i = field->min; i <= last; i++) {
        if ((bits >> i & 1) == 0 && !(i == 0 && field->max == 7 && (bits >> 7 & 1))) {
            return false;
        }
    }
    return true;
}

static enum status cron_parse(const char *text, struct schedule *schedule, struct error *error)
{
    uint64_t bits[ARRAY_SIZE(fields)];
    bool any[ARRAY_SIZE(fields)];
    const char *at = text + strspn(text, " ");
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (*at == '\0') {
            (void) error_set(error, STATUS_CONFIG, "\"%s\" is no schedule", text);
            error_hint(error, "write \"@every 10s\", \"@once\", or cron with five fields: minute, "
                              "hour, day of month, month, day of week");
            return STATUS_CONFIG;
        }
        bool star = *at == '*'; /* as Vixie's cron: a step over all values restricts by "and" */
        TRY(read_field(&fields[i], &at, &bits[i], error));
        any[i] = star || covers(&fields[i], bits[i]);
    }
    if (*at != '\0') {
        return error_set(error, STATUS_CONFIG, "\"%s\" has more than five fields", text);
    }
    schedule->minutes = bits[0];
    schedule->hours = (uint32_t) bits[1];
    schedule->days = (uint32_t) bits[2];
    schedule->months = (uint32_t) bits[3];
    schedule->weekdays = (uint32_t) ((bits[4] & 0x7f) | (bits[4] >> 7)); /* 7 is Sunday, too */
    schedule->any_day = any[2];
    schedule->any_weekday = any[4];
    return STATUS_OK;
}

enum status schedule_parse(const char *text, struct schedule *ret_schedule, struct error *error)
{
    struct schedule schedule = {0};
    if (strcmp(text, "@once") == 0) {
        schedule.once = true;
        *ret_schedule = schedule;
        return STATUS_OK;
    }
    if (strncmp(text, "@every ", 7) == 0) {
        TRY(duration_parse(slice_of_string(text + 7), &schedule.period_us, error));
        if (schedule.period_us <= 0) {
            return error_set(error, STATUS_CONFIG, "\"%s\": the period must be above zero", text);
        }
        *ret_schedule = schedule;
        return STATUS_OK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(macros); i++) {
        text = strcmp(text, macros[i].name) == 0 ? macros[i].meaning : text;
    }
    TRY(cron_parse(text, &schedule, error));
    *ret_schedule = schedule;
    return STATUS_OK;
}

/* ---- the next time -----------------------------------------------------------------------------
 */

static bool day_fits(const struct schedule *schedule, int64_t days, unsigned month, unsigned day)
{
    if ((schedule->months >> month & 1) == 0) {
        return false;
    }
    unsigned weekday = (unsigned) (((days % 7) + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
    bool by_day = schedule->days >> day & 1;
    bool by_weekday = schedule->weekdays >> weekday & 1;
    if (schedule->any_day || schedule->any_weekday) {
        return by_day && by_weekday;
    }
    return by_day || by_weekday;
}

/* The first minute of a day that fits, at or after `minute`; -1 if there is none. */
static int minute_of_day(const struct schedule *schedule, int minute)
{
    for (; minute < 24 * 60; minute++) {
        int hour = minute / 60;
        if ((schedule->hours >> hour & 1) == 0) {
            minute = hour * 60 + 59; /* on to the next hour */
            continue;
        }
        if (schedule->minutes >> (minute % 60) & 1) {
            return minute;
        }
    }
    return -1;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t schedule_next(const struct schedule *schedule, int64_t after_us)
{
    if (schedule->once) {
        return INT64_MAX;
    }
    if (schedule->period_us > 0) {
        return after_us > INT64_MAX - schedule->period_us ? INT64_MAX
                                                          : after_us + schedule->period_us;
    }
    int64_t minutes = floor_divide(after_us, US_PER_MINUTE) + 1;
    int64_t days = floor_divide(minutes, 24 * 60);
    int minute = (int) (minutes - days * 24 * 60);
    for (int64_t last = days + YEARS_MAX * 366; days <= last; days++, minute = 0) {
        int64_t year;
        unsigned month;
        unsigned day;
        civil_from_days(days, &year, &month, &day);
        if (!day_fits(schedule, days, month, day)) {
            continue;
        }
        int found = minute_of_day(schedule, minute);
        if (found >= 0) {
            return (days * 24 * 60 + found) * US_PER_MINUTE;
        }
    }
    return INT64_MAX;
}
