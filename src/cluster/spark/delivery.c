/* Which records have their rows in the sinks. Spark says up to where it has read; its rows of that
 * then stand in the result topic, below the topic's end of that moment; once the task that stores
 * them is there, the records are delivered. */

#include "base/memory.h"
#include "cluster/spark/task.h"
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

static void tell_judge(struct spark_task *task)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    int64_t *offsets;
    int32_t partitions = common(task, &arena, &offsets);
    processor_delivered(task->judge, offsets, partitions);
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
    tell_judge(task);
    return STATUS_OK;
}

void spark_delivery_all(struct spark_task *task)
{
    for (size_t i = 0; i < task->stream_count; i++) {
        struct spark_stream *stream = &task->streams[i];
        keep(&stream->delivered, &stream->delivered_partitions, stream->offsets,
             stream->partitions);
        stream->mark.waits = false;
    }
    tell_judge(task);
}

int64_t spark_delivery_position(const struct spark_task *task)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    int64_t *offsets;
    int64_t sum = 0;
    int32_t partitions = common(task, &arena, &offsets);
    for (int32_t p = 0; p < partitions; p++) {
        sum += offsets[p];
    }
    return sum;
}
