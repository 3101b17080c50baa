/* `leat dag list`, `show` and `runs`: what there is and what ran. */

#include "base/time_text.h"
#include "cli/dag_session.h"
#include "cli/rows.h"
#include "io/clock.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- list ------------------------------------------------------------------------------------ */

static void newest_run(struct dag_session *session, const char *dag, struct dag_run *ret_run)
{
    const struct run_filter filter = {.dag = dag, .limit = 1};
    struct dag_run *runs;
    size_t count = 0;
    struct error ignored;
    *ret_run = (struct dag_run){0};
    if (session->store != NULL &&
        run_store_runs(session->store, &filter, &session->arena, &runs, &count, &ignored) ==
            STATUS_OK &&
        count > 0) {
        *ret_run = runs[0];
    }
}

static void print_dag(struct dag_session *session, const struct dag_record *dag, struct rows *rows)
{
    struct dag_run run;
    newest_run(session, dag->name, &run);
    rows_string(rows, dag->name);
    rows_string(rows, dag->schedule);
    rows_bool(rows, dag->paused);
    rows_time(rows, dag->next_us == INT64_MAX ? 0 : dag->next_us);
    if (run.id == 0) {
        rows_null(rows);
        rows_null(rows);
    } else {
        rows_int(rows, run.id);
        rows_string(rows, run_state_names[run.state]);
    }
    rows_string(rows, dag->file);
    rows_end(rows);
}

static int list_main(void *opaque, char **arguments, int count)
{
    static const char *const names[] = {"dag",      "schedule", "paused", "next",
                                        "last_run", "state",    "file"};
    (void) arguments;
    (void) count;
    const struct dag_options *options = opaque;
    struct dag_session session;
    struct dag_record *dags = NULL;
    size_t dag_count = 0;
    dag_session_open(&session, options, false);
    if (session.status == STATUS_OK && options->file != NULL) {
        session.status = dag_session_load(&session, NULL, &session.error);
    } else if (session.status == STATUS_OK && session.store != NULL) {
        session.status =
            run_store_dags(session.store, &session.arena, &dags, &dag_count, &session.error);
    }
    if (session.status == STATUS_OK) {
        struct rows rows;
        rows_init(&rows, rows_form_of(options->json, options->csv), names, ARRAY_SIZE(names));
        for (size_t i = 0; i < dag_count; i++) {
            print_dag(&session, &dags[i], &rows);
        }
        for (size_t i = 0; i < session.set.count; i++) {
            struct dag_record record;
            session.status = dag_session_find(&session, session.set.dags[i]->name, &record);
            print_dag(&session, &record, &rows);
        }
        rows_finish(&rows);
    }
    return dag_session_end(&session);
}

/* ---- show ------------------------------------------------------------------------------------ */

static void print_task(const json_t *task)
{
    const json_t *after = json_object_get(task, "after");
    (void) printf("  %s (%s)", json_string_value(json_object_get(task, "name")),
                  json_string_value(json_object_get(task, "kind")));
    for (size_t i = 0; i < json_array_size(after); i++) {
        (void) printf("%s %s", i == 0 ? " after" : ",",
                      json_string_value(json_array_get(after, i)));
    }
    const char *when = json_string_value(json_object_get(task, "when"));
    if (when != NULL && strcmp(when, "all_success") != 0) {
        (void) printf(", when %s", when);
    }
    (void) printf("\n");
}

static void print_shape(const struct dag_record *record)
{
    char next[TIME_TEXT_BYTES] = "never";
    json_t *spec = json_loads(record->spec, 0, NULL);
    const json_t *tasks = json_object_get(spec, "tasks");
    const json_t *params = json_object_get(spec, "params");
    if (record->next_us != INT64_MAX) {
        (void) time_format(record->next_us, next);
    }
    (void) printf("%s%s%s\n  schedule: %s%s\n  next: %s\n  file: %s\ntasks:\n", record->name,
                  record->help == NULL ? "" : ": ", record->help == NULL ? "" : record->help,
                  record->schedule == NULL ? "by hand" : record->schedule,
                  record->paused ? " (paused)" : "", next, record->file);
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        print_task(json_array_get(tasks, i));
    }
    for (size_t i = 0; i < json_array_size(params); i++) {
        const json_t *param = json_array_get(params, i);
        const char *value = json_string_value(json_object_get(param, "default"));
        (void) printf("%s  %s (%s)%s%s\n", i == 0 ? "parameters:\n" : "",
                      json_string_value(json_object_get(param, "name")),
                      json_string_value(json_object_get(param, "type")), value == NULL ? "" : " = ",
                      value == NULL ? "" : value);
    }
    json_decref(spec);
}

