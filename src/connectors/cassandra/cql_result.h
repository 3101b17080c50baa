#pragma once

/* RESULT messages: rows with their columns, and what PREPARE gives. */

#include "connectors/cassandra/cql_type.h"

enum cql_result_kind {
    CQL_RESULT_VOID = 1,
    CQL_RESULT_ROWS = 2,
    CQL_RESULT_SET_KEYSPACE = 3,
    CQL_RESULT_PREPARED = 4,
    CQL_RESULT_SCHEMA_CHANGE = 5,
};

struct cql_column {
    const char *name;
    const struct cql_type *type;
};

struct cql_metadata {
    struct cql_column *columns; /* NULL if the server left them out */
    uint32_t column_count;
    struct slice paging_state; /* data NULL: this was the last page */
};

/* Rows that are read one after the other from `cells`. */
struct cql_rows {
    struct cql_metadata metadata;
    uint32_t count;
    struct cql_reader cells; /* [bytes] in the order of rows and columns */
};

struct cql_prepared {
    struct slice id;
    struct slice result_id; /* v5 */
    struct cql_metadata bound;
    const uint16_t *key; /* indices of bound values that form the partition key, in its order */
    uint32_t key_count;
    struct cql_metadata result;
};

/* The kind of a RESULT's body, 0 if it is cut short. */
int32_t cql_result_kind(struct slice body);

/* The body of a RESULT of kind ROWS, and of PREPARED. Names, types and ids go into the arena; cells
 * stay in the body. STATUS_PROTOCOL if it is something else. */
MUST_USE enum status cql_rows_read(struct slice body,
                                   struct arena *arena,
                                   struct cql_rows *ret_rows,
                                   struct error *error);
MUST_USE enum status cql_prepared_read(struct slice body,
                                       uint8_t version,
                                       struct arena *arena,
                                       struct cql_prepared *ret_prepared,
                                       struct error *error);

/* A small result as a table of cells, all in the arena: for what leat asks about the cluster. */
struct cql_table {
    struct cql_metadata metadata;
    uint32_t row_count;
    const struct slice *cells; /* row after row; data NULL: null */
};

MUST_USE enum status cql_table_read(struct slice body,
                                    struct arena *arena,
                                    struct cql_table *ret_table,
                                    struct error *error);

/* A cell by the name of its column; null if there is no such column. */
struct slice cql_table_cell(const struct cql_table *table, uint32_t row, const char *column);
