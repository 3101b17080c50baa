#pragma once

/*
 * The layout of storage in PostgreSQL. Each table of a sink is a plain table with a last column
 * `leat_version` and its key as primary key (or as unique index, where the order of a column is
 * descending). Tables that are internal have their key encoded in a column `leat_key` instead, cut
 * with a hash where it is too long for an index. In leat's schema stand beside them:
 *
 *     leat_tables, leat_columns   the exact types, keys and times to live
 *     leat_gone                   versions of deleted keys, so that an older retry does not bring a
 *                                 row back
 *     leat_progress               how far each task has come
 *     leat_dead                   refused records and rows
 */

#include "base/map.h"
#include "connect/store.h"
#include "connectors/postgres/connection.h"

struct store {
    struct pg *pg;
    bool read_only;
    bool empty;        /* read-only, and there is nothing of ours */
    struct map tables; /* name -> struct sink_table */
    char *open_task;   /* whose commit has an open outcome; NULL: none, or not a task's */
    int64_t open_number;
    bool landed; /* it was committed, as is known by now */
};

/* What a handle knows of a table that it writes to. */
struct sink_table {
    int64_t id;
    char *upsert;
    char *remove;
};

void pg_sink_table_free(struct sink_table *table);

/* As pg_begin; notes what became of a commit whose outcome was open. */
enum status pg_store_begin(struct store *store, enum pg_access access, struct error *error);

/* The table as it was made. *ret_id 0: there is none. Inside a transaction. */
enum status pg_store_table_load(struct store *store,
                                const char *name,
                                struct arena *arena,
                                int64_t *ret_id,
                                struct store_table *ret_table,
                                struct error *error);

/* Its place in PostgreSQL, quoted: "space"."table". */
enum status pg_store_table_place(const struct store *store,
                                 const char *name,
                                 struct buffer *target,
                                 struct error *error);

/* The statements for a table that table_ensure has seen, for columns in the order of `table`.
 * Inside a transaction. */
enum status pg_store_table_writer(struct store *store,
                                  const struct store_table *table,
                                  struct sink_table **ret_table,
                                  struct error *error);

/* Inside a transaction: queued. */
enum status pg_store_write_rows(struct store *store,
                                const struct store_write *write,
                                const struct sink_table *writer,
                                struct arena *arena,
                                struct error *error);

/* Locks and rows of a commit's writes, answered; in a transaction. (store_commit.c) */
enum status pg_store_write_all(struct store *store,
                               const struct store_write *writes,
                               size_t write_count,
                               struct arena *arena,
                               struct error *error);

/* Tells which rows of a commit were refused, if it was rows: each part of the writes is tried in a
 * transaction of its own that is taken back. STATUS_DATA if any are, `why` again otherwise.
 * (store_refuse.c) */
enum status
pg_store_find_refused(struct store *store, const struct store_commit *commit, struct error *why);

void pg_store_dead_insert(struct store *store, const struct dead_letter *letter);

/* Functions of the table of ops. */
enum status pg_store_states_list(const char *url,
                                 struct arena *arena,
                                 const char ***ret_names,
                                 size_t *ret_count,
                                 struct error *error);
enum status
pg_store_table_ensure(struct store *store, const struct store_table *table, struct error *error);
enum status pg_store_tables_list(struct store *store,
                                 struct arena *arena,
                                 const char ***ret_names,
                                 size_t *ret_count,
                                 struct error *error);
enum status pg_store_table_describe(struct store *store,
                                    const char *name,
                                    struct arena *arena,
                                    struct store_table *ret_table,
                                    struct error *error);
enum status
pg_store_commit(struct store *store, const struct store_commit *commit, struct error *error);
enum status pg_store_dead_list(struct store *store,
                               const struct dead_filter *filter,
                               dead_visit visit,
                               void *context,
                               struct error *error);
enum status
pg_store_dead_update(struct store *store, int64_t id, const char *message, struct error *error);
enum status pg_store_dead_expire(struct store *store,
                                 int64_t before_us,
                                 int64_t *ret_removed,
                                 struct error *error);
enum status
pg_store_scan(struct store *store,
              const char *table,
              const char *const *columns,
              size_t column_count,
              struct arena *arena,
              enum status (*visit)(void *context, const struct batch *batch, struct error *error),
              void *context,
              struct error *error);
enum status
pg_store_expire(struct store *store, int64_t now_us, int64_t *ret_removed, struct error *error);
