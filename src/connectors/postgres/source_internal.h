#pragma once

/* What the files of the `postgres` source share. */

#include "base/settings.h"
#include "connect/source.h"
#include "connectors/postgres/pgoutput.h"
#include "connectors/postgres/replication.h"
#include "connectors/postgres/source_catalog.h"

struct postgres_settings {
    const char *url;
    struct setting_strings tables;
    const char *publication; /* NULL: by the source's name */
    const char *slot;        /* NULL: by the source's name */
    int snapshot;            /* enum snapshot_mode */
    int numeric;             /* 0 text, 1 decimal */
    struct setting_strings metadata;
    int64_t page_records;
    int64_t page_bytes;
};

enum snapshot_mode {
    SNAPSHOT_INITIAL,
    SNAPSHOT_NEVER,
    SNAPSHOT_WHEN_LOST, /* and again whenever the stream cannot go on */
};

/* ---- the place ---------------------------------------------------------------------------------
 *
 * How far the source is, as a cursor:
 *
 *     {"slot":"s","system":"7311","timeline":1,"lsn":"0/16B3748",
 *      "tables":{"public.users":16385},
 *      "commit":"0/16B4000","seq":4711,                 within a transaction
 *      "todo":["public.users"],"after":["17"],          tables whose rows are still to be read
 *      "sweep":["public.users"]}                        tables whose unseen rows are to be removed
 */
struct place_table {
    const char *full;
    uint32_t oid;
};

struct place {
    const char *slot;
    const char *system;
    int32_t timeline;
    uint64_t lsn;               /* all that was committed before is staged, but for `todo` */
    uint64_t commit;            /* of the transaction that is staged in part; 0: none */
    uint64_t seq;               /* its changes up to this one are staged */
    struct place_table *tables; /* whose rows are known, or being read */
    size_t table_count;
    const char **todo;
    size_t todo_count;
    const char **after; /* the key of the last row read of todo[0], in text */
    size_t after_count;
    const char **sweep;
    size_t sweep_count;
};

MUST_USE enum status
place_read(const char *cursor, struct arena *arena, struct place *ret_place, struct error *error);
const char *place_write(const struct place *place, struct arena *arena);
/* NULL if the name is not there. */
const struct place_table *place_table(const struct place *place, const char *full);

/* ---- a page under way -------------------------------------------------------------------------
 */

struct page_record {
    size_t start, end; /* in `text` */
    bool deleted;
    const char *fault; /* in the page's arena; NULL: fine */
};

struct page_builder {
    struct buffer text;
    struct page_record *records;
    size_t count, capacity;
    size_t bytes_max, count_max;
    const struct source_staged *staged;
    struct arena *arena; /* of the page */
    struct map newest;   /* key -> record + 1, of this page; made when first needed */
    bool newest_made;
    struct json_document *document;
};

void page_begin(struct page_builder *page, struct arena *arena, const struct source_staged *staged);
void page_deinit(struct page_builder *page);
bool page_is_full(const struct page_builder *page);

/* A record is written to page->text between these two. */
void page_record_begin(struct page_builder *page);
void page_record_end(struct page_builder *page, bool deleted, const char *fault);

/* The newest row with that key, in this page or staged; empty: there is none. */
MUST_USE enum status page_previous(struct page_builder *page,
                                   struct slice key,
                                   struct slice *ret_json,
                                   struct error *error);

/* All records as a page; they borrow the builder's memory. */
MUST_USE enum status
page_finish(struct page_builder *page, struct source_page *ret_page, struct error *error);

/* ---- rows as records ---------------------------------------------------------------------------
 */

struct shape_column {
    const char *name;
    struct value_type type;
    bool key;
};

/* How rows of a table are written. */
struct shape {
    uint32_t oid;
    const char *table; /* "schema.name" */
    bool wanted;
    char identity;
    size_t column_count;
    struct shape_column *columns;
};

/* What belongs to the change, not to the row. */
struct shape_context {
    bool with_table, with_lsn, with_committed_at;
    uint64_t lsn;
    int64_t committed_us; /* 0: a row of the snapshot */
};

/* Appends a record of the cells that are there. With `keys_only` just the columns of the identity.
 * `ret_missing` (may be NULL) gets how many cells were UNCHANGED and are left out. NULL, or why a
 * value cannot be written, in the arena. */
const char *shape_append(const struct shape *shape,
                         const struct shape_context *context,
                         const struct pgoutput_tuple *tuple,
                         bool keys_only,
                         struct arena *arena,
                         struct buffer *target,
                         size_t *ret_missing);

/* The Avro schema of the records: all columns of all tables, each of which may be null. */
struct schema_builder {
    struct arena arena;
    struct map columns; /* name -> struct schema_column, in the order of their first sight */
    char *text;         /* NULL: to be made anew */
};

