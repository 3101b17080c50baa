#pragma once

/* A test file cut into blocks: a word at the start of a line with what follows it, and the lines
 * up to the next such word. See README.md for the words. */

#include "base/arena.h"
#include "base/error.h"

struct block {
    const char *word;
    const char *rest; /* of its line */
    struct slice body;
    int line;
};

MUST_USE enum status script_read(const char *path,
                                 struct arena *arena,
                                 struct block **ret_blocks,
                                 size_t *ret_count,
                                 struct error *error);
