/* `leat dag next` and `dry`: what would happen. */

#include "base/time_text.h"
#include "cli/dag_session.h"
#include "io/clock.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static enum status
take_dag(struct dag_session *session, const char *name, const struct dag **ret_dag)
{
    struct dag_record record;
    TRY(dag_session_find(session, name, &record));
    TRY(dag_session_load(session, &record, &session->error));
    *ret_dag = dag_session_dag(session, record.name);
    return *ret_dag != NULL ? STATUS_OK
                            : error_set(&session->error, STATUS_NOT_FOUND,
                                        "the file has no DAG \"%s\" any more", name);
}

static enum status print_next(struct dag_session *session, const char *name)
{
    const struct dag *dag;
    struct dag_interval interval;
    int64_t now = clock_now_us();
    int64_t from = now;
    struct dag_interval newest;
    TRY(take_dag(session, name, &dag));
    if (!dag->due.scheduled) {
        return error_set(&session->error, STATUS_FAILED, "DAG \"%s\" has no schedule", name);
    }
    from = dag_due_newest(&dag->due, now, &newest) ? newest.end_us : from;
    bool there = dag_due_from(&dag->due, from, &interval);
    for (int64_t i = 0; i < session->options->limit && there; i++) {
        char start[TIME_TEXT_BYTES];
        char end[TIME_TEXT_BYTES];
        (void) time_format(interval.start_us, start);
        (void) time_format(interval.end_us, end);
        (void) printf(session->options->json
                          ? "{\"at\":\"%s\",\"interval_start\":\"%s\",\"interval_end\":\"%s\"}\n"
                          : "%s  for %s to %s\n",
                      end, start, end);
        there = interval.end_us > interval.start_us &&
                dag_due_from(&dag->due, interval.end_us, &interval);
    }
    return STATUS_OK;
}

static int next_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct dag_session session;
    dag_session_open(&session, opaque, false);
    if (session.status == STATUS_OK) {
        session.status = print_next(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

/* What a task would do: its words, query or call, with the values of the run. */
static void print_what(const json_t *spec)
{
    const json_t *words = json_object_get(spec, "arguments");
    const char *sql = json_string_value(json_object_get(spec, "sql"));
    const char *kind = json_string_value(json_object_get(spec, "kind"));
    (void) printf("   ");
    if (words != NULL && kind != NULL && strcmp(kind, "python") == 0) {
        (void) printf(" %s:%s %s", json_string_value(json_array_get(words, 4)),
                      json_string_value(json_array_get(words, 5)),
                      json_string_value(json_array_get(words, 6)));
    } else if (words != NULL) {
        size_t first = kind != NULL && strcmp(kind, "ingest") == 0 ? 1 : 0;
        for (size_t i = first; i < json_array_size(words); i++) {
            (void) printf(" %s", json_string_value(json_array_get(words, i)));
        }
    } else if (sql != NULL) {
        (void) printf(" %s", sql);
    } else {
        char *text = json_dumps(json_object_get(spec, kind == NULL ? "" : kind), JSON_COMPACT);
        (void) printf(" %s", text == NULL ? "" : text);
        free(text);
    }
    (void) printf("\n");
}

/* The outputs of tasks are not known yet: they stand as they are in the file. */
static enum status
print_task(struct dag_session *session, const struct task_run *about, const struct dag_task *task)
{
    const struct task_place place = {.leat = "leat", .data = session->data};
    CLEANUP(buffer_deinit) struct buffer json = BUFFER_INIT;
    TRY(task_spec_write(&place, about, task, &json, &session->error));
    if (session->options->json) {
        (void) printf("{\"task\":\"%s\",\"spec\":%s}\n", task->name, buffer_string(&json));
        return STATUS_OK;
    }
    (void) printf("  %s (%s)", task->name, dag_task_kind_names[task->kind]);
    for (size_t i = 0; i < task->after_count; i++) {
        (void) printf("%s %s", i == 0 ? " after" : ",", about->dag->tasks[task->after[i]].name);
    }
    (void) printf("\n");
    json_t *spec = json_loads(buffer_string(&json), 0, NULL);
    print_what(spec);
    json_decref(spec);
    return STATUS_OK;
}

static enum status dry(struct dag_session *session, const char *name)
{
    const struct dag *dag;
    const char *params;
    struct dag_interval interval = {clock_now_us(), clock_now_us()};
    TRY(take_dag(session, name, &dag));
    TRY(dag_session_params(session, dag, &params, &session->error));
    (void) dag_due_newest(&dag->due, interval.end_us, &interval);
    const struct dag_run run = {.dag = dag->name,
                                .key = "dry",
                                .kind = "manual",
                                .start_us = interval.start_us,
                                .end_us = interval.end_us,
                                .params = params};
    struct run_task *tasks = ARENA_ARRAY(&session->arena, struct run_task, dag->task_count);
    for (size_t i = 0; i < dag->task_count; i++) {
        tasks[i].name = dag->tasks[i].name;
        tasks[i].kind = dag_task_kind_names[dag->tasks[i].kind];
        tasks[i].output = arena_printf(&session->arena, "${tasks.%s.output}", dag->tasks[i].name);
    }
    if (!session->options->json) {
        (void) printf("%s would run, each task after those before it:\n", dag->name);
    }
    for (size_t i = 0; i < dag->task_count; i++) {
        const struct task_run about = {.dag = dag,
                                       .run = &run,
                                       .tasks = tasks,
                                       .task_count = dag->task_count,
                                       .name = dag->tasks[i].name,
                                       .number = 1};
        TRY(print_task(session, &about, &dag->tasks[i]));
    }
    return STATUS_OK;
}

static int dry_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct dag_session session;
    dag_session_open(&session, opaque, false);
    if (session.status == STATUS_OK) {
        session.status = dry(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

static const struct option next_options[] = {
    DAG_DATA_OPTION,
    DAG_FILE_OPTIONS,
    OPTION(dag_options, limit, "--limit", 0, OPTION_INT, "N", "so many [5]"),
    DAG_JSON_OPTION,
};

static const struct dag_options next_defaults = {.limit = 5};

const struct command command_dag_next = {
    .name = "dag next",
    .summary = "show when a DAG is due",
    .usage = "DAG",
    .help = "Each run covers an interval and begins at its end.\n\n"
            "examples:\n"
            "  leat dag next user_automation --limit 3",
    .options = next_options,
    .option_count = ARRAY_SIZE(next_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &next_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = next_main,
};

static const struct option dry_options[] = {
    DAG_DATA_OPTION,
    DAG_FILE_OPTIONS,
    OPTION(dag_options,
           params,
           "--param",
           'p',
           OPTION_STRINGS,
           "NAME=VALUE",
           "a parameter of the run"),
    DAG_JSON_OPTION,
};

const struct command command_dag_dry = {
    .name = "dag dry",
    .summary = "show what a run would do, and do nothing",
    .usage = "DAG",
    .help = "Secrets that stand in commands are shown as well.\n\n"
            "examples:\n"
            "  leat dag dry user_automation --file examples/users/pipeline.yaml",
    .options = dry_options,
    .option_count = ARRAY_SIZE(dry_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = dry_main,
};
