#pragma once

/* What the files of the catalog share: statements with text parameters. */

#include "base/map.h"
#include "connectors/postgres/source_catalog.h"

struct catalog {
    PGconn *connection;
    char *shown;
    bool decimals;
    struct map types; /* by oid and modifier: struct value_type */
};

/* Runs a statement with `count` text parameters and gives its rows. */
MUST_USE enum status catalog_query(struct catalog *catalog,
                                   const char *sql,
                                   const char *const *parameters,
                                   int count,
                                   PGresult **ret_result,
                                   struct error *error);

static inline const char *catalog_text(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column); /* "" for NULL */
}

static inline bool catalog_true(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

void result_free(PGresult **result); /* for CLEANUP */
