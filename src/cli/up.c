/* `leat up` and `leat run`: everything in one process. */

#include "app/engine.h"
#include "app/pipeline.h"
#include "base/logline.h"
#include "base/time_text.h"
#include "cli/command.h"
#include "cli/ingest_beside.h"
#include "cli/progress_line.h"
#include "io/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

struct up_options {
    const char *data, *kafka, *http, *registry, *advertise, *profile, *flush, *secrets, *users,
        *log_format;
    struct option_strings set;
    const char *from, *to;
    int64_t limit, drain_timeout_us, give_up_us, from_us, to_us;
    const char *until;
    bool allow_open, rebuild, json, fail_on_dead, skip_if_empty, flush_windows, quiet, verbose;
};

static const struct up_options defaults = {
    .limit = -1,
    .drain_timeout_us = 8 * INT64_C(1000000),
    .give_up_us = 60 * INT64_C(1000000),
};

/* What all three commands take. */
#define UP_OPTIONS                                                                                 \
    OPTION(up_options, data, "--data", 0, OPTION_STRING, "DIR",                                    \
           "where leat stores everything [./.leat, or LEAT_DATA]"),                                \
        OPTION(up_options, limit, "--limit", 'n', OPTION_INT, "N",                                 \
               "accept N records, store them, end"),                                               \
        OPTION(up_options, profile, "--profile", 0, OPTION_STRING, "NAME",                         \
               "engines of that profile of the file"),                                             \
        OPTION(up_options, set, "--set", 0, OPTION_STRINGS, "KEY=VALUE",                           \
               "override a setting: random_users.schedule=@every 1m"),                             \
        OPTION(up_options, kafka, "--kafka", 0, OPTION_STRING, "HOST:PORT",                        \
               "where the log listens [127.0.0.1:9092]"),                                          \
        OPTION(up_options, advertise, "--kafka-advertise", 0, OPTION_STRING, "HOST:PORT",          \
               "what Kafka clients are told to connect to"),                                       \
        OPTION(up_options, http, "--http", 0, OPTION_STRING, "HOST:PORT",                          \
               "console, API and metrics [127.0.0.1:9021]"),                                       \
        OPTION(up_options, users, "--users", 0, OPTION_STRING, "FILE",                             \
               "who may use the console (leat user add); without it whoever reaches it"),          \
        OPTION(up_options, registry, "--registry", 0, OPTION_STRING, "HOST:PORT",                  \
               "schema registry [127.0.0.1:8081]"),                                                \
        OPTION(up_options, allow_open, "--allow-open", 0, OPTION_FLAG, NULL,                       \
               "listen off loopback without authentication; the file must say so too"),            \
        OPTION(up_options, flush, "--flush", 0, OPTION_STRING, "WHEN",                             \
               "the log syncs to disk: always, interval (1 s) or never [always]"),                 \
        OPTION(up_options, drain_timeout_us, "--drain-timeout", 0, OPTION_DURATION, "TIME",        \
               "how long a stop may take [8s]"),                                                   \
        OPTION(up_options, give_up_us, "--give-up", 0, OPTION_DURATION, "TIME",                    \
               "run: end after a source failed for so long [60s]"),                                \
        OPTION(up_options, flush_windows, "--flush-windows", 0, OPTION_FLAG, NULL,                 \
               "close all windows when drained"),                                                  \
        OPTION(up_options, rebuild, "--rebuild", 0, OPTION_FLAG, NULL,                             \
               "run queries that have changed over the whole topic again"),                        \
        OPTION(up_options, secrets, "--secrets", 0, OPTION_STRING, "DIR",                          \
               "folder with a file for each ${secret:NAME}"),                                      \
        OPTION(up_options, fail_on_dead, "--fail-on-dead", 0, OPTION_FLAG, NULL,                   \
               "exit with 1 if there are dead letters"),                                           \
        OPTION(up_options, skip_if_empty, "--skip-if-empty", 0, OPTION_FLAG, NULL,                 \
               "exit with 99 if nothing was accepted"),                                            \
        OPTION(up_options, json, "--json", 0, OPTION_FLAG, NULL, "the sum as a JSON object"),      \
        OPTION(up_options, log_format, "--log-format", 0, OPTION_STRING, "FORM",                   \
               "log lines as text or json [text]"),                                                \
        OPTION(up_options, quiet, "--quiet", 'q', OPTION_FLAG, NULL, "only errors and the sum"),   \
        OPTION(up_options, verbose, "--verbose", 'v', OPTION_FLAG, NULL, "more log lines")

