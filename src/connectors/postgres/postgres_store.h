#pragma once

/*
 * Tables in PostgreSQL: see connect/store.h for what each function promises, and pg_place.h for the
 * URL. "space.table" is the table of that name in that schema, which is made if it is missing; a
 * name without a dot is a table in leat's own schema. A commit is one transaction.
 */

#include "connect/store.h"

extern const struct store_ops postgres_store_ops;
