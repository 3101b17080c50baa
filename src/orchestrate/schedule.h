#pragma once

/*
 * When scheduled work is due:
 *
 *     @every 10s                    a period, from the last start
 *     @once                         at the start, never again
 *     15 6 * * MON-FRI              cron: minute, hour, day of month, month, day of week
 *     @hourly @daily @weekly @monthly @yearly
 *
 * Cron as in cron(5): lists, ranges, steps, names; day of week 0 and 7 are Sunday; if both days are
 * restricted either one suffices (a field that begins with * does not restrict). Times are UTC.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    bool once;
    int64_t period_us; /* @every; 0: cron */
    uint64_t minutes;  /* bit i: minute i */
    uint32_t hours;
    uint32_t days;             /* of the month, bit 1..31 */
    uint32_t months;           /* bit 1..12 */
    uint32_t weekdays;         /* bit 0..6, Sunday is 0 */
    bool any_day, any_weekday; /* "*": not restricted */
};

/* STATUS_CONFIG naming the field that is wrong. */
MUST_USE enum status
schedule_parse(const char *text, struct schedule *ret_schedule, struct error *error);

/* The first due time after `after_us` (µs since 1970, UTC); INT64_MAX if there is none within eight
 * years (such as 30 February) or ever (@once). */
int64_t schedule_next(const struct schedule *schedule, int64_t after_us);
