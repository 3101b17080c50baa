#pragma once

/*
 * The contract of a source: it gives pages of raw records from a cursor onward. It keeps nothing;
 * the cursor it hands out with a page is stored by staging in the page's own transaction.
 *
 * One thread a source instance. `fetch` may block (network), and returns early with
 * STATUS_CANCELLED once `cancelled` is set.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/settings.h"
#include "codec/json.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One record of a page: a value of the page's document, or text that could not be read. */
struct source_record {
    uint32_t value;    /* tape index in the page's document; UINT32_MAX: see `raw` and `fault` */
    struct slice raw;  /* its bytes as they came */
    const char *fault; /* why it is no record ("unexpected end of line"); NULL if fine */
    uint32_t place;    /* index within the page, for "results[17]" or a line number */
    bool deleted;      /* the source says that this key is gone */
};

struct source_page {
    const struct json_document *document; /* all values are in here */
    const struct source_record *records;
    size_t count;
    const char *place;  /* "page 3", "users.jsonl" */
    const char *cursor; /* where to go on after this page is stored; NULL: unchanged */
    bool end;           /* nothing more now: an empty page, the last file, 304 */
    int64_t requests;   /* answered requests it took */
};

struct source;

struct source_staged_row {
    struct slice key, json;
};

/* What staging has of the source, for one whose changes do not tell all: a column that was left
 * out, a table that was emptied. It is as of the last committed page. */
struct source_staged {
    void *context;

    /* The key of a record, as JSON text, by the pipeline's `key`. STATUS_DATA if it has none. */
    enum status (*key)(void *context,
                       struct slice json,
                       struct arena *arena,
                       struct slice *ret_key,
                       struct error *error);

    /* The row with that key; `ret_json` is empty if there is none. */
    enum status (*row)(void *context,
                       struct slice key,
                       struct arena *arena,
                       struct slice *ret_json,
                       struct error *error);

    /* Rows behind the key `after` (empty: from the first), in an order of the store's own; none if
     * there are no more. About `bytes_max` of JSON. */
    enum status (*rows)(void *context,
                        struct slice after,
                        size_t count_max,
                        size_t bytes_max,
                        struct arena *arena,
                        struct source_staged_row **ret_rows,
                        size_t *ret_count,
                        struct error *error);
};

struct source_request {
    const char *cursor;     /* from staging; NULL at the very first time */
    int64_t from_us, to_us; /* interval to ingest (`leat ingest --from --to`), or 0 and 0 */
    atomic_bool *cancelled;
    const struct source_staged *staged; /* NULL: not there (tests) */
};

struct source_ops {
    const char *name; /* "http", "file": the key under the source in the pipeline file */
    const struct settings_table *settings;

    /* The next page may be fetched, by another thread, while a page is being staged: a call needs
     * nothing but its cursor (not `staged`, which is NULL then), and a page's memory stays until
     * the call after the next one. Such a source has no `schema`. */
    bool reads_ahead;

    /* `settings` is the struct that the table describes; `name` is "PIPELINE.SOURCE". */
    enum status (*open)(const void *settings,
                        const char *name,
                        struct source **ret_source,
                        struct error *error);

    /* The next page. Memory of the page: the arena's, and the source's until the next call. An
     * unusable answer (5xx, 429, HTML, cut JSON, fewer than announced) is an error with `retriable`
     * set: never a page, never a dead letter. `ret_retry_after_us` is -1 unless the peer said when
     * to come back. */
    enum status (*fetch)(struct source *source,
                         const struct source_request *request,
                         struct arena *arena,
                         struct source_page *ret_page,
                         int64_t *ret_retry_after_us,
                         struct error *error);

    /* Blocks until there may be something new (a file changed), at most `timeout_us`. True if there
     * may be. NULL: only the schedule says when. */
    bool (*wait)(struct source *source, int64_t timeout_us);

    void (*close)(struct source *source);

    /* For status pages and `leat doctor`: what is fetched, secrets left out. */
    const char *(*describe)(const struct source *source);

    /* The Avro schema of the records up to those of the last page, where the source knows it: then
     * nothing is inferred from them. It may grow from page to page. Borrowed until the next call.
     * NULL, or a NULL answer: it does not know. */
    const char *(*schema)(struct source *source);

    /* For `leat doctor`: would it work? Changes nothing, there or here; `ret_found` is one line.
     * NULL: a fetch without a cursor changes nothing and tells as much. */
    enum status (*check)(struct source *source,
                         struct arena *arena,
                         const char **ret_found,
                         struct error *error);
};
