/* One pass over all runs that have not ended: which begin, which tasks' turn it is, which end. */

#include "base/memory.h"
#include "orchestrate/scheduler_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct pass {
    struct scheduler *scheduler;
    struct live_run *runs;
    size_t count;
    int64_t now_us;

    struct chosen {
        struct live_run *live;
        struct run_task *task;
    } * chosen;

    size_t chosen_count;
};

static bool is_hook(const struct run_task *task)
{
    return strcmp(task->kind, "hook") == 0;
}

struct run_task *live_task(const struct live_run *live, const char *name)
{
    for (size_t i = 0; i < live->task_count; i++) {
        if (strcmp(live->tasks[i].name, name) == 0) {
            return &live->tasks[i];
        }
    }
    return NULL;
}

static enum status set_state(struct pass *pass,
                             struct live_run *live,
                             struct run_task *task,
                             enum task_state state,
                             struct error *error)
{
    task->state = state;
    if (task_state_is_end(state)) {
        task->ended_us = pass->now_us;
    }
    return run_store_put_task(pass->scheduler->store, live->run.id, task, error);
}

/* ---- runs that begin ---------------------------------------------------------------------------
 */

static const char *names_of(struct arena *arena, const struct dag *dag, const struct dag_task *task)
{
    const char *names = "";
    for (size_t i = 0; i < task->after_count; i++) {
        names = arena_printf(arena, "%s%s%s", names, i == 0 ? "" : ",",
                             dag->tasks[task->after[i]].name);
    }
    return names;
}

static enum status begin_run(struct pass *pass, struct live_run *live, struct error *error)
{
    const struct dag *dag = live->dag;
    struct arena *arena = &pass->scheduler->arena;
    live->tasks = ARENA_ARRAY(arena, struct run_task, dag->task_count);
    live->task_count = dag->task_count;
    for (size_t i = 0; i < dag->task_count; i++) {
        const struct dag_task *task = &dag->tasks[i];
        live->tasks[i] = (struct run_task){
            .name = task->name,
            .kind = dag_task_kind_names[task->kind],
            .state = STATE_WAITING,
            .slots = task->settings->slots,
            .priority = task->settings->priority,
            .pool = task->settings->pool,
            .after = names_of(arena, dag, task),
        };
        TRY(run_store_put_task(pass->scheduler->store, live->run.id, &live->tasks[i], error));
    }
    live->run.state = RUN_RUNNING;
    live->run.started_us = pass->now_us;
    return run_store_update(pass->scheduler->store, &live->run, error);
}

/* Runs of the same DAG and, for a backfill, of its kind that are under way. */
static size_t running_beside(const struct pass *pass, const struct live_run *live, bool backfill)
{
    size_t count = 0;
    for (size_t i = 0; i < pass->count; i++) {
        const struct dag_run *other = &pass->runs[i].run;
        bool is_backfill = strcmp(other->kind, "backfill") == 0;
        count += other->state == RUN_RUNNING && other->id != live->run.id &&
                 is_backfill == backfill && strcmp(other->dag, live->run.dag) == 0;
    }
    return count;
}

static bool may_begin(const struct pass *pass, const struct live_run *live)
{
    const struct dag_settings *settings = live->dag->settings;
    if (strcmp(live->run.kind, "backfill") == 0) {
        return live->run.parallel == 0 ||
               (int64_t) running_beside(pass, live, true) < live->run.parallel;
    }
    size_t beside = running_beside(pass, live, false);
    if (settings->overlap == OVERLAP_ALLOW) {
        return (int64_t) beside < settings->runs_max;
    }
    if (strcmp(live->run.kind, "manual") == 0 && settings->overlap != OVERLAP_QUEUE) {
        return true;
    }
    return beside == 0;
}

/* ---- tasks whose turn it is --------------------------------------------------------------------
 */

/* True if the output of a branch, names divided by blanks, commas or as a JSON list, has `name`. */
static bool chosen_by_branch(const char *output, const char *name)
{
    static const char divides[] = " \t\r\n,[]\"'";
    size_t length = strlen(name);
    for (const char *at = output; at != NULL && *at != '\0';) {
        at += strspn(at, divides);
        size_t word = strcspn(at, divides);
        if (word == length && strncmp(at, name, length) == 0) {
            return true;
        }
        at += word;
    }
    return false;
}

/* As Airflow's NotPreviouslySkippedDep: what comes right after a branch and was not chosen is
 * skipped, whatever its rule; unless it also comes after one that was chosen. */
