/* Tries: starting them, finding them again, and what came of them. */

#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"
#include "io/file.h"
#include "orchestrate/scheduler_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#define BEGIN_AGAIN_MAX 3

/* ---- the list ----------------------------------------------------------------------------------
 */

void scheduler_remember(
    struct scheduler *scheduler, int64_t run, const char *task, int64_t number, pid_t pid)
{
    if (scheduler->active_count == scheduler->active_capacity) {
        scheduler->active_capacity =
            scheduler->active_capacity == 0 ? 16 : scheduler->active_capacity * 2;
        scheduler->active =
            mem_realloc(scheduler->active, scheduler->active_capacity * sizeof(*scheduler->active));
    }
    scheduler->active[scheduler->active_count++] = (struct active_try){
        .run = run, .task = mem_strdup(task), .number = number, .pid = pid, .known = true};
}

static void forget(struct scheduler *scheduler, size_t index)
{
    struct active_try *active = &scheduler->active[index];
    while (active->pid > 0 && waitpid(active->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    mem_free(active->task);
    *active = scheduler->active[--scheduler->active_count];
}

static enum status
adopt(void *context, int64_t run, const char *task, int64_t try, struct error *error)
{
    struct scheduler *scheduler = context;
    struct dag_run found;
    TRY(run_store_run(scheduler->store, run, &scheduler->arena, &found, error));
    scheduler_remember(scheduler, run, task, try, 0);
    scheduler->active[scheduler->active_count - 1].known =
        scheduler_dag(scheduler, found.dag) != NULL;
    return STATUS_OK;
}

enum status scheduler_adopt(struct scheduler *scheduler, struct error *error)
{
    return run_store_running(scheduler->store, adopt, scheduler, error);
}

enum status scheduler_stop_tries(struct scheduler *scheduler, int64_t run, struct error *error)
{
    for (size_t i = 0; i < scheduler->active_count; i++) {
        struct active_try *active = &scheduler->active[i];
        active->known = active->known || active->run == run;
        if (active->run == run && strchr(active->task, '@') == NULL) {
            const char *folder = try_folder(scheduler->options.place.data, run, active->task,
                                            active->number, &scheduler->arena);
            TRY(scheduler->tries.stop(scheduler->tries.context, folder, error));
        }
    }
    return STATUS_OK;
}

/* ---- starting ----------------------------------------------------------------------------------
 */

static const struct dag_hook *hook_of(const struct dag *dag, const char *name)
{
    const char *at = strchr(name, '@');
    const char *event = at + 1;
    if (at == name) {
        return strcmp(event, "on_failure") == 0   ? dag->settings->on_failure
               : strcmp(event, "on_success") == 0 ? dag->settings->on_success
                                                  : dag->settings->on_deadline;
    }
    for (size_t i = 0; i < dag->task_count; i++) {
        const struct dag_task *task = &dag->tasks[i];
        if (strlen(task->name) == (size_t) (at - name) &&
            strncmp(task->name, name, (size_t) (at - name)) == 0) {
            return strcmp(event, "on_failure") == 0 ? task->settings->on_failure
                                                    : task->settings->on_success;
        }
    }
    return NULL;
}

static enum status write_spec(struct scheduler *scheduler,
                              const struct live_run *live,
                              const struct run_task *task,
                              struct buffer *spec,
                              struct error *error)
{
    struct dag_run run = live->run;
    struct task_run about = {.dag = live->dag,
                             .run = &run,
                             .tasks = live->tasks,
                             .task_count = live->task_count,
                             .name = task->name,
                             .number = task->tries};
    if (strcmp(task->kind, "hook") != 0) {
        return task_spec_write(&scheduler->options.place, &about,
                               &live->dag->tasks[dag_task_find(live->dag, task->name)], spec,
                               error);
    }
    const struct dag_hook *hook = hook_of(live->dag, task->name);
    if (hook == NULL) {
        return error_set(error, STATUS_NOT_FOUND, "the file has no such hook any more");
    }
    about.name =
        arena_printf(&scheduler->arena, "%.*s", (int) strcspn(task->name, "@"), task->name);
    const struct run_task *subject = live_task(live, about.name);
    about.task_message = subject != NULL ? subject->message : live->run.message;
    run.state = strstr(task->name, "@on_deadline") != NULL ? RUN_RUNNING : scheduler_outcome(live);
    return task_spec_write_hook(&scheduler->options.place, &about, hook, spec, error);
}

enum status scheduler_launch(struct scheduler *scheduler,
                             const struct live_run *live,
                             const struct run_task *task,
                             struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer spec = BUFFER_INIT;
    struct error fault = {0};
    pid_t pid = 0;
    const char *folder = try_folder(scheduler->options.place.data, live->run.id, task->name,
                                    task->tries, &scheduler->arena);
    enum status status = write_spec(scheduler, live, task, &spec, &fault);
    if (status == STATUS_OK) {
        status = scheduler->tries.start(scheduler->tries.context, folder, buffer_slice(&spec), &pid,
                                        error);
    } else {
        const struct try_result result = {.outcome = TRY_FAILED,
                                          .final = true,
                                          .exit_code = -1,
                                          .started_us = clock_now_us(),
                                          .ended_us = clock_now_us(),
                                          .message = fault.message};
        status = directory_make(folder, error);
        status = status == STATUS_OK ? try_write_result(folder, &result, error) : status;
    }
    if (status == STATUS_OK) {
        scheduler_remember(scheduler, live->run.id, task->name, task->tries, pid);
    }
    return status;
}

/* ---- what came of them -------------------------------------------------------------------------
 */

static int64_t retry_delay(const struct dag_retries *retries, int64_t failures)
{
    double delay = (double) retries->delay_us * pow(retries->backoff, (double) (failures - 1));
    double most = retries->max_delay_us > 0 ? (double) retries->max_delay_us : delay;
    delay = delay < most ? delay : most;
    double random = (double) (random_u64() >> 11) / (double) (UINT64_C(1) << 53);
    delay *= 1 + retries->jitter * (2 * random - 1);
    return delay < 0 ? 0 : (int64_t) delay;
}

static void settle(struct scheduler *scheduler,
                   const struct dag *dag,
                   struct run_task *task,
                   const struct try_result *result,
                   int64_t now_us)
{
    static const enum task_state ends[] = {[TRY_SUCCESS] = STATE_SUCCESS,
                                           [TRY_FAILED] = STATE_FAILED,
                                           [TRY_SKIPPED] = STATE_SKIPPED,
                                           [TRY_STOPPED] = STATE_CANCELLED};

    size_t index = dag == NULL ? SIZE_MAX : dag_task_find(dag, task->name);
    const struct dag_retries *retries = index == SIZE_MAX ? NULL : dag->tasks[index].retries;
    int64_t failures = task->tries - task->tries_before;
    task->state = ends[result->outcome];
    task->ended_us = result->ended_us;
    task->message = result->message;
    task->output = result->output;
    if (result->outcome == TRY_FAILED && !result->final && retries != NULL &&
        failures <= retries->limit) {
        task->state = STATE_RETRY;
        task->due_us = now_us + retry_delay(retries, failures);
    }
    scheduler->changed = true;
}

enum status scheduler_add_hook(struct scheduler *scheduler,
                               int64_t run,
                               const char *task,
                               const char *event,
                               const struct dag_hook *hook,
                               struct error *error)
{
    if (hook == NULL) {
        return STATUS_OK;
    }
    struct run_task *tasks;
    size_t count;
    struct run_task row = {
        .name = arena_printf(&scheduler->arena, "%s@%s", task, event),
        .kind = "hook",
        .state = STATE_QUEUED,
        .slots = 0,
        .after = "",
    };
    TRY(run_store_tasks(scheduler->store, run, &scheduler->arena, &tasks, &count, error));
    for (size_t i = 0; i < count; i++) {
        row.tries = strcmp(tasks[i].name, row.name) == 0 ? tasks[i].tries : row.tries;
    }
    scheduler->changed = true;
    return run_store_put_task(scheduler->store, run, &row, error);
}

static enum status add_task_hook(struct scheduler *scheduler,
                                 const struct dag *dag,
                                 int64_t run,
                                 const struct run_task *task,
                                 struct error *error)
{
    size_t index = dag == NULL ? SIZE_MAX : dag_task_find(dag, task->name);
    if (index == SIZE_MAX) {
        return STATUS_OK;
    }
    const struct dag_task_settings *settings = dag->tasks[index].settings;
    if (task->state == STATE_FAILED) {
        return scheduler_add_hook(scheduler, run, task->name, "on_failure", settings->on_failure,
                                  error);
    }
    return task->state == STATE_SUCCESS
               ? scheduler_add_hook(scheduler, run, task->name, "on_success", settings->on_success,
                                    error)
               : STATUS_OK;
}

static enum status take_result(struct scheduler *scheduler,
                               const struct active_try *active,
                               const struct try_result *result,
                               int64_t now_us,
                               struct error *error)
{
    struct arena *arena = &scheduler->arena;
    struct dag_run run;
    struct run_task *tasks;
    size_t count;
    TRY(run_store_run(scheduler->store, active->run, arena, &run, error));
    TRY(run_store_tasks(scheduler->store, active->run, arena, &tasks, &count, error));
    const struct run_try try = {.task = active->task,
                                .number = active->number,
                                .state = try_outcome_names[result->outcome],
                                .started_us = result->started_us,
                                .ended_us = result->ended_us,
                                .exit_code = result->exit_code,
                                .message = result->message};
    TRY(run_store_put_try(scheduler->store, active->run, &try, error));
    const struct dag *dag = scheduler_dag(scheduler, run.dag);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tasks[i].name, active->task) == 0 && tasks[i].state == STATE_RUNNING) {
            settle(scheduler, dag, &tasks[i], result, now_us);
            TRY(run_store_put_task(scheduler->store, active->run, &tasks[i], error));
            TRY(add_task_hook(scheduler, dag, active->run, &tasks[i], error));
        }
    }
    return STATUS_OK;
}