static const struct option options[] = {UP_OPTIONS};

static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t last_signal;
static volatile bool interrupted; /* by a first signal: drain, but not for ever */
static volatile bool abandon;     /* by a second one: end now */

#define FOR_EVER_US (INT64_C(365) * 24 * 3600 * 1000000)

static void on_signal(int number)
{
    last_signal = number;
    signals_seen++;
    interrupted = true;
    abandon = signals_seen > 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    (void) signal(SIGPIPE, SIG_IGN);
}

static void print_sum(const struct engine_totals *totals, bool json)
{
    const struct {
        const char *name;
        int64_t value;
    } fields[] = {
        {"accepted", totals->accepted},      {"stored", totals->fate.stored},
        {"filtered", totals->fate.filtered}, {"late", totals->fate.late},
        {"dead", totals->fate.dead},         {"unchanged", totals->source.unchanged},
        {"refused", totals->source.dead},    {"fetched", totals->source.fetched},
        {"new", totals->accepted_new},
    };

    (void) fputs(json ? "{" : "", stdout);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        (void) printf(json ? "%s\"%s\":%" PRId64 : "%s%s=%" PRId64,
                      i == 0 ? ""
                      : json ? ","
                             : " ",
                      fields[i].name, fields[i].value);
    }
    (void) fputs(json ? "}\n" : "\n", stdout);
    (void) fflush(stdout);
}

static void configure_log(const struct up_options *up)
{
    enum log_level level = up->quiet ? LOG_ERROR : up->verbose ? LOG_DEBUG : LOG_INFO;
    bool json = up->log_format != NULL && strcmp(up->log_format, "json") == 0;
    logline_configure(level, json ? LOG_JSON : LOG_TEXT);
}

static int exit_code(const struct up_options *up,
                     const struct engine_totals *totals,
                     enum status status,
                     const struct error *error)
{
    if (status == STATUS_CANCELLED) {
        (void) command_fail(error);
        return last_signal == SIGTERM ? 143 : 130;
    }
    if (status != STATUS_OK) {
        return command_fail(error);
    }
    if (up->fail_on_dead && totals->fate.dead + totals->source.dead > 0) {
        return 1;
    }
    return up->skip_if_empty && totals->accepted_new == 0 ? 99 : 0;
}

/* Work that came to its end by itself takes as long as it takes; from the first signal on there is
 * a deadline. */
static enum status drain(struct engine *engine, const struct up_options *up, struct error *error)
{
    if (!interrupted) {
        enum status status = engine_drain(engine, FOR_EVER_US, &interrupted, error);
        if (status != STATUS_CANCELLED) {
            return status;
        }
    }
    return engine_drain(engine, up->drain_timeout_us, &abandon, error);
}

static int run_engine(struct engine *engine, const struct up_options *up)
{
    struct error error = {0};
    struct progress_line line;
    progress_line_init(&line, engine, up->quiet);
    while (signals_seen == 0 && !engine_finished(engine)) {
        engine_tick(engine, INT64_C(100000));
        progress_line_update(&line);
    }
    enum status status = engine_failure(engine, &error);
    if (status == STATUS_OK) {
        status = drain(engine, up, &error);
    }
    progress_line_update(&line);
    progress_line_end(&line);
    struct engine_totals totals;
    engine_totals(engine, &totals);
    engine_free(engine);
    print_sum(&totals, up->json);
    return exit_code(up, &totals, status, &error);
}

