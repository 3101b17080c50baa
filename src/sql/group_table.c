#include "sql/group_table.h"

#include "base/assert.h"

#include <xxhash.h>

void group_table_init(struct group_table *table, struct arena *arena)
{
    *table = (struct group_table){.arena = arena};
}

static uint32_t *find_slot(const struct group_table *table, struct slice key, uint64_t hash)
{
    uint32_t mask = table->slot_count - 1;
    for (uint32_t at = (uint32_t) hash & mask;; at = (at + 1) & mask) {
        uint32_t slot = table->slots[at];
        if (slot == 0 ||
            (table->hashes[slot - 1] == hash && slice_equal(table->keys[slot - 1], key))) {
            return &table->slots[at];
        }
    }
}

static void grow(struct group_table *table)
{
    size_t old = table->capacity, capacity = old == 0 ? 64 : old * 2;
    ASSERT(capacity <= (size_t) 1 << 30);
    table->keys = arena_grow(table->arena, table->keys, old * sizeof(struct slice),
                             capacity * sizeof(struct slice));
    table->hashes = arena_grow(table->arena, table->hashes, old * sizeof(uint64_t),
                               capacity * sizeof(uint64_t));
    table->capacity = (uint32_t) capacity;
    table->slot_count = (uint32_t) capacity * 2;
    table->slots = ARENA_ARRAY(table->arena, uint32_t, table->slot_count);
    for (uint32_t i = 0; i < table->count; i++) {
        *find_slot(table, table->keys[i], table->hashes[i]) = i + 1;
    }
}

uint32_t group_table_add(struct group_table *table, struct slice key, bool *ret_new)
{
    if (table->count == table->capacity) {
        grow(table);
    }
    uint64_t hash = XXH3_64bits(key.data, key.size);
    uint32_t *slot = find_slot(table, key, hash);
    *ret_new = *slot == 0;
    if (*slot == 0) {
        table->keys[table->count] = arena_copy(table->arena, key);
        table->hashes[table->count] = hash;
        *slot = ++table->count;
    }
    return *slot - 1;
}

int32_t group_table_find(const struct group_table *table, struct slice key)
{
    if (table->count == 0) {
        return -1;
    }
    return (int32_t) *find_slot(table, key, XXH3_64bits(key.data, key.size)) - 1;
}