static enum status record(struct scheduler *scheduler,
                          const struct active_try *active,
                          const struct try_result *result,
                          int64_t now_us,
                          struct error *error)
{
    TRY(run_store_begin(scheduler->store, error));
    enum status status = take_result(scheduler, active, result, now_us, error);
    if (status == STATUS_OK) {
        status = run_store_commit(scheduler->store, error);
    }
    if (status != STATUS_OK) {
        run_store_rollback(scheduler->store);
    }
    return status;
}

/* It was written down that the try runs, and it never did: whoever was to start it was killed in
 * between. So it is started now, as the same try. */
static enum status
begin_again(struct scheduler *scheduler, struct active_try *active, struct error *error)
{
    struct live_run live;
    pid_t pid = 0;
    struct arena *arena = &scheduler->arena;
    TRY(run_store_run(scheduler->store, active->run, arena, &live.run, error));
    TRY(run_store_tasks(scheduler->store, active->run, arena, &live.tasks, &live.task_count,
                        error));
    live.dag = scheduler_dag(scheduler, live.run.dag);
    const struct run_task *task = live_task(&live, active->task);
    if (live.dag == NULL || task == NULL ||
        (strcmp(task->kind, "hook") != 0 && dag_task_find(live.dag, task->name) == SIZE_MAX)) {
        return error_set(error, STATUS_NOT_FOUND, "the file does not have the task any more");
    }
    if (active->begun_again++ >= BEGIN_AGAIN_MAX) {
        return error_set(error, STATUS_INTERNAL, "its keeper does not start");
    }
    CLEANUP(buffer_deinit) struct buffer spec = BUFFER_INIT;
    const char *folder =
        try_folder(scheduler->options.place.data, active->run, active->task, active->number, arena);
    TRY(write_spec(scheduler, &live, task, &spec, error));
    if (active->pid > 0) {
        (void) waitpid(active->pid, NULL, 0);
        active->pid = 0;
    }
    enum status status =
        scheduler->tries.start(scheduler->tries.context, folder, buffer_slice(&spec), &pid, error);
    active->pid = pid;
    return status == STATUS_AGAIN ? STATUS_OK : status; /* somebody holds its lock: it runs */
}