void schema_builder_init(struct schema_builder *schema);
void schema_builder_deinit(struct schema_builder *schema);
void schema_builder_clear(struct schema_builder *schema);

/* STATUS_CONFIG if another table has a column of that name and another type. */
MUST_USE enum status schema_builder_add(struct schema_builder *schema,
                                        const char *table,
                                        const char *column,
                                        const struct value_type *type,
                                        struct error *error);
const char *schema_builder_text(struct schema_builder *schema,
                                const char *name,
                                const struct shape_context *context);

/* ---- the rows there are ------------------------------------------------------------------------
 */

struct snapshot;

/* Begins reading in the snapshot `exported`, or in one as of now if that is NULL. */
MUST_USE enum status snapshot_open(const char *url,
                                   const char *shown,
                                   const char *exported,
                                   struct snapshot **ret_snapshot,
                                   struct error *error);
void snapshot_close(struct snapshot *snapshot); /* NULL is fine */

/* Begins a table behind the row with the key `after`. */
MUST_USE enum status snapshot_table(struct snapshot *snapshot,
                                    const struct catalog_table *table,
                                    const char *const *after,
                                    size_t after_count,
                                    struct error *error);

/* The next row; `ret_tuple->cells` NULL: there are no more. Valid until the next call. */
MUST_USE enum status snapshot_row(struct snapshot *snapshot,
                                  const atomic_bool *cancelled,
                                  struct pgoutput_tuple *ret_tuple,
                                  struct error *error);

/* Which rows are still there: `keys` holds order_count texts a row. */
MUST_USE enum status snapshot_look(struct snapshot *snapshot,
                                   const struct catalog_table *table,
                                   const char *const *keys,
                                   size_t row_count,
                                   bool *ret_there,
                                   struct error *error);

/* ---- the source --------------------------------------------------------------------------------
 */

struct source {
    const struct postgres_settings *settings;
    char *name; /* "PIPELINE.SOURCE" */
    char *shown;
    char *url;
    char *slot;
    char *publication;
    char *description;
    struct shape_context shape_context;

    struct catalog *catalog;
    struct replication *replication;
    bool streaming; /* replication is past START_REPLICATION */
    struct snapshot *snapshot;

    /* One run: from a cursor that staging had, as long as nothing fails. */
    struct arena run_arena;
    struct catalog_table *tables;
    size_t table_count;
    struct place place;  /* after the page handed out last, then of the page under way */
    char *handed;        /* the cursor of that page, as text; NULL: no run */
    uint64_t handed_lsn; /* place.lsn of it */
    int64_t handed_us;
    uint64_t stored; /* the same of the cursor that staging is known to have */
    bool is_new;     /* the run began with a slot of its own */
    bool lost;       /* the publication was missing: what came in between is lost */
    bool reading;    /* snapshot is in the middle of place.todo[0] */

    /* The stream. */
    struct pgoutput_relations relations;
    struct map shapes; /* by oid: struct shape */
    struct arena message_arena;
    struct replication_input input;
    bool input_pending; /* `input` is still to be dealt with */
    bool in_transaction;
    bool skip_transaction; /* it is staged already */
    uint64_t transaction_lsn;
    uint64_t skip_seq;
    uint64_t target; /* fetch is at the end once place.lsn is there; 0: not asked yet */

    /* A truncate or a sweep under way: how far it is through what staging has. */
    size_t truncated_index; /* of the truncate's tables */
    struct slice staged_after;
    struct arena staged_arena;

    struct schema_builder schema;
    struct page_builder page;
    struct json_document document;
};

/* Begins a run at the request's cursor, which may be NULL. */
enum status
source_run_begin(struct source *source, const struct source_request *request, struct error *error);
void source_run_end(struct source *source);

/* The stream cannot go on from where staging is, for the reason that `error` has: what to do. */
enum status source_lost(struct error *error);

/* Fills the page with rows of tables in place.todo. */
enum status source_read_tables(struct source *source,
                               const struct source_request *request,
                               struct error *error);

/* Fills the page with deletes of staged rows that tables in place.sweep no longer have. */
MUST_USE enum status source_sweep(struct source *source, struct error *error);

/* Is it a row of that table? */
bool source_row_belongs(struct source *source,
                        struct json_document *document,
                        struct slice json,
                        const char *table);

/* Fills the page with changes. `*ret_end`: there are no more now. */
enum status source_read_stream(struct source *source,
                               const struct source_request *request,
                               bool *ret_end,
                               struct error *error);
void source_stream_clear(struct source *source);

/* What the stream says of a table, and what is known of it when a change comes. */
void source_relations_clear(struct source *source);
MUST_USE enum status source_take_relation(struct source *source,
                                          const struct pgoutput_relation *described,
                                          struct error *error);
MUST_USE enum status source_shape_of(const struct source *source,
                                     uint32_t oid,
                                     const struct shape **ret_shape,
                                     struct error *error);

void source_take_keepalive(struct source *source);
