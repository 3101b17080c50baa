#include "log/partition_log.h"

#include "base/assert.h"
#include "base/memory.h"
#include "log/log_internal.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)

void partition_log_config_init(struct partition_log_config *config)
{
    *config = (struct partition_log_config){
        .segment_bytes = INT64_C(1) << 30,
        .segment_us = 7 * DAY_US,
        .retention_us = 7 * DAY_US,
        .retention_bytes = -1,
        .index_interval_bytes = 4096,
        .message_bytes_max = 1048588,
        .producer_expire_us = DAY_US,
    };
}

/* ---- segments ---- */

void log_add_segment(struct partition_log *log, struct segment *segment)
{
    if (log->segment_count == log->segment_capacity) {
        log->segment_capacity = log->segment_capacity == 0 ? 1 : 2 * log->segment_capacity;
        log->segments = mem_realloc(log->segments, log->segment_capacity * sizeof(*log->segments));
    }
    log->segments[log->segment_count++] = segment;
}

struct segment *log_find_segment(const struct partition_log *log, int64_t offset)
{
    size_t low = 0; /* segments before it begin at or below the offset */
    size_t high = log->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->segments[middle]->base_offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : log->segments[low - 1];
}

void log_index_need(struct partition_log *log, struct segment *segment)
{
    log_lock(log);
    bool loaded = segment->index_loaded;
    struct segment loader = {.base_offset = segment->base_offset, .fd = -1};
    uint64_t size = segment->extent.size;
    log_unlock(log);
    if (loaded) {
        return;
    }
    segment_index_load(&loader, log->directory, size);
    log_lock(log);
    if (segment->index_loaded) {
        mem_free(loader.index); /* another reader was faster */
    } else {
        segment->index = loader.index;
        segment->index_count = loader.index_count;
        segment->index_capacity = loader.index_capacity;
        segment->index_loaded = true;
    }
    log_unlock(log);
}

void log_forget(struct partition_log *log)
{
    for (size_t i = 0; i < log->segment_count; i++) {
        segment_unref(log->segments[i]);
    }
    log->segment_count = 0;
    mem_free(log->epochs);
    log->epochs = NULL;
    log->epoch_count = 0;
    producers_deinit(&log->producers);
    for (size_t i = 0; i < READ_HINTS; i++) {
        log->hints[i].offset = -1;
    }
}

/* ---- opening and closing ---- */

void log_init(struct partition_log *log,
              const char *directory,
              const struct partition_log_config *config,
              struct flusher *flusher)
{
    *log = (struct partition_log){
        .item = {.start = log_sync_start, .wait = log_sync_wait, .sync = log_sync},
        .directory = mem_strdup(directory),
        .flusher = flusher,
        .config = *config,
    };
    (void) pthread_mutex_init(&log->append_mutex, NULL);
    (void) pthread_mutex_init(&log->checkpoint_mutex, NULL);
    (void) pthread_mutex_init(&log->mutex, NULL);
    log_forget(log);
}

void log_deinit(struct partition_log *log)
{
    ASSERT(log->waiter_count == 0);
    log_forget(log);
    (void) pthread_mutex_destroy(&log->append_mutex);
    (void) pthread_mutex_destroy(&log->checkpoint_mutex);
    (void) pthread_mutex_destroy(&log->mutex);
    mem_free(log->waiters);
    mem_free(log->segments);
    mem_free(log->directory);
}

enum status partition_log_open(const char *directory,
                               const struct partition_log_config *config,
                               struct flusher *flusher,
                               struct partition_log **ret_log,
                               struct error *error)
{
    struct partition_log *log = mem_alloc(sizeof(*log));
    log_init(log, directory, config, flusher);
    enum status status = directory_make(directory, error);
    if (status == STATUS_OK) {
        status = log_recover(log, error);
    }
    if (status != STATUS_OK) {
        log_deinit(log);
        mem_free(log);
        error_context(error, "could not open the log in \"%s\"", directory);
        return status;
    }
    *ret_log = log;
    return STATUS_OK;
}

enum status partition_log_close(struct partition_log *log, struct error *error)
{
    if (log == NULL) {
        return STATUS_OK;
    }
    flusher_forget(log->flusher, &log->item);
    enum status status = log_heal(log, error);
    if (status == STATUS_OK) {
        status = log_sync_now(log, true, error);
    }
    log_deinit(log);
    mem_free(log);
    return status;
}

enum status partition_log_delete(struct partition_log *log, struct error *error)
{
    struct error cancelled = {0};
    flusher_forget(log->flusher, &log->item);
    error_set(&cancelled, STATUS_CANCELLED, "the log in \"%s\" is deleted", log->directory);
    log_fail_waiters(log, &cancelled);
    CLEANUP(mem_free_pointer) char *directory = mem_strdup(log->directory);
    log_deinit(log);
    mem_free(log);
    return directory_remove(directory, error);
}

void partition_log_configure(struct partition_log *log, const struct partition_log_config *config)
{
    (void) pthread_mutex_lock(&log->append_mutex);
    log_lock(log);
    log->config = *config;
    log_unlock(log);
    (void) pthread_mutex_unlock(&log->append_mutex);
}

/* ---- what it holds ---- */

void partition_log_offsets(struct partition_log *log, struct log_offsets *ret_offsets)
{
    log_lock(log);
    int64_t high_watermark = log_visible(log).offset;
    *ret_offsets = (struct log_offsets){
        .log_start = log->log_start,
        .high_watermark = high_watermark,
        .last_stable = producers_last_stable(&log->producers, high_watermark),
        .log_end = log->end.offset,
        .leader_epoch = log->epochs[log->epoch_count - 1].epoch,
        .timestamp_max_ms = -1,
    };
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];
        ret_offsets->size_bytes += (int64_t) segment->extent.size;
        if (segment->extent.timestamp_max > ret_offsets->timestamp_max_ms) {
            ret_offsets->timestamp_max_ms = segment->extent.timestamp_max;
        }
    }
    log_unlock(log);
}

void partition_log_epoch_end(struct partition_log *log,
                             int32_t epoch,
                             int32_t *ret_epoch,
                             int64_t *ret_end_offset)
{
    *ret_epoch = -1;
    *ret_end_offset = -1;
    log_lock(log);
    for (size_t i = log->epoch_count; i > 0; i--) {
        if (log->epochs[i - 1].epoch <= epoch) {
            bool current = i == log->epoch_count;
            *ret_epoch = log->epochs[i - 1].epoch;
            *ret_end_offset = current ? log_visible(log).offset : log->epochs[i].offset;
            break;
        }
    }
    log_unlock(log);
}
