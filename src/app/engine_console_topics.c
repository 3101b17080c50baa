/* Topics and groups as the console shows and changes them, and records that it writes. */

#include "app/engine_console_view.h"
#include "app/kafka_tools.h"
#include "base/memory.h"
#include "codec/avro.h"
#include "codec/json.h"
#include "io/clock.h"

#include <stdio.h>
#include <string.h>

const struct console_log_view engine_log_view = {
    .topic_show = engine_topic_show,
    .topic_create = engine_topic_create,
    .topic_change = engine_topic_change,
    .topic_delete = engine_topic_delete,
    .records = engine_records,
    .produce = engine_produce,
    .scan_open = engine_scan_open,
    .scan_next = engine_scan_next,
    .scan_close = engine_scan_close,
    .group_show = engine_group_show,
    .group_reset = engine_group_reset,
    .group_delete = engine_group_delete,
    .subjects = engine_subjects,
    .subject_show = engine_subject_show,
    .subject_save = engine_subject_save,
    .relations = engine_relations,
    .query = engine_query,
};

void engine_borrow(struct engine *engine, struct workspace *ret_workspace)
{
    *ret_workspace = (struct workspace){
        .path = engine->data.path,
        .log_ops = engine->log_ops,
        .log = engine->log,
        .schemas_ops = engine->schemas_ops,
        .schemas = engine->schemas,
        .roles = engine->roles,
    };
    struct data_dir_addresses *running = &ret_workspace->running;
    running->pid = engine->addresses.pid;
    (void) snprintf(running->kafka, sizeof(running->kafka), "%s", engine->addresses.kafka);
    (void) snprintf(running->registry, sizeof(running->registry), "%s", engine->addresses.registry);
    arena_init(&ret_workspace->arena, 0);
}

void engine_give_back(struct workspace *workspace)
{
    workspace->log = NULL;
    workspace->schemas = NULL;
    workspace_close(workspace);
}

/* ---- topics ------------------------------------------------------------------------------------
 */

static void
write_partitions(struct json_writer *json, const struct log_partition *partitions, int32_t count)
{
    json_writer_open(json, "partitions", '[');
    for (int32_t i = 0; i < count; i++) {
        json_writer_open(json, NULL, '{');
        json_writer_int(json, "partition", i);
        json_writer_int(json, "log_start", partitions[i].low);
        json_writer_int(json, "high_watermark", partitions[i].high);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

/* The newest schema of the topic's values; null if it has none, or the registry does not say. */
static void write_schema(struct workspace *workspace, const char *topic, struct json_writer *json)
{
    struct schema_version version;
    const char *subject = arena_printf(&workspace->arena, "%s-value", topic);
    if (workspace->schemas_ops->latest(workspace->schemas, subject, &workspace->arena, &version,
                                       NULL) != STATUS_OK) {
        json_writer_null(json, "schema");
        return;
    }
    json_writer_open(json, "schema", '{');
    json_writer_text(json, "subject", subject);
    json_writer_int(json, "version", version.version);
    json_writer_int(json, "id", version.id);
    json_writer_text(json, "text", version.text);
    json_writer_close(json, '}');
}

static enum status show_topic(struct workspace *workspace,
                              const char *topic,
                              struct buffer *target,
                              struct error *error)
{
    struct log_partition *partitions;
    struct kafka_config *configs;
    int32_t count;
    size_t config_count;
    struct json_writer json = {.target = target};
    TRY(kafka_tools_partitions(workspace, topic, &workspace->arena, &partitions, &count, error));
    TRY(kafka_admin_topic_configs(workspace->log, topic, &workspace->arena, &configs, &config_count,
                                  error));
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "name", topic);
    write_partitions(&json, partitions, count);
    json_writer_open(&json, "configs", '[');
    for (size_t i = 0; i < config_count; i++) {
        json_writer_open(&json, NULL, '{');
        json_writer_text(&json, "name", configs[i].name);
        json_writer_text(&json, "value", configs[i].value);
        json_writer_bool(&json, "is_default", configs[i].is_default);
        json_writer_bool(&json, "is_own", configs[i].is_own);
        json_writer_close(&json, '}');
    }
    json_writer_close(&json, ']');
    write_schema(workspace, topic, &json);
    json_writer_close(&json, '}');
    return STATUS_OK;
}

enum status
engine_topic_show(void *context, const char *topic, struct buffer *target, struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = show_topic(&workspace, topic, target, error);
    engine_give_back(&workspace);
    return status;
}

static struct kafka_config *configs_of(struct arena *arena, const struct setting_pairs *pairs)
{
    struct kafka_config *configs = ARENA_ARRAY(arena, struct kafka_config, pairs->count);
    for (size_t i = 0; i < pairs->count; i++) {
        configs[i].name = pairs->items[i].name;
        configs[i].value = pairs->items[i].value;
    }
    return configs;
}

enum status
engine_topic_create(void *context, const struct console_topic_new *topic, struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    const struct topic_spec spec = {.name = topic->name,
                                    .partitions = (int32_t) topic->partitions,
                                    .replication = (int32_t) topic->replication};
    enum status status =
        kafka_admin_topic_make(workspace.log, &spec, configs_of(&workspace.arena, &topic->configs),
                               topic->configs.count, error);
    engine_give_back(&workspace);
    return status;
}

static enum status change_topic(struct workspace *workspace,
                                const char *topic,
                                const struct console_topic_change *change,
                                struct error *error)
{
    int32_t count;
    struct log_partition *partitions;
    TRY(kafka_tools_partitions(workspace, topic, &workspace->arena, &partitions, &count, error));
    if (change->partitions != 0 && change->partitions < count) {
        (void) error_set(error, STATUS_USAGE, "topic \"%s\" has %d partitions", topic, (int) count);
        error_hint(error, "partitions can be added, never taken away");
        return STATUS_USAGE;
    }
    if (change->configs.count > 0) {
        TRY(kafka_admin_topic_change(workspace->log, topic,
                                     configs_of(&workspace->arena, &change->configs),
                                     change->configs.count, error));
    }
    if (change->partitions > count) {
        const struct topic_spec spec = {.name = topic, .partitions = (int32_t) change->partitions};
        return workspace->log_ops->topic_ensure(workspace->log, &spec, &count, error);
    }
    return STATUS_OK;
}

enum status engine_topic_change(void *context,
                                const char *topic,
                                const struct console_topic_change *change,
                                struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = change_topic(&workspace, topic, change, error);
    engine_give_back(&workspace);
    return status;
}

/* One that a pipeline of this leat reads or fills stays: it would be made again, empty, and the
 * pipeline's offsets would point behind its end. */
struct topic_use {
    const char *topic;
    char pipeline[256]; /* "": none */
};

static void find_use(struct engine *engine, void *argument)
{
    struct topic_use *use = argument;
    for (size_t i = 0; i < engine->topic_count; i++) {
        struct engine_topic_view view;
        engine_topic_view(engine, i, &view);
        if (strcmp(view.topic, use->topic) == 0) {
            (void) snprintf(use->pipeline, sizeof(use->pipeline), "%s", view.pipeline);
        }
    }
}

enum status engine_topic_delete(void *context, const char *topic, struct error *error)
{
    struct engine *engine = context;
    struct topic_use use = {.topic = topic};
    TRY(engine_ask(engine, find_use, &use, 2 * INT64_C(1000000), error));
    if (use.pipeline[0] != '\0') {
        (void) error_set(error, STATUS_CONFLICT, "pipeline \"%s\" uses topic \"%s\"", use.pipeline,
                         topic);
        error_hint(error, "stop the pipeline first");
        return STATUS_CONFLICT;
    }
    return kafka_admin_topic_delete(engine->log, topic, error);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static enum status
hex_value(const char *text, struct arena *arena, struct slice *ret_value, struct error *error)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *bytes = arena_alloc(arena, strlen(text) / 2 + 1);
    size_t count = 0; /* of digits */
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(" \n\r\t", *at) != NULL) {
            continue;
        }
        const char *digit = strchr(digits, *at >= 'A' && *at <= 'F' ? *at + 32 : *at);
        if (digit == NULL) {
            return error_set(error, STATUS_DATA, "\"%c\" is no hexadecimal digit", *at);
        }
        uint8_t value = (uint8_t) (digit - digits);
        bytes[count / 2] = (uint8_t) (count % 2 == 0 ? value << 4 : bytes[count / 2] | value);
        count++;
    }
    if (count % 2 != 0) {
        return error_set(error, STATUS_DATA, "an odd number of hexadecimal digits");
    }
    *ret_value = slice_of(bytes, count / 2);
    return STATUS_OK;
}