/* True if the try has ended, and is written down. */
static enum status collect_one(struct scheduler *scheduler,
                               struct active_try *active,
                               int64_t now_us,
                               bool *ret_ended,
                               struct error *error)
{
    enum try_stage stage;
    struct try_result result = {0};
    struct error fault = {0};
    const char *folder = try_folder(scheduler->options.place.data, active->run, active->task,
                                    active->number, &scheduler->arena);
    *ret_ended = true;
    enum status status = scheduler->tries.look(scheduler->tries.context, folder, &scheduler->arena,
                                               &stage, &result, &fault);
    if (status == STATUS_OK && stage == TRY_RUNNING) {
        *ret_ended = false;
        return STATUS_OK;
    }
    if (status == STATUS_OK && stage == TRY_NEVER_BEGAN) {
        status = begin_again(scheduler, active, &fault);
        *ret_ended = status != STATUS_OK;
        if (status == STATUS_OK) {
            return STATUS_OK;
        }
    }
    if (status != STATUS_OK || stage == TRY_LOST) {
        result = (struct try_result){
            .outcome = TRY_FAILED,
            .exit_code = -1,
            .started_us = now_us,
            .ended_us = now_us,
            .message = status == STATUS_OK ? "lost: its keeper was killed, or the machine stopped"
                                           : arena_strdup(&scheduler->arena, fault.message),
        };
    }
    return record(scheduler, active, &result, now_us, error);
}

enum status scheduler_collect(struct scheduler *scheduler, int64_t now_us, struct error *error)
{
    for (size_t i = 0; i < scheduler->active_count;) {
        bool ended = false;
        if (!scheduler->active[i].known) {
            i++;
            continue;
        }
        TRY(collect_one(scheduler, &scheduler->active[i], now_us, &ended, error));
        if (ended) {
            forget(scheduler, i);
        } else {
            i++;
        }
    }
    return STATUS_OK;
}
