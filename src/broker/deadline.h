#pragma once

/*
 * Things that must happen at a time unless something else happens first: sessions of group members,
 * rebalances, long polls, idle connections. One heap for all of them, so that the loop needs one
 * timer and a test none.
 *
 * A deadline is embedded in its owner, who must clear it before going away. Loop thread only.
 */

#include <stddef.h>
#include <stdint.h>

struct deadline {
    int64_t at_us;   /* monotonic clock */
    size_t position; /* in the heap, from 1; 0: not set */
    void (*expire)(struct deadline *deadline);
};

struct deadlines {
    struct deadline **heap;
    size_t count;
    size_t capacity;
};

void deadlines_init(struct deadlines *deadlines);
void deadlines_deinit(struct deadlines *deadlines); /* forgets what is set */

/* Sets or moves it. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_us);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline); /* fine if not set */

/* When the next one is due; INT64_MAX if none. */
int64_t deadlines_next(const struct deadlines *deadlines);

/* Calls `expire` of all that are due at `now_us`, earliest first. They may set and clear others. */
void deadlines_run(struct deadlines *deadlines, int64_t now_us);
