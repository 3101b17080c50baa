#pragma once

/* What the files of the keeper share. */

#include "base/arena.h"
#include "base/buffer.h"
#include "io/process.h"
#include "orchestrate/try.h"

#include <jansson.h>

struct task_keeper {
    const char *folder;
    json_t *spec;
    struct arena arena;
    int log;              /* descriptor */
    int64_t deadline_us;  /* monotonic; 0: none */
    struct buffer output; /* what the work wrote to its standard output, its end */
    struct try_result result;
};

/* Somebody wants the try to end. */
bool task_keeper_stopping(const struct task_keeper *keeper);

/* A line of our own in the log. */
void task_keeper_log(struct task_keeper *keeper, const char *format, ...) PRINTF(2, 3);

/* How it ended; only the first failure counts. */
void task_keeper_fail(struct task_keeper *keeper, const char *format, ...) PRINTF(2, 3);

/* Time that is left; INT64_MAX: no limit. */
int64_t task_keeper_time_left(const struct task_keeper *keeper);

/* Runs a program; what it writes goes to the log, and its standard output to `keeper->output`. */
MUST_USE enum status task_keeper_run(struct task_keeper *keeper,
                                     const char *const *arguments,
                                     bool quiet,
                                     struct process_result *ret_result,
                                     struct error *error);

/* Sleeps in pieces; false if it must stop or its time is over (then the result says so). */
bool task_keeper_sleep(struct task_keeper *keeper, int64_t duration_us);

/* Members of the spec. */
const char *task_keeper_text(const json_t *object, const char *key); /* NULL if absent */
const char **task_keeper_words(struct task_keeper *keeper,
                               const json_t *list); /* NULL-terminated */

/* task_keeper_call.c: an HTTP call of `http`; true if it is as it should be. The answer is the
 * output. */
bool task_keeper_http(struct task_keeper *keeper, const json_t *http);
/* POSTs JSON, with no look at the answer but its status. */
bool task_keeper_post(struct task_keeper *keeper, const char *url, struct slice json);
bool task_keeper_mail(struct task_keeper *keeper, const json_t *mail);

/* task_keeper_wait.c */
void task_keeper_wait(struct task_keeper *keeper, const json_t *wait);
/* sql and expect */
void task_keeper_sql(struct task_keeper *keeper);