static enum status avro_value(struct workspace *workspace,
                              const char *topic,
                              const struct json_document *document,
                              struct buffer *target,
                              struct error *error)
{
    struct schema_version version;
    const struct avro_schema *schema;
    struct drift drift;
    const char *subject = arena_printf(&workspace->arena, "%s-value", topic);
    TRY(workspace->schemas_ops->latest(workspace->schemas, subject, &workspace->arena, &version,
                                       error));
    TRY(avro_schema_parse(slice_of_string(version.text), &workspace->arena, &schema, error));
    buffer_append_byte(target, 0);
    buffer_append_be32(target, (uint32_t) version.id);
    enum status status = avro_encode_json(schema, document, 0, true, target, &drift, error);
    avro_schema_release(schema);
    return status;
}

static enum status value_of(struct workspace *workspace,
                            const char *topic,
                            const struct console_produce *record,
                            struct buffer *room,
                            struct slice *ret_value,
                            struct error *error)
{
    *ret_value = slice_of_string(record->value);
    if (record->format == CONSOLE_VALUE_NULL) {
        *ret_value = SLICE_EMPTY;
        return STATUS_OK;
    }
    if (record->format == CONSOLE_VALUE_HEX) {
        return hex_value(record->value, &workspace->arena, ret_value, error);
    }
    if (record->format == CONSOLE_VALUE_TEXT) {
        return STATUS_OK;
    }
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, *ret_value, 0, error);
    if (status == STATUS_OK && record->format == CONSOLE_VALUE_AVRO) {
        status = avro_value(workspace, topic, &document, room, error);
        *ret_value = buffer_slice(room);
    }
    json_document_deinit(&document);
    return status;
}

static enum status write_record(struct workspace *workspace,
                                const char *topic,
                                const struct console_produce *record,
                                struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer room = BUFFER_INIT;
    struct log_out out = {.key = slice_of_string(record->key),
                          .timestamp_ms = clock_now_us() / 1000};
    struct log_partition *partitions;
    struct log_writer *writer;
    int32_t count;
    TRY(kafka_tools_partitions(workspace, topic, &workspace->arena, &partitions, &count, error));
    TRY(value_of(workspace, topic, record, &room, &out.value, error));
    TRY(workspace->log_ops->writer_open(workspace->log, topic, "leat-console", LOG_GAPLESS, &writer,
                                        error));
    enum status status = workspace->log_ops->writer_send(writer, &out, 1, error);
    workspace->log_ops->writer_close(writer);
    return status;
}

enum status engine_produce(void *context,
                           const char *topic,
                           const struct console_produce *record,
                           struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = write_record(&workspace, topic, record, error);
    engine_give_back(&workspace);
    return status;
}
