/* What may stand under `dags:`. */

#include "orchestrate/dag.h"

#include <stddef.h>

#define ROW(structure, field, setting, kind, ...)                                                  \
    {                                                                                              \
        .name = (setting), .type = (kind), .offset = offsetof(struct structure, field),            \
        __VA_ARGS__                                                                                \
    }

#define TABLE(rows_, name_, structure, help_)                                                      \
    {                                                                                              \
        .name = (name_), .help = (help_), .rows = (rows_), .count = ARRAY_SIZE(rows_),             \
        .struct_size = sizeof(struct structure)                                                    \
    }

/* clang-format off */

/* ---- retries, hooks --------------------------------------------------------------------------- */

static const struct setting retries_rows[] = {
    ROW(dag_retries, limit, "limit", SETTING_INT, .default_text = "0", .min = 0, .max = 1000,
        .help = "Tries after the first."),
    ROW(dag_retries, delay_us, "delay", SETTING_DURATION, .default_text = "10s",
        .help = "From a failure to the next try."),
    ROW(dag_retries, backoff, "backoff", SETTING_DOUBLE, .default_text = "2",
        .help = "Each delay is so many times the one before; 1 keeps it as it is."),
    ROW(dag_retries, max_delay_us, "max_delay", SETTING_DURATION, .default_text = "1h",
        .help = "No delay is longer."),
    ROW(dag_retries, jitter, "jitter", SETTING_DOUBLE, .default_text = "0.1",
        .help = "Up to this part of a delay is added or taken away, at random."),
};
static const struct settings_table retries_table =
    TABLE(retries_rows, "retries", dag_retries,
          "Trying again. The number alone may stand for it.");

static const struct setting mail_rows[] = {
    ROW(dag_mail, server, "server", SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "`smtp://host:port` or `smtps://host:port`."),
    ROW(dag_mail, from, "from", SETTING_STRING, .flags = SETTING_REQUIRED, .help = "Address of the sender."),
    ROW(dag_mail, to, "to", SETTING_STRINGS, .flags = SETTING_REQUIRED, .help = "Addresses it goes to."),
    ROW(dag_mail, subject, "subject", SETTING_STRING,
        .default_text = "${dag.name}: ${run.state}", .help = "Of the mail."),
    ROW(dag_mail, text, "text", SETTING_STRING,
        .default_text = "Run ${run.id} of ${dag.name} (${run.key}) is ${run.state}.\n${task.name} ${task.message}\n",
        .help = "Of the mail."),
    ROW(dag_mail, user, "user", SETTING_STRING, .help = "Name at the server; NULL: none."),
    ROW(dag_mail, password, "password", SETTING_STRING, .flags = SETTING_SECRET, .help = "Its password: `${secret:NAME}`."),
};
static const struct settings_table mail_table =
    TABLE(mail_rows, "mail", dag_mail, "A mail by SMTP.");

static const struct setting hook_rows[] = {
    ROW(dag_hook, run, "run", SETTING_NODE,
        .help = "A command, as `run` of a task. `LEAT_RUN_STATE` and the like say what happened."),
    ROW(dag_hook, webhook, "webhook", SETTING_STRING,
        .help = "A URL that gets a POST with the run as JSON."),
    ROW(dag_hook, mail, "mail", SETTING_SECTION, .section = &mail_table, .help = "A mail."),
};
static const struct settings_table hook_table =
    TABLE(hook_rows, "hook", dag_hook, "What is told to others. It never changes how a run ended.");

/* ---- tasks ------------------------------------------------------------------------------------ */

static const struct setting http_rows[] = {
    ROW(dag_http, url, "url", SETTING_STRING, .flags = SETTING_REQUIRED, .help = "What is asked."),
    ROW(dag_http, method, "method", SETTING_STRING, .help = "`GET`, or `POST` if there is a body."),
    ROW(dag_http, body, "body", SETTING_STRING, .help = "What is sent."),
    ROW(dag_http, headers, "headers", SETTING_PAIRS, .help = "Of the request."),
    ROW(dag_http, status, "status", SETTING_STRINGS, .default_text = "2xx",
        .help = "Statuses that are no failure: `200`, `2xx`."),
    ROW(dag_http, contains, "contains", SETTING_STRING, .help = "Text that the answer must hold."),
};
static const struct settings_table http_table =
    TABLE(http_rows, "http task", dag_http, "An HTTP call. The answer is the output. A URL alone may stand for it.");

