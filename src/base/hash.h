#pragma once

/* Fast hashes for tables and content comparison (XXH3). Not for secrets. */

#include "base/slice.h"

#include <stdint.h>

uint64_t hash64(struct slice bytes);

/* 16 bytes that two different contents share with odds of about 2^-128. */
void hash128(struct slice bytes, uint8_t ret_hash[16]);
