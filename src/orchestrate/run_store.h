#pragma once

/*
 * What ran: DATA/dags/runs.db, by every process that has to do with DAGs. Exactly one of them, the
 * holder of DATA/dags/lock, moves runs on; the others add runs and leave wishes (pause, cancel),
 * which it sees through the database. The whole past stays.
 *
 *     run    queued ──► running ──► success | failed | cancelled          skipped: left out
 *     task   waiting ──► queued ──► running ──► success | failed | skipped | cancelled
 *               │                    │    ▲
 *               │                    ▼    │ when its time has come
 *               └► skipped          retry ┘           also: upstream_failed, removed
 *
 * A struct run_store belongs to one thread at a time. Texts live in the arena that is passed.
 */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct run_store;

enum run_state {
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_SUCCESS,
    RUN_FAILED,
    RUN_CANCELLED,
    RUN_SKIPPED,
};

enum task_state {
    STATE_WAITING,
    STATE_QUEUED,
    STATE_RUNNING,
    STATE_RETRY,
    STATE_SUCCESS,
    STATE_FAILED,
    STATE_SKIPPED,
    STATE_UPSTREAM_FAILED,
    STATE_CANCELLED,
    STATE_REMOVED,
};

extern const char *const run_state_names[];
extern const char *const task_state_names[];

static inline bool run_state_is_end(enum run_state state)
{
    return state >= RUN_SUCCESS;
}

static inline bool task_state_is_end(enum task_state state)
{
    return state >= STATE_SUCCESS;
}

struct dag_run {
    int64_t id;
    const char *dag;  /* "PIPELINE.DAG" */
    const char *key;  /* one of its kind a DAG: asked twice it is the same run */
    const char *kind; /* "scheduled", "manual", "backfill" */
    enum run_state state;
    int64_t start_us, end_us; /* interval */
    int64_t created_us, started_us, ended_us;
    const char *params;  /* JSON object */
    const char *message; /* NULL: none */
    int64_t parallel;    /* of its backfill: so many at a time; 0: no limit */
    bool cancel;         /* somebody asked for it */
    bool told_late;
};

struct run_task {
    const char *name;
    const char *kind;
    enum task_state state;
    int64_t tries;        /* so far, the one under way included */
    int64_t tries_before; /* of them, before somebody asked for it again */
    int64_t due_us;       /* of the next try */
    int64_t started_us, ended_us;
    const char *output, *message;
    int64_t slots, priority;
    const char *pool;
    const char *after; /* names, divided by commas */
};

struct run_try {
    const char *task;
    int64_t number;
    const char *state;
    int64_t started_us, ended_us;
    int64_t exit_code; /* -1: none */
    const char *message;
};

struct dag_record {
    const char *name, *file, *profile, *schedule, *help;
    const char *spec;     /* tasks and what they wait for, as JSON */
    bool paused, present; /* present: in the files of the last scheduler */
    int64_t last_us;      /* end of the newest interval that was dealt with; INT64_MIN: none */
    int64_t next_us;      /* when it is due again; INT64_MAX: never */
};

/* Makes DATA/dags and the database; with `read_only` it must exist (STATUS_NOT_FOUND). */
MUST_USE enum status
run_store_open(const char *data, bool read_only, struct run_store **ret_store, struct error *error);
void run_store_close(struct run_store *store); /* NULL is fine */

/* One transaction. Rolling back is fine at any time. */
MUST_USE enum status run_store_begin(struct run_store *store, struct error *error);
MUST_USE enum status run_store_commit(struct run_store *store, struct error *error);
void run_store_rollback(struct run_store *store);

/* Changes when another connection has changed something. */
MUST_USE enum status
run_store_version(struct run_store *store, int64_t *ret_version, struct error *error);

/* ---- DAGs */
MUST_USE enum status
run_store_put_dag(struct run_store *store, const struct dag_record *dag, struct error *error);
MUST_USE enum status run_store_forget_dags(struct run_store *store, struct error *error);
MUST_USE enum status run_store_dags(struct run_store *store,
                                    struct arena *arena,
                                    struct dag_record **ret_dags,
                                    size_t *ret_count,
                                    struct error *error);
/* By its full name, or the short one if only one has it. STATUS_NOT_FOUND. */
MUST_USE enum status run_store_find_dag(struct run_store *store,
                                        const char *name,
                                        struct arena *arena,
                                        struct dag_record *ret_dag,
                                        struct error *error);
MUST_USE enum status
run_store_pause(struct run_store *store, const char *dag, bool paused, struct error *error);
MUST_USE enum status run_store_set_due(struct run_store *store,
                                       const char *dag,
                                       int64_t last_us,
                                       int64_t next_us,
                                       struct error *error);

/* ---- runs */

/* Adds a run; one with its key that is there already is found instead (*ret_added false). */
MUST_USE enum status run_store_add(struct run_store *store,
                                   const struct dag_run *run,
                                   int64_t *ret_id,
                                   bool *ret_added,
                                   struct error *error);
MUST_USE enum status
run_store_update(struct run_store *store, const struct dag_run *run, struct error *error);
MUST_USE enum status run_store_cancel(struct run_store *store, int64_t id, struct error *error);

struct run_filter {
    const char *dag;   /* NULL: all */
    const char *state; /* NULL: all */
    int64_t id;        /* 0: all */
    int64_t before;    /* only ids below; 0: all */
    bool active;       /* queued and running ones only, the oldest first */
    int64_t limit;     /* 0: none */
};

/* The newest first. */
MUST_USE enum status run_store_runs(struct run_store *store,
                                    const struct run_filter *filter,
                                    struct arena *arena,
                                    struct dag_run **ret_runs,
                                    size_t *ret_count,
                                    struct error *error);
MUST_USE enum status run_store_run(struct run_store *store,
                                   int64_t id,
                                   struct arena *arena,
                                   struct dag_run *ret_run,
                                   struct error *error);

/* ---- tasks of a run, in the order they were added */
MUST_USE enum status run_store_put_task(struct run_store *store,
                                        int64_t run,
                                        const struct run_task *task,
                                        struct error *error);
MUST_USE enum status run_store_tasks(struct run_store *store,
                                     int64_t run,
                                     struct arena *arena,
                                     struct run_task **ret_tasks,
                                     size_t *ret_count,
                                     struct error *error);

/* ---- tries */
MUST_USE enum status run_store_put_try(struct run_store *store,
                                       int64_t run,
                                       const struct run_try *try,
                                       struct error *error);
MUST_USE enum status run_store_tries(struct run_store *store,
                                     int64_t run,
                                     struct arena *arena,
                                     struct run_try **ret_tries,
                                     size_t *ret_count,
                                     struct error *error);

/* What is running now, to find it again: visits (run, task, try). */
MUST_USE enum status run_store_running(struct run_store *store,
                                       enum status (*visit)(void *context,
                                                            int64_t run,
                                                            const char *task,
                                                            int64_t try,
                                                            struct error *error),
                                       void *context,
                                       struct error *error);

/* ---- what others want */

/* Tasks that did not succeed, and what comes after them, wait again, and the run goes on. */
MUST_USE enum status
run_store_retry(struct run_store *store, int64_t run, const char *task, struct error *error);
