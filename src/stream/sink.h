#pragma once

/*
 * Rows of a query to rows of a sink's table: the table follows from the query's columns, and values
 * become what the table wants (a uuid's text becomes 16 bytes). A value that cannot is a failure of
 * its row.
 */

#include "connect/processor.h"
#include "connect/store.h"
#include "sql/query.h"
#include "stream/run.h"

struct sink_table_spec {
    const char *table;
    const char *const *partition_key; /* names of columns */
    size_t partition_key_count;
    const char *const *cluster_key; /* "minute" or "minute desc" */
    size_t cluster_key_count;
    const char *const *type_names; /* column, type, column, type, ...: "id", "uuid" */
    size_t type_name_count;        /* pairs */
    int64_t ttl_us;
    bool mark_deletes; /* one more column, _deleted_at */
};

/* The table of a sink over a query. STATUS_CONFIG naming the column (and the nearest one) if the
 * spec does not fit. Memory of the arena. */
MUST_USE enum status sink_table_make(const struct query *query,
                                     const struct sink_table_spec *spec,
                                     struct arena *arena,
                                     const struct store_table **ret_table,
                                     struct error *error);

/* How the key of a sink is found in the key of a topic, for deletes. */
struct sink_key {
    bool derived;     /* false: it does not follow from the topic's key */
    const int *parts; /* for each key column: index into the topic's key parts */
    size_t topic_part_count;
};

MUST_USE enum status sink_key_derive(const struct query *query,
                                     const struct store_table *table,
                                     const char *const *key_paths,
                                     size_t key_path_count,
                                     struct arena *arena,
                                     struct sink_key *ret_key,
                                     struct error *error);

/* Converts rows to the table's columns; rows that cannot be stored, such as those with a key that
 * the store cannot take, are left out, each with an entry in run->failures. */
void sink_convert(struct run *run,
                  const struct store_ops *ops,
                  const struct store_table *table,
                  struct rows *rows);

/* A batch of one row a record, holding the table's key columns made from the records' keys; others
 * are null. Records whose key does not fit are left out (`ret_used` says which are in). */
const struct batch *sink_delete_rows(const struct store_table *table,
                                     const struct sink_key *key,
                                     const struct log_in *records,
                                     const size_t *deletes,
                                     size_t count,
                                     struct arena *arena,
                                     size_t **ret_used);
