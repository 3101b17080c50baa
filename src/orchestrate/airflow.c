#include "orchestrate/airflow_internal.h"
#include "orchestrate/airflow_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define FIRST_DAY INT64_C(1577836800000000) /* 2020-01-01, for DAGs without a start */

static bool has_kind(const struct dag *dag, enum dag_task_kind kind)
{
    for (size_t i = 0; i < dag->task_count; i++) {
        if (dag->tasks[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* ---- what cannot be said in Airflow ------------------------------------------------------------
 */

static enum status check_task(const struct exporter *exporter, const struct dag_task *task)
{
    const struct dag_task_settings *settings = task->settings;
    bool known = task->kind == TASK_INGEST || task->kind == TASK_RUN || task->kind == TASK_PYTHON;
    const char *why = NULL;
    if (!known) {
        why = "this kind of task is leat's own";
    } else if (settings->branch && task->kind != TASK_PYTHON) {
        why = "a branch must be a python task";
    } else if (settings->on_failure != NULL || settings->on_success != NULL) {
        why = "hooks are written as callbacks there";
    }
    if (why == NULL) {
        return STATUS_OK;
    }
    (void) error_set(exporter->error, STATUS_CONFIG, "cannot export task \"%s\" of \"%s\": %s (%s)",
                     task->name, exporter->dag->name, why, dag_task_kind_names[task->kind]);
    error_hint(exporter->error, "ingest, run and python are exported; a run task can call leat "
                                "query, leat health or curl");
    return STATUS_CONFIG;
}

/* What comes out otherwise than in leat. */
static void put_differences(struct exporter *exporter)
{
    const struct dag_settings *settings = exporter->dag->settings;
    if (settings->overlap == OVERLAP_SKIP || settings->overlap == OVERLAP_CANCEL) {
        airflow_put(exporter,
                    "# A run that is due while another is under way waits: Airflow neither leaves "
                    "it out nor ends the other.\n");
    }
    if (exporter->dag->due.catch_up_us != 0 && exporter->dag->due.catch_up_us != INT64_MAX) {
        airflow_put(exporter, "# catch_up is a time in leat; in Airflow it is all or nothing.\n");
    }
    if (settings->on_failure != NULL || settings->on_success != NULL ||
        settings->on_deadline != NULL) {
        airflow_put(exporter, "# The DAG's hooks are not here: write them as callbacks.\n");
    }
    for (size_t i = 0; i < exporter->dag->task_count; i++) {
        if (exporter->dag->tasks[i].settings->pool != NULL) {
            airflow_put(exporter,
                        "# Pools are made in Airflow: airflow pools set NAME SLOTS \"\"\n");
            return;
        }
    }
}

/* ---- the head ----------------------------------------------------------------------------------
 */

static void put_imports(struct exporter *exporter)
{
    const struct dag *dag = exporter->dag;
    bool bash = has_kind(dag, TASK_RUN);
    bool python = has_kind(dag, TASK_PYTHON);
    airflow_put(exporter, "from __future__ import annotations\n\n");
    airflow_put(exporter, python ? "import os\nimport runpy\nimport sys\n" : "");
    const char *timetable = "";
    if (dag->due.scheduled && dag->due.timetable.kind == TIMETABLE_CRON) {
        timetable = "from airflow.timetables.interval import CronDataIntervalTimetable\n";
    } else if (dag->due.scheduled && dag->due.timetable.kind == TIMETABLE_EVERY) {
        timetable = "from airflow.timetables.interval import DeltaDataIntervalTimetable\n";
    }
    airflow_put(exporter, "from datetime import timedelta\n\nimport pendulum\n");
    airflow_put(exporter, timetable);
    if (has_kind(dag, TASK_INGEST)) {
        airflow_put(exporter, "from leat_provider.operators.leat import LeatIngestOperator\n");
    }
    airflow_put(exporter, "\ntry:\n");
    airflow_put(exporter,
                bash ? "    from airflow.providers.standard.operators.bash import BashOperator\n"
                     : "");
    airflow_put(exporter, python ? "    from airflow.providers.standard.operators.python import "
                                   "BranchPythonOperator, PythonOperator\n"
                                 : "");
    airflow_put(exporter,
                "    from airflow.sdk import DAG, Param\nexcept ImportError:  # Airflow 2\n"
                "    from airflow import DAG\n    from airflow.models.param import Param\n");
    airflow_put(exporter, bash ? "    from airflow.operators.bash import BashOperator\n" : "");
    airflow_put(exporter, python ? "    from airflow.operators.python import BranchPythonOperator, "
                                   "PythonOperator\n"
                                 : "");
}

static void put_functions(struct exporter *exporter)
{
    airflow_put(exporter,
                "\n\ndef at(time):\n"
                "    \"\"\"A time as leat writes it; nothing where a run has no interval.\"\"\"\n"
                "    return time.in_timezone(\"UTC\").strftime(\"%Y-%m-%dT%H:%M:%S.%fZ\") if time "
                "else \"\"\n");
    if (has_kind(exporter->dag, TASK_PYTHON)) {
        airflow_put(exporter,
                    "\n\ndef call(file, function, environment, arguments):\n"
                    "    \"\"\"A function of a file, with texts as arguments.\"\"\"\n"
                    "    os.environ.update(environment)\n"
                    "    sys.path.insert(0, os.path.dirname(file))\n"
                    "    return runpy.run_path(file)[function](**arguments)\n"
                    "\n\ndef branch(file, function, environment, arguments):\n"
                    "    \"\"\"The names of the tasks that go on.\"\"\"\n"
                    "    return str(call(file, function, environment, arguments)).split()\n");
    }
}

static enum status put_environment(struct exporter *exporter)
{
    const struct dag_settings *settings = exporter->dag->settings;
    airflow_put(exporter, "\n\nENVIRONMENT = {\n    \"LEAT_DAG\": ");
    python_string(exporter->target, exporter->dag->name);
    airflow_put(exporter, ",\n    \"LEAT_RUN_ID\": \"{{ run_id }}\",\n"
                          "    \"LEAT_RUN_KEY\": \"{{ run_id }}\",\n"
                          "    \"LEAT_TASK\": \"{{ task.task_id }}\",\n"
                          "    \"LEAT_TRY\": \"{{ ti.try_number }}\",\n"
                          "    \"LEAT_INTERVAL_START\": \"{{ at(data_interval_start) }}\",\n"
                          "    \"LEAT_INTERVAL_END\": \"{{ at(data_interval_end) }}\",\n");
    if (exporter->options->data != NULL) {
        airflow_put(exporter, "    \"LEAT_DATA\": ");
        python_string(exporter->target, exporter->options->data);
        airflow_put(exporter, ",\n");
    }
    for (size_t i = 0; i < settings->params.count; i++) {
        airflow_put(exporter, "    \"LEAT_PARAM_");
        for (const char *c = settings->params.items[i].name; *c != '\0'; c++) {
            buffer_append_byte(exporter->target, (uint8_t) toupper((unsigned char) *c));
        }
        buffer_printf(exporter->target, "\": \"{{ params.%s }}\",\n",
                      settings->params.items[i].name);
    }
    for (size_t i = 0; i < settings->environment.count; i++) {
        airflow_put(exporter, "    ");
        python_string(exporter->target, settings->environment.items[i].name);
        airflow_put(exporter, ": ");
        TRY(airflow_put_template(exporter, settings->environment.items[i].value));
        airflow_put(exporter, ",\n");
    }
    airflow_put(exporter, "}\n");
    return STATUS_OK;
}

/* ---- the DAG -----------------------------------------------------------------------------------
 */

static void put_schedule(struct exporter *exporter)
{
    const struct dag *dag = exporter->dag;
    airflow_put(exporter, "    schedule=");
    if (!dag->due.scheduled) {
        airflow_put(exporter, "None");
    } else if (dag->due.timetable.kind == TIMETABLE_ONCE) {
        airflow_put(exporter, "\"@once\"");
    } else if (dag->due.timetable.kind == TIMETABLE_EVERY) {
        airflow_put(exporter, "DeltaDataIntervalTimetable(");
        python_duration(exporter->target, dag->due.timetable.period_us);
        airflow_put(exporter, ")");
    } else {
        airflow_put(exporter, "CronDataIntervalTimetable(");
        python_string(exporter->target, dag->settings->schedule);
        airflow_put(exporter, ", timezone=pendulum.timezone(");
        python_string(exporter->target, zone_name(dag->due.timetable.cron.zone));
        airflow_put(exporter, "))");
    }
    airflow_put(exporter, ",\n    start_date=");
    python_time(exporter->target, dag->due.first_us == INT64_MIN ? FIRST_DAY : dag->due.first_us);
    if (dag->due.scheduled && dag->due.last_us != INT64_MAX) { /* of the last that ends in time */
        airflow_put(exporter, ",\n    end_date=");
        python_time(exporter->target,
                    timetable_interval_manual(&dag->due.timetable, dag->due.last_us).start_us);
    }
    airflow_put(exporter, dag->due.catch_up_us == INT64_MAX ? ",\n    catchup=True,\n"
                                                            : ",\n    catchup=False,\n");
}

static void put_param(struct exporter *exporter, const struct setting_section *section)
{
    static const char *const types[] = {
        [PARAM_STRING] = "string", [PARAM_INT] = "integer", [PARAM_NUMBER] = "number",
        [PARAM_BOOL] = "boolean",  [PARAM_TIME] = "string",
    };
    const struct dag_param *param = section->value;
    airflow_put(exporter, "        ");
    python_string(exporter->target, section->name);
    airflow_put(exporter, ": Param(");
    if (param->value != NULL && (param->type == PARAM_INT || param->type == PARAM_NUMBER)) {
        airflow_put(exporter, param->value);
        airflow_put(exporter, ", ");
    } else if (param->value != NULL && param->type == PARAM_BOOL) {
        airflow_put(exporter, strcmp(param->value, "true") == 0 ? "True, " : "False, ");
    } else if (param->value != NULL) {
        python_string(exporter->target, param->value);
        airflow_put(exporter, ", ");
    }
    buffer_printf(exporter->target, "type=\"%s\"", types[param->type]);
    if (param->choices.count > 0) {
        airflow_put(exporter, ", enum=[");
        for (size_t i = 0; i < param->choices.count; i++) {
            airflow_put(exporter, i == 0 ? "" : ", ");
            python_string(exporter->target, param->choices.items[i]);
        }
        airflow_put(exporter, "]");
    }
    if (param->help != NULL) {
        airflow_put(exporter, ", description=");
        python_string(exporter->target, param->help);
    }
    airflow_put(exporter, "),\n");
}

static void put_dag(struct exporter *exporter)
{
    const struct dag *dag = exporter->dag;
    const struct dag_settings *settings = dag->settings;
    airflow_put(exporter, "\n");
    put_differences(exporter);
    airflow_put(exporter, "with DAG(\n    ");
    python_string(exporter->target, dag->name);
    airflow_put(exporter, ",\n");
    put_schedule(exporter);
    buffer_printf(exporter->target, "    max_active_runs=%d,\n    max_active_tasks=%d,\n",
                  settings->overlap == OVERLAP_ALLOW ? (int) settings->runs_max : 1,
                  (int) settings->tasks_max);
    if (settings->timeout_us > 0) {
        airflow_put(exporter, "    dagrun_timeout=");
        python_duration(exporter->target, settings->timeout_us);
        airflow_put(exporter, ",\n");
    }
    if (settings->params.count > 0) {
        airflow_put(exporter, "    params={\n");
        for (size_t i = 0; i < settings->params.count; i++) {
            put_param(exporter, &settings->params.items[i]);
        }
        airflow_put(exporter, "    },\n");
    }
    airflow_put(exporter, "    user_defined_macros={\"at\": at},\n    tags=[\"leat\"],\n    "
                          "doc_md=__doc__,\n) as dag:\n");
}

static void put_dependencies(struct exporter *exporter)
{
    const struct dag *dag = exporter->dag;
    for (size_t i = 0; i < dag->task_count; i++) {
        const struct dag_task *task = &dag->tasks[i];
        for (size_t j = 0; j < task->after_count; j++) {
            airflow_put(exporter, j == 0 ? "    [" : ", ");
            airflow_put(exporter, python_name(&exporter->arena, dag->tasks[task->after[j]].name));
        }
        if (task->after_count > 0) {
            buffer_printf(exporter->target, "] >> %s\n", python_name(&exporter->arena, task->name));
        }
    }
}

static void put_about(struct exporter *exporter)
{
    const struct dag *dag = exporter->dag;
    const char *help = dag->settings->help == NULL ? "a DAG of leat" : dag->settings->help;
    airflow_put(exporter, "\"\"\"");
    airflow_put(exporter, dag->name);
    airflow_put(exporter, ": ");
    for (; *help != '\0'; help++) {
        airflow_put(exporter, *help == '"' || *help == '\\' ? "\\" : "");
        buffer_append_byte(exporter->target, (uint8_t) *help);
    }
    airflow_put(exporter,
                "\n\nWritten by `leat dag export`: change it in the pipeline file.\n\"\"\"\n\n");
}

static enum status export_all(struct exporter *exporter)
{
    const struct dag *dag = exporter->dag;
    for (size_t i = 0; i < dag->task_count; i++) {
        TRY(check_task(exporter, &dag->tasks[i]));
    }
    put_about(exporter);
    put_imports(exporter);
    put_functions(exporter);
    TRY(put_environment(exporter));
    put_dag(exporter);
    for (size_t i = 0; i < dag->task_count; i++) {
        TRY(airflow_put_task(exporter, &dag->tasks[i]));
    }
    put_dependencies(exporter);
    return STATUS_OK;
}

enum status airflow_export(const struct dag *dag,
                           const struct airflow_options *options,
                           struct buffer *target,
                           struct error *error)
{
    struct exporter exporter = {
        .dag = dag,
        .options = options,
        .target = target,
        .error = error,
    };
    arena_init(&exporter.arena, 0);
    enum status status = export_all(&exporter);
    arena_deinit(&exporter.arena);
    return status;
}