static bool left_by_branch(const struct live_run *live, size_t index)
{
    const struct dag *dag = live->dag;
    const struct dag_task *task = &dag->tasks[index];
    for (size_t i = 0; i < task->after_count; i++) {
        size_t before = task->after[i];
        const struct run_task *branch = live_task(live, dag->tasks[before].name);
        if (!dag->tasks[before].settings->branch || branch == NULL ||
            branch->state != STATE_SUCCESS || chosen_by_branch(branch->output, task->name)) {
            continue;
        }
        bool behind_chosen = false;
        for (size_t j = before + 1; j < dag->task_count; j++) {
            behind_chosen =
                behind_chosen || (chosen_by_branch(branch->output, dag->tasks[j].name) &&
                                  dag_task_is_after(dag, index, j));
        }
        if (!behind_chosen) {
            return true;
        }
    }
    return false;
}

static enum trigger_answer ask_rule(const struct live_run *live, size_t index)
{
    const struct dag_task *task = &live->dag->tasks[index];
    struct trigger_counts counts = {.total = task->after_count};
    for (size_t i = 0; i < task->after_count; i++) {
        const struct run_task *before = live_task(live, live->dag->tasks[task->after[i]].name);
        enum task_state state = before == NULL ? STATE_REMOVED : before->state;
        counts.success += state == STATE_SUCCESS || state == STATE_REMOVED;
        counts.failed += state == STATE_FAILED || state == STATE_CANCELLED;
        counts.skipped += state == STATE_SKIPPED;
        counts.upstream_failed += state == STATE_UPSTREAM_FAILED;
    }
    return trigger_rule_answer((enum trigger_rule) task->settings->when, &counts);
}

static enum status advance_waiting(struct pass *pass, struct live_run *live, struct error *error)
{
    static const enum task_state states[] = {[TRIGGER_WAIT] = STATE_WAITING,
                                             [TRIGGER_RUN] = STATE_QUEUED,
                                             [TRIGGER_SKIP] = STATE_SKIPPED,
                                             [TRIGGER_UPSTREAM_FAILED] = STATE_UPSTREAM_FAILED};

    for (size_t i = 0; i < live->dag->task_count; i++) { /* each behind those before it */
        struct run_task *task = live_task(live, live->dag->tasks[i].name);
        if (task == NULL || task->state != STATE_WAITING) {
            continue;
        }
        enum task_state state = left_by_branch(live, i) ? STATE_SKIPPED : states[ask_rule(live, i)];
        if (state != STATE_WAITING) {
            TRY(set_state(pass, live, task, state, error));
        }
    }
    return STATUS_OK;
}

static enum status advance_others(struct pass *pass, struct live_run *live, struct error *error)
{
    for (size_t i = 0; i < live->task_count; i++) {
        struct run_task *task = &live->tasks[i];
        bool gone = !is_hook(task) && dag_task_find(live->dag, task->name) == SIZE_MAX;
        if (gone && !task_state_is_end(task->state) && task->state != STATE_RUNNING) {
            TRY(set_state(pass, live, task, STATE_REMOVED, error));
        } else if (task->state == STATE_RETRY && task->due_us <= pass->now_us) {
            TRY(set_state(pass, live, task, STATE_QUEUED, error));
        } else if (task->state == STATE_RETRY) {
            scheduler_look_at(pass->scheduler, task->due_us);
        }
    }
    return STATUS_OK;
}

/* ---- runs that end -----------------------------------------------------------------------------
 */

static bool all_ended(const struct live_run *live, bool hooks_too)
{
    for (size_t i = 0; i < live->task_count; i++) {
        if (!task_state_is_end(live->tasks[i].state) && (hooks_too || !is_hook(&live->tasks[i]))) {
            return false;
        }
    }
    return true;
}

/* As Airflow: the tasks that nobody waits for decide. */
enum run_state scheduler_outcome(const struct live_run *live)
{
    enum run_state state = live->run.cancel ? RUN_CANCELLED : RUN_SUCCESS;
    if (live->run.message != NULL) {
        return RUN_FAILED;
    }
    for (size_t i = 0; live->dag != NULL && i < live->dag->task_count; i++) {
        const struct run_task *task = live_task(live, live->dag->tasks[i].name);
        if (live->dag->tasks[i].is_leaf && task != NULL && state != RUN_CANCELLED &&
            (task->state == STATE_FAILED || task->state == STATE_UPSTREAM_FAILED ||
             task->state == STATE_CANCELLED)) {
            state = RUN_FAILED;
        }
    }
    return state;
}

