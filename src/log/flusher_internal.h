#pragma once

/* How a log or a journal gets itself synced by the flusher. */

#include "log/flusher.h"

enum flush_state {
    FLUSH_IDLE,
    FLUSH_QUEUED,
    FLUSH_RUNNING,
    FLUSH_RUNNING_QUEUED, /* asked for again while it ran */
};

/* Embedded in what has bytes to sync. The flusher owns `next` and `state`. */
struct flush_item {
    void (*sync)(struct flush_item *item); /* on the flusher thread, one at a time */
    struct flush_item *next;
    enum flush_state state;
};

enum flush_policy flusher_policy(const struct flusher *flusher);

/* Asks for `item->sync`, soon or after the interval. From any thread; cheap when already asked. */
void flusher_request(struct flusher *flusher, struct flush_item *item);

/* Takes the item out; waits while its sync runs. Nothing may ask for it meanwhile. */
void flusher_forget(struct flusher *flusher, struct flush_item *item);
