#pragma once

/* Pieces of Python for orchestrate/airflow.c. */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* "text" as Python has it. */
void python_string(struct buffer *target, const char *text);

/* timedelta(seconds=90) */
void python_duration(struct buffer *target, int64_t us);

/* pendulum.datetime(2026, 1, 5, 6, 30, tz="UTC") */
void python_time(struct buffer *target, int64_t us);

/* A task's name as one of Python. */
const char *python_name(struct arena *arena, const char *name);

/* ${interval.start} and the like as {{ ... }}, and what Airflow would take for a template as it is.
 * STATUS_CONFIG naming what Airflow has nothing for. */
MUST_USE enum status jinja_text(const char *text,
                                const char *dag,
                                struct arena *arena,
                                const char **ret_text,
                                struct error *error);

/* One word for a shell. */
const char *shell_word(struct arena *arena, const char *word);
