#include "cluster/spark/processor.h"

#include "base/logline.h"
#include "base/memory.h"
#include "cluster/spark/judge.h"
#include "cluster/spark/task.h"
#include "io/clock.h"
#include "sql/query.h"
#include "stream/processor.h"

#include <string.h>

#define LOOK_US      (200 * INT64_C(1000))
#define PAUSE_MIN_US (100 * INT64_C(1000))
#define PAUSE_MAX_US (10 * INT64_C(1000000))

/* To the contract a processor is opaque; here it is a spark_task, and the embedded ones stay so. */
static struct spark_task *task_of(struct processor *processor)
{
    return (struct spark_task *) processor;
}

/* ---- the worker --------------------------------------------------------------------------------
 */

bool spark_task_wait(struct spark_task *task, int64_t duration_us)
{
    int64_t until_us = clock_monotonic_us() + duration_us;
    while (!atomic_load(&task->stop)) {
        int64_t left_us = until_us - clock_monotonic_us();
        if (left_us <= 0) {
            return true;
        }
        (void) notify_wait(&task->wake, notify_seen(&task->wake), left_us);
    }
    return false;
}

/* Shows where the queries are. Records count when every query has them. */
static void publish(struct spark_task *task)
{
    int64_t committed = INT64_MAX;
    int64_t watermark_us = INT64_MIN;
    int64_t batch_us = 0;
    for (size_t i = 0; i < task->stream_count; i++) {
        const struct spark_stream *stream = &task->streams[i];
        int64_t sum = 0;
        for (int32_t p = 0; p < stream->partitions; p++) {
            sum += stream->offsets[p];
        }
        committed = sum < committed ? sum : committed;
        watermark_us = stream->watermark_us > watermark_us ? stream->watermark_us : watermark_us;
        batch_us = stream->batch_us > batch_us ? stream->batch_us : batch_us;
    }
    pthread_mutex_lock(&task->mutex);
    int64_t position = spark_delivery_position(task);
    bool moved = task->committed != committed || task->position != position;
    task->committed = committed;
    task->position = position;
    task->watermark_us = watermark_us;
    task->batch_us = batch_us;
    error_clear(&task->last_error);
    pthread_mutex_unlock(&task->mutex);
    if (moved && task->on_progress != NULL) {
        task->on_progress(task->context);
    }
}

static bool spark_has_all(struct spark_task *task)
{
    bool all = false;
    pthread_mutex_lock(&task->mutex);
    if (task->drain_offsets != NULL) {
        all = true;
        for (size_t i = 0; i < task->stream_count; i++) {
            const struct spark_stream *stream = &task->streams[i];
            all = all && stream->idle;
            for (int32_t p = 0; p < task->drain_partitions; p++) {
                int64_t at = p < stream->partitions ? stream->offsets[p] : 0;
                all = all && at >= task->drain_offsets[p];
            }
        }
    }
    pthread_mutex_unlock(&task->mutex);
    return all;
}

/* What stands in the result topics now is all there will be. */
static enum status drain_results(struct spark_task *task, struct error *error)
{
    const struct processor_job *job = task->job;
    for (size_t i = 0; i < task->stream_count; i++) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        struct spark_result *result = &task->streams[i].result;
        struct log_partition *bounds;
        int32_t count;
        TRY(job->log_ops->topic_offsets(job->log, result->output.topic, &arena, &bounds, &count,
                                        error));
        int64_t *ends = ARENA_ARRAY(&arena, int64_t, (size_t) count);
        for (int32_t p = 0; p < count; p++) {
            ends[p] = bounds[p].high;
        }
        embedded_processor.drain(result->task, ends, count);
    }
    for (;;) {
        bool all = true;
        for (size_t i = 0; i < task->stream_count; i++) {
            all = all && embedded_processor.drained(task->streams[i].result.task);
        }
        if (all) { /* the judge ends with what they have */
            TRY(spark_delivery_all(task, error));
        }
        if (all && embedded_processor.drained(task->judge)) {
            return STATUS_OK;
        }
        if (!spark_task_wait(task, LOOK_US / 10)) {
            return error_set(error, STATUS_CANCELLED, "stopped before the results were stored");
        }
    }
}

