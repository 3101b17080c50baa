#include "stream/keyed_groups.h"

#include "base/memory.h"
#include "sql/function.h"
#include "stream/bytes.h"

#define SLOTS_MIN 64

void keyed_groups_init(struct keyed_groups *groups, const struct plan *plan)
{
    *groups = (struct keyed_groups){.plan = plan, .event_time_min_us = INT64_MAX};
    groups->state_offsets = mem_calloc(plan->aggregate_count + 1, sizeof(size_t));
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        groups->state_offsets[i] = groups->state_bytes;
        size_t bytes = plan->aggregates[i].function->aggregate.state_bytes;
        groups->grows = groups->grows || plan->aggregates[i].function->aggregate.heap_bytes != NULL;
        groups->state_bytes += (bytes + 15) & ~(size_t) 15;
    }
    groups->slot_count = SLOTS_MIN;
    groups->slots = mem_calloc(groups->slot_count, sizeof(*groups->slots));
}

static size_t group_bytes(const struct keyed_groups *groups, const struct group *group)
{
    return sizeof(*group) + group->key.size + groups->state_bytes + 2 * sizeof(group) +
           group->heap_bytes;
}

void keyed_groups_measure(struct keyed_groups *groups, struct group *group)
{
    size_t bytes = 0;
    for (uint32_t i = 0; groups->grows && i < groups->plan->aggregate_count; i++) {
        const struct sql_function *function = groups->plan->aggregates[i].function;
        if (function->aggregate.heap_bytes != NULL) {
            bytes += function->aggregate.heap_bytes(group_state(groups, group, i));
        }
    }
    groups->bytes += bytes - group->heap_bytes;
    group->heap_bytes = bytes;
}

static void group_free(struct keyed_groups *groups, struct group *group)
{
    for (uint32_t i = 0; i < groups->plan->aggregate_count; i++) {
        const struct sql_function *function = groups->plan->aggregates[i].function;
        if (function->aggregate.free != NULL) {
            function->aggregate.free(group_state(groups, group, i));
        }
    }
    mem_free(group->states);
    mem_free(group);
}

void keyed_groups_deinit(struct keyed_groups *groups)
{
    for (size_t i = 0; i < groups->slot_count; i++) {
        if (groups->slots[i] != NULL) {
            group_free(groups, groups->slots[i]);
        }
    }
    mem_free(groups->slots);
    mem_free(groups->dirty);
    mem_free(groups->state_offsets);
    buffer_deinit(&groups->removed);
    *groups = (struct keyed_groups){0};
}

static void resize(struct keyed_groups *groups, size_t slot_count)
{
    struct group **old = groups->slots;
    size_t old_count = groups->slot_count;
    groups->slots = mem_calloc(slot_count, sizeof(*groups->slots));
    groups->slot_count = slot_count;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] == NULL) {
            continue;
        }
        size_t at = old[i]->hash & (slot_count - 1);
        while (groups->slots[at] != NULL) {
            at = (at + 1) & (slot_count - 1);
        }
        groups->slots[at] = old[i];
    }
    mem_free(old);
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t find_slot(const struct keyed_groups *groups, struct slice key, uint64_t hash)
{
    size_t mask = groups->slot_count - 1;
    size_t i = hash & mask;
    while (groups->slots[i] != NULL &&
           (groups->slots[i]->hash != hash || !slice_equal(groups->slots[i]->key, key))) {
        i = (i + 1) & mask;
    }
    return i;
}

struct group *keyed_groups_get(struct keyed_groups *groups,
                               struct slice key,
                               uint64_t hash,
                               int64_t event_time_us)
{
    size_t slot = find_slot(groups, key, hash);
    if (groups->slots[slot] != NULL) {
        return groups->slots[slot];
    }
    if (groups->size * 2 >= groups->slot_count) {
        resize(groups, groups->slot_count * 2);
        slot = find_slot(groups, key, hash);
    }
    struct group *group = mem_alloc(sizeof(*group) + key.size);
    uint8_t *copy = (uint8_t *) (group + 1);
    if (key.size > 0) {
        memcpy(copy, key.data, key.size);
    }
    *group = (struct group){
        .hash = hash,
        .key = {copy, key.size},
        .event_time_us = event_time_us,
        .states = mem_zalloc(groups->state_bytes + 1),
    };
    groups->slots[slot] = group;
    groups->size++;
    groups->bytes += group_bytes(groups, group);
    if (event_time_us < groups->event_time_min_us) {
        groups->event_time_min_us = event_time_us;
    }
    return group;
}

