#pragma once

/*
 * A page of a source as rows for staging: each record gets its key, the hash of its content and its
 * encoded value, or becomes a dead letter. Nothing is stored here.
 */

#include "connect/source.h"
#include "connect/stage.h"
#include "ingest/schema_gate.h"

/* A log refuses larger messages by default (1 MiB with its framing). */
#define RECORD_BYTES_MAX ((size_t) 960 * 1024)

struct row_rules {
    const char *pipeline;
    const char *source;     /* "PIPELINE.SOURCE", for dead letters */
    const char *const *key; /* paths into the record; none: the content's hash is the key */
    size_t key_count;
    const char *const *ignore_changes; /* paths that do not make a record another one */
    size_t ignore_count;
    size_t record_bytes_max;    /* 0: RECORD_BYTES_MAX */
    const char *deleted_field;  /* path of a value that marks a delete; NULL: none */
    const char *deleted_equals; /* the value, as text; NULL: any but null, false, 0 and "" */
};

/* The key of one record, as JSON text. STATUS_DATA if it has none. */
MUST_USE enum status rows_key(const struct row_rules *rules,
                              struct slice json,
                              struct arena *arena,
                              struct slice *ret_key,
                              struct error *error);

struct page_rows {
    struct stage_row *rows;
    size_t count;
    struct dead_letter *dead;
    size_t dead_count;
};

/* Memory in the arena, and the page's. STATUS_DATA never comes out: bad records are dead letters.
 */
MUST_USE enum status rows_make(const struct row_rules *rules,
                               struct schema_gate *gate,
                               const struct source_page *page,
                               int64_t now_us,
                               struct arena *arena,
                               struct page_rows *ret_rows,
                               struct error *error);
