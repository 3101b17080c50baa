#pragma once

/*
 * How long to wait before trying again: exponential with full jitter, so that many who failed
 * together do not come back together. The n-th wait is anywhere between a tenth of the bound and
 * the bound, which doubles from `first_us` to `max_us`.
 */

#include <stdint.h>

struct backoff {
    int64_t first_us;
    int64_t max_us;
    int32_t failures; /* in a row */
    int64_t since_us; /* monotonic time of the first of them */
};

void backoff_init(struct backoff *backoff, int64_t first_us, int64_t max_us);

/* Counts a failure and returns how long to wait. */
int64_t backoff_next(struct backoff *backoff);

/* It worked. */
void backoff_reset(struct backoff *backoff);

/* How long it has been failing; 0 if it is not. */
int64_t backoff_failing_us(const struct backoff *backoff);
