/* `leat dag export`: a DAG as a file for another orchestrator. */

#include "cli/dag_session.h"
#include "orchestrate/airflow.h"

#include <stdio.h>

struct export_options {
    struct dag_options dag;
    bool airflow;
};

static enum status export_dag(struct dag_session *session, const char *name)
{
    struct dag_record record;
    TRY(dag_session_find(session, name, &record));
    TRY(dag_session_load(session, &record, &session->error));
    const struct dag *dag = dag_session_dag(session, record.name);
    if (dag == NULL) {
        return error_set(&session->error, STATUS_NOT_FOUND, "the file has no DAG \"%s\" any more",
                         name);
    }
    const struct airflow_options options = {
        .profile = session->options->profile,
        .data = session->options->data == NULL
                    ? NULL
                    : dags_absolute(session->options->data, &session->arena),
    };
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    TRY(airflow_export(dag, &options, &text, &session->error));
    (void) fputs(buffer_string(&text), stdout);
    return STATUS_OK;
}

static int export_main(void *opaque, char **arguments, int count)
{
    (void) count;
    const struct export_options *options = opaque;
    struct dag_session session;
    dag_session_open(&session, &options->dag, false);
    if (session.status == STATUS_OK && !options->airflow) {
        session.status = error_set(&session.error, STATUS_USAGE, "for whom? write --airflow");
    }
    if (session.status == STATUS_OK) {
        session.status = export_dag(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

static const struct option export_flags[] = {
    DAG_FILE_OPTIONS,
    OPTION(dag_options,
           data,
           "--data",
           'd',
           OPTION_STRING,
           "DIR",
           "of the tasks that ingest [leat's own default]"),
    OPTION(export_options, airflow, "--airflow", 0, OPTION_FLAG, NULL, "a file for Apache Airflow"),
};

static const struct export_options export_defaults;

const struct command command_dag_export = {
    .name = "dag export",
    .summary = "write a DAG as a file for Apache Airflow",
    .usage = "DAG",
    .help = "The file runs on Airflow 2.10 to 3.x with the same schedule, intervals,\n"
            "dependencies, retries and trigger rules; tasks that ingest want the provider\n"
            "package airflow-provider-leat.\n\n"
            "examples:\n"
            "  leat dag export report --file pipeline.yaml --airflow > dags/report.py",
    .options = export_flags,
    .option_count = ARRAY_SIZE(export_flags),
    .options_bytes = sizeof(struct export_options),
    .defaults = &export_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = export_main,
};
