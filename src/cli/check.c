/* `leat check`: what a pipeline file comes to, without starting anything. */

#include "app/ask_processor.h"
#include "app/topology.h"
#include "base/node.h"
#include "cli/command.h"
#include "cli/rows.h"

#include <string.h>

struct check_options {
    const char *profile, *secrets;
    struct option_strings set;
    bool json, explain, json_schema;
};

static const struct option options[] = {
    OPTION(check_options, profile, "--profile", 0, OPTION_STRING, "NAME", "with that profile"),
    OPTION(check_options, set, "--set", 0, OPTION_STRINGS, "KEY=VALUE", "override a setting"),
    OPTION(check_options,
           secrets,
           "--secrets",
           0,
           OPTION_STRING,
           "DIR",
           "folder with a file for each ${secret:NAME}"),
    OPTION(check_options, explain, "--explain", 0, OPTION_FLAG, NULL, "print each query's plan"),
    OPTION(check_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a file"),
    OPTION(check_options,
           json_schema,
           "--json-schema",
           0,
           OPTION_FLAG,
           NULL,
           "print the JSON schema of pipeline files, for editors"),
};

/* ---- one file ----------------------------------------------------------------------------------
 */

/* "FILE:LINE:COLUMN: why Spark would not run it", NULL if it would. */
static const char *refusal(const struct stream_plan *stream, struct arena *arena)
{
    size_t offset = 0;
    const char *reason = sql_spark_refusal(stream->query, arena, &offset);
    if (reason == NULL) {
        return NULL;
    }
    struct error error;
    (void) node_error_at(&error, stream->node, offset, "%s", reason);
    return arena_strdup(arena, error.message);
}

static const char *mode_name(const struct query *query)
{
    return query->mode == OUTPUT_UPDATE     ? "update"
           : query->mode == OUTPUT_COMPLETE ? "complete"
                                            : "append";
}

static void print_stream(const struct stream_plan *stream, bool explain, struct arena *arena)
{
    if (stream->query == NULL) {
        (void) printf("  stream %s: waits for the schema of its topic\n", stream->name);
        return;
    }
    const char *reason = refusal(stream, arena);
    (void) printf("  stream %s: %s over topic %s", stream->name, mode_name(stream->query),
                  stream->topic);
    for (size_t i = 0; i < stream->sink_count; i++) {
        (void) printf("%s %s", i == 0 ? " into" : ",", stream->sinks[i].settings->table);
    }
    (void) printf("\n    Spark: %s\n", reason == NULL ? "runs it" : "does not run it");
    if (reason != NULL) {
        (void) printf("      %s\n", reason);
    }
    if (explain) {
        struct buffer plan CLEANUP(buffer_deinit) = BUFFER_INIT;
        plan_write(stream->query->plan, &plan);
        (void) printf("%s", buffer_string(&plan));
    }
}

static void print_text(const struct topology *topology, bool explain, struct arena *arena)
{
    const struct pipeline *pipeline = topology->pipeline;
    (void) printf("%s: pipeline %s is in order\n", pipeline->path, pipeline->name);
    for (size_t i = 0; i < topology->topic_count; i++) {
        const struct topic_plan *topic = &topology->topics[i];
        if (topic->source != NULL) {
            (void) printf("  source %s: fills topic %s%s\n", topic->source, topic->spec.name,
                          topic->type == NULL ? "; its schema comes with the first page" : "");
        }
    }
    for (size_t i = 0; i < topology->stream_count; i++) {
        print_stream(&topology->streams[i], explain, arena);
    }
    if (pipeline->tests.count > 0) {
        (void) printf("  tests: %zu; run them with `leat test %s`\n", pipeline->tests.count,
                      pipeline->path);
    }
}

static void append_name(struct buffer *json, const char *key, const char *value)
{
    buffer_printf(json, "\"%s\":", key);
    if (value == NULL) {
        buffer_append_string(json, "null");
    } else {
        buffer_append_json(json, slice_of_string(value));
    }
}

static void append_stream(struct buffer *json,
                          const struct stream_plan *stream,
                          bool explain,
                          struct arena *arena)
{
    buffer_append_byte(json, '{');
    append_name(json, "name", stream->name);
    buffer_append_string(json, ",\"tables\":[");
    for (size_t i = 0; i < stream->sink_count; i++) {
        buffer_append_string(json, i == 0 ? "" : ",");
        buffer_append_json(json, slice_of_string(stream->sinks[i].settings->table));
    }
    buffer_append_string(json, "],");
    if (stream->query == NULL) {
        buffer_append_string(json, "\"waits_for_schema\":true}");
        return;
    }
    const char *reason = refusal(stream, arena);
    append_name(json, "topic", stream->topic);
    buffer_append_byte(json, ',');
    append_name(json, "mode", mode_name(stream->query));
    buffer_append_byte(json, ',');
    append_name(json, "type", type_text(stream->query->plan->type, arena));
    buffer_printf(json, ",\"spark\":%s,", reason == NULL ? "true" : "false");
    append_name(json, "spark_refusal", reason);
    if (explain) {
        struct buffer plan CLEANUP(buffer_deinit) = BUFFER_INIT;
        plan_write(stream->query->plan, &plan);
        buffer_append_byte(json, ',');
        append_name(json, "plan", buffer_string(&plan));
    }
    buffer_append_byte(json, '}');
}

static void print_json(const struct topology *topology, bool explain, struct arena *arena)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&json, '{');
    append_name(&json, "file", topology->pipeline->path);
    buffer_append_string(&json, ",\"ok\":true,");
    append_name(&json, "pipeline", topology->pipeline->name);
    buffer_append_string(&json, ",\"topics\":[");
    for (size_t i = 0; i < topology->topic_count; i++) {
        const struct topic_plan *topic = &topology->topics[i];
        buffer_append_string(&json, i == 0 ? "{" : ",{");
        append_name(&json, "name", topic->spec.name);
        buffer_append_byte(&json, ',');
        append_name(&json, "source", topic->source);
        buffer_append_byte(&json, ',');
        append_name(&json, "type", topic->type == NULL ? NULL : type_text(topic->type, arena));
        buffer_append_byte(&json, '}');
    }
    buffer_append_string(&json, "],\"streams\":[");
    for (size_t i = 0; i < topology->stream_count; i++) {
        buffer_append_string(&json, i == 0 ? "" : ",");
        append_stream(&json, &topology->streams[i], explain, arena);
    }
    buffer_append_string(&json, "]}\n");
    (void) fwrite(json.data, 1, json.size, stdout);
}

