#include "cli/command.h"

extern const struct command command_api;
extern const struct command command_audit;
extern const struct command command_check;
extern const struct command command_query;
extern const struct command command_reference;
extern const struct command command_run;
extern const struct command command_up;

const struct command *const commands[] = {
    &command_up,    &command_run, &command_check,     &command_query,
    &command_audit, &command_api, &command_reference,
};

const size_t command_count = ARRAY_SIZE(commands);
