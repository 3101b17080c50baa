#include "orchestrate/airflow_internal.h"
#include "orchestrate/airflow_text.h"

#include <inttypes.h>
#include <string.h>

#define SKIP_CODE 99 /* Airflow's default, too */

void airflow_put(struct exporter *exporter, const char *text)
{
    buffer_append_string(exporter->target, text);
}

enum status airflow_put_template(struct exporter *exporter, const char *text)
{
    const char *jinja;
    TRY(jinja_text(text, exporter->dag->name, &exporter->arena, &jinja, exporter->error));
    python_string(exporter->target, jinja);
    return STATUS_OK;
}

enum status airflow_put_pairs(struct exporter *exporter, const struct setting_pairs *pairs)
{
    airflow_put(exporter, "{");
    for (size_t i = 0; i < pairs->count; i++) {
        airflow_put(exporter, i == 0 ? "" : ", ");
        python_string(exporter->target, pairs->items[i].name);
        airflow_put(exporter, ": ");
        TRY(airflow_put_template(exporter, pairs->items[i].value));
    }
    airflow_put(exporter, "}");
    return STATUS_OK;
}

/* The words of a list. One that holds a template comes by a variable, whatever its value has in it.
 */
static void add_words(struct exporter *exporter, const struct node *run, struct buffer *text)
{
    for (size_t i = 0; i < run->count; i++) {
        const char *word = run->items[i]->text;
        buffer_append_string(text, i == 0 ? "" : " ");
        if (strstr(word, "${") != NULL) {
            buffer_printf(text, "\"$LEAT_WORD_%d\"", (int) i);
        } else {
            buffer_append_string(text, shell_word(&exporter->arena, word));
        }
    }
}

/* A text is a script for sh -e, a list a program with its words. The last newline keeps Airflow
 * from taking "./report.sh" for the name of a template. */
static enum status put_command(struct exporter *exporter, const struct node *run)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    if (strstr(run->type == NODE_SCALAR ? run->text : "", "LEAT_OUTPUT") != NULL) {
        buffer_append_string(&text, "export LEAT_OUTPUT=$(mktemp)\n"
                                    "trap 'cat \"$LEAT_OUTPUT\"; rm \"$LEAT_OUTPUT\"' EXIT\n");
    }
    if (run->type == NODE_SCALAR) {
        buffer_append_string(&text, "set -e\n");
        buffer_append_string(&text, run->text);
    } else {
        add_words(exporter, run, &text);
    }
    buffer_append_byte(&text, '\n');
    const char *jinja;
    TRY(jinja_text(buffer_string(&text), exporter->dag->name, &exporter->arena, &jinja,
                   exporter->error));
    airflow_put(exporter, ",\n        bash_command=(\n");
    while (*jinja != '\0') {
        size_t size = strcspn(jinja, "\n") + 1;
        airflow_put(exporter, "            ");
        buffer_append_json(exporter->target, slice_of(jinja, size));
        airflow_put(exporter, "\n");
        jinja += size;
    }
    airflow_put(exporter, "        )");
    return STATUS_OK;
}

static enum status put_words(struct exporter *exporter, const struct node *run)
{
    for (size_t i = 0; run->type != NODE_SCALAR && i < run->count; i++) {
        if (strstr(run->items[i]->text, "${") != NULL) {
            buffer_printf(exporter->target, " | {\"LEAT_WORD_%d\": ", (int) i);
            TRY(airflow_put_template(exporter, run->items[i]->text));
            airflow_put(exporter, "}");
        }
    }
    return STATUS_OK;
}

static enum status put_run(struct exporter *exporter, const struct dag_task_settings *settings)
{
    TRY(put_command(exporter, settings->run));
    airflow_put(exporter, ",\n        cwd=");
    TRY(airflow_put_template(exporter, settings->directory == NULL ? exporter->dag->directory
                                                                   : settings->directory));
    airflow_put(exporter, ",\n        env=ENVIRONMENT");
    if (settings->environment.count > 0) {
        airflow_put(exporter, " | ");
        TRY(airflow_put_pairs(exporter, &settings->environment));
    }
    TRY(put_words(exporter, settings->run));
    airflow_put(exporter, ",\n        append_env=True");
    if (settings->skip_code == 0) {
        airflow_put(exporter, ",\n        skip_on_exit_code=None");
    } else if (settings->skip_code != SKIP_CODE) {
        buffer_printf(exporter->target, ",\n        skip_on_exit_code=%d",
                      (int) settings->skip_code);
    }
    return STATUS_OK;
}

