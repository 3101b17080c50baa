#pragma once

/* A snapshot as the API and the metrics page show it. The field names are the API: they are only
 * ever added to. */

#include "base/buffer.h"
#include "console/console.h"

/* The sum of DESIGN, section 2, over all pipelines. */
struct console_totals {
    int64_t fetched, accepted, unchanged, refused; /* refused: dead at the source */
    int64_t stored, filtered, late, dead, foreign;
    int64_t staged;    /* accepted, and not yet in a topic */
    int64_t in_flight; /* accepted, and not yet ended: staged and in the topic */
};

void console_totals_of(const struct console_snapshot *snapshot, struct console_totals *ret_totals);

/* One object each: the whole, or an array of one kind. */
void snapshot_write_status(const struct console_snapshot *snapshot,
                           int64_t started_us,
                           struct buffer *target);
void snapshot_write_sources(const struct console_snapshot *snapshot, struct buffer *target);
void snapshot_write_topics(const struct console_snapshot *snapshot, struct buffer *target);
void snapshot_write_groups(const struct console_snapshot *snapshot, struct buffer *target);
void dead_write(const struct console_dead *letters, size_t count, struct buffer *target);

/* The same as Prometheus text (exposition format 0.0.4). */
void snapshot_write_metrics(const struct console_snapshot *snapshot, struct buffer *target);
