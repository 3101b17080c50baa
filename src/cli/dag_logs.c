/* `leat dag logs`: what tasks wrote. */

#include "cli/dag_session.h"
#include "io/clock.h"
#include "io/file.h"
#include "orchestrate/try.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE   65536
#define POLL_US INT64_C(100000)

/* Prints what is there from `offset` on. */
static enum status print_from(const char *path, uint64_t *offset, struct error *error)
{
    static char piece[PIECE];
    int fd;
    size_t got = 1;
    if (access(path, F_OK) != 0) {
        return STATUS_OK;
    }
    TRY(file_open(path, O_RDONLY, 0, &fd, error));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && got > 0) {
        status = file_read_at(fd, piece, sizeof(piece), *offset, &got, error);
        if (status == STATUS_OK) {
            (void) fwrite(piece, 1, got, stdout);
            *offset += got;
        }
    }
    (void) fflush(stdout);
    file_close(fd);
    return status;
}

/* A try that runs is followed to its end. */
static enum status
print_try(struct dag_session *session, int64_t run, const char *task, int64_t number)
{
    uint64_t offset = 0;
    const char *folder = try_folder(session->data, run, task, number, &session->arena);
    const char *path = arena_printf(&session->arena, "%s/log", folder);
    for (;;) {
        enum try_stage stage = TRY_ENDED;
        struct try_result result;
        struct error ignored;
        if (session->options->follow) {
            (void) !try_look(folder, &session->arena, &stage, &result, &ignored);
        }
        TRY(print_from(path, &offset, &session->error));
        if (stage != TRY_RUNNING) {
            return STATUS_OK;
        }
        clock_sleep_us(POLL_US);
    }
}

static enum status print_logs(struct dag_session *session, int64_t id, const char *name)
{
    const struct dag_options *options = session->options;
    struct run_task *tasks;
    struct dag_run run;
    size_t count;
    bool found = false;
    TRY(run_store_run(session->store, id, &session->arena, &run, &session->error));
    TRY(run_store_tasks(session->store, id, &session->arena, &tasks, &count, &session->error));
    for (size_t i = 0; i < count; i++) {
        if (name != NULL && strcmp(tasks[i].name, name) != 0) {
            continue;
        }
        found = true;
        int64_t number = options->number > 0 ? options->number : tasks[i].tries;
        if (number > 0) {
            if (name == NULL) {
                (void) printf("==> %s, try %" PRId64 ": %s <==\n", tasks[i].name, number,
                              task_state_names[tasks[i].state]);
            }
            TRY(print_try(session, id, tasks[i].name, number));
        }
    }
    return found || name == NULL ? STATUS_OK
                                 : error_set(&session->error, STATUS_NOT_FOUND,
                                             "run %" PRId64 " has no task \"%s\"", id, name);
}

static int logs_main(void *opaque, char **arguments, int count)
{
    struct dag_session session;
    char *end;
    int64_t id = strtoll(arguments[0], &end, 10);
    dag_session_open(&session, opaque, false);
    if (session.status == STATUS_OK && (*end != '\0' || session.store == NULL)) {
        session.status =
            error_set(&session.error, STATUS_USAGE, "there is no run \"%s\"", arguments[0]);
    }
    if (session.status == STATUS_OK) {
        session.status = print_logs(&session, id, count > 1 ? arguments[1] : NULL);
    }
    return dag_session_end(&session);
}

static const struct option logs_options[] = {
    DAG_DATA_OPTION,
    OPTION(dag_options, number, "--try", 0, OPTION_INT, "N", "that try [the last]"),
    OPTION(
        dag_options, follow, "--follow", 'F', OPTION_FLAG, NULL, "go on until the try has ended"),
};

const struct command command_dag_logs = {
    .name = "dag logs",
    .summary = "print what the tasks of a run wrote",
    .usage = "RUN [TASK]",
    .help = "examples:\n"
            "  leat dag logs 12\n"
            "  leat dag logs 12 load --try 1\n"
            "  leat dag logs 12 load --follow",
    .options = logs_options,
    .option_count = ARRAY_SIZE(logs_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = logs_main,
};
