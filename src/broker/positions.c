#include "broker/positions.h"

#include "base/logline.h"
#include "broker/broker_internal.h"

/* Timestamps with a meaning of their own. */
enum {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_MAX = -3,            /* from version 7 */
    TIME_EARLIEST_LOCAL = -4, /* from version 8 */
    TIME_LATEST_TIERED = -5,  /* from version 9 */
};

static int16_t check_epoch(int32_t asked, const struct log_offsets *offsets)
{
    if (asked < 0 || asked == offsets->leader_epoch) {
        return KAFKA_NONE;
    }
    return asked < offsets->leader_epoch ? KAFKA_FENCED_LEADER_EPOCH : KAFKA_UNKNOWN_LEADER_EPOCH;
}

static int16_t storage_error(const struct partition *partition, struct error *error)
{
    error_context(error, "topic \"%s\" partition %d", partition->topic->name, partition->index);
    logline_error(LOG_ERROR, "broker", error);
    return error->status == STATUS_CORRUPT ? KAFKA_CORRUPT_MESSAGE : KAFKA_STORAGE_ERROR;
}

/* --- ListOffsets --- */

static void find_by_time(struct partition *partition,
                         int64_t timestamp_ms,
                         struct list_offsets_response_partition *response)
{
    struct error error = {0};
    if (partition_log_find_time(partition->log, timestamp_ms, &response->offset,
                                &response->timestamp, &error) != STATUS_OK) {
        response->error_code = storage_error(partition, &error);
    }
}

static void find_latest_time(struct partition *partition,
                             struct list_offsets_response_partition *response)
{
    struct error error = {0};
    if (partition_log_find_max_time(partition->log, &response->offset, &response->timestamp,
                                    &error) != STATUS_OK) {
        response->error_code = storage_error(partition, &error);
    }
}

static int16_t first_version_of(int64_t timestamp)
{
    return timestamp == TIME_MAX              ? 7
           : timestamp == TIME_EARLIEST_LOCAL ? 8
           : timestamp == TIME_LATEST_TIERED  ? 9
                                              : 0;
}

static void list_one(const struct request *request,
                     struct slice topic,
                     const struct list_offsets_request_partition *asked,
                     struct list_offsets_response_partition *response)
{
    const struct list_offsets_request *body = request->body;
    *response = (struct list_offsets_response_partition){
        .index = asked->index, .timestamp = -1, .offset = -1, .leader_epoch = -1};
    struct partition *partition = topics_partition(request->broker->topics, topic, asked->index);
    if (partition == NULL) {
        response->error_code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    struct log_offsets offsets;
    partition_log_offsets(partition->log, &offsets);
    response->error_code = check_epoch(asked->current_leader_epoch, &offsets);
    if (response->error_code != KAFKA_NONE) {
        return;
    }
    response->leader_epoch = offsets.leader_epoch;
    if (asked->timestamp < TIME_LATEST_TIERED ||
        request->version < first_version_of(asked->timestamp)) {
        response->error_code = KAFKA_UNSUPPORTED_VERSION;
        return;
    }
    switch (asked->timestamp) {
    case TIME_LATEST:
        response->offset =
            body->isolation_level == 1 ? offsets.last_stable : offsets.high_watermark;
        return;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL:
        response->offset = offsets.log_start;
        return;
    case TIME_MAX:
        find_latest_time(partition, response);
        return;
    case TIME_LATEST_TIERED:
        response->leader_epoch = -1;
        return;
    default:
        find_by_time(partition, asked->timestamp, response);
    }
}

void list_offsets_handle(struct request *request)
{
    const struct list_offsets_request *body = request->body;
    struct list_offsets_response *response = request->response;
    response->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct list_offsets_response_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct list_offsets_request_topic *asked = &body->topics[i];
        struct list_offsets_response_topic *topic = &response->topics[i];
        topic->name = asked->name;
        topic->partitions_count = asked->partitions_count;
        topic->partitions =
            REQUEST_ARRAY(request, struct list_offsets_response_partition, asked->partitions_count);
        for (int32_t j = 0; j < asked->partitions_count; j++) {
            list_one(request, asked->name, &asked->partitions[j], &topic->partitions[j]);
        }
    }
    request_answer(request);
}

/* --- OffsetForLeaderEpoch --- */

static void epoch_of_one(const struct request *request,
                         struct slice topic,
                         const struct offset_for_leader_epoch_request_partition *asked,
                         struct offset_for_leader_epoch_response_partition *response)
{
    *response = (struct offset_for_leader_epoch_response_partition){
        .index = asked->index, .leader_epoch = -1, .end_offset = -1};
    struct partition *partition = topics_partition(request->broker->topics, topic, asked->index);
    if (partition == NULL) {
        response->error_code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    struct log_offsets offsets;
    partition_log_offsets(partition->log, &offsets);
    response->error_code = check_epoch(asked->current_leader_epoch, &offsets);
    if (response->error_code == KAFKA_NONE) {
        partition_log_epoch_end(partition->log, asked->leader_epoch, &response->leader_epoch,
                                &response->end_offset);
    }
}

void offset_for_leader_epoch_handle(struct request *request)
{
    const struct offset_for_leader_epoch_request *body = request->body;
    struct offset_for_leader_epoch_response *response = request->response;
    response->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct offset_for_leader_epoch_response_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct offset_for_leader_epoch_request_topic *asked = &body->topics[i];
        struct offset_for_leader_epoch_response_topic *topic = &response->topics[i];
        topic->name = asked->name;
        topic->partitions_count = asked->partitions_count;
        topic->partitions = REQUEST_ARRAY(
            request, struct offset_for_leader_epoch_response_partition, asked->partitions_count);
        for (int32_t j = 0; j < asked->partitions_count; j++) {
            epoch_of_one(request, asked->name, &asked->partitions[j], &topic->partitions[j]);
        }
    }
    request_answer(request);
}

/* --- DeleteRecords --- */

static void delete_one(const struct request *request,
                       struct slice topic,
                       const struct delete_records_request_partition *asked,
                       struct delete_records_response_partition *response)
{
    *response =
        (struct delete_records_response_partition){.index = asked->index, .low_watermark = -1};
    struct partition *partition = topics_partition(request->broker->topics, topic, asked->index);
    if (partition == NULL) {
        response->error_code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    struct log_offsets offsets;
    partition_log_offsets(partition->log, &offsets);
    if (asked->offset < -1 || asked->offset > offsets.high_watermark) {
        response->error_code = KAFKA_OFFSET_OUT_OF_RANGE;
        return;
    }
    struct error error = {0};
    if (partition_log_delete_records(partition->log, asked->offset, &response->low_watermark,
                                     &error) != STATUS_OK) {
        response->low_watermark = -1;
        response->error_code = storage_error(partition, &error);
    }
}

void delete_records_handle(struct request *request)
{
    const struct delete_records_request *body = request->body;
    struct delete_records_response *response = request->response;
    response->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct delete_records_response_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct delete_records_request_topic *asked = &body->topics[i];
        struct delete_records_response_topic *topic = &response->topics[i];
        topic->name = asked->name;
        topic->partitions_count = asked->partitions_count;
        topic->partitions = REQUEST_ARRAY(request, struct delete_records_response_partition,
                                          asked->partitions_count);
        for (int32_t j = 0; j < asked->partitions_count; j++) {
            delete_one(request, asked->name, &asked->partitions[j], &topic->partitions[j]);
        }
    }
    request_answer(request);
}
