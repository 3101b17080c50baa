#include "connectors/kafka/kafka_internal.h"

/* init_transactions waits for the end of what an older writer has begun. */
#define INIT_MS   30000
#define COMMIT_MS 30000
#define ABORT_MS  3000

static bool is_fencing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED;
}

enum status kafka_fenced(const char *topic, struct error *error)
{
    (void) error_set(error, STATUS_CONFLICT,
                     "fenced: another leat has begun to write to topic \"%s\" in our place", topic);
    error_hint(error,
               "nothing of this batch is in the topic; see `leat cluster status`, or whether a "
               "second leat runs this pipeline without coordination");
    error_code(error, LOG_FENCED_CODE);
    if (error != NULL) {
        error->retriable = true; /* who still holds the lease opens a writer anew */
    }
    return STATUS_CONFLICT;
}

/* The library's error as ours; frees it. NULL is success. */
static enum status outcome(struct kafka_handle *handle,
                           rd_kafka_error_t *failure,
                           const char *what,
                           const char *topic,
                           struct error *error)
{
    if (failure == NULL) {
        return STATUS_OK;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(failure);
    char reason[256];
    if (code == RD_KAFKA_RESP_ERR__FATAL) { /* what it stands for */
        code = rd_kafka_fatal_error(handle->rd, reason, sizeof(reason));
    }
    rd_kafka_error_destroy(failure);
    if (is_fencing(code)) {
        return kafka_fenced(topic, error);
    }
    enum status status =
        kafka_error(handle, code, error, "could not %s of topic \"%s\"", what, topic);
    if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE ||
        code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION) {
        error_hint(error, "this log has no transactions");
        status = STATUS_CONFIG;
        if (error != NULL) {
            error->status = status;
            error->retriable = false;
        }
    }
    return status;
}

enum status
kafka_transaction_init(struct kafka_handle *handle, const char *topic, struct error *error)
{
    return outcome(handle, rd_kafka_init_transactions(handle->rd, INIT_MS), "open the transactions",
                   topic, error);
}

enum status
kafka_transaction_begin(struct kafka_handle *handle, const char *topic, struct error *error)
{
    return outcome(handle, rd_kafka_begin_transaction(handle->rd), "begin a transaction", topic,
                   error);
}

/* A commit whose outcome is not known is not tried again here: the next writer's init settles it,
 * and what is there is read back. */
enum status
kafka_transaction_commit(struct kafka_handle *handle, const char *topic, struct error *error)
{
    return outcome(handle, rd_kafka_commit_transaction(handle->rd, COMMIT_MS),
                   "commit a transaction", topic, error);
}

void kafka_transaction_abort(struct kafka_handle *handle)
{
    rd_kafka_error_t *failure = rd_kafka_abort_transaction(handle->rd, ABORT_MS);
    if (failure != NULL) {
        rd_kafka_error_destroy(failure);
    }
}

bool kafka_code_is_fencing(struct kafka_handle *handle, rd_kafka_resp_err_t code)
{
    char reason[256];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rd_kafka_fatal_error(handle->rd, reason, sizeof(reason));
    }
    return is_fencing(code);
}
