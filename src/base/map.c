#include "base/map.h"

#include "base/assert.h"
#include "base/memory.h"

#include <xxhash.h>

#define SLOT_REMOVED UINT32_MAX

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_deinit(struct map *map)
{
    for (size_t i = 0; i < map->entry_count; i++) {
        mem_free((void *) (uintptr_t) map->entries[i].key.data);
    }
    mem_free(map->entries);
    mem_free(map->slots);
    map_init(map);
}

static uint64_t hash_of(struct slice key)
{
    return XXH3_64bits(key.data, key.size);
}

/* The slot that holds `key`, or the free one where it would go. */
static size_t find_slot(const struct map *map, struct slice key, uint64_t hash)
{
    size_t mask = map->slot_count - 1;
    size_t free_slot = SIZE_MAX;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t slot = map->slots[i];
        if (slot == 0) {
            return free_slot == SIZE_MAX ? i : free_slot;
        }
        if (slot == SLOT_REMOVED) {
            free_slot = free_slot == SIZE_MAX ? i : free_slot;
            continue;
        }
        const struct map_entry *entry = &map->entries[slot - 1];
        if (entry->hash == hash && slice_equal(entry->key, key)) {
            return i;
        }
    }
}

static struct map_entry *find(const struct map *map, struct slice key)
{
    if (map->slot_count == 0) {
        return NULL;
    }
    uint32_t slot = map->slots[find_slot(map, key, hash_of(key))];
    return slot == 0 || slot == SLOT_REMOVED ? NULL : &map->entries[slot - 1];
}

void *map_get(const struct map *map, struct slice key)
{
    struct map_entry *entry = find(map, key);
    return entry == NULL ? NULL : entry->value;
}

void *map_get_string(const struct map *map, const char *key)
{
    return map_get(map, slice_of_string(key));
}

bool map_has(const struct map *map, struct slice key)
{
    return find(map, key) != NULL;
}

/* Drops removed entries and rebuilds the slots for at least twice as many as are live. */
static void rebuild(struct map *map)
{
    size_t live = 0;
    for (size_t i = 0; i < map->entry_count; i++) {
        if (map->entries[i].key.data != NULL) {
            map->entries[live++] = map->entries[i];
        }
    }
    map->entry_count = live;
    map->entry_capacity = live < 8 ? 16 : live * 2;
    map->entries = mem_realloc(map->entries, map->entry_capacity * sizeof(*map->entries));
    mem_free(map->slots);
    map->slot_count = 32;
    while (map->slot_count < map->entry_capacity * 2) {
        map->slot_count *= 2;
    }
    map->slots = mem_calloc(map->slot_count, sizeof(*map->slots));
    for (size_t i = 0; i < live; i++) {
        map->slots[find_slot(map, map->entries[i].key, map->entries[i].hash)] = (uint32_t) i + 1;
    }
}

void *map_put(struct map *map, struct slice key, void *value)
{
    struct map_entry *entry = find(map, key);
    if (entry != NULL) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    if (map->entry_count == map->entry_capacity) {
        rebuild(map);
    }
    ASSERT(map->entry_count < UINT32_MAX - 2);
    uint8_t *copy = mem_alloc(key.size + 1);
    if (key.size > 0) {
        memcpy(copy, key.data, key.size);
    }
    copy[key.size] = '\0';
    entry = &map->entries[map->entry_count++];
    *entry = (struct map_entry){{copy, key.size}, value, hash_of(key)};
    map->slots[find_slot(map, key, entry->hash)] = (uint32_t) map->entry_count;
    map->size++;
    return NULL;
}

void *map_put_string(struct map *map, const char *key, void *value)
{
    return map_put(map, slice_of_string(key), value);
}

void *map_remove(struct map *map, struct slice key)
{
    struct map_entry *entry = find(map, key);
    if (entry == NULL) {
        return NULL;
    }
    map->slots[find_slot(map, key, entry->hash)] = SLOT_REMOVED;
    mem_free((void *) (uintptr_t) entry->key.data);
    void *value = entry->value;
    *entry = (struct map_entry){0};
    map->size--;
    return value;
}

struct map_entry *map_next(const struct map *map, size_t *position)
{
    while (*position < map->entry_count) {
        struct map_entry *entry = &map->entries[(*position)++];
        if (entry->key.data != NULL) {
            return entry;
        }
    }
    return NULL;
}
