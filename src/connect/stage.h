#pragma once

/*
 * The contract of staging: rows, cursor, rate budget, counts, dead letters and the outbox of a
 * source live in one store and change in one transaction (DESIGN, section 2).
 *
 * A handle is used by one thread at a time; each worker opens its own. Implementations settle
 * concurrent writers among themselves.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connect/counts.h"
#include "connect/dead_letter.h"
#include "connect/lock.h"

#include <stdbool.h>
#include <stdint.h>

struct stage;
struct stage_hold;

struct stage_source {
    int64_t epoch;
    int64_t position;       /* newest one given out */
    const char *cursor;     /* NULL: never fetched */
    int64_t rate_window_us; /* start of the running rate window, 0 if none */
    int64_t rate_used;      /* records counted in it */
    int64_t fetched_at_us;  /* the last committed page */
    int32_t schema_id;      /* that new rows are encoded with, 0 if none yet */
    struct source_counts counts;
};

enum stage_op {
    STAGE_UPSERT,
    STAGE_DELETE
};

struct stage_row {
    enum stage_op op;
    struct slice key;   /* plain text, or a JSON array if composite */
    uint8_t hash[16];   /* of the canonical content; equal: the row did not change */
    struct slice json;  /* as it came, for people; empty for a delete */
    struct slice value; /* encoded for the log, 5-byte header included; empty for a delete */
};

struct stage_page {
    const struct stage_row *rows;
    size_t count;
    const struct dead_letter *dead;
    size_t dead_count;
    int64_t accept_max; /* stop after so many accepted rows; -1: no limit */
    const char *cursor; /* the new one, stored unless the page was cut at accept_max; NULL: keep */
    int64_t rate_window_us, rate_used;
    int32_t schema_id;
    int64_t requests;
    int64_t now_us; /* acceptance time of its rows */
};

struct stage_result {
    int64_t accepted, unchanged, dead;
    bool cut;         /* stopped at accept_max: rows behind it were left, the cursor stays */
    int64_t position; /* newest one */
};

/* One change on its way to the log. */
struct stage_change {
    int64_t position;
    int32_t seq;
    enum stage_op op;
    struct slice key;
    struct slice value; /* as in stage_row */
    int64_t accepted_us;
};

struct stage_ops {
    const char *name; /* "sqlite", "postgresql" */

    /* `url` as in the profile; embedded: a path. Makes what is missing. */
    enum status (*open)(const char *url, struct stage **ret_stage, struct error *error);
    void (*close)(struct stage *stage);

    /* Without coordination: the only process that runs these pipelines on the store, from now on
     * until `release`, or until its end. STATUS_AGAIN, not retriable, naming who does, if another
     * runs one of them. `url` and names are copied. NULL: the store is this process's alone. */
    enum status (*hold)(const char *url,
                        const char *const *pipelines,
                        size_t count,
                        struct stage_hold **ret_hold,
                        struct error *error);

    /* STATUS_OK, also while the store is away; the refusal of `hold` once another has taken it in
     * such a time. Cheap; any thread. */
    enum status (*holds)(struct stage_hold *hold, struct error *error);
    void (*release)(struct stage_hold *hold); /* NULL is fine */

    /* Claims the store for a holder of coordination (connect/lock.h): when it returns, no
     * transaction of an older holder can commit any more, and each later one of this handle, reads
     * included, checks that no newer holder has claimed it. An older one is refused with
     * fence_refused, which is not retriable. Lasts for the handle; `fence` is copied. NULL: the
     * store cannot be shared, and coordination over it is refused. */
    enum status (*fence)(struct stage *stage, const struct fence *fence, struct error *error);

    /* State of a source ("PIPELINE.SOURCE"), made with epoch 1 if it does not exist. Text lives in
     * the arena. */
    enum status (*source_load)(struct stage *stage,
                               const char *source,
                               struct arena *arena,
                               struct stage_source *ret_source,
                               struct error *error);

    /* Writes a page in one transaction. A row whose key stands there with the same hash is
     * `unchanged` and makes no change; a delete of an absent key too. Others are accepted: the row
     * is upserted or removed and a change with the next position goes to the outbox. On an error
     * nothing is written. */
    enum status (*page_commit)(struct stage *stage,
                               const char *source,
                               const struct stage_page *page,
                               struct stage_result *ret_result,
                               struct error *error);

    /* Changes with a position behind `after`, in order; fewer or none if there are no more. */
    enum status (*changes_read)(struct stage *stage,
                                const char *source,
                                int64_t after,
                                size_t count_max,
                                size_t bytes_max,
                                struct arena *arena,
                                struct stage_change **ret_changes,
                                size_t *ret_count,
                                struct error *error);

    /* Everything up to `position` is durable in the log: it may go from the outbox. */
    enum status (*changes_confirm)(struct stage *stage,
                                   const char *source,
                                   int64_t position,
                                   struct error *error);

    /* The confirmed position: at start, capture goes on behind it. */
    enum status (*changes_confirmed)(struct stage *stage,
                                     const char *source,
                                     int64_t *ret_position,
                                     struct error *error);

    /* The row with that key as it stands, as JSON; empty if there is none. */
    enum status (*row_find)(struct stage *stage,
                            const char *source,
                            struct slice key,
                            struct arena *arena,
                            struct slice *ret_json,
                            struct error *error);

    /* Rows behind the key `after` (empty: from the first) in an order of the store's own, with
     * `key` and `json` set; none if there are no more. A key may be written as the store does, so
     * it is for the next `after` only. About `bytes_max` of JSON. */
    enum status (*rows_after)(struct stage *stage,
                              const char *source,
                              struct slice after,
                              size_t count_max,
                              size_t bytes_max,
                              struct arena *arena,
                              struct stage_row **ret_rows,
                              size_t *ret_count,
                              struct error *error);

    enum status (*dead_list)(struct stage *stage,
                             const struct dead_filter *filter,
                             dead_visit visit,
                             void *context,
                             struct error *error);

    /* A retry that passes: the row is written as a page of one, the letter goes and the count moves
     * from dead to accepted (or unchanged), in one transaction. `row` NULL: the letter stays and
     * its retries are counted up, with the new reason. */
    enum status (*dead_resolve)(struct stage *stage,
                                const char *source,
                                int64_t id,
                                const struct stage_row *row,
                                const char *message,
                                int64_t now_us,
                                struct stage_result *ret_result,
                                struct error *error);

    /* Dead letters older than `before_us` go; returns how many. Their count stays. */
    enum status (*dead_expire)(struct stage *stage,
                               int64_t before_us,
                               int64_t *ret_removed,
                               struct error *error);

    /* Visits each source that has state, for status and audit. */
    enum status (*sources_list)(struct stage *stage,
                                enum status (*visit)(void *context,
                                                     const char *source,
                                                     const struct stage_source *state,
                                                     struct error *error),
                                void *context,
                                struct error *error);
};

/* Opens a handle and, with `fence` not NULL, claims the store with it. */
MUST_USE enum status stage_open_fenced(const struct stage_ops *ops,
                                       const char *url,
                                       const struct fence *fence,
                                       struct stage **ret_stage,
                                       struct error *error);
