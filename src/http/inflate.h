#pragma once

/*
 * Undoes a reply's Content-Encoding piece by piece. libcurl could, but it takes a gzip body that
 * was cut short for a whole one.
 */

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct inflater;

enum inflate_result {
    INFLATE_OK,
    INFLATE_BROKEN,    /* not what the encoding says, or bytes behind its end */
    INFLATE_TOO_LARGE, /* more than the maximum came out                      */
};

/* For "gzip", "x-gzip", "deflate" (with zlib's header or without) or "identity"; NULL for others.
 */
struct inflater *inflater_new(const char *encoding, size_t bytes_max);
void inflater_free(struct inflater *inflater); /* NULL is fine */

/* Appends what `piece` gives to `target`. */
enum inflate_result
inflater_write(struct inflater *inflater, struct slice piece, struct buffer *target);

/* Whether the body so far is a whole one. Nothing at all is whole: a reply may have no body. */
bool inflater_is_whole(const struct inflater *inflater);
