#include "broker/configs.h"

#include "base/memory.h"
#include "broker/broker_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    RESOURCE_TOPIC = 2,
    RESOURCE_BROKER = 4
};

/* Of IncrementalAlterConfigs. */
enum {
    OPERATION_SET,
    OPERATION_DELETE,
    OPERATION_APPEND,
    OPERATION_SUBTRACT
};

int16_t config_read(struct topic_settings *settings,
                    struct slice name,
                    struct slice value,
                    struct error *error)
{
    int index = topic_setting_find(name);
    if (index < 0) {
        (void) error_set(error, STATUS_CONFIG, "a topic has no setting \"%.*s\"",
                         SLICE_FORMAT(name));
        return KAFKA_INVALID_CONFIG;
    }
    int count;
    const struct topic_setting *table = topic_setting_all(&count);
    if (value.data == NULL) {
        topic_settings_set(settings, index, NULL);
        return KAFKA_NONE;
    }
    if (topic_setting_check(&table[index], value, error) != STATUS_OK) {
        return KAFKA_INVALID_CONFIG;
    }
    char *text = mem_printf("%.*s", SLICE_FORMAT(value));
    topic_settings_set(settings, index, text);
    mem_free(text);
    return KAFKA_NONE;
}

/* --- DescribeConfigs --- */

static bool asked_for(const struct describe_configs_request_resource *resource, const char *name)
{
    for (int32_t i = 0; i < resource->configuration_keys_count; i++) {
        if (slice_equal_string(resource->configuration_keys[i], name)) {
            return true;
        }
    }
    /* Null is all; an empty list too, as old clients mean it. */
    return resource->configuration_keys_count <= 0;
}

static void add_synonym(struct describe_configs_response_config *config,
                        const char *name,
                        struct slice value,
                        int8_t source)
{
    config->synonyms[config->synonyms_count++] = (struct describe_configs_response_synonym){
        .name = slice_of_string(name), .value = value, .source = source};
}

static void describe_setting(struct request *request,
                             const struct topic *topic,
                             int index,
                             struct describe_configs_response_config *ret_config)
{
    const struct describe_configs_request *body = request->body;
    const struct partition_log_config *defaults = topics_log_defaults(request->broker->topics);
    static const struct topic_settings none;
    int count;
    const struct topic_setting *setting = &topic_setting_all(&count)[index];
    char room[SETTING_TEXT_BYTES];
    bool own = topic->settings.values[index] != NULL;
    struct slice fallback =
        request_text(request, topic_setting_value(&none, defaults, index, room));
    *ret_config = (struct describe_configs_response_config){
        .name = slice_of_string(setting->name),
        .value = own ? request_text(request, topic->settings.values[index]) : fallback,
        .config_source = own ? CONFIG_SOURCE_TOPIC : CONFIG_SOURCE_DEFAULT,
        .config_type = (int8_t) setting->type,
        .synonyms = REQUEST_ARRAY(request, struct describe_configs_response_synonym, 2),
    };
    if (body->include_documentation) {
        ret_config->documentation = slice_of_string(setting->help);
    }
    if (body->include_synonyms && own) {
        add_synonym(ret_config, setting->name, ret_config->value, CONFIG_SOURCE_TOPIC);
    }
    if (body->include_synonyms) {
        add_synonym(ret_config, setting->name, fallback, CONFIG_SOURCE_DEFAULT);
    }
}

static void describe_topic(struct request *request,
                           const struct describe_configs_request_resource *asked,
                           struct describe_configs_response_result *result)
{
    const struct topic *topic = topics_find(request->broker->topics, asked->resource_name);
    if (topic == NULL) {
        result->error_code = topic_name_ok(asked->resource_name) ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                                                 : KAFKA_INVALID_TOPIC;
        return;
    }
    int count;
    const struct topic_setting *table = topic_setting_all(&count);
    result->configs = REQUEST_ARRAY(request, struct describe_configs_response_config, count);
    for (int i = 0; i < count; i++) {
        if (asked_for(asked, table[i].name)) {
            describe_setting(request, topic, i, &result->configs[result->configs_count++]);
        }
    }
}

