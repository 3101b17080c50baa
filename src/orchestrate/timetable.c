#include "orchestrate/timetable.h"

#include "base/time_text.h"

#include <string.h>

#define EVERY "@every "

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* `us` - `by_us`, at most the ends of what can be counted. `by_us` is not negative. */
static int64_t minus(int64_t us, int64_t by_us)
{
    return us < INT64_MIN + by_us ? INT64_MIN : us - by_us;
}

enum status timetable_parse(const char *text,
                            const struct zone *zone,
                            struct timetable *ret_timetable,
                            size_t *ret_at,
                            struct error *error)
{
    struct timetable timetable = {.kind = TIMETABLE_CRON};
    if (ret_at != NULL) {
        *ret_at = 0;
    }
    if (strcmp(text, "@once") == 0) {
        timetable.kind = TIMETABLE_ONCE;
    } else if (strncmp(text, EVERY, sizeof(EVERY) - 1) == 0) {
        timetable.kind = TIMETABLE_EVERY;
        TRY(duration_parse(slice_of_string(text + sizeof(EVERY) - 1), &timetable.period_us, error));
        if (timetable.period_us <= 0) {
            return error_set(error, STATUS_CONFIG, "\"%s\": the period must be above zero", text);
        }
    } else {
        TRY(cron_parse(text, zone, &timetable.cron, ret_at, error));
    }
    *ret_timetable = timetable;
    return STATUS_OK;
}

int64_t timetable_next(const struct timetable *timetable, int64_t after_us)
{
    switch (timetable->kind) {
    case TIMETABLE_ONCE:
        return TIMETABLE_NEVER;
    case TIMETABLE_EVERY:
        return after_us > INT64_MAX - timetable->period_us ? TIMETABLE_NEVER
                                                           : after_us + timetable->period_us;
    case TIMETABLE_CRON:
        break;
    }
    return cron_next(&timetable->cron, after_us);
}

int64_t timetable_prev(const struct timetable *timetable, int64_t before_us)
{
    switch (timetable->kind) {
    case TIMETABLE_ONCE:
        return INT64_MIN;
    case TIMETABLE_EVERY:
        return minus(before_us, timetable->period_us);
    case TIMETABLE_CRON:
        break;
    }
    return cron_prev(&timetable->cron, before_us);
}

/* ---- intervals ---------------------------------------------------------------------------------
 */

/* The first time at or after `us`; a period begins at any time. */
static int64_t align_to_next(const struct timetable *timetable, int64_t us)
{
    if (timetable->kind != TIMETABLE_CRON) {
        return us;
    }
    int64_t next_us = timetable_next(timetable, us);
    return next_us != TIMETABLE_NEVER && timetable_prev(timetable, next_us) == us ? us : next_us;
}

/* The last time at or before `us`. */
static int64_t align_to_prev(const struct timetable *timetable, int64_t us)
{
    if (timetable->kind != TIMETABLE_CRON) {
        return us;
    }
    int64_t prev_us = timetable_prev(timetable, us);
    return prev_us != INT64_MIN && timetable_next(timetable, prev_us) == us ? us : prev_us;
}

/* The start of the last interval that has ended at `now_us`; Airflow's _skip_to_latest. */
static int64_t latest_start(const struct timetable *timetable, int64_t now_us)
{
    if (timetable->kind == TIMETABLE_EVERY) { /* they end at multiples of the period since 1970 */
        int64_t behind_us = now_us % timetable->period_us;
        behind_us += behind_us < 0 ? timetable->period_us : 0;
        return timetable_prev(timetable, now_us - behind_us);
    }
    int64_t last_us = timetable_prev(timetable, now_us);
    if (last_us == INT64_MIN || timetable_next(timetable, last_us) == now_us) {
        return last_us;
    }
    return timetable_prev(timetable, last_us);
}

/* The earliest start that is wanted; INT64_MIN: nothing says. */
static int64_t first_start(const struct timetable *timetable, const struct timetable_bounds *bounds)
{
    bool given = bounds->earliest_us != INT64_MIN;
    int64_t earliest_us = given ? align_to_next(timetable, bounds->earliest_us) : INT64_MIN;
    if (given && bounds->catch_up_us == INT64_MAX) {
        return earliest_us;
    }
    int64_t skipped_us = latest_start(timetable, bounds->now_us);
    if (bounds->catch_up_us > 0 && bounds->catch_up_us != INT64_MAX) {
        int64_t since_us = minus(bounds->now_us, bounds->catch_up_us);
        int64_t end_us = timetable->kind == TIMETABLE_EVERY
                             ? timetable_next(timetable, latest_start(timetable, since_us))
                             : align_to_next(timetable, since_us);
        if (end_us < since_us) {
            end_us = timetable_next(timetable, end_us);
        }
        skipped_us = smaller(skipped_us, timetable_prev(timetable, end_us));
    }
    return larger(skipped_us, earliest_us);
}

bool timetable_interval_after(const struct timetable *timetable,
                              const struct timetable_interval *last,
                              const struct timetable_bounds *bounds,
                              struct timetable_interval *ret_interval)
{
    if (timetable->kind == TIMETABLE_ONCE) {
        int64_t at_us = bounds->earliest_us == INT64_MIN ? bounds->now_us : bounds->earliest_us;
        *ret_interval = (struct timetable_interval){at_us, at_us};
        return last == NULL && at_us <= bounds->latest_us;
    }
    int64_t start_us = first_start(timetable, bounds);
    if (last != NULL) {
        start_us = larger(start_us, align_to_prev(timetable, last->end_us));
        if (start_us <= last->start_us) { /* the schedule was changed to a coarser one */
            start_us = timetable_next(timetable, larger(start_us, last->start_us));
        }
    }
    if (start_us == INT64_MIN || start_us > bounds->latest_us) {
        return false;
    }
    *ret_interval = (struct timetable_interval){start_us, timetable_next(timetable, start_us)};
    return ret_interval->end_us != TIMETABLE_NEVER;
}

struct timetable_interval timetable_interval_manual(const struct timetable *timetable,
                                                    int64_t now_us)
{
    if (timetable->kind == TIMETABLE_ONCE) {
        return (struct timetable_interval){now_us, now_us};
    }
    int64_t end_us = align_to_prev(timetable, now_us);
    int64_t start_us = end_us == INT64_MIN ? INT64_MIN : timetable_prev(timetable, end_us);
    if (start_us == INT64_MIN) {
        return (struct timetable_interval){now_us, now_us};
    }
    return (struct timetable_interval){start_us, end_us};
}

bool timetable_interval_from(const struct timetable *timetable,
                             int64_t from_us,
                             struct timetable_interval *ret_interval)
{
    int64_t start_us = align_to_next(timetable, from_us);
    if (timetable->kind == TIMETABLE_ONCE || start_us == TIMETABLE_NEVER) {
        return false;
    }
    *ret_interval = (struct timetable_interval){start_us, timetable_next(timetable, start_us)};
    return ret_interval->end_us != TIMETABLE_NEVER;
}
