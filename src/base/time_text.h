#pragma once

/*
 * Times and durations as text. All times are microseconds since 1970-01-01T00:00:00Z in the
 * proleptic Gregorian calendar, all durations microseconds.
 */

#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

/* Days since 1970-01-01 of a civil date, and back. Month 1..12, day 1..31. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

/* "2026-11-22T18:57:03.250000Z"; `target` has room for TIME_TEXT_BYTES; returns the length. */
#define TIME_TEXT_BYTES 40
size_t time_format(int64_t time_us, char *target);

/* ISO 8601 date, or date and time with T or blank, optional fraction (to µs, rest cut), and Z or
 * an offset; without one it is UTC. STATUS_DATA if it is anything else. */
MUST_USE enum status time_parse(struct slice text, int64_t *ret_time_us, struct error *error);

/* "250ms", "10s", "5 min", "7 days", "1h30m", "2 weeks", "10 seconds". STATUS_CONFIG otherwise. */
MUST_USE enum status duration_parse(struct slice text, int64_t *ret_us, struct error *error);

/* The shortest exact form, such as "90s" or "7d". */
size_t duration_format(int64_t duration_us, char *target); /* TIME_TEXT_BYTES */

/* "1048576", "64 KiB", "1GiB", "10 MB" (powers of 1000 for kB, MB, GB). STATUS_CONFIG otherwise. */
MUST_USE enum status bytes_parse(struct slice text, int64_t *ret_bytes, struct error *error);
