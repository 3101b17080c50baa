#pragma once

/*
 * A Kafka server inside this process: one node, durable by default. Kafka's own clients and tools
 * talk to it; docs/formats/wire.md lists what it serves. It runs on a thread of its own with one
 * event loop.
 *
 *     DIR/TOPIC-N/        the log of partition N, see log/partition_log.h
 *     DIR/meta.journal    topics, groups, committed offsets, producer ids, see state.msg
 *
 * What was acknowledged survives a kill -9 at any moment; with FLUSH_ALWAYS also a power cut.
 */

#include "base/error.h"
#include "log/flusher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;

struct broker_config {
    const char *directory; /* made if missing; used by one broker at a time  */

    const char *host;            /* to listen on; "127.0.0.1"                    */
    int port;                    /* 0: a free one                                */
    int listen_fd;               /* a listening socket to take over; -1: none    */
    const char *advertised_host; /* what clients are told; NULL: as bound        */
    int advertised_port;         /* 0: as bound                                  */
    int32_t node_id;             /* 1                                            */

    int32_t partitions_default; /* of topics made without saying how many; 1     */
    bool auto_create;           /* topics that a client asks for; true           */
    bool any_replication;       /* accept a replication factor above one; false  */

    enum flush_policy flush_policy; /* FLUSH_ALWAYS                              */
    int64_t flush_interval_us;      /* with FLUSH_INTERVAL                       */

    int64_t group_initial_rebalance_delay_us; /* 0                               */
    int64_t offsets_retention_us;             /* of groups without members; 7 days */

    int64_t message_bytes_max;  /* default of topics: 1,048,588                  */
    int64_t segment_bytes;      /* default of topics: 1 GiB                      */
    int64_t retention_us;       /* default of topics: 7 days                     */
    int64_t retention_bytes;    /* default of topics: 1 GiB                      */
    int64_t retention_check_us; /* how often old segments are looked for; 5 min  */

    int connections_max;        /* 1000                                       */
    int64_t connection_idle_us; /* 10 min                                     */
    size_t request_bytes_max;   /* 100 MiB                                    */
    size_t memory_bytes_max;    /* of requests being read, and of answers not taken; 256 MiB */
    size_t fetch_bytes_max;     /* of one answer; 8 MiB                       */
    int fetch_sessions_max;     /* 1000                                       */
};

/* The defaults above. */
void broker_config_init(struct broker_config *config);

/* Recovers what is in the directory, then listens and serves. STATUS_UNAVAILABLE if the address is
 * taken, STATUS_CORRUPT if stored data contradicts itself. */
MUST_USE enum status
broker_open(const struct broker_config *config, struct broker **ret_broker, struct error *error);

/* "HOST:PORT" where it listens, fit for connecting from this machine. Lives as long as the broker.
 */
const char *broker_address(const struct broker *broker);

/* Stops accepting, answers what is under way for at most `timeout_us`, closes all connections and
 * the stores. STATUS_OK, or the first failure to write. Calling it again does nothing. */
MUST_USE enum status broker_stop(struct broker *broker, int64_t timeout_us, struct error *error);

/* Stops it if need be. NULL is fine. */
void broker_free(struct broker *broker);

/* --- what status pages show --- */

struct broker_partition_info {
    int64_t log_start;
    int64_t high_watermark;
    int64_t size_bytes;
};

struct broker_topic_info {
    const char *name;
    int32_t partition_count;
    const struct broker_partition_info *partitions;
};

struct broker_offset_info {
    const char *topic;
    int32_t partition;
    int64_t committed;
    int64_t high_watermark; /* -1 if the partition is gone */
};

struct broker_group_info {
    const char *id;
    const char *state; /* "Empty", "Stable", ... */
    const char *protocol_type;
    int32_t member_count;
    int32_t offset_count;
    const struct broker_offset_info *offsets;
};

/* Call `visit` for every topic or group, from any thread; not during or after broker_stop. `visit`
 * runs on the broker's thread and must not call the broker; what it is given is borrowed. */
void broker_topics_visit(struct broker *broker,
                         void (*visit)(void *context, const struct broker_topic_info *info),
                         void *context);
void broker_groups_visit(struct broker *broker,
                         void (*visit)(void *context, const struct broker_group_info *info),
                         void *context);