void keyed_groups_touch(struct keyed_groups *groups, struct group *group)
{
    if (group->dirty) {
        return;
    }
    group->dirty = true;
    if (groups->dirty_count == groups->dirty_capacity) {
        groups->dirty_capacity = groups->dirty_capacity == 0 ? 256 : groups->dirty_capacity * 2;
        groups->dirty = mem_realloc(groups->dirty, groups->dirty_capacity * sizeof(*groups->dirty));
    }
    groups->dirty[groups->dirty_count++] = group;
}

/* Takes groups that are about to go out of the list of dirty ones. */
static void forget_dirty(struct keyed_groups *groups, int64_t watermark_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < groups->dirty_count; i++) {
        if (groups->dirty[i]->event_time_us > watermark_us) {
            groups->dirty[kept++] = groups->dirty[i];
        }
    }
    groups->dirty_count = kept;
}

void keyed_groups_evict(struct keyed_groups *groups, int64_t watermark_us)
{
    if (groups->event_time_min_us > watermark_us) {
        return;
    }
    forget_dirty(groups, watermark_us);
    groups->event_time_min_us = INT64_MAX;
    for (size_t i = 0; i < groups->slot_count; i++) {
        struct group *group = groups->slots[i];
        if (group == NULL) {
            continue;
        }
        if (group->event_time_us > watermark_us) {
            if (group->event_time_us < groups->event_time_min_us) {
                groups->event_time_min_us = group->event_time_us;
            }
            continue;
        }
        bytes_put_slice(&groups->removed, group->key);
        groups->bytes -= group_bytes(groups, group);
        groups->size--;
        group_free(groups, group);
        groups->slots[i] = NULL;
    }
    size_t slot_count = SLOTS_MIN;
    while (slot_count < groups->size * 3) {
        slot_count *= 2;
    }
    resize(groups, slot_count); /* probe chains are broken where groups went: build them anew */
}

int64_t keyed_groups_event_time_max(const struct keyed_groups *groups)
{
    int64_t newest_us = INT64_MIN;
    for (size_t i = 0; i < groups->slot_count; i++) {
        const struct group *group = groups->slots[i];
        if (group != NULL && group->event_time_us != INT64_MAX &&
            group->event_time_us > newest_us) {
            newest_us = group->event_time_us;
        }
    }
    return newest_us;
}

void keyed_groups_checkpointed(struct keyed_groups *groups)
{
    for (size_t i = 0; i < groups->dirty_count; i++) {
        groups->dirty[i]->dirty = false;
    }
    groups->dirty_count = 0;
    buffer_clear(&groups->removed);
}

struct group *keyed_groups_next(const struct keyed_groups *groups, size_t *position)
{
    while (*position < groups->slot_count) {
        struct group *group = groups->slots[(*position)++];
        if (group != NULL) {
            return group;
        }
    }
    return NULL;
}

void group_write(const struct keyed_groups *groups,
                 const struct group *group,
                 struct buffer *target)
{
    struct buffer state = BUFFER_INIT;
    buffer_append_zigzag(target, group->event_time_us);
    for (uint32_t i = 0; i < groups->plan->aggregate_count; i++) {
        const struct sql_function *function = groups->plan->aggregates[i].function;
        const void *from = group_state(groups, group, i);
        if (function->aggregate.write == NULL) {
            bytes_put_slice(target, slice_of(from, function->aggregate.state_bytes));
            continue;
        }
        buffer_clear(&state);
        function->aggregate.write(from, &state);
        bytes_put_slice(target, buffer_slice(&state));
    }
    buffer_deinit(&state);
}

enum status keyed_groups_restore(struct keyed_groups *groups,
                                 struct slice key,
                                 uint64_t hash,
                                 struct slice bytes,
                                 struct error *error)
{
    struct bytes_reader reader = bytes_reader_of(bytes);
    struct group *group = keyed_groups_get(groups, key, hash, bytes_zigzag(&reader));
    for (uint32_t i = 0; i < groups->plan->aggregate_count && !reader.failed; i++) {
        const struct sql_function *function = groups->plan->aggregates[i].function;
        struct slice state = bytes_slice(&reader);
        if (reader.failed) {
            break;
        }
        if (function->aggregate.read != NULL) {
            TRY(function->aggregate.read(state, group_state(groups, group, i), error));
        } else if (state.size == function->aggregate.state_bytes) {
            memcpy(group_state(groups, group, i), state.data, state.size);
        } else {
            reader.failed = true;
        }
    }
    if (reader.failed || reader.rest.size != 0) {
        return error_set(error, STATUS_CORRUPT, "the stored state of a group cannot be read");
    }
    keyed_groups_measure(groups, group);
    return STATUS_OK;
}
