#pragma once

/*
 * A record that a hop refused: why, where, and its raw bytes. Each hop keeps its dead letters in
 * its own store, in the transaction that also counts them. `leat dead` unites them.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "connect/identity.h"

enum dead_hop {
    DEAD_SOURCE,  /* refused before acceptance: never counted as accepted */
    DEAD_PROCESS, /* decoding or a query failed */
    DEAD_SINK,    /* a row cannot be stored as the table wants it */
};

const char *dead_hop_name(enum dead_hop hop); /* "source", "process", "sink" */

/* Short words that do not change, for filters and metrics: "malformed", "missing-key",
 * "missing-field", "new-field", "type-change", "too-large", "decode", "cast", "overflow",
 * "expression", "key", "type", "store". */
struct dead_letter {
    int64_t id; /* within its store; 0 when not stored yet */
    enum dead_hop hop;
    const char *pipeline;
    const char *name; /* of the source, stream or sink that refused */
    const char *reason;
    const char *message; /* one sentence, with the value and the column */
    const char *place;   /* "page 3, results[17]", "users_created/2@4711" */
    struct slice raw;    /* the record as it came: JSON text, or the log's value bytes */
    struct slice key;
    int32_t schema_id; /* of raw, 0 if none */
    struct identity identity;
    const char *topic; /* process and sink: where the record lies */
    int32_t partition;
    int64_t offset;
    int64_t version; /* given when it died; it loses to newer rows on retry */
    int64_t at_us;
    int32_t retries;
};

struct dead_filter {
    int64_t id; /* 0: any */
    const char *name;
    const char *reason;
    int64_t after_id;
    int64_t limit; /* 0: 100 */
};

typedef enum status (*dead_visit)(void *context,
                                  const struct dead_letter *letter,
                                  struct error *error);
