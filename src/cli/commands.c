#include "cli/command.h"

extern const struct command command_api;
extern const struct command command_up;
extern const struct command command_run;

const struct command *const commands[] = {
    &command_api,
    &command_up,
    &command_run,
};

const size_t command_count = ARRAY_SIZE(commands);
