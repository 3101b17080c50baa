#pragma once

/*
 * Which nodes hold a partition: tokens in a ring, each owned by a node; the replicas of a key are
 * the owners met from its token on, as the keyspace's replication says. Hosts are indices.
 */

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define CQL_REPLICAS_MAX 16

struct cql_ring_host {
    const char *dc;
    const char *rack;
};

struct cql_ring_entry {
    int64_t token;
    uint16_t host;
};

struct cql_ring {
    struct cql_ring_entry *entries; /* by token */
    size_t count;
    const struct cql_ring_host *hosts;
    size_t host_count;
};

/* Sorts the entries. */
void cql_ring_sort(struct cql_ring *ring);

/* Replication in one data centre. */
struct cql_replication {
    uint32_t factor;
    bool simple; /* SimpleStrategy: data centres and racks do not count */
};

/* Hosts of `dc` that hold the token, the primary one first; at most CQL_REPLICAS_MAX. */
size_t cql_ring_replicas(const struct cql_ring *ring,
                         const struct cql_replication *replication,
                         const char *dc,
                         int64_t token,
                         uint16_t ret_hosts[CQL_REPLICAS_MAX]);
