#pragma once

/*
 * The hop from staging to the log: one worker thread a source takes changes from the outbox, in
 * order, appends them to the topic, and confirms them once they are durable there.
 *
 * It is exact: what is in a partition is always a prefix of what was sent to it, by a gapless
 * producer or, where the log has transactions, as each batch is there as a whole or not at all.
 * When the worker starts, and after any failure, it reads back the newest identity of its source in
 * each partition and does not send again what stands at or below it. The position is thus written
 * in the very records, and needs no place of its own (docs/decisions/0010).
 *
 * capture_start, _drain, _stop and _free are called by the owner; _status from any thread.
 */

#include "base/error.h"
#include "connect/log_client.h"
#include "connect/stage.h"
#include "io/notify.h"

#include <stdbool.h>
#include <stdint.h>

struct capture;

struct capture_job {
    const char *source; /* "PIPELINE.SOURCE" */
    struct topic_spec topic;
    const struct stage_ops *stage_ops;
    const char *stage_url;
    const struct fence *fence; /* of the holder of coordination; NULL: none */
    const struct log_ops *log_ops;
    struct log_client *log;
    enum log_writing writing;
    struct notify *bell;     /* rung by who commits to the stage; waited on here */
    struct notify *progress; /* rung here after each confirmation and at the end; may be NULL */
    int64_t idle_us;         /* look at the outbox so often without a ring; 0: 1 s */
};

enum capture_state {
    CAPTURE_CONNECTING,
    CAPTURE_IDLE,
    CAPTURE_SENDING,
    CAPTURE_RETRYING,
    CAPTURE_ENDED,
};

struct capture_status {
    enum capture_state state;
    int64_t confirmed;       /* position up to which all is durable in the log */
    int64_t staged;          /* newest position in staging, as of the last look */
    int64_t lag;             /* changes between the two */
    int64_t sent;            /* by this worker */
    int64_t skipped;         /* found in the log already */
    double rate;             /* changes a second, of the last batches */
    int32_t partitions;      /* of the topic, 0 until it is known */
    int64_t retry_at_us;     /* RETRYING: wall clock */
    struct error last_error; /* of the present trouble; status OK: none */
};

/* "connecting", "idle", "sending", "retrying", "ended" */
const char *capture_state_name(enum capture_state state);

/* Starts the worker. `job` is copied; what it points to must live until capture_free. */
MUST_USE enum status
capture_start(const struct capture_job *job, struct capture **ret_capture, struct error *error);

/* Ends once the outbox is empty. */
void capture_drain(struct capture *capture);

/* Ends after the batch under way. */
void capture_stop(struct capture *capture);

bool capture_ended(struct capture *capture);
void capture_status(struct capture *capture, struct capture_status *ret_status);

/* Stops and waits for the worker. NULL is fine. */
void capture_free(struct capture *capture);
