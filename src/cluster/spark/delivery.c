/* Which records have their rows in the sinks. Spark says up to where it has read; its rows of that
 * then stand in the result topic, below the topic's end of that moment; once the task that stores
 * them is there, the records are delivered. */

#include "base/memory.h"
#include "cluster/spark/task.h"
#include "io/clock.h"
#include "stream/processor.h"

static void keep(int64_t **ret_copy, int32_t *ret_count, const int64_t *values, int32_t count)
{
    *ret_copy = mem_realloc(*ret_copy, ((size_t) count + 1) * sizeof(**ret_copy));
    for (int32_t i = 0; i < count; i++) {
        (*ret_copy)[i] = values[i];
    }
    *ret_count = count;
}

static bool has_more(const struct spark_stream *stream)
{
    bool more = stream->partitions > stream->delivered_partitions;
    for (int32_t i = 0; !more && i < stream->partitions; i++) {
        more = stream->offsets[i] > stream->delivered[i];
    }
    return more;
}

/* Remembers where Spark is, and where the result topic ends now. */
static enum status
set_mark(struct spark_task *task, struct spark_stream *stream, struct error *error)
{
    struct spark_mark *mark = &stream->mark;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct log_partition *bounds;
    int32_t count;
    TRY(task->job->log_ops->topic_offsets(task->job->log, stream->result.output.topic, &arena,
                                          &bounds, &count, error));
    int64_t *ends = ARENA_ARRAY(&arena, int64_t, (size_t) count + 1);
    for (int32_t i = 0; i < count; i++) {
        ends[i] = bounds[i].high;
    }
    keep(&mark->offsets, &mark->partitions, stream->offsets, stream->partitions);
    keep(&mark->ends, &mark->end_partitions, ends, count);
    mark->waits = true;
    return STATUS_OK;
}

static void take_mark(struct spark_stream *stream)
{
    struct spark_mark *mark = &stream->mark;
    if (mark->waits && processor_has(stream->result.task, mark->ends, mark->end_partitions)) {
        keep(&stream->delivered, &stream->delivered_partitions, mark->offsets, mark->partitions);
        mark->waits = false;
    }
}

/* What every stream has, a partition; how many partitions. */
static int32_t common(const struct spark_task *task, struct arena *arena, int64_t **ret_offsets)
{
    int32_t partitions = task->stream_count == 0 ? 0 : task->streams[0].delivered_partitions;
    for (size_t i = 1; i < task->stream_count; i++) {
        int32_t other = task->streams[i].delivered_partitions;
        partitions = other < partitions ? other : partitions;
    }
    int64_t *offsets = ARENA_ARRAY(arena, int64_t, (size_t) partitions + 1);
    for (int32_t p = 0; p < partitions; p++) {
        offsets[p] = task->streams[0].delivered[p];
        for (size_t i = 1; i < task->stream_count; i++) {
            int64_t other = task->streams[i].delivered[p];
            offsets[p] = other < offsets[p] ? other : offsets[p];
        }
    }
    *ret_offsets = offsets;
    return partitions;
}

/* ---- deletes -----------------------------------------------------------------------------------
 *
 * A delete must come behind every row of the records before its tombstone, and must not take away a
 * row of a record behind it. So (1) the sinks have all rows of the records that were there when it
 * was known; (2) it is given the time as its version, which all rows of later records will be
 * above; (3) the judge reads what had come until then: a row of the same key among it replaces the
 * delete.
 */

/* Where the input ends; of a drain, where that ends. */
static enum status
input_ends(struct spark_task *task, struct spark_round *round, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const struct processor_job *job = task->job;
    struct log_partition *bounds;
    int32_t count;
    TRY(job->log_ops->topic_offsets(job->log, job->topic, &arena, &bounds, &count, error));
    int64_t *ends = ARENA_ARRAY(&arena, int64_t, (size_t) count + 1);
    pthread_mutex_lock(&task->mutex);
    for (int32_t p = 0; p < count; p++) {
        bool drains = task->drain_offsets != NULL && p < task->drain_partitions;
        ends[p] = bounds[p].high;
        if (drains && ends[p] > task->drain_offsets[p]) {
            ends[p] = task->drain_offsets[p];
        }
    }
    pthread_mutex_unlock(&task->mutex);
    keep(&round->ends, &round->end_partitions, ends, count);
    return STATUS_OK;
}

