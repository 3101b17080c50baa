#pragma once

/*
 * The contract of a sink's store: tables that take upserts and deletes by key and version, and that
 * keep, in the same transaction where the engine can, how far the task that writes them has come.
 *
 * A handle is used by one thread at a time.
 */

#include "base/arena.h"
#include "base/error.h"
#include "columnar/column.h"
#include "connect/dead_letter.h"
#include "connect/lock.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Semantics that a column type alone does not carry. */
enum store_semantic {
    STORE_PLAIN,
    STORE_UUID, /* the column is BINARY with 16 bytes a value; shown as text */
};

struct store_column {
    const char *name;
    const struct type *type;
    enum store_semantic semantic;
};

struct store_table {
    const char *name; /* as the file gives it, "spark_streams.created_users" */
    const struct store_column *columns;
    uint32_t column_count;
    const uint32_t *key; /* indices of key columns: partition columns, then clustering ones */
    uint32_t key_count;
    uint32_t partition_count;   /* of key: how many form the partition key */
    const bool *key_descending; /* one a key column */
    int64_t ttl_us;             /* 0: for ever */
    bool internal; /* a task's own state: one writer, rising versions. Deletes leave no trace and
                      tables_list leaves it out */
};

enum store_op {
    STORE_UPSERT,
    STORE_DELETE
};

/* Rows for one table. Of two rows with one key, in the batch or the store, the one with the higher
 * version stays; a delete with version v removes rows below v. */
struct store_write {
    const struct store_table *table;
    const struct batch *batch; /* columns in the order of the table's */
    const uint8_t *ops;      /* enum store_op a row; NULL: all upserts. Deletes use the key only */
    const int64_t *versions; /* one a row, µs */
};

/* Progress of a task, opaque to the store. `number` rises with every commit. */
struct store_progress {
    const char *task;
    int64_t number;
    struct slice bytes;
};

/* A row that a store refuses for what the row holds: a value that a column made by others cannot
 * take, a constraint, a size. Another time, and in any company, it would be refused again. */
struct store_refused {
    size_t write; /* index into the commit's writes */
    int64_t row;
    const char *message; /* names the column where that is known */
};

struct store_refusals {
    struct arena *arena; /* of the caller; of the rows and the messages */
    struct store_refused *rows;
    size_t count, capacity;
};

/* Adds a row, with the message of `error`. */
void store_refuse(struct store_refusals *refusals,
                  size_t write,
                  int64_t row,
                  const struct error *error);

struct store_commit {
    const struct store_write *writes;
    size_t write_count;
    const struct store_progress *progress; /* NULL: none */
    const struct dead_letter *dead;
    size_t dead_count;
    const int64_t *dead_resolved; /* ids of letters that this commit settles */
    size_t dead_resolved_count;
    struct store_refusals *refused; /* empty; NULL: a refused row is a failure as any other */
};

enum store_compare {
    STORE_EQUAL,
    STORE_LESS,
    STORE_LESS_EQUAL,
    STORE_GREATER,
    STORE_GREATER_EQUAL,
};

/* What a reader wants of a column. Rows that are not so may come all the same. */
struct store_bound {
    const char *column;
    enum store_compare compare;
    const struct column *const *values; /* of one value each, not null; EQUAL: any of them */
    uint32_t value_count;
};

struct store_ops {
    const char *name;     /* "sqlite", "postgresql", "cassandra" */
    bool atomic;          /* rows, progress and dead letters of a commit are one transaction */
    int64_t timestamp_us; /* the unit that timestamps are kept in, rounded down; 0: 1 µs */

    /* Text and bytes of a row's key may have so many together; 0: any. Rows with more are not given
     * to the store: they are dead letters. */
    size_t key_bytes_max;

    enum status (*open)(const char *url,
                        bool read_only,
                        struct store **ret_store,
                        struct error *error);
    void (*close)(struct store *store);

