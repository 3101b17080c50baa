#pragma once

/*
 * What schedulers ask of a running engine: one source, once, for an interval or from where it
 * stands. The order takes the place of the worker of the source's schedule, which comes back after
 * it; so a source has one worker at any time, and an order sees its rate limit and its cursor.
 *
 *     queued ──► waiting for the worker of the schedule to end ──► fetching
 *                                                                     │ all is staged
 *     done ◄── storing, one level of topics after another ◄── appending
 *
 * All functions are called by the owner of the engine.
 */

#include "app/engine_internal.h"

enum ingest_phase {
    INGEST_QUEUED,
    INGEST_TAKING_OVER, /* the worker of the schedule ends */
    INGEST_FETCHING,
    INGEST_APPENDING,
    INGEST_STORING,
    INGEST_ENDED,
};

struct engine_ingest {
    struct list link;
    struct engine_source *source;
    struct console_ingest view; /* what others see; texts are owned */
    enum ingest_phase phase;
    struct accept_limit limit;
    struct source_counts before; /* the source's, when it began */
    int64_t position;            /* newest one in staging, once all is there */
    int level;                   /* of topics, while storing */
    int64_t *targets;            /* a topic of the engine each: -1 or the records to be ended */
    size_t target_count;
    bool cancelled;
    int64_t looked_at_us; /* monotonic: when somebody last asked about it */
};

/* As of struct console_provider. The result lives as long as the engine remembers it. */
MUST_USE enum status engine_ingest_start(struct engine *engine,
                                         const struct console_ingest_order *order,
                                         const struct engine_ingest **ret_ingest,
                                         struct error *error);

/* NULL if there is none. Asking renews its lease. */
struct engine_ingest *engine_ingest_find(struct engine *engine, int64_t id);
void engine_ingest_cancel(struct engine_ingest *ingest);
