/* Opening: what is there, what can be trusted, what must be cut. */

#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"
#include "log/bytes_internal.h"
#include "log/log_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PRODUCERS_BYTES_MAX ((size_t) 1 << 30)
#define COPY_BYTES          ((size_t) 1 << 20)
#define NAME_DIGITS         20

struct recovery {
    struct partition_log *log;
    int64_t *bases; /* of the segment files, sorted */
    size_t base_count;
    size_t base_capacity;
    bool has_checkpoint;
    struct log_point point; /* the recovery point                                     */
    int64_t durable;        /* everything below this offset was known to be on disk    */
    int64_t replay_from;    /* producer states hold everything below                   */
    int64_t next_offset;    /* of the batch after what is loaded; -1 before the first  */
    bool cut;               /* nothing behind the cut is loaded                        */
    int64_t now_us;
    struct segment *segment; /* being scanned */
};

/* ---- what is in the directory ---- */

static enum status visit_name(void *context, const char *name, struct error *error)
{
    struct recovery *recovery = context;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".new") == 0) {
        char path[PATH_MAX]; /* half of a file_replace */
        (void) snprintf(path, sizeof(path), "%s/%s", recovery->log->directory, name);
        return file_remove(path, error);
    }
    if (length != NAME_DIGITS + 4 || strcmp(name + NAME_DIGITS, ".log") != 0 ||
        strspn(name, "0123456789") != NAME_DIGITS) {
        return STATUS_OK;
    }
    errno = 0;
    int64_t base = strtoll(name, NULL, 10);
    if (errno != 0) {
        return error_set(error, STATUS_CORRUPT, "the segment name \"%s\" is no offset", name);
    }
    if (recovery->base_count == recovery->base_capacity) {
        recovery->base_capacity = recovery->base_capacity == 0 ? 4 : 2 * recovery->base_capacity;
        recovery->bases =
            mem_realloc(recovery->bases, recovery->base_capacity * sizeof(*recovery->bases));
    }
    recovery->bases[recovery->base_count++] = base;
    return STATUS_OK;
}

