#include "connectors/kafka/kafka_admin.h"
#include "connectors/kafka/kafka_internal.h"

#include <stdio.h>
#include <string.h>

enum status kafka_admin_topics(struct log_client *log,
                               struct arena *arena,
                               struct kafka_topic **ret_topics,
                               size_t *ret_count,
                               struct error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(log->handle->rd, 1, NULL, &metadata, KAFKA_REQUEST_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(log->handle, code, error, "could not list the topics of \"%s\"",
                           log->address);
    }
    size_t count = (size_t) metadata->topic_cnt;
    struct kafka_topic *topics = ARENA_ARRAY(arena, struct kafka_topic, count);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
        topics[i].name = arena_strdup(arena, topic->topic);
        topics[i].partitions = topic->partition_cnt;
        topics[i].replication = topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : 0;
    }
    rd_kafka_metadata_destroy(metadata);
    *ret_topics = topics;
    *ret_count = count;
    return STATUS_OK;
}

enum status
kafka_admin_topic_create(struct log_client *log, const struct topic_spec *spec, struct error *error)
{
    int32_t partitions;
    enum status status = kafka_partition_count(log, spec->name, &partitions, error);
    if (status == STATUS_OK) {
        return error_set(error, STATUS_CONFLICT, "topic \"%s\" exists already, with %d partitions",
                         spec->name, (int) partitions);
    }
    return status == STATUS_NOT_FOUND ? kafka_topic_ensure(log, spec, &partitions, error) : status;
}

enum status kafka_admin_topic_delete(struct log_client *log, const char *topic, struct error *error)
{
    int32_t partitions;
    char what[320];
    TRY(kafka_partition_count(log, topic, &partitions, error));
    (void) snprintf(what, sizeof(what), "delete topic \"%s\"", topic);
    rd_kafka_DeleteTopic_t *request = rd_kafka_DeleteTopic_new(topic);
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_DeleteTopics(log->handle->rd, &request, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_topic_result_t **results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(admin.event), &count);
        status = kafka_topic_outcome(log, results, count, what, error);
    }
    kafka_request_deinit(&admin);
    rd_kafka_DeleteTopic_destroy(request);
    return status;
}

static void take_configs(const rd_kafka_ConfigResource_t *resource,
                         struct arena *arena,
                         struct kafka_config **ret_configs,
                         size_t *ret_count)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    struct kafka_config *configs = ARENA_ARRAY(arena, struct kafka_config, count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        configs[i].name = arena_strdup(arena, rd_kafka_ConfigEntry_name(entries[i]));
        configs[i].value = value == NULL ? NULL : arena_strdup(arena, value);
        configs[i].is_default = rd_kafka_ConfigEntry_is_default(entries[i]) == 1;
        configs[i].is_own =
            rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
    }
    *ret_configs = configs;
    *ret_count = count;
}

enum status kafka_admin_topic_configs(struct log_client *log,
                                      const char *topic,
                                      struct arena *arena,
                                      struct kafka_config **ret_configs,
                                      size_t *ret_count,
                                      struct error *error)
{
    char what[320];
    (void) snprintf(what, sizeof(what), "read the settings of topic \"%s\"", topic);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(log->handle->rd, &resource, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_ConfigResource_t **results = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(admin.event), &count);
        rd_kafka_resp_err_t code = count == 0 ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                                              : rd_kafka_ConfigResource_error(results[0]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            status = kafka_error(log->handle, code, error, "could not %s", what);
        } else {
            take_configs(results[0], arena, ret_configs, ret_count);
        }
    }
    kafka_request_deinit(&admin);
    rd_kafka_ConfigResource_destroy(resource);
    return status;
}

/* ---- settings by name -------------------------------------------------------------------------
 */

static enum status make_request(struct log_client *log,
                                const struct topic_spec *spec,
                                const struct kafka_config *configs,
                                size_t config_count,
                                const char *what,
                                struct error *error)
{
    char reason[256] = "";
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        spec->name, spec->partitions == 0 ? -1 : spec->partitions,
        spec->replication == 0 ? -1 : spec->replication, reason, sizeof(reason));
    if (topic == NULL) {
        return error_set(error, STATUS_CONFIG, "cannot %s: %s", what, reason);
    }
    for (size_t i = 0; i < config_count; i++) {
        rd_kafka_NewTopic_set_config(topic, configs[i].name, configs[i].value);
    }
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(log->handle->rd, &topic, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(admin.event), &count);
        status = kafka_topic_outcome(log, results, count, what, error);
    }
    kafka_request_deinit(&admin);
    rd_kafka_NewTopic_destroy(topic);
    return status;
}

enum status kafka_admin_topic_make(struct log_client *log,
                                   const struct topic_spec *spec,
                                   const struct kafka_config *configs,
                                   size_t count,
                                   struct error *error)
{
    int32_t partitions;
    char what[320];
    (void) snprintf(what, sizeof(what), "make topic \"%s\"", spec->name);
    enum status status = kafka_partition_count(log, spec->name, &partitions, error);
    if (status == STATUS_OK) {
        return error_set(error, STATUS_CONFLICT, "topic \"%s\" exists already, with %d partitions",
                         spec->name, (int) partitions);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(make_request(log, spec, configs, count, what, error));
    return kafka_topic_ensure(log, spec, &partitions, error); /* until its leaders serve it */
}

static const struct kafka_config *
config_find(const struct kafka_config *configs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(configs[i].name, name) == 0) {
            return &configs[i];
        }
    }
    return NULL;
}

/* AlterConfigs replaces all settings of a topic: those that are set already are sent again. (Its
 * successor, which does not, came with librdkafka 2.2.) */
enum status kafka_admin_topic_change(struct log_client *log,
                                     const char *topic,
                                     const struct kafka_config *configs,
                                     size_t count,
                                     struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct kafka_config *present;
    size_t present_count;
    char what[320];
    arena_init(&arena, 0);
    (void) snprintf(what, sizeof(what), "change the settings of topic \"%s\"", topic);
    TRY(kafka_admin_topic_configs(log, topic, &arena, &present, &present_count, error));
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    for (size_t i = 0; i < present_count; i++) {
        if (present[i].is_own && present[i].value != NULL &&
            config_find(configs, count, present[i].name) == NULL) {
            rd_kafka_ConfigResource_set_config(resource, present[i].name, present[i].value);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (configs[i].value[0] != '\0') {
            rd_kafka_ConfigResource_set_config(resource, configs[i].name, configs[i].value);
        }
    }
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_AlterConfigs(log->handle->rd, &resource, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t results;
        const rd_kafka_ConfigResource_t **changed = rd_kafka_AlterConfigs_result_resources(
            rd_kafka_event_AlterConfigs_result(admin.event), &results);
        rd_kafka_resp_err_t code = results == 0 ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                                                : rd_kafka_ConfigResource_error(changed[0]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const char *reason = rd_kafka_ConfigResource_error_string(changed[0]);
            status = kafka_error(log->handle, code, error, "cannot %s: %s", what,
                                 reason == NULL ? "refused" : reason);
        }
    }
    kafka_request_deinit(&admin);
    rd_kafka_ConfigResource_destroy(resource);
    return status;
}
