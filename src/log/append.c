/* Appending: what a batch must be, where it goes, who is told. */

#include "base/arena.h"
#include "base/assert.h"
#include "base/memory.h"
#include "compress/compress.h"
#include "io/clock.h"
#include "log/log_internal.h"

#include <inttypes.h>

#define MILLISECOND_US 1000

/* Disk is taken ahead in steps that grow with the segment, so that an idle partition costs little
 * and a busy one seldom waits for the file system's own log. */
#define RESERVE_BYTES_MIN ((uint64_t) 16 << 10)
#define RESERVE_BYTES_MAX ((uint64_t) 16 << 20)

static bool refuse(struct append_result *result, int16_t kafka_error, const char *message)
{
    result->kafka_error = kafka_error;
    result->message = message;
    return false;
}

/* A compacted topic is a table: every record needs its key. */
static bool check_keys(struct slice batch, struct append_result *result)
{
    struct arena arena;
    struct record *records = NULL;
    int32_t count = 0;
    arena_init(&arena, 0);
    enum status status =
        record_batch_read(batch, (size_t) 256 << 20, &arena, &records, &count, NULL);
    bool keyless = false;
    for (int32_t i = 0; i < count && !keyless; i++) {
        keyless = records[i].key.data == NULL;
    }
    arena_deinit(&arena);
    if (status != STATUS_OK) {
        return refuse(result, KAFKA_INVALID_RECORD, "the records are malformed");
    }
    return !keyless ||
           refuse(result, KAFKA_INVALID_RECORD, "a compacted topic takes no record without a key");
}

/* What can be said of a batch without looking at the log's state. */
static bool check_batch(const struct partition_log_config *config,
                        struct slice batch,
                        bool control,
                        struct record_batch_header *header,
                        struct append_result *result)
{
    if (record_batch_header_read(batch, header, NULL) != STATUS_OK) {
        return batch.size < RECORD_BATCH_HEADER_BYTES
                   ? refuse(result, KAFKA_CORRUPT_MESSAGE, "the batch ends within its header")
                   : refuse(result, KAFKA_INVALID_RECORD, "only record batches of format 2");
    }
    size_t size = record_batch_size(header);
    if (size >= RECORD_BATCH_HEADER_BYTES && size < batch.size) {
        return refuse(result, KAFKA_INVALID_RECORD, "exactly one record batch is allowed");
    }
    if ((int64_t) batch.size > config->message_bytes_max) {
        return refuse(result, KAFKA_MESSAGE_TOO_LARGE, "the batch is larger than the topic allows");
    }
    if ((int64_t) batch.size > config->segment_bytes) {
        return refuse(result, KAFKA_RECORD_LIST_TOO_LARGE,
                      "the batch is larger than a segment may be");
    }
    if (record_batch_check(batch, header, NULL) != STATUS_OK) {
        return refuse(result, KAFKA_CORRUPT_MESSAGE, "the batch fails its checksum or its lengths");
    }
    if (header->record_count < 1 || header->record_count - 1 != header->last_offset_delta) {
        return refuse(result, KAFKA_INVALID_RECORD, "the record count contradicts the offsets");
    }
    if ((header->attributes & RECORD_BATCH_CODEC_MASK) > COMPRESSION_ZSTD) {
        return refuse(result, KAFKA_UNSUPPORTED_CODEC, "the compression codec is unknown");
    }
    if (((header->attributes & RECORD_BATCH_CONTROL) != 0) != control) {
        return refuse(result, KAFKA_INVALID_RECORD, "control batches are the broker's to write");
    }
    if (header->max_timestamp_ms < -1) {
        return refuse(result, KAFKA_INVALID_TIMESTAMP, "the timestamp is negative");
    }
    if (header->producer_id < 0 && (header->attributes & RECORD_BATCH_TRANSACTIONAL) != 0) {
        return refuse(result, KAFKA_INVALID_RECORD, "a transactional batch needs a producer id");
    }
    return !config->compact || control || check_keys(batch, result);
}

/* ---- waiting ---- */

static void wait_add(struct partition_log *log, const struct append_waiter *waiter)
{
    if (log->waiter_count == log->waiter_capacity) {
        log->waiter_capacity = log->waiter_capacity == 0 ? 4 : 2 * log->waiter_capacity;
        log->waiters = mem_realloc(log->waiters, log->waiter_capacity * sizeof(*log->waiters));
    }
    log->waiters[log->waiter_count++] = *waiter;
}

static void fail_now(append_done done, void *context, const struct error *error)
{
    struct append_result failed = {
        .kafka_error = KAFKA_STORAGE_ERROR, .base_offset = -1, .log_append_time_ms = -1};
    done(context, &failed, error);
}

/* ---- segments ---- */

