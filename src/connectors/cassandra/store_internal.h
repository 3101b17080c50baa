#pragma once

/*
 * What leat keeps in Cassandra. A sink's table is a plain table: its keyspace is what stands before
 * the first dot of its name (the URL's otherwise), and its comment says what CQL cannot, as JSON:
 *
 *     leat {"table": "spark_streams.created_users", "ttl_us": 0, "internal": false,
 *           "columns": [["id", "binary", "uuid"], ["dob", "string", ""]]}
 *
 * that is the exact types and the order of columns. A table without such a comment is read by its
 * CQL types. Beside them, in the URL's keyspace:
 *
 *     leat_progress   task -> number, bytes; written with its number as timestamp: none goes back
 *     leat_dead       refused records and rows, all in one partition, by id
 */

#include "connect/store.h"
#include "connectors/cassandra/cql_session.h"
#include "connectors/cassandra/cql_value.h"

struct store {
    struct arena arena;
    struct cql_settings settings;
    struct cql_session *session;
    bool read_only;
    bool own_tables;      /* leat_progress and leat_dead are there */
    int64_t last_dead_id; /* that this handle gave */
};

/* ---- names and texts (store_names.c) ----------------------------------------------------------*/

struct cass_name {
    const char *keyspace;
    const char *table;
    const char *quoted; /* "keyspace"."table" */
};

/* Cassandra's names are letters, digits and "_", at most 48: others become "_" and two hex digits.
 * STATUS_CONFIG if that is too long. */
MUST_USE enum status cass_name_of(const struct store *store,
                                  const char *name,
                                  struct arena *arena,
                                  struct cass_name *ret_name,
                                  struct error *error);

void cass_append_name(struct buffer *target, const char *name); /* "a ""quoted"" name" */
void cass_append_text(struct buffer *target, const char *text); /* 'it''s' */

/* What a comment says; false if leat did not write it. Columns are as they were when it did. */
bool cass_comment_read(struct slice comment, struct arena *arena, struct store_table *ret_table);
const char *cass_comment_text(const struct store_table *table, struct arena *arena);

/* ---- tables (store_tables.c) ------------------------------------------------------------------*/

/* A table as it is. */
struct cass_table {
    struct cass_name name;
    struct store_table table;
    const char *const *types;            /* of each column, as CQL has it */
    const struct cql_metadata *metadata; /* valid until a statement changes the schema */
    bool by_leat;                        /* its comment says so */
    const char *comment;
};

/* STATUS_NOT_FOUND if there is none. All in the arena. */
MUST_USE enum status cass_table_load(struct store *store,
                                     const char *name,
                                     struct arena *arena,
                                     struct cass_table *ret_table,
                                     struct error *error);

MUST_USE enum status
cass_table_ensure(struct store *store, const struct store_table *table, struct error *error);
MUST_USE enum status cass_tables_list(struct store *store,
                                      struct arena *arena,
                                      const char ***ret_names,
                                      size_t *ret_count,
                                      struct error *error);
MUST_USE enum status cass_table_describe(struct store *store,
                                         const char *name,
                                         struct arena *arena,
                                         struct store_table *ret_table,
                                         struct error *error);

/* ---- rows -------------------------------------------------------------------------------------*/

/* All rows of one of the commit's writes, durable at the consistency of the URL, but for those that
 * are refused. (store_write.c) */
MUST_USE enum status cass_write_rows(struct store *store,
                                     const struct store_commit *commit,
                                     size_t index,
                                     struct error *error);

/* Appends a WHERE of the bounds that Cassandra can use, and its values; returns how many those are.
 * (store_where.c) */
uint16_t cass_where(const struct cass_table *table,
                    const struct store_bound *bounds,
                    size_t bound_count,
                    struct buffer *cql,
                    struct buffer *values);

MUST_USE enum status
cass_scan(struct store *store,
          const char *table,
          const char *const *columns,
          size_t column_count,
          struct arena *arena,
          enum status (*visit)(void *context, const struct batch *batch, struct error *error),
          void *context,
          struct error *error);

MUST_USE enum status
cass_scan_where(struct store *store,
                const char *table,
                const char *const *columns,
                size_t column_count,
                const struct store_bound *bounds,
                size_t bound_count,
                struct arena *arena,
                enum status (*visit)(void *context, const struct batch *batch, struct error *error),
                void *context,
                struct error *error);

/* ---- leat's own tables (store_own.c, store_dead.c) --------------------------------------------*/

/* Makes them, unless they are there. */
MUST_USE enum status cass_own_tables(struct store *store, struct error *error);

/* Whether they are there; reading from tables that are not finds nothing. */
MUST_USE enum status cass_own_there(struct store *store, bool *ret_there, struct error *error);

/* "keyspace"."name" of one of them. */
const char *cass_own_name(const struct store *store, const char *name, struct arena *arena);

MUST_USE enum status
cass_progress_save(struct store *store, const struct store_progress *progress, struct error *error);
MUST_USE enum status cass_progress_load(struct store *store,
                                        const char *task,
                                        struct arena *arena,
                                        struct store_progress *ret_progress,
                                        struct error *error);
MUST_USE enum status cass_progress_list(struct store *store,
                                        enum status (*visit)(void *context,
                                                             const struct store_progress *progress,
                                                             struct error *error),
                                        void *context,
                                        struct error *error);

MUST_USE enum status
cass_dead_insert(struct store *store, const struct dead_letter *letter, struct error *error);
MUST_USE enum status cass_dead_remove(struct store *store, int64_t id, struct error *error);
MUST_USE enum status cass_dead_list(struct store *store,
                                    const struct dead_filter *filter,
                                    dead_visit visit,
                                    void *context,
                                    struct error *error);
MUST_USE enum status
cass_dead_update(struct store *store, int64_t id, const char *message, struct error *error);
MUST_USE enum status
cass_dead_expire(struct store *store, int64_t before_us, int64_t *ret_removed, struct error *error);

/* A big-endian integer as a value, in the arena. */
struct slice cass_int(struct arena *arena, int64_t value, size_t bytes);
int64_t cass_int_of(struct slice bytes); /* of 4 or 8 bytes; 0 for others */
