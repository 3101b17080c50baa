#include "connectors/kafka/kafka_internal.h"

void kafka_request_init(struct kafka_request *request,
                        struct log_client *log,
                        rd_kafka_admin_op_t operation)
{
    rd_kafka_t *rd = log->handle->rd;
    *request = (struct kafka_request){.log = log};
    request->options = rd_kafka_AdminOptions_new(rd, operation);
    request->queue = rd_kafka_queue_new(rd);
    rd_kafka_AdminOptions_set_request_timeout(request->options, KAFKA_REQUEST_MS, NULL, 0);
}

void kafka_request_deinit(struct kafka_request *request)
{
    if (request->event != NULL) {
        rd_kafka_event_destroy(request->event);
    }
    rd_kafka_queue_destroy(request->queue);
    rd_kafka_AdminOptions_destroy(request->options);
}

enum status kafka_request_wait(struct kafka_request *request, const char *what, struct error *error)
{
    struct kafka_handle *handle = request->log->handle;
    request->event = rd_kafka_queue_poll(request->queue, KAFKA_REQUEST_MS + 2000);
    rd_kafka_resp_err_t code = request->event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                                      : rd_kafka_event_error(request->event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_error(handle, code, error, "could not %s", what);
    }
    return STATUS_OK;
}

enum status kafka_topic_outcome(struct log_client *log,
                                const rd_kafka_topic_result_t *const *results,
                                size_t count,
                                const char *what,
                                struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            const char *reason = rd_kafka_topic_result_error_string(results[i]);
            return kafka_error(log->handle, code, error, "cannot %s: %s", what,
                               reason == NULL ? "refused" : reason);
        }
    }
    return STATUS_OK;
}
