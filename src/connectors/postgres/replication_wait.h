#pragma once

/* Waiting on a connection that is read piece by piece, so that a stop is seen soon. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Until `fd` can be read or `until_us` (monotonic) has come. False once `cancelled` (may be NULL)
 * is set. */
bool replication_wait(int fd, int64_t until_us, const atomic_bool *cancelled);
