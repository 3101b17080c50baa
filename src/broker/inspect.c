#include "broker/inspect.h"

#include "base/logline.h"
#include "broker/broker_internal.h"
#include "io/file.h"

#define NO_ACCESS_RULES "this broker has no access rules"

/* --- DescribeLogDirs --- */

static bool asked_for(const int32_t *partitions, int32_t count, int32_t index)
{
    for (int32_t i = 0; i < count; i++) {
        if (partitions[i] == index) {
            return true;
        }
    }
    return false;
}

/* `asked` NULL: all partitions. */
static void fill_topic(struct request *request,
                       const struct topic *topic,
                       const struct describe_log_dirs_request_topic *asked,
                       struct describe_log_dirs_response_topic *answer)
{
    answer->name = slice_of_string(topic->name);
    answer->partitions =
        REQUEST_ARRAY(request, struct describe_log_dirs_response_partition, topic->partition_count);
    for (int32_t i = 0; i < topic->partition_count; i++) {
        struct partition *partition = topic_partition(topic, i);
        bool wanted = asked == NULL || asked_for(asked->partitions, asked->partitions_count, i);
        if (partition == NULL || !wanted) {
            continue;
        }
        struct log_offsets offsets;
        partition_log_offsets(partition->log, &offsets);
        answer->partitions[answer->partitions_count++] =
            (struct describe_log_dirs_response_partition){.index = i, .size = offsets.size_bytes};
    }
}

static void fill_topics(struct request *request, struct describe_log_dirs_response_result *result)
{
    const struct describe_log_dirs_request *body = request->body;
    const struct topics *topics = request->broker->topics;
    bool all = body->topics_count == -1;
    size_t count = all ? topics_count(topics) : (size_t) body->topics_count;
    result->topics = REQUEST_ARRAY(request, struct describe_log_dirs_response_topic, count);
    const struct topic *topic;
    for (size_t at = 0; all && (topic = topics_next(topics, &at)) != NULL;) {
        fill_topic(request, topic, NULL, &result->topics[result->topics_count++]);
    }
    for (int32_t i = 0; i < body->topics_count; i++) {
        topic = topics_find(topics, body->topics[i].name);
        if (topic != NULL) {
            fill_topic(request, topic, &body->topics[i], &result->topics[result->topics_count++]);
        }
    }
}

void describe_log_dirs_handle(struct request *request)
{
    struct describe_log_dirs_response *response = request->response;
    response->results = REQUEST_NEW(request, struct describe_log_dirs_response_result);
    response->results_count = 1;
    struct describe_log_dirs_response_result *result = &response->results[0];
    result->log_dir = slice_of_string(request->broker->config.directory);
    result->total_bytes = -1;
    result->usable_bytes = -1;
    uint64_t free_bytes;
    uint64_t total_bytes;
    struct error error = {0};
    if (disk_space(request->broker->config.directory, &free_bytes, &total_bytes, &error) ==
        STATUS_OK) {
        result->total_bytes = (int64_t) total_bytes;
        result->usable_bytes = (int64_t) free_bytes;
    } else {
        logline_error(LOG_WARN, "broker", &error);
    }
    fill_topics(request, result);
    request_answer(request);
}

/* --- ListPartitionReassignments --- */

void list_partition_reassignments_handle(struct request *request)
{
    request_answer(request); /* an empty list: one broker has nowhere to move to */
}

/* --- access rules --- */

void describe_acls_handle(struct request *request)
{
    struct describe_acls_response *response = request->response;
    response->error_code = KAFKA_SECURITY_DISABLED;
    response->error_message = SLICE(NO_ACCESS_RULES);
    request_answer(request);
}

void create_acls_handle(struct request *request)
{
    const struct create_acls_request *body = request->body;
    struct create_acls_response *response = request->response;
    response->results_count = body->creations_count;
    response->results =
        REQUEST_ARRAY(request, struct create_acls_response_result, body->creations_count);
    for (int32_t i = 0; i < body->creations_count; i++) {
        response->results[i].error_code = KAFKA_SECURITY_DISABLED;
        response->results[i].error_message = SLICE(NO_ACCESS_RULES);
    }
    request_answer(request);
}

void delete_acls_handle(struct request *request)
{
    const struct delete_acls_request *body = request->body;
    struct delete_acls_response *response = request->response;
    response->results_count = body->filters_count;
    response->results =
        REQUEST_ARRAY(request, struct delete_acls_response_result, body->filters_count);
    for (int32_t i = 0; i < body->filters_count; i++) {
        response->results[i].error_code = KAFKA_SECURITY_DISABLED;
        response->results[i].error_message = SLICE(NO_ACCESS_RULES);
    }
    request_answer(request);
}
