#include "io/deadline.h"

#include "base/assert.h"

#include <errno.h>

#define YEAR_US (INT64_C(366) * 86400 * 1000000)

void deadline_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(condition, &attributes);
    (void) pthread_condattr_destroy(&attributes);
}

struct timespec deadline_after(int64_t duration_us)
{
    int64_t duration = duration_us < 0 ? 0 : duration_us > YEAR_US ? YEAR_US : duration_us;
    struct timespec moment;
    int failed = clock_gettime(CLOCK_MONOTONIC, &moment);
    ASSERT(failed == 0);
    int64_t nanoseconds = moment.tv_nsec + duration % 1000000 * 1000;
    moment.tv_sec += duration / 1000000 + nanoseconds / 1000000000;
    moment.tv_nsec = nanoseconds % 1000000000;
    return moment;
}

bool deadline_wait(pthread_cond_t *condition,
                   pthread_mutex_t *mutex,
                   int64_t duration_us,
                   const struct timespec *deadline)
{
    if (duration_us < 0) {
        return pthread_cond_wait(condition, mutex) == 0;
    }
    return pthread_cond_timedwait(condition, mutex, deadline) != ETIMEDOUT;
}