static enum status begin_round(struct spark_task *task, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_round *round = &task->round;
    int64_t *judged;
    int32_t partitions = processor_durable(task->judge, &arena, &judged); /* before the count */
    if (spark_deletes_count(task->deletes, &round->newest) == 0) {
        keep(&round->done, &round->done_partitions, judged, partitions);
        return STATUS_OK;
    }
    keep(&round->judged, &round->judged_partitions, judged, partitions);
    TRY(input_ends(task, round, error));
    round->stage = ROUND_DELIVERING;
    return STATUS_OK;
}

/* Gives the deletes their version, if every row in the sinks is below it. */
static enum status version_round(struct spark_task *task, struct error *error)
{
    struct spark_round *round = &task->round;
    round->version_us = clock_now_us();
    for (size_t i = 0; i < task->stream_count; i++) {
        if (processor_version(task->streams[i].result.task) >= round->version_us) {
            return STATUS_OK; /* many rows in a short time: versions are ahead of the clock */
        }
    }
    TRY(input_ends(task, round, error));
    round->stage = ROUND_JUDGING;
    return STATUS_OK;
}

static bool reaches(const int64_t *offsets, int32_t partitions, const struct spark_round *round)
{
    bool all = true;
    for (int32_t p = 0; p < round->end_partitions; p++) {
        all = all && (p < partitions ? offsets[p] : 0) >= round->ends[p];
    }
    return all;
}

static enum status
go_round(struct spark_task *task, const int64_t *offsets, int32_t partitions, struct error *error)
{
    struct spark_round *round = &task->round;
    if (round->stage == ROUND_NONE) {
        TRY(begin_round(task, error));
    }
    if (round->stage == ROUND_DELIVERING && reaches(offsets, partitions, round)) {
        TRY(version_round(task, error));
    }
    if (round->stage == ROUND_JUDGING &&
        processor_has(task->judge, round->ends, round->end_partitions)) {
        TRY(spark_deletes_apply(task->deletes, round->newest, round->version_us, error));
        keep(&round->done, &round->done_partitions, round->judged, round->judged_partitions);
        round->stage = ROUND_NONE;
    }
    return STATUS_OK;
}

/* ---- to the judge ------------------------------------------------------------------------------
 */

static void behind_deletes(const struct spark_task *task, int64_t *offsets, int32_t partitions)
{
    for (int32_t p = 0; p < partitions; p++) {
        int64_t done = p < task->round.done_partitions ? task->round.done[p] : 0;
        offsets[p] = offsets[p] < done ? offsets[p] : done;
    }
}

static enum status tell_judge(struct spark_task *task, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    int64_t *offsets;
    int32_t partitions = common(task, &arena, &offsets);
    TRY(go_round(task, offsets, partitions, error));
    behind_deletes(task, offsets, partitions);
    processor_delivered(task->judge, offsets, partitions);
    return STATUS_OK;
}

enum status spark_delivery_look(struct spark_task *task, struct error *error)
{
    for (size_t i = 0; i < task->stream_count; i++) {
        struct spark_stream *stream = &task->streams[i];
        take_mark(stream);
        if (!stream->mark.waits && has_more(stream)) {
            TRY(set_mark(task, stream, error));
            take_mark(stream);
        }
    }
    return tell_judge(task, error);
}

enum status spark_delivery_all(struct spark_task *task, struct error *error)
{
    for (size_t i = 0; i < task->stream_count; i++) {
        struct spark_stream *stream = &task->streams[i];
        keep(&stream->delivered, &stream->delivered_partitions, stream->offsets,
             stream->partitions);
        stream->mark.waits = false;
    }
    return tell_judge(task, error);
}

int64_t spark_delivery_position(const struct spark_task *task)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    int64_t *offsets;
    int64_t sum = 0;
    int32_t partitions = common(task, &arena, &offsets);
    behind_deletes(task, offsets, partitions);
    for (int32_t p = 0; p < partitions; p++) {
        sum += offsets[p];
    }
    return sum;
}
