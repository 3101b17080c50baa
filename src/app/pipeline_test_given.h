#pragma once

/* What a pipeline test gives to a topic, as records of its log. Only for pipeline_test.c. */

#include "app/topology.h"
#include "connect/schemas.h"
#include "ingest/rows.h"

struct given {
    const struct pipeline *pipeline;
    const struct schemas_ops *schemas_ops;
    struct schemas *schemas;
    int64_t now_us;
    struct arena *arena;
};

struct given_records {
    const struct log_in *records;
    size_t count;
    const struct dead_letter *dead; /* refused by the source's gate; without `raw` */
    size_t dead_count;
};

/* `node`: files and records written out. They pass the gate of the topic's source. */
MUST_USE enum status given_read(const struct given *given,
                                const struct topic_plan *topic,
                                const struct node *node,
                                struct given_records *ret_records,
                                struct error *error);
