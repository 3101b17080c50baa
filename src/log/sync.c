/* Making it durable: the flusher's side of a log, and the checkpoint. */

#include "base/logline.h"
#include "base/memory.h"
#include "io/crash.h"
#include "log/log_internal.h"

#include <fcntl.h>
#include <stdio.h>

/* How much a restart after a kill has to read again, at most. */
#define CHECKPOINT_BYTES ((uint64_t) 64 << 20)

/* A segment with bytes to sync; holds a reference. */
struct sync_part {
    struct segment *segment;
    bool sealed;
};

/* What one sync makes durable, as it was under the lock. */
struct sync_job {
    struct log_point end;
    struct sync_part *parts;
    size_t part_count;
    uint64_t files_made;
    bool names_dirty;
    bool checkpoint;
    struct buffer producers;
    struct index_block *blocks; /* one a part */
    bool idle;                  /* nothing to do            */
    enum status status;         /* of what was done so far  */
    struct error error;
};

static bool checkpoint_due(const struct partition_log *log)
{
    return log->checkpoint_due || log->end.segment != log->checkpoint.segment ||
           log->end.position - log->checkpoint.position >= CHECKPOINT_BYTES;
}

static size_t first_part(const struct partition_log *log, int64_t segment_base)
{
    size_t first = log->segment_count;
    while (first > 0 && log->segments[first - 1]->base_offset >= segment_base) {
        first--;
    }
    return first;
}

/* With the mutex held. */
static enum status job_take(struct partition_log *log, struct sync_job *job, struct error *error)
{
    /* A checkpoint also saves the indexes from the last one on. */
    bool all = job->checkpoint && log->checkpoint.segment < log->durable.segment;
    size_t first = first_part(log, all ? log->checkpoint.segment : log->durable.segment);
    job->end = log->end;
    job->files_made = log->files_made;
    job->names_dirty = log->files_made != log->files_synced;
    job->parts = mem_calloc(log->segment_count - first + 1, sizeof(*job->parts));
    job->blocks = mem_calloc(log->segment_count - first + 1, sizeof(*job->blocks));
    for (size_t i = first; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        TRY(segment_open(segment, log->directory, false, error));
        segment_ref(segment);
        if (job->checkpoint && segment->index_loaded) {
            job->blocks[job->part_count] = segment_index_take(segment);
        }
        job->parts[job->part_count++] =
            (struct sync_part){segment, segment->base_offset != log->end.segment};
    }
    if (job->checkpoint) {
        producers_encode(&log->producers, job->end.offset, &job->producers);
    }
    return STATUS_OK;
}

static void job_release(struct partition_log *log, struct sync_job *job)
{
    log_lock(log);
    for (size_t i = 0; i < job->part_count; i++) {
        segment_unref(job->parts[i].segment);
    }
    log_unlock(log);
    for (size_t i = 0; i < job->part_count; i++) {
        index_block_deinit(&job->blocks[i]);
    }
    mem_free(job->parts);
    mem_free(job->blocks);
    buffer_deinit(&job->producers);
}

static enum status
job_sync(const struct partition_log *log, const struct sync_job *job, struct error *error)
{
    if (job->names_dirty) {
        TRY(directory_sync(log->directory, error));
    }
    for (size_t i = 0; i < job->part_count; i++) {
        TRY(file_sync(job->parts[i].segment->fd, error));
    }
    return STATUS_OK;
}

/* Takes the appends out that end at or below `durable`, as a new array. */
static struct append_waiter *
take_waiters(struct partition_log *log, int64_t durable, size_t *ret_count)
{
    size_t count = 0;
    while (count < log->waiter_count && log->waiters[count].end_offset <= durable) {
        count++;
    }
    struct append_waiter *taken = mem_alloc(count * sizeof(*taken) + 1);
    if (count > 0) {
        memcpy(taken, log->waiters, count * sizeof(*taken));
        memmove(log->waiters, log->waiters + count, (log->waiter_count - count) * sizeof(*taken));
    }
    log->waiter_count -= count;
    *ret_count = count;
    return taken;
}

/* Only a hint: a failure is of no consequence. */
static void save_hint(const struct partition_log *log, int64_t durable)
{
    char path[PATH_MAX];
    (void) snprintf(path, sizeof(path), "%s/durable", log->directory);
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_be64(&buffer, (uint64_t) durable);
    buffer_append_be32(&buffer, crc32c(HINT_MAGIC, buffer.data, buffer.size));
    int fd;
    if (file_open(path, O_WRONLY | O_CREAT, 0644, &fd, NULL) == STATUS_OK) {
        (void) !file_write_at(fd, buffer_slice(&buffer), 0, NULL);
        file_close(fd);
    }
}

static void publish_durable(struct partition_log *log, const struct sync_job *job)
{
    const struct error none = {0};
    save_hint(log, job->end.offset);
    log_lock(log);
    log->durable = job->end;
    log->files_synced = job->files_made;
    size_t count;
    struct append_waiter *waiters = take_waiters(log, log_visible(log).offset, &count);
    log_unlock(log);
    for (size_t i = 0; i < count; i++) {
        waiters[i].done(waiters[i].context, &waiters[i].result, &none);
    }
    mem_free(waiters);
}

