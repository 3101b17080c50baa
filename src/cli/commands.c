#include "cli/command.h"

extern const struct command command_api;
extern const struct command command_audit;
extern const struct command command_check;
extern const struct command command_group_delete;
extern const struct command command_group_list;
extern const struct command command_group_reset;
extern const struct command command_group_show;
extern const struct command command_health;
extern const struct command command_ingest;
extern const struct command command_query;
extern const struct command command_reference;
extern const struct command command_run;
extern const struct command command_topic_create;
extern const struct command command_topic_delete;
extern const struct command command_topic_list;
extern const struct command command_topic_show;
extern const struct command command_up;

/* In the order of names: one line each, so that two new commands do not collide. */
const struct command *const commands[] = {
    &command_api,          &command_audit,        &command_check,      &command_group_delete,
    &command_group_list,   &command_group_reset,  &command_group_show, &command_health,
    &command_ingest,       &command_query,        &command_reference,  &command_run,
    &command_topic_create, &command_topic_delete, &command_topic_list, &command_topic_show,
    &command_up,
};

const size_t command_count = ARRAY_SIZE(commands);
