#pragma once

/* Waiting on condition variables up to a moment of the real monotonic clock. A simulated clock does
 * not move threads: what must be simulated does not wait here. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

void deadline_condition_init(pthread_cond_t *condition);

struct timespec deadline_after(int64_t duration_us);

/* Waits once. False if the deadline has passed; `duration_us` below 0 never passes. */
bool deadline_wait(pthread_cond_t *condition,
                   pthread_mutex_t *mutex,
                   int64_t duration_us,
                   const struct timespec *deadline);
