#pragma once

/*
 * The hop from a source to staging: one worker thread a source asks for a page, makes rows of its
 * records (ingest/rows.h), and commits rows, dead letters, cursor, rate budget and counts in one
 * transaction. A page that fails is asked again, with back-off; nothing of it is kept.
 *
 * fetch_start, _stop, _trigger and _free are called by the owner; _status from any thread.
 */

#include "connect/schemas.h"
#include "connect/source.h"
#include "connect/stage.h"
#include "ingest/accept_limit.h"
#include "ingest/schema_gate.h"
#include "io/notify.h"

#include <stdbool.h>
#include <stdint.h>

struct fetch;

/* When the next tick after `after_us` (wall clock) is due; INT64_MAX: never. */
struct fetch_schedule {
    int64_t (*next)(void *context, int64_t after_us);
    void *context;
};

struct fetch_job {
    const char *pipeline;
    const char *source; /* "PIPELINE.SOURCE" */
    const struct source_ops *ops;
    const void *settings; /* the struct that ops->settings describes */

    const char *const *key; /* paths into a record */
    size_t key_count;
    const char *const *ignore_changes;
    size_t ignore_count;
    size_t record_bytes_max;    /* 0: RECORD_BYTES_MAX */
    const char *deleted_field;  /* path of a value that marks a delete; NULL: none */
    const char *deleted_equals; /* the value; NULL: any but null, false, 0 and "" */
    struct schema_policy schema;

    int64_t rate_count; /* records in rate_per_us; 0: no limit */
    int64_t rate_per_us;
    struct fetch_schedule schedule; /* next NULL: one tick at the start */
    int64_t pages_per_tick;         /* 0: until the source is at its end */
    bool wait_first;                /* the first tick is the schedule's too, not now */
    bool eager;                     /* do not wait for ticks (`--limit`, `run`) */
    bool until_end;                 /* end when the source is at its end (`run`) */
    int64_t from_us, to_us;         /* interval to ingest, or 0 and 0 */

    const struct stage_ops *stage_ops;
    const char *stage_url;
    const struct fence *fence;  /* of the holder of coordination; NULL: none */
    struct accept_limit *limit; /* shared; NULL: no limit */
    int64_t give_up_us;         /* end after failing for so long; 0: never */
    const char *disk_path;      /* pauses when its file system is nearly full; NULL: not watched */
    int disk_free_percent_min;  /* 0: 10 */
    struct notify *committed; /* rung after each commit and at each change of state; may be NULL */
};

enum fetch_state {
    FETCH_STARTING,
    FETCH_WAITING, /* for the next tick, or for news of the source */
    FETCH_FETCHING,
    FETCH_RATE_LIMITED, /* by our limit or by the peer's answer */
    FETCH_RETRYING,
    FETCH_DISK_FULL,
    FETCH_FAILED, /* an error that waiting does not mend; tried again at the next tick */
    FETCH_ENDED,
};

enum fetch_end {
    FETCH_RUNNING,
    FETCH_END_SOURCE,  /* the source is at its end */
    FETCH_END_LIMIT,   /* the accept limit is reached */
    FETCH_END_STOPPED, /* asked to */
    FETCH_END_FAILED,  /* see `error` */
};

struct fetch_status {
    enum fetch_state state;
    enum fetch_end end;
    int64_t until_us; /* wall clock; of WAITING, RATE_LIMITED, RETRYING, FAILED; 0: not known */
    int32_t failures; /* in a row */
    int64_t pages;    /* committed by this worker */
    int64_t accepted; /* by this worker */
    int64_t position; /* newest in staging */
    int64_t fetched_at_us;
    int64_t rate_used;           /* in the running window */
    struct source_counts counts; /* durable */
    struct error error;          /* of the present trouble; status OK: none */
};

/* "starting", "waiting", "fetching", "rate-limited", "retrying", "disk-full", "failed", "ended" */
const char *fetch_state_name(enum fetch_state state);

/* Starts the worker. `job` is copied; what it points to must live until fetch_free. */
MUST_USE enum status
fetch_start(const struct fetch_job *job, struct fetch **ret_fetch, struct error *error);

/* Ends soon: a request under way is given up, a commit under way is finished. */
void fetch_stop(struct fetch *fetch);

/* The next tick is now. */
void fetch_trigger(struct fetch *fetch);

bool fetch_ended(struct fetch *fetch);
void fetch_status(struct fetch *fetch, struct fetch_status *ret_status);

/* The durable counts changed outside of the worker: a dead letter was resolved. */
void fetch_counted(struct fetch *fetch, const struct source_counts *counts);

/* Stops and waits for the worker. NULL is fine. */
void fetch_free(struct fetch *fetch);
