#pragma once

/*
 * What people do with a log, through the Kafka protocol: look at topics and groups, make, change
 * and remove them. The log is one that kafka_log_ops opened.
 */

#include "connect/log_client.h"

struct kafka_topic {
    const char *name;
    int32_t partitions;
    int32_t replication;
};

/* All topics, the broker's own included. */
MUST_USE enum status kafka_admin_topics(struct log_client *log,
                                        struct arena *arena,
                                        struct kafka_topic **ret_topics,
                                        size_t *ret_count,
                                        struct error *error);

struct kafka_config {
    const char *name;
    const char *value; /* NULL: secret, or not set */
    bool is_default;
    bool is_own; /* set on the topic itself, not on its broker */
};

/* STATUS_CONFLICT if it exists. `_make` with settings as Kafka names them. */
MUST_USE enum status kafka_admin_topic_create(struct log_client *log,
                                              const struct topic_spec *spec,
                                              struct error *error);

MUST_USE enum status kafka_admin_topic_make(struct log_client *log,
                                            const struct topic_spec *spec,
                                            const struct kafka_config *configs,
                                            size_t count,
                                            struct error *error);

/* Changes these settings and leaves the others; a value of "" takes the default again. */
MUST_USE enum status kafka_admin_topic_change(struct log_client *log,
                                              const char *topic,
                                              const struct kafka_config *configs,
                                              size_t count,
                                              struct error *error);

MUST_USE enum status
kafka_admin_topic_delete(struct log_client *log, const char *topic, struct error *error);

MUST_USE enum status kafka_admin_topic_configs(struct log_client *log,
                                               const char *topic,
                                               struct arena *arena,
                                               struct kafka_config **ret_configs,
                                               size_t *ret_count,
                                               struct error *error);

struct kafka_group {
    const char *name;
    const char *state; /* "Stable", "Empty", ... */
};

MUST_USE enum status kafka_admin_groups(struct log_client *log,
                                        struct arena *arena,
                                        struct kafka_group **ret_groups,
                                        size_t *ret_count,
                                        struct error *error);

struct kafka_member {
    const char *id;
    const char *client;
    const char *host;
};

struct kafka_position {
    const char *topic;
    int32_t partition;
    int64_t offset; /* next one that the group reads; -1: none committed */
};

struct kafka_group_detail {
    const char *state;
    const char *assignor;
    struct kafka_member *members;
    size_t member_count;
    struct kafka_position *positions; /* committed */
    size_t position_count;
};

/* STATUS_NOT_FOUND if there is no such group. */
MUST_USE enum status kafka_admin_group(struct log_client *log,
                                       const char *group,
                                       struct arena *arena,
                                       struct kafka_group_detail *ret_detail,
                                       struct error *error);

MUST_USE enum status
kafka_admin_group_delete(struct log_client *log, const char *group, struct error *error);

/* Commits these offsets for the group. Refused while it has members. */
MUST_USE enum status kafka_admin_group_reset(struct log_client *log,
                                             const char *group,
                                             const struct kafka_position *positions,
                                             size_t count,
                                             struct error *error);

/* The first offset at or after the time in each partition, in place of `offset`: the time goes in
 * as ms, -2 is the beginning and -1 the end. */
MUST_USE enum status kafka_admin_offsets_at(struct log_client *log,
                                            struct kafka_position *positions,
                                            size_t count,
                                            struct error *error);
