#pragma once

/*
 * The groups of one aggregate: from the encoded key to one record of accumulators. A group stays
 * where it is until it is evicted. Changes since the last checkpoint are kept, so that a checkpoint
 * writes only those.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "sql/query.h"

#include <stdbool.h>
#include <stdint.h>

struct group {
    uint64_t hash;
    struct slice key;
    int64_t event_time_us; /* end of its window, or its event time; INT64_MAX: never closes */
    uint64_t batch;        /* the last batch that touched it ... */
    int32_t batch_index;   /* ... and its number there */
    bool dirty;            /* since the last checkpoint */
    size_t heap_bytes;     /* behind the accumulators, as measured last */
    uint8_t *states;       /* accumulators one after the other */
};

struct keyed_groups {
    const struct plan *plan;
    size_t *state_offsets; /* of each aggregate within `states` */
    size_t state_bytes;
    bool grows; /* some accumulators have memory of their own */
    struct group **slots;
    size_t slot_count; /* a power of two */
    size_t size;
    size_t bytes;              /* of all groups */
    int64_t event_time_min_us; /* no group closes before; INT64_MAX: none closes */
    struct group **dirty;      /* what a checkpoint must write */
    size_t dirty_count, dirty_capacity;
    struct buffer removed; /* length-prefixed keys that a checkpoint must remove */
};

void keyed_groups_init(struct keyed_groups *groups, const struct plan *plan);
void keyed_groups_deinit(struct keyed_groups *groups);

/* Finds a group, or makes one with zeroed accumulators. */
struct group *keyed_groups_get(struct keyed_groups *groups,
                               struct slice key,
                               uint64_t hash,
                               int64_t event_time_us);

/* To be called for every group that changes. */
void keyed_groups_touch(struct keyed_groups *groups, struct group *group);

/* To be called when accumulators have changed: what they hold counts in `bytes`. */
void keyed_groups_measure(struct keyed_groups *groups, struct group *group);

/* Removes the groups that close at or before the watermark, and notes their keys in `removed`. */
void keyed_groups_evict(struct keyed_groups *groups, int64_t watermark_us);

/* When the last of the groups that close closes; INT64_MIN: none does. */
int64_t keyed_groups_event_time_max(const struct keyed_groups *groups);

/* A checkpoint has written `dirty` and `removed`. */
void keyed_groups_checkpointed(struct keyed_groups *groups);

/* The next group at or after *position; NULL at the end. */
struct group *keyed_groups_next(const struct keyed_groups *groups, size_t *position);

static inline void *
group_state(const struct keyed_groups *groups, const struct group *group, uint32_t i)
{
    return group->states + groups->state_offsets[i];
}

/* Event time and accumulators as bytes, and back. */
void group_write(const struct keyed_groups *groups,
                 const struct group *group,
                 struct buffer *target);

/* Adds a group that a checkpoint held. */
MUST_USE enum status keyed_groups_restore(struct keyed_groups *groups,
                                          struct slice key,
                                          uint64_t hash,
                                          struct slice bytes,
                                          struct error *error);
