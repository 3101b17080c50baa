#pragma once

/* What topics.c (finding, opening) and topics_change.c (making, changing, deleting) share. */

#include "broker/topics.h"

struct topics {
    struct topics_config config;
    struct state *state;
    struct map by_name; /* struct topic, in every state */
    struct map by_id;
    struct map deleted; /* while replaying: name -> partition count */
    void (*on_delete)(void *context, struct topic *topic);
    void *on_delete_context;
};

struct topic *topics_add(struct topics *topics, struct slice name, const struct uuid *id);
void topics_drop(struct topics *topics, struct topic *topic); /* frees it */

/* Adds partitions without logs. */
void topic_set_partition_count(struct topic *topic, int32_t count);

/* Opens or makes the logs of the partitions from `from` on. */
MUST_USE enum status
topic_open_logs(struct topics *topics, struct topic *topic, int32_t from, struct error *error);

MUST_USE enum status
topic_remove_logs(struct topics *topics, struct topic *topic, struct error *error);

/* The journal's entry for a topic as it is to be. */
void topic_record_fill(const struct topic *topic,
                       int32_t partition_count,
                       const struct topic_settings *settings,
                       struct arena *arena,
                       struct topic_record *ret_record);
