#pragma once

/*
 * The number of records that one invocation may still accept (`--limit N`), shared exactly by all
 * its sources: a source reserves before it commits a page and gives back what it did not use.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct accept_limit {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int64_t left; /* neither used nor reserved; -1: no limit */
    int64_t reserved;
};

/* `count` -1: no limit. */
void accept_limit_init(struct accept_limit *limit, int64_t count);
void accept_limit_deinit(struct accept_limit *limit);

/* Up to `wanted`, at least 1. Waits while others hold the rest in reserve. 0: all is used up.
 * -1: there is no limit. */
int64_t accept_limit_reserve(struct accept_limit *limit, int64_t wanted);

/* Of what was reserved, `used` were accepted. */
void accept_limit_settle(struct accept_limit *limit, int64_t reserved, int64_t used);

/* True if more than `count` records may still be accepted, as things are now. */
bool accept_limit_exceeds(struct accept_limit *limit, int64_t count);

/* True if nothing may be accepted any more. */
bool accept_limit_reached(struct accept_limit *limit);
