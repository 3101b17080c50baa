#include "ingest/capture.h"

#include "base/logline.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "ingest/backoff.h"
#include "ingest/log_owner.h"
#include "io/clock.h"
#include "io/crash.h"
#include "io/thread.h"

#include <pthread.h>
#include <stdatomic.h>

/* A batch is what the outbox holds, up to these: small when idle, large when behind. */
#define BATCH_COUNT_MAX 20000
#define BATCH_BYTES_MAX ((size_t) 16 * 1024 * 1024)
#define RETRY_FIRST_US  100000
#define RETRY_MAX_US    2500000 /* it goes on soon after an engine is back */
#define IDLE_US         1000000

struct capture {
    struct capture_job job;
    char *source;
    struct thread *thread;
    atomic_bool draining;
    atomic_bool stopping;

    pthread_mutex_t mutex;
    struct capture_status status; /* guarded by mutex */

    /* The worker's own from here. */
    struct stage *stage;
    struct log_writer *writer; /* NULL: not connected */
    struct arena arena;        /* of one batch */
    struct arena connected;    /* of `newest` */
    struct identity *newest;   /* what the log held when the writer was opened, by partition */
    int32_t partitions;
    int64_t epoch;
    int64_t position; /* everything up to here is in the log */
    struct backoff backoff;
    struct metric *records;
    struct metric *retries;
};

const char *capture_state_name(enum capture_state state)
{
    static const char *const names[] = {"connecting", "idle", "sending", "retrying", "ended"};
    return names[state];
}

static void set_state(struct capture *capture, enum capture_state state)
{
    pthread_mutex_lock(&capture->mutex);
    capture->status.state = state;
    pthread_mutex_unlock(&capture->mutex);
}

static void disconnect(struct capture *capture)
{
    if (capture->writer != NULL) {
        capture->job.log_ops->writer_close(capture->writer);
        capture->writer = NULL;
    }
}

/* What the log holds of the source. */
static enum status read_back(struct capture *capture, bool settled, struct error *error)
{
    int32_t count;
    arena_reset(&capture->connected);
    TRY(capture->job.log_ops->newest_identities(capture->job.log, capture->job.topic.name,
                                                capture->source, settled, &capture->connected,
                                                &capture->newest, &count, error));
    if (count != capture->partitions) {
        return error_set(error, STATUS_AGAIN,
                         "topic \"%s\" has %d partitions for one request and %d for another",
                         capture->job.topic.name, (int) capture->partitions, (int) count);
    }
    return STATUS_OK;
}

/* Staging may be elsewhere than the log, and outlive it. What a topic that was made anew lacks is
 * not sent again, as it is no longer in the outbox: said, so that nobody looks for it in vain. */
static enum status tell_if_made_anew(struct capture *capture, struct error *error)
{
    int64_t *ends;
    int32_t count;
    if (capture->position == 0) {
        return STATUS_OK;
    }
    TRY(log_topic_ends(capture->job.log_ops, capture->job.log, capture->job.topic.name,
                       &capture->arena, &ends, &count, error));
    for (int32_t i = 0; i < count; i++) {
        if (ends[i] > 0) {
            return STATUS_OK;
        }
    }
    logline(LOG_WARN, "capture",
            "the topic is empty, though changes were sent to it: it was made anew, or this is "
            "another data directory; they are not sent again",
            LOG_STRING("source", capture->source), LOG_STRING("topic", capture->job.topic.name),
            LOG_INT("changes", capture->position));
    return STATUS_OK;
}

/* Makes the topic and a writer, and finds out what is in the log already. */
static enum status connect_log(struct capture *capture, struct error *error)
{
    const struct log_ops *ops = capture->job.log_ops;
    const char *topic = capture->job.topic.name;
    set_state(capture, CAPTURE_CONNECTING);
    if (capture->stage == NULL) {
        TRY(stage_open_fenced(capture->job.stage_ops, capture->job.stage_url, capture->job.fence,
                              &capture->stage, error));
    }
    arena_reset(&capture->arena);
    struct stage_source state;
    TRY(capture->job.stage_ops->source_load(capture->stage, capture->source, &capture->arena,
                                            &state, error));
    capture->epoch = state.epoch;
    TRY(capture->job.stage_ops->changes_confirmed(capture->stage, capture->source,
                                                  &capture->position, error));

