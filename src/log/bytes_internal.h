#pragma once

/* Reading our own files: big-endian numbers, as the buffer writes them. */

#include "base/slice.h"

static inline uint64_t bytes_be(const uint8_t *data, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

static inline uint16_t bytes_be16(const uint8_t *data)
{
    return (uint16_t) bytes_be(data, 2);
}

static inline uint32_t bytes_be32(const uint8_t *data)
{
    return (uint32_t) bytes_be(data, 4);
}

static inline uint64_t bytes_be64(const uint8_t *data)
{
    return bytes_be(data, 8);
}
