#pragma once

/*
 * What `leat top` shows: a snapshot of the console's API as lines of text, at most `height` of at
 * most `width` columns. Names come from outside: what would move the cursor, or turn the direction
 * of writing, is shown as a dot.
 */

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum top_page {
    TOP_OVERVIEW,
    TOP_TOPICS,
    TOP_GROUPS,
    TOP_PROBLEMS,
};

struct top_view {
    enum top_page page;
    int selected; /* row of topics or groups; kept within what there is */
    bool open;    /* the selected one, with its partitions */
    bool colour;  /* escape sequences for colours; else text alone */
    bool keys;    /* fills the screen, with the keys on its last line */
    int width, height;
    const json_t *status; /* GET /api/v1/status; NULL: none yet */
    const json_t *before; /* an older one, for rates; NULL: none */
    const char *trouble;  /* leat did not answer; NULL: it did */
};

/* Replaces the target's content. */
void top_view_write(struct top_view *view, struct buffer *target);
