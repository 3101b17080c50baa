#pragma once

/*
 * What `leat query` can name in FROM: the tables of a data directory and the topics of its log, as
 * a catalog for the SQL compiler and a source of rows for sql/batch_run.h.
 *
 * A topic has the columns of its newest registered schema and the metadata columns; one without a
 * schema has the column `value`, as text. It is read up to where it ended when the query began.
 * Records that cannot be decoded, and deletes, are left out and counted.
 */

#include "app/workspace.h"
#include "sql/batch_run.h"
#include "sql/query.h"

struct query_catalog;

/* Borrows the workspace until it is freed. */
MUST_USE enum status query_catalog_new(struct workspace *workspace,
                                       struct query_catalog **ret_catalog,
                                       struct error *error);
void query_catalog_free(struct query_catalog *catalog); /* NULL is fine */

struct sql_catalog query_catalog_names(struct query_catalog *catalog);
struct batch_source query_catalog_source(struct query_catalog *catalog);

/* Relations that a query can read, for people. */
struct query_relation {
    const char *name;
    const char *kind; /* "table", "topic" */
    const struct type *type;
};

MUST_USE enum status query_catalog_list(struct query_catalog *catalog,
                                        struct arena *arena,
                                        const struct query_relation **ret_relations,
                                        size_t *ret_count,
                                        struct error *error);

/* Why a name could not be looked up while a query was compiled; NULL if that did not happen. */
const struct error *query_catalog_failure(const struct query_catalog *catalog);

struct query_skipped {
    int64_t deletes;
    int64_t undecodable;
    char first[512]; /* why the first one could not be decoded */
};

const struct query_skipped *query_catalog_skipped(const struct query_catalog *catalog);
