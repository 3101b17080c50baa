#pragma once

/*
 * Why does it not move, and what to do: for a person who knows nothing of leat but the page. Each
 * problem names a cause in one sentence, says what was seen, and gives a remedy; worst first.
 *
 * The causes are words that only get more, as alerts and tests hang on them:
 *
 *   process-failed     leat itself stopped working
 *   disk-full          fetching pauses, or a write failed, for want of space
 *   disk-low           less than 15 % is free
 *   api-down           a source cannot be reached
 *   api-refuses        it answers, but not what it should
 *   schema-broken      records changed so that the registered schema forbids them
 *   source-failed      a source stopped for another reason
 *   log-down           the broker does not answer
 *   log-refuses        it answers, but takes no records
 *   stream-failed      a query cannot go on
 *   sink-refuses       a table does not take rows
 *   stream-stalled     records wait, nothing failed, and nothing moves
 *   consumer-stalled   a consumer group lives, and does not move
 *   consumer-stopped   a group left records behind and has no consumer
 *   consumer-rewound   a group went back
 *   records-refused    records died within the last minutes
 */

#include "console/console.h"

struct console_problem {
    bool severe; /* nothing moves there; else a warning */
    const char *cause;
    const char *title;
    const char *pipeline, *kind, *name; /* kind: "source", "capture", "flow", "group", "process" */
    const char *status;
    const char *message; /* what was seen */
    const char *remedy;
};

/* Of a snapshot that watch_complete has seen, or not: then what takes time to see is not told. */
size_t console_diagnose(const struct console_snapshot *snapshot,
                        struct arena *arena,
                        struct console_problem **ret_problems);