static void print_failure(const char *file, const struct error *error)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&json, '{');
    append_name(&json, "file", file);
    buffer_append_string(&json, ",\"ok\":false,");
    append_name(&json, "error", error->message);
    buffer_append_byte(&json, ',');
    append_name(&json, "hint", error->hint[0] == '\0' ? NULL : error->hint);
    buffer_append_string(&json, "}\n");
    (void) fwrite(json.data, 1, json.size, stdout);
}

struct refusals {
    struct error first; /* status OK: none */
    bool json;
};

static void take_refusal(void *context, const struct error *refusal)
{
    struct refusals *refusals = context;
    if (refusals->first.status == STATUS_OK) {
        refusals->first = *refusal;
    } else if (!refusals->json) {
        struct error copy = *refusal;
        (void) command_fail(&copy);
    }
}

/* What the profile's engine says of the queries; its first refusal is the error. */
static enum status
ask(const struct topology *topology, const struct check_options *check, struct error *error)
{
    struct refusals refusals = {.json = check->json};
    TRY(ask_processor(topology, take_refusal, &refusals, error));
    if (refusals.first.status != STATUS_OK) {
        *error = refusals.first;
    }
    return refusals.first.status;
}

static int check_file(const struct check_options *check, const char *file, bool *set_used)
{
    struct error error = {0};
    struct arena arena;
    struct pipeline *pipeline;
    struct topology *topology;
    const struct pipeline_options load = {
        .profile = check->profile,
        .set = check->set.items,
        .set_count = check->set.count,
        .set_used = set_used,
        .secrets_dir = check->secrets,
    };
    arena_init(&arena, 0);
    enum status status = pipeline_load(file, &load, &arena, &pipeline, &error);
    if (status == STATUS_OK) {
        status = topology_build(pipeline, NULL, NULL, &arena, &topology, &error);
    }
    if (status == STATUS_OK) {
        status = ask(topology, check, &error);
    }
    int code = 0;
    if (status != STATUS_OK) {
        code = check->json ? status_exit_code(status) : command_fail(&error);
        if (check->json) {
            print_failure(file, &error);
        }
    } else if (check->json) {
        print_json(topology, check->explain, &arena);
    } else {
        print_text(topology, check->explain, &arena);
    }
    (void) fflush(stdout);
    arena_deinit(&arena);
    return code;
}

static int check_main(void *opaque, char **arguments, int count)
{
    const struct check_options *check = opaque;
    struct error error = {0};
    if (check->json_schema) {
        struct buffer schema CLEANUP(buffer_deinit) = BUFFER_INIT;
        settings_json_schema(&pipeline_table, &schema);
        (void) printf("%s\n", buffer_string(&schema));
        return 0;
    }
    struct arena arena;
    const char *const *files;
    size_t file_count;
    arena_init(&arena, 0);
    const char **names = ARENA_ARRAY(&arena, const char *, (size_t) count + 1);
    for (int i = 0; i < count; i++) {
        names[i] = arguments[i];
    }
    int code = 0;
    if (count == 0) {
        (void) error_set(&error, STATUS_USAGE, "leat check needs a pipeline file");
        code = command_fail(&error);
    } else if (pipeline_files(names, (size_t) count, &arena, &files, &file_count, &error) !=
               STATUS_OK) {
        code = command_fail(&error);
    } else {
        bool *set_used = ARENA_ARRAY(&arena, bool, check->set.count);
        for (size_t i = 0; i < file_count; i++) {
            int one = check_file(check, files[i], set_used);
            code = code == 0 ? one : code;
        }
        if (code == 0 &&
            pipeline_check_set(check->set.items, check->set.count, set_used, &error) != STATUS_OK) {
            code = command_fail(&error);
        }
    }
    arena_deinit(&arena);
    return code;
}

const struct command command_check = {
    .name = "check",
    .summary = "check pipeline files without starting them",
    .usage = "FILE|DIR...",
    .help =
        "Reads each file, compiles its queries against the schemas it declares, and says what\n"
        "it comes to: topics, tables, and of each query whether Spark would run it, and why\n"
        "not. With --profile, Spark itself is asked, if the profile names one. Mistakes are shown\n"
        "with file, line, column and the line itself.\n\n"
        "examples:\n"
        "  leat check examples/users/pipeline.yaml\n"
        "  leat check --json --explain pipelines/\n"
        "  leat check --json-schema > pipeline.schema.json\n\n"
        "exit codes: 0 in order, 64 usage, 69 Spark does not answer, 78 something is wrong",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct check_options),
    .arguments_max = -1,
    .run = check_main,
};
