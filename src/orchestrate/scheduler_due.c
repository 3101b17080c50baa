/* Runs of schedules. */

#include "base/time_text.h"
#include "orchestrate/scheduler_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Runs of the DAG that have not ended, those of a backfill left out. */
static enum status active_runs(struct scheduler *scheduler,
                               const char *dag,
                               struct dag_run **ret_runs,
                               size_t *ret_count,
                               struct error *error)
{
    const struct run_filter filter = {.dag = dag, .active = true};
    size_t count;
    size_t kept = 0;
    struct dag_run *runs;
    TRY(run_store_runs(scheduler->store, &filter, &scheduler->arena, &runs, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(runs[i].kind, "backfill") != 0) {
            runs[kept++] = runs[i];
        }
    }
    *ret_runs = runs;
    *ret_count = kept;
    return STATUS_OK;
}

static enum status make_run(struct scheduler *scheduler,
                            const struct dag *dag,
                            const struct dag_interval *interval,
                            int64_t now_us,
                            struct error *error)
{
    char key[80];
    char time[TIME_TEXT_BYTES];
    int64_t id;
    bool added;
    struct dag_run *active;
    size_t count;
    TRY(active_runs(scheduler, dag->name, &active, &count, error));
    (void) time_format(interval->start_us, time);
    (void) snprintf(key, sizeof(key), "scheduled__%s", time);
    struct dag_run run = {
        .dag = dag->name,
        .key = key,
        .kind = "scheduled",
        .state = RUN_QUEUED,
        .start_us = interval->start_us,
        .end_us = interval->end_us,
        .created_us = now_us,
    };
    if (dag->settings->overlap == OVERLAP_SKIP && count > 0 && dag->due.catch_up_us == 0) {
        run.state = RUN_SKIPPED;
        run.ended_us = now_us;
        run.message = arena_printf(&scheduler->arena,
                                   "left out: run %" PRId64 " was still under way", active[0].id);
    }
    for (size_t i = 0; dag->settings->overlap == OVERLAP_CANCEL && i < count; i++) {
        TRY(run_store_cancel(scheduler->store, active[i].id, error));
    }
    TRY(run_store_add(scheduler->store, &run, &id, &added, error));
    scheduler->changed = true;
    return STATUS_OK;
}

#define RUNS_AT_ONCE 1000 /* of one schedule, in one transaction */

static enum status make_dag_due(struct scheduler *scheduler,
                                size_t index,
                                const struct dag_record *record,
                                int64_t now_us,
                                struct error *error)
{
    const struct dag *dag = scheduler->options.dags[index];
    struct dag_interval interval;
    int64_t last = record->last_us;
    bool there = dag_due_next(&dag->due, last, now_us, &interval);
    for (int i = 0; there && interval.end_us <= now_us && i < RUNS_AT_ONCE; i++) {
        TRY(make_run(scheduler, dag, &interval, now_us, error));
        last = interval.end_us;
        there = dag_due_next(&dag->due, last, now_us, &interval);
    }
    if (last == INT64_MIN && there) {
        last = interval.start_us; /* from now on, whatever happens */
    }
    scheduler->due_us[index] = there ? interval.end_us : INT64_MAX;
    if (last != record->last_us || scheduler->due_us[index] != record->next_us) {
        TRY(run_store_set_due(scheduler->store, dag->name, last, scheduler->due_us[index], error));
    }
    return STATUS_OK;
}

static enum status make_all(struct scheduler *scheduler, int64_t now_us, struct error *error)
{
    struct dag_record *records;
    size_t count;
    TRY(run_store_dags(scheduler->store, &scheduler->arena, &records, &count, error));
    for (size_t i = 0; i < scheduler->options.dag_count; i++) {
        for (size_t r = 0; r < count && scheduler->due_us[i] <= now_us; r++) {
            if (strcmp(records[r].name, scheduler->options.dags[i]->name) != 0) {
                continue;
            }
            if (!records[r].paused) {
                TRY(make_dag_due(scheduler, i, &records[r], now_us, error));
                continue;
            }
            scheduler->due_us[i] = INT64_MAX; /* until somebody changes it */
            if (records[r].next_us != INT64_MAX) {
                TRY(run_store_set_due(scheduler->store, records[r].name, records[r].last_us,
                                      INT64_MAX, error));
            }
        }
    }
    return STATUS_OK;
}

enum status scheduler_make_due(struct scheduler *scheduler, int64_t now_us, struct error *error)
{
    bool due = false;
    for (size_t i = 0; i < scheduler->options.dag_count; i++) {
        due = due || scheduler->due_us[i] <= now_us;
    }
    if (!due) {
        return STATUS_OK;
    }
    TRY(run_store_begin(scheduler->store, error));
    enum status status = make_all(scheduler, now_us, error);
    if (status == STATUS_OK) {
        status = run_store_commit(scheduler->store, error);
    }
    if (status != STATUS_OK) {
        run_store_rollback(scheduler->store);
    }
    return status;
}
