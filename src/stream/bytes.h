#pragma once

/* Reading and writing the small formats of this folder. A reader that runs over its end only sets
 * `failed` and gives zeros: check it once, at the end. */

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct bytes_reader {
    struct slice rest;
    bool failed;
};

static inline struct bytes_reader bytes_reader_of(struct slice bytes)
{
    return (struct bytes_reader){.rest = bytes};
}

static inline struct slice bytes_take(struct bytes_reader *reader, size_t size)
{
    if (reader->failed || size > reader->rest.size) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    struct slice taken = slice_of(reader->rest.data, size);
    reader->rest = slice_of(reader->rest.data + size, reader->rest.size - size);
    return taken;
}

static inline uint8_t bytes_byte(struct bytes_reader *reader)
{
    struct slice taken = bytes_take(reader, 1);
    return reader->failed ? 0 : taken.data[0];
}

static inline uint64_t bytes_be64(struct bytes_reader *reader)
{
    struct slice taken = bytes_take(reader, 8);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.size; i++) {
        value = value << 8 | taken.data[i];
    }
    return value;
}

static inline uint64_t bytes_varint(struct bytes_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = bytes_byte(reader);
        if (reader->failed) {
            return 0;
        }
        value |= shift < 64 ? (uint64_t) (byte & 0x7f) << shift : 0;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

static inline int64_t bytes_zigzag(struct bytes_reader *reader)
{
    uint64_t value = bytes_varint(reader);
    return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
}

static inline void bytes_put_slice(struct buffer *target, struct slice bytes)
{
    buffer_append_varint(target, bytes.size);
    buffer_append_slice(target, bytes);
}

static inline struct slice bytes_slice(struct bytes_reader *reader)
{
    uint64_t size = bytes_varint(reader);
    return bytes_take(reader, size);
}
