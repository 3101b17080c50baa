#include "broker/produce.h"

#include "base/logline.h"
#include "broker/broker_internal.h"
#include "broker/fetch.h"
#include "broker/produce_batch.h"
#include "broker/producer_ids.h"
#include "io/clock.h"

#define FAILURE_LOG_US (10 * INT64_C(1000000))

/*
 * A request may carry a batch for each of many partitions. All are appended at once, in order; the
 * answer waits until the last of them is durable. Appending twice over one connection keeps its
 * order, because its requests are handled in order.
 */

struct produce_call {
    struct request *request;
    int32_t pending; /* appends, and one for the handler itself */
    bool failed;
};

struct append_call {
    struct mail mail;
    struct produce_call *call;
    struct produce_response_partition *response;
    struct uuid topic_id; /* the topic may be gone when the append is done */
    int32_t partition;
    size_t size;
    struct append_result result;
};

static void fail(struct produce_call *call,
                 struct produce_response_partition *response,
                 const struct batch_fault *fault)
{
    call->failed = true;
    response->error_code = fault->kafka_error;
    response->base_offset = -1;
    response->log_append_time_ms = -1;
    response->log_start_offset = -1;
    response->error_message = slice_of_string(fault->message);
    response->record_errors =
        REQUEST_ARRAY(call->request, struct produce_response_record_error, fault->record_count);
    response->record_errors_count = fault->record_count;
    for (int32_t i = 0; i < fault->record_count; i++) {
        response->record_errors[i].batch_index = fault->records[i];
        response->record_errors[i].message = response->error_message;
    }
}

static void succeed(const struct append_call *append, const struct partition *partition)
{
    struct produce_response_partition *response = append->response;
    response->error_code = KAFKA_NONE;
    response->base_offset = append->result.base_offset;
    response->log_append_time_ms = append->result.log_append_time_ms;
    response->log_start_offset = -1;
    if (partition != NULL) {
        struct log_offsets offsets;
        partition_log_offsets(partition->log, &offsets);
        response->log_start_offset = offsets.log_start;
    }
}

/* With acks=0 nobody reads an answer; a failure is told by closing the connection. */
static void answer_when_ready(struct produce_call *call)
{
    if (--call->pending > 0) {
        return;
    }
    struct request *request = call->request;
    const struct produce_request *body = request->body;
    if (body->acks != 0) {
        request_answer(request);
    } else if (call->failed) {
        request_break(request);
    } else {
        request_end_silently(request);
    }
}

/* On the loop. */
static void handle_appended(struct mail *mail)
{
    struct append_call *append = CONTAINER_OF(mail, struct append_call, mail);
    struct produce_call *call = append->call;
    const struct topic *topic = topics_find_id(call->request->broker->topics, &append->topic_id);
    struct partition *partition = topic == NULL ? NULL : topic_partition(topic, append->partition);
    if (append->result.kafka_error != KAFKA_NONE) {
        struct batch_fault fault = {append->result.kafka_error, append->result.message, NULL, 0};
        fail(call, append->response, &fault);
    } else {
        succeed(append, partition);
        if (partition != NULL) {
            fetch_wake(partition, append->size);
        }
    }
    answer_when_ready(call);
}

/* Clients try again many times a second: the log tells it once in a while. */
static void log_failure(struct broker *broker, const struct error *error)
{
    int64_t now_us = clock_monotonic_us();
    int64_t last_us = atomic_load(&broker->append_failure_us);
    if ((last_us == 0 || now_us - last_us >= FAILURE_LOG_US) &&
        atomic_compare_exchange_strong(&broker->append_failure_us, &last_us, now_us)) {
        logline_error(LOG_ERROR, "broker", error);
    }
}

/* On the flusher's thread, or within the append. */
static void
on_appended(void *context, const struct append_result *result, const struct error *error)
{
    struct append_call *append = context;
    append->result = *result;
    if (result->kafka_error != KAFKA_NONE && error != NULL) {
        log_failure(append->call->request->broker, error);
    }
    loop_post(&append->call->request->broker->loop, &append->mail);
}

