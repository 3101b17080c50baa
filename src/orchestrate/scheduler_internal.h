#pragma once

/* What the files of the scheduler share. */

#include "io/lock.h"
#include "orchestrate/scheduler.h"

/* A try that is under way. */
struct active_try {
    int64_t run;
    char *task;
    int64_t number;
    pid_t pid; /* to reap; 0: not ours */
    int begun_again;
    bool known; /* a file here has its DAG, or somebody wants it to end */
};

/* A run with its tasks, for one pass. */
struct live_run {
    struct dag_run run;
    const struct dag *dag; /* NULL: no file has it any more */
    struct run_task *tasks;
    size_t task_count;
};

struct scheduler {
    struct scheduler_options options;
    struct scheduler_tries tries;
    struct run_store *store;
    struct file_lock lock;
    struct active_try *active;
    size_t active_count, active_capacity;
    int64_t *due_us; /* of each DAG: when to look at its schedule again */
    bool *paused;
    int64_t version;    /* of the store, when last looked at */
    bool changed;       /* look at all runs */
    int64_t next_us;    /* a retry or a time-out is due */
    size_t live_count;  /* runs under way or queued, at the last look */
    struct arena arena; /* of a pass */
};

const struct dag *scheduler_dag(const struct scheduler *scheduler, const char *name);

/* scheduler_due.c: runs of schedules. */
MUST_USE enum status
scheduler_make_due(struct scheduler *scheduler, int64_t now_us, struct error *error);

/* scheduler_advance.c: one pass over all runs that have not ended. */
MUST_USE enum status
scheduler_advance(struct scheduler *scheduler, int64_t now_us, struct error *error);
struct run_task *live_task(const struct live_run *live, const char *name);

/* scheduler_try.c: what came of tries, and starting them. */
MUST_USE enum status
scheduler_collect(struct scheduler *scheduler, int64_t now_us, struct error *error);
MUST_USE enum status scheduler_adopt(struct scheduler *scheduler, struct error *error);
MUST_USE enum status scheduler_launch(struct scheduler *scheduler,
                                      const struct live_run *live,
                                      const struct run_task *task,
                                      struct error *error);
void scheduler_remember(
    struct scheduler *scheduler, int64_t run, const char *task, int64_t number, pid_t pid);
MUST_USE enum status
scheduler_stop_tries(struct scheduler *scheduler, int64_t run, struct error *error);

/* Adds the hook's row, if there is such a hook and it was not added before. */
MUST_USE enum status scheduler_add_hook(struct scheduler *scheduler,
                                        int64_t run,
                                        const char *task, /* "": of the run */
                                        const char *event,
                                        const struct dag_hook *hook,
                                        struct error *error);
/* How the run ends, as its tasks are. */
enum run_state scheduler_outcome(const struct live_run *live);

/* A moment at which to look again. */
static inline void scheduler_look_at(struct scheduler *scheduler, int64_t at_us)
{
    scheduler->next_us = at_us < scheduler->next_us ? at_us : scheduler->next_us;
}