static void print_record_json(const struct dag_record *record)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    buffer_append_string(&text, "{\"dag\":");
    buffer_append_json(&text, slice_of_string(record->name));
    buffer_append_string(&text, ",\"file\":");
    buffer_append_json(&text, slice_of_string(record->file));
    buffer_printf(&text, ",\"paused\":%s,\"schedule\":", record->paused ? "true" : "false");
    if (record->schedule == NULL) {
        buffer_append_string(&text, "null");
    } else {
        buffer_append_json(&text, slice_of_string(record->schedule));
    }
    buffer_printf(&text, ",%s", record->spec + 1);
    (void) printf("%s\n", buffer_string(&text));
}

static void
print_tries(const struct run_task *task, const struct run_try *tries, size_t count, bool json)
{
    for (size_t i = 0; i < count; i++) {
        if (!json && strcmp(tries[i].task, task->name) == 0 &&
            (task->tries > 1 || tries[i].message != NULL)) {
            (void) printf("    try %" PRId64 ": %s, %.3f s%s%s\n", tries[i].number, tries[i].state,
                          tries[i].ended_us == 0
                              ? 0.0
                              : (double) (tries[i].ended_us - tries[i].started_us) / 1e6,
                          tries[i].message == NULL ? "" : ": ",
                          tries[i].message == NULL ? "" : tries[i].message);
        }
    }
}

static void print_run_task(const struct run_task *task, bool json)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    if (!json) {
        (void) printf("  %s (%s): %s\n", task->name, task->kind, task_state_names[task->state]);
        return;
    }
    buffer_printf(&text,
                  "{\"task\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\",\"tries\":%" PRId64
                  ",\"started_us\":%" PRId64 ",\"ended_us\":%" PRId64,
                  task->name, task->kind, task_state_names[task->state], task->tries,
                  task->started_us, task->ended_us);
    if (task->output != NULL) {
        buffer_append_string(&text, ",\"output\":");
        buffer_append_json(&text, slice_of_string(task->output));
    }
    if (task->message != NULL) {
        buffer_append_string(&text, ",\"message\":");
        buffer_append_json(&text, slice_of_string(task->message));
    }
    (void) printf("%s}", buffer_string(&text));
}

static enum status show_run(struct dag_session *session, int64_t id)
{
    bool json = session->options->json;
    struct dag_run run;
    struct run_task *tasks;
    struct run_try *tries;
    size_t count;
    size_t try_count;
    char from[TIME_TEXT_BYTES];
    char to[TIME_TEXT_BYTES];
    TRY(run_store_run(session->store, id, &session->arena, &run, &session->error));
    TRY(run_store_tasks(session->store, id, &session->arena, &tasks, &count, &session->error));
    TRY(run_store_tries(session->store, id, &session->arena, &tries, &try_count, &session->error));
    (void) time_format(run.start_us, from);
    (void) time_format(run.end_us, to);
    if (json) {
        (void) printf("{\"run\":%" PRId64
                      ",\"dag\":\"%s\",\"key\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\",\"interval_"
                      "start\":\"%s\",\"interval_end\":\"%s\",\"tasks\":[",
                      run.id, run.dag, run.key, run.kind, run_state_names[run.state], from, to);
    } else {
        (void) printf("run %" PRId64 " of %s: %s%s%s\n  %s, %s to %s\ntasks:\n", run.id, run.dag,
                      run_state_names[run.state], run.message == NULL ? "" : ": ",
                      run.message == NULL ? "" : run.message, run.kind, from, to);
    }
    for (size_t i = 0; i < count; i++) {
        (void) printf("%s", json && i > 0 ? "," : "");
        print_run_task(&tasks[i], json);
        print_tries(&tasks[i], tries, try_count, json);
    }
    (void) printf("%s", json ? "]}\n" : "");
    return STATUS_OK;
}