void log_roll(struct partition_log *log)
{
    log_lock(log);
    if (log->end.position > 0) {
        log->end.segment = log->end.offset;
        log->end.position = 0;
        log->checkpoint_due = true;
    }
    log_unlock(log);
}

static bool roll_due(const struct partition_log *log, size_t size, int64_t now_us)
{
    if (log->end.position == 0) {
        return false;
    }
    const struct segment *segment = log->segments[log->segment_count - 1];
    int64_t segment_bytes =
        log->config.segment_bytes < INT32_MAX ? log->config.segment_bytes : INT32_MAX;
    return (int64_t) log->end.position + (int64_t) size > segment_bytes ||
           log->end.offset - segment->base_offset > INT32_MAX / 2 ||
           (log->config.segment_us >= 0 && now_us - segment->created_us > log->config.segment_us);
}

/* The segment to write to, made if the end stands at the start of one. */
static enum status
active_segment(struct partition_log *log, struct segment **ret_segment, struct error *error)
{
    struct segment *segment =
        log->segment_count == 0 ? NULL : log->segments[log->segment_count - 1];
    if (segment != NULL && segment->base_offset == log->end.segment) {
        log_lock(log);
        enum status status = segment_open(segment, log->directory, false, error);
        log_unlock(log);
        *ret_segment = segment;
        return status;
    }
    log_lock(log);
    bool first_checkpoint = log->segment_count > 0 && !log->has_checkpoint;
    log_unlock(log);
    if (first_checkpoint) {
        /* So that recovery knows a torn segment before the last one from a damaged one. */
        TRY(log_save_checkpoint(log, NULL, error));
    }
    TRY(segment_remove_files(log->directory, log->end.offset, error));
    segment = segment_new(log->end.offset);
    enum status status = segment_open(segment, log->directory, true, error);
    if (status != STATUS_OK) {
        segment_unref(segment);
        return status;
    }
    log_lock(log);
    log_add_segment(log, segment);
    log->end.segment = segment->base_offset;
    log->files_made++;
    log_unlock(log);
    *ret_segment = segment;
    return STATUS_OK;
}

static void reserve(struct segment *segment, uint64_t end)
{
    if (end <= segment->reserved) {
        return;
    }
    uint64_t step = end < RESERVE_BYTES_MIN   ? RESERVE_BYTES_MIN
                    : end < RESERVE_BYTES_MAX ? end
                                              : RESERVE_BYTES_MAX;
    segment->reserved = end + step;
    /* Only an aid: where it fails, the write will tell. */
    (void) !file_preallocate(segment->fd, segment->reserved, NULL);
}

/* ---- the append ---- */

static enum status write_batch(struct partition_log *log,
                               const struct segment *segment,
                               struct slice batch,
                               struct error *error)
{
    if (log->torn) {
        TRY(file_truncate(segment->fd, log->end.position, error));
        log->torn = false;
    }
    enum status status = file_write_at(segment->fd, batch, log->end.position, error);
    if (status != STATUS_OK) {
        /* What a peer sent must not stand in the file unaccounted for: at a restart it could be
         * taken for batches. */
        log->torn = file_truncate(segment->fd, log->end.position, NULL) != STATUS_OK;
    }
    return status;
}

void log_add_to_producers(struct producers *producers,
                          struct slice batch,
                          const struct record_batch_header *header,
                          int64_t now_us)
{
    bool commit;
    int32_t coordinator_epoch;
    if ((header->attributes & RECORD_BATCH_CONTROL) == 0) {
        producers_add(producers, header, now_us);
    } else if (producers_read_marker(batch, &commit, &coordinator_epoch, NULL) == STATUS_OK) {
        producers_end_txn(producers, header, commit, coordinator_epoch, now_us);
    }
}

/* With the mutex held: the batch is written and now part of the log. */
static void publish(struct partition_log *log,
                    struct segment *segment,
                    struct slice batch,
                    const struct record_batch_header *header,
                    int64_t now_us)
{
    if (segment->extent.size == 0) {
        segment->created_us = now_us;
    }
    segment->appended_us = now_us;
    segment_add(segment, header, log->config.index_interval_bytes);
    log->end.offset = segment->extent.next_offset;
    log->end.position = segment->extent.size;
    log_add_to_producers(&log->producers, batch, header, now_us);
}

/* An append on its way. */
struct append_call {
    struct slice batch;
    uint8_t *bytes; /* the same, to be patched */
    struct record_batch_header header;
    struct append_waiter waiter;
    bool waits;   /* the flusher will tell            */
    bool request; /* the flusher has something to do  */
    bool failed;  /* a sync failed since log_heal     */
};

/* With the mutex held: in one step with what made the append part of the log, so that callbacks
 * come in the order of the offsets. */
