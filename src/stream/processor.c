#include "stream/processor.h"

#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"
#include "stream/committer.h"
#include "stream/delivery.h"

#define BATCH_RECORDS_MAX 50000
#define STATE_BYTES_MAX   ((size_t) 1 << 30)
#define POLL_US           (250 * INT64_C(1000))
#define SHOW_US           (1000 * INT64_C(1000))

/* ---- the worker --------------------------------------------------------------------------------
 */

void task_measure(struct processor *task, struct processor_status *ret_status)
{
    int64_t groups = 0;
    int64_t bytes = 0;
    int64_t watermark_us = INT64_MIN;
    for (size_t i = 0; i < task->stream_count; i++) {
        const struct aggregates *aggregates = task->streams[i].aggregates;
        groups += aggregates == NULL ? 0 : (int64_t) aggregates->groups.size;
        bytes += aggregates == NULL ? 0 : (int64_t) aggregates->groups.bytes;
        int64_t mark =
            progress_stream_of(&task->progress, task->streams[i].spec->name)->watermark_us;
        watermark_us = mark > watermark_us ? mark : watermark_us;
    }
    const struct fate_counts *counts = &task->progress.counts;
    ret_status->counts = *counts;
    ret_status->committed = counts->stored + counts->filtered + counts->late + counts->dead;
    ret_status->position = 0;
    for (int32_t i = 0; i < task->progress.partitions; i++) {
        int64_t offset = task->progress.offsets[i];
        ret_status->position += offset > 0 ? offset : 0; /* PROGRESS_START is none */
    }
    ret_status->watermark_us = watermark_us;
    ret_status->state_bytes = bytes;
    ret_status->groups = groups;
}

void task_publish(struct processor *task, bool running)
{
    pthread_mutex_lock(&task->mutex);
    task_measure(task, &task->status);
    task->status.running = running;
    delivery_show_durable(task, task->progress.offsets, task->progress.partitions,
                          task->progress.version_last);
    pthread_mutex_unlock(&task->mutex);
    if (task->on_progress != NULL) {
        task->on_progress(task->context);
    }
}

static void fail(struct processor *task, const struct error *error)
{
    logline_error(LOG_ERROR, task->name, error);
    pthread_mutex_lock(&task->mutex);
    task->status.last_error = *error;
    task->status.running = false;
    pthread_mutex_unlock(&task->mutex);
    if (task->on_progress != NULL) {
        task->on_progress(task->context);
    }
}

/* How far the reader has come: all that it gave is processed when this is asked. */
static int64_t read_position(const struct processor *task, int32_t partition)
{
    const struct log_ops *ops = task->job->log_ops;
    bool known = task->reader != NULL && ops->reader_position != NULL;
    return known ? ops->reader_position(task->reader, partition) : -1;
}

/* Moves the offsets over what is nothing to read, such as the marker of a transaction at the end.
 * Not worth a commit: it is found out again. */
static enum status pass_over(struct processor *task, struct error *error)
{
    bool moved = false;
    for (int32_t i = 0; i < task->progress.partitions; i++) {
        int64_t position = read_position(task, i);
        if (position > task->progress.offsets[i]) {
            task->progress.offsets[i] = position;
            moved = true;
        }
    }
    if (moved) {
        TRY(committer_wait(task, error));
        task_publish(task, true);
    }
    return STATUS_OK;
}

/* Shows the log how far the task is; all that is shown is durable. */
static enum status show_progress(struct processor *task, bool now, struct error *error)
{
    const struct log_ops *ops = task->job->log_ops;
    struct processor_status status = {0};
    if (!task->job->show_progress || ops->reader_show == NULL || task->reader == NULL ||
        (!now && clock_monotonic_us() < task->show_next_us)) {
        return STATUS_OK;
    }
    task_measure(task, &status);
    if (status.position == task->shown && !now) {
        return STATUS_OK;
    }
    TRY(committer_wait(task, error));
    char *group = mem_printf("leat.%s", task->name);
    ops->reader_show(task->reader, group, task->progress.offsets, task->progress.partitions);
    mem_free(group);
    task->shown = status.position;
    task->show_next_us = clock_monotonic_us() + SHOW_US;
    return STATUS_OK;
}

/* True if a drain was asked for and the input up to it is processed. */
static bool drain_reached(struct processor *task)
{
    bool reached = false;
    pthread_mutex_lock(&task->mutex);
    if (task->drain_offsets != NULL) {
        reached = true;
        for (int32_t i = 0; i < task->drain_partitions; i++) {
            int64_t at = i < task->progress.partitions ? task->progress.offsets[i] : 0;
            reached = reached && at >= task->drain_offsets[i];
        }
    }
    pthread_mutex_unlock(&task->mutex);
    return reached;
}

