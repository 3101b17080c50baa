/* `leat topic`: look at topics, make and delete them. */

#include "app/kafka_tools.h"
#include "base/time_text.h"
#include "cli/command.h"
#include "cli/rows.h"

#include <inttypes.h>
#include <string.h>

struct topic_options {
    const char *data, *kafka, *pipeline, *profile, *secrets;
    const char *retention, *retention_bytes;
    int64_t partitions, replication;
    bool json, yes, compact;
};

#define OPTION_DATA                                                                                \
    OPTION(topic_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP)
#define OPTION_KAFKA                                                                               \
    OPTION(topic_options, kafka, "--kafka", 0, OPTION_STRING, "HOST:PORT", COMMAND_KAFKA_HELP)
#define OPTION_JSON                                                                                \
    OPTION(topic_options, json, "--json", 0, OPTION_FLAG, NULL, "JSON instead of a table")

#define OPTIONS_PROFILE COMMAND_PROFILE_OPTIONS(topic_options)

static const struct option look_options[] = {OPTION_DATA, OPTION_KAFKA, OPTIONS_PROFILE,
                                             OPTION_JSON};

static const struct option create_options[] = {
    OPTION_DATA,
    OPTION_KAFKA,
    OPTIONS_PROFILE,
    OPTION(topic_options,
           partitions,
           "--partitions",
           'p',
           OPTION_INT,
           "N",
           "how many [the log's default]"),
    OPTION(topic_options,
           replication,
           "--replication",
           0,
           OPTION_INT,
           "N",
           "copies [the log's default]"),
    OPTION(topic_options,
           retention,
           "--retention",
           0,
           OPTION_STRING,
           "TIME",
           "keep records this long, or \"forever\" [the log's default]"),
    OPTION(topic_options,
           retention_bytes,
           "--retention-bytes",
           0,
           OPTION_STRING,
           "SIZE",
           "keep at most this much a partition, or \"any\" [the log's default]"),
    OPTION(topic_options,
           compact,
           "--compact",
           0,
           OPTION_FLAG,
           NULL,
           "keep the newest record of each key"),
};

static const struct option delete_options[] = {
    OPTION_DATA,
    OPTION_KAFKA,
    OPTIONS_PROFILE,
    OPTION(topic_options,
           yes,
           "--yes",
           'y',
           OPTION_FLAG,
           NULL,
           "delete it, not only say what would go"),
};

/* Each command is one function over an open workspace. */
typedef enum status topic_work(const struct topic_options *options,
                               struct workspace *workspace,
                               struct arena *arena,
                               const char *topic,
                               struct error *error);

static int run(topic_work *work, const struct topic_options *options, const char *topic)
{
    struct error error = {0};
    struct workspace workspace;
    struct arena arena;
    arena_init(&arena, 0);
    const struct workspace_place place = {
        .data = options->data,
        .kafka = options->kafka,
        .pipeline = options->pipeline,
        .profile = options->profile,
        .secrets = options->secrets,
    };
    enum status status = workspace_open_at(&place, &workspace, &error);
    if (status == STATUS_OK) {
        status = work(options, &workspace, &arena, topic, &error);
    }
    workspace_close(&workspace);
    arena_deinit(&arena);
    return status == STATUS_OK ? 0 : command_fail(&error);
}

static int64_t records_in(const struct log_partition *partitions, int32_t count)
{
    int64_t records = 0;
    for (int32_t i = 0; i < count; i++) {
        records += partitions[i].high - partitions[i].low;
    }
    return records;
}

/* ---- list --------------------------------------------------------------------------------------
 */

static enum status list(const struct topic_options *options,
                        struct workspace *workspace,
                        struct arena *arena,
                        const char *topic,
                        struct error *error)
{
    static const char *const columns[] = {"topic", "partitions", "records"};
    const char **names;
    size_t count;
    (void) topic;
    TRY(workspace_topics(workspace, arena, &names, &count, error));
    struct rows rows;
    rows_init(&rows, rows_form_of(options->json, false), columns, ARRAY_SIZE(columns));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct log_partition *partitions;
        int32_t partition_count;
        status = workspace->log_ops->topic_offsets(workspace->log, names[i], arena, &partitions,
                                                   &partition_count, error);
        if (status == STATUS_NOT_FOUND) { /* deleted in between */
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            rows_string(&rows, names[i]);
            rows_int(&rows, partition_count);
            rows_int(&rows, records_in(partitions, partition_count));
            rows_end(&rows);
        }
    }
    rows_finish(&rows);
    return status;
}

static int list_main(void *opaque, char **arguments, int count)
{
    (void) arguments;
    (void) count;
    return run(list, opaque, NULL);
}

