#pragma once

/*
 * The schema that holds leat's own tables: made once, by whoever comes first. Staging and store may
 * share one. Beside theirs it has
 *
 *     leat_format    what is in here, and in which version
 *     leat_handles   a row a writing handle: the number of its newest transaction (connection.h)
 *     leat_fences    the newest holder of coordination of each pipeline
 */

#include "connectors/postgres/connection.h"

/* The version of `kind` ("staging", "store") that is there; 0: none. */
MUST_USE enum status
pg_schema_version(struct pg *pg, const char *kind, int64_t *ret_version, struct error *error);

/* Makes what is missing: the schema, and `statements` (NULL at the end), which must bear being run
 * twice. STATUS_CONFIG if a newer leat made it. */
MUST_USE enum status pg_schema_make(struct pg *pg,
                                    const char *kind,
                                    int64_t version,
                                    const char *const *statements,
                                    struct error *error);