static enum status open_reader(struct processor *task, struct error *error)
{
    const struct processor_job *job = task->job;
    struct arena arena;
    arena_init(&arena, 0);
    struct log_partition *partitions;
    int32_t count;
    enum status status =
        job->log_ops->topic_offsets(job->log, job->topic, &arena, &partitions, &count, error);
    if (status == STATUS_OK) {
        progress_grow(&task->progress, count);
        for (int32_t i = 0; i < count; i++) {
            if (task->progress.offsets[i] == PROGRESS_START) {
                task->progress.offsets[i] = partitions[i].low;
            }
        }
        struct log_reader *reader = NULL;
        status = job->log_ops->reader_open(job->log, job->topic, task->progress.offsets, count,
                                           &reader, error);
        pthread_mutex_lock(&task->mutex); /* task_wake looks at it */
        task->reader = reader;
        pthread_mutex_unlock(&task->mutex);
    }
    arena_deinit(&arena);
    return status;
}

static void close_reader(struct processor *task)
{
    pthread_mutex_lock(&task->mutex); /* task_wake looks at it */
    struct log_reader *reader = task->reader;
    task->reader = NULL;
    pthread_mutex_unlock(&task->mutex);
    if (reader != NULL) {
        task->job->log_ops->reader_close(reader);
    }
}

/* With fixed boundaries, a batch is full or the last one: what is there is copied until then. */
static enum status gather(struct processor *task,
                          struct arena *held,
                          struct log_in *batch,
                          size_t *filled,
                          struct error *error)
{
    const struct log_ops *ops = task->job->log_ops;
    size_t wanted = (size_t) task->job->batch_records - *filled;
    const struct log_in *records;
    size_t count;
    TRY(ops->reader_poll(task->reader, wanted, POLL_US, &records, &count, error));
    for (size_t i = 0; i < count; i++) {
        struct log_in *copy = &batch[(*filled)++];
        *copy = records[i];
        copy->key = records[i].key.data == NULL ? records[i].key : arena_copy(held, records[i].key);
        copy->value =
            records[i].value.data == NULL ? records[i].value : arena_copy(held, records[i].value);
        copy->identity.source = arena_copy(held, records[i].identity.source);
    }
    ops->reader_release(task->reader);
    return STATUS_OK;
}

/* Offsets as they will be once the held records are processed. */
static bool held_reach_drain(struct processor *task, const struct log_in *held, size_t count)
{
    struct progress *progress = &task->progress;
    int64_t *saved = mem_alloc((size_t) progress->partitions * sizeof(*saved) + 1);
    memcpy(saved, progress->offsets, (size_t) progress->partitions * sizeof(*saved));
    for (size_t i = 0; i < count; i++) {
        progress->offsets[held[i].partition] = held[i].offset + 1;
    }
    for (int32_t i = 0; i < progress->partitions; i++) {
        int64_t position = read_position(task, i);
        progress->offsets[i] = position > progress->offsets[i] ? position : progress->offsets[i];
    }
    bool reached = drain_reached(task);
    memcpy(progress->offsets, saved, (size_t) progress->partitions * sizeof(*saved));
    mem_free(saved);
    return reached;
}

/* What may come up while nothing is read: a commit that failed for good, a dead letter. */
static enum status look_around(struct processor *task, struct error *error)
{
    TRY(committer_check(task, error));
    TRY(delivery_take(task, error));
    return task_serve_retry(task, error);
}

static enum status fixed_batch(struct processor *task, struct error *error)
{
    struct arena held;
    arena_init(&held, 0);
    size_t wanted = (size_t) task->job->batch_records;
    struct log_in *batch = ARENA_ARRAY(&held, struct log_in, wanted);
    size_t filled = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && filled < wanted && !atomic_load(&task->stop) &&
           !held_reach_drain(task, batch, filled)) {
        status = gather(task, &held, batch, &filled, error);
        if (status == STATUS_OK) {
            status = look_around(task, error);
        }
    }
    if (status == STATUS_OK && filled > 0 && !atomic_load(&task->stop)) {
        status = task_batch(task, batch, filled, false, error);
    }
    if (status == STATUS_OK && filled == 0) {
        status = pass_over(task, error);
    }
    arena_deinit(&held);
    return status;
}

static enum status free_batch(struct processor *task, struct error *error)
{
    const struct log_ops *ops = task->job->log_ops;
    const struct log_in *records;
    size_t count;
    TRY(ops->reader_poll(task->reader, BATCH_RECORDS_MAX, POLL_US, &records, &count, error));
    if (count == 0) {
        return pass_over(task, error);
    }
    enum status status = task_batch(task, records, count, false, error);
    ops->reader_release(task->reader);
    return status;
}

