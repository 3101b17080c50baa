/* `leat dag pause`, `resume` and `cancel`: wishes, which the scheduler sees. */

#include "cli/dag_session.h"
#include "io/lock.h"

#include <inttypes.h>
#include <stdlib.h>

static int set_paused(const struct dag_options *options, const char *name, bool paused)
{
    struct dag_session session;
    struct dag_record record;
    dag_session_open(&session, options, true);
    if (session.status == STATUS_OK && dag_session_find(&session, name, &record) == STATUS_OK) {
        session.status = run_store_put_dag(session.store, &record, &session.error);
    }
    if (session.status == STATUS_OK) {
        session.status = run_store_pause(session.store, record.name, paused, &session.error);
    }
    if (session.status == STATUS_OK) {
        (void) printf("%s %s\n", record.name, paused ? "is paused" : "runs on its schedule");
    }
    return dag_session_end(&session);
}

static int pause_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return set_paused(opaque, arguments[0], true);
}

static int resume_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return set_paused(opaque, arguments[0], false);
}

static enum status cancel(struct dag_session *session, const char *text)
{
    struct dag_run run;
    char *end;
    char path[1400];
    int64_t id = strtoll(text, &end, 10);
    if (*end != '\0' || id < 1) {
        return error_set(&session->error, STATUS_USAGE, "\"%s\" is no number of a run", text);
    }
    TRY(run_store_run(session->store, id, &session->arena, &run, &session->error));
    if (run_state_is_end(run.state)) {
        return error_set(&session->error, STATUS_CONFLICT, "run %" PRId64 " has ended: %s", id,
                         run_state_names[run.state]);
    }
    TRY(run_store_cancel(session->store, id, &session->error));
    (void) snprintf(path, sizeof(path), "%s/dags/lock", session->data);
    if (file_lock_is_held(path)) {
        (void) printf("run %" PRId64 " is being cancelled\n", id);
        return STATUS_OK;
    }
    /* Nobody schedules: this process ends it. */
    return dag_session_drive(session, &id, 1, &session->error) == STATUS_FAILED
               ? STATUS_OK
               : session->error.status;
}

static int cancel_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct dag_session session;
    dag_session_open(&session, opaque, true);
    if (session.status == STATUS_OK) {
        session.status = cancel(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

static const struct option change_options[] = {
    DAG_DATA_OPTION,
    DAG_FILE_OPTIONS,
};

static const struct option cancel_options[] = {DAG_DATA_OPTION};

const struct command command_dag_pause = {
    .name = "dag pause",
    .summary = "make no more runs of a DAG's schedule",
    .usage = "DAG",
    .help = "Runs under way go on, and `leat dag run` still works. It stays so over restarts.\n\n"
            "examples:\n"
            "  leat dag pause user_automation",
    .options = change_options,
    .option_count = ARRAY_SIZE(change_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = pause_main,
};

const struct command command_dag_resume = {
    .name = "dag resume",
    .summary = "follow a DAG's schedule again",
    .usage = "DAG",
    .help = "What was missed meanwhile is made up for as the DAG's `catch_up` says.\n\n"
            "examples:\n"
            "  leat dag resume user_automation",
    .options = change_options,
    .option_count = ARRAY_SIZE(change_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = resume_main,
};

const struct command command_dag_cancel = {
    .name = "dag cancel",
    .summary = "end a run that is under way",
    .usage = "RUN",
    .help =
        "Its tasks are told to end (SIGTERM, after 5 s SIGKILL), those that wait do not begin.\n"
        "`leat dag retry RUN` goes on where it was.\n\n"
        "examples:\n"
        "  leat dag cancel 12",
    .options = cancel_options,
    .option_count = ARRAY_SIZE(cancel_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = cancel_main,
};
