/* DAGs and their runs: /api/v1/dags, /api/v1/runs. What is known of them the provider writes. */

#include "console/console_internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define ROW(field, kind, ...)                                                                      \
    {                                                                                              \
        .name = #field, .type = (kind), .offset = offsetof(struct console_dag_ask, field),         \
        __VA_ARGS__                                                                                \
    }
#define TABLE(rows_, name_, help_)                                                                 \
    {                                                                                              \
        .name = (name_), .help = (help_), .rows = (rows_), .count = ARRAY_SIZE(rows_),             \
        .struct_size = sizeof(struct console_dag_ask)                                              \
    }

static const struct setting runs_rows[] = {
    ROW(dag, SETTING_STRING, .help = "Only runs of this DAG."),
    ROW(state, SETTING_STRING, .help = "`queued`, `running`, `success`, `failed`, `cancelled` or `skipped`."),
    ROW(before, SETTING_INT, .default_text = "0", .min = 0, .max = INT64_MAX, .help = "Only older ones: the number of a run."),
    ROW(limit, SETTING_INT, .default_text = "50", .min = 1, .max = 1000, .help = "Of runs."),
};
const struct settings_table console_runs_table = TABLE(runs_rows, "page of runs", "Which runs, the newest first.");

static const struct setting log_rows[] = {
    ROW(task, SETTING_STRING, .flags = SETTING_REQUIRED, .help = "Name of the task."),
    {.name = "try", .type = SETTING_INT, .offset = offsetof(struct console_dag_ask, number),
     .default_text = "0", .min = 0, .max = 1000000, .help = "0: the last."},
    ROW(offset, SETTING_INT, .default_text = "0", .min = 0, .max = INT64_MAX,
        .help = "Byte to go on from: `offset` of the answer before."),
};
const struct settings_table console_run_log_table = TABLE(log_rows, "piece of a log", "Which part of a log.");

static const struct setting start_rows[] = {
    ROW(params, SETTING_PAIRS, .help = "Parameters by name."),
    ROW(key, SETTING_STRING, .help = "Asked twice with it, it is one run."),
};
const struct settings_table console_run_new_table = TABLE(start_rows, "new run", "A run by hand.");

static const struct setting retry_rows[] = {
    ROW(task, SETTING_STRING, .help = "This one and what comes after it. Absent: those that failed."),
};
const struct settings_table console_run_retry_table = TABLE(retry_rows, "retry of a run", "What of a run runs again.");

/* clang-format on */

/* ---- asking ------------------------------------------------------------------------------------
 */

static enum status
run_of_path(struct http_exchange *exchange, int64_t *ret_run, struct error *error)
{
    const char *text = http_param(exchange, "run");
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value == INT64_MAX) {
        return error_set(error, STATUS_NOT_FOUND, "\"%s\" is no number of a run", text);
    }
    *ret_run = value;
    return STATUS_OK;
}

static enum status ask(struct http_exchange *exchange,
                       const struct console *console,
                       const struct console_dag_ask *question,
                       int http_status,
                       struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    if (console->provider.dags == NULL) {
        return error_set(error, STATUS_UNAVAILABLE, "no DAGs run here");
    }
    TRY(console->provider.dags(console->provider.context, question, &exchange->arena, &text,
                               error));
    console_reply_json(exchange, http_status, &text);
    return STATUS_OK;
}

static enum status ask_of_dag(struct http_exchange *exchange,
                              void *context,
                              enum console_dag_verb verb,
                              struct error *error)
{
    const struct console_dag_ask question = {.verb = verb, .dag = http_param(exchange, "dag")};
    return ask(exchange, context, &question, 200, error);
}

enum status console_get_dags(struct http_exchange *exchange, void *context, struct error *error)
{
    const struct console_dag_ask question = {.verb = CONSOLE_DAG_LIST};
    return ask(exchange, context, &question, 200, error);
}

enum status console_get_dag(struct http_exchange *exchange, void *context, struct error *error)
{
    return ask_of_dag(exchange, context, CONSOLE_DAG_SHOW, error);
}

enum status console_pause_dag(struct http_exchange *exchange, void *context, struct error *error)
{
    return ask_of_dag(exchange, context, CONSOLE_DAG_PAUSE, error);
}

enum status console_resume_dag(struct http_exchange *exchange, void *context, struct error *error)
{
    return ask_of_dag(exchange, context, CONSOLE_DAG_RESUME, error);
}

enum status console_run_dag(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_dag_ask question = {.verb = CONSOLE_DAG_RUN};
    TRY(console_body_read(exchange, &console_run_new_table, &question, error));
    question.verb = CONSOLE_DAG_RUN;
    question.dag = http_param(exchange, "dag");
    return ask(exchange, context, &question, 202, error);
}

enum status console_get_runs(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_dag_ask question;
    TRY(console_query_read(exchange, &console_runs_table, &question, error));
    question.verb = CONSOLE_RUN_LIST;
    return ask(exchange, context, &question, 200, error);
}

enum status console_get_run(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_dag_ask question = {.verb = CONSOLE_RUN_SHOW};
    TRY(run_of_path(exchange, &question.run, error));
    return ask(exchange, context, &question, 200, error);
}

enum status console_get_run_log(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_dag_ask question;
    TRY(console_query_read(exchange, &console_run_log_table, &question, error));
    question.verb = CONSOLE_RUN_LOG;
    TRY(run_of_path(exchange, &question.run, error));
    return ask(exchange, context, &question, 200, error);
}

enum status console_cancel_run(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_dag_ask question = {.verb = CONSOLE_RUN_CANCEL};
    TRY(run_of_path(exchange, &question.run, error));
    return ask(exchange, context, &question, 202, error);
}

enum status console_retry_run(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_dag_ask question;
    TRY(console_body_read(exchange, &console_run_retry_table, &question, error));
    question.verb = CONSOLE_RUN_RETRY;
    TRY(run_of_path(exchange, &question.run, error));
    return ask(exchange, context, &question, 202, error);
}