static void add_broker_config(struct request *request,
                              const struct describe_configs_request_resource *asked,
                              struct describe_configs_response_result *result,
                              const char *name,
                              enum setting_type type,
                              char *value)
{
    const struct describe_configs_request *body = request->body;
    if (!asked_for(asked, name)) {
        return;
    }
    struct describe_configs_response_config *config = &result->configs[result->configs_count++];
    *config = (struct describe_configs_response_config){
        .name = slice_of_string(name),
        .value = slice_of_string(value),
        .read_only = true,
        .config_source = CONFIG_SOURCE_STATIC_BROKER,
        .config_type = (int8_t) type,
        .synonyms = REQUEST_ARRAY(request, struct describe_configs_response_synonym, 1),
    };
    if (body->include_synonyms) {
        add_synonym(config, name, config->value, CONFIG_SOURCE_STATIC_BROKER);
    }
}

/* What tools look for; changed only by whoever starts the broker. */
static void describe_broker(struct request *request,
                            const struct describe_configs_request_resource *asked,
                            struct describe_configs_response_result *result)
{
    const struct broker_config *config = &request->broker->config;
    char node[16];
    (void) snprintf(node, sizeof(node), "%d", config->node_id);
    if (!slice_equal_string(asked->resource_name, node) && asked->resource_name.size > 0) {
        result->error_code = KAFKA_INVALID_REQUEST;
        result->error_message =
            slice_of_string(arena_printf(request->arena, "this is broker %s", node));
        return;
    }
    struct arena *arena = request->arena;

    const struct {
        const char *name;
        enum setting_type type;
        char *value;
    } rows[] = {
        {"advertised.listeners", SETTING_STRING,
         arena_printf(arena, "PLAINTEXT://%s:%d", config->advertised_host,
                      config->advertised_port)},
        {"auto.create.topics.enable", SETTING_BOOLEAN,
         arena_printf(arena, "%s", config->auto_create ? "true" : "false")},
        {"broker.id", SETTING_INT, arena_printf(arena, "%s", node)},
        {"connections.max.idle.ms", SETTING_LONG,
         arena_printf(arena, "%" PRId64, config->connection_idle_us / 1000)},
        {"default.replication.factor", SETTING_INT, arena_printf(arena, "1")},
        {"group.initial.rebalance.delay.ms", SETTING_INT,
         arena_printf(arena, "%" PRId64, config->group_initial_rebalance_delay_us / 1000)},
        {"log.dirs", SETTING_STRING, arena_printf(arena, "%s", config->directory)},
        {"log.retention.bytes", SETTING_LONG,
         arena_printf(arena, "%" PRId64, config->retention_bytes)},
        {"log.retention.ms", SETTING_LONG,
         arena_printf(arena, "%" PRId64,
                      config->retention_us < 0 ? -1 : config->retention_us / 1000)},
        {"log.segment.bytes", SETTING_INT, arena_printf(arena, "%" PRId64, config->segment_bytes)},
        {"message.max.bytes", SETTING_INT,
         arena_printf(arena, "%" PRId64, config->message_bytes_max)},
        {"num.partitions", SETTING_INT, arena_printf(arena, "%d", config->partitions_default)},
        {"offsets.retention.minutes", SETTING_INT,
         arena_printf(arena, "%" PRId64, config->offsets_retention_us / 60000000)},
        {"socket.request.max.bytes", SETTING_INT,
         arena_printf(arena, "%zu", config->request_bytes_max)},
    };

    result->configs =
        REQUEST_ARRAY(request, struct describe_configs_response_config, ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        add_broker_config(request, asked, result, rows[i].name, rows[i].type, rows[i].value);
    }
}

