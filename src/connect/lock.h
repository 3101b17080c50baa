#pragma once

/*
 * The contract of coordination: who may run a pipeline. Embedded: a file lock on the data
 * directory.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct lock;

struct lock_ops {
    const char *name; /* "file", "zookeeper" */

    /* Takes it, or STATUS_AGAIN naming who holds it. */
    enum status (*take)(const char *url,
                        const char *owner,
                        struct lock **ret_lock,
                        struct error *error);

    /* Still ours? With a lease that may be lost, false means: stop writing now. */
    bool (*held)(const struct lock *lock);

    /* Rises with every taker: stores refuse writers with an older one. 0 where it cannot matter. */
    int64_t (*fence)(const struct lock *lock);

    void (*release)(struct lock *lock);
};
