#include "cli/command.h"
#include "orchestrate/task_keeper.h"
#include "orchestrate/try.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], KEEPER_COMMAND) == 0) { /* no command for people */
        return task_keeper_main(argv[2]);
    }
    return command_main(argc, argv);
}
