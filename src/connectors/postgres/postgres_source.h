#pragma once

/*
 * Rows of PostgreSQL tables, and then every change of them in the order of commits, by logical
 * replication. See connect/source.h for what the functions promise.
 */

#include "connect/source.h"

extern const struct settings_table postgres_source_settings;
extern const struct source_ops postgres_source_ops;
