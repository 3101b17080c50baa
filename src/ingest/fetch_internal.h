#pragma once

/* What fetch.c (the worker and its states) and fetch_page.c (one page) share. */

#include "base/metrics.h"
#include "ingest/backoff.h"
#include "ingest/fetch.h"
#include "ingest/pager.h"
#include "ingest/rows.h"
#include "io/thread.h"

#include <pthread.h>
#include <stdatomic.h>

struct fetch {
    struct fetch_job job;
    struct thread *thread;
    atomic_bool stopping;
    atomic_bool triggered;
    struct notify bell; /* rung by stop and trigger */

    pthread_mutex_t mutex;
    struct fetch_status status; /* guarded by mutex */

    /* The worker's own from here. */
    struct stage *stage;
    struct source *source;
    struct pager *pager;
    struct schema_gate gate;
    bool gate_open;
    char *source_schema;       /* that the source declared last; NULL: none */
    struct stage_source state; /* as staging has it */
    struct arena state_arena;
    struct arena arena; /* of the rows of one page */
    struct backoff backoff;
    bool at_stage; /* it is staging that is asked just now, not the source */
    int64_t last_page_count;
    int64_t tick_pages;    /* of this tick, done */
    char *interval_cursor; /* of a job for an interval, which leaves the stored cursor alone */
    struct metric *accepted;
    struct metric *unchanged;
    struct metric *dead;
    struct metric *requests;
    struct metric *retries;
};

/* How a page went. */
struct page_outcome {
    bool end;               /* the source has nothing more now */
    bool cut;               /* the accept limit is reached */
    int64_t retry_after_us; /* -1: the peer did not say */
};

/* Opens staging, and reads the source's state and counts. */
enum status fetch_open_stage(struct fetch *fetch, struct error *error);

/* Opens what is not open yet: staging, source, schema. */
enum status fetch_open(struct fetch *fetch, struct error *error);

/* Fetches a page and commits it. */
enum status fetch_page(struct fetch *fetch, struct page_outcome *ret_outcome, struct error *error);

/* How long our own rate limit makes the next page wait; 0: not at all. */
int64_t fetch_rate_wait_us(struct fetch *fetch, int64_t now_us);

void fetch_close(struct fetch *fetch);
