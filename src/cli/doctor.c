/* `leat doctor`: what is missing or in the way, and the remedy. */

#include "app/reach.h"
#include "app/topology.h"
#include "base/time_text.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "io/file.h"
#include "io/net.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DISK_FREE_PERCENT_MIN 10
#define FILES_MIN             1024

struct doctor_options {
    const char *data, *profile, *secrets;
    struct option_strings set;
    bool json;
};

static const struct option options[] = {
    OPTION(doctor_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(doctor_options,
           profile,
           "--profile",
           0,
           OPTION_STRING,
           "NAME",
           "ask the engines of that profile of the file too"),
    OPTION(doctor_options, set, "--set", 0, OPTION_STRINGS, "KEY=VALUE", "override a setting"),
    OPTION(doctor_options,
           secrets,
           "--secrets",
           0,
           OPTION_STRING,
           "DIR",
           "folder with a file for each ${secret:NAME}"),
    OPTION(doctor_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a finding"),
};

enum finding {
    FINE,
    NOTE,
    BAD
};

struct doctor {
    struct rows rows;
    const char *path; /* of the data directory */
    struct data_dir_addresses running;
    int code; /* the exit code: the gravest so far */
};

static void tell(struct doctor *doctor,
                 enum finding finding,
                 const char *what,
                 const char *found,
                 const char *remedy)
{
    static const char *const words[] = {"ok", "note", "bad"};
    rows_string(&doctor->rows, words[finding]);
    rows_string(&doctor->rows, what);
    rows_string(&doctor->rows, found);
    rows_string(&doctor->rows, remedy == NULL ? "" : remedy);
    rows_end(&doctor->rows);
    if (finding == BAD && doctor->code == 0) {
        doctor->code = 1;
    }
}

static void look_at_directory(struct doctor *doctor)
{
    struct error error = {0};
    char file[1200];
    if (access(data_dir_file(doctor->path, "FORMAT", file), F_OK) != 0) {
        tell(doctor, NOTE, "data directory", "there is none yet", "`leat up FILE` makes it");
        return;
    }
    if (access(doctor->path, W_OK) != 0) {
        tell(doctor, BAD, "data directory", "cannot be written", "give this user the right to");
        return;
    }
    if (data_dir_running(doctor->path, &doctor->running, &error) != STATUS_OK) {
        tell(doctor, BAD, "data directory", error.message, error.hint);
        return;
    }
    char text[64];
    (void) snprintf(text, sizeof(text), "leat runs on it with pid %" PRId64, doctor->running.pid);
    tell(doctor, FINE, "data directory", doctor->running.pid != 0 ? text : "in order", NULL);
}

static void look_at_disk(struct doctor *doctor)
{
    uint64_t free_bytes;
    uint64_t total_bytes;
    struct error error = {0};
    char text[128];
    const char *path = access(doctor->path, F_OK) == 0 ? doctor->path : ".";
    if (disk_space(path, &free_bytes, &total_bytes, &error) != STATUS_OK || total_bytes == 0) {
        tell(doctor, BAD, "disk", error.message, error.hint);
        return;
    }
    unsigned percent = (unsigned) (100 * (free_bytes >> 10) / ((total_bytes >> 10) + 1));
    (void) snprintf(text, sizeof(text), "%" PRIu64 " MiB free, %u %%", free_bytes >> 20, percent);
    bool full = percent < DISK_FREE_PERCENT_MIN;
    tell(doctor, full ? BAD : FINE, "disk", text,
         full ? "fetching stops below 10 %: make room, or move --data" : NULL);
}

static void look_at_port(struct doctor *doctor, const char *what, uint16_t port, const char *ours)
{
    char text[160];
    struct net_holder holder;
    struct net_address address = {.host = "127.0.0.1", .port = port};
    if (doctor->running.pid != 0) {
        tell(doctor, FINE, what, ours, NULL);
        return;
    }
    int fd;
    if (net_listen(&address, &fd, NULL, NULL) == STATUS_OK) {
        (void) close(fd);
        (void) snprintf(text, sizeof(text), "port %u is free", port);
        tell(doctor, FINE, what, text, NULL);
        return;
    }
    bool seen = net_port_holder(port, &holder);
    (void) snprintf(text, sizeof(text), "port %u is held by %s (pid %" PRId64 ")", port,
                    seen ? holder.name : "another user's process", seen ? holder.pid : 0);
    tell(doctor, NOTE, what, text, "leat takes a free port instead; or stop that process");
}

static void look_at_limits(struct doctor *doctor)
{
    struct rlimit limit;
    char text[64];
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    (void) snprintf(text, sizeof(text), "%llu open files", (unsigned long long) limit.rlim_cur);
    bool few = limit.rlim_cur < FILES_MIN;
    tell(doctor, few ? NOTE : FINE, "limits", text, few ? "raise it with `ulimit -n 4096`" : NULL);
}

static void look_at_environment(struct doctor *doctor)
{
    const char *url = getenv("RANDOMUSER_URL");
    tell(doctor, FINE, "version", "leat " LEAT_VERSION, NULL);
    tell(doctor, FINE, "users example", url != NULL ? url : "https://randomuser.me/api/", NULL);
    const char *timezone = getenv("TZ");
    tell(doctor, FINE, "time zone", timezone == NULL ? "UTC in all queries" : timezone, NULL);
}

/* ---- the pipeline file -------------------------------------------------------------------------
 */

/* 78 over 69 over 1: what must be changed before what may come back by itself. */
static void tell_status(struct doctor *doctor,
                        const char *what,
                        enum status status,
                        const char *found,
                        const char *remedy)
{
    tell(doctor, status == STATUS_OK ? FINE : BAD, what, found, remedy);
    int code = status == STATUS_OK       ? 0
               : status == STATUS_CONFIG ? status_exit_code(STATUS_CONFIG)
                                         : status_exit_code(STATUS_UNAVAILABLE);
    doctor->code = code > doctor->code ? code : doctor->code;
}

static void tell_reach(void *context, const struct reach_finding *finding)
{
    if (finding->status == STATUS_OK && finding->remedy[0] != '\0') {
        tell(context, NOTE, finding->what, finding->found, finding->remedy);
        return;
    }
    tell_status(context, finding->what, finding->status, finding->found, finding->remedy);
}

static void
look_at_file(struct doctor *doctor, const struct doctor_options *given, const char *file)
{
    const struct pipeline_options load = {
        .profile = given->profile,
        .set = given->set.items,
        .set_count = given->set.count,
        .secrets_dir = given->secrets,
    };
    struct error error = {0};
    struct arena arena;
    struct pipeline *pipeline;
    struct topology *topology;
    arena_init(&arena, 0);
    enum status status = pipeline_load(file, &load, &arena, &pipeline, &error);
    if (status == STATUS_OK) {
        status = topology_build(pipeline, NULL, NULL, &arena, &topology, &error);
    }
    if (status != STATUS_OK) {
        error.message[strcspn(error.message, "\n")] = '\0';
        tell_status(doctor, "file", STATUS_CONFIG, error.message,
                    error.hint[0] != '\0' ? error.hint : "`leat check` shows the place");
    } else {
        tell(doctor, FINE, "file", arena_printf(&arena, "%s is in order", file), NULL);
        reach_sources(pipeline, tell_reach, doctor);
        reach_engines(pipeline, tell_reach, doctor);
    }
    arena_deinit(&arena);
}

static int doctor_main(void *opaque, char **arguments, int count)
{
    static const char *const columns[] = {"", "what", "found", "remedy"};
    static const char *const json_columns[] = {"state", "what", "found", "remedy"};
    const struct doctor_options *given = opaque;
    struct doctor doctor = {.path = data_dir_path(given->data)};
    if (given->profile != NULL && count == 0) {
        struct error error = {0};
        (void) error_set(&error, STATUS_USAGE, "--profile needs the file that has the profile");
        return command_fail(&error);
    }
    rows_init(&doctor.rows, rows_form_of(given->json, false), given->json ? json_columns : columns,
              ARRAY_SIZE(columns));
    look_at_environment(&doctor);
    look_at_directory(&doctor);
    look_at_disk(&doctor);
    look_at_port(&doctor, "log", 9092, doctor.running.kafka);
    look_at_port(&doctor, "registry", 8081, doctor.running.registry);
    look_at_port(&doctor, "console", 9021, doctor.running.http);
    look_at_limits(&doctor);
    for (int i = 0; i < count; i++) {
        look_at_file(&doctor, given, arguments[i]);
    }
    rows_finish(&doctor.rows);
    return doctor.code;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "what is missing or in the way, and the remedy",
    .usage = "[FILE]",
    .help =
        "Looks at the data directory, disk, ports and limits, and with a pipeline file whether\n"
        "it compiles, each of its sources answers one request within 3 s, and the engines of\n"
        "the profile are reachable. It changes nothing.\n\n"
        "examples:\n"
        "  leat doctor\n"
        "  leat doctor examples/users/pipeline.yaml --profile cluster\n"
        "  leat doctor --json --data /var/lib/leat\n\n"
        "exit codes: 0 nothing keeps leat from running, 1 something here does, 69 a source or an\n"
        "engine does not answer, 78 the file is wrong",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct doctor_options),
    .arguments_max = 1,
    .run = doctor_main,
};