void describe_configs_handle(struct request *request)
{
    const struct describe_configs_request *body = request->body;
    struct describe_configs_response *response = request->response;
    response->results_count = body->resources_count;
    response->results =
        REQUEST_ARRAY(request, struct describe_configs_response_result, body->resources_count);
    for (int32_t i = 0; i < body->resources_count; i++) {
        const struct describe_configs_request_resource *asked = &body->resources[i];
        struct describe_configs_response_result *result = &response->results[i];
        result->resource_type = asked->resource_type;
        result->resource_name = asked->resource_name;
        if (asked->resource_type == RESOURCE_TOPIC) {
            describe_topic(request, asked, result);
        } else if (asked->resource_type == RESOURCE_BROKER) {
            describe_broker(request, asked, result);
        } else {
            result->error_code = KAFKA_INVALID_REQUEST;
            result->error_message = SLICE("only topics and brokers have settings here");
        }
    }
    request_answer(request);
}

/* --- changing --- */

/* One resource of either request; the two answers have the same layout. */
struct alter_call {
    struct request *request;
    int32_t pending;
};

struct alter_one {
    struct alter_call *call;
    int16_t *error_code;
    struct slice *error_message;
};

static void answer_when_ready(struct alter_call *call)
{
    if (--call->pending == 0) {
        request_answer(call->request);
    }
}

static void
on_configured(void *context, int16_t kafka_error, const char *message, struct topic *topic)
{
    (void) topic;
    struct alter_one *one = context;
    *one->error_code = kafka_error;
    *one->error_message = request_text(one->call->request, message);
    answer_when_ready(one->call);
}

/* Applies the settings to the topic, unless something is wrong with them or it is only a test. */
static void alter_topic(const struct alter_one *wanted,
                        struct topic *topic,
                        const struct topic_settings *settings,
                        int16_t refused,
                        const char *reason,
                        bool validate_only)
{
    struct request *request = wanted->call->request;
    *wanted->error_code = refused;
    if (refused != KAFKA_NONE) {
        *wanted->error_message = request_text(request, reason);
    } else if (!validate_only) {
        struct alter_one *one = REQUEST_NEW(request, struct alter_one);
        *one = *wanted;
        one->call->pending++;
        topics_configure(request->broker->topics, topic, settings, on_configured, one);
    }
}

static int16_t find_resource(const struct request *request,
                             int8_t type,
                             struct slice name,
                             struct topic **ret_topic,
                             struct error *error)
{
    *ret_topic = NULL;
    if (type != RESOURCE_TOPIC) {
        (void) error_set(error, STATUS_CONFIG,
                         "only a topic's settings can be changed while the broker runs");
        return KAFKA_INVALID_REQUEST;
    }
    *ret_topic = topics_find(request->broker->topics, name);
    return *ret_topic == NULL ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_NONE;
}

/* AlterConfigs replaces all settings of a topic. */
void alter_configs_handle(struct request *request)
{
    const struct alter_configs_request *body = request->body;
    struct alter_configs_response *response = request->response;
    struct alter_call *call = REQUEST_NEW(request, struct alter_call);
    *call = (struct alter_call){request, 1};
    response->results_count = body->resources_count;
    response->results =
        REQUEST_ARRAY(request, struct alter_configs_response_result, body->resources_count);
    for (int32_t i = 0; i < body->resources_count; i++) {
        const struct alter_configs_request_resource *asked = &body->resources[i];
        struct alter_configs_response_result *result = &response->results[i];
        struct topic_settings settings = {0};
        struct topic *topic;
        struct error error = {0};
        result->resource_type = asked->resource_type;
        result->resource_name = asked->resource_name;
        int16_t refused =
            find_resource(request, asked->resource_type, asked->resource_name, &topic, &error);
        for (int32_t j = 0; refused == KAFKA_NONE && j < asked->configs_count; j++) {
            refused =
                config_read(&settings, asked->configs[j].name, asked->configs[j].value, &error);
        }
        struct alter_one one = {call, &result->error_code, &result->error_message};
        alter_topic(&one, topic, &settings, refused, error.message, body->validate_only);
        topic_settings_deinit(&settings);
    }
    answer_when_ready(call);
}

