#pragma once

/*
 * A doorbell between threads: "something changed, look again". Ringing never blocks and rings are
 * not counted; a waiter that was busy while it rang does not miss it.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct notify {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    uint64_t rings;
};

void notify_init(struct notify *notify);
void notify_deinit(struct notify *notify);
void notify_ring(struct notify *notify);

/* The number of rings so far: take it before looking at what is guarded. */
uint64_t notify_seen(struct notify *notify);

/* Waits until there were more rings than `seen`, or `timeout_us` passed (-1: never). True if it
 * rang. */
bool notify_wait(struct notify *notify, uint64_t seen, int64_t timeout_us);
