#pragma once

/* The token of a partition key under Murmur3Partitioner: the first half of MurmurHash3 x64 128 with
 * seed 0, as Cassandra computes it: bytes of the tail are taken with their sign. */

#include "base/slice.h"

#include <stdint.h>

int64_t cql_murmur_token(struct slice key);
