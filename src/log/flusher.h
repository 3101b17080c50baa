#pragma once

/*
 * Group commit. One thread a data directory syncs files that have unsynced bytes; whatever was
 * appended while a sync ran is covered by the next one. So the more arrives, the more one sync
 * carries, and a single append waits about one sync.
 */

#include "base/error.h"

#include <stdint.h>

struct flusher;

enum flush_policy {
    FLUSH_ALWAYS,   /* before anyone is told or reads; the default */
    FLUSH_INTERVAL, /* in the background, every `interval_us`      */
    FLUSH_NEVER,    /* left to the system                          */
};

MUST_USE enum status flusher_new(enum flush_policy policy,
                                 int64_t interval_us,
                                 struct flusher **ret_flusher,
                                 struct error *error);

/* Finishes what is queued, then ends the thread. All logs must be closed. */
void flusher_free(struct flusher *flusher);
