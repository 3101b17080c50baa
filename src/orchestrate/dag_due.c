#include "orchestrate/dag_due.h"

#include "base/time_text.h"

#include <string.h>

static enum status read_catch_up(const char *text, int64_t *ret_us, struct error *error)
{
    *ret_us = 0;
    if (text == NULL || strcmp(text, "false") == 0) {
        return STATUS_OK;
    }
    if (strcmp(text, "true") == 0) {
        *ret_us = INT64_MAX;
        return STATUS_OK;
    }
    enum status status = duration_parse(slice_of_string(text), ret_us, error);
    if (status != STATUS_OK) {
        error_hint(error, "catch_up is true, false, or how far back, such as \"2 days\"");
    }
    return status;
}

static enum status read_bounds(const struct dag_due_texts *texts,
                               struct dag_due *due,
                               const char **ret_field,
                               struct error *error)
{
    *ret_field = "start";
    if (texts->start != NULL) {
        TRY(time_parse(slice_of_string(texts->start), &due->first_us, error));
    }
    *ret_field = "end";
    if (texts->end != NULL) {
        TRY(time_parse(slice_of_string(texts->end), &due->last_us, error));
    }
    if (due->first_us >= due->last_us) {
        return error_set(error, STATUS_CONFIG, "the end is not after the start");
    }
    *ret_field = "catch_up";
    TRY(read_catch_up(texts->catch_up, &due->catch_up_us, error));
    if (due->catch_up_us == INT64_MAX && texts->start == NULL && texts->schedule != NULL) {
        (void) error_set(error, STATUS_CONFIG, "catch_up needs a start to catch up from");
        error_hint(error, "write start: 2026-01-01, or how far back: catch_up: 2 days");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

enum status dag_due_init(const struct dag_due_texts *texts,
                         struct dag_due *ret_due,
                         const char **ret_field,
                         size_t *ret_at,
                         struct error *error)
{
    struct dag_due due = {
        .scheduled = texts->schedule != NULL, .first_us = INT64_MIN, .last_us = INT64_MAX};
    const struct zone *zone = zone_utc();
    *ret_at = 0;
    TRY(read_bounds(texts, &due, ret_field, error));
    *ret_field = "timezone";
    if (texts->timezone != NULL) {
        TRY(zone_find(texts->timezone, &zone, error));
    }
    *ret_field = "schedule";
    if (texts->schedule != NULL) {
        TRY(timetable_parse(texts->schedule, zone, &due.timetable, ret_at, error));
        struct dag_interval first;
        int64_t from = due.first_us == INT64_MIN ? 0 : due.first_us;
        bool once = due.timetable.kind == TIMETABLE_ONCE;
        if (!once && (!dag_due_from(&due, from, &first) || first.end_us > due.last_us)) {
            *ret_at = 0;
            return error_set(error, STATUS_CONFIG, "\"%s\" is never due", texts->schedule);
        }
    }
    *ret_due = due;
    return STATUS_OK;
}

static bool take(const struct dag_due *due,
                 const struct timetable_interval *interval,
                 struct dag_interval *ret_interval)
{
    *ret_interval = (struct dag_interval){interval->start_us, interval->end_us};
    return interval->end_us <= due->last_us;
}

bool dag_due_from(const struct dag_due *due, int64_t from_us, struct dag_interval *ret_interval)
{
    struct timetable_interval interval;
    int64_t from = from_us < due->first_us ? due->first_us : from_us;
    return due->scheduled && timetable_interval_from(&due->timetable, from, &interval) &&
           take(due, &interval, ret_interval);
}

bool dag_due_newest(const struct dag_due *due, int64_t now_us, struct dag_interval *ret_interval)
{
    if (!due->scheduled) {
        return false;
    }
    struct timetable_interval interval = timetable_interval_manual(&due->timetable, now_us);
    *ret_interval = (struct dag_interval){interval.start_us, interval.end_us};
    return true;
}

bool dag_due_next(const struct dag_due *due,
                  int64_t after_us,
                  int64_t now_us,
                  struct dag_interval *ret_interval)
{
    const struct timetable_bounds bounds = {.earliest_us = due->first_us,
                                            .latest_us = due->last_us,
                                            .now_us = now_us,
                                            .catch_up_us = due->catch_up_us};
    struct timetable_interval interval;
    if (!due->scheduled) {
        return false;
    }
    if (after_us != INT64_MIN) {
        bool once = due->timetable.kind == TIMETABLE_ONCE;
        int64_t start = once ? after_us : timetable_prev(&due->timetable, after_us);
        const struct timetable_interval last = {start, after_us};
        return timetable_interval_after(&due->timetable, &last, &bounds, &interval) &&
               take(due, &interval, ret_interval);
    }
    if (!timetable_interval_after(&due->timetable, NULL, &bounds, &interval)) {
        return false;
    }
    if (due->timetable.kind != TIMETABLE_ONCE && due->first_us == INT64_MIN &&
        due->catch_up_us == 0 && interval.end_us <= now_us) {
        return dag_due_from(due, interval.end_us, ret_interval);
    }
    return take(due, &interval, ret_interval);
}
