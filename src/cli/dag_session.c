#include "cli/dag_session.h"

#include "app/data_dir.h"
#include "base/time_text.h"
#include "io/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define POLL_US INT64_C(50000)

const struct dag_options dag_defaults = {.parallel = 1, .limit = 20};

static volatile sig_atomic_t interrupts;

static void on_signal(int number)
{
    (void) number;
    interrupts = interrupts + 1;
}

/* ---- open and close ----------------------------------------------------------------------------
 */

void dag_session_open(struct dag_session *session, const struct dag_options *options, bool change)
{
    *session = (struct dag_session){.options = options};
    arena_init(&session->arena, 0);
    session->set.arena = &session->arena;
    session->data = data_dir_path(options->data);
    char path[1200];
    struct stat about;
    bool there = stat(data_dir_file(session->data, "dags/runs.db", path), &about) == 0;
    if (there || change) {
        session->status = run_store_open(session->data, !change, &session->store, &session->error);
        session->data = dags_absolute(session->data, &session->arena);
    }
}

int dag_session_end(struct dag_session *session)
{
    run_store_close(session->store);
    (void) fflush(stdout);
    int code = session->status == STATUS_OK        ? 0
               : session->error.message[0] == '\0' ? status_exit_code(session->status)
                                                   : command_fail(&session->error);
    arena_deinit(&session->arena);
    return code;
}

/* ---- files -------------------------------------------------------------------------------------
 */

enum status
dag_session_load(struct dag_session *session, const struct dag_record *record, struct error *error)
{
    const struct dag_options *options = session->options;
    const char *file = options->file != NULL ? options->file : record == NULL ? NULL : record->file;
    const char *profile =
        options->profile != NULL || record == NULL ? options->profile : record->profile;
    const struct pipeline_options settings = {.profile = profile, .secrets_dir = options->secrets};
    struct pipeline *pipeline;
    if (session->set.count > 0) {
        return STATUS_OK;
    }
    if (file == NULL) {
        return error_set(error, STATUS_USAGE,
                         "no pipeline file is known here; name it: --file FILE");
    }
    TRY(pipeline_load(file, &settings, &session->arena, &pipeline, error));
    return dag_set_add(&session->set, pipeline, error);
}

const struct dag *dag_session_dag(const struct dag_session *session, const char *name)
{
    for (size_t i = 0; i < session->set.count; i++) {
        if (strcmp(session->set.dags[i]->name, name) == 0 ||
            strcmp(session->set.dags[i]->short_name, name) == 0) {
            return session->set.dags[i];
        }
    }
    return NULL;
}

static void
record_of(struct dag_session *session, const struct dag *dag, struct dag_record *ret_record)
{
    CLEANUP(buffer_deinit) struct buffer spec = BUFFER_INIT;
    scheduler_write_spec(dag, &spec);
    *ret_record = (struct dag_record){
        .name = dag->name,
        .file = dag->file,
        .profile = session->options->profile,
        .schedule = dag->settings->schedule,
        .help = dag->settings->help,
        .spec = arena_string(&session->arena, buffer_slice(&spec)),
        .last_us = INT64_MIN,
        .next_us = INT64_MAX,
    };
}

enum status
dag_session_find(struct dag_session *session, const char *name, struct dag_record *ret_record)
{
    struct error *error = &session->error;
    enum status status = STATUS_NOT_FOUND;
    if (session->store != NULL) {
        status = run_store_find_dag(session->store, name, &session->arena, ret_record, error);
    } else {
        (void) error_set(error, status, "there is no DAG \"%s\": nothing ran on \"%s\" yet", name,
                         session->data);
        error_hint(error, "name the pipeline file: --file FILE");
    }
    if (session->options->file == NULL || (status != STATUS_OK && status != STATUS_NOT_FOUND)) {
        return session->status = status;
    }
    TRY(session->status = dag_session_load(session, NULL, error));
    const struct dag *dag = dag_session_dag(session, name);
    if (dag == NULL) {
        return session->status = error_set(error, STATUS_NOT_FOUND, "%s has no DAG \"%s\"",
                                           session->options->file, name);
    }
    if (status != STATUS_OK || strcmp(ret_record->name, dag->name) != 0) {
        record_of(session, dag, ret_record);
    }
    error_clear(error);
    return session->status = STATUS_OK;
}

