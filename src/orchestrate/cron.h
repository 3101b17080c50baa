#pragma once

/*
 * Cron in a time zone, as Apache Airflow has it (croniter, and the change of clocks of
 * CronDataIntervalTimetable): decision 26.
 *
 *     15 6 * * MON-FRI        minute, hour, day of month, month, day of week
 *     @hourly @daily @midnight @weekly @monthly @quarterly @yearly @annually
 *
 * A field: "*", "?" (days only), values, names, ranges (FRI-MON goes round), steps, lists. Day of
 * week 0 and 7 are Sunday, "MON#2" the second Monday of the month, "L5" the last Friday; day of
 * month "L" the last one. If both days are restricted either suffices.
 *
 * A time that the clock jumps over comes by that much later (02:30 is 03:30), one that it shows
 * twice the second time. If the hour is "*", time that passes is counted instead, so that both
 * hours are run.
 *
 * Pure functions; times are µs since 1970, UTC.
 */

#include "base/error.h"
#include "base/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cron {
    uint64_t minutes;  /* bit i: minute i */
    uint32_t hours;    /* bit 0..23 */
    uint32_t days;     /* of the month, bit 1..31; bit 0: the last */
    uint32_t months;   /* bit 1..12 */
    uint32_t weekdays; /* bit 0..6, Sunday is 0 */
    uint8_t nth[7];    /* of a weekday: bit 1..5: the n-th of the month; bit 0: the last */
    bool by_nth;       /* nth counts, weekdays does not */
    bool any_day;      /* "*": not restricted */
    bool any_weekday;  /* the same */
    bool every_hour;   /* hour "*" */
    const struct zone *zone;
};

/* STATUS_CONFIG naming what is wrong; *ret_at (may be NULL) is the byte of `text` to point at. */
MUST_USE enum status cron_parse(const char *text,
                                const struct zone *zone,
                                struct cron *ret_cron,
                                size_t *ret_at,
                                struct error *error);

/* The first time after `after_us`. INT64_MAX if there is none within 50 years. */
int64_t cron_next(const struct cron *cron, int64_t after_us);

/* The last time before `before_us`. INT64_MIN if there is none within 50 years. */
int64_t cron_prev(const struct cron *cron, int64_t before_us);
