#pragma once

/*
 * The log of a data directory on which nothing runs: its files, read-only. It is a struct log_ops
 * whose address is the directory "log"; what writes, and newest_identities, are refused.
 *
 * A reader ends with STATUS_OK and no records; it does not wait for more.
 */

#include "connect/log_client.h"

extern const struct log_ops file_log_ops;

MUST_USE enum status file_log_topics(struct log_client *log,
                                     struct arena *arena,
                                     const char ***ret_names,
                                     size_t *ret_count,
                                     struct error *error);
