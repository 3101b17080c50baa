#include "stream/committer.h"

#include "base/memory.h"
#include "io/clock.h"
#include "stream/delivery.h"
#include "stream/refused.h"

/* What a batch leaves to be made durable. */
struct handover {
    struct arena arena; /* of the batch; `output` lies in it */
    struct task_output output;
    struct buffer progress;
    int64_t number;
    int64_t newest_us;
    struct processor_status shown; /* once it is durable */
    int64_t *offsets;              /* in the arena; the same */
    int32_t partitions;
    int64_t version; /* the highest given out by then */
};

struct committer {
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* guards what follows; `handover` is the committer's while `busy` */
    pthread_cond_t changed;
    bool busy;
    bool closing;
    struct error error;      /* status OK: none */
    struct refusal *refusal; /* that the worker is to settle; NULL: none */
    enum status settled;     /* how that ended */
    struct error settle_error;
    struct handover handover;
};

static void show(struct processor *task, const struct handover *handover)
{
    pthread_mutex_lock(&task->mutex);
    struct processor_status *status = &task->status;
    status->counts = handover->shown.counts;
    status->committed = handover->shown.committed;
    status->position = handover->shown.position;
    status->watermark_us = handover->shown.watermark_us;
    status->state_bytes = handover->shown.state_bytes;
    status->groups = handover->shown.groups;
    delivery_show_durable(task, handover->offsets, handover->partitions, handover->version);
    if (handover->newest_us > 0) {
        status->latency_us = clock_now_us() - handover->newest_us;
    }
    pthread_mutex_unlock(&task->mutex);
    if (task->on_progress != NULL) {
        task->on_progress(task->context);
    }
}

static enum status finish(struct processor *task, struct handover *handover, struct error *error)
{
    task->refused = false;
    task->moved = (struct fate_counts){0};
    if (task->state.handle == NULL) {
        TRY(task_commit_direct(task, handover->number, buffer_slice(&handover->progress),
                               &handover->output, &handover->arena, error));
    } else {
        TRY(task_deliver(task, handover->number, &handover->output, &handover->arena, error));
    }
    fate_counts_add(&handover->shown.counts, &task->moved);
    show(task, handover);
    return STATUS_OK;
}

static void *run_committer(void *context)
{
    struct processor *task = context;
    struct committer *committer = task->committer;
    pthread_mutex_lock(&committer->mutex);
    for (;;) {
        while (!committer->busy && !committer->closing) {
            pthread_cond_wait(&committer->changed, &committer->mutex);
        }
        if (!committer->busy) {
            break;
        }
        pthread_mutex_unlock(&committer->mutex);
        struct error error = {0};
        enum status status = finish(task, &committer->handover, &error);
        arena_reset(&committer->handover.arena);
        buffer_clear(&committer->handover.progress);
        pthread_mutex_lock(&committer->mutex);
        if (status != STATUS_OK) {
            error.retriable = false;
            committer->error = error;
        }
        committer->busy = false;
        pthread_cond_broadcast(&committer->changed);
        if (status != STATUS_OK) {
            pthread_mutex_unlock(&committer->mutex);
            task_wake(task); /* the worker may wait for records that do not come */
            pthread_mutex_lock(&committer->mutex);
        }
    }
    pthread_mutex_unlock(&committer->mutex);
    return NULL;
}

enum status committer_start(struct processor *task, struct error *error)
{
    struct committer *committer = mem_zalloc(sizeof(*committer));
    pthread_mutex_init(&committer->mutex, NULL);
    pthread_cond_init(&committer->changed, NULL);
    arena_init(&committer->handover.arena, TASK_ARENA_BYTES);
    task->committer = committer;
    if (pthread_create(&committer->thread, NULL, run_committer, task) != 0) {
        return error_set(error, STATUS_INTERNAL, "could not start a thread");
    }
    committer->started = true;
    return STATUS_OK;
}