/* The schema of new records; those of older ones are met on the way. */
static enum status first_schema(struct spark_task *task, struct error *error)
{
    const struct processor_job *job = task->job;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct schema_version version;
    if (job->format != VALUE_AVRO) {
        return STATUS_OK;
    }
    enum status status = job->schemas_ops->latest(
        job->schemas, arena_printf(&arena, "%s-value", job->topic), &arena, &version, error);
    if (status == STATUS_OK) {
        spark_saved_add_schema(&task->saved, version.id);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* True if the task is to end where nothing was ever written. */
static bool ends_empty(struct spark_task *task)
{
    pthread_mutex_lock(&task->mutex);
    bool ends = task->drain_offsets != NULL;
    for (int32_t p = 0; ends && p < task->drain_partitions; p++) {
        ends = task->drain_offsets[p] == 0;
    }
    pthread_mutex_unlock(&task->mutex);
    return ends;
}

/* A topic to which nothing was ever written has no schema, and Spark refuses a query over records
 * of which it knows nothing: it begins when the first schema is there. STATUS_NOT_FOUND if the task
 * ends before. */
static enum status await_schema(struct spark_task *task, struct error *error)
{
    TRY(first_schema(task, error));
    if (task->job->format != VALUE_AVRO || task->saved.schema_count > 0) {
        return STATUS_OK;
    }
    logline(LOG_INFO, task->name, "no record yet: Spark's queries begin with the first");
    while (task->saved.schema_count == 0) {
        publish(task);
        if (ends_empty(task)) {
            return error_set(error, STATUS_NOT_FOUND, "nothing was ever written");
        }
        if (!spark_task_wait(task, LOOK_US)) {
            return error_set(error, STATUS_CANCELLED, "stopped");
        }
        TRY(first_schema(task, error));
    }
    return STATUS_OK;
}

/* Until drained, stopped, or a failure. */
static enum status work(struct spark_task *task, struct error *error)
{
    if (task->session == NULL || spark_session_is_gone(task->session)) {
        TRY(spark_task_connect(task, error));
    }
    enum status known = await_schema(task, error);
    if (known != STATUS_OK) {
        return known == STATUS_NOT_FOUND ? drain_results(task, error) : known;
    }
    for (size_t i = 0; i < task->stream_count; i++) {
        if (task->streams[i].query.id == NULL) {
            TRY(spark_stream_begin(task, &task->streams[i], error));
        }
    }
    while (!atomic_load(&task->stop)) {
        for (size_t i = 0; i < task->stream_count; i++) {
            TRY(spark_stream_look(task, &task->streams[i], error));
        }
        TRY(spark_delivery_look(task, error));
        publish(task);
        if (spark_has_all(task)) {
            return drain_results(task, error);
        }
        if (!spark_task_wait(task, LOOK_US)) {
            break;
        }
    }
    return error_set(error, STATUS_CANCELLED, "stopped");
}

static void show(struct spark_task *task, const struct error *error, bool running, bool drained)
{
    pthread_mutex_lock(&task->mutex);
    if (error == NULL) {
        error_clear(&task->last_error);
    } else {
        task->last_error = *error;
    }
    task->running = running;
    task->drained = drained;
    pthread_mutex_unlock(&task->mutex);
    if (task->on_progress != NULL) {
        task->on_progress(task->context);
    }
}

static void save_offsets(struct spark_task *task)
{
    struct error error = {0};
    for (size_t i = 0; i < task->stream_count; i++) {
        struct spark_stream *stream = &task->streams[i];
        if (stream->partitions > 0) {
            spark_saved_offsets(&task->saved, spark_saved_stream(&task->saved, stream->spec->name),
                                stream->offsets, stream->partitions);
        }
    }
    if (spark_saved_store(task->job, &task->saved, &error) != STATUS_OK) {
        logline_error(LOG_WARN, task->name, &error);
    }
}

static void *worker(void *context)
{
    struct spark_task *task = context;
    for (unsigned attempt = 0;; attempt++) {
        struct error error = {0};
        int64_t before = task->committed;
        enum status status = work(task, &error);
        save_offsets(task);
        if (status == STATUS_OK) {
            for (size_t i = 0; i < task->stream_count; i++) {
                spark_stream_end(task, &task->streams[i]);
            }
            show(task, NULL, false, true);
            return NULL;
        }
        if (status == STATUS_CANCELLED) {
            show(task, NULL, false, false);
            return NULL;
        }
        if (!error.retriable) {
            logline_error(LOG_ERROR, task->name, &error);
            show(task, &error, false, false);
            return NULL;
        }
        attempt = task->committed > before ? 0 : attempt;
        if (attempt == 0) {
            logline_error(LOG_WARN, task->name, &error);
        }
        show(task, &error, true, false);
        int64_t pause_us = PAUSE_MIN_US << (attempt > 10 ? 10 : attempt);
        if (!spark_task_wait(task, pause_us > PAUSE_MAX_US ? PAUSE_MAX_US : pause_us)) {
            show(task, NULL, false, false);
            return NULL;
        }
    }
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static void rang(void *context)
{
    struct spark_task *task = context;
    notify_ring(&task->wake);
    if (task->on_progress != NULL) {
        task->on_progress(task->context);
    }
}

static enum status check_job(const struct processor_job *job, struct error *error)
{
    if (job->checkpoints_url == NULL) {
        (void) error_set(error, STATUS_CONFIG,
                         "processing on Spark needs `checkpoints` in the profile");
        error_hint(error, "a URL that Spark's driver and executors reach: "
                          "checkpoints: file:///shared/checkpoints");
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i < job->stream_count; i++) {
        if (job->streams[i].sink_count == 0) {
            return error_set(error, STATUS_CONFIG, "stream \"%s\" has no sink for Spark's rows",
                             job->streams[i].name);
        }
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        size_t offset;
        const char *why = sql_spark_refusal(job->streams[i].query, &arena, &offset);
        if (why != NULL) {
            return error_set(error, STATUS_CONFIG, "stream \"%s\" cannot run on Spark: %s",
                             job->streams[i].name, why);
        }
    }
    return STATUS_OK;
}

static enum status open_parts(struct spark_task *task, struct error *error)
{
    const struct processor_job *job = task->job;
    TRY(check_job(job, error));
    TRY(spark_kafka_take(job->log_settings, &task->arena, &task->kafka, error));
    TRY(spark_saved_load(job, &task->saved, error));
    TRY(spark_deletes_open(job, &task->deletes, error));
    task->streams = ARENA_ARRAY(&task->arena, struct spark_stream, job->stream_count);
    for (size_t i = 0; i < job->stream_count; i++) {
        struct spark_stream *stream = &task->streams[task->stream_count++];
        stream->spec = &job->streams[i];
        stream->watermark_us = INT64_MIN;
        arena_init(&stream->arena, 0);
        struct spark_result *result = &stream->result;
        enum status status = spark_result_prepare(job, stream->spec, task->saved.lineage,
                                                  &task->arena, result, error);
        if (status == STATUS_OK) {
            status = embedded_processor.open(&result->job, rang, task, &result->task, error);
        }
        if (status != STATUS_OK) {
            error_context(error, "stream \"%s\"", stream->spec->name);
            return status;
        }
    }
    return embedded_processor.open(judge_job(job, task->deletes, &task->arena), rang, task,
                                   &task->judge, error);
}

static void spark_close(struct processor *processor);

static enum status spark_open(const struct processor_job *job,
                              void (*on_progress)(void *context),
                              void *context,
                              struct processor **ret_processor,
                              struct error *error)
{
    struct spark_task *task = mem_zalloc(sizeof(*task));
    task->job = job;
    task->name = mem_printf("%s.%s", job->pipeline, job->topic);
    task->on_progress = on_progress;
    task->context = context;
    task->running = true;
    task->watermark_us = INT64_MIN;
    arena_init(&task->arena, 0);
    spark_saved_init(&task->saved);
    pthread_mutex_init(&task->mutex, NULL);
    notify_init(&task->wake);
    enum status status = open_parts(task, error);
    if (status == STATUS_OK && pthread_create(&task->thread, NULL, worker, task) != 0) {
        status = error_set(error, STATUS_INTERNAL, "could not start a thread");
    } else if (status == STATUS_OK) {
        task->thread_started = true;
        *ret_processor = (struct processor *) task;
        return STATUS_OK;
    }
    error_context(error, "topic \"%s\"", job->topic);
    spark_close((struct processor *) task);
    return status;
}

static void spark_close(struct processor *processor)
{
    struct spark_task *task = task_of(processor);
    if (task == NULL) {
        return;
    }
    if (task->thread_started) {
        atomic_store(&task->stop, true);
        notify_ring(&task->wake);
        (void) pthread_join(task->thread, NULL);
    }
    embedded_processor.close(task->judge);
    for (size_t i = 0; i < task->stream_count; i++) {
        embedded_processor.close(task->streams[i].result.task);
        arena_deinit(&task->streams[i].arena);
        mem_free(task->streams[i].offsets);
        mem_free(task->streams[i].delivered);
        mem_free(task->streams[i].mark.offsets);
        mem_free(task->streams[i].mark.ends);
    }
    spark_deletes_close(task->deletes);
    mem_free(task->round.judged);
    mem_free(task->round.ends);
    mem_free(task->round.done);
    spark_session_close(task->session);
    spark_saved_deinit(&task->saved);
    notify_deinit(&task->wake);
    pthread_mutex_destroy(&task->mutex);
    mem_free(task->drain_offsets);
    arena_deinit(&task->arena);
    mem_free(task->name);
    mem_free(task);
}

/* ---- from the owner's thread --------------------------------------------------------------- */

/* The first part that ended for good, or else the first that waits. */
static void take_fault(struct processor_status *whole, const struct processor_status *part)
{
    bool worse = whole->last_error.status == STATUS_OK || (whole->running && !part->running);
    if (part->last_error.status != STATUS_OK && worse) {
        whole->last_error = part->last_error;
        whole->running = part->running;
    }
}

static void spark_status(struct processor *processor, struct processor_status *ret_status)
{
    struct spark_task *task = task_of(processor);
    struct processor_status judge;
    embedded_processor.status(task->judge, &judge);
    *ret_status = (struct processor_status){
        .counts = judge.counts, .state_bytes = judge.state_bytes, .groups = judge.groups};
    pthread_mutex_lock(&task->mutex);
    ret_status->committed = judge.committed;
    ret_status->position = task->position;
    ret_status->watermark_us = task->watermark_us;
    ret_status->latency_us = task->batch_us;
    ret_status->last_error = task->last_error;
    ret_status->running = task->running;
    pthread_mutex_unlock(&task->mutex);
    take_fault(ret_status, &judge);
    for (size_t i = 0; i < task->stream_count; i++) {
        struct processor_status stored;
        embedded_processor.status(task->streams[i].result.task, &stored);
        take_fault(ret_status, &stored);
    }
}

static void spark_drain(struct processor *processor, const int64_t *offsets, int32_t partitions)
{
    struct spark_task *task = task_of(processor);
    embedded_processor.drain(task->judge, offsets, partitions);
    pthread_mutex_lock(&task->mutex);
    mem_free(task->drain_offsets);
    task->drain_offsets = mem_calloc((size_t) partitions + 1, sizeof(*offsets));
    memcpy(task->drain_offsets, offsets, (size_t) partitions * sizeof(*offsets));
    task->drain_partitions = partitions;
    pthread_mutex_unlock(&task->mutex);
    notify_ring(&task->wake);
}

static bool spark_drained(struct processor *processor)
{
    struct spark_task *task = task_of(processor);
    pthread_mutex_lock(&task->mutex);
    bool drained = task->drained;
    pthread_mutex_unlock(&task->mutex);
    return drained;
}

static enum status spark_dead_retry(struct processor *processor,
                                    const struct dead_letter *letter,
                                    bool *ret_resolved,
                                    struct error *error)
{
    (void) processor;
    *ret_resolved = false;
    return error_set(error, STATUS_CONFIG,
                     "letter %lld: a record that died before Spark is tried again by the embedded "
                     "engine only",
                     (long long) letter->id);
}

const struct processor_ops spark_processor = {
    .name = "spark",
    .check = spark_check,
    .reach = spark_reach,
    .open = spark_open,
    .status = spark_status,
    .drain = spark_drain,
    .drained = spark_drained,
    .dead_retry = spark_dead_retry,
    .close = spark_close,
};
