#pragma once

/*
 * Does a consumer group keep up? A verdict of each partition from how its commits moved within a
 * window, without thresholds on lag, after Burrow's rules (linkedin/Burrow, "Consumer Lag
 * Evaluation Rules"). Burrow reads the commits themselves; here committed offsets are looked at
 * every few seconds, so a commit that changes nothing cannot be told from none. What stands still
 * is therefore STALL while the group has members, and STOP when it has none.
 *
 *   OK      the lag was 0 at some time in the window, or it moves and the lag falls at some time
 *   WARN    it moves, but the lag never fell
 *   STALL   there are members and lag, and nothing moved
 *   STOP    there is lag and no member
 *   REWIND  the offset went back, and lag is left
 *
 * A window that is not full yet is OK.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_OK,
    VERDICT_WARN,
    VERDICT_REWIND,
    VERDICT_STALL,
    VERDICT_STOP,
};

#define VERDICT_WINDOW 10

const char *verdict_name(enum verdict verdict); /* "OK", "WARN", ... */

/* One look at one partition of a group. */
struct verdict_look {
    int64_t committed; /* next offset to read; -1: none yet */
    int64_t lag;       /* -1: not known */
};

/* The last looks, oldest first. */
struct verdict_window {
    struct verdict_look looks[VERDICT_WINDOW];
    size_t count;
};

void verdict_observe(struct verdict_window *window, int64_t committed, int64_t lag);
enum verdict verdict_of(const struct verdict_window *window, bool has_members);
