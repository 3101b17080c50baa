/* DAGs and runs for the console: from the run store, on the threads of requests. */

#include "app/engine_internal.h"
#include "console/json_writer.h"
#include "io/file.h"
#include "orchestrate/run_store.h"
#include "orchestrate/scheduler.h"
#include "orchestrate/try.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define LOG_PIECE ((size_t) 256 << 10)

struct answer {
    struct engine *engine;
    const struct console_dag_ask *ask;
    struct run_store *store;
    struct arena *arena;
    struct json_writer json;
};

/* ---- writing -----------------------------------------------------------------------------------
 */

/* 0 is a time that is not there, or not yet. */
static void write_time(struct json_writer *json, const char *key, int64_t time_us)
{
    if (time_us == 0 || time_us == INT64_MAX || time_us == INT64_MIN) {
        json_writer_null(json, key);
    } else {
        json_writer_int(json, key, time_us);
    }
}

static void write_run(struct json_writer *json, const char *key, const struct dag_run *run)
{
    json_writer_open(json, key, '{');
    json_writer_int(json, "run", run->id);
    json_writer_text(json, "dag", run->dag);
    json_writer_text(json, "key", run->key);
    json_writer_text(json, "kind", run->kind);
    json_writer_text(json, "state", run_state_names[run->state]);
    write_time(json, "interval_start_us", run->start_us);
    write_time(json, "interval_end_us", run->end_us);
    write_time(json, "created_us", run->created_us);
    write_time(json, "started_us", run->started_us);
    write_time(json, "ended_us", run->ended_us);
    json_writer_raw(json, "params", slice_of_string(run->params == NULL ? "{}" : run->params));
    json_writer_text(json, "message", run->message);
    json_writer_bool(json, "cancelling", run->cancel && !run_state_is_end(run->state));
}

/* With `whole` tasks and parameters too. */
static enum status
write_dag(struct answer *answer, const struct dag_record *dag, bool whole, struct error *error)
{
    struct json_writer *json = &answer->json;
    const struct run_filter filter = {.dag = dag->name, .limit = 1};
    struct dag_run *runs;
    size_t count;
    TRY(run_store_runs(answer->store, &filter, answer->arena, &runs, &count, error));
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "dag", dag->name);
    json_writer_text(json, "help", dag->help);
    json_writer_text(json, "file", dag->file);
    json_writer_text(json, "schedule", dag->schedule);
    json_writer_bool(json, "paused", dag->paused);
    json_writer_bool(json, "present", dag->present);
    write_time(json, "next_us", dag->next_us);
    if (count == 0) {
        json_writer_null(json, "last_run");
    } else {
        write_run(json, "last_run", &runs[0]);
        json_writer_close(json, '}');
    }
    if (whole) {
        json_writer_raw(json, "shape", slice_of_string(dag->spec));
    }
    json_writer_close(json, '}');
    return STATUS_OK;
}

static void
write_tries(struct json_writer *json, const char *task, const struct run_try *tries, size_t count)
{
    json_writer_open(json, "tries", '[');
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tries[i].task, task) != 0) {
            continue;
        }
        json_writer_open(json, NULL, '{');
        json_writer_int(json, "try", tries[i].number);
        json_writer_text(json, "state", tries[i].state);
        write_time(json, "started_us", tries[i].started_us);
        write_time(json, "ended_us", tries[i].ended_us);
        if (tries[i].exit_code < 0) {
            json_writer_null(json, "exit_code");
        } else {
            json_writer_int(json, "exit_code", tries[i].exit_code);
        }
        json_writer_text(json, "message", tries[i].message);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

static void write_after(struct json_writer *json, const char *list)
{
    json_writer_open(json, "after", '[');
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        json_writer_bytes(json, NULL, slice_of(list, length));
        list += length;
        list += *list == ',';
    }
    json_writer_close(json, ']');
}

static enum status show_run(struct answer *answer, struct error *error)
{
    struct json_writer *json = &answer->json;
    struct dag_run run;
    struct run_task *tasks;
    struct run_try *tries;
    size_t count;
    size_t try_count;
    int64_t id = answer->ask->run;
    TRY(run_store_run(answer->store, id, answer->arena, &run, error));
    TRY(run_store_tasks(answer->store, id, answer->arena, &tasks, &count, error));
    TRY(run_store_tries(answer->store, id, answer->arena, &tries, &try_count, error));
    write_run(json, NULL, &run);
    json_writer_open(json, "tasks", '[');
    for (size_t i = 0; i < count; i++) {
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "task", tasks[i].name);
        json_writer_text(json, "kind", tasks[i].kind);
        json_writer_text(json, "state", task_state_names[tasks[i].state]);
        write_after(json, tasks[i].after);
        write_time(json, "started_us", tasks[i].started_us);
        write_time(json, "ended_us", tasks[i].ended_us);
        write_time(json, "due_us", tasks[i].state == STATE_RETRY ? tasks[i].due_us : 0);
        json_writer_text(json, "output", tasks[i].output);
        json_writer_text(json, "message", tasks[i].message);
        write_tries(json, tasks[i].name, tries, try_count);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
    json_writer_close(json, '}');
    return STATUS_OK;
}