/* What failed before works again: the status no longer says so. */
static void clear_error(struct processor *task)
{
    pthread_mutex_lock(&task->mutex);
    if (!task->commit_fails) {
        error_clear(&task->status.last_error);
    }
    pthread_mutex_unlock(&task->mutex);
}

/* Until drained, stopped, or a failure. */
static enum status work(struct processor *task, struct error *error)
{
    if (task->reader == NULL) {
        TRY(open_reader(task, error));
    }
    while (!atomic_load(&task->stop)) {
        TRY(look_around(task, error));
        if (drain_reached(task) && !delivery_reached(task)) {
            (void) notify_wait(&task->wake, notify_seen(&task->wake), POLL_US);
            continue;
        }
        if (drain_reached(task)) {
            if (task->job->flush_windows) {
                TRY(task_batch(task, NULL, 0, true, error));
            }
            TRY(committer_wait(task, error));
            return show_progress(task, true, error);
        }
        TRY(task->job->batch_records > 0 ? fixed_batch(task, error) : free_batch(task, error));
        TRY(show_progress(task, false, error));
        clear_error(task);
    }
    return error_set(error, STATUS_CANCELLED, "stopped");
}

/* The worker is about to end before its input does. */
static void show_stopped(struct processor *task)
{
    if (committer_wait(task, NULL) == STATUS_OK) {
        task_publish(task, false);
        return;
    }
    pthread_mutex_lock(&task->mutex); /* memory is ahead of the disk: the counts stay */
    task->status.running = false;
    pthread_mutex_unlock(&task->mutex);
}

