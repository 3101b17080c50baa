#pragma once

/*
 * The contract of coordination: who of several processes may run a pipeline. Embedded: a file lock
 * on the data directory, which a second process does not wait for. With a lease (ZooKeeper) the
 * others stand by, and one of them goes on when the holder is gone.
 *
 * A lease can be lost without its holder noticing: a process that was stopped and continued still
 * believes. So `held` says no well before anyone else may take it, and each taker gets a fence
 * number that is higher than all before: stores refuse writers with an older one (fence in
 * connect/stage.h and connect/store.h), and a log fences by its own means.
 *
 * open, close are the owner's; all else may be called from any thread.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct lock;

/* What a holder writes with: handles that are given it claim their store for `number`. */
struct fence {
    const char *scope; /* the pipeline: stores keep the newest number of each */
    int64_t number;    /* > 0 */
};

enum lock_state {
    LOCK_CONNECTING, /* not known: the coordinator cannot be reached, or not yet */
    LOCK_WAITING,    /* another holds it */
    LOCK_HELD,
};

#define LOCK_OWNER_BYTES 1024

struct lock_status {
    enum lock_state state;
    int64_t fence;                 /* HELD: ours, and never the same twice */
    char holder[LOCK_OWNER_BYTES]; /* WAITING: the holder's `owner` text; empty if not known */
    int32_t ahead;                 /* WAITING: how many come before us */
    struct error error;            /* of the present trouble; status OK: none */
};

struct lock_ops {
    const char *name; /* "zookeeper" */

    /* Joins those who want to run `name` and returns; reaching the coordinator goes on in the
     * background, for ever. `owner` is what others see of us, a JSON object. `changed` is called
     * by a thread of the lock when the state may be another. */
    enum status (*open)(const char *url,
                        const char *name,
                        const char *owner,
                        void (*changed)(void *context),
                        void *context,
                        struct lock **ret_lock,
                        struct error *error);

    void (*status)(struct lock *lock, struct lock_status *ret_status);

    /* Is the tenure with this fence number still ours, for sure? False means: stop writing now.
     * Cheap. A lock that was lost and taken again is another tenure, with another number. */
    bool (*held)(struct lock *lock, int64_t fence);

    /* What others see of us from now on. */
    void (*describe)(struct lock *lock, const char *owner);

    /* Leaves: the next one may take it at once, so nothing may be written any more. NULL is fine.
     */
    void (*close)(struct lock *lock);

    /* All that want to run `name`, the holder first, without joining them. */
    enum status (*list)(const char *url,
                        const char *name,
                        enum status (*visit)(void *context,
                                             const char *owner,
                                             int64_t fence,
                                             bool holds,
                                             struct error *error),
                        void *context,
                        struct error *error);
};

const char *lock_state_name(enum lock_state state); /* "connecting", "waiting", "held" */

/* The refusal of a writer whose fence number is older than `newest`: STATUS_CONFLICT, not
 * retriable. `store` says which one refused: "staging", "topic \"t\"". */
enum status
fence_refused(struct error *error, const char *store, const struct fence *fence, int64_t newest);

/* True for the error that fence_refused made. */
bool fence_was_refused(const struct error *error);
