/* Letting go: retention, DeleteRecords, and what idle partitions need not hold. */

#include "base/memory.h"
#include "io/clock.h"
#include "io/crash.h"
#include "log/log_internal.h"

#include <inttypes.h>

#define MILLISECOND_US 1000

/* When the newest record of a segment is: by its timestamp, else by when it came. */
static int64_t segment_age_us(const struct segment *segment, int64_t now_us)
{
    int64_t newest_us = segment->extent.timestamp_max >= 0
                            ? segment->extent.timestamp_max * MILLISECOND_US
                            : segment->appended_us;
    return now_us - newest_us;
}

/* With the mutex held: how many segments from the first are to go. */
static size_t count_removable(const struct partition_log *log, int64_t now_us)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < log->segment_count; i++) {
        bytes += (int64_t) log->segments[i]->extent.size;
    }
    const struct partition_log_config *config = &log->config;
    bool by_age = config->retention_us >= 0 && !config->compact;
    bool by_size = config->retention_bytes >= 0 && !config->compact;
    int64_t visible = log_visible(log).offset;
    size_t count = 0;
    while (count < log->segment_count) {
        const struct segment *segment = log->segments[count];
        int64_t size = (int64_t) segment->extent.size;
        bool deleted = segment->extent.next_offset <= log->log_start;
        bool expired = by_age && segment_age_us(segment, now_us) > config->retention_us;
        bool excess = by_size && bytes - size >= config->retention_bytes;
        if (segment->extent.next_offset > visible || !(deleted || expired || excess)) {
            break;
        }
        bytes -= size;
        count++;
    }
    return count;
}

/* With the append mutex held: removes the first `count` segments, the log start moved up before. */
static enum status
remove_first(struct partition_log *log, size_t count, int64_t *bytes, struct error *error)
{
    if (count == log->segment_count) {
        log_roll(log); /* the files may go, the offsets not */
    }
    int64_t start = log->segments[count - 1]->extent.next_offset;
    log_lock(log);
    log->log_start = start > log->log_start ? start : log->log_start;
    bool behind = log->checkpoint.offset < start || log->checkpoint_due;
    log_unlock(log);
    if (behind) {
        /* the recovery point must stand in a segment that stays */
        flusher_forget(log->flusher, &log->item);
        TRY(log_sync_now(log, true, error));
    }
    TRY(log_save_checkpoint(log, NULL, error));
    crash_point("log.before_remove");
    for (size_t i = 0; i < count; i++) {
        log_lock(log);
        struct segment *segment = log->segments[0];
        int64_t base = segment->base_offset;
        *bytes += (int64_t) segment->extent.size;
        log->segment_count--;
        memmove(log->segments, log->segments + 1, log->segment_count * sizeof(*log->segments));
        segment_unref(segment);
        log_unlock(log);
        TRY(segment_remove_files(log->directory, base, error));
    }
    return STATUS_OK;
}

/* With the mutex held: files and entries that nobody asked for since the last time. */
static void close_idle(struct partition_log *log)
{
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        bool active = segment->base_offset == log->end.segment;
        bool settled = !active || log->end.offset == log->durable.offset;
        if (!segment->used && segment->refs == 1 && settled && segment->fd >= 0) {
            file_close(segment->fd);
            segment->fd = -1;
        }
        if (!segment->used && segment->refs == 1 && !active &&
            segment->index_saved == segment->index_count && segment->index_count > 0) {
            segment_index_drop(segment);
        }
        segment->used = false;
    }
}

static bool active_is_old(const struct partition_log *log, int64_t now_us)
{
    if (log->segment_count == 0 || log->end.position == 0) {
        return false;
    }
    const struct segment *segment = log->segments[log->segment_count - 1];
    return log->config.segment_us >= 0 && now_us - segment->created_us > log->config.segment_us;
}

static enum status
retain(struct partition_log *log, int64_t now_us, int64_t *bytes, struct error *error)
{
    TRY(log_heal(log, error));
    if (active_is_old(log, now_us)) {
        log_roll(log);
    }
    log_lock(log);
    size_t count = count_removable(log, now_us);
    producers_expire(&log->producers, now_us - log->config.producer_expire_us, log->log_start);
    close_idle(log);
    log_unlock(log);
    return count == 0 ? STATUS_OK : remove_first(log, count, bytes, error);
}

enum status
partition_log_retain(struct partition_log *log, int64_t *ret_bytes_removed, struct error *error)
{
    *ret_bytes_removed = 0;
    (void) pthread_mutex_lock(&log->append_mutex);
    enum status status = retain(log, clock_now_us(), ret_bytes_removed, error);
    (void) pthread_mutex_unlock(&log->append_mutex);
    return status;
}

static enum status delete_before(struct partition_log *log, int64_t before, struct error *error)
{
    log_lock(log);
    int64_t visible = log_visible(log).offset;
    int64_t old = log->log_start;
    before = before == -1 ? visible : before;
    bool moves = before > old && before <= visible;
    log->log_start = moves ? before : old;
    log_unlock(log);
    if (before > visible || before < 0) {
        return error_set(error, STATUS_NOT_FOUND,
                         "offset %" PRId64 " is above the high watermark %" PRId64, before,
                         visible);
    }
    if (!moves) {
        return STATUS_OK;
    }
    TRY(log_save_checkpoint(log, NULL, error));
    log_lock(log);
    size_t count = 0;
    while (count < log->segment_count && log->segments[count]->extent.next_offset <= before) {
        count++;
    }
    log_unlock(log);
    int64_t bytes = 0;
    return count == 0 ? STATUS_OK : remove_first(log, count, &bytes, error);
}

enum status partition_log_delete_records(struct partition_log *log,
                                         int64_t before_offset,
                                         int64_t *ret_log_start,
                                         struct error *error)
{
    (void) pthread_mutex_lock(&log->append_mutex);
    enum status status = log_heal(log, error);
    if (status == STATUS_OK) {
        status = delete_before(log, before_offset, error);
    }
    log_lock(log);
    *ret_log_start = log->log_start;
    log_unlock(log);
    (void) pthread_mutex_unlock(&log->append_mutex);
    return status;
}
