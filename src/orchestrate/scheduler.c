#include "orchestrate/scheduler.h"

#include "base/memory.h"
#include "base/time_text.h"
#include "io/clock.h"
#include "io/file.h"
#include "orchestrate/scheduler_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define POLL_ACTIVE_US INT64_C(20000)
#define POLL_IDLE_US   INT64_C(250000)

/* ---- keepers -----------------------------------------------------------------------------------
 */

static enum status keeper_start(
    void *context, const char *folder, struct slice spec, pid_t *ret_pid, struct error *error)
{
    (void) context;
    return try_start(folder, spec, ret_pid, error);
}

static enum status keeper_look(void *context,
                               const char *folder,
                               struct arena *arena,
                               enum try_stage *ret_stage,
                               struct try_result *ret_result,
                               struct error *error)
{
    (void) context;
    return try_look(folder, arena, ret_stage, ret_result, error);
}

static enum status keeper_stop(void *context, const char *folder, struct error *error)
{
    (void) context;
    return try_stop(folder, error);
}

static const struct scheduler_tries keepers = {NULL, keeper_start, keeper_look, keeper_stop};

/* ---- start and stop ----------------------------------------------------------------------------
 */

const struct dag *scheduler_dag(const struct scheduler *scheduler, const char *name)
{
    for (size_t i = 0; i < scheduler->options.dag_count; i++) {
        if (strcmp(scheduler->options.dags[i]->name, name) == 0) {
            return scheduler->options.dags[i];
        }
    }
    return NULL;
}

static enum status publish(struct scheduler *scheduler, struct error *error)
{
    if (!scheduler->options.by_hand) {
        TRY(run_store_forget_dags(scheduler->store, error));
    }
    for (size_t i = 0; i < scheduler->options.dag_count; i++) {
        const struct dag *dag = scheduler->options.dags[i];
        CLEANUP(buffer_deinit) struct buffer spec = BUFFER_INIT;
        scheduler_write_spec(dag, &spec);
        const struct dag_record record = {
            .name = dag->name,
            .file = dag->file,
            .profile = scheduler->options.place.profile,
            .schedule = dag->settings->schedule,
            .help = dag->settings->help,
            .spec = buffer_string(&spec),
        };
        TRY(run_store_put_dag(scheduler->store, &record, error));
    }
    return STATUS_OK;
}

static enum status prepare(struct scheduler *scheduler, struct error *error)
{
    char path[1200];
    (void) snprintf(path, sizeof(path), "%s/dags", scheduler->options.place.data);
    TRY(directory_make(path, error));
    (void) snprintf(path, sizeof(path), "%s/dags/lock", scheduler->options.place.data);
    TRY(file_lock_take(path, &scheduler->lock, NULL, error));
    TRY(run_store_open(scheduler->options.place.data, false, &scheduler->store, error));
    TRY(run_store_begin(scheduler->store, error));
    enum status status = publish(scheduler, error);
    if (status != STATUS_OK) {
        run_store_rollback(scheduler->store);
        return status;
    }
    TRY(run_store_commit(scheduler->store, error));
    return scheduler_adopt(scheduler, error);
}

enum status scheduler_open(const struct scheduler_options *options,
                           struct scheduler **ret_scheduler,
                           struct error *error)
{
    struct scheduler *scheduler = mem_zalloc(sizeof(*scheduler));
    scheduler->options = *options;
    scheduler->tries = options->tries == NULL ? keepers : *options->tries;
    scheduler->lock = FILE_LOCK_NONE;
    scheduler->due_us = mem_calloc(options->dag_count + 1, sizeof(*scheduler->due_us));
    scheduler->paused = mem_calloc(options->dag_count + 1, sizeof(*scheduler->paused));
    scheduler->changed = true;
    scheduler->version = -1;
    scheduler->next_us = INT64_MAX;
    arena_init(&scheduler->arena, 0);
    for (size_t i = 0; i < options->dag_count; i++) {
        scheduler->due_us[i] = INT64_MIN;
    }
    enum status status = prepare(scheduler, error);
    if (status != STATUS_OK) {
        scheduler_close(scheduler);
        return status;
    }
    *ret_scheduler = scheduler;
    return STATUS_OK;
}

void scheduler_close(struct scheduler *scheduler)
{
    if (scheduler == NULL) {
        return;
    }
    for (size_t i = 0; i < scheduler->active_count; i++) {
        mem_free(scheduler->active[i].task);
    }
    run_store_close(scheduler->store);
    file_lock_release(&scheduler->lock);
    mem_free(scheduler->active);
    mem_free(scheduler->due_us);
    mem_free(scheduler->paused);
    arena_deinit(&scheduler->arena);
    mem_free(scheduler);
}

/* ---- the tick ----------------------------------------------------------------------------------
 */

static enum status
look_for_changes(struct scheduler *scheduler, int64_t now_us, struct error *error)
{
    int64_t version;
    TRY(run_store_version(scheduler->store, &version, error));
    if (version != scheduler->version) {
        scheduler->version = version;
        scheduler->changed = true;
        for (size_t i = 0; i < scheduler->options.dag_count; i++) {
            scheduler->due_us[i] = INT64_MIN; /* a pause may have begun or ended */
        }
    }
    if (scheduler->next_us <= now_us) {
        scheduler->changed = true;
    }
    return STATUS_OK;
}