void committer_stop(struct processor *task)
{
    struct committer *committer = task->committer;
    if (committer == NULL) {
        return;
    }
    if (committer->started) {
        pthread_mutex_lock(&committer->mutex);
        committer->closing = true;
        pthread_cond_broadcast(&committer->changed);
        pthread_mutex_unlock(&committer->mutex);
        (void) pthread_join(committer->thread, NULL);
    }
    arena_deinit(&committer->handover.arena);
    buffer_deinit(&committer->handover.progress);
    pthread_cond_destroy(&committer->changed);
    pthread_mutex_destroy(&committer->mutex);
    mem_free(committer);
    task->committer = NULL;
}

/* Under the mutex. */
static enum status failure(const struct committer *committer, struct error *error)
{
    if (committer->error.status != STATUS_OK && error != NULL) {
        *error = committer->error;
    }
    return committer->error.status;
}

/* Under the mutex, by the worker. */
static void settle(struct processor *task, struct committer *committer)
{
    struct refusal *refusal = committer->refusal;
    pthread_mutex_unlock(&committer->mutex);
    enum status status = refusal_settle(task, refusal, &committer->settle_error);
    pthread_mutex_lock(&committer->mutex);
    committer->settled = status;
    committer->refusal = NULL;
    pthread_cond_broadcast(&committer->changed);
}

static enum status
wait_idle(struct processor *task, struct committer *committer, struct error *error)
{
    while (committer->busy) {
        if (committer->refusal != NULL) {
            settle(task, committer);
        } else {
            pthread_cond_wait(&committer->changed, &committer->mutex);
        }
    }
    fate_counts_add(&task->progress.counts, &task->owed);
    task->owed = (struct fate_counts){0};
    return failure(committer, error);
}

enum status committer_settle(struct processor *task, struct refusal *refusal, struct error *error)
{
    struct committer *committer = task->committer;
    if (committer == NULL) {
        return refusal_settle(task, refusal, error);
    }
    pthread_mutex_lock(&committer->mutex);
    committer->refusal = refusal;
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
    task_wake(task); /* the worker may wait for records */
    pthread_mutex_lock(&committer->mutex);
    while (committer->refusal != NULL && !committer->closing) {
        pthread_cond_wait(&committer->changed, &committer->mutex);
    }
    bool done = committer->refusal == NULL;
    committer->refusal = NULL;
    enum status status = committer->settled;
    if (done && status != STATUS_OK && error != NULL) {
        *error = committer->settle_error;
    }
    pthread_mutex_unlock(&committer->mutex);
    return done ? status : error_set(error, STATUS_CANCELLED, "stopped before rows were stored");
}

enum status committer_wait(struct processor *task, struct error *error)
{
    struct committer *committer = task->committer;
    pthread_mutex_lock(&committer->mutex);
    enum status status = wait_idle(task, committer, error);
    pthread_mutex_unlock(&committer->mutex);
    return status;
}

enum status committer_check(struct processor *task, struct error *error)
{
    struct committer *committer = task->committer;
    pthread_mutex_lock(&committer->mutex);
    if (committer->refusal != NULL) {
        settle(task, committer);
    }
    enum status status = failure(committer, error);
    pthread_mutex_unlock(&committer->mutex);
    return status;
}

enum status committer_hand_over(struct processor *task,
                                const struct task_output *output,
                                int64_t newest_us,
                                struct error *error)
{
    struct committer *committer = task->committer;
    struct handover *handover = &committer->handover;
    int64_t number = task->progress.number; /* of this batch: settling a refusal makes a new one */
    pthread_mutex_lock(&committer->mutex);
    enum status status = wait_idle(task, committer, error);
    if (status == STATUS_OK) {
        struct arena empty = handover->arena;
        handover->arena = task->batch;
        task->batch = empty;
        handover->output = *output;
        handover->number = number;
        handover->newest_us = newest_us;
        if (task->state.handle == NULL) {
            progress_write(&task->progress, &handover->progress);
        }
        task_measure(task, &handover->shown);
        size_t partitions = (size_t) task->progress.partitions;
        handover->offsets = ARENA_ARRAY(&handover->arena, int64_t, partitions + 1);
        handover->partitions = task->progress.partitions;
        handover->version = task->progress.version_last;
        for (size_t i = 0; i < partitions; i++) {
            handover->offsets[i] = task->progress.offsets[i];
        }
        committer->busy = true;
        pthread_cond_broadcast(&committer->changed);
    }
    pthread_mutex_unlock(&committer->mutex);
    return status;
}