static int start(const struct up_options *up,
                 char **files,
                 int count,
                 bool until_drained,
                 const char *only_source)
{
    struct engine *engine;
    struct error error = {0};
    const struct engine_options engine_options = {
        .data = data_dir_path(up->data),
        .kafka = up->kafka,
        .http = up->http,
        .registry = up->registry,
        .kafka_advertise = up->advertise,
        .profile = up->profile,
        .set = up->set.items,
        .set_count = up->set.count,
        .secrets_dir = up->secrets,
        .limit = up->limit,
        .until_drained = until_drained,
        .only_source = only_source,
        .from_us = up->from_us,
        .to_us = up->to_us,
        .give_up_us = until_drained ? up->give_up_us : 0,
        .flush_windows = up->flush_windows,
        .allow_open = up->allow_open,
        .users = up->users,
        .rebuild = up->rebuild,
        .flush = up->flush,
    };
    configure_log(up);
    catch_signals();
    if (engine_start((const char *const *) files, (size_t) count, &engine_options, &engine,
                     &error) != STATUS_OK) {
        return command_fail(&error);
    }
    return run_engine(engine, up);
}

/* ---- one source --------------------------------------------------------------------------------
 */

static enum status take_interval(struct up_options *up, struct error *error)
{
    if ((up->from == NULL) != (up->to == NULL)) {
        return error_set(error, STATUS_USAGE, "an interval needs both --from and --to");
    }
    if (up->from != NULL &&
        (time_parse(slice_of_string(up->from), &up->from_us, error) != STATUS_OK ||
         time_parse(slice_of_string(up->to), &up->to_us, error) != STATUS_OK)) {
        return error->status = STATUS_USAGE;
    }
    if (up->from != NULL && up->from_us >= up->to_us) {
        return error_set(error, STATUS_USAGE, "the interval ends before it begins");
    }
    if (up->until != NULL && strcmp(up->until, "staged") != 0 && strcmp(up->until, "stored") != 0) {
        return error_set(error, STATUS_USAGE, "--until is \"%s\", not staged or stored", up->until);
    }
    return STATUS_OK;
}

