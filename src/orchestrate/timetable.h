#pragma once

/*
 * When scheduled work is due, and for which interval: the one schedule of sources and DAGs.
 *
 *     @every 10s        a period, from the last time
 *     @once             at the start, never again
 *     cron, @daily ...  see orchestrate/cron.h; in a time zone
 *
 * A run of a DAG works for an interval [start, end) and is due at its end, with which the next
 * interval begins, as Apache Airflow's CronDataIntervalTimetable and DeltaDataIntervalTimetable
 * have it:
 *
 *     start date ─►│◄── first interval ──►│◄── second ──►│◄─
 *                                    first run      second run
 *
 * Pure functions of given times, all µs since 1970, UTC.
 */

#include "orchestrate/cron.h"

#define TIMETABLE_NEVER INT64_MAX

enum timetable_kind {
    TIMETABLE_ONCE,
    TIMETABLE_EVERY,
    TIMETABLE_CRON,
};

struct timetable {
    enum timetable_kind kind;
    int64_t period_us; /* @every */
    struct cron cron;
};

/* `zone` holds for cron; it is borrowed for as long as the timetable. STATUS_CONFIG naming what is
 * wrong; *ret_at (may be NULL) is the byte of `text` to put the caret at (node_error_at). */
MUST_USE enum status timetable_parse(const char *text,
                                     const struct zone *zone,
                                     struct timetable *ret_timetable,
                                     size_t *ret_at,
                                     struct error *error);

/* The first time after `after_us`; TIMETABLE_NEVER if there is none (@once, or the end of what can
 * be counted). */
int64_t timetable_next(const struct timetable *timetable, int64_t after_us);

/* The last time before `before_us`; INT64_MIN if there is none. */
int64_t timetable_prev(const struct timetable *timetable, int64_t before_us);

struct timetable_interval {
    int64_t start_us; /* Airflow's logical date */
    int64_t end_us;   /* when the run is due */
};

/* Which intervals are wanted. */
struct timetable_bounds {
    int64_t earliest_us; /* the start date; INT64_MIN: none */
    int64_t latest_us;   /* the end date, last start of an interval; INT64_MAX: none */
    int64_t now_us;
    int64_t catch_up_us; /* intervals that ended up to so long ago are run one after another, and
                            the last one in any case. 0: only that (Airflow's catchup=False);
                            INT64_MAX: all from the start date on (catchup=True) */
};

/*
 * The interval of the run after the one for `last` (NULL: of the first run). It may end in the
 * future: the run is due then. False: there is none. Without start date the first is the last that
 * has ended. @once: empty, at the start date or now.
 */
bool timetable_interval_after(const struct timetable *timetable,
                              const struct timetable_interval *last,
                              const struct timetable_bounds *bounds,
                              struct timetable_interval *ret_interval);

/* The interval of a run that a person starts: the last that has ended at `now_us`. */
struct timetable_interval timetable_interval_manual(const struct timetable *timetable,
                                                    int64_t now_us);

/* For a backfill: the first interval that starts at or after `from_us`; the next of them follow by
 * timetable_interval_from(end of the one before). False: there is none. */
bool timetable_interval_from(const struct timetable *timetable,
                             int64_t from_us,
                             struct timetable_interval *ret_interval);
