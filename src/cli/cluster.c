/* `leat cluster status`: who runs a pipeline, and who stands by. */

#include "app/roles.h"
#include "cli/command.h"
#include "cli/rows.h"

#include <jansson.h>

struct cluster_options {
    const char *profile, *secrets;
    struct option_strings set;
    bool json;
};

static const struct option options[] = {
    OPTION(cluster_options,
           profile,
           "--profile",
           0,
           OPTION_STRING,
           "NAME",
           "the profile that names the coordinator"),
    OPTION(cluster_options, set, "--set", 0, OPTION_STRINGS, "KEY=VALUE", "override a setting"),
    OPTION(cluster_options,
           secrets,
           "--secrets",
           0,
           OPTION_STRING,
           "DIR",
           "folder with a file for each ${secret:NAME}"),
    OPTION(cluster_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a process"),
};

struct listing {
    struct rows rows;
    bool led;
};

static void text_or_null(struct rows *rows, const json_t *owner, const char *name)
{
    rows_string(rows, json_string_value(json_object_get(owner, name)));
}

static enum status
show_one(void *context, const char *text, int64_t fence, bool holds, struct error *error)
{
    (void) error;
    struct listing *listing = context;
    struct rows *rows = &listing->rows;
    json_t *owner = json_loads(text, 0, NULL); /* NULL, and so all fields, if it is none */
    listing->led = listing->led || holds;
    rows_string(rows, holds ? "leader" : "stand-by");
    text_or_null(rows, owner, "host");
    if (json_is_integer(json_object_get(owner, "pid"))) {
        rows_int(rows, json_integer_value(json_object_get(owner, "pid")));
    } else {
        rows_null(rows);
    }
    text_or_null(rows, owner, "http");
    text_or_null(rows, owner, "data");
    text_or_null(rows, owner, "since");
    rows_int(rows, fence);
    rows_end(rows);
    json_decref(owner);
    return STATUS_OK;
}

static enum status list_all(const struct pipeline *pipeline,
                            struct arena *arena,
                            struct listing *listing,
                            struct error *error)
{
    struct roles roles;
    TRY(roles_take(pipeline->profile, "", arena, &roles, error));
    if (roles.lock_ops == NULL) {
        (void) error_set(error, STATUS_CONFIG,
                         "%s: no coordination: one leat runs the pipeline, alone", pipeline->path);
        error_hint(error, "choose a --profile with `coordination: zookeeper://HOST:PORT`");
        return STATUS_CONFIG;
    }
    return roles.lock_ops->list(roles.lock_url, pipeline->name, show_one, listing, error);
}

static int cluster_status_main(void *opaque, char **arguments, int count)
{
    static const char *const names[] = {"role", "host", "pid", "http", "data", "since", "fence"};
    (void) count;
    const struct cluster_options *given = opaque;
    const struct pipeline_options load = {
        .profile = given->profile,
        .set = given->set.items,
        .set_count = given->set.count,
        .secrets_dir = given->secrets,
    };
    struct error error = {0};
    struct arena arena;
    struct pipeline *pipeline;
    struct listing listing = {.led = false};
    arena_init(&arena, 0);
    rows_init(&listing.rows, rows_form_of(given->json, false), names, ARRAY_SIZE(names));
    enum status status = pipeline_load(arguments[0], &load, &arena, &pipeline, &error);
    if (status == STATUS_OK) {
        status = list_all(pipeline, &arena, &listing, &error);
    }
    if (status == STATUS_OK) {
        rows_finish(&listing.rows);
    }
    arena_deinit(&arena);
    if (status != STATUS_OK) {
        return command_fail(&error);
    }
    return listing.led ? 0 : 1;
}

const struct command command_cluster_status = {
    .name = "cluster status",
    .summary = "who runs a pipeline, and who stands by",
    .usage = "FILE",
    .help =
        "Asks the coordinator of the profile which leats take part in the pipeline of FILE: the\n"
        "one that leads, then those who stand by, in the order in which they would take over.\n"
        "`fence` is the number that stores know its writes by; it rises with every leader.\n\n"
        "examples:\n"
        "  leat cluster status users.yaml --profile cluster\n"
        "  leat cluster status users.yaml --profile cluster --json\n\n"
        "exit codes: 0 one leads, 1 none does, 69 the coordinator does not answer, 78 the\n"
        "profile has none",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct cluster_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = cluster_status_main,
};