/* Whether the log took it; otherwise why not. */
static bool append_to(struct produce_call *call,
                      struct partition *partition,
                      struct slice records,
                      struct produce_response_partition *response,
                      struct batch_fault *ret_fault)
{
    struct request *request = call->request;
    struct append_call *append = REQUEST_NEW(request, struct append_call);
    append->mail.handle = handle_appended;
    append->call = call;
    append->response = response;
    append->topic_id = partition->topic->id;
    append->partition = partition->index;
    append->size = records.size;
    call->pending++;
    struct append_result result = {0};
    /* The batch lies in the connection's input or the arena, which is ours to patch. */
    uint8_t *batch = (uint8_t *) (uintptr_t) records.data;
    partition_log_append(partition->log, batch, records.size, false, on_appended, append, &result);
    if (result.kafka_error == KAFKA_NONE) {
        return true;
    }
    call->pending--;
    *ret_fault = (struct batch_fault){result.kafka_error, result.message, NULL, 0};
    if (result.kafka_error == KAFKA_INVALID_RECORD &&
        topic_settings_compact(&partition->topic->settings)) {
        produce_batch_find_keyless(request, records, ret_fault);
    }
    return false;
}

static void append_one(struct produce_call *call,
                       struct slice topic_name,
                       const struct produce_request_partition *wanted,
                       struct produce_response_partition *response)
{
    struct request *request = call->request;
    struct slice records = wanted->records;
    struct batch_fault fault = {0};
    response->index = wanted->index;
    struct partition *partition =
        topics_partition(request->broker->topics, topic_name, wanted->index);
    if (partition == NULL) {
        fault.kafka_error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    } else {
        produce_batch_check(request, records, &fault);
    }
    if (fault.kafka_error == KAFKA_NONE) {
        produce_batch_recompress(request, partition->topic, &records, &fault);
    }
    if (fault.kafka_error != KAFKA_NONE || !append_to(call, partition, records, response, &fault)) {
        fail(call, response, &fault);
    }
}

static void check_request(const struct request *request, struct batch_fault *ret_fault)
{
    const struct produce_request *body = request->body;
    *ret_fault = (struct batch_fault){0};
    if (body->acks < -1 || body->acks > 1) {
        ret_fault->kafka_error = KAFKA_INVALID_REQUIRED_ACKS;
        ret_fault->message = "acks is 0, 1 or -1";
    } else if (body->transactional_id.data != NULL) {
        ret_fault->kafka_error = KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        ret_fault->message = "transactions are not served by this broker";
    }
}

void produce_handle(struct request *request)
{
    const struct produce_request *body = request->body;
    struct produce_response *response = request->response;
    struct batch_fault refused;
    check_request(request, &refused);
    struct produce_call *call = REQUEST_NEW(request, struct produce_call);
    *call = (struct produce_call){.request = request, .pending = 1};
    response->topics_count = body->topics_count;
    response->topics = REQUEST_ARRAY(request, struct produce_response_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct produce_request_topic *topic = &body->topics[i];
        struct produce_response_topic *answer = &response->topics[i];
        answer->name = topic->name;
        answer->partitions_count = topic->partitions_count;
        answer->partitions =
            REQUEST_ARRAY(request, struct produce_response_partition, topic->partitions_count);
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            if (refused.kafka_error != KAFKA_NONE) {
                answer->partitions[j].index = topic->partitions[j].index;
                fail(call, &answer->partitions[j], &refused);
            } else {
                append_one(call, topic->name, &topic->partitions[j], &answer->partitions[j]);
            }
        }
    }
    answer_when_ready(call);
}

static void on_producer_id(void *context, int64_t id)
{
    struct request *request = context;
    struct init_producer_id_response *response = request->response;
    response->producer_id = id;
    response->error_code = id < 0 ? KAFKA_COORDINATOR_NOT_AVAILABLE : KAFKA_NONE;
    request_answer(request);
}

void init_producer_id_handle(struct request *request)
{
    const struct init_producer_id_request *body = request->body;
    struct init_producer_id_response *response = request->response;
    if (body->transactional_id.data != NULL) {
        response->error_code = body->transactional_id.size == 0
                                   ? KAFKA_INVALID_REQUEST
                                   : KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        response->producer_id = -1;
        response->producer_epoch = -1;
        request_answer(request);
        return;
    }
    producer_ids_next(request->broker->producer_ids, on_producer_id, request);
}