/* ---- logs --------------------------------------------------------------------------------------
 */

static enum status
find_number(struct answer *answer, int64_t *ret_number, bool *ret_ended, struct error *error)
{
    const struct console_dag_ask *ask = answer->ask;
    struct dag_run run;
    struct run_task *tasks;
    size_t count;
    TRY(run_store_run(answer->store, ask->run, answer->arena, &run, error));
    TRY(run_store_tasks(answer->store, ask->run, answer->arena, &tasks, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tasks[i].name, ask->task) == 0) {
            *ret_number = ask->number > 0 ? ask->number : tasks[i].tries;
            *ret_ended = *ret_number < tasks[i].tries || tasks[i].state != STATE_RUNNING;
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "the run has no task \"%s\"", ask->task);
}

/* A piece that ends within a character is cut before it, unless no more comes. */
static size_t whole_characters(const struct buffer *text, bool last)
{
    size_t size = text->size;
    for (size_t back = 1; !last && back <= 3 && back <= size; back++) {
        uint8_t byte = text->data[size - back];
        if (byte >= 0xC0) {
            size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
            return wanted > back ? size - back : size;
        }
        if (byte < 0x80) {
            break;
        }
    }
    return size;
}

static enum status show_log(struct answer *answer, struct error *error)
{
    const struct console_dag_ask *ask = answer->ask;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    int64_t number = 0;
    bool ended = true;
    TRY(find_number(answer, &number, &ended, error));
    const char *folder =
        try_folder(answer->engine->data.path, ask->run, ask->task, number, answer->arena);
    const char *path = arena_printf(answer->arena, "%s/log", folder);
    int fd = -1;
    if (access(path, F_OK) == 0) {
        size_t got;
        TRY(file_open(path, O_RDONLY, 0, &fd, error));
        enum status status = file_read_at(fd, buffer_reserve(&text, LOG_PIECE), LOG_PIECE,
                                          (uint64_t) ask->offset, &got, error);
        file_close(fd);
        TRY(status);
        text.size = got;
    }
    bool last = ended && text.size < LOG_PIECE;
    size_t size = whole_characters(&text, last);
    struct json_writer *json = &answer->json;
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "task", ask->task);
    json_writer_int(json, "try", number);
    json_writer_int(json, "offset", ask->offset + (int64_t) size);
    json_writer_bool(json, "ended", last);
    json_writer_bytes(json, "text", slice_of(text.data, size));
    json_writer_close(json, '}');
    return STATUS_OK;
}

/* ---- changes -----------------------------------------------------------------------------------
 */

static enum status
check_params(const struct answer *answer, const struct dag_record *dag, struct error *error)
{
    const struct setting_pairs *given = &answer->ask->params;
    json_t *shape = json_loads(dag->spec, 0, NULL);
    const json_t *known = json_object_get(shape, "params");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < given->count && status == STATUS_OK; i++) {
        bool there = false;
        for (size_t j = 0; j < json_array_size(known); j++) {
            const char *name = json_string_value(json_object_get(json_array_get(known, j), "name"));
            there = there || (name != NULL && strcmp(name, given->items[i].name) == 0);
        }
        if (!there) {
            status = error_set(error, STATUS_DATA, "the DAG has no parameter \"%s\"",
                               given->items[i].name);
        }
    }
    json_decref(shape);
    return status;
}

static enum status
start_run(struct answer *answer, const struct dag_record *dag, struct error *error)
{
    const struct setting_pairs *given = &answer->ask->params;
    CLEANUP(buffer_deinit) struct buffer params = BUFFER_INIT;
    struct json_writer writer = {.target = &params};
    int64_t id;
    struct dag_run run;
    TRY(check_params(answer, dag, error));
    json_writer_open(&writer, NULL, '{');
    for (size_t i = 0; i < given->count; i++) {
        json_writer_text(&writer, given->items[i].name, given->items[i].value);
    }
    json_writer_close(&writer, '}');
    TRY(scheduler_add_manual(answer->store, dag, NULL, buffer_string(&params), answer->ask->key,
                             &id, error));
    TRY(run_store_run(answer->store, id, answer->arena, &run, error));
    write_run(&answer->json, NULL, &run);
    json_writer_close(&answer->json, '}');
    return STATUS_OK;
}

