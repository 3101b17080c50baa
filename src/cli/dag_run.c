/* `leat dag run`, `retry` and `backfill`: runs by hand. */

#include "base/time_text.h"
#include "cli/dag_session.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BACKFILL_MAX 10000

/* Waits for the runs, or only says which they are. */
static void finish(struct dag_session *session, const int64_t *ids, size_t count)
{
    if (!session->options->no_wait) {
        session->status = dag_session_drive(session, ids, count, &session->error);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        (void) printf(session->options->json ? "{\"run\":%" PRId64 "}\n" : "run %" PRId64 "\n",
                      ids[i]);
    }
}

static enum status read_interval(const struct dag_options *options,
                                 struct dag_interval *ret_interval,
                                 struct error *error)
{
    if ((options->from == NULL) != (options->to == NULL)) {
        return error_set(error, STATUS_USAGE, "an interval needs both --from and --to");
    }
    if (options->from == NULL) {
        return STATUS_OK;
    }
    if (time_parse(slice_of_string(options->from), &ret_interval->start_us, error) != STATUS_OK ||
        time_parse(slice_of_string(options->to), &ret_interval->end_us, error) != STATUS_OK) {
        return error->status = STATUS_USAGE;
    }
    return ret_interval->start_us < ret_interval->end_us
               ? STATUS_OK
               : error_set(error, STATUS_USAGE, "the interval ends before it begins");
}

/* A DAG of the file, written down so that everybody finds it. */
static enum status take_dag(struct dag_session *session,
                            const char *name,
                            struct dag_record *record,
                            const struct dag **ret_dag)
{
    TRY(dag_session_find(session, name, record));
    TRY(dag_session_load(session, record, &session->error));
    *ret_dag = dag_session_dag(session, record->name);
    if (*ret_dag == NULL) {
        return error_set(&session->error, STATUS_NOT_FOUND,
                         "the file \"%s\" has no DAG \"%s\" any more", record->file, record->name);
    }
    return STATUS_OK;
}

static enum status run(struct dag_session *session, const char *name)
{
    struct dag_record record;
    const struct dag *dag;
    const char *params;
    struct dag_interval interval = {0, 0};
    int64_t id;
    struct error *error = &session->error;
    TRY(take_dag(session, name, &record, &dag));
    TRY(dag_session_params(session, dag, &params, error));
    TRY(read_interval(session->options, &interval, error));
    bool given =
        session->options->from != NULL || dag_due_newest(&dag->due, clock_now_us(), &interval);
    TRY(scheduler_add_manual(session->store, &record, given ? &interval : NULL, params,
                             session->options->key, &id, error));
    finish(session, &id, 1);
    return session->status;
}