static void *worker(void *context)
{
    struct processor *task = context;
    task_publish(task, true);
    for (unsigned attempt = 0;; attempt++) {
        struct error error = {0};
        int64_t before = task->progress.number;
        enum status status = work(task, &error);
        close_reader(task);
        if (status == STATUS_OK) {
            clear_error(task);
            task_publish(task, false);
            pthread_mutex_lock(&task->mutex);
            task->drained = true;
            pthread_mutex_unlock(&task->mutex);
            if (task->on_progress != NULL) {
                task->on_progress(task->context);
            }
            return NULL;
        }
        if (status == STATUS_CANCELLED) {
            show_stopped(task);
            return NULL;
        }
        /* A commit that failed for good leaves state in memory ahead of the disk: end here. */
        if (!error.retriable) {
            fail(task, &error);
            return NULL;
        }
        attempt = task->progress.number > before ? 0 : attempt;
        if (!task_pause(task, &error, attempt)) {
            show_stopped(task);
            return NULL;
        }
    }
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static struct task_store *store_of(struct processor *task, const struct processor_sink *sink)
{
    for (size_t i = 0; i < task->store_count; i++) {
        if (task->stores[i].ops == sink->store_ops &&
            strcmp(task->stores[i].url, sink->store_url) == 0) {
            return &task->stores[i];
        }
    }
    task->stores[task->store_count] =
        (struct task_store){.ops = sink->store_ops, .url = sink->store_url};
    return &task->stores[task->store_count++];
}

static enum status
bind_stream(struct processor *task, const struct processor_stream *spec, struct error *error)
{
    struct task_stream *stream = &task->streams[task->stream_count++];
    stream->spec = spec;
    int64_t most = task->job->state_bytes_max;
    size_t bytes_max = most == 0 ? STATE_BYTES_MAX : (size_t) most;
    enum status status = aggregates_new(spec->query, bytes_max, &stream->aggregates, error);
    if (status != STATUS_OK) {
        error_context(error, "stream \"%s\"", spec->name);
        return status;
    }
    stream->sinks = ARENA_ARRAY(&task->arena, struct task_sink, spec->sink_count);
    for (size_t i = 0; i < spec->sink_count; i++) {
        struct task_sink *sink = &stream->sinks[stream->sink_count++];
        sink->spec = &spec->sinks[i];
        sink->store = store_of(task, sink->spec);
        TRY(sink_key_derive(spec->query, sink->spec->table, task->job->key_paths,
                            task->job->key_path_count, &task->arena, &sink->key, error));
    }
    return STATUS_OK;
}

static enum status bind(struct processor *task, struct error *error)
{
    const struct processor_job *job = task->job;
    size_t sinks = 0;
    for (size_t i = 0; i < job->stream_count; i++) {
        sinks += job->streams[i].sink_count;
    }
    task->streams = ARENA_ARRAY(&task->arena, struct task_stream, job->stream_count);
    task->stores = ARENA_ARRAY(&task->arena, struct task_store, sinks);
    const struct query **queries =
        ARENA_ARRAY(&task->arena, const struct query *, job->stream_count);
    for (size_t i = 0; i < job->stream_count; i++) {
        TRY(bind_stream(task, &job->streams[i], error));
        queries[i] = job->streams[i].query;
    }
    const struct type *wanted = type_wanted(&task->arena, job->type, queries, job->stream_count);
    TRY(decoder_new(job, wanted, &task->decoder, error));
    return task_open_stores(task, error);
}

static void processor_close(struct processor *task);

static enum status processor_open(const struct processor_job *job,
                                  void (*on_progress)(void *context),
                                  void *context,
                                  struct processor **ret_processor,
                                  struct error *error)
{
    struct processor *task = mem_zalloc(sizeof(*task));
    task->job = job;
    task->name = mem_printf("%s.%s", job->pipeline, job->topic);
    task->on_progress = on_progress;
    task->context = context;
    arena_init(&task->arena, 0);
    arena_init(&task->batch, TASK_ARENA_BYTES);
    progress_init(&task->progress);
    pthread_mutex_init(&task->mutex, NULL);
    notify_init(&task->wake);
    task->status.running = true; /* before the thread says so itself: a retry may come at once */
    enum status status = bind(task, error);
    if (status == STATUS_OK) {
        status = committer_start(task, error);
    }
    if (status == STATUS_OK && pthread_create(&task->thread, NULL, worker, task) != 0) {
        status = error_set(error, STATUS_INTERNAL, "could not start a thread");
    } else if (status == STATUS_OK) {
        task->thread_started = true;
        *ret_processor = task;
        return STATUS_OK;
    }
    error_context(error, "topic \"%s\"", job->topic);
    processor_close(task);
    return status;
}

void task_wake(struct processor *task)
{
    notify_ring(&task->wake);
    pthread_mutex_lock(&task->mutex);
    if (task->reader != NULL) {
        task->job->log_ops->reader_wake(task->reader);
    }
    pthread_mutex_unlock(&task->mutex);
}

static void processor_close(struct processor *task)
{
    if (task == NULL) {
        return;
    }
    if (task->thread_started) {
        atomic_store(&task->stop, true);
        task_wake(task);
        (void) pthread_join(task->thread, NULL);
    }
    committer_stop(task);
    task_close_stores(task);
    decoder_free(task->decoder);
    for (size_t i = 0; i < task->stream_count; i++) {
        aggregates_free(task->streams[i].aggregates);
    }
    progress_deinit(&task->progress);
    notify_deinit(&task->wake);
    pthread_mutex_destroy(&task->mutex);
    mem_free(task->drain_offsets);
    mem_free(task->durable);
    mem_free(task->delivered_offsets);
    arena_deinit(&task->batch);
    arena_deinit(&task->arena);
    mem_free(task->name);
    mem_free(task);
}

/* ---- from the owner's thread --------------------------------------------------------------- */

static void processor_status(struct processor *task, struct processor_status *ret_status)
{
    pthread_mutex_lock(&task->mutex);
    *ret_status = task->status;
    pthread_mutex_unlock(&task->mutex);
}

static void processor_drain(struct processor *task, const int64_t *offsets, int32_t partitions)
{
    pthread_mutex_lock(&task->mutex);
    mem_free(task->drain_offsets);
    size_t size = (size_t) partitions * sizeof(*offsets);
    task->drain_offsets = mem_alloc(size + 1);
    memcpy(task->drain_offsets, offsets, size);
    task->drain_partitions = partitions;
    pthread_mutex_unlock(&task->mutex);
    task_wake(task);
}

static bool processor_drained(struct processor *task)
{
    pthread_mutex_lock(&task->mutex);
    bool drained = task->drained;
    pthread_mutex_unlock(&task->mutex);
    return drained;
}

enum status processor_stored_status(const struct store_ops *ops,
                                    struct store *keeper,
                                    const char *pipeline,
                                    const char *topic,
                                    struct processor_status *ret_status,
                                    struct error *error)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct store_progress stored;
    struct progress progress;
    progress_init(&progress);
    enum status status = ops->progress_load(keeper, arena_printf(&arena, "%s.%s", pipeline, topic),
                                            &arena, &stored, error);
    if (status == STATUS_OK) {
        status = progress_read(stored.bytes, &progress, error);
    }
    if (status == STATUS_OK) {
        *ret_status = (struct processor_status){.counts = progress.counts};
        const struct fate_counts *counts = &progress.counts;
        ret_status->committed = counts->stored + counts->filtered + counts->late + counts->dead;
    }
    progress_deinit(&progress);
    arena_deinit(&arena);
    return status;
}

const struct processor_ops embedded_processor = {
    .name = "embedded",
    .open = processor_open,
    .status = processor_status,
    .drain = processor_drain,
    .drained = processor_drained,
    .dead_retry = task_ask_retry,
    .close = processor_close,
};
