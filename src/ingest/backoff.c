#include "ingest/backoff.h"

#include "io/clock.h"

void backoff_init(struct backoff *backoff, int64_t first_us, int64_t max_us)
{
    *backoff = (struct backoff){.first_us = first_us, .max_us = max_us};
}

int64_t backoff_next(struct backoff *backoff)
{
    if (backoff->failures == 0) {
        backoff->since_us = clock_monotonic_us();
    }
    int64_t bound = backoff->first_us;
    for (int32_t i = 0; i < backoff->failures && bound < backoff->max_us; i++) {
        bound *= 2;
    }
    bound = bound < backoff->max_us ? bound : backoff->max_us;
    backoff->failures++;
    int64_t least = bound / 10;
    return least + (int64_t) (random_u64() % (uint64_t) (bound - least + 1));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
    backoff->since_us = 0;
}

int64_t backoff_failing_us(const struct backoff *backoff)
{
    return backoff->failures == 0 ? 0 : clock_monotonic_us() - backoff->since_us;
}
