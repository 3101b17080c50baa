#pragma once

/* A borrowed range of bytes. Not terminated, may hold any byte. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* NULL only if size is 0; a null *value* is data == NULL where said so */
    size_t size;
};

#define SLICE(literal)  ((struct slice){(const uint8_t *) (literal), sizeof(literal) - 1})
#define SLICE_FORMAT(s) (int) (s).size, (const char *) (s).data /* for "%.*s" */
#define SLICE_EMPTY     ((struct slice){NULL, 0})

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){data, size};
}

static inline struct slice slice_of_string(const char *text)
{
    return (struct slice){(const uint8_t *) text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_equal_string(struct slice a, const char *text)
{
    return slice_equal(a, slice_of_string(text));
}

/* memcmp order, the shorter first when one is a prefix of the other. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}
