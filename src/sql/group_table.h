#pragma once

/*
 * From the bytes of a key (column_encode_key) to a number: 0, 1, 2, ... in the order of arrival.
 * What belongs to a group stands in arrays under that number.
 */

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct group_table {
    struct arena *arena; /* of keys and arrays; its growth is what the table costs */
    struct slice *keys;
    uint64_t *hashes;
    uint32_t *slots; /* number + 1, or 0; a power of two of them */
    uint32_t count, capacity, slot_count;
};

void group_table_init(struct group_table *table, struct arena *arena);

/* The number of the key; a new one gets the next number. The key is copied. */
uint32_t group_table_add(struct group_table *table, struct slice key, bool *ret_new);

/* The number, or -1. */
int32_t group_table_find(const struct group_table *table, struct slice key);