const struct command command_topic_list = {
    .name = "topic list",
    .summary = "topics and how many records they hold",
    .usage = "",
    .help =
        "Lists the topics of a running leat, of the log at --kafka, or, when nothing runs, of\n"
        "the files in the data directory. The broker's own topics are left out. \"records\" are\n"
        "offsets between the first and the end: compaction and transactions may leave fewer.\n\n"
        "examples:\n"
        "  leat topic list\n"
        "  leat topic list --json --kafka 127.0.0.1:9092",
    .options = look_options,
    .option_count = ARRAY_SIZE(look_options),
    .options_bytes = sizeof(struct topic_options),
    .run = list_main,
};

/* ---- show --------------------------------------------------------------------------------------
 */

struct topic_view {
    const char *topic;
    struct log_partition *partitions;
    int32_t partition_count;
    struct kafka_config *configs;
    size_t config_count;
    bool has_configs; /* false: the files do not say */
};

static void show_json(const struct topic_view *view)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&text, "{\"topic\":");
    buffer_append_json(&text, slice_of_string(view->topic));
    buffer_append_string(&text, ",\"partitions\":[");
    for (int32_t i = 0; i < view->partition_count; i++) {
        buffer_printf(&text, "%s{\"partition\":%d,\"low\":%" PRId64 ",\"high\":%" PRId64 "}",
                      i == 0 ? "" : ",", (int) i, view->partitions[i].low,
                      view->partitions[i].high);
    }
    buffer_append_string(&text, view->has_configs ? "],\"configs\":{" : "],\"configs\":null");
    for (size_t i = 0; i < view->config_count; i++) {
        buffer_append_string(&text, i == 0 ? "" : ",");
        buffer_append_json(&text, slice_of_string(view->configs[i].name));
        buffer_append_byte(&text, ':');
        if (view->configs[i].value == NULL) {
            buffer_append_string(&text, "null");
        } else {
            buffer_append_json(&text, slice_of_string(view->configs[i].value));
        }
    }
    buffer_append_string(&text, view->has_configs ? "}}" : "}");
    (void) puts(buffer_string(&text));
}

static void show_tables(const struct topic_view *view)
{
    static const char *const columns[] = {"partition", "low", "high", "records"};
    static const char *const config_columns[] = {"setting", "value", "default"};
    struct rows rows;
    rows_init(&rows, ROWS_TABLE, columns, ARRAY_SIZE(columns));
    for (int32_t i = 0; i < view->partition_count; i++) {
        rows_int(&rows, i);
        rows_int(&rows, view->partitions[i].low);
        rows_int(&rows, view->partitions[i].high);
        rows_int(&rows, view->partitions[i].high - view->partitions[i].low);
        rows_end(&rows);
    }
    rows_finish(&rows);
    if (!view->has_configs) {
        (void) fprintf(stderr, "leat: nothing runs, so settings are not shown\n");
        return;
    }
    (void) putchar('\n');
    rows_init(&rows, ROWS_TABLE, config_columns, ARRAY_SIZE(config_columns));
    for (size_t i = 0; i < view->config_count; i++) {
        rows_string(&rows, view->configs[i].name);
        rows_string(&rows, view->configs[i].value);
        rows_string(&rows, view->configs[i].is_default ? "yes" : "no");
        rows_end(&rows);
    }
    rows_finish(&rows);
}

static enum status show(const struct topic_options *options,
                        struct workspace *workspace,
                        struct arena *arena,
                        const char *topic,
                        struct error *error)
{
    struct topic_view view = {.topic = topic};
    TRY(kafka_tools_partitions(workspace, topic, arena, &view.partitions, &view.partition_count,
                               error));
    view.has_configs = workspace->running.kafka[0] != '\0';
    if (view.has_configs) {
        TRY(kafka_admin_topic_configs(workspace->log, topic, arena, &view.configs,
                                      &view.config_count, error));
    }
    if (options->json) {
        show_json(&view);
    } else {
        show_tables(&view);
    }
    return STATUS_OK;
}

static int show_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return run(show, opaque, arguments[0]);
}