static int run_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct dag_session session;
    dag_session_open(&session, opaque, true);
    if (session.status == STATUS_OK) {
        session.status = run(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

/* ---- retry ----------------------------------------------------------------------------------- */

static enum status retry(struct dag_session *session, const char *text)
{
    struct dag_run found;
    struct dag_record record;
    const struct dag *dag;
    char *end;
    int64_t id = strtoll(text, &end, 10);
    if (*end != '\0' || id < 1) {
        return error_set(&session->error, STATUS_USAGE, "\"%s\" is no number of a run", text);
    }
    TRY(run_store_run(session->store, id, &session->arena, &found, &session->error));
    if (!session->options->no_wait) {
        TRY(take_dag(session, found.dag, &record, &dag));
    }
    TRY(run_store_retry(session->store, id, session->options->task, &session->error));
    finish(session, &id, 1);
    return session->status;
}

static int retry_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct dag_session session;
    dag_session_open(&session, opaque, true);
    if (session.status == STATUS_OK) {
        session.status = retry(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

/* ---- backfill -------------------------------------------------------------------------------- */

struct fill {
    struct dag_session *session;
    const struct dag *dag;
    int64_t *ids;
    size_t count;
};

static const char *
interval_key(const struct fill *fill, const struct dag_interval *interval, const char *kind)
{
    char time[TIME_TEXT_BYTES];
    (void) time_format(interval->start_us, time);
    return arena_printf(&fill->session->arena, "%s__%s", kind, time);
}

/* True if a run of the schedule or of an earlier backfill has covered the interval. */
static enum status is_done(const struct fill *fill,
                           const struct dag_interval *interval,
                           bool *ret_done,
                           struct error *error)
{
    const struct run_filter filter = {.dag = fill->dag->name, .state = "success"};
    struct dag_run *runs;
    size_t count;
    *ret_done = false;
    TRY(run_store_runs(fill->session->store, &filter, &fill->session->arena, &runs, &count, error));
    for (size_t i = 0; i < count; i++) {
        *ret_done = *ret_done ||
                    (runs[i].start_us == interval->start_us && runs[i].end_us == interval->end_us);
    }
    return STATUS_OK;
}

static void say(const struct fill *fill, const struct dag_interval *interval, const char *what)
{
    char from[TIME_TEXT_BYTES];
    char to[TIME_TEXT_BYTES];
    (void) time_format(interval->start_us, from);
    (void) time_format(interval->end_us, to);
    if (fill->session->options->json) {
        (void) printf("{\"interval_start\":\"%s\",\"interval_end\":\"%s\",\"action\":\"%s\"}\n",
                      from, to, what);
    } else {
        (void) printf("%s to %s: %s\n", from, to, what);
    }
}

static enum status fill_interval(struct fill *fill,
                                 const struct dag_interval *interval,
                                 const char *params,
                                 struct error *error)
{
    const struct dag_options *options = fill->session->options;
    bool done;
    bool added;
    TRY(is_done(fill, interval, &done, error));
    if (done && !options->rerun) {
        if (options->dry_run) {
            say(fill, interval, "done already");
        }
        return STATUS_OK;
    }
    if (options->dry_run) {
        say(fill, interval, "would run");
        return STATUS_OK;
    }
    char again[16] = "";
    if (options->rerun) {
        (void) snprintf(again, sizeof(again), "_%08" PRIx32, (uint32_t) random_u64());
    }
    const struct dag_run run = {
        .dag = fill->dag->name,
        .key = arena_printf(&fill->session->arena, "%s%s", interval_key(fill, interval, "backfill"),
                            again),
        .kind = "backfill",
        .state = RUN_QUEUED,
        .start_us = interval->start_us,
        .end_us = interval->end_us,
        .created_us = clock_now_us(),
        .params = params,
        .parallel = options->parallel,
    };
    return run_store_add(fill->session->store, &run, &fill->ids[fill->count++], &added, error);
}

static enum status backfill(struct dag_session *session, const char *name)
{
    struct dag_record record;
    struct dag_interval range = {0, 0};
    struct dag_interval interval;
    const char *params;
    struct error *error = &session->error;
    struct fill fill = {.session = session};
    TRY(take_dag(session, name, &record, &fill.dag));
    TRY(dag_session_params(session, fill.dag, &params, error));
    TRY(read_interval(session->options, &range, error));
    if (session->options->from == NULL || !fill.dag->due.scheduled) {
        return error_set(error, STATUS_USAGE,
                         fill.dag->due.scheduled
                             ? "say what to fill: --from TIME --to TIME"
                             : "DAG \"%s\" has no schedule, so there is nothing to fill",
                         name);
    }
    fill.ids = ARENA_ARRAY(&session->arena, int64_t, BACKFILL_MAX);
    TRY(run_store_begin(session->store, error));
    enum status status = STATUS_OK;
    bool there = dag_due_from(&fill.dag->due, range.start_us, &interval);
    while (status == STATUS_OK && there && interval.end_us <= range.end_us) {
        status = fill.count == BACKFILL_MAX
                     ? error_set(error, STATUS_LIMIT, "more than %d runs at once", BACKFILL_MAX)
                     : fill_interval(&fill, &interval, params, error);
        there = dag_due_from(&fill.dag->due, interval.end_us, &interval);
    }
    status = status == STATUS_OK ? run_store_commit(session->store, error) : status;
    if (status != STATUS_OK) {
        run_store_rollback(session->store);
        return status;
    }
    if (fill.count > 0) {
        finish(session, fill.ids, fill.count);
    }
    return session->status;
}

static int backfill_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct dag_session session;
    dag_session_open(&session, opaque, true);
    if (session.status == STATUS_OK) {
        session.status = backfill(&session, arguments[0]);
    }
    return dag_session_end(&session);
}

/* ---- the commands ---------------------------------------------------------------------------- */

#define WAIT_OPTION                                                                                \
    OPTION(dag_options, no_wait, "--no-wait", 0, OPTION_FLAG, NULL, "only ask for it")
#define QUIET_OPTION                                                                               \
    OPTION(dag_options, quiet, "--quiet", 'q', OPTION_FLAG, NULL, "do not tell of tasks")
#define PARAM_OPTION                                                                               \
    OPTION(dag_options, params, "--param", 'p', OPTION_STRINGS, "NAME=VALUE",                      \
           "a parameter of the run")

static const struct option run_options[] = {
    DAG_DATA_OPTION,
    DAG_FILE_OPTIONS,
    PARAM_OPTION,
    OPTION(dag_options,
           from,
           "--from",
           0,
           OPTION_STRING,
           "TIME",
           "begin of the interval [the newest one that ended]"),
    OPTION(dag_options, to, "--to", 0, OPTION_STRING, "TIME", "its end, not included"),
    OPTION(
        dag_options, key, "--key", 0, OPTION_STRING, "NAME", "asked twice with it, it is one run"),
    WAIT_OPTION,
    QUIET_OPTION,
    DAG_JSON_OPTION,
};

const struct command command_dag_run = {
    .name = "dag run",
    .summary = "run a DAG now, and wait for its end",
    .usage = "DAG",
    .help = "If a leat schedules on the data directory, it does the work; otherwise this process "
            "does,\n"
            "and starts no broker. Ctrl-C cancels the run. Ends with 0 if the run succeeded, else "
            "1.\n\n"
            "examples:\n"
            "  leat dag run user_automation\n"
            "  leat dag run report --file pipeline.yaml --param day=2026-01-01",
    .options = run_options,
    .option_count = ARRAY_SIZE(run_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_main,
};

static const struct option retry_options[] = {
    DAG_DATA_OPTION,
    DAG_FILE_OPTIONS,
    OPTION(dag_options,
           task,
           "--task",
           0,
           OPTION_STRING,
           "NAME",
           "this one and what comes after it [those that failed]"),
    WAIT_OPTION,
    QUIET_OPTION,
    DAG_JSON_OPTION,
};

const struct command command_dag_retry = {
    .name = "dag retry",
    .summary = "run what failed of a run again",
    .usage = "RUN",
    .help = "Tasks that failed, and those after them, run again; what succeeded stays.\n\n"
            "examples:\n"
            "  leat dag retry 12\n"
            "  leat dag retry 12 --task load",
    .options = retry_options,
    .option_count = ARRAY_SIZE(retry_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = retry_main,
};

static const struct option backfill_options[] = {
    DAG_DATA_OPTION,
    DAG_FILE_OPTIONS,
    PARAM_OPTION,
    OPTION(dag_options, from, "--from", 0, OPTION_STRING, "TIME", "intervals from here on"),
    OPTION(dag_options, to, "--to", 0, OPTION_STRING, "TIME", "that end at the latest here"),
    OPTION(dag_options,
           parallel,
           "--parallel",
           0,
           OPTION_INT,
           "N",
           "so many runs at a time [1]; 0: all"),
    OPTION(dag_options, dry_run, "--dry-run", 0, OPTION_FLAG, NULL, "only show what would run"),
    OPTION(dag_options, rerun, "--rerun", 0, OPTION_FLAG, NULL, "also intervals that succeeded"),
    WAIT_OPTION,
    QUIET_OPTION,
    DAG_JSON_OPTION,
};

const struct command command_dag_backfill = {
    .name = "dag backfill",
    .summary = "run a DAG for the intervals of a range",
    .usage = "DAG",
    .help = "Intervals that succeeded before are left out. Asked twice, the same runs are waited "
            "for.\n\n"
            "examples:\n"
            "  leat dag backfill report --from 2026-01-01 --to 2026-02-01 --dry-run\n"
            "  leat dag backfill report --from 2026-01-01 --to 2026-02-01 --parallel 4",
    .options = backfill_options,
    .option_count = ARRAY_SIZE(backfill_options),
    .options_bytes = sizeof(struct dag_options),
    .defaults = &dag_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = backfill_main,
};