static enum status load_checkpoint(struct recovery *recovery, struct error *error)
{
    struct partition_log *log = recovery->log;
    struct checkpoint checkpoint = {0};
    enum status status = checkpoint_load(log->directory, &checkpoint, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    recovery->has_checkpoint = status == STATUS_OK;
    log->has_checkpoint = recovery->has_checkpoint;
    if (!recovery->has_checkpoint) {
        int64_t first = recovery->base_count == 0 ? 0 : recovery->bases[0];
        checkpoint.log_start = first;
        checkpoint.point = (struct log_point){first, first, 0};
    }
    log->log_start = checkpoint.log_start;
    log->checkpoint = checkpoint.point;
    recovery->point = checkpoint.point;
    recovery->durable = checkpoint.point.offset;
    if (checkpoint.epoch_count > 0) {
        log->epochs = checkpoint.epochs;
        log->epoch_count = checkpoint.epoch_count;
        return STATUS_OK;
    }
    mem_free(checkpoint.epochs);
    log->epochs = mem_calloc(1, sizeof(struct epoch_start));
    log->epochs[0] = (struct epoch_start){0, log->log_start};
    log->epoch_count = 1;
    return STATUS_OK;
}

/* Missing, damaged or too old: the states are made again from the whole log. */
static enum status load_producers(struct recovery *recovery, struct error *error)
{
    struct partition_log *log = recovery->log;
    char path[PATH_MAX];
    (void) snprintf(path, sizeof(path), "%s/producers", log->directory);
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct error reason = {0};
    int64_t end = -1;
    recovery->replay_from = -1;
    enum status status = file_load(path, PRODUCERS_BYTES_MAX, &buffer, &reason);
    if (status != STATUS_OK) {
        if (reason.code == ENOENT) {
            return STATUS_OK;
        }
        if (error != NULL) {
            *error = reason;
        }
        return status;
    }
    if (producers_decode(&log->producers, buffer_slice(&buffer), &end, NULL) != STATUS_OK ||
        end < recovery->point.offset) {
        logline(LOG_WARN, "log", "producer states are read from the log again",
                LOG_STRING("file", path));
        producers_deinit(&log->producers);
        return STATUS_OK;
    }
    recovery->replay_from = end;
    recovery->durable = end;
    return STATUS_OK;
}

/* See log_save_hint. Anything but a sound file means nothing. */
static void load_hint(struct recovery *recovery)
{
    char path[PATH_MAX];
    (void) snprintf(path, sizeof(path), "%s/durable", recovery->log->directory);
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (file_load(path, HINT_BYTES, &buffer, NULL) == STATUS_OK && buffer.size == HINT_BYTES &&
        bytes_be32(buffer.data + 8) == crc32c(HINT_MAGIC, buffer.data, 8)) {
        int64_t offset = (int64_t) bytes_be64(buffer.data);
        recovery->durable = offset > recovery->durable ? offset : recovery->durable;
    }
}

/* Segments that end below the log start: their removal was interrupted. */
static enum status drop_old_segments(struct recovery *recovery, struct error *error)
{
    size_t old = 0;
    while (old + 1 < recovery->base_count && recovery->bases[old + 1] <= recovery->log->log_start) {
        TRY(segment_remove_files(recovery->log->directory, recovery->bases[old], error));
        old++;
    }
    if (old > 0) {
        recovery->base_count -= old;
        memmove(recovery->bases, recovery->bases + old,
                recovery->base_count * sizeof(*recovery->bases));
    }
    return STATUS_OK;
}

/* ---- one segment ---- */

static enum status visit_batch(void *context,
                               struct slice batch,
                               const struct record_batch_header *header,
                               uint64_t position,
                               struct error *error)
{
    struct recovery *recovery = context;
    (void) position;
    if (recovery->segment->extent.size + batch.size > UINT32_MAX) {
        return error_set(error, STATUS_CORRUPT, "a segment is larger than 4 GiB");
    }
    segment_add(recovery->segment, header, recovery->log->config.index_interval_bytes);
    if (header->base_offset >= recovery->replay_from) {
        log_add_to_producers(&recovery->log->producers, batch, header, recovery->now_us);
    }
    return STATUS_OK;
}

static enum status damaged(const struct recovery *recovery, uint64_t position, struct error *error)
{
    char path[PATH_MAX];
    segment_path(recovery->log->directory, recovery->segment->base_offset, "log", path);
    error_context(error, "\"%s\" is damaged at byte %" PRIu64, path, position);
    error_hint(error,
               "restore it from a backup; acknowledged records stand there, so that nothing was "
               "cut");
    return STATUS_CORRUPT;
}

/* The segment ends at `position`; what stands behind was never acknowledged. */
static enum status cut_here(struct recovery *recovery,
                            uint64_t position,
                            uint64_t file_bytes,
                            const struct error *reason,
                            struct error *error)
{
    struct segment *segment = recovery->segment;
    char path[PATH_MAX];
    segment_path(recovery->log->directory, segment->base_offset, "log", path);
    logline(LOG_WARN, "log", "cut a torn end", LOG_STRING("file", path),
            LOG_INT("at", (int64_t) position), LOG_INT("bytes", (int64_t) (file_bytes - position)),
            LOG_STRING("reason", reason->message));
    recovery->cut = true;
    return file_truncate(segment->fd, position, error);
}

static enum status
scan_segment(struct recovery *recovery, uint64_t file_bytes, uint64_t trusted, struct error *error)
{
    struct segment *segment = recovery->segment;
    struct segment_scan scan = {
        .fd = segment->fd,
        .from = segment->extent.size,
        .until = UINT64_MAX,
        .next_offset = segment->extent.next_offset,
        .gaps = recovery->log->config.compact,
        .visit = visit_batch,
        .context = recovery,
    };
    uint64_t position;
    struct error reason = {0};
    enum status status = segment_scan(&scan, &position, &reason);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    /* Without a checkpoint only the last segment can be torn: see active_segment in append.c. */
    bool last = segment->base_offset == recovery->bases[recovery->base_count - 1];
    if (status == STATUS_CORRUPT && position >= trusted &&
        segment->extent.next_offset >= recovery->durable && (last || recovery->has_checkpoint)) {
        return cut_here(recovery, position, file_bytes, &reason, error);
    }
    if (error != NULL) {
        *error = reason;
    }
    return status == STATUS_CORRUPT ? damaged(recovery, position, error) : status;
}

static enum status load_extent(struct recovery *recovery, struct error *error)
{
    struct segment *segment = recovery->segment;
    struct partition_log *log = recovery->log;
    const struct log_point *point = &recovery->point;
    uint64_t file_bytes;
    TRY(file_size(segment->fd, &file_bytes, error));
    bool sealed = segment->base_offset < point->segment;
    uint64_t trusted = sealed                                   ? UINT64_MAX
                       : segment->base_offset == point->segment ? point->position
                                                                : 0;
    if (segment->base_offset == point->segment && file_bytes < trusted) {
        error_set(error, STATUS_CORRUPT, "it ends before byte %" PRIu64, trusted);
        return damaged(recovery, file_bytes, error);
    }
    if (trusted > 0 && recovery->replay_from >= 0) { /* else every batch is needed again */
        segment_index_load(segment, log->directory, sealed ? file_bytes : trusted);
    }
    if (sealed && segment->extent.size == file_bytes) {
        segment_index_drop(segment); /* until a reader asks */
        return STATUS_OK;
    }
    if (segment->created_us == 0) {
        segment->created_us = recovery->now_us;
        segment->appended_us = recovery->now_us;
    }
    return scan_segment(recovery, file_bytes, trusted, error);
}

static enum status load_segment(struct recovery *recovery, int64_t base, struct error *error)
{
    struct partition_log *log = recovery->log;
    if (recovery->cut) {
        return segment_remove_files(log->directory, base, error);
    }
    struct segment *segment = segment_new(base);
    recovery->segment = segment;
    log_add_segment(log, segment);
    int64_t expected = recovery->next_offset;
    bool follows =
        expected < 0 ? base <= log->log_start || !recovery->has_checkpoint : base == expected;
    if (!follows && !(log->config.compact && base > expected)) {
        return error_set(error, STATUS_CORRUPT,
                         "segment %020" PRId64 " should begin at offset %" PRId64, base,
                         expected < 0 ? log->log_start : expected);
    }
    TRY(segment_open(segment, log->directory, false, error));
    TRY(load_extent(recovery, error));
    file_close(segment->fd); /* until it is used */
    segment->fd = -1;
    recovery->next_offset = segment->extent.next_offset;
    return STATUS_OK;
}

/* ---- the whole ---- */

static enum status find_end(struct recovery *recovery, struct error *error)
{
    struct partition_log *log = recovery->log;
    const struct log_point *point = &recovery->point;
    if (log->segment_count == 0) {
        log->end = (struct log_point){point->offset, point->offset, 0};
    } else {
        const struct segment *last = log->segments[log->segment_count - 1];
        log->end =
            (struct log_point){last->extent.next_offset, last->base_offset, last->extent.size};
    }
    if (log->end.segment < point->segment && log->end.offset == point->offset &&
        point->position == 0) {
        log->end = *point; /* rolled, and nothing was written since */
    }
    int64_t wanted = recovery->durable > log->log_start ? recovery->durable : log->log_start;
    if (log->end.offset < wanted || log->end.segment < point->segment ||
        (log->segment_count == 0 && point->position > 0)) {
        error_set(error, STATUS_CORRUPT,
                  "the log ends at offset %" PRId64 ", but was on disk up to %" PRId64,
                  log->end.offset, wanted);
        error_hint(error, "segment files are missing; restore them from a backup");
        return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

static enum status recover(struct recovery *recovery, struct error *error)
{
    struct partition_log *log = recovery->log;
    TRY(directory_list(log->directory, visit_name, recovery, error));
    TRY(load_checkpoint(recovery, error));
    TRY(load_producers(recovery, error));
    load_hint(recovery);
    TRY(drop_old_segments(recovery, error));
    for (size_t i = 0; i < recovery->base_count; i++) {
        TRY(load_segment(recovery, recovery->bases[i], error));
    }
    TRY(find_end(recovery, error));
    if (log->end.offset != recovery->point.offset || recovery->cut) {
        TRY(log_rewrite(log, recovery->point, log->end, error));
        TRY(directory_sync(log->directory, error));
        log->checkpoint_due = true;
    }
    log->durable = log->end;
    return STATUS_OK;
}

enum status log_recover(struct partition_log *log, struct error *error)
{
    struct recovery recovery = {.log = log, .next_offset = -1, .now_us = clock_now_us()};
    enum status status = recover(&recovery, error);
    mem_free(recovery.bases);
    return status;
}

static enum status
rewrite_file(int fd, uint64_t from, uint64_t to, uint8_t *copy, struct error *error)
{
    while (from < to) {
        size_t size = to - from < COPY_BYTES ? (size_t) (to - from) : COPY_BYTES;
        size_t got;
        TRY(file_read_at(fd, copy, size, from, &got, error));
        if (got < size) {
            return error_set(error, STATUS_CORRUPT, "a segment became shorter");
        }
        TRY(file_write_at(fd, slice_of(copy, size), from, error));
        from += size;
    }
    return file_sync(fd, error);
}

enum status log_rewrite(struct partition_log *log,
                        struct log_point from,
                        struct log_point to,
                        struct error *error)
{
    CLEANUP(mem_free_pointer) uint8_t *copy = mem_alloc(COPY_BYTES);
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        if (segment->base_offset < from.segment || segment->base_offset > to.segment) {
            continue;
        }
        log_lock(log);
        enum status status = segment_open(segment, log->directory, false, error);
        log_unlock(log);
        TRY(status);
        uint64_t start = segment->base_offset == from.segment ? from.position : 0;
        TRY(rewrite_file(segment->fd, start, segment->extent.size, copy, error));
    }
    return STATUS_OK;
}

/* ---- after a failed sync ---- */

/* Cuts the files back to the durable point. */
static enum status drop_undurable(struct partition_log *log, struct error *error)
{
    for (size_t i = log->segment_count; i > 0; i--) {
        struct segment *segment = log->segments[i - 1];
        if (segment->base_offset < log->durable.segment) {
            break;
        }
        if (segment->base_offset > log->durable.segment || log->durable.position == 0) {
            TRY(segment_remove_files(log->directory, segment->base_offset, error));
            continue;
        }
        log_lock(log);
        enum status status = segment_open(segment, log->directory, false, error);
        log_unlock(log);
        TRY(status);
        TRY(file_truncate(segment->fd, log->durable.position, error));
        TRY(file_sync(segment->fd, error));
    }
    return directory_sync(log->directory, error);
}

/* What the files hold now takes the place of what the log thought they would; `fresh` leaves with
 * the old segments, which readers may still hold. */
static void take_over(struct partition_log *log, struct partition_log *fresh)
{
    struct partition_log old = {.segments = log->segments,
                                .segment_count = log->segment_count,
                                .segment_capacity = log->segment_capacity,
                                .producers = log->producers};
    log->segments = fresh->segments;
    log->segment_count = fresh->segment_count;
    log->segment_capacity = fresh->segment_capacity;
    log->producers = fresh->producers;
    log->end = fresh->end;
    log->durable = fresh->end; /* the same offset, perhaps told by another segment */
    log->checkpoint_due = true;
    log->failed = false;
    log->torn = false;
    fresh->segments = old.segments;
    fresh->segment_count = old.segment_count;
    fresh->segment_capacity = old.segment_capacity;
    fresh->producers = old.producers;
}

static enum status reload(struct partition_log *log, struct error *error)
{
    TRY(drop_undurable(log, error));
    struct partition_log fresh;
    log_init(&fresh, log->directory, &log->config, log->flusher);
    enum status status = log_recover(&fresh, error);
    if (status == STATUS_OK && fresh.end.offset != log->durable.offset) {
        status = error_set(error, STATUS_CORRUPT,
                           "the log ends at offset %" PRId64 " instead of %" PRId64,
                           fresh.end.offset, log->durable.offset);
    }
    log_lock(log);
    if (status == STATUS_OK) {
        take_over(log, &fresh);
    }
    log_forget(&fresh); /* under this lock, as readers may give back references */
    log_unlock(log);
    log_deinit(&fresh);
    return status;
}

enum status log_heal(struct partition_log *log, struct error *error)
{
    log_lock(log);
    bool failed = log->failed;
    log_unlock(log);
    if (!failed) {
        return STATUS_OK;
    }
    flusher_forget(log->flusher, &log->item); /* let the failing sync end */
    enum status status;
    if (flusher_policy(log->flusher) == FLUSH_ALWAYS) {
        status = reload(log, error);
    } else {
        status = log_rewrite(log, log->durable, log->end, error);
        log_lock(log);
        log->failed = status != STATUS_OK;
        log_unlock(log);
    }
    if (status != STATUS_OK) {
        error_context(error, "could not recover from a failed sync");
    }
    return status;
}
