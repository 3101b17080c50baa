#pragma once

/*
 * What charts show: numbers over time, so that a page that is opened now shows what happened
 * before. Two rings a series: the last hour in steps of ten seconds, the last day in minutes; a
 * step holds the mean of what was put into it, and is a gap if nothing was. A series takes 7 KiB,
 * there are at most HISTORY_SERIES_MAX of them, and the one that was silent for longest gives way.
 *
 * For one thread; the owner locks.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>

#define HISTORY_SERIES_MAX   512
#define HISTORY_FINE_US      INT64_C(10000000)
#define HISTORY_FINE_SLOTS   360
#define HISTORY_COARSE_US    INT64_C(60000000)
#define HISTORY_COARSE_SLOTS 1440

struct history;

struct history *history_new(void);
void history_free(struct history *history); /* NULL is fine */

/* Adds a value at a time; times do not go back. Not a number is left out. */
void history_put(struct history *history, const char *name, int64_t at_us, double value);

/* {"step_us", "from_us", "series": {NAME: [number or null, ...]}}: the series whose names begin
 * with `prefix`, in the steps that the span needs. The last number is of the newest step. */
void history_write(const struct history *history,
                   const char *prefix,
                   int64_t now_us,
                   int64_t span_us,
                   struct buffer *target);

/* The file keeps the past over restarts; a missing one is an empty past, a damaged one
 * STATUS_CORRUPT with nothing read. */
MUST_USE enum status history_load(struct history *history, const char *path, struct error *error);
MUST_USE enum status
history_save(const struct history *history, const char *path, struct error *error);
