#pragma once

/*
 * What can only be said by looking more than once: rates, how old the oldest record is that still
 * waits, whether a consumer group keeps up, and the past for charts. A thread of the console looks
 * every WATCH_US, also while no page is open.
 *
 * Safe from any thread.
 */

#include "console/console.h"
#include "console/history.h"

#define WATCH_US INT64_C(3000000)

struct watch;

/* `path`: where the past is kept, NULL for nowhere. A file that cannot be read is told in a log
 * line, and replaced. */
struct watch *watch_new(const char *path);
void watch_free(struct watch *watch); /* keeps the past; NULL is fine */

/* Takes in how things are now. */
void watch_observe(struct watch *watch, const struct console_snapshot *snapshot, int64_t now_us);

/* Fills in what the snapshot cannot know: lag_us, verdicts, stalled_us. */
void watch_complete(struct watch *watch,
                    struct arena *arena,
                    struct console_snapshot *snapshot,
                    int64_t now_us);

/* history_write. */
void watch_history(struct watch *watch,
                   const char *prefix,
                   int64_t now_us,
                   int64_t span_us,
                   struct buffer *target);
