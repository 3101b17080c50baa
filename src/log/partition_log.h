#pragma once

/*
 * The log of one partition: record batches (Kafka format v2, stored as they came) in append-only
 * segments. docs/formats/log.md draws the files.
 *
 *     DIR/00000000000000000000.log    batches, one after the other
 *     DIR/00000000000000000000.index  offset and running max timestamp -> position, sparse; a cache
 *     DIR/checkpoint                  recovery point, log start, leader epochs
 *     DIR/producers                   producer states (all five last batches each), transactions
 *     DIR/durable                     a hint: how far the last sync reached
 *
 * Appending makes a batch visible to nobody. It is durable, and readable, once the flusher
 * (log/flusher.h) has synced past it: then the high watermark moves and the append's callback runs.
 * With sync off (`fsync: never`) both happen at once.
 *
 * Threads: one thread (the broker's loop) appends; any thread may read below the high watermark;
 * the flusher thread syncs. Callbacks run on the flusher thread, for stored batches in the order of
 * their offsets; on the caller's thread where there is nothing to wait for (an error of the disk, a
 * repeat that is durable already, FLUSH_INTERVAL and FLUSH_NEVER) or where it syncs itself (close,
 * delete, retain and delete_records). They must not block and not call the log.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct flusher;
struct partition_log;

struct partition_log_config {
    int64_t segment_bytes;        /* roll above; default 1 GiB                     */
    int64_t segment_us;           /* roll when the oldest batch is older; 7 days   */
    int64_t retention_us;         /* -1: for ever                                  */
    int64_t retention_bytes;      /* -1: any                                       */
    int64_t index_interval_bytes; /* 4096                                          */
    int64_t message_bytes_max;    /* largest batch, 1,048,588                      */
    int64_t producer_expire_us;   /* 1 day                                         */
    bool compact;                 /* cleanup.policy=compact: keyless is refused    */
    bool log_append_time;         /* message.timestamp.type=LogAppendTime          */
};

void partition_log_config_init(struct partition_log_config *config); /* the defaults above */

/* Opens or makes the log in `directory`, and recovers: everything below the recovery point is
 * trusted, the rest is scanned (CRC, lengths, offset continuity) and cut at the first bad or short
 * batch. A bad batch below the recovery point is STATUS_CORRUPT, never cut silently. */
MUST_USE enum status partition_log_open(const char *directory,
                                        const struct partition_log_config *config,
                                        struct flusher *flusher,
                                        struct partition_log **ret_log,
                                        struct error *error);

/* Syncs, writes checkpoint and producer states, closes; what waits is told. */
MUST_USE enum status partition_log_close(struct partition_log *log, struct error *error);

/* Closes and removes all files. Waiting appends fail with STATUS_CANCELLED. */
MUST_USE enum status partition_log_delete(struct partition_log *log, struct error *error);

void partition_log_configure(struct partition_log *log, const struct partition_log_config *config);

/* What the broker answers for a produced batch: a Kafka error code, 0 if fine. */
struct append_result {
    int16_t kafka_error;        /* 0, or 2, 10, 18, 32, 45, 47, 48, 76, 87 ...                   */
    const char *message;        /* for record_errors; static text or NULL                        */
    int64_t base_offset;        /* of the batch, also for a duplicate that was already stored    */
    int64_t log_append_time_ms; /* -1 with CreateTime                                            */
    bool duplicate;             /* an idempotent repeat: answered as if stored now               */
};

/* Called once an append is durable, or failed (then kafka_error is 56, KAFKA_STORAGE_ERROR, and
 * `error` says why). */
typedef void (*append_done)(void *context,
                            const struct append_result *result,
                            const struct error *error);

/* Validates one batch (magic 2, CRC, sizes, producer state), gives it its offset and writes it.
 * `batch` is borrowed and its header is patched in place (base offset, leader epoch). A refusal is
 * in `ret_result` (kafka_error != 0) and `done` is not called; otherwise `done` follows, possibly
 * before this returns. A repeat waits for the durability of the original. `control` admits control
 * batches (transaction markers), which clients may not send. */
void partition_log_append(struct partition_log *log,
                          uint8_t *batch,
                          size_t size,
                          bool control,
                          append_done done,
                          void *context,
                          struct append_result *ret_result);

struct log_offsets {
    int64_t log_start;
    int64_t high_watermark; /* next offset a reader will see; everything below is durable */
    int64_t last_stable;    /* equals high_watermark without open transactions           */
    int64_t log_end;        /* next offset an append will get                             */
    int32_t leader_epoch;
    int64_t size_bytes;
    int64_t timestamp_max_ms; /* -1 if there is none; its offset: partition_log_find_max_time */
};

void partition_log_offsets(struct partition_log *log, struct log_offsets *ret_offsets);

/* Whole batches from the one that holds `offset`, up to `bytes_max` but at least one if
 * `at_least_one`, never at or above the high watermark. Memory comes from the arena. An offset
 * outside [log_start, high_watermark] is STATUS_NOT_FOUND; equal to the high watermark is empty.
 * CRCs are checked: a mismatch is STATUS_CORRUPT. */
MUST_USE enum status partition_log_read(struct partition_log *log,
                                        int64_t offset,
                                        size_t bytes_max,
                                        bool at_least_one,
                                        struct arena *arena,
                                        struct slice *ret_batches,
                                        struct error *error);

/* The first record with a timestamp at or after `timestamp_ms`, record-exact (looks into
 * compressed batches). None: offset -1 and timestamp -1. */
MUST_USE enum status partition_log_find_time(struct partition_log *log,
                                             int64_t timestamp_ms,
                                             int64_t *ret_offset,
                                             int64_t *ret_timestamp_ms,
                                             struct error *error);

/* The first record with the largest timestamp, record-exact. None: offset -1 and timestamp -1. */
MUST_USE enum status partition_log_find_max_time(struct partition_log *log,
                                                 int64_t *ret_offset,
                                                 int64_t *ret_timestamp_ms,
                                                 struct error *error);

struct aborted_txn {
    int64_t producer_id;
    int64_t first_offset;
};

/* Aborted transactions that overlap the offsets [from, to), for read_committed fetches. */
size_t partition_log_aborted(struct partition_log *log,
                             int64_t from,
                             int64_t to,
                             struct arena *arena,
                             struct aborted_txn **ret_aborted);

/* End offset of the largest epoch <= `epoch` (KIP-320); -1 and -1 if unknown. */
void partition_log_epoch_end(struct partition_log *log,
                             int32_t epoch,
                             int32_t *ret_epoch,
                             int64_t *ret_end_offset);

/* DeleteRecords: moves the log start up, durably. -1 is the high watermark; STATUS_NOT_FOUND above
 * it. */
MUST_USE enum status partition_log_delete_records(struct partition_log *log,
                                                  int64_t before_offset,
                                                  int64_t *ret_log_start,
                                                  struct error *error);

/* Applies retention now; returns how many bytes went. The active segment rolls if it is due; files
 * and indexes not used since the last call are closed. To be called every some minutes. */
MUST_USE enum status
partition_log_retain(struct partition_log *log, int64_t *ret_bytes_removed, struct error *error);

/* Reads every batch of a closed or open log in `directory`, read-only, calling `visit` for each.
 * For `leat log verify` and `leat log dump`. */
MUST_USE enum status
partition_log_scan(const char *directory,
                   enum status (*visit)(void *context, struct slice batch, struct error *error),
                   void *context,
                   struct error *error);