static enum status of_dag(struct answer *answer, struct error *error)
{
    struct dag_record dag;
    const struct console_dag_ask *ask = answer->ask;
    TRY(run_store_find_dag(answer->store, ask->dag, answer->arena, &dag, error));
    if (ask->verb == CONSOLE_DAG_RUN) {
        return start_run(answer, &dag, error);
    }
    if (ask->verb != CONSOLE_DAG_SHOW) {
        dag.paused = ask->verb == CONSOLE_DAG_PAUSE;
        TRY(run_store_pause(answer->store, dag.name, dag.paused, error));
    }
    return write_dag(answer, &dag, true, error);
}

/* ---- lists -------------------------------------------------------------------------------------
 */

static enum status list_dags(struct answer *answer, struct error *error)
{
    struct dag_record *dags;
    size_t count;
    TRY(run_store_dags(answer->store, answer->arena, &dags, &count, error));
    json_writer_open(&answer->json, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        TRY(write_dag(answer, &dags[i], false, error));
    }
    json_writer_close(&answer->json, ']');
    return STATUS_OK;
}

static enum status check_state(const char *state, struct error *error)
{
    for (int i = 0; state != NULL && run_state_names[i] != NULL; i++) {
        if (strcmp(state, run_state_names[i]) == 0) {
            return STATUS_OK;
        }
    }
    return state == NULL ? STATUS_OK
                         : error_set(error, STATUS_DATA, "\"%s\" is no state of a run", state);
}

static enum status list_runs(struct answer *answer, struct error *error)
{
    const struct console_dag_ask *ask = answer->ask;
    struct dag_record dag = {.name = NULL};
    struct dag_run *runs;
    size_t count;
    TRY(check_state(ask->state, error));
    if (ask->dag != NULL) {
        TRY(run_store_find_dag(answer->store, ask->dag, answer->arena, &dag, error));
    }
    const struct run_filter filter = {
        .dag = dag.name, .state = ask->state, .before = ask->before, .limit = ask->limit};
    TRY(run_store_runs(answer->store, &filter, answer->arena, &runs, &count, error));
    json_writer_open(&answer->json, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        write_run(&answer->json, NULL, &runs[i]);
        json_writer_close(&answer->json, '}');
    }
    json_writer_close(&answer->json, ']');
    return STATUS_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static enum status answer_it(struct answer *answer, struct error *error)
{
    switch (answer->ask->verb) {
    case CONSOLE_DAG_LIST:
        return list_dags(answer, error);
    case CONSOLE_RUN_LIST:
        return list_runs(answer, error);
    case CONSOLE_RUN_SHOW:
        return show_run(answer, error);
    case CONSOLE_RUN_LOG:
        return show_log(answer, error);
    case CONSOLE_RUN_CANCEL:
        TRY(run_store_cancel(answer->store, answer->ask->run, error));
        return show_run(answer, error);
    case CONSOLE_RUN_RETRY:
        TRY(run_store_retry(answer->store, answer->ask->run, answer->ask->task, error));
        return show_run(answer, error);
    case CONSOLE_DAG_SHOW:
    case CONSOLE_DAG_PAUSE:
    case CONSOLE_DAG_RESUME:
    case CONSOLE_DAG_RUN:
        break;
    }
    return of_dag(answer, error);
}

/* No DAG ever ran here: lists are empty, and everything else is not found. */
static enum status
answer_nothing(const struct console_dag_ask *ask, struct buffer *target, struct error *error)
{
    bool list =
        ask->verb == CONSOLE_DAG_LIST || (ask->verb == CONSOLE_RUN_LIST && ask->dag == NULL);
    if (!list) {
        return error_set(error, STATUS_NOT_FOUND, "no DAG has run on this data directory");
    }
    TRY(check_state(ask->state, error));
    buffer_append_string(target, "[]");
    return STATUS_OK;
}

enum status engine_console_dags(void *context,
                                const struct console_dag_ask *ask,
                                struct arena *arena,
                                struct buffer *ret_json,
                                struct error *error)
{
    struct answer answer = {
        .engine = context, .ask = ask, .arena = arena, .json = {.target = ret_json}};
    const char *path = arena_printf(arena, "%s/dags/runs.db", answer.engine->data.path);
    if (access(path, F_OK) != 0) {
        return answer_nothing(ask, ret_json, error);
    }
    TRY(run_store_open(answer.engine->data.path, false, &answer.store, error));
    enum status status = answer_it(&answer, error);
    run_store_close(answer.store);
    return status;
}
