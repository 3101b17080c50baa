#pragma once

/*
 * What a partition knows of idempotent and transactional producers (KIP-98): enough to answer a
 * repeated batch as it was answered before, to refuse a gap, and to say how far transactions let a
 * read_committed reader see. Internal to src/log.
 *
 * Not locked: the log's append mutex orders the changes, its state mutex guards them.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "wire/record_batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRODUCER_BATCHES 5 /* as many as a client may have in flight */
#define PRODUCERS_MAX    100000

struct producer_batch {
    int32_t first_sequence;
    int32_t last_sequence;
    int64_t base_offset;
    int64_t last_offset;
    int64_t timestamp_ms; /* max timestamp of the batch */
};

struct producer {
    int64_t id;      /* -1: a free slot */
    int64_t used_us; /* wall clock of the last append */
    int32_t coordinator_epoch;
    int16_t epoch;
    uint16_t batch_count;
    struct producer_batch batches[PRODUCER_BATCHES]; /* oldest first */
};

/* A transaction: open (last -1), or closed by the marker at `last`. */
struct producer_txn {
    int64_t producer_id;
    int64_t first;
    int64_t last;
};

struct producer_txns {
    struct producer_txn *items;
    size_t count;
    size_t capacity;
};

struct producers {
    struct producer *slots; /* open addressing, a power of two; NULL while there is none */
    size_t slot_count;
    size_t count;
    struct producer_txns unstable; /* open, or closed above the high watermark; by first offset */
    struct producer_txns aborted;  /* by last offset */
};

/* What stands against a batch. `duplicate`: it is stored already, at these offsets. */
struct producer_answer {
    int16_t kafka_error;
    const char *message;
    bool duplicate;
    int64_t base_offset;
    int64_t last_offset;
    int64_t timestamp_ms;
};

void producers_deinit(struct producers *producers);

/* Whether a batch of a client may be appended. `log_empty`: nothing was ever stored, so that only
 * sequence 0 can follow (KAFKA-15591). */
struct producer_answer producers_check(const struct producers *producers,
                                       const struct record_batch_header *header,
                                       bool log_empty);

/* A data batch was stored at its base offset. */
void producers_add(struct producers *producers,
                   const struct record_batch_header *header,
                   int64_t now_us);

/* A marker was stored: the producer's transaction ends. */
void producers_end_txn(struct producers *producers,
                       const struct record_batch_header *header,
                       bool commit,
                       int32_t coordinator_epoch,
                       int64_t now_us);

/* Reads what a marker says (KIP-98: key version 2, type 2; value version 2, coordinator epoch 4).
 */
MUST_USE enum status producers_read_marker(struct slice batch,
                                           bool *ret_commit,
                                           int32_t *ret_coordinator_epoch,
                                           struct error *error);

/* The last stable offset below `high_watermark`. Forgets what has become stable. */
int64_t producers_last_stable(struct producers *producers, int64_t high_watermark);

/* Forgets producers not seen since `before_us` that have no open transaction, and transactions that
 * ended below `log_start`. */
void producers_expire(struct producers *producers, int64_t before_us, int64_t log_start);

/* The state through offset `end`, for the file DIR/producers. */
void producers_encode(const struct producers *producers, int64_t end, struct buffer *target);

/* STATUS_CORRUPT if it is damaged; then nothing is changed. */
MUST_USE enum status producers_decode(struct producers *producers,
                                      struct slice bytes,
                                      int64_t *ret_end,
                                      struct error *error);