/* ---- parameters --------------------------------------------------------------------------------
 */

static const struct dag_param *find_param(const struct dag *dag, const char *name, size_t length)
{
    for (size_t i = 0; i < dag->settings->params.count; i++) {
        const struct setting_section *section = &dag->settings->params.items[i];
        if (strlen(section->name) == length && strncmp(section->name, name, length) == 0) {
            return section->value;
        }
    }
    return NULL;
}

static enum status
check_missing(const struct dag *dag, const struct option_strings *given, struct error *error)
{
    for (size_t i = 0; i < dag->settings->params.count; i++) {
        const struct setting_section *section = &dag->settings->params.items[i];
        const struct dag_param *param = section->value;
        bool there = param->value != NULL;
        size_t length = strlen(section->name);
        for (size_t j = 0; j < given->count && !there; j++) {
            there = strncmp(given->items[j], section->name, length) == 0 &&
                    given->items[j][length] == '=';
        }
        if (!there) {
            return error_set(error, STATUS_USAGE,
                             "parameter \"%s\" has no default; give it: --param %s=VALUE",
                             section->name, section->name);
        }
    }
    return STATUS_OK;
}

enum status dag_session_params(struct dag_session *session,
                               const struct dag *dag,
                               const char **ret_json,
                               struct error *error)
{
    const struct option_strings *given = &session->options->params;
    CLEANUP(buffer_deinit) struct buffer json = BUFFER_INIT;
    *ret_json = NULL;
    TRY(check_missing(dag, given, error));
    for (size_t i = 0; i < given->count; i++) {
        size_t length = strcspn(given->items[i], "=");
        const struct dag_param *param = find_param(dag, given->items[i], length);
        if (given->items[i][length] != '=' || param == NULL) {
            return error_set(error, STATUS_USAGE, "--param %s: %s", given->items[i],
                             param == NULL ? "the DAG has no such parameter"
                                           : "write it as NAME=VALUE");
        }
        const char *name = arena_printf(&session->arena, "%.*s", (int) length, given->items[i]);
        if (dag_param_check(name, param, given->items[i] + length + 1, error) != STATUS_OK) {
            return error->status = STATUS_USAGE;
        }
        buffer_append_string(&json, i == 0 ? "{" : ",");
        buffer_append_json(&json, slice_of_string(name));
        buffer_append_byte(&json, ':');
        buffer_append_json(&json, slice_of_string(given->items[i] + length + 1));
    }
    if (given->count > 0) {
        buffer_append_byte(&json, '}');
        *ret_json = arena_string(&session->arena, buffer_slice(&json));
    }
    return STATUS_OK;
}

/* ---- driving -----------------------------------------------------------------------------------
 */

struct drive {
    struct dag_session *session;
    const int64_t *ids;
    size_t count;
    struct scheduler_options options;
    struct scheduler *scheduler; /* ours, if nobody else schedules */
    char *told;                  /* last line that was told, for each run */
    bool cancelled;
};

/* Tells of tasks whose state changed since the last look. */
static enum status tell(
    struct drive *drive, int64_t id, struct arena *arena, char (*states)[1000], struct error *error)
{
    struct run_task *tasks;
    size_t count;
    TRY(run_store_tasks(drive->session->store, id, arena, &tasks, &count, error));
    for (size_t i = 0; i < count && i < 1000; i++) {
        char state = (char) (tasks[i].state + 1);
        bool worth = tasks[i].state >= STATE_RUNNING;
        if ((*states)[i] != state && worth && !drive->session->options->quiet) {
            (void) fprintf(stderr, "run %" PRId64 ": %s %s%s%s\n", id, tasks[i].name,
                           task_state_names[tasks[i].state], tasks[i].message == NULL ? "" : ": ",
                           tasks[i].message == NULL ? "" : tasks[i].message);
        }
        (*states)[i] = state;
    }
    return STATUS_OK;
}

