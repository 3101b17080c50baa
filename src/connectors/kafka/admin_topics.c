#include "connectors/kafka/kafka_admin.h"
#include "connectors/kafka/kafka_internal.h"

#include <stdio.h>

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
