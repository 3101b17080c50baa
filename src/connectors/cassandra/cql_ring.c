#include "connectors/cassandra/cql_ring.h"

#include <stdlib.h>

static int compare_entries(const void *a, const void *b)
{
    const struct cql_ring_entry *left = a;
    const struct cql_ring_entry *right = b;
    return (left->token > right->token) - (left->token < right->token);
}

void cql_ring_sort(struct cql_ring *ring)
{
    qsort(ring->entries, ring->count, sizeof(*ring->entries), compare_entries);
}

/* The first entry whose token is not below; behind the last comes the first. */
static size_t position_of(const struct cql_ring *ring, int64_t token)
{
    size_t low = 0;
    size_t high = ring->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ring->entries[middle].token < token) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == ring->count ? 0 : low;
}

static bool contains(const uint16_t *hosts, size_t count, uint16_t host)
{
    for (size_t i = 0; i < count; i++) {
        if (hosts[i] == host) {
            return true;
        }
    }
    return false;
}

static bool
rack_taken(const struct cql_ring *ring, const uint16_t *hosts, size_t count, uint16_t host)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ring->hosts[hosts[i]].rack, ring->hosts[host].rack) == 0) {
            return true;
        }
    }
    return false;
}

static size_t racks_in(const struct cql_ring *ring, const char *dc)
{
    size_t racks = 0;
    for (size_t i = 0; i < ring->host_count; i++) {
        bool first = strcmp(ring->hosts[i].dc, dc) == 0;
        for (size_t j = 0; j < i && first; j++) {
            first = strcmp(ring->hosts[j].dc, dc) != 0 ||
                    strcmp(ring->hosts[j].rack, ring->hosts[i].rack) != 0;
        }
        racks += first;
    }
    return racks;
}

/* NetworkTopologyStrategy: first a node of each rack, then those that were passed over. */
static size_t
spread(const struct cql_ring *ring, size_t at, size_t wanted, const char *dc, uint16_t *ret_hosts)
{
    uint16_t passed[CQL_REPLICAS_MAX];
    size_t passed_count = 0;
    size_t count = 0;
    size_t racks = racks_in(ring, dc);
    for (size_t i = 0; i < ring->count && count < wanted; i++) {
        uint16_t host = ring->entries[(at + i) % ring->count].host;
        if (strcmp(ring->hosts[host].dc, dc) != 0 || contains(ret_hosts, count, host) ||
            contains(passed, passed_count, host)) {
            continue;
        }
        if (count < racks && rack_taken(ring, ret_hosts, count, host)) {
            if (passed_count < CQL_REPLICAS_MAX) {
                passed[passed_count++] = host;
            }
            continue;
        }
        ret_hosts[count++] = host;
        for (size_t p = 0; count == racks && p < passed_count && count < wanted; p++) {
            if (!contains(ret_hosts, count, passed[p])) {
                ret_hosts[count++] = passed[p];
            }
        }
    }
    return count;
}

static size_t
in_order(const struct cql_ring *ring, size_t at, size_t wanted, const char *dc, uint16_t *ret_hosts)
{
    uint16_t all[CQL_REPLICAS_MAX];
    size_t all_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < ring->count && all_count < wanted; i++) {
        uint16_t host = ring->entries[(at + i) % ring->count].host;
        if (!contains(all, all_count, host)) {
            all[all_count++] = host;
            if (strcmp(ring->hosts[host].dc, dc) == 0) {
                ret_hosts[count++] = host;
            }
        }
    }
    return count;
}

size_t cql_ring_replicas(const struct cql_ring *ring,
                         const struct cql_replication *replication,
                         const char *dc,
                         int64_t token,
                         uint16_t ret_hosts[CQL_REPLICAS_MAX])
{
    size_t wanted = replication->factor < CQL_REPLICAS_MAX ? replication->factor : CQL_REPLICAS_MAX;
    if (ring->count == 0) {
        return 0;
    }
    size_t at = position_of(ring, token);
    return replication->simple ? in_order(ring, at, wanted, dc, ret_hosts)
                               : spread(ring, at, wanted, dc, ret_hosts);
}