/* The hook was told of an end that somebody has undone since. */
static bool is_outdated(const struct live_run *live, const struct run_task *told)
{
    bool outdated = false;
    for (size_t i = 0; i < live->task_count; i++) {
        outdated =
            outdated || (!is_hook(&live->tasks[i]) && live->tasks[i].ended_us > told->ended_us);
    }
    return outdated && task_state_is_end(told->state);
}

static enum status end_run(struct pass *pass, struct live_run *live, struct error *error)
{
    enum run_state state = scheduler_outcome(live);
    const struct dag_settings *settings = live->dag == NULL ? NULL : live->dag->settings;
    const char *event = state == RUN_FAILED ? "on_failure" : "on_success";
    const struct dag_hook *hook = settings == NULL       ? NULL
                                  : state == RUN_FAILED  ? settings->on_failure
                                  : state == RUN_SUCCESS ? settings->on_success
                                                         : NULL;
    const char *name = arena_printf(&pass->scheduler->arena, "@%s", event);
    const struct run_task *told = live_task(live, name);
    if (hook != NULL && (told == NULL || is_outdated(live, told))) {
        return scheduler_add_hook(pass->scheduler, live->run.id, "", event, hook, error);
    }
    if (!all_ended(live, true)) {
        return STATUS_OK;
    }
    live->run.state = state;
    live->run.ended_us = pass->now_us;
    pass->scheduler->changed = true; /* another may wait for its place */
    return run_store_update(pass->scheduler->store, &live->run, error);
}

static enum status cancel_tasks(struct pass *pass, struct live_run *live, struct error *error)
{
    for (size_t i = 0; i < live->task_count; i++) {
        struct run_task *task = &live->tasks[i];
        if (!is_hook(task) && !task_state_is_end(task->state) && task->state != STATE_RUNNING) {
            TRY(set_state(pass, live, task, STATE_CANCELLED, error));
        }
    }
    return scheduler_stop_tries(pass->scheduler, live->run.id, error);
}

/* The time that the run may take, and the one after which it is late. */
static enum status check_time(struct pass *pass, struct live_run *live, struct error *error)
{
    struct dag_run *run = &live->run;
    const struct dag_settings *settings = live->dag->settings;
    if (settings->timeout_us > 0 && run->message == NULL) {
        int64_t at = run->started_us + settings->timeout_us;
        if (at <= pass->now_us) {
            run->message = "took longer than the DAG's time-out";
            TRY(run_store_update(pass->scheduler->store, run, error));
        } else {
            scheduler_look_at(pass->scheduler, at);
        }
    }
    if (settings->deadline_us > 0 && !run->told_late) {
        int64_t due = strcmp(run->kind, "scheduled") == 0 ? run->end_us : run->created_us;
        if (due + settings->deadline_us <= pass->now_us) {
            run->told_late = true;
            TRY(run_store_update(pass->scheduler->store, run, error));
            TRY(scheduler_add_hook(pass->scheduler, run->id, "", "on_deadline",
                                   settings->on_deadline, error));
        } else {
            scheduler_look_at(pass->scheduler, due + settings->deadline_us);
        }
    }
    return STATUS_OK;
}

static enum status advance_run(struct pass *pass, struct live_run *live, struct error *error)
{
    bool ends = live->run.cancel;
    if (live->dag == NULL && !ends) {
        return STATUS_OK; /* no file here has it: it waits for one that does */
    }
    if (live->run.state == RUN_QUEUED && !ends) {
        if (!may_begin(pass, live)) {
            return STATUS_OK;
        }
        TRY(begin_run(pass, live, error));
    }
    if (live->dag != NULL && live->run.state == RUN_RUNNING) {
        TRY(check_time(pass, live, error));
        TRY(advance_others(pass, live, error));
    }
    if (ends || live->run.message != NULL) {
        TRY(cancel_tasks(pass, live, error));
    } else {
        TRY(advance_waiting(pass, live, error));
    }
    return all_ended(live, false) ? end_run(pass, live, error) : STATUS_OK;
}

/* ---- slots -------------------------------------------------------------------------------------
 */

/* Slots of a pool that are taken, or with `live` the tasks of a run under way. */
static int64_t taken(const struct pass *pass, const char *pool, const struct live_run *live)
{
    int64_t sum = 0;
    for (size_t i = 0; i < pass->count; i++) {
        for (size_t j = 0; j < pass->runs[i].task_count; j++) {
            const struct run_task *task = &pass->runs[i].tasks[j];
            if (task->state != STATE_RUNNING) {
                continue;
            }
            if (live != NULL) {
                sum += live == &pass->runs[i] && !is_hook(task);
            } else if (task->pool != NULL && strcmp(task->pool, pool) == 0) {
                sum += task->slots;
            }
        }
    }
    return sum;
}

