#include "log/flusher.h"

#include "base/assert.h"
#include "base/memory.h"
#include "log/flusher_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct flusher {
    enum flush_policy policy;
    int64_t interval_us;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;  /* something queued, or stop            */
    pthread_cond_t ended; /* an item's sync has run to its end    */
    struct flush_item *first;
    struct flush_item **last;
    bool stop;
};

static void queue_add(struct flusher *flusher, struct flush_item *item)
{
    item->next = NULL;
    *flusher->last = item;
    flusher->last = &item->next;
}

static void queue_remove(struct flusher *flusher, struct flush_item *item)
{
    struct flush_item **at = &flusher->first;
    while (*at != item) {
        at = &(*at)->next;
    }
    *at = item->next;
    if (*at == NULL) {
        flusher->last = at;
    }
}

/* With the mutex held: until the interval has passed since now, or stop. */
static void wait_interval(struct flusher *flusher)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + flusher->interval_us % 1000000 * 1000;
    until.tv_sec += (time_t) (flusher->interval_us / 1000000 + nanoseconds / 1000000000);
    until.tv_nsec = (long) (nanoseconds % 1000000000);
    while (!flusher->stop && pthread_cond_timedwait(&flusher->work, &flusher->mutex, &until) == 0) {
    }
}

/* Takes all that is queued, marked as running. */
static struct flush_item *take_all(struct flusher *flusher)
{
    struct flush_item *batch = flusher->first;
    for (struct flush_item *item = batch; item != NULL; item = item->next) {
        item->state = FLUSH_RUNNING;
    }
    flusher->first = NULL;
    flusher->last = &flusher->first;
    return batch;
}

static void start_together(struct flush_item *batch)
{
    for (struct flush_item *item = batch; item != NULL; item = item->next) {
        if (item->start != NULL) {
            item->start(item);
        }
    }
    for (struct flush_item *item = batch; item != NULL; item = item->next) {
        if (item->wait != NULL) {
            item->wait(item);
        }
    }
}

static void sync_ended(struct flusher *flusher, struct flush_item *item)
{
    (void) pthread_mutex_lock(&flusher->mutex);
    if (item->state == FLUSH_RUNNING_QUEUED) {
        item->state = FLUSH_QUEUED;
        queue_add(flusher, item);
    } else {
        item->state = FLUSH_IDLE;
    }
    (void) pthread_cond_broadcast(&flusher->ended);
    (void) pthread_mutex_unlock(&flusher->mutex);
}

static void *flusher_main(void *argument)
{
    struct flusher *flusher = argument;
    (void) pthread_mutex_lock(&flusher->mutex);
    for (;;) {
        while (flusher->first == NULL && !flusher->stop) {
            (void) pthread_cond_wait(&flusher->work, &flusher->mutex);
        }
        if (flusher->first == NULL) {
            break;
        }
        if (flusher->policy != FLUSH_ALWAYS) {
            wait_interval(flusher);
        }
        struct flush_item *batch = take_all(flusher); /* may be none: forgotten meanwhile */
        (void) pthread_mutex_unlock(&flusher->mutex);
        if (batch != NULL && batch->next != NULL) {
            start_together(batch);
        }
        while (batch != NULL) {
            struct flush_item *item = batch;
            batch = item->next;
            item->sync(item);
            sync_ended(flusher, item);
        }
        (void) pthread_mutex_lock(&flusher->mutex);
    }
    (void) pthread_mutex_unlock(&flusher->mutex);
    return NULL;
}

enum status flusher_new(enum flush_policy policy,
                        int64_t interval_us,
                        struct flusher **ret_flusher,
                        struct error *error)
{
    struct flusher *flusher = mem_zalloc(sizeof(*flusher));
    flusher->policy = policy;
    flusher->interval_us = interval_us > 0 ? interval_us : 1000000;
    flusher->last = &flusher->first;
    (void) pthread_mutex_init(&flusher->mutex, NULL);
    pthread_condattr_t monotonic;
    (void) pthread_condattr_init(&monotonic);
    (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&flusher->work, &monotonic);
    (void) pthread_cond_init(&flusher->ended, NULL);
    (void) pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&flusher->thread, NULL, flusher_main, flusher);
    if (failed != 0) {
        mem_free(flusher);
        return error_set_errno(error, failed, "could not start the flusher thread");
    }
    (void) pthread_setname_np(flusher->thread, "flusher");
    *ret_flusher = flusher;
    return STATUS_OK;
}

void flusher_free(struct flusher *flusher)
{
    if (flusher == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&flusher->mutex);
    flusher->stop = true;
    (void) pthread_cond_broadcast(&flusher->work);
    (void) pthread_mutex_unlock(&flusher->mutex);
    (void) pthread_join(flusher->thread, NULL);
    (void) pthread_cond_destroy(&flusher->work);
    (void) pthread_cond_destroy(&flusher->ended);
    (void) pthread_mutex_destroy(&flusher->mutex);
    mem_free(flusher);
}

enum flush_policy flusher_policy(const struct flusher *flusher)
{
    return flusher->policy;
}

void flusher_request(struct flusher *flusher, struct flush_item *item)
{
    (void) pthread_mutex_lock(&flusher->mutex);
    if (item->state == FLUSH_IDLE) {
        item->state = FLUSH_QUEUED;
        bool first = flusher->first == NULL;
        queue_add(flusher, item);
        if (first) {
            (void) pthread_cond_signal(&flusher->work);
        }
    } else if (item->state == FLUSH_RUNNING) {
        item->state = FLUSH_RUNNING_QUEUED;
    }
    (void) pthread_mutex_unlock(&flusher->mutex);
}

void flusher_forget(struct flusher *flusher, struct flush_item *item)
{
    ASSERT(!pthread_equal(pthread_self(), flusher->thread));
    (void) pthread_mutex_lock(&flusher->mutex);
    for (;;) {
        if (item->state == FLUSH_RUNNING_QUEUED) {
            item->state = FLUSH_RUNNING;
        }
        if (item->state == FLUSH_QUEUED) {
            queue_remove(flusher, item);
            item->state = FLUSH_IDLE;
        }
        if (item->state == FLUSH_IDLE) {
            break;
        }
        (void) pthread_cond_wait(&flusher->ended, &flusher->mutex);
    }
    (void) pthread_mutex_unlock(&flusher->mutex);
}