    TRY(ops->topic_ensure(capture->job.log, &capture->job.topic, &capture->partitions, error));
    TRY(tell_if_made_anew(capture, error));
    TRY(read_back(capture, false, error));
    struct log_owner_query owner = {
        .source = capture->source,
        .topic = topic,
        .stage_ops = capture->job.stage_ops,
        .stage = capture->stage,
        .newest = capture->newest,
        .partitions = capture->partitions,
        .arena = &capture->arena,
    };
    TRY(log_owner_check(&owner, error)); /* before a writer of another staging would be fenced */
    TRY(ops->writer_open(capture->job.log, topic, capture->source, capture->job.writing,
                         &capture->writer, error));
    if (capture->job.writing == LOG_TRANSACTIONAL) {
        /* Only now nobody else can write as this source. The changes are read after it, from a
         * staging that refuses us if another holder has claimed it: so an older holder that opens a
         * writer late may interrupt the new one, but has nothing to send. */
        TRY(read_back(capture, true, error));
    }

    pthread_mutex_lock(&capture->mutex);
    capture->status.partitions = capture->partitions;
    capture->status.confirmed = capture->position;
    capture->status.staged = state.position;
    capture->status.lag = state.position - capture->position;
    capture->status.state = CAPTURE_IDLE;
    pthread_mutex_unlock(&capture->mutex);
    return STATUS_OK;
}

/* The records of changes that the log does not hold yet. */
static struct log_out *
records_of(struct capture *capture, const struct stage_change *changes, size_t count, size_t *left)
{
    struct log_out *records = ARENA_ARRAY(&capture->arena, struct log_out, count);
    struct slice source = slice_of_string(capture->source);
    *left = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stage_change *change = &changes[i];
        struct identity identity = {
            .source = source,
            .epoch = capture->epoch,
            .position = change->position,
            .seq = change->seq,
            .accepted_us = change->accepted_us,
        };
        int32_t partition =
            capture->job.log_ops->partition_of(capture->job.log, change->key, capture->partitions);
        if (identity_compare(&identity, &capture->newest[partition]) <= 0) {
            continue;
        }
        records[(*left)++] = (struct log_out){
            .key = change->key,
            .value = change->op == STAGE_DELETE ? SLICE_EMPTY : change->value,
            .timestamp_ms = change->accepted_us / 1000,
            .identity = identity,
        };
    }
    return records;
}

static void
count_batch(struct capture *capture, size_t count, size_t sent, int64_t position, int64_t took_us)
{
    metric_add(capture->records, (int64_t) sent);
    pthread_mutex_lock(&capture->mutex);
    struct capture_status *status = &capture->status;
    status->confirmed = position;
    status->staged = status->staged < position ? position : status->staged;
    status->lag = status->staged - position;
    status->sent += (int64_t) sent;
    status->skipped += (int64_t) (count - sent);
    double rate = (double) count * 1e6 / (double) (took_us > 0 ? took_us : 1);
    status->rate = status->rate == 0 ? rate : status->rate * 0.8 + rate * 0.2;
    error_clear(&status->last_error);
    pthread_mutex_unlock(&capture->mutex);
    backoff_reset(&capture->backoff);
    if (capture->job.progress != NULL) {
        notify_ring(capture->job.progress);
    }
}

/* Moves one batch. `ret_count` is 0 when the outbox is empty. */
static enum status move_batch(struct capture *capture, size_t *ret_count, struct error *error)
{
    int64_t begin = clock_monotonic_us();
    arena_reset(&capture->arena);
    struct stage_change *changes;
    size_t count;
    TRY(capture->job.stage_ops->changes_read(capture->stage, capture->source, capture->position,
                                             BATCH_COUNT_MAX, BATCH_BYTES_MAX, &capture->arena,
                                             &changes, &count, error));
    *ret_count = count;
    if (count == 0) {
        return STATUS_OK;
    }
    set_state(capture, CAPTURE_SENDING);
    size_t left;
    struct log_out *records = records_of(capture, changes, count, &left);
    int64_t position = changes[count - 1].position;
    crash_point("capture.before_send");
    if (left > 0) {
        TRY(capture->job.log_ops->writer_send(capture->writer, records, left, error));
    }
    crash_point("capture.after_send");
    TRY(capture->job.stage_ops->changes_confirm(capture->stage, capture->source, position, error));
    crash_point("capture.after_confirm");
    capture->position = position;
    count_batch(capture, count, left, position, clock_monotonic_us() - begin);
    return STATUS_OK;
}