/* One look: *ret_left is how many have not ended. */
static enum status
look(struct drive *drive, char (*states)[1000], size_t *ret_left, struct error *error)
{
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = STATUS_OK;
    *ret_left = 0;
    for (size_t i = 0; i < drive->count && status == STATUS_OK; i++) {
        struct dag_run run;
        status = run_store_run(drive->session->store, drive->ids[i], &arena, &run, error);
        if (status == STATUS_OK && run.state != RUN_QUEUED) {
            status = tell(drive, run.id, &arena, &states[i], error);
        }
        *ret_left += status == STATUS_OK && !run_state_is_end(run.state);
    }
    arena_deinit(&arena);
    return status;
}

static enum status cancel_all(struct drive *drive, struct error *error)
{
    if (interrupts == 0 || drive->cancelled) {
        return STATUS_OK;
    }
    drive->cancelled = true;
    for (size_t i = 0; i < drive->count; i++) {
        TRY(run_store_cancel(drive->session->store, drive->ids[i], error));
    }
    return STATUS_OK;
}

/* Becomes the scheduler if nobody is. */
static enum status advance(struct drive *drive, int64_t *ret_wait_us, struct error *error)
{
    *ret_wait_us = POLL_US;
    if (drive->scheduler == NULL) {
        enum status status = scheduler_open(&drive->options, &drive->scheduler, error);
        if (status == STATUS_AGAIN) {
            error_clear(error);
            return STATUS_OK;
        }
        TRY(status);
    }
    TRY(scheduler_tick(drive->scheduler, ret_wait_us, error));
    *ret_wait_us = *ret_wait_us < POLL_US ? *ret_wait_us : POLL_US;
    return STATUS_OK;
}

static enum status wait_for_all(struct drive *drive, struct error *error)
{
    char(*states)[1000] =
        arena_zalloc(&drive->session->arena, (drive->count + 1) * sizeof(*states));
    for (size_t left = 1; left > 0;) {
        int64_t wait;
        TRY(cancel_all(drive, error));
        TRY(advance(drive, &wait, error));
        TRY(look(drive, states, &left, error));
        if (interrupts > 1) {
            return error_set(error, STATUS_CANCELLED,
                             "left before the run had ended; it is being cancelled");
        }
        if (left > 0) {
            clock_sleep_us(wait);
        }
    }
    return STATUS_OK;
}

static enum status print_ends(struct drive *drive, struct error *error)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < drive->count; i++) {
        struct dag_run run;
        char from[TIME_TEXT_BYTES];
        TRY(run_store_run(drive->session->store, drive->ids[i], &drive->session->arena, &run,
                          error));
        (void) time_format(run.start_us, from);
        if (drive->session->options->json) {
            (void) printf("{\"run\":%" PRId64
                          ",\"dag\":\"%s\",\"state\":\"%s\",\"interval_start\":\"%s\"}\n",
                          run.id, run.dag, run_state_names[run.state], from);
        } else {
            (void) printf("run %" PRId64 " of %s: %s\n", run.id, run.dag,
                          run_state_names[run.state]);
        }
        status = run.state == RUN_SUCCESS ? status : STATUS_FAILED;
    }
    return status; /* it has been said which */
}

enum status dag_session_drive(struct dag_session *session,
                              const int64_t *ids,
                              size_t count,
                              struct error *error)
{
    struct drive drive = {.session = session, .ids = ids, .count = count};
    drive.options = (struct scheduler_options){
        .place = {.leat = dags_program(&session->arena),
                  .data = dags_absolute(session->data, &session->arena),
                  .profile = session->options->profile,
                  .secrets = session->options->secrets == NULL
                                 ? NULL
                                 : dags_absolute(session->options->secrets, &session->arena)},
        .dags = session->set.dags,
        .dag_count = session->set.count,
        .pools = session->set.pools,
        .pool_count = session->set.pool_count,
        .by_hand = true,
    };
    const struct sigaction action = {.sa_handler = on_signal};
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    enum status status = wait_for_all(&drive, error);
    scheduler_close(drive.scheduler);
    return status == STATUS_OK ? print_ends(&drive, error) : status;
}
