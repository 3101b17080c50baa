#include "ingest/accept_limit.h"

void accept_limit_init(struct accept_limit *limit, int64_t count)
{
    *limit = (struct accept_limit){.left = count};
    pthread_mutex_init(&limit->mutex, NULL);
    pthread_cond_init(&limit->changed, NULL);
}

void accept_limit_deinit(struct accept_limit *limit)
{
    pthread_cond_destroy(&limit->changed);
    pthread_mutex_destroy(&limit->mutex);
}

int64_t accept_limit_reserve(struct accept_limit *limit, int64_t wanted)
{
    pthread_mutex_lock(&limit->mutex);
    while (limit->left == 0 && limit->reserved > 0) {
        pthread_cond_wait(&limit->changed, &limit->mutex);
    }
    int64_t taken = limit->left < wanted ? limit->left : wanted;
    if (limit->left > 0) {
        limit->left -= taken;
        limit->reserved += taken;
    }
    pthread_mutex_unlock(&limit->mutex);
    return taken;
}

void accept_limit_settle(struct accept_limit *limit, int64_t reserved, int64_t used)
{
    if (reserved <= 0) {
        return;
    }
    pthread_mutex_lock(&limit->mutex);
    limit->reserved -= reserved;
    limit->left += reserved - used;
    pthread_cond_broadcast(&limit->changed);
    pthread_mutex_unlock(&limit->mutex);
}

bool accept_limit_exceeds(struct accept_limit *limit, int64_t count)
{
    pthread_mutex_lock(&limit->mutex);
    bool exceeds = limit->left < 0 || limit->left > count;
    pthread_mutex_unlock(&limit->mutex);
    return exceeds;
}

bool accept_limit_reached(struct accept_limit *limit)
{
    pthread_mutex_lock(&limit->mutex);
    bool reached = limit->left == 0 && limit->reserved == 0;
    pthread_mutex_unlock(&limit->mutex);
    return reached;
}
