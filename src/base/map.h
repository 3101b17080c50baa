#pragma once

/*
 * A hash map from byte strings to pointers, in insertion order. Keys are copied; values are
 * borrowed. Not safe for several threads.
 */

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    struct slice key; /* NUL-terminated copy */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* in insertion order; removed ones have key.data == NULL */
    size_t entry_count;        /* used slots of entries, removed ones included           */
    size_t entry_capacity;
    uint32_t *slots; /* index into entries + 1, or 0 */
    size_t slot_count;
    size_t size; /* live entries */
};

void map_init(struct map *map);
void map_deinit(struct map *map); /* frees keys, not values */

void *map_get(const struct map *map, struct slice key); /* NULL if absent */
void *map_get_string(const struct map *map, const char *key);
bool map_has(const struct map *map, struct slice key);

/* Inserts or replaces; returns the value that stood there before, or NULL. */
void *map_put(struct map *map, struct slice key, void *value);
void *map_put_string(struct map *map, const char *key, void *value);

/* Removes and returns the value, or NULL if absent. */
void *map_remove(struct map *map, struct slice key);

/* The live entry at or after *position, or NULL at the end; advances *position. Entries may be
 * removed while walking, not added. */
struct map_entry *map_next(const struct map *map, size_t *position);
