#pragma once

/*
 * Interval texts as Spark reads them: "10 minutes", "interval 1 day 2 hours", "-1.5 seconds",
 * and the ranges of INTERVAL '1 02:03:04' DAY TO SECOND and INTERVAL '1-2' YEAR TO MONTH.
 * https://spark.apache.org/docs/3.5.7/sql-ref-literals.html#interval-literal
 */

#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum interval_unit {
    UNIT_NONE,
    UNIT_YEAR,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
    UNIT_MILLISECOND,
    UNIT_MICROSECOND,
};

struct interval {
    bool is_months; /* a year-month interval: `months`; else a day-time one: `us` */
    int32_t months;
    int64_t us;
};

/* Singular or plural, any case; UNIT_NONE if it is none. */
enum interval_unit interval_unit_find(struct slice word);

/* One or more "number unit" pairs, "interval" in front allowed; months and days do not mix. */
MUST_USE enum status
interval_parse_units(struct slice text, struct interval *ret_interval, struct error *error);

/* The text of INTERVAL 'text' FROM [TO to]; `to` UNIT_NONE: one unit. */
MUST_USE enum status interval_parse_range(struct slice text,
                                          enum interval_unit from,
                                          enum interval_unit to,
                                          struct interval *ret_interval,
                                          struct error *error);