static const struct setting wait_rows[] = {
    ROW(dag_wait, file, "file", SETTING_STRING, .help = "Until it exists."),
    ROW(dag_wait, sql, "sql", SETTING_STRING, .help = "Until this query over tables gives a row."),
    ROW(dag_wait, table, "table", SETTING_STRING, .help = "Until this table has a row, or with `fresh` a new one."),
    ROW(dag_wait, column, "column", SETTING_STRING, .help = "The table's column with the time, for `fresh`."),
    ROW(dag_wait, fresh_us, "fresh", SETTING_DURATION, .default_text = "0s",
        .help = "How old the newest row may be."),
    ROW(dag_wait, lag, "lag", SETTING_STRING,
        .help = "Until what waits in this source or topic of the running leat is at most `below`."),
    ROW(dag_wait, lag_max, "below", SETTING_INT, .default_text = "0", .min = 0, .max = INT64_MAX,
        .help = "Records that may still wait, for `lag`."),
    ROW(dag_wait, duration_us, "for", SETTING_DURATION, .default_text = "0s", .help = "So long."),
    ROW(dag_wait, every_us, "every", SETTING_DURATION, .default_text = "1s", .help = "How often it looks."),
};
static const struct settings_table wait_table =
    TABLE(wait_rows, "wait", dag_wait, "Waiting, at most until the task's time-out. One of `file`, `sql`, `table`, `lag` and `for`.");

static const struct setting task_rows[] = {
    ROW(dag_task_settings, ingest, "ingest", SETTING_STRING,
        .help = "Fetches a source of the file for the run's interval, and stores all of it."),
    ROW(dag_task_settings, limit, "limit", SETTING_INT, .default_text = "0", .min = 0, .max = INT64_MAX,
        .help = "Records that `ingest` accepts at most; 0: all that the source has."),
    ROW(dag_task_settings, run, "run", SETTING_NODE,
        .help = "A command as a list of words, or a script for `/bin/sh -e` as text. The last line of its output is the task's output."),
    ROW(dag_task_settings, python, "python", SETTING_STRING,
        .help = "A function, `file.py:function`, beside the pipeline file. What it returns is the task's output."),
    ROW(dag_task_settings, arguments, "arguments", SETTING_PAIRS, .help = "Of the function, by name."),
    ROW(dag_task_settings, sql, "sql", SETTING_STRING, .help = "A query over tables. Its rows are the task's output."),
    ROW(dag_task_settings, expect, "expect", SETTING_NODE,
        .help = "What the query must give: a value, or rows. Anything else is a failure."),
    ROW(dag_task_settings, http, "http", SETTING_SECTION, .section = &http_table, .flags = SETTING_SCALAR_OK, .help = "An HTTP call."),
    ROW(dag_task_settings, wait, "wait", SETTING_SECTION, .section = &wait_table, .help = "Waits for a file, rows, lag or time."),
    ROW(dag_task_settings, after, "after", SETTING_STRINGS, .help = "Tasks that must have ended before."),
    ROW(dag_task_settings, when, "when", SETTING_CHOICE, .default_text = "all_success", .choices = trigger_rule_names,
        .help = "How they must have ended: the trigger rules of Airflow."),
    ROW(dag_task_settings, branch, "branch", SETTING_BOOL, .default_text = "false",
        .help = "The output names the tasks after this one that go on, divided by blanks; the others are skipped."),
    ROW(dag_task_settings, retries, "retries", SETTING_SECTION, .section = &retries_table, .flags = SETTING_SCALAR_OK,
        .help = "Trying again after a failure. Without it, as the DAG says."),
    ROW(dag_task_settings, timeout_us, "timeout", SETTING_DURATION, .default_text = "0s",
        .help = "A try that takes longer is ended and has failed; 0: none."),
    ROW(dag_task_settings, pool, "pool", SETTING_STRING, .help = "Takes its slots from this pool of `pools`."),
    ROW(dag_task_settings, slots, "slots", SETTING_INT, .default_text = "1", .min = 1, .max = 1000, .help = "Of the pool."),
    ROW(dag_task_settings, priority, "priority", SETTING_INT, .default_text = "0", .min = -1000, .max = 1000,
        .help = "Of tasks that wait for a slot the highest goes first."),
    ROW(dag_task_settings, environment, "environment", SETTING_PAIRS, .help = "Variables of the command or function."),
    ROW(dag_task_settings, directory, "directory", SETTING_STRING, .help = "To run in. Without it, that of the pipeline file."),
    ROW(dag_task_settings, skip_code, "skip_code", SETTING_INT, .default_text = "99", .min = 0, .max = 255,
        .help = "A command that ends with it has skipped the task; 0: none does."),
    ROW(dag_task_settings, on_failure, "on_failure", SETTING_SECTION, .section = &hook_table, .help = "When the last try has failed."),
    ROW(dag_task_settings, on_success, "on_success", SETTING_SECTION, .section = &hook_table, .help = "When it succeeded."),
};
static const struct settings_table task_table =
    TABLE(task_rows, "task", dag_task_settings, "A task: one of `ingest`, `run`, `python`, `sql`, `http` and `wait`. Text may hold "
          "`${interval.start}`, `${interval.end}`, `${run.id}`, `${params.NAME}` and `${tasks.NAME.output}`.");

