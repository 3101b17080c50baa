#include "broker/fetch_read.h"

#include "base/logline.h"

struct partition *
fetch_find(const struct broker *broker, const struct fetch_plan *plan, struct fetch_item *item)
{
    struct topic *topic = plan->by_id ? topics_find_id(broker->topics, &item->topic_id)
                                      : topics_find(broker->topics, item->name);
    struct partition *partition = topic == NULL ? NULL : topic_partition(topic, item->wanted.index);
    if (partition == NULL) {
        item->found.error_code = plan->by_id && topic == NULL ? KAFKA_UNKNOWN_TOPIC_ID
                                                              : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    return partition;
}

static int16_t check_position(const struct fetch_request_partition *wanted,
                              const struct log_offsets *offsets)
{
    if (wanted->current_leader_epoch >= 0 && wanted->current_leader_epoch < offsets->leader_epoch) {
        return KAFKA_FENCED_LEADER_EPOCH;
    }
    if (wanted->current_leader_epoch > offsets->leader_epoch) {
        return KAFKA_UNKNOWN_LEADER_EPOCH;
    }
    if (wanted->fetch_offset < offsets->log_start ||
        wanted->fetch_offset > offsets->high_watermark) {
        return KAFKA_OFFSET_OUT_OF_RANGE;
    }
    return KAFKA_NONE;
}

static void read_records(struct request *request,
                         struct partition *partition,
                         struct fetch_item *item,
                         size_t bytes_max,
                         bool at_least_one)
{
    struct error error = {0};
    enum status status =
        partition_log_read(partition->log, item->wanted.fetch_offset, bytes_max, at_least_one,
                           request->arena, &item->found.records, &error);
    if (status == STATUS_NOT_FOUND) {
        item->found.error_code = KAFKA_OFFSET_OUT_OF_RANGE; /* retention was faster */
    } else if (status != STATUS_OK) {
        error_context(&error, "could not read topic \"%s\" partition %d", partition->topic->name,
                      partition->index);
        logline_error(LOG_ERROR, "broker", &error);
        item->found.error_code =
            status == STATUS_CORRUPT ? KAFKA_CORRUPT_MESSAGE : KAFKA_STORAGE_ERROR;
    }
    if (status != STATUS_OK || item->found.records.size == 0) {
        item->found.records = SLICE("");
    }
}

static void read_item(struct request *request,
                      const struct fetch_plan *plan,
                      struct fetch_item *item,
                      size_t bytes_left,
                      bool at_least_one)
{
    item->found = (struct fetch_response_partition){
        .index = item->wanted.index,
        .high_watermark = -1,
        .last_stable_offset = -1,
        .log_start_offset = -1,
        .preferred_read_replica = -1,
        .aborted_transactions_count = plan->committed_only ? 0 : -1,
        .records = SLICE(""),
    };
    struct partition *partition = fetch_find(request->broker, plan, item);
    if (partition == NULL) {
        return;
    }
    struct log_offsets offsets;
    partition_log_offsets(partition->log, &offsets);
    item->found.high_watermark = offsets.high_watermark;
    item->found.last_stable_offset = offsets.last_stable;
    item->found.log_start_offset = offsets.log_start;
    item->found.error_code = check_position(&item->wanted, &offsets);
    bool more = item->wanted.fetch_offset < offsets.high_watermark;
    if (item->found.error_code != KAFKA_NONE || !more || (bytes_left == 0 && !at_least_one)) {
        return;
    }
    int32_t own_max = item->wanted.max_bytes < 0 ? 0 : item->wanted.max_bytes;
    size_t bytes_max = (size_t) own_max < bytes_left ? (size_t) own_max : bytes_left;
    read_records(request, partition, item, bytes_max, at_least_one);
}

size_t fetch_read(struct request *request, struct fetch_plan *plan, bool *ret_failed)
{
    size_t total = 0;
    *ret_failed = false;
    for (int32_t i = 0; i < plan->count; i++) {
        struct fetch_item *item = &plan->items[i];
        size_t left = total < plan->bytes_max ? plan->bytes_max - total : 0;
        read_item(request, plan, item, left, total == 0);
        total += item->found.records.size;
        *ret_failed |= item->found.error_code != KAFKA_NONE;
    }
    return total;
}
