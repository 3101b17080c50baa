#include "cli/command.h"

extern const struct command command_api;
extern const struct command command_query;
extern const struct command command_up;
extern const struct command command_run;

const struct command *const commands[] = {
    &command_up,
    &command_run,
    &command_query,
    &command_api,
};

const size_t command_count = ARRAY_SIZE(commands);