static bool
has_room(const struct pass *pass, const struct live_run *live, const struct run_task *task)
{
    const struct scheduler_options *options = &pass->scheduler->options;
    if (is_hook(task)) {
        return true;
    }
    if (taken(pass, NULL, live) >= live->dag->settings->tasks_max) {
        return false;
    }
    for (size_t i = 0; task->pool != NULL && i < options->pool_count; i++) {
        if (strcmp(options->pools[i].name, task->pool) == 0) {
            int64_t used = taken(pass, task->pool, NULL);
            /* One that wants more than there is takes the whole pool. */
            return used == 0 || used + task->slots <= options->pools[i].slots;
        }
    }
    return true;
}

static int by_priority(const void *a, const void *b)
{
    const struct chosen *one = a;
    const struct chosen *other = b;
    if (one->task->priority != other->task->priority) {
        return one->task->priority > other->task->priority ? -1 : 1;
    }
    return (one->live->run.id > other->live->run.id) - (one->live->run.id < other->live->run.id);
}

static enum status
start_try(struct pass *pass, struct live_run *live, struct run_task *task, struct error *error)
{
    task->state = STATE_RUNNING;
    task->tries++;
    task->started_us = pass->now_us;
    task->ended_us = 0;
    const struct run_try try = {.task = task->name,
                                .number = task->tries,
                                .state = "running",
                                .started_us = pass->now_us,
                                .exit_code = -1};
    TRY(run_store_put_task(pass->scheduler->store, live->run.id, task, error));
    return run_store_put_try(pass->scheduler->store, live->run.id, &try, error);
}

static enum status choose(struct pass *pass, struct error *error)
{
    size_t queued = 0;
    size_t total = 0;
    for (size_t i = 0; i < pass->count; i++) {
        total += pass->runs[i].task_count;
    }
    pass->chosen = ARENA_ARRAY(&pass->scheduler->arena, struct chosen, total + 1);
    for (size_t i = 0; i < pass->count; i++) {
        for (size_t j = 0; pass->runs[i].dag != NULL && j < pass->runs[i].task_count; j++) {
            if (pass->runs[i].tasks[j].state == STATE_QUEUED) {
                pass->chosen[queued++] = (struct chosen){&pass->runs[i], &pass->runs[i].tasks[j]};
            }
        }
    }
    qsort(pass->chosen, queued, sizeof(*pass->chosen), by_priority);
    for (size_t i = 0; i < queued; i++) {
        struct chosen next = pass->chosen[i];
        if (has_room(pass, next.live, next.task)) {
            TRY(start_try(pass, next.live, next.task, error));
            pass->chosen[pass->chosen_count++] = next;
        }
    }
    return STATUS_OK;
}

/* ---- the pass ----------------------------------------------------------------------------------
 */

static enum status look(struct pass *pass, struct error *error)
{
    struct scheduler *scheduler = pass->scheduler;
    const struct run_filter filter = {.active = true};
    struct dag_run *runs;
    TRY(run_store_runs(scheduler->store, &filter, &scheduler->arena, &runs, &pass->count, error));
    pass->runs = ARENA_ARRAY(&scheduler->arena, struct live_run, pass->count + 1);
    scheduler->live_count = 0;
    for (size_t i = 0; i < pass->count; i++) {
        struct live_run *live = &pass->runs[i];
        live->run = runs[i];
        live->dag = scheduler_dag(scheduler, runs[i].dag);
        scheduler->live_count += live->dag != NULL;
        TRY(run_store_tasks(scheduler->store, runs[i].id, &scheduler->arena, &live->tasks,
                            &live->task_count, error));
    }
    for (size_t i = 0; i < pass->count; i++) {
        TRY(advance_run(pass, &pass->runs[i], error));
    }
    return choose(pass, error);
}

enum status scheduler_advance(struct scheduler *scheduler, int64_t now_us, struct error *error)
{
    struct pass pass = {.scheduler = scheduler, .now_us = now_us};
    TRY(run_store_begin(scheduler->store, error));
    enum status status = look(&pass, error);
    if (status == STATUS_OK) {
        status = run_store_commit(scheduler->store, error);
    }
    if (status != STATUS_OK) {
        run_store_rollback(scheduler->store);
        scheduler->changed = true;
        return status;
    }
    /* What is written down now is begun; if we are killed here, the next one begins it. */
    for (size_t i = 0; i < pass.chosen_count; i++) {
        TRY(scheduler_launch(scheduler, pass.chosen[i].live, pass.chosen[i].task, error));
    }
    return STATUS_OK;
}