static int show_main(void *opaque, char **arguments, int count)
{
    (void) count;
    const struct dag_options *options = opaque;
    struct dag_session session;
    struct dag_record record;
    char *end;
    int64_t id = strtoll(arguments[0], &end, 10);
    dag_session_open(&session, options, false);
    if (session.status == STATUS_OK && *end == '\0' && session.store != NULL) {
        session.status = show_run(&session, id);
    } else if (session.status == STATUS_OK &&
               dag_session_find(&session, arguments[0], &record) == STATUS_OK) {
        if (options->json) {
            print_record_json(&record);
        } else {
            print_shape(&record);
        }
    }
    return dag_session_end(&session);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void print_run(const struct dag_run *run, struct rows *rows)
{
    int64_t end = run->ended_us != 0 ? run->ended_us : clock_now_us();
    CLEANUP(buffer_deinit) struct buffer seconds = BUFFER_INIT;
    rows_int(rows, run->id);
    rows_string(rows, run->dag);
    rows_string(rows, run->kind);
    rows_string(rows, run_state_names[run->state]);
    rows_time(rows, run->start_us);
    rows_time(rows, run->end_us);
    rows_time(rows, run->started_us);
    buffer_printf(&seconds, "%.3f",
                  run->started_us == 0 ? 0.0 : (double) (end - run->started_us) / 1e6);
    rows_value(rows, buffer_slice(&seconds));
    rows_string(rows, run->message);
    rows_end(rows);
}

static enum status print_runs(struct dag_session *session, const char *name)
{
    static const char *const names[] = {
        "run",          "dag",     "kind",    "state",  "interval_start",
        "interval_end", "started", "seconds", "message"};
    struct dag_record record = {.name = NULL};
    struct dag_run *runs;
    size_t count;
    struct rows rows;
    if (name != NULL) {
        TRY(dag_session_find(session, name, &record));
    }
    const struct run_filter filter = {
        .dag = record.name, .state = session->options->state, .limit = session->options->limit};
    TRY(run_store_runs(session->store, &filter, &session->arena, &runs, &count, &session->error));
    rows_init(&rows, rows_form_of(session->options->json, session->options->csv), names,
              ARRAY_SIZE(names));
    for (size_t i = 0; i < count; i++) {
        print_run(&runs[i], &rows);
    }
    rows_finish(&rows);
    return STATUS_OK;
}

static int runs_main(void *opaque, char **arguments, int count)
{
    struct dag_session session;
    dag_session_open(&session, opaque, false);
    if (session.status == STATUS_OK && session.store != NULL) {
        session.status = print_runs(&session, count == 0 ? NULL : arguments[0]);
    }
    return dag_session_end(&session);
}

/* ---- the commands ---------------------------------------------------------------------------- */

#define CSV_OPTION                                                                                 \
    OPTION(dag_options, csv, "--csv", 0, OPTION_FLAG, NULL, "CSV in place of a table")

static const struct option list_options[] = {DAG_DATA_OPTION, DAG_FILE_OPTIONS, DAG_JSON_OPTION,
                                             CSV_OPTION};

const struct command command_dag_list = {
    .name = "dag list",
    .summary = "show DAGs: schedule, when they are due, how the last run ended",
    .usage = "",
    .help = "Those of the last scheduler on the data directory, or of a file.\n\n"
            "examples:\n"
            "  leat dag list\n"
            "  leat dag list --file examples/users/pipeline.yaml",
    .options = list_options,
    .option_count = ARRAY_SIZE(list_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = list_main,
};

static const struct option show_options[] = {DAG_DATA_OPTION, DAG_FILE_OPTIONS, DAG_JSON_OPTION};

const struct command command_dag_show = {
    .name = "dag show",
    .summary = "show a DAG's tasks, or how the tasks of a run ended",
    .usage = "DAG|RUN",
    .help = "examples:\n"
            "  leat dag show user_automation\n"
            "  leat dag show 12",
    .options = show_options,
    .option_count = ARRAY_SIZE(show_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = show_main,
};

static const struct option runs_options[] = {
    DAG_DATA_OPTION,
    OPTION(dag_options,
           state,
           "--state",
           0,
           OPTION_STRING,
           "STATE",
           "only these: running, failed, success, ..."),
    OPTION(dag_options, limit, "--limit", 0, OPTION_INT, "N", "the newest so many [20]; 0: all"),
    DAG_JSON_OPTION,
    CSV_OPTION,
};

const struct command command_dag_runs = {
    .name = "dag runs",
    .summary = "show what ran, the newest first",
    .usage = "[DAG]",
    .help = "examples:\n"
            "  leat dag runs\n"
            "  leat dag runs user_automation --state failed --json",
    .options = runs_options,
    .option_count = ARRAY_SIZE(runs_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = runs_main,
};