    /* As in connect/stage.h: table_ensure, commit and dead_update of this handle are refused once a
     * newer holder has claimed the store. A store whose rows carry versions and that has no
     * transactions may do without (docs/decisions/0012): NULL then, and for stores that cannot be
     * shared. */
    enum status (*fence)(struct store *store, const struct fence *fence, struct error *error);

    bool local; /* lies on this machine: a stand-by elsewhere would not find it */

    /* Names of the states of tasks ("PIPELINE.TOPIC") that are kept beside `url`, in the arena:
     * each is a store of its own. NULL where they are files. */
    enum status (*states_list)(const char *url,
                               struct arena *arena,
                               const char ***ret_names,
                               size_t *ret_count,
                               struct error *error);

    /* Makes the table, or adds columns that are new. Any other difference is STATUS_CONFLICT saying
     * which column and what to do. */
    enum status (*table_ensure)(struct store *store,
                                const struct store_table *table,
                                struct error *error);

    /* All of it or, on an error, nothing that progress would not make again. STATUS_DATA with rows
     * in `refused`: those are all that the store refuses of these writes; progress and letters are
     * as before, and the same commit without these rows is what to ask for next. */
    enum status (*commit)(struct store *store,
                          const struct store_commit *commit,
                          struct error *error);

    /* STATUS_NOT_FOUND at first. Bytes in the arena. */
    enum status (*progress_load)(struct store *store,
                                 const char *task,
                                 struct arena *arena,
                                 struct store_progress *ret_progress,
                                 struct error *error);

    enum status (*progress_list)(struct store *store,
                                 enum status (*visit)(void *context,
                                                      const struct store_progress *progress,
                                                      struct error *error),
                                 void *context,
                                 struct error *error);

    enum status (*dead_list)(struct store *store,
                             const struct dead_filter *filter,
                             dead_visit visit,
                             void *context,
                             struct error *error);

    /* A retry failed again: count it and keep the new reason. */
    enum status (*dead_update)(struct store *store,
                               int64_t id,
                               const char *message,
                               struct error *error);

    enum status (*dead_expire)(struct store *store,
                               int64_t before_us,
                               int64_t *ret_removed,
                               struct error *error);

    /* Names of tables, leat's own left out; and one table's columns and key. In the arena. */
    enum status (*tables_list)(struct store *store,
                               struct arena *arena,
                               const char ***ret_names,
                               size_t *ret_count,
                               struct error *error);
    enum status (*table_describe)(struct store *store,
                                  const char *name,
                                  struct arena *arena,
                                  struct store_table *ret_table,
                                  struct error *error);

    /* Reads a table in batches of wanted columns (NULL: all); UUIDs come as text. Stops at the
     * first failure of `visit`. */
    enum status (*scan)(struct store *store,
                        const char *table,
                        const char *const *columns,
                        size_t column_count,
                        struct arena *arena, /* reset by nobody: visit may copy and reset */
                        enum status (*visit)(void *context,
                                             const struct batch *batch,
                                             struct error *error),
                        void *context,
                        struct error *error);

    /* A scan that may leave out rows that are outside of the bounds. NULL: the engine reads all. */
    enum status (*scan_where)(struct store *store,
                              const char *table,
                              const char *const *columns,
                              size_t column_count,
                              const struct store_bound *bounds,
                              size_t bound_count,
                              struct arena *arena,
                              enum status (*visit)(void *context,
                                                   const struct batch *batch,
                                                   struct error *error),
                              void *context,
                              struct error *error);

    /* Rows past their time to live go; returns how many. NULL where the engine does it. */
    enum status (*expire)(struct store *store,
                          int64_t now_us,
                          int64_t *ret_removed,
                          struct error *error);
};

/* Opens a handle for writing and, with `fence` not NULL, claims the store where it has fences. */
MUST_USE enum status store_open_fenced(const struct store_ops *ops,
                                       const char *url,
                                       const struct fence *fence,
                                       struct store **ret_store,
                                       struct error *error);
