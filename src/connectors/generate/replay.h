#pragma once

/* Recorded replies, held in memory. */

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>

struct replay {
    struct buffer *pages;
    size_t count;
    size_t capacity;
};

#define REPLAY_FILE_BYTES_MAX ((size_t) 256 << 20)

/* Loads the files of `directory` whose name ends in ".json", sorted. STATUS_NOT_FOUND if there is
 * none. */
MUST_USE enum status replay_load(struct replay *replay, const char *directory, struct error *error);
void replay_deinit(struct replay *replay);
