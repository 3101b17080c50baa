/* Hashes of rows for grouping, several columns at once. */

#define XXH_INLINE_ALL
#include "columnar/column.h"

#include <xxhash.h>

#define NULL_HASH   UINT64_C(0x9e3779b97f4a7c15)
#define LIST_HASH   UINT64_C(0xc2b2ae3d27d4eb4f)
#define STRUCT_HASH UINT64_C(0x165667b19e3779f9)

static inline uint64_t mix(uint64_t seed, uint64_t value)
{
    uint64_t hash = (seed ^ value) * UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 29);
}

/* The bits of a float so that equal values are equal: one zero, one NaN. */
static inline uint64_t double_bits(double value)
{
    if (value == 0) {
        return 0;
    }
    if (value != value) {
        return UINT64_C(0x7ff8000000000000);
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint64_t hash_decimal(const struct column *column, int64_t row, uint64_t seed)
{
    uint64_t halves[2];
    memcpy(halves, (const uint8_t *) column->values + row * 16, sizeof(halves));
    return mix(mix(seed, halves[0]), halves[1]);
}

static uint64_t hash_value(const struct column *column, int64_t row, uint64_t seed)
{
    if (column_is_null(column, row)) {
        return mix(seed, NULL_HASH);
    }
    switch (column->type->id) {
    case TYPE_NULL:
        return mix(seed, NULL_HASH);
    case TYPE_BOOLEAN:
        return mix(seed, column_bool(column, row));
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return mix(seed, double_bits(column_double(column, row)));
    case TYPE_DECIMAL:
        return hash_decimal(column, row, seed);
    case TYPE_STRING:
    case TYPE_BINARY: {
        struct slice bytes = column_bytes(column, row);
        return mix(seed, XXH3_64bits(bytes.data, bytes.size));
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        seed = mix(seed, LIST_HASH + (uint64_t) (column->offsets[row + 1] - column->offsets[row]));
        for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++) {
            for (uint32_t j = 0; j < column->type->field_count; j++) {
                seed = hash_value(column->children[j], i, seed);
            }
        }
        return seed;
    case TYPE_STRUCT:
        seed = mix(seed, STRUCT_HASH);
        for (uint32_t i = 0; i < column->type->field_count; i++) {
            seed = hash_value(column->children[i], row, seed);
        }
        return seed;
    default:
        return mix(seed, (uint64_t) column_int(column, row));
    }
}

static void hash_int64(const struct column *column, int64_t length, uint64_t *hashes)
{
    const int64_t *values = column->values;
    for (int64_t i = 0; i < length; i++) {
        hashes[i] = mix(hashes[i], (uint64_t) values[i]);
    }
}

static void hash_bytes(const struct column *column, int64_t length, uint64_t *hashes)
{
    const uint8_t *bytes = column->values;
    const int32_t *offsets = column->offsets;
    for (int64_t i = 0; i < length; i++) {
        size_t size = (size_t) (offsets[i + 1] - offsets[i]);
        hashes[i] = mix(hashes[i], XXH3_64bits(bytes + offsets[i], size));
    }
}

void columns_hash(const struct column *const *columns,
                  size_t count,
                  int64_t length,
                  uint64_t *ret_hashes)
{
    memset(ret_hashes, 0, (size_t) length * sizeof(*ret_hashes));
    for (size_t i = 0; i < count; i++) {
        const struct column *column = columns[i];
        enum type_id id = column->type->id;
        if (column->null_count == 0 && (id == TYPE_BIGINT || id == TYPE_TIMESTAMP)) {
            hash_int64(column, length, ret_hashes);
        } else if (column->null_count == 0 && (id == TYPE_STRING || id == TYPE_BINARY)) {
            hash_bytes(column, length, ret_hashes);
        } else {
            for (int64_t row = 0; row < length; row++) {
                ret_hashes[row] = hash_value(column, row, ret_hashes[row]);
            }
        }
    }
}