/* The outbox is empty: remember how far staging is, and wait for a ring. */
static void idle(struct capture *capture, uint64_t seen)
{
    pthread_mutex_lock(&capture->mutex);
    capture->status.state = CAPTURE_IDLE;
    capture->status.staged = capture->position;
    capture->status.lag = 0;
    capture->status.rate = 0;
    pthread_mutex_unlock(&capture->mutex);
    notify_wait(capture->job.bell, seen,
                capture->job.idle_us == 0 ? IDLE_US : capture->job.idle_us);
}

/* Any failure: the writer goes, and after a pause what the log holds is read back. */
static void recover(struct capture *capture, const struct error *error)
{
    disconnect(capture);
    int64_t wait_us = backoff_next(&capture->backoff);
    metric_add(capture->retries, 1);
    if (capture->backoff.failures == 1) {
        logline_error(LOG_WARN, "capture", error);
    }
    pthread_mutex_lock(&capture->mutex);
    capture->status.state = CAPTURE_RETRYING;
    capture->status.retry_at_us = clock_now_us() + wait_us;
    capture->status.last_error = *error;
    pthread_mutex_unlock(&capture->mutex);
    if (capture->job.progress != NULL) {
        notify_ring(capture->job.progress);
    }
    int64_t until = clock_monotonic_us() + wait_us;
    for (int64_t now = clock_monotonic_us(); now < until && !atomic_load(&capture->stopping);
         now = clock_monotonic_us()) {
        uint64_t seen = notify_seen(capture->job.bell);
        if (!atomic_load(&capture->stopping)) {
            notify_wait(capture->job.bell, seen, until - now);
        }
    }
}

static void work(struct thread *self, void *context)
{
    (void) self;
    struct capture *capture = context;
    while (!atomic_load(&capture->stopping)) {
        struct error error = {0};
        size_t count = 0;
        uint64_t seen = notify_seen(capture->job.bell);
        bool draining = atomic_load(&capture->draining);
        enum status status = capture->writer == NULL ? connect_log(capture, &error) : STATUS_OK;
        if (status == STATUS_OK) {
            status = move_batch(capture, &count, &error);
        }
        if (status != STATUS_OK) {
            error_context(&error, "source \"%s\"", capture->source);
            recover(capture, &error);
        } else if (count == 0) {
            if (draining) {
                break;
            }
            idle(capture, seen);
        }
    }
    disconnect(capture);
    if (capture->stage != NULL) {
        capture->job.stage_ops->close(capture->stage);
        capture->stage = NULL;
    }
    set_state(capture, CAPTURE_ENDED);
    if (capture->job.progress != NULL) {
        notify_ring(capture->job.progress);
    }
}

enum status
capture_start(const struct capture_job *job, struct capture **ret_capture, struct error *error)
{
    struct capture *capture = mem_zalloc(sizeof(*capture));
    capture->job = *job;
    capture->source = mem_strdup(job->source);
    pthread_mutex_init(&capture->mutex, NULL);
    arena_init(&capture->arena, 1 << 20);
    arena_init(&capture->connected, 0);
    backoff_init(&capture->backoff, RETRY_FIRST_US, RETRY_MAX_US);
    capture->records =
        metric_counter("leat_capture_records_total", "Changes appended to the log by capture.",
                       "source", job->source, NULL);
    capture->retries =
        metric_counter("leat_capture_retries_total", "Times that capture had to connect anew.",
                       "source", job->source, NULL);
    enum status status = thread_start("capture", work, capture, &capture->thread, error);
    if (status != STATUS_OK) {
        capture_free(capture);
        return status;
    }
    *ret_capture = capture;
    return STATUS_OK;
}

void capture_drain(struct capture *capture)
{
    atomic_store(&capture->draining, true);
    notify_ring(capture->job.bell);
}

void capture_stop(struct capture *capture)
{
    atomic_store(&capture->stopping, true);
    notify_ring(capture->job.bell);
}

bool capture_ended(struct capture *capture)
{
    struct capture_status status;
    capture_status(capture, &status);
    return status.state == CAPTURE_ENDED;
}

void capture_status(struct capture *capture, struct capture_status *ret_status)
{
    pthread_mutex_lock(&capture->mutex);
    *ret_status = capture->status;
    pthread_mutex_unlock(&capture->mutex);
}

void capture_free(struct capture *capture)
{
    if (capture == NULL) {
        return;
    }
    if (capture->thread != NULL) {
        capture_stop(capture);
        (void) !thread_join(capture->thread, -1, NULL); /* waits for ever, so it cannot fail */
    }
    pthread_mutex_destroy(&capture->mutex);
    arena_deinit(&capture->arena);
    arena_deinit(&capture->connected);
    mem_free(capture->source);
    mem_free(capture);
}
