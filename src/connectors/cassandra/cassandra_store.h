#pragma once

/*
 * Tables in Apache Cassandra and what speaks its protocol: see connect/store.h for what each
 * function promises, cql_url.h for the URL. Not atomic: the rows of a commit are durable before its
 * progress is, and a repeated commit leaves the same rows, as every value carries the row's version
 * as its timestamp. Timestamps are kept in milliseconds.
 */

#include "connect/store.h"

extern const struct store_ops cassandra_store_ops;
