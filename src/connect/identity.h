#pragma once

/*
 * The identity that travels with every record, fixed in staging: which source, which life of that
 * source (epoch), which place in its order. It stands in one record header, named "leat":
 *
 *     SOURCE/EPOCH/POSITION/SEQ/ACCEPTED_US       users.random_users/1/4711/0/1763837823123456
 *
 * A foreign record has none and is known by (topic, partition, offset).
 */

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define IDENTITY_HEADER "leat"

struct identity {
    struct slice source; /* "PIPELINE.SOURCE"; empty: a foreign record */
    int64_t epoch;
    int64_t position; /* rises within an epoch; gaps are no error */
    int32_t seq;      /* within a position, for stores whose position covers several changes */
    int64_t accepted_us;
};

void identity_write(const struct identity *identity, struct buffer *target);

/* False if the text is no identity. `source` borrows from the text. */
bool identity_read(struct slice text, struct identity *ret_identity);

/* By (epoch, position, seq): -1, 0, 1. */
int identity_compare(const struct identity *a, const struct identity *b);