/* ---- DAGs ------------------------------------------------------------------------------------- */

static const char *const param_types[] = {"string", "int", "number", "bool", "time", NULL};

static const struct setting param_rows[] = {
    ROW(dag_param, value, "default", SETTING_STRING, .help = "Without it, a run must be given one."),
    ROW(dag_param, type, "type", SETTING_CHOICE, .default_text = "string", .choices = param_types, .help = "What it must be."),
    ROW(dag_param, choices, "choices", SETTING_STRINGS, .help = "The values that it may have."),
    ROW(dag_param, help, "help", SETTING_STRING, .help = "What it means."),
};
static const struct settings_table param_table =
    TABLE(param_rows, "parameter", dag_param, "A parameter of runs. Its default alone may stand for it.");

static const char *const overlap_choices[] = {"skip", "queue", "cancel", "allow", NULL};

static const struct setting dag_rows[] = {
    ROW(dag_settings, help, "help", SETTING_STRING, .help = "What the DAG is for."),
    ROW(dag_settings, schedule, "schedule", SETTING_STRING,
        .help = "`@every 10m`, `@once`, or cron such as `0 6 * * MON-FRI`. Each run covers the interval between two of these times, and begins at "
                "its end. Without it the DAG runs only by hand."),
    ROW(dag_settings, timezone, "timezone", SETTING_STRING, .help = "Of the schedule: `Europe/Berlin`. Without it, UTC."),
    ROW(dag_settings, start, "start", SETTING_STRING, .help = "No interval begins before."),
    ROW(dag_settings, end, "end", SETTING_STRING, .help = "No interval ends after."),
    ROW(dag_settings, catch_up, "catch_up", SETTING_STRING, .default_text = "false",
        .help = "Intervals that were missed while leat did not run: `false` leaves out all but the newest, `true` runs each, `2 days` those of this time."),
    ROW(dag_settings, overlap, "overlap", SETTING_CHOICE, .default_text = "skip", .choices = overlap_choices,
        .help = "If a run is due while another is under way: `skip` leaves it out, `queue` lets it wait, `cancel` ends the other, `allow` runs both."),
    ROW(dag_settings, runs_max, "runs", SETTING_INT, .default_text = "16", .min = 1, .max = 1000, .help = "The most runs at a time, with `overlap: allow`."),
    ROW(dag_settings, tasks_max, "parallel", SETTING_INT, .default_text = "16", .min = 1, .max = 1000, .help = "The most tasks of a run at a time."),
    ROW(dag_settings, params, "params", SETTING_SECTIONS, .section = &param_table, .flags = SETTING_SCALAR_OK, .help = "Parameters, by name: `${params.NAME}`."),
    ROW(dag_settings, tasks, "tasks", SETTING_SECTIONS, .section = &task_table, .help = "Tasks, by name."),
    ROW(dag_settings, retries, "retries", SETTING_SECTION, .section = &retries_table, .flags = SETTING_SCALAR_OK, .help = "For tasks that do not say."),
    ROW(dag_settings, timeout_us, "timeout", SETTING_DURATION, .default_text = "0s", .help = "A run that takes longer is ended and has failed; 0: none."),
    ROW(dag_settings, deadline_us, "deadline", SETTING_DURATION, .default_text = "0s",
        .help = "A run that is not done so long after it was due is late: `on_deadline` is told, once. The run goes on."),
    ROW(dag_settings, environment, "environment", SETTING_PAIRS, .help = "Variables of all tasks."),
    ROW(dag_settings, on_failure, "on_failure", SETTING_SECTION, .section = &hook_table, .help = "When a run has failed."),
    ROW(dag_settings, on_success, "on_success", SETTING_SECTION, .section = &hook_table, .help = "When a run succeeded."),
    ROW(dag_settings, on_deadline, "on_deadline", SETTING_SECTION, .section = &hook_table, .help = "When a run is late."),
};
const struct settings_table dag_table =
    TABLE(dag_rows, "dag", dag_settings, "Tasks that run together, on a schedule or by hand.");
/* clang-format on */
