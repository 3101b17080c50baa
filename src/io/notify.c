#include "io/notify.h"

#include "io/clock.h"

#include <time.h>

void notify_init(struct notify *notify)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&notify->mutex, NULL);
    pthread_cond_init(&notify->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    notify->rings = 0;
}

void notify_deinit(struct notify *notify)
{
    pthread_cond_destroy(&notify->condition);
    pthread_mutex_destroy(&notify->mutex);
}

void notify_ring(struct notify *notify)
{
    pthread_mutex_lock(&notify->mutex);
    notify->rings++;
    pthread_cond_broadcast(&notify->condition);
    pthread_mutex_unlock(&notify->mutex);
}

uint64_t notify_seen(struct notify *notify)
{
    pthread_mutex_lock(&notify->mutex);
    uint64_t seen = notify->rings;
    pthread_mutex_unlock(&notify->mutex);
    return seen;
}

bool notify_wait(struct notify *notify, uint64_t seen, int64_t timeout_us)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + (timeout_us % 1000000) * 1000;
    until.tv_sec += timeout_us / 1000000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;

    pthread_mutex_lock(&notify->mutex);
    int result = 0;
    while (notify->rings == seen && result == 0) {
        result = pthread_cond_timedwait(&notify->condition, &notify->mutex, &until);
    }
    bool rang = notify->rings != seen;
    pthread_mutex_unlock(&notify->mutex);
    return rang;
}
