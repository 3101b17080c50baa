#pragma once

/*
 * Tables in one SQLite file (`tables.db`, and the state of a task): see connect/store.h for what
 * each function promises. The `url` is a path. A commit is one transaction.
 */

#include "connect/store.h"

extern const struct store_ops sqlite_store_ops;
