#pragma once

/*
 * The layout of tables.db. Each table of a sink is a plain table with a last column
 * `leat_version` and a unique index over its key (a rowid table with an index takes random keys
 * three times as fast as WITHOUT ROWID). Beside them:
 *
 *     leat_tables, leat_columns   the exact types, keys and times to live
 *     leat_gone_<id>              versions of deleted keys of table <id>, so that an older retry
 *                                 does not bring a row back
 *     leat_progress               how far each task has come
 *     leat_dead                   refused records and rows
 *
 * How values stand in SQLite: integers, dates (days), timestamps and intervals (µs) as INTEGER,
 * floating point as REAL (NaN as the text 'NaN', since SQLite takes it for null), decimals as TEXT
 * with all their digits, uuids as 16-byte BLOBs, nested values as JSON.
 */

#include "base/map.h"
#include "columnar/builder.h"
#include "connect/store.h"
#include "connectors/sqlite/turn.h"
#include "store/sqlite.h"

struct store {
    struct db *db;
    struct turn *turn; /* to write */
    bool read_only;
    bool empty;        /* read-only, of a file without our tables */
    struct map tables; /* name -> struct sink_table */
};

/* What a handle knows of a table that it writes to: statements as text. */
struct sink_table {
    int64_t id;
    bool internal;
    bool has_gone; /* there are, or may be, versions of deleted keys */
    char *upsert;
    char *remove;
    char *gone_select;
    char *gone_upsert;
};

void sink_table_free(struct sink_table *table);

/* The table as it was made. *ret_id 0: there is none. */
enum status store_table_load(struct store *store,
                             const char *name,
                             struct arena *arena,
                             int64_t *ret_id,
                             struct store_table *ret_table,
                             struct error *error);

/* The statements for a table that table_ensure has seen, for columns in the order of `table`. */
enum status store_table_writer(struct store *store,
                               const struct store_table *table,
                               struct sink_table **ret_table,
                               struct error *error);

/* How the column's type stands in CREATE TABLE: chosen so that SQLite never converts a value. */
void store_declared_type(const struct store_column *column, struct buffer *target);

/* One value into a parameter. What must be written out first goes into the arena. */
void store_bind(struct db_statement *statement,
                int index,
                const struct column *column,
                int64_t row,
                struct arena *arena);

/* One value of a result row into a builder; a uuid becomes text if `uuid_text`. */
enum status store_read(struct db_statement *row,
                       int index,
                       const struct store_column *column,
                       bool uuid_text,
                       struct column_builder *builder,
                       struct arena *arena,
                       struct error *error);

/* Inside a transaction. */
enum status
store_dead_insert(struct store *store, const struct dead_letter *letter, struct error *error);
enum status store_dead_remove(struct store *store, int64_t id, struct error *error);

/* Functions of the table of ops. */
enum status
store_table_ensure(struct store *store, const struct store_table *table, struct error *error);
enum status store_tables_list(struct store *store,
                              struct arena *arena,
                              const char ***ret_names,
                              size_t *ret_count,
                              struct error *error);
enum status store_table_describe(struct store *store,
                                 const char *name,
                                 struct arena *arena,
                                 struct store_table *ret_table,
                                 struct error *error);
enum status
store_commit(struct store *store, const struct store_commit *commit, struct error *error);
enum status store_progress_load(struct store *store,
                                const char *task,
                                struct arena *arena,
                                struct store_progress *ret_progress,
                                struct error *error);
enum status store_progress_list(struct store *store,
                                enum status (*visit)(void *context,
                                                     const struct store_progress *progress,
                                                     struct error *error),
                                void *context,
                                struct error *error);
enum status store_dead_list(struct store *store,
                            const struct dead_filter *filter,
                            dead_visit visit,
                            void *context,
                            struct error *error);
enum status
store_dead_update(struct store *store, int64_t id, const char *message, struct error *error);
enum status store_dead_expire(struct store *store,
                              int64_t before_us,
                              int64_t *ret_removed,
                              struct error *error);
enum status
store_scan(struct store *store,
           const char *table,
           const char *const *columns,
           size_t column_count,
           struct arena *arena,
           enum status (*visit)(void *context, const struct batch *batch, struct error *error),
           void *context,
           struct error *error);
enum status
store_expire(struct store *store, int64_t now_us, int64_t *ret_removed, struct error *error);
