#pragma once

/*
 * Whether the records of a source that a topic holds are those of this staging. A real Kafka
 * outlives a data directory: with a fresh one, or an older copy, positions start again, and capture
 * would take another's records for its own that were sent already, and never send these.
 */

#include "connect/identity.h"
#include "connect/log_client.h"
#include "connect/stage.h"

struct log_owner_query {
    const char *source; /* "PIPELINE.SOURCE" */
    const char *topic;
    const struct stage_ops *stage_ops;
    struct stage *stage;
    const struct identity *newest; /* of the source in the topic, by partition */
    int32_t partitions;
    struct arena *arena; /* for what is read meanwhile */
};

/* STATUS_CONFIG, not retriable, if the topic is ahead of what this staging has confirmed, and not
 * by changes that wait in its outbox. */
enum status log_owner_check(const struct log_owner_query *query, struct error *error);

/* The same for a topic that may not have been looked at yet; it must exist. */
enum status log_owner_check_topic(const char *source,
                                  const char *topic,
                                  const struct stage_ops *stage_ops,
                                  const char *stage_url,
                                  const struct log_ops *log_ops,
                                  struct log_client *log,
                                  struct error *error);
