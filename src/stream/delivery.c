#include "stream/delivery.h"

#include "base/memory.h"
#include "stream/processor.h"

/* While the other engine stands still, batches go on: the newest entries become one. */
#define WAITING_MAX 64 /* a partition */

/* ---- what waits --------------------------------------------------------------------------------
 */

void delivery_defer(struct progress *progress, int32_t partition, int64_t stored, int64_t foreign)
{
    struct progress_waiting *last = NULL;
    size_t count = 0;
    for (size_t i = 0; i < progress->waiting_count; i++) {
        if (progress->waiting[i].partition == partition) {
            last = &progress->waiting[i];
            count++;
        }
    }
    if (count < WAITING_MAX) {
        last = progress_add_waiting(progress);
        last->partition = partition;
    }
    last->end = progress->counted[partition];
    last->stored += stored;
    last->foreign += foreign;
}

bool delivery_confirm(struct progress *progress, const int64_t *offsets, int32_t partitions)
{
    size_t kept = 0;
    for (size_t i = 0; i < progress->waiting_count; i++) {
        const struct progress_waiting waiting = progress->waiting[i];
        if (waiting.partition < partitions && waiting.end <= offsets[waiting.partition]) {
            progress->counts.stored += waiting.stored;
            progress->counts.foreign += waiting.foreign;
        } else {
            progress->waiting[kept++] = waiting;
        }
    }
    bool any = kept < progress->waiting_count;
    progress->waiting_count = kept;
    return any;
}

/* ---- the worker --------------------------------------------------------------------------------
 */

enum status delivery_take(struct processor *task, struct error *error)
{
    bool any = false;
    if (!task->job->awaits_delivery) {
        return STATUS_OK;
    }
    pthread_mutex_lock(&task->mutex);
    if (task->delivered_news) {
        any =
            delivery_confirm(&task->progress, task->delivered_offsets, task->delivered_partitions);
        task->delivered_news = false;
    }
    pthread_mutex_unlock(&task->mutex);
    if (!any) {
        return STATUS_OK;
    }
    arena_reset(&task->batch);
    const struct task_output nothing = {.write_count = 0};
    task->ahead = true;
    task->progress.number++;
    return task_commit(task, &nothing, 0, error);
}

bool delivery_reached(struct processor *task)
{
    pthread_mutex_lock(&task->mutex);
    bool reached = !task->delivered_news;
    for (int32_t i = 0; i < task->drain_partitions; i++) {
        int64_t at = i < task->delivered_partitions ? task->delivered_offsets[i] : 0;
        reached = reached && at >= task->drain_offsets[i];
    }
    pthread_mutex_unlock(&task->mutex);
    return reached || !task->job->awaits_delivery;
}

/* ---- from other threads ------------------------------------------------------------------------
 */

/* Keeps the higher of each; true if one moved. */
static bool
raise_to(int64_t **known, int32_t *known_count, const int64_t *offsets, int32_t partitions)
{
    bool moved = false;
    if (*known_count < partitions) {
        *known = mem_realloc(*known, (size_t) partitions * sizeof(**known));
        for (; *known_count < partitions; ++*known_count) {
            (*known)[*known_count] = 0;
        }
        moved = true;
    }
    for (int32_t i = 0; i < partitions; i++) {
        if (offsets[i] > (*known)[i]) {
            (*known)[i] = offsets[i];
            moved = true;
        }
    }
    return moved;
}

void delivery_show_durable(struct processor *task,
                           const int64_t *offsets,
                           int32_t partitions,
                           int64_t version)
{
    task->durable_version = version;
    (void) raise_to(&task->durable, &task->durable_partitions, offsets, partitions);
}

bool processor_has(struct processor *task, const int64_t *offsets, int32_t partitions)
{
    bool has = true;
    pthread_mutex_lock(&task->mutex);
    for (int32_t i = 0; i < partitions; i++) {
        int64_t at = i < task->durable_partitions ? task->durable[i] : 0;
        has = has && at >= offsets[i];
    }
    pthread_mutex_unlock(&task->mutex);
    return has;
}

int32_t processor_durable(struct processor *task, struct arena *arena, int64_t **ret_offsets)
{
    pthread_mutex_lock(&task->mutex);
    int32_t partitions = task->durable_partitions;
    *ret_offsets = ARENA_ARRAY(arena, int64_t, (size_t) partitions + 1);
    for (int32_t i = 0; i < partitions; i++) {
        (*ret_offsets)[i] = task->durable[i];
    }
    pthread_mutex_unlock(&task->mutex);
    return partitions;
}

int64_t processor_version(struct processor *task)
{
    pthread_mutex_lock(&task->mutex);
    int64_t version = task->durable_version;
    pthread_mutex_unlock(&task->mutex);
    return version;
}

void processor_delivered(struct processor *task, const int64_t *offsets, int32_t partitions)
{
    pthread_mutex_lock(&task->mutex);
    bool moved =
        raise_to(&task->delivered_offsets, &task->delivered_partitions, offsets, partitions);
    task->delivered_news = task->delivered_news || moved;
    pthread_mutex_unlock(&task->mutex);
    if (moved) {
        task_wake(task);
    }
}