enum status scheduler_tick(struct scheduler *scheduler, int64_t *ret_wait_us, struct error *error)
{
    int64_t now = clock_now_us();
    arena_reset(&scheduler->arena);
    TRY(look_for_changes(scheduler, now, error));
    TRY(scheduler_collect(scheduler, now, error));
    if (!scheduler->options.by_hand) {
        TRY(scheduler_make_due(scheduler, now, error));
    }
    for (int i = 0; scheduler->changed && i < 100; i++) {
        scheduler->changed = false;
        scheduler->next_us = INT64_MAX;
        TRY(scheduler_advance(scheduler, now, error));
    }
    int64_t wait = scheduler->active_count > 0 ? POLL_ACTIVE_US : POLL_IDLE_US;
    for (size_t i = 0; i < scheduler->options.dag_count; i++) {
        int64_t left = scheduler->due_us[i] - now;
        wait = !scheduler->options.by_hand && left < wait ? left : wait;
    }
    wait = scheduler->next_us != INT64_MAX && scheduler->next_us - now < wait
               ? scheduler->next_us - now
               : wait;
    *ret_wait_us = scheduler->changed || wait < 0 ? 0 : wait;
    return STATUS_OK;
}

bool scheduler_is_idle(const struct scheduler *scheduler)
{
    return scheduler->live_count == 0 && scheduler->active_count == 0;
}

/* ---- by hand -----------------------------------------------------------------------------------
 */

enum status scheduler_add_manual(struct run_store *store,
                                 const struct dag_record *dag,
                                 const struct dag_interval *interval,
                                 const char *params,
                                 const char *key,
                                 int64_t *ret_id,
                                 struct error *error)
{
    char own[80];
    char time[TIME_TEXT_BYTES];
    int64_t now = clock_now_us();
    bool added;
    (void) time_format(now, time);
    (void) snprintf(own, sizeof(own), "manual__%s_%08" PRIx32, time, (uint32_t) random_u64());
    const struct dag_run run = {
        .dag = dag->name,
        .key = key != NULL ? key : own,
        .kind = "manual",
        .state = RUN_QUEUED,
        .start_us = interval == NULL ? now : interval->start_us,
        .end_us = interval == NULL ? now : interval->end_us,
        .created_us = now,
        .params = params,
    };
    return run_store_add(store, &run, ret_id, &added, error);
}

static void write_task(const struct dag *dag, const struct dag_task *task, struct buffer *target)
{
    buffer_append_string(target, "{\"name\":");
    buffer_append_json(target, slice_of_string(task->name));
    buffer_printf(target, ",\"kind\":\"%s\",\"after\":[", dag_task_kind_names[task->kind]);
    for (size_t i = 0; i < task->after_count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        buffer_append_json(target, slice_of_string(dag->tasks[task->after[i]].name));
    }
    buffer_printf(target, "],\"when\":\"%s\",\"retries\":%" PRId64 ",\"branch\":%s,\"pool\":",
                  trigger_rule_names[task->settings->when], task->retries->limit,
                  task->settings->branch ? "true" : "false");
    if (task->settings->pool == NULL) {
        buffer_append_string(target, "null}");
    } else {
        buffer_append_json(target, slice_of_string(task->settings->pool));
        buffer_append_byte(target, '}');
    }
}

static void write_param(const struct setting_section *section, struct buffer *target)
{
    static const char *const types[] = {"string", "int", "number", "bool", "time"};
    const struct dag_param *param = section->value;
    buffer_append_string(target, "{\"name\":");
    buffer_append_json(target, slice_of_string(section->name));
    buffer_printf(target, ",\"type\":\"%s\",\"default\":", types[param->type]);
    if (param->value == NULL) {
        buffer_append_string(target, "null");
    } else {
        buffer_append_json(target, slice_of_string(param->value));
    }
    buffer_append_string(target, ",\"choices\":[");
    for (size_t i = 0; i < param->choices.count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        buffer_append_json(target, slice_of_string(param->choices.items[i]));
    }
    buffer_append_string(target, "],\"help\":");
    buffer_append_json(target, slice_of_string(param->help == NULL ? "" : param->help));
    buffer_append_byte(target, '}');
}

void scheduler_write_spec(const struct dag *dag, struct buffer *target)
{
    static const char *const overlaps[] = {"skip", "queue", "cancel", "allow"};
    buffer_printf(target, "{\"overlap\":\"%s\",\"tasks\":[", overlaps[dag->settings->overlap]);
    for (size_t i = 0; i < dag->task_count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        write_task(dag, &dag->tasks[i], target);
    }
    buffer_append_string(target, "],\"params\":[");
    for (size_t i = 0; i < dag->settings->params.count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        write_param(&dag->settings->params.items[i], target);
    }
    buffer_append_string(target, "]}");
}