const struct command command_topic_show = {
    .name = "topic show",
    .summary = "a topic's partitions, offsets and settings",
    .usage = "TOPIC",
    .help =
        "\"low\" is the first offset that is still there, \"high\" the one behind the last. When\n"
        "nothing runs the offsets come from the files, and settings are not shown.\n\n"
        "examples:\n"
        "  leat topic show users_created\n"
        "  leat topic show users_created --json | jq .configs",
    .options = look_options,
    .option_count = ARRAY_SIZE(look_options),
    .options_bytes = sizeof(struct topic_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = show_main,
};

/* ---- create ------------------------------------------------------------------------------------
 */

/* A positive number that fits, or 0 where none is given. */
static enum status
take_count(const char *option, int64_t value, int32_t *ret_count, struct error *error)
{
    if (value == 0 || value > 100000 || value < -1) {
        return error_set(error, STATUS_USAGE, "%s %" PRId64 ": give 1 to 100000", option, value);
    }
    *ret_count = value == -1 ? 0 : (int32_t) value;
    return STATUS_OK;
}

/* A limit of retention: a value of at least `least`, -1 for the word, 0 where none is given. */
static enum status take_limit(const char *option,
                              const char *text,
                              const char *word,
                              enum status (*parse)(struct slice, int64_t *, struct error *),
                              int64_t least,
                              int64_t *ret_value,
                              struct error *error)
{
    if (text == NULL) {
        return STATUS_OK;
    }
    if (strcmp(text, word) == 0) {
        *ret_value = -1;
        return STATUS_OK;
    }
    enum status status = parse(slice_of_string(text), ret_value, error);
    if (status == STATUS_OK && *ret_value >= least) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        (void) error_set(error, STATUS_USAGE, "\"%s\" would keep nothing", text);
    }
    error_context(error, "%s", option);
    error->status = STATUS_USAGE;
    return STATUS_USAGE;
}

static enum status
spec_of(const struct topic_options *options, struct topic_spec *spec, struct error *error)
{
    TRY(take_count("--partitions", options->partitions, &spec->partitions, error));
    TRY(take_count("--replication", options->replication, &spec->replication, error));
    TRY(take_limit("--retention", options->retention, "forever", duration_parse, US_PER_MS,
                   &spec->retention_us, error));
    return take_limit("--retention-bytes", options->retention_bytes, "any", bytes_parse, 1,
                      &spec->retention_bytes, error);
}

static enum status create(const struct topic_options *options,
                          struct workspace *workspace,
                          struct arena *arena,
                          const char *topic,
                          struct error *error)
{
    struct topic_spec spec = {.name = topic, .compact = options->compact};
    struct log_partition *partitions;
    int32_t count;
    TRY(spec_of(options, &spec, error));
    TRY(kafka_tools_connect(workspace, "create a topic", error));
    TRY(kafka_admin_topic_create(workspace->log, &spec, error));
    TRY(kafka_tools_partitions(workspace, topic, arena, &partitions, &count, error));
    (void) fprintf(stderr, "created topic \"%s\" with %d partition%s\n", topic, (int) count,
                   count == 1 ? "" : "s");
    return STATUS_OK;
}

static int create_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return run(create, opaque, arguments[0]);
}

static const struct topic_options create_defaults = {.partitions = -1, .replication = -1};

const struct command command_topic_create = {
    .name = "topic create",
    .summary = "make a topic",
    .usage = "TOPIC",
    .help = "Makes a topic in a running leat or in the log at --kafka. One that exists already is\n"
            "an error and stays as it is.\n\n"
            "examples:\n"
            "  leat topic create clicks --partitions 6 --retention 7d\n"
            "  leat topic create accounts --compact --retention forever",
    .options = create_options,
    .option_count = ARRAY_SIZE(create_options),
    .options_bytes = sizeof(struct topic_options),
    .defaults = &create_defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = create_main,
};

/* ---- delete ------------------------------------------------------------------------------------
 */

static enum status delete (const struct topic_options *options,
                           struct workspace *workspace,
                           struct arena *arena,
                           const char *topic,
                           struct error *error) {
    struct log_partition *partitions; int32_t count;
        TRY(kafka_tools_connect(workspace, "delete a topic", error));
        TRY(kafka_tools_partitions(workspace, topic, arena, &partitions, &count, error));
        int64_t records = records_in(partitions, count);
        if (!options->yes){(void) error_set(error,
                                            STATUS_USAGE,
                                            "topic \"%s\" with %" PRId64
                                            " records would be deleted for ever; nothing "
                                            "was changed",
                                            topic,
                                            records);
                           error_hint(error, "add --yes to delete it"); return STATUS_USAGE;
}
TRY(kafka_admin_topic_delete(workspace->log, topic, error));
(void) fprintf(stderr, "deleted topic \"%s\" with %" PRId64 " records\n", topic, records);
return STATUS_OK;
}

static int delete_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return run(delete, opaque, arguments[0]);
}

const struct command command_topic_delete = {
    .name = "topic delete",
    .summary = "delete a topic and its records",
    .usage = "TOPIC",
    .help = "Deletes a topic of a running leat or of the log at --kafka, with --yes; without it\n"
            "says what would go, and ends with 64. A topic that a running pipeline uses should\n"
            "not be deleted: stop it first.\n\n"
            "examples:\n"
            "  leat topic delete clicks --yes",
    .options = delete_options,
    .option_count = ARRAY_SIZE(delete_options),
    .options_bytes = sizeof(struct topic_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = delete_main,
};
