#pragma once

/* Batches and appends for the tests of partition logs. */

#include "log/flusher.h"
#include "log/partition_log.h"
#include "wire/record_batch.h"

#include "log_support.h"

struct batch_spec {
    int32_t count;        /* 0: 1 */
    int64_t timestamp_ms; /* of the first record; each next is one later */
    int64_t producer_id;  /* 0: none */
    int16_t epoch;
    int32_t sequence;
    int16_t attributes;
    size_t value_bytes; /* 0: 20 */
    bool keyless;
};

static inline struct slice batch_make(struct arena *arena, const struct batch_spec *spec)
{
    struct error error = {0};
    int32_t count = spec->count == 0 ? 1 : spec->count;
    size_t value_bytes = spec->value_bytes == 0 ? 20 : spec->value_bytes;
    struct record *records = ARENA_ARRAY(arena, struct record, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        uint8_t *value = arena_alloc(arena, value_bytes);
        for (size_t b = 0; b < value_bytes; b++) {
            value[b] = (uint8_t) (b * 31 + (size_t) i + (size_t) spec->timestamp_ms);
        }
        records[i].timestamp_ms = spec->timestamp_ms + i;
        records[i].key = spec->keyless ? SLICE_EMPTY : SLICE("key");
        records[i].value = slice_of(value, value_bytes);
    }
    struct record_batch_header header = {
        .base_offset = 77, /* a log gives its own */
        .leader_epoch = -1,
        .attributes = spec->attributes,
        .base_timestamp_ms = spec->timestamp_ms,
        .producer_id = spec->producer_id == 0 ? -1 : spec->producer_id,
        .producer_epoch = spec->producer_id == 0 ? -1 : spec->epoch,
        .base_sequence = spec->producer_id == 0 ? -1 : spec->sequence,
    };
    struct buffer buffer = BUFFER_INIT;
    assert_ok(record_batch_write(&header, records, count, &buffer, &error), error);
    struct slice batch = arena_copy(arena, buffer_slice(&buffer));
    buffer_deinit(&buffer);
    return batch;
}

/* What one append was told. */
struct told {
    struct counter counter;
    struct append_result result;
    struct error error;
};

static inline void
told_done(void *context, const struct append_result *result, const struct error *error)
{
    struct told *told = context;
    told->result = *result;
    told->error = *error;
    counter_add(&told->counter, result->kafka_error != 0);
}

/* Appends and waits for the answer. */
static inline struct append_result
append_bytes(struct partition_log *log, struct slice batch, bool control)
{
    struct told told = {.counter = COUNTER_INIT};
    struct append_result result;
    uint8_t *copy = malloc(batch.size == 0 ? 1 : batch.size);
    memcpy(copy, batch.data, batch.size);
    partition_log_append(log, copy, batch.size, control, told_done, &told, &result);
    free(copy);
    if (result.kafka_error == 0) {
        counter_wait(&told.counter, 1);
        result = told.result;
    }
    return result;
}

static inline struct append_result append_spec(struct partition_log *log, struct batch_spec spec)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct append_result result = append_bytes(log, batch_make(&arena, &spec), false);
    arena_deinit(&arena);
    return result;
}

static inline struct partition_log *
log_open_at(const char *path, const struct partition_log_config *config, struct flusher *flusher)
{
    struct error error = {0};
    struct partition_log *log;
    assert_ok(partition_log_open(path, config, flusher, &log, &error), error);
    return log;
}

static inline struct flusher *flusher_make(enum flush_policy policy)
{
    struct error error = {0};
    struct flusher *flusher;
    assert_ok(flusher_new(policy, 1000, &flusher, &error), error);
    return flusher;
}

/* Reads from `offset` to the end in pieces of `bytes_max`, checking that offsets follow each other
 * and that the first batch holds `offset`; returns the offset after the last record. */
static inline int64_t read_through(struct partition_log *log, int64_t offset, size_t bytes_max)
{
    struct arena arena;
    struct error error = {0};
    arena_init(&arena, 0);
    int64_t next = offset;
    for (;;) {
        struct slice batches;
        assert_ok(partition_log_read(log, next, bytes_max, true, &arena, &batches, &error), error);
        if (batches.size == 0) {
            break;
        }
        bool first = true;
        while (batches.size > 0) {
            struct record_batch_header header;
            assert_ok(record_batch_header_read(batches, &header, &error), error);
            int64_t end = header.base_offset + header.last_offset_delta + 1;
            assert_true(first ? header.base_offset <= next && end > next
                              : header.base_offset == next);
            first = false;
            next = end;
            size_t size = record_batch_size(&header);
            assert_true(size <= batches.size);
            batches = slice_of(batches.data + size, batches.size - size);
        }
        arena_reset(&arena);
    }
    arena_deinit(&arena);
    return next;
}

static inline struct log_offsets offsets_of(struct partition_log *log)
{
    struct log_offsets offsets;
    partition_log_offsets(log, &offsets);
    return offsets;
}
