#include "orchestrate/cron.h"

#include "base/time_text.h"

#define YEARS_MAX       50 /* as croniter; the fifth Monday of February may be 40 years away */
#define DAYS_MAX        (YEARS_MAX * 366)
#define MINUTES_PER_DAY (24 * 60)
#define NONE            (-1)
#define SHIFTS_MAX      (3 * 24 * 60) /* minutes that a clock is put forward at most, and a margin */

/* A day of the calendar. */
struct day {
    int64_t number; /* since 1970 */
    int64_t year;
    unsigned month, day, weekday;
    unsigned days_in_month;
};

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static unsigned month_length(int64_t year, unsigned month)
{
    int64_t first = days_from_civil(year, month, 1);
    int64_t after =
        month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
    return (unsigned) (after - first);
}

static struct day day_of(int64_t number)
{
    struct day day = {.number = number};
    civil_from_days(number, &day.year, &day.month, &day.day);
    day.weekday = (unsigned) (((number % 7) + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
    day.days_in_month = month_length(day.year, day.month);
    return day;
}

static bool weekday_fits(const struct cron *cron, const struct day *day)
{
    if (!cron->by_nth) {
        return cron->weekdays >> day->weekday & 1;
    }
    unsigned nth = (day->day - 1) / 7 + 1;
    bool last = day->day + 7 > day->days_in_month;
    unsigned wanted = cron->nth[day->weekday];
    return (wanted >> nth & 1) != 0 || ((wanted & 1) != 0 && last);
}

static bool day_fits(const struct cron *cron, const struct day *day)
{
    bool last = day->day == day->days_in_month;
    bool by_day = (cron->days >> day->day & 1) != 0 || ((cron->days & 1) != 0 && last);
    if (cron->any_day) {
        return cron->any_weekday || weekday_fits(cron, day);
    }
    return by_day || (!cron->any_weekday && weekday_fits(cron, day));
}

static bool minute_fits(const struct cron *cron, int minute)
{
    return (cron->hours >> (minute / 60) & 1) != 0 && (cron->minutes >> (minute % 60) & 1) != 0;
}

/* The first minute of a day at or after `minute` that fits, or the last at or before it. */
static int minute_of_day(const struct cron *cron, int minute, int step)
{
    for (; minute >= 0 && minute < MINUTES_PER_DAY; minute += step) {
        if (minute_fits(cron, minute)) {
            return minute;
        }
    }
    return NONE;
}

/*
 * The first minute on the wall at or after `minutes` (since 1970) that fits, with step 1; with
 * step -1 the last at or before it. False: none within 50 years.
 */
static bool find_local(const struct cron *cron, int64_t minutes, int step, int64_t *ret_minutes)
{
    int64_t number = floor_divide(minutes, MINUTES_PER_DAY);
    int minute = (int) (minutes - number * MINUTES_PER_DAY);
    int edge = step > 0 ? 0 : MINUTES_PER_DAY - 1;
    for (int64_t left = DAYS_MAX; left > 0; left--, minute = edge) {
        struct day day = day_of(number);
        if ((cron->months >> day.month & 1) == 0) { /* on to the next month, or the one before */
            int64_t skipped = step > 0 ? day.days_in_month - day.day : day.day - 1;
            number += step * (skipped + 1);
            left -= skipped;
            continue;
        }
        if (day_fits(cron, &day)) {
            int found = minute_of_day(cron, minute, step);
            if (found != NONE) {
                *ret_minutes = number * MINUTES_PER_DAY + found;
                return true;
            }
        }
        number += step;
    }
    return false;
}

/* Airflow's make_aware: of two the second, and behind a gap. */
static int64_t utc_of(const struct cron *cron, int64_t local_us)
{
    int64_t utc_us[2];
    enum zone_fit fit = zone_utc_of(cron->zone, local_us, utc_us);
    return fit == ZONE_NEVER ? utc_us[0] : utc_us[1];
}

int64_t cron_next(const struct cron *cron, int64_t after_us)
{
    int64_t local_us = zone_local(cron->zone, after_us);
    int64_t found;
    if (!find_local(cron, floor_divide(local_us, US_PER_MINUTE) + 1, 1, &found)) {
        return INT64_MAX;
    }
    if (cron->every_hour) {
        return after_us + (found * US_PER_MINUTE - local_us);
    }
    return utc_of(cron, found * US_PER_MINUTE);
}

int64_t cron_prev(const struct cron *cron, int64_t before_us)
{
    int64_t local_us = zone_local(cron->zone, before_us);
    int64_t minutes = floor_divide(local_us - 1, US_PER_MINUTE);
    int64_t found;
    for (int tries = 0; tries < SHIFTS_MAX; tries++, minutes = found - 1) {
        if (!find_local(cron, minutes, -1, &found)) {
            return INT64_MIN;
        }
        if (cron->every_hour) {
            return before_us - (local_us - found * US_PER_MINUTE);
        }
        int64_t utc_us = utc_of(cron, found * US_PER_MINUTE);
        if (utc_us < before_us) { /* moved behind a gap, or shown again, it may be later */
            return utc_us;
        }
    }
    return INT64_MIN;
}
