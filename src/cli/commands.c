#include "cli/command.h"

extern const struct command command_alert_list;
extern const struct command command_alert_silence;
extern const struct command command_alert_test;
extern const struct command command_api;
extern const struct command command_audit;
extern const struct command command_check;
extern const struct command command_cluster_status;
extern const struct command command_consume;
extern const struct command command_dag_backfill;
extern const struct command command_dag_cancel;
extern const struct command command_dag_dry;
extern const struct command command_dag_export;
extern const struct command command_dag_list;
extern const struct command command_dag_logs;
extern const struct command command_dag_next;
extern const struct command command_dag_pause;
extern const struct command command_dag_resume;
extern const struct command command_dag_retry;
extern const struct command command_dag_run;
extern const struct command command_dag_runs;
extern const struct command command_dag_show;
extern const struct command command_dead_list;
extern const struct command command_dead_retry;
extern const struct command command_dead_show;
extern const struct command command_doctor;
extern const struct command command_group_delete;
extern const struct command command_group_list;
extern const struct command command_group_reset;
extern const struct command command_group_show;
extern const struct command command_health;
extern const struct command command_ingest;
extern const struct command command_produce;
extern const struct command command_query;
extern const struct command command_reference;
extern const struct command command_run;
extern const struct command command_schema_check;
extern const struct command command_schema_level;
extern const struct command command_schema_list;
extern const struct command command_schema_register;
extern const struct command command_schema_show;
extern const struct command command_test;
extern const struct command command_token_add;
extern const struct command command_top;
extern const struct command command_topic_create;
extern const struct command command_topic_delete;
extern const struct command command_topic_list;
extern const struct command command_topic_show;
extern const struct command command_up;
extern const struct command command_user_add;
extern const struct command command_user_list;
extern const struct command command_user_remove;

/* In the order of names: one line each, so that two new commands do not collide. */
// clang-format off
const struct command *const commands[] = {
    &command_alert_list,
    &command_alert_silence,
    &command_alert_test,
    &command_api,
    &command_audit,
    &command_check,
    &command_cluster_status,
    &command_consume,
    &command_dag_backfill,
    &command_dag_cancel,
    &command_dag_dry,
    &command_dag_export,
    &command_dag_list,
    &command_dag_logs,
    &command_dag_next,
    &command_dag_pause,
    &command_dag_resume,
    &command_dag_retry,
    &command_dag_run,
    &command_dag_runs,
    &command_dag_show,
    &command_dead_list,
    &command_dead_retry,
    &command_dead_show,
    &command_doctor,
    &command_group_delete,
    &command_group_list,
    &command_group_reset,
    &command_group_show,
    &command_health,
    &command_ingest,
    &command_produce,
    &command_query,
    &command_reference,
    &command_run,
    &command_schema_check,
    &command_schema_level,
    &command_schema_list,
    &command_schema_register,
    &command_schema_show,
    &command_test,
    &command_token_add,
    &command_top,
    &command_topic_create,
    &command_topic_delete,
    &command_topic_list,
    &command_topic_show,
    &command_up,
    &command_user_add,
    &command_user_list,
    &command_user_remove,
};
// clang-format on

const size_t command_count = ARRAY_SIZE(commands);
