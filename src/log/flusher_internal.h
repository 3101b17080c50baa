#pragma once

/* How a log or a journal gets itself synced by the flusher. */

#include "log/flusher.h"

enum flush_state {
    FLUSH_IDLE,
    FLUSH_QUEUED,
    FLUSH_RUNNING,
    FLUSH_RUNNING_QUEUED, /* asked for again while it ran */
};

/*
 * Embedded in what has bytes to sync. The flusher owns `next` and `state`.
 *
 * All functions run on the flusher thread. `sync` alone is enough. When many items are due, `start`
 * of all (begin writing), then `wait` of all (until written), then `sync` of all come, so that the
 * files share the disk's work and, mostly, one commit of the file system's journal; `start` and
 * `wait` may be NULL. `sync` always follows `start`.
 */
struct flush_item {
    void (*start)(struct flush_item *item);
    void (*wait)(struct flush_item *item);
    void (*sync)(struct flush_item *item);
    struct flush_item *next;
    enum flush_state state;
};

enum flush_policy flusher_policy(const struct flusher *flusher);

/* Asks for `item->sync`, soon or after the interval. From any thread; cheap when already asked. */
void flusher_request(struct flusher *flusher, struct flush_item *item);

/* Takes the item out; waits while its sync runs. Nothing may ask for it meanwhile. */
void flusher_forget(struct flusher *flusher, struct flush_item *item);
