#pragma once

/* Which interval of a DAG comes next. A run covers [start, end) and is due at its end. */

#include "base/error.h"
#include "orchestrate/timetable.h"

#include <stdbool.h>
#include <stdint.h>

struct dag_due {
    bool scheduled;
    struct timetable timetable;
    int64_t first_us, last_us; /* INT64_MIN, INT64_MAX: open */
    int64_t catch_up_us;       /* how far back; 0: only the newest, INT64_MAX: all */
};

struct dag_interval {
    int64_t start_us, end_us;
};

/* As the file has it; NULL where it says nothing. */
struct dag_due_texts {
    const char *schedule; /* NULL: only by hand */
    const char *timezone, *start, *end, *catch_up;
};

/* STATUS_CONFIG for what is wrong or never due; *ret_field names the setting, *ret_at is the byte
 * of its text. */
MUST_USE enum status dag_due_init(const struct dag_due_texts *texts,
                                  struct dag_due *ret_due,
                                  const char **ret_field,
                                  size_t *ret_at,
                                  struct error *error);

/* The interval after the one that ended at `after_us`, of those that are wanted. INT64_MIN: there
 * was none; then a DAG without start and catch-up begins with the interval that is under way. False
 * if there is none any more. */
bool dag_due_next(const struct dag_due *due,
                  int64_t after_us,
                  int64_t now_us,
                  struct dag_interval *ret_interval);

/* The newest one that has ended at `now_us`: what a run by hand covers. False: no schedule. */
bool dag_due_newest(const struct dag_due *due, int64_t now_us, struct dag_interval *ret_interval);

/* The first interval that starts at or after `from_us`: backfill. */
bool dag_due_from(const struct dag_due *due, int64_t from_us, struct dag_interval *ret_interval);
