#include "base/assert.h"
#include "base/buffer.h"
#include "connectors/kafka/kafka_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define LEADER_ATTEMPTS     50
#define LEADER_PAUSE_MS     100
#define MAKE_AGAIN_ATTEMPTS 5

/* Looks the topic up by its name; `rd_kafka_metadata` wants a handle for that, which consumers may
 * make without making the topic. */
static enum status topic_metadata(struct log_client *log,
                                  const char *topic,
                                  const struct rd_kafka_metadata **ret_metadata,
                                  struct error *error)
{
    rd_kafka_t *rd = log->handle->rd;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rd, topic, NULL);
    if (handle == NULL) {
        return kafka_error(log->handle, rd_kafka_last_error(), error, "cannot use topic \"%s\"",
                           topic);
    }
    rd_kafka_resp_err_t code = rd_kafka_metadata(rd, 0, handle, ret_metadata, KAFKA_LOOK_MS);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(log->handle, code, error, "could not look up topic \"%s\" at \"%s\"",
                           topic, log->address);
    }
    return STATUS_OK;
}

enum status kafka_partition_count(struct log_client *log,
                                  const char *topic,
                                  int32_t *ret_count,
                                  struct error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    TRY(topic_metadata(log, topic, &metadata, error));
    ASSERT(metadata != NULL);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    int32_t count = 0;
    if (metadata->topic_cnt == 1) {
        code = metadata->topics[0].err;
        count = metadata->topics[0].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && count == 0) {
        code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(log->handle, code, error, "topic \"%s\"", topic);
    }
    *ret_count = count;
    return STATUS_OK;
}

static void set_number(rd_kafka_NewTopic_t *topic, const char *name, int64_t value)
{
    if (value != 0) {
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, value);
        rd_kafka_NewTopic_set_config(topic, name, text);
    }
}

static enum status
topic_create(struct log_client *log, const struct topic_spec *spec, struct error *error)
{
    char what[320];
    snprintf(what, sizeof(what), "make topic \"%s\"", spec->name);
    char reason[256] = "";
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        spec->name, spec->partitions == 0 ? -1 : spec->partitions,
        spec->replication == 0 ? -1 : spec->replication, reason, sizeof(reason));
    if (topic == NULL) {
        return error_set(error, STATUS_CONFIG, "log: cannot %s: %s", what, reason);
    }
    set_number(topic, "retention.ms", spec->retention_us < 0 ? -1 : spec->retention_us / 1000);
    set_number(topic, "retention.bytes", spec->retention_bytes);
    if (spec->compact) {
        rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
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

static enum status
topic_grow(struct log_client *log, const struct topic_spec *spec, struct error *error)
{
    char what[320];
    snprintf(what, sizeof(what), "grow topic \"%s\" to %d partitions", spec->name,
             (int) spec->partitions);
    char reason[256] = "";
    rd_kafka_NewPartitions_t *partitions =
        rd_kafka_NewPartitions_new(spec->name, (size_t) spec->partitions, reason, sizeof(reason));
    if (partitions == NULL) {
        return error_set(error, STATUS_CONFIG, "log: cannot %s: %s", what, reason);
    }
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
    rd_kafka_CreatePartitions(log->handle->rd, &partitions, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_topic_result_t **results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(admin.event), &count);
        status = kafka_topic_outcome(log, results, count, what, error);
    }
    kafka_request_deinit(&admin);
    rd_kafka_NewPartitions_destroy(partitions);
    return status;
}

