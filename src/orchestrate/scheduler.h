#pragma once

/*
 * Moves runs on: makes those that are due, starts tasks whose turn it is, takes what came of them.
 * Everything it knows is in the run store and in the folders of tries, and every step is written
 * down before it is done; so whoever opens the next scheduler goes on where this one was, at
 * whatever moment it was killed. Keepers (try.h) live on meanwhile.
 *
 * For one thread. Time is clock_now_us, so that tests can simulate it.
 */

#include "base/error.h"
#include "orchestrate/dag.h"
#include "orchestrate/run_store.h"
#include "orchestrate/task_spec.h"
#include "orchestrate/try.h"

#include <stdbool.h>
#include <stdint.h>

struct scheduler;

struct scheduler_pool {
    const char *name;
    int64_t slots;
};

/* How tries are run; tests put others in place of keepers. */
struct scheduler_tries {
    void *context;
    enum status (*start)(void *context,
                         const char *folder,
                         struct slice spec,
                         pid_t *ret_pid, /* 0: none to reap */
                         struct error *error);
    enum status (*look)(void *context,
                        const char *folder,
                        struct arena *arena,
                        enum try_stage *ret_stage,
                        struct try_result *ret_result,
                        struct error *error);
    enum status (*stop)(void *context, const char *folder, struct error *error);
};

struct scheduler_options {
    struct task_place place; /* all borrowed, also the rest */
    struct dag *const *dags;
    size_t dag_count;
    const struct scheduler_pool *pools;
    size_t pool_count;
    bool by_hand;                        /* make no runs of schedules: `leat dag run` alone */
    const struct scheduler_tries *tries; /* NULL: keepers */
};

/* Takes DATA/dags/lock (STATUS_AGAIN if another process has it), and adopts what runs. */
MUST_USE enum status scheduler_open(const struct scheduler_options *options,
                                    struct scheduler **ret_scheduler,
                                    struct error *error);

/* Does what is due. *ret_wait_us: when to come again at the latest. */
MUST_USE enum status
scheduler_tick(struct scheduler *scheduler, int64_t *ret_wait_us, struct error *error);

/* True if no run is under way or queued. */
bool scheduler_is_idle(const struct scheduler *scheduler);

/* Tries go on; the next scheduler finds them. NULL is fine. */
void scheduler_close(struct scheduler *scheduler);

/* ---- what commands and the console do, whoever schedules ---------------------------------------
 */

/* Adds a run of now. `params`: JSON object or NULL. `key` NULL: one of its own. */
MUST_USE enum status scheduler_add_manual(struct run_store *store,
                                          const struct dag_record *dag,
                                          const struct dag_interval *interval, /* NULL: now */
                                          const char *params,
                                          const char *key,
                                          int64_t *ret_id,
                                          struct error *error);

/* The DAG's shape as JSON: tasks, what they wait for, parameters. */
void scheduler_write_spec(const struct dag *dag, struct buffer *target);
