#include "io/notify.h"

#include "io/deadline.h"

void notify_init(struct notify *notify)
{
    pthread_mutex_init(&notify->mutex, NULL);
    deadline_condition_init(&notify->condition);
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
    struct timespec deadline = deadline_after(timeout_us);
    pthread_mutex_lock(&notify->mutex);
    bool in_time = true;
    while (notify->rings == seen && in_time) {
        in_time = deadline_wait(&notify->condition, &notify->mutex, timeout_us, &deadline);
    }
    bool rang = notify->rings != seen;
    pthread_mutex_unlock(&notify->mutex);
    return rang;
}