enum status kafka_topic_ensure(struct log_client *log,
                               const struct topic_spec *spec,
                               int32_t *ret_partitions,
                               struct error *error)
{
    int32_t count = 0;
    enum status status = kafka_partition_count(log, spec->name, &count, error);
    if (status == STATUS_NOT_FOUND) {
        TRY(topic_create(log, spec, error));
        /* Made, but the broker that answers next may not have heard of it yet. Or it "existed
         * already", because one of that name is being deleted: then it must be made again. */
        for (int attempt = 1; attempt <= LEADER_ATTEMPTS; attempt++) {
            status = kafka_partition_count(log, spec->name, &count, error);
            if (status != STATUS_NOT_FOUND && status != STATUS_UNAVAILABLE) {
                break;
            }
            rd_kafka_poll(log->handle->rd, LEADER_PAUSE_MS);
            if (status == STATUS_NOT_FOUND && attempt % MAKE_AGAIN_ATTEMPTS == 0) {
                TRY(topic_create(log, spec, error));
            }
        }
    }
    TRY(status);
    if (count < spec->partitions) {
        TRY(topic_grow(log, spec, error));
        count = spec->partitions;
    }
    *ret_partitions = count;
    return STATUS_OK;
}

static bool leader_unsettled(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* The first error of the request or of one of its partitions. */
static rd_kafka_resp_err_t
ask_offsets(struct kafka_handle *handle, rd_kafka_topic_partition_list_t *list, int64_t where)
{
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = where;
    }
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(handle->rd, list, KAFKA_REQUEST_MS);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = list->elems[i].err;
    }
    return code;
}

/* A topic that was just made shows in the metadata before its leaders serve it, and a leader may
 * move at any time: such an answer is asked for again. */
static enum status offsets_at(struct kafka_handle *handle,
                              const char *topic,
                              rd_kafka_topic_partition_list_t *list,
                              int64_t where,
                              struct error *error)
{
    rd_kafka_resp_err_t code = ask_offsets(handle, list, where);
    for (int attempt = 1; attempt < LEADER_ATTEMPTS && leader_unsettled(code); attempt++) {
        rd_kafka_poll(handle->rd, LEADER_PAUSE_MS);
        code = ask_offsets(handle, list, where);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(handle, code, error, "could not read the offsets of topic \"%s\"",
                           topic);
    }
    return STATUS_OK;
}

enum status kafka_topic_offsets(struct log_client *log,
                                const char *topic,
                                struct arena *arena,
                                struct log_partition **ret_partitions,
                                int32_t *ret_count,
                                struct error *error)
{
    int32_t count = 0;
    TRY(kafka_partition_count(log, topic, &count, error));
    struct log_partition *partitions = ARENA_ARRAY(arena, struct log_partition, (size_t) count);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, topic, i);
    }
    /* The end first: what is removed in between then only makes a partition look empty. */
    enum status status = offsets_at(log->handle, topic, list, RD_KAFKA_OFFSET_END, error);
    for (int i = 0; i < list->cnt && status == STATUS_OK; i++) {
        partitions[list->elems[i].partition].high = list->elems[i].offset;
    }
    if (status == STATUS_OK) {
        status = offsets_at(log->handle, topic, list, RD_KAFKA_OFFSET_BEGINNING, error);
    }
    for (int i = 0; i < list->cnt && status == STATUS_OK; i++) {
        struct log_partition *partition = &partitions[list->elems[i].partition];
        partition->low = list->elems[i].offset;
        partition->high = partition->high < partition->low ? partition->low : partition->high;
    }
    rd_kafka_topic_partition_list_destroy(list);
    TRY(status);
    *ret_partitions = partitions;
    *ret_count = count;
    return STATUS_OK;
}

enum status kafka_topic_ends(struct log_client *log,
                             const char *topic,
                             struct arena *arena,
                             int64_t **ret_ends,
                             int32_t *ret_count,
                             struct error *error)
{
    static const char *const settings[] = {"isolation.level", "read_uncommitted", NULL};
    int32_t count = 0;
    struct kafka_handle *handle;
    TRY(kafka_partition_count(log, topic, &count, error));
    TRY(kafka_handle_new(log, RD_KAFKA_CONSUMER, "leat", settings, NULL, &handle, error));
    int64_t *ends = ARENA_ARRAY(arena, int64_t, (size_t) count);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, topic, i);
    }
    enum status status = offsets_at(handle, topic, list, RD_KAFKA_OFFSET_END, error);
    for (int i = 0; i < list->cnt && status == STATUS_OK; i++) {
        ends[list->elems[i].partition] = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    kafka_handle_free(handle);
    *ret_ends = ends;
    *ret_count = count;
    return status;
}
