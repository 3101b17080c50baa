#include "io/queue.h"

#include "base/assert.h"
#include "base/memory.h"
#include "io/deadline.h"

struct slot {
    void *item;
    size_t weight;
};

struct queue {
    char *name;
    size_t items_max;
    size_t weight_max;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    struct slot *slots; /* a ring */
    size_t first;
    size_t count;
    size_t weight;
    bool closed;
};

struct queue *queue_new(const char *name, size_t items_max, size_t weight_max)
{
    ASSERT(items_max > 0);
    struct queue *queue = mem_zalloc(sizeof(*queue));
    queue->name = mem_strdup(name);
    queue->items_max = items_max;
    queue->weight_max = weight_max;
    queue->slots = mem_calloc(items_max, sizeof(*queue->slots));
    (void) pthread_mutex_init(&queue->mutex, NULL);
    deadline_condition_init(&queue->not_empty);
    deadline_condition_init(&queue->not_full);
    return queue;
}

void queue_free(struct queue *queue, void (*discard)(void *item))
{
    if (queue == NULL) {
        return;
    }
    for (size_t i = 0; discard != NULL && i < queue->count; i++) {
        discard(queue->slots[(queue->first + i) % queue->items_max].item);
    }
    (void) pthread_cond_destroy(&queue->not_full);
    (void) pthread_cond_destroy(&queue->not_empty);
    (void) pthread_mutex_destroy(&queue->mutex);
    mem_free(queue->slots);
    mem_free(queue->name);
    mem_free(queue);
}

static bool has_room(const struct queue *queue, size_t weight)
{
    if (queue->count == queue->items_max) {
        return false;
    }
    bool fits = queue->weight_max == 0 ||
                (queue->weight <= queue->weight_max && weight <= queue->weight_max - queue->weight);
    return fits || queue->count == 0;
}

enum status
queue_push(struct queue *queue, void *item, size_t weight, int64_t timeout_us, struct error *error)
{
    struct timespec deadline = deadline_after(timeout_us);
    (void) pthread_mutex_lock(&queue->mutex);
    bool in_time = timeout_us != 0;
    while (!queue->closed && !has_room(queue, weight) && in_time) {
        in_time = deadline_wait(&queue->not_full, &queue->mutex, timeout_us, &deadline);
    }
    enum status status = STATUS_OK;
    if (queue->closed) {
        status = error_set(error, STATUS_CANCELLED, "queue \"%s\" is closed", queue->name);
    } else if (!has_room(queue, weight)) {
        status = error_set(error, STATUS_AGAIN, "queue \"%s\" is full", queue->name);
    } else {
        size_t last = (queue->first + queue->count) % queue->items_max;
        queue->slots[last] = (struct slot){item, weight};
        queue->count++;
        queue->weight += weight;
        (void) pthread_cond_signal(&queue->not_empty);
    }
    (void) pthread_mutex_unlock(&queue->mutex);
    return status;
}

size_t queue_pop(struct queue *queue, void **ret_items, size_t count, int64_t timeout_us)
{
    struct timespec deadline = deadline_after(timeout_us);
    (void) pthread_mutex_lock(&queue->mutex);
    bool in_time = timeout_us != 0;
    while (queue->count == 0 && !queue->closed && in_time) {
        in_time = deadline_wait(&queue->not_empty, &queue->mutex, timeout_us, &deadline);
    }
    size_t taken = 0;
    for (; taken < count && queue->count > 0; taken++) {
        struct slot *slot = &queue->slots[queue->first];
        ret_items[taken] = slot->item;
        queue->weight -= slot->weight;
        queue->first = (queue->first + 1) % queue->items_max;
        queue->count--;
    }
    if (taken > 0) {
        (void) pthread_cond_broadcast(&queue->not_full); /* writers wait for different weights */
    }
    if (queue->count > 0) {
        (void) pthread_cond_signal(&queue->not_empty); /* a signal may have met this reader twice */
    }
    (void) pthread_mutex_unlock(&queue->mutex);
    return taken;
}

void queue_close(struct queue *queue)
{
    (void) pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    (void) pthread_cond_broadcast(&queue->not_empty);
    (void) pthread_cond_broadcast(&queue->not_full);
    (void) pthread_mutex_unlock(&queue->mutex);
}

bool queue_finished(struct queue *queue)
{
    (void) pthread_mutex_lock(&queue->mutex);
    bool finished = queue->closed && queue->count == 0;
    (void) pthread_mutex_unlock(&queue->mutex);
    return finished;
}

size_t queue_size(struct queue *queue)
{
    (void) pthread_mutex_lock(&queue->mutex);
    size_t count = queue->count;
    (void) pthread_mutex_unlock(&queue->mutex);
    return count;
}

size_t queue_weight(struct queue *queue)
{
    (void) pthread_mutex_lock(&queue->mutex);
    size_t weight = queue->weight;
    (void) pthread_mutex_unlock(&queue->mutex);
    return weight;
}