/* Saves the index entries since the last time. Only a cache: a failure costs time at a restart. */
static void
save_index(struct partition_log *log, const struct sync_part *part, const struct index_block *block)
{
    uint64_t file_bytes = 0;
    struct error error = {0};
    if (part->sealed) {
        /* gives back what was taken ahead */
        (void) !file_truncate(part->segment->fd, block->extent.size, NULL);
    }
    if (index_block_write(block, log->directory, &file_bytes, &error) != STATUS_OK) {
        logline_error(LOG_WARN, "log", &error);
        return;
    }
    log_lock(log);
    part->segment->index_saved = block->first + block->count;
    part->segment->index_bytes = file_bytes;
    log_unlock(log);
}

/* The states of the producers first: they must never be older than the recovery point. */
static enum status
save_checkpoint(struct partition_log *log, const struct sync_job *job, struct error *error)
{
    for (size_t i = 0; i < job->part_count; i++) {
        if (job->blocks[i].entries != NULL) {
            save_index(log, &job->parts[i], &job->blocks[i]);
        }
    }
    char path[PATH_MAX];
    (void) snprintf(path, sizeof(path), "%s/producers", log->directory);
    TRY(file_replace(path, buffer_slice(&job->producers), error));
    crash_point("log.before_checkpoint");
    return log_save_checkpoint(log, &job->end, error);
}

enum status
log_save_checkpoint(struct partition_log *log, const struct log_point *point, struct error *error)
{
    (void) pthread_mutex_lock(&log->checkpoint_mutex);
    log_lock(log);
    struct checkpoint checkpoint = {
        .log_start = log->log_start,
        .point = point != NULL ? *point : log->checkpoint,
        .epochs = mem_calloc(log->epoch_count, sizeof(struct epoch_start)),
        .epoch_count = log->epoch_count,
    };
    memcpy(checkpoint.epochs, log->epochs, log->epoch_count * sizeof(struct epoch_start));
    log_unlock(log);
    enum status status = checkpoint_save(log->directory, &checkpoint, error);
    mem_free(checkpoint.epochs);
    if (status == STATUS_OK) {
        log_lock(log);
        log->checkpoint = checkpoint.point;
        log->has_checkpoint = true;
        log->checkpoint_due = log->end.segment != checkpoint.point.segment;
        log_unlock(log);
    }
    (void) pthread_mutex_unlock(&log->checkpoint_mutex);
    return status;
}

/* Takes a job for what is to be synced now. */
static void job_begin(struct partition_log *log, bool checkpoint, struct sync_job *job)
{
    *job = (struct sync_job){0};
    log_lock(log);
    job->idle = log->failed || (log->end.offset == log->durable.offset && !log->checkpoint_due &&
                                (!checkpoint || log->end.offset == log->checkpoint.offset));
    if (!job->idle) {
        job->checkpoint = checkpoint || checkpoint_due(log);
        job->status = job_take(log, job, &job->error);
    }
    log_unlock(log);
}

static enum status job_end(struct partition_log *log, struct sync_job *job, struct error *error)
{
    if (job->idle) {
        return STATUS_OK;
    }
    crash_point("log.before_sync");
    if (job->status == STATUS_OK) {
        job->status = job_sync(log, job, &job->error);
    }
    crash_point("log.after_sync");
    if (job->status == STATUS_OK) {
        publish_durable(log, job);
        if (job->checkpoint) {
            job->status = save_checkpoint(log, job, &job->error);
        }
    } else {
        log_lock(log);
        log->failed = true;
        log_unlock(log);
        log_fail_waiters(log, &job->error);
    }
    job_release(log, job);
    if (job->status != STATUS_OK && error != NULL) {
        *error = job->error;
    }
    return job->status;
}

enum status log_sync_now(struct partition_log *log, bool checkpoint, struct error *error)
{
    struct sync_job job;
    job_begin(log, checkpoint, &job);
    return job_end(log, &job, error);
}

/* Begins writing, or waits until it is written. */
static void job_write_back(struct sync_job *job, bool wait)
{
    for (size_t i = 0; i < job->part_count && job->status == STATUS_OK; i++) {
        job->status = file_write_back(job->parts[i].segment->fd, wait, &job->error);
    }
}

void log_sync_start(struct flush_item *item)
{
    struct partition_log *log = (struct partition_log *) item;
    log->job = mem_alloc(sizeof(*log->job));
    job_begin(log, false, log->job);
    job_write_back(log->job, false);
}

void log_sync_wait(struct flush_item *item)
{
    job_write_back(((struct partition_log *) item)->job, true);
}

void log_sync(struct flush_item *item)
{
    struct partition_log *log = (struct partition_log *) item;
    struct error error = {0};
    enum status status;
    if (log->job != NULL) {
        status = job_end(log, log->job, &error);
        mem_free(log->job);
        log->job = NULL;
    } else {
        status = log_sync_now(log, false, &error);
    }
    if (status != STATUS_OK) {
        error_context(&error, "log in \"%s\"", log->directory);
        logline_error(LOG_ERROR, "log", &error);
    }
}