/* What the running leat was started with it keeps. */
static enum status
refuse_what_is_settled(const struct up_options *up, const char *data, struct error *error)
{
    const struct {
        const char *name;
        bool given;
    } settled[] = {
        {"--set", up->set.count > 0},
        {"--kafka", up->kafka != NULL},
        {"--kafka-advertise", up->advertise != NULL},
        {"--http", up->http != NULL},
        {"--registry", up->registry != NULL},
        {"--allow-open", up->allow_open},
        {"--users", up->users != NULL},
        {"--flush", up->flush != NULL},
        {"--flush-windows", up->flush_windows},
        {"--rebuild", up->rebuild},
    };

    for (size_t i = 0; i < ARRAY_SIZE(settled); i++) {
        if (settled[i].given) {
            (void) error_set(error, STATUS_USAGE, "%s cannot change the leat that runs on \"%s\"",
                             settled[i].name, data);
            error_hint(error, "leave it out, or stop that leat first");
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

static int ingest_with(const struct up_options *up, char **arguments, struct arena *arena)
{
    struct error error = {0};
    struct ingest_sum sum;
    struct pipeline *pipeline;
    const struct pipeline_options file_options = {.structure_only = true};
    if (refuse_what_is_settled(up, data_dir_path(up->data), &error) != STATUS_OK ||
        pipeline_load(arguments[0], &file_options, arena, &pipeline, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    const struct ingest_beside order = {
        .data = data_dir_path(up->data),
        .pipeline = pipeline->name,
        .source = arguments[1],
        .from = up->from,
        .to = up->to,
        .limit = up->limit,
        .give_up_us = up->give_up_us,
        .until_staged = up->until != NULL && strcmp(up->until, "staged") == 0,
        .quiet = up->quiet,
    };
    catch_signals();
    enum status status = ingest_beside(&order, &interrupted, &sum, &error);
    const struct engine_totals totals = {
        .source = {.fetched = sum.fetched, .unchanged = sum.unchanged, .dead = sum.refused},
        .fate = {.stored = sum.stored,
                 .filtered = sum.filtered,
                 .late = sum.late,
                 .dead = sum.dead},
        .accepted = sum.accepted,
        .accepted_new = sum.accepted_new,
    };
    if (status == STATUS_OK || status == STATUS_CANCELLED) {
        print_sum(&totals, up->json);
    }
    return exit_code(up, &totals, status, &error);
}

static int ingest_main(void *opaque, char **arguments, int count)
{
    (void) count;
    struct up_options *up = opaque;
    struct error error = {0};
    struct data_dir_addresses running;
    const char *data = data_dir_path(up->data);
    if (take_interval(up, &error) != STATUS_OK ||
        data_dir_running(data, &running, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    if (running.pid != 0 && running.http[0] != '\0') {
        struct arena arena;
        arena_init(&arena, 0);
        int code = ingest_with(up, arguments, &arena);
        arena_deinit(&arena);
        return code;
    }
    if (up->until != NULL && strcmp(up->until, "staged") == 0) {
        (void) error_set(&error, STATUS_USAGE,
                         "no leat runs on \"%s\" that would store it after --until staged", data);
        return command_fail(&error);
    }
    return start(up, arguments, 1, true, arguments[1]);
}

static int up_main(void *opaque, char **arguments, int count)
{
    return start(opaque, arguments, count, false, NULL);
}

static int run_main(void *opaque, char **arguments, int count)
{
    return start(opaque, arguments, count, true, NULL);
}

static const struct option ingest_options[] = {
    OPTION(up_options,
           from,
           "--from",
           0,
           OPTION_STRING,
           "TIME",
           "begin of the interval, ISO 8601; ${interval.start} in the file"),
    OPTION(
        up_options, to, "--to", 0, OPTION_STRING, "TIME", "its end, not included; ${interval.end}"),
    OPTION(up_options,
           until,
           "--until",
           0,
           OPTION_STRING,
           "WHEN",
           "beside a running leat: wait until staged or stored [stored]"),
    UP_OPTIONS,
};

const struct command command_ingest = {
    .name = "ingest",
    .summary = "fetch one source once, and store all of it",
    .usage = "FILE SOURCE",
    .help =
        "Like `run` for a single source: fetches until it is at its end (or for an interval), and\n"
        "ends when everything accepted is stored. Made for schedulers. If a leat runs on the data\n"
        "directory, it does the work, beside its own schedules; otherwise this process does.\n\n"
        "examples:\n"
        "  leat ingest users.yaml random_users --limit 1000\n"
        "  leat ingest quakes.yaml quakes --from 2026-01-01 --to 2026-01-02",
    .options = ingest_options,
    .option_count = ARRAY_SIZE(ingest_options),
    .options_bytes = sizeof(struct up_options),
    .defaults = &defaults,
    .arguments_min = 2,
    .arguments_max = 2,
    .run = ingest_main,
};

const struct command command_up = {
    .name = "up",
    .summary = "run pipelines until stopped",
    .usage = "FILE...|DIR",
    .help = "Starts the log, the schema registry, the console and everything in the files, in one\n"
            "process. Ctrl-C stops accepting, finishes what was accepted, and prints the sum; a\n"
            "second one ends at once.\n\n"
            "examples:\n"
            "  leat up examples/users/pipeline.yaml\n"
            "  leat up users.yaml --limit 1000 --data /var/lib/leat\n"
            "  leat up users.yaml --set random_users.schedule='@every 1m'",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct up_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = up_main,
};

const struct command command_run = {
    .name = "run",
    .summary = "run pipelines until their sources are at their end",
    .usage = "FILE...|DIR",
    .help =
        "Like `up`, but does not wait for schedules and ends when all sources have nothing more\n"
        "and everything accepted is stored.\n\n"
        "examples:\n"
        "  leat run examples/earthquakes/pipeline.yaml\n"
        "  leat run users.yaml --limit 1000 --json",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct up_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_main,
};