static bool list_has(struct slice list, struct slice word)
{
    for (size_t at = 0; at <= list.size;) {
        const uint8_t *comma = at < list.size ? memchr(list.data + at, ',', list.size - at) : NULL;
        size_t end = comma == NULL ? list.size : (size_t) (comma - list.data);
        if (slice_equal(slice_of(list.data + at, end - at), word)) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

/* `from` with the words of `words` taken out, and those of them that are new put at the end. */
static struct slice
edit_list(struct request *request, struct slice from, struct slice words, bool append)
{
    struct slice sources[2] = {from, append ? words : SLICE_EMPTY};
    struct buffer edited = BUFFER_INIT;
    for (int i = 0; i < 2; i++) {
        struct slice source = sources[i];
        for (size_t at = 0; at < source.size;) {
            const uint8_t *comma = memchr(source.data + at, ',', source.size - at);
            size_t end = comma == NULL ? source.size : (size_t) (comma - source.data);
            struct slice word = slice_of(source.data + at, end - at);
            bool wanted = append ? !list_has(buffer_slice(&edited), word) : !list_has(words, word);
            if (word.size > 0 && wanted) {
                buffer_append_string(&edited, edited.size > 0 ? "," : "");
                buffer_append_slice(&edited, word);
            }
            at = end + 1;
        }
    }
    struct slice result = arena_copy(request->arena, buffer_slice(&edited));
    buffer_deinit(&edited);
    return result;
}

static int16_t change_one(struct request *request,
                          struct topic_settings *settings,
                          const struct incremental_alter_configs_request_config *change,
                          struct error *error)
{
    struct slice value = change->value;
    int index = topic_setting_find(change->name);
    int count;
    const struct topic_setting *table = topic_setting_all(&count);
    switch (change->operation) {
    case OPERATION_DELETE:
        value = SLICE_EMPTY;
        break;
    case OPERATION_SET:
        break;
    case OPERATION_APPEND:
    case OPERATION_SUBTRACT:
        if (index >= 0 && table[index].type != SETTING_LIST) {
            (void) error_set(error, STATUS_CONFIG, "%s is not a list", table[index].name);
            return KAFKA_INVALID_CONFIG;
        }
        if (index >= 0) {
            const char *now = settings->values[index];
            value = edit_list(request, slice_of_string(now == NULL ? table[index].fallback : now),
                              change->value, change->operation == OPERATION_APPEND);
        }
        break;
    default:
        (void) error_set(error, STATUS_CONFIG, "operation %d is unknown", change->operation);
        return KAFKA_INVALID_REQUEST;
    }
    if (change->operation != OPERATION_DELETE && change->value.data == NULL) {
        (void) error_set(error, STATUS_CONFIG, "\"%.*s\" lacks a value",
                         SLICE_FORMAT(change->name));
        return KAFKA_INVALID_REQUEST;
    }
    return config_read(settings, change->name, value, error);
}

void incremental_alter_configs_handle(struct request *request)
{
    const struct incremental_alter_configs_request *body = request->body;
    struct incremental_alter_configs_response *response = request->response;
    struct alter_call *call = REQUEST_NEW(request, struct alter_call);
    *call = (struct alter_call){request, 1};
    response->results_count = body->resources_count;
    response->results = REQUEST_ARRAY(request, struct incremental_alter_configs_response_result,
                                      body->resources_count);
    for (int32_t i = 0; i < body->resources_count; i++) {
        const struct incremental_alter_configs_request_resource *asked = &body->resources[i];
        struct incremental_alter_configs_response_result *result = &response->results[i];
        struct topic_settings settings = {0};
        struct topic *topic;
        struct error error = {0};
        result->resource_type = asked->resource_type;
        result->resource_name = asked->resource_name;
        int16_t refused =
            find_resource(request, asked->resource_type, asked->resource_name, &topic, &error);
        if (topic != NULL) {
            topic_settings_copy(&settings, &topic->settings);
        }
        for (int32_t j = 0; refused == KAFKA_NONE && j < asked->configs_count; j++) {
            refused = change_one(request, &settings, &asked->configs[j], &error);
        }
        struct alter_one one = {call, &result->error_code, &result->error_message};
        alter_topic(&one, topic, &settings, refused, error.message, body->validate_only);
        topic_settings_deinit(&settings);
    }
    answer_when_ready(call);
}
