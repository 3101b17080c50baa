#pragma once

/* Strings by code points: SQL positions count code points, never bytes. Texts are valid UTF-8. */

#include "base/slice.h"

#include <stdint.h>

static inline size_t code_point_bytes(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static inline int64_t code_point_count(struct slice text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Byte offset of code point `index`; the size of the text if it has fewer. */
static inline size_t code_point_offset(struct slice text, int64_t index)
{
    size_t at = 0;
    while (index-- > 0 && at < text.size) {
        at += code_point_bytes(text.data[at]);
    }
    return at < text.size ? at : text.size;
}

/* Code points start..end-1, clipped to what is there. */
static inline struct slice code_point_range(struct slice text, int64_t start, int64_t end)
{
    start = start < 0 ? 0 : start;
    if (end <= start) {
        return slice_of(text.data, 0);
    }
    size_t from = code_point_offset(text, start);
    struct slice rest = slice_of(text.data + from, text.size - from);
    return slice_of(rest.data, code_point_offset(rest, end - start));
}

/* First occurrence at or after byte `from`, or SIZE_MAX. */
static inline size_t slice_find(struct slice text, struct slice part, size_t from)
{
    if (part.size > text.size || from > text.size - part.size) {
        return SIZE_MAX;
    }
    if (part.size == 0) {
        return from;
    }
    const uint8_t *hit = memmem(text.data + from, text.size - from, part.data, part.size);
    return hit == NULL ? SIZE_MAX : (size_t) (hit - text.data);
}
