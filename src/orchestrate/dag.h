#pragma once

/*
 * DAGs as the pipeline file has them: tasks, what they wait for, when they run, what happens when
 * one fails. The settings tables are the one place that parser, errors and reference page come
 * from; dag_build checks what no table can say: cycles, unknown names, templates, schedules.
 *
 * Everything lives in the arena of the pipeline file.
 */

#include "base/arena.h"
#include "base/node.h"
#include "base/settings.h"
#include "orchestrate/dag_due.h"
#include "orchestrate/trigger_rule.h"

#include <stdbool.h>
#include <stdint.h>

struct dag_retries {
    int64_t limit; /* tries after the first */
    int64_t delay_us, max_delay_us;
    double backoff; /* each delay is so many times the one before */
    double jitter;  /* of the delay, up or down: 0.1 is ten percent */
};

struct dag_http {
    const char *url, *method, *body;
    struct setting_pairs headers;
    struct setting_strings status; /* "200", "2xx" */
    const char *contains;          /* that the answer must hold; NULL: nothing */
};

struct dag_wait {
    const char *file;    /* that exists */
    const char *sql;     /* a query that gives a row */
    const char *table;   /* with a row, or a fresh one */
    const char *column;  /* of the table: a timestamp */
    int64_t fresh_us;    /* the newest is at most so old */
    const char *lag;     /* of a pipeline or a source of it: what waits */
    int64_t lag_max;     /* records */
    int64_t duration_us; /* just so long */
    int64_t every_us;
};

struct dag_mail {
    const char *server; /* smtp://host:port */
    const char *from;
    struct setting_strings to;
    const char *subject, *text, *user, *password;
};

struct dag_hook {
    struct node *run;    /* as of a task */
    const char *webhook; /* gets a POST with the run as JSON */
    struct dag_mail *mail;
};

struct dag_task_settings {
    const char *ingest;
    int64_t limit; /* records that an ingest accepts at most; 0: all */
    struct node *run;
    const char *python;
    struct setting_pairs arguments;
    const char *sql;
    struct node *expect;
    struct dag_http *http;
    struct dag_wait *wait;
    struct setting_strings after;
    int when; /* enum trigger_rule */
    bool branch;
    struct dag_retries *retries; /* NULL: as of the DAG */
    int64_t timeout_us;          /* 0: none */
    const char *pool;
    int64_t slots, priority;
    struct setting_pairs environment;
    const char *directory;
    int64_t skip_code;
    struct dag_hook *on_failure, *on_success;
};

struct dag_param {
    int type; /* enum dag_param_type */
    const char *value;
    struct setting_strings choices;
    const char *help;
};

enum dag_param_type {
    PARAM_STRING,
    PARAM_INT,
    PARAM_NUMBER,
    PARAM_BOOL,
    PARAM_TIME,
};

enum dag_overlap {
    OVERLAP_SKIP,
    OVERLAP_QUEUE,
    OVERLAP_CANCEL,
    OVERLAP_ALLOW,
};

struct dag_settings {
    const char *help;
    const char *schedule; /* NULL: only by hand */
    const char *timezone;
    const char *start, *end;
    const char *catch_up; /* "false", "true" or how far back */
    int overlap;
    int64_t runs_max, tasks_max;
    struct setting_sections params; /* struct dag_param */
    struct setting_sections tasks;  /* struct dag_task_settings */
    struct dag_retries *retries;
    int64_t timeout_us, deadline_us;
    struct setting_pairs environment;
    struct dag_hook *on_failure, *on_success, *on_deadline;
};

enum dag_task_kind {
    TASK_INGEST,
    TASK_RUN,
    TASK_PYTHON,
    TASK_SQL,
    TASK_HTTP,
    TASK_WAIT,
    TASK_HOOK,
};

extern const char *const dag_task_kind_names[];

struct dag_task {
    const char *name;
    enum dag_task_kind kind;
    const struct dag_task_settings *settings;
    const struct node *node;
    const struct dag_retries *retries;
    const size_t *after; /* indexes */
    size_t after_count;
    bool is_leaf; /* nobody waits for it */
};

struct dag {
    const char *name; /* "PIPELINE.DAG" */
    const char *short_name;
    const char *pipeline, *file, *directory;
    const struct dag_settings *settings;
    const struct node *node;
    struct dag_task *tasks; /* each after those that it waits for */
    size_t task_count;
    struct dag_due due;
};

/* What the rest of the pipeline file has, for checks. */
struct dag_surroundings {
    const char *pipeline, *file, *directory;
    const char *const *sources, *const *pools;
    size_t source_count, pool_count;
};

extern const struct settings_table dag_table;

/* STATUS_CONFIG with line and caret for what cannot work. */
MUST_USE enum status dag_build(const struct setting_section *section,
                               const struct dag_surroundings *around,
                               struct arena *arena,
                               struct dag **ret_dag,
                               struct error *error);

/* The task's index; SIZE_MAX if the DAG has none of that name. */
size_t dag_task_find(const struct dag *dag, const char *name);

/* True if `above` must have ended before `index` begins, also by others in between. */
bool dag_task_is_after(const struct dag *dag, size_t index, size_t above);

/* A parameter's value as the DAG wants it. STATUS_DATA naming it if it is not of its type. */
MUST_USE enum status dag_param_check(const char *name,
                                     const struct dag_param *param,
                                     const char *value,
                                     struct error *error);