static void wait_or_not(struct partition_log *log, struct append_call *call)
{
    call->waits = call->waiter.end_offset > log_visible(log).offset;
    if (call->waits) {
        wait_add(log, &call->waiter);
    }
    call->request = log->end.offset > log->durable.offset &&
                    (flusher_policy(log->flusher) != FLUSH_NEVER || log->checkpoint_due);
}

static enum status store(struct partition_log *log, struct append_call *call, struct error *error)
{
    struct record_batch_header *header = &call->header;
    int64_t now_us = clock_now_us();
    if (roll_due(log, call->batch.size, now_us)) {
        log_roll(log);
    }
    struct segment *segment;
    TRY(active_segment(log, &segment, error));
    header->base_offset = log->end.offset;
    header->leader_epoch = log->epochs[log->epoch_count - 1].epoch;
    record_batch_patch(call->bytes, header->base_offset, header->leader_epoch);
    if (log->config.log_append_time) {
        header->max_timestamp_ms = now_us / MILLISECOND_US;
        record_batch_patch_time(call->bytes, call->batch.size, header->max_timestamp_ms);
    }
    reserve(segment, log->end.position + call->batch.size);
    TRY(write_batch(log, segment, call->batch, error));
    call->waiter.result.base_offset = header->base_offset;
    call->waiter.result.log_append_time_ms =
        log->config.log_append_time ? header->max_timestamp_ms : -1;
    call->waiter.end_offset = header->base_offset + header->last_offset_delta + 1;
    log_lock(log);
    call->failed = log->failed;
    if (!call->failed) {
        publish(log, segment, call->batch, header, now_us);
        wait_or_not(log, call);
    }
    log_unlock(log);
    return STATUS_OK;
}

/* The producer's part: a refusal, or a repeat to be answered as the original was. True if the batch
 * is to be stored. */
static bool check_producer(struct partition_log *log,
                           struct append_call *call,
                           struct append_result *ret_refusal)
{
    const struct record_batch_header *header = &call->header;
    if (header->producer_id < 0 || (header->attributes & RECORD_BATCH_CONTROL) != 0) {
        return true;
    }
    log_lock(log);
    struct producer_answer answer = producers_check(&log->producers, header, log->end.offset == 0);
    call->failed = log->failed;
    if (answer.duplicate && !call->failed) {
        call->waiter.result.duplicate = true;
        call->waiter.result.base_offset = answer.base_offset;
        call->waiter.result.log_append_time_ms =
            log->config.log_append_time ? answer.timestamp_ms : -1;
        call->waiter.end_offset = answer.last_offset + 1;
        wait_or_not(log, call);
    }
    log_unlock(log);
    if (answer.kafka_error != 0 && !call->failed) {
        (void) refuse(ret_refusal, answer.kafka_error, answer.message);
    }
    return answer.kafka_error == 0 && !answer.duplicate && !call->failed;
}

void partition_log_append(struct partition_log *log,
                          uint8_t *batch,
                          size_t size,
                          bool control,
                          append_done done,
                          void *context,
                          struct append_result *ret_result)
{
    struct error error = {0};
    struct append_call call = {
        .batch = slice_of(batch, size),
        .bytes = batch,
        .waiter = {.done = done,
                   .context = context,
                   .result = {.base_offset = -1, .log_append_time_ms = -1}},
    };
    enum status status = STATUS_OK;
    *ret_result = call.waiter.result;
    (void) pthread_mutex_lock(&log->append_mutex);
    if (check_batch(&log->config, call.batch, control, &call.header, ret_result)) {
        status = log_heal(log, &error);
        if (status == STATUS_OK && check_producer(log, &call, ret_result)) {
            status = store(log, &call, &error);
        }
    }
    if (call.request) {
        /* Within the lock: who holds it and forgets the item (retain, heal) syncs alone. */
        flusher_request(log->flusher, &log->item);
    }
    (void) pthread_mutex_unlock(&log->append_mutex);
    if (status == STATUS_OK && call.failed) {
        status = error_set(&error, STATUS_IO, "a sync failed meanwhile");
    }
    if (status != STATUS_OK) {
        error_context(&error, "could not append to the log in \"%s\"", log->directory);
        fail_now(done, context, &error);
    } else if (ret_result->kafka_error == 0) {
        *ret_result = call.waiter.result;
        if (!call.waits) {
            done(context, &call.waiter.result, &error);
        }
    }
}

void log_fail_waiters(struct partition_log *log, const struct error *error)
{
    log_lock(log);
    struct append_waiter *waiters = log->waiters;
    size_t count = log->waiter_count;
    log->waiters = NULL;
    log->waiter_count = 0;
    log->waiter_capacity = 0;
    log_unlock(log);
    for (size_t i = 0; i < count; i++) {
        fail_now(waiters[i].done, waiters[i].context, error);
    }
    mem_free(waiters);
}