static enum status put_python(struct exporter *exporter, const struct dag_task_settings *settings)
{
    const char *colon = strrchr(settings->python, ':');
    if (colon == NULL) {
        return error_set(exporter->error, STATUS_CONFIG, "\"%s\" names no function",
                         settings->python);
    }
    const char *file =
        arena_printf(&exporter->arena, "%.*s", (int) (colon - settings->python), settings->python);
    if (file[0] != '/') {
        file = arena_printf(&exporter->arena, "%s/%s", exporter->dag->directory, file);
    }
    airflow_put(exporter, ",\n        python_callable=");
    airflow_put(exporter, settings->branch ? "branch" : "call");
    airflow_put(exporter, ",\n        op_kwargs={\n            \"file\": ");
    TRY(airflow_put_template(exporter, file));
    airflow_put(exporter, ",\n            \"function\": ");
    python_string(exporter->target, colon + 1);
    airflow_put(exporter, ",\n            \"environment\": ENVIRONMENT");
    if (settings->environment.count > 0) {
        airflow_put(exporter, " | ");
        TRY(airflow_put_pairs(exporter, &settings->environment));
    }
    airflow_put(exporter, ",\n            \"arguments\": ");
    TRY(airflow_put_pairs(exporter, &settings->arguments));
    airflow_put(exporter, ",\n        }");
    return STATUS_OK;
}

static enum status put_ingest(struct exporter *exporter, const struct dag_task_settings *settings)
{
    airflow_put(exporter, ",\n        source=");
    TRY(airflow_put_template(exporter, settings->ingest));
    airflow_put(exporter, ",\n        file=");
    python_string(exporter->target, exporter->dag->file);
    if (settings->limit > 0) {
        buffer_printf(exporter->target, ",\n        limit=%" PRId64, settings->limit);
    }
    if (exporter->options->profile != NULL) {
        airflow_put(exporter, ",\n        profile=");
        python_string(exporter->target, exporter->options->profile);
    }
    if (exporter->options->data != NULL) {
        airflow_put(exporter, ",\n        data=");
        python_string(exporter->target, exporter->options->data);
    }
    if (!exporter->dag->due.scheduled) {
        airflow_put(exporter, ",\n        data_interval=False");
    }
    return STATUS_OK;
}

static void put_common(struct exporter *exporter, const struct dag_task *task)
{
    const struct dag_task_settings *settings = task->settings;
    const struct dag_retries *retries = task->retries;
    if (settings->when != RULE_ALL_SUCCESS) {
        airflow_put(exporter, ",\n        trigger_rule=");
        python_string(exporter->target, trigger_rule_names[settings->when]);
    }
    if (retries != NULL && retries->limit > 0) {
        buffer_printf(exporter->target,
                      ",\n        retries=%d,\n        retry_delay=", (int) retries->limit);
        python_duration(exporter->target, retries->delay_us);
        if (retries->backoff > 1) {
            airflow_put(exporter, ",\n        retry_exponential_backoff=True");
        }
        if (retries->backoff > 1 && retries->max_delay_us > 0) {
            airflow_put(exporter, ",\n        max_retry_delay=");
            python_duration(exporter->target, retries->max_delay_us);
        }
    } else {
        airflow_put(exporter, ",\n        retries=0");
    }
    if (settings->timeout_us > 0) {
        airflow_put(exporter, ",\n        execution_timeout=");
        python_duration(exporter->target, settings->timeout_us);
    }
    if (settings->pool != NULL) {
        airflow_put(exporter, ",\n        pool=");
        python_string(exporter->target, settings->pool);
        buffer_printf(exporter->target, ",\n        pool_slots=%d", (int) settings->slots);
    }
    if (settings->priority != 0) {
        buffer_printf(exporter->target, ",\n        priority_weight=%d", (int) settings->priority);
    }
    airflow_put(exporter, ",\n    )\n");
}

enum status airflow_put_task(struct exporter *exporter, const struct dag_task *task)
{
    const char *name = python_name(&exporter->arena, task->name);
    const char *kind = "BashOperator";
    if (task->kind == TASK_PYTHON) {
        kind = task->settings->branch ? "BranchPythonOperator" : "PythonOperator";
    } else if (task->kind == TASK_INGEST) {
        kind = "LeatIngestOperator";
    }
    buffer_printf(exporter->target, "    %s = %s(\n        task_id=", name, kind);
    python_string(exporter->target, task->name);
    if (task->kind == TASK_RUN) {
        TRY(put_run(exporter, task->settings));
    } else if (task->kind == TASK_PYTHON) {
        TRY(put_python(exporter, task->settings));
    } else {
        TRY(put_ingest(exporter, task->settings));
    }
    put_common(exporter, task);
    return STATUS_OK;
}
