/* Which nodes there are, where they stand and what they own: system.local and system.peers_v2. */

#include "base/logline.h"
#include "connectors/cassandra/cql_session_internal.h"
#include "connectors/cassandra/cql_value.h"

#include <stdio.h>
#include <stdlib.h>

#define TRIES 5 /* to have both answers from one node */

/* What one read finds, before it becomes the session's. */
struct node {
    struct net_address address;
    const char *dc;
    const char *rack;
    struct slice tokens; /* set<text> */
    uint8_t id[16];
    bool usable; /* it says where it is */
};

/* system.peers_v2 has address and port for clients; system.peers of before 4.0 only the address. */
static bool read_address(const struct cql_table *peers,
                         uint32_t row,
                         uint16_t port_default,
                         struct net_address *ret_address)
{
    char text[CQL_TEXT_BYTES];
    struct slice address = cql_table_cell(peers, row, "native_address");
    if (address.data == NULL) {
        address = cql_table_cell(peers, row, "rpc_address");
    }
    if (cql_inet_text(address, text) == 0) {
        return false;
    }
    (void) snprintf(ret_address->host, sizeof(ret_address->host), "%s", text);
    struct slice port = cql_table_cell(peers, row, "native_port");
    struct cql_reader reader = cql_reader_of(port);
    int32_t number = port.size == 4 ? cql_read_int(&reader) : port_default;
    ret_address->port = (uint16_t) number;
    return number > 0 && number <= UINT16_MAX;
}

static enum status query_peers(struct cql_session *session,
                               uint16_t *host,
                               struct arena *arena,
                               struct cql_table *ret_peers,
                               struct error *error)
{
    enum status status = cql_session_query_at(session, host, "SELECT * FROM system.peers_v2", arena,
                                              ret_peers, error);
    if (status == STATUS_DATA) { /* refused as invalid: a server of before 4.0 */
        status = cql_session_query_at(session, host, "SELECT * FROM system.peers", arena, ret_peers,
                                      error);
    }
    return status;
}

/* A node's own row and those of its peers are all nodes, if both come from one node. */
static enum status query_both(struct cql_session *session,
                              struct arena *arena,
                              struct cql_table *ret_own,
                              struct cql_table *ret_peers,
                              uint16_t *ret_host,
                              struct error *error)
{
    *ret_host = CQL_ANY_HOST;
    for (int i = 0; i < TRIES; i++) {
        TRY(cql_session_query_at(session, ret_host, "SELECT * FROM system.local WHERE key='local'",
                                 arena, ret_own, error));
        uint16_t first = *ret_host;
        TRY(query_peers(session, ret_host, arena, ret_peers, error));
        if (*ret_host == first) {
            return ret_own->row_count == 1
                       ? STATUS_OK
                       : error_set(error, STATUS_PROTOCOL, "system.local has %u rows",
                                   ret_own->row_count);
        }
    }
    return error_set(error, STATUS_UNAVAILABLE, "could not read the topology: nodes come and go");
}

static void read_node(const struct cql_table *table,
                      uint32_t row,
                      uint16_t port_default,
                      struct arena *arena,
                      struct node *node)
{
    struct slice id = cql_table_cell(table, row, "host_id");
    *node = (struct node){
        .dc = arena_string(arena, cql_table_cell(table, row, "data_center")),
        .rack = arena_string(arena, cql_table_cell(table, row, "rack")),
        .tokens = cql_table_cell(table, row, "tokens"),
    };
    if (id.size == sizeof(node->id)) {
        memcpy(node->id, id.data, sizeof(node->id));
    }
    node->usable = read_address(table, row, port_default, &node->address);
}

/* ---- the session's view ------------------------------------------------------------------------
 */

static bool same_address(const struct net_address *a, const struct net_address *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static uint16_t find_host(const struct cql_session *session, const struct node *node)
{
    static const uint8_t unknown[16];
    for (uint16_t i = 0; i < session->host_count; i++) {
        if (memcmp(node->id, unknown, 16) != 0 &&
            memcmp(session->hosts[i]->id, node->id, 16) == 0) {
            return i;
        }
    }
    for (uint16_t i = 0; i < session->host_count; i++) {
        if (same_address(&session->hosts[i]->address, &node->address)) {
            return i;
        }
    }
    return CQL_ANY_HOST;
}

/* The host of a node; made if there is none. A host that answers keeps the address that works. */
static uint16_t take_node(struct cql_session *session, const struct node *node, uint16_t known)
{
    uint16_t index = known != CQL_ANY_HOST ? known : find_host(session, node);
    if (index == CQL_ANY_HOST) {
        index = (uint16_t) session->host_count;
        (void) cql_host_add(session, &node->address);
    }
    struct cql_host *host = session->hosts[index];
    if (known == CQL_ANY_HOST && !cql_host_ready(host)) {
        host->address = node->address;
    }
    memcpy(host->id, node->id, sizeof(host->id));
    host->dc = node->dc;
    host->rack = node->rack;
    host->local = strcmp(node->dc, session->dc) == 0;
    host->gone = false;
    return index;
}

static size_t count_tokens(struct slice tokens)
{
    struct cql_reader reader = cql_reader_of(tokens);
    return cql_read_count(&reader, cql_read_int(&reader), 4);
}

static void add_tokens(struct cql_ring *ring, struct slice tokens, uint16_t host)
{
    struct cql_reader reader = cql_reader_of(tokens);
    for (uint32_t i = cql_read_count(&reader, cql_read_int(&reader), 4); i > 0; i--) {
        char text[32];
        struct slice token;
        if (cql_read_bytes(&reader, &token) && token.size < sizeof(text)) {
            memcpy(text, token.data, token.size);
            text[token.size] = '\0';
            ring->entries[ring->count++] = (struct cql_ring_entry){strtoll(text, NULL, 10), host};
        }
    }
}

static void build_ring(struct cql_session *session,
                       struct arena *arena,
                       const struct node *nodes,
                       const uint16_t *hosts,
                       size_t count)
{
    struct cql_ring ring = {.host_count = session->host_count};
    struct cql_ring_host *places = ARENA_ARRAY(arena, struct cql_ring_host, session->host_count);
    size_t tokens = 0;
    for (size_t i = 0; i < session->host_count; i++) {
        places[i] = (struct cql_ring_host){session->hosts[i]->dc, session->hosts[i]->rack};
    }
    for (size_t i = 0; i < count; i++) {
        tokens += count_tokens(nodes[i].tokens);
    }
    ring.hosts = places;
    ring.entries = ARENA_ARRAY(arena, struct cql_ring_entry, tokens);
    for (size_t i = 0; i < count; i++) {
        add_tokens(&ring, nodes[i].tokens, hosts[i]);
    }
    cql_ring_sort(&ring);
    session->ring = ring;
}

static void forget_others(struct cql_session *session)
{
    for (size_t i = 0; i < session->host_count; i++) {
        session->hosts[i]->gone = true;
        session->hosts[i]->dc = "";
        session->hosts[i]->rack = "";
    }
}

static void take_nodes(struct cql_session *session,
                       struct arena *arena,
                       struct node *nodes,
                       size_t count,
                       uint16_t answered,
                       bool murmur)
{
    uint16_t *hosts = ARENA_ARRAY(arena, uint16_t, count);
    if (session->dc == NULL) {
        session->dc = session->settings.dc != NULL ? session->settings.dc
                                                   : arena_strdup(&session->arena, nodes[0].dc);
    }
    forget_others(session);
    for (size_t i = 0; i < count; i++) {
        hosts[i] = take_node(session, &nodes[i], i == 0 ? answered : CQL_ANY_HOST);
    }
    build_ring(session, arena, nodes, hosts, murmur ? count : 0);
}

static bool is_murmur(const struct cql_table *own)
{
    static const char name[] = "Murmur3Partitioner";
    struct slice partitioner = cql_table_cell(own, 0, "partitioner");
    size_t size = sizeof(name) - 1;
    return partitioner.size >= size &&
           memcmp(partitioner.data + partitioner.size - size, name, size) == 0;
}

static enum status check_dc(const struct cql_session *session, struct error *error)
{
    if (cql_session_local_hosts(session) > 0) {
        return STATUS_OK;
    }
    return error_set(error, STATUS_CONFIG, "no node is in data centre \"%s\"", session->dc);
}

enum status cql_topology_read(struct cql_session *session, struct error *error)
{
    struct arena arena;
    struct cql_table own;
    struct cql_table peers;
    uint16_t answered;
    arena_init(&arena, 0);
    enum status status = query_both(session, &arena, &own, &peers, &answered, error);
    if (status != STATUS_OK) {
        arena_deinit(&arena);
        error_context(error, "topology");
        return status;
    }
    uint16_t port = session->settings.contacts[0].port;
    struct node *nodes = ARENA_ARRAY(&arena, struct node, peers.row_count + 1);
    size_t count = 1;
    read_node(&own, 0, port, &arena, &nodes[0]);
    for (uint32_t i = 0; i < peers.row_count; i++) {
        read_node(&peers, i, port, &arena, &nodes[count]);
        count += nodes[count].usable && nodes[count].tokens.data != NULL;
    }
    take_nodes(session, &arena, nodes, count, answered, is_murmur(&own));
    arena_deinit(&session->topology);
    session->topology = arena;
    session->topology_stale = false;
    return check_dc(session, error);
}

size_t cql_session_replicas(const struct cql_session *session,
                            const struct cql_replication *replication,
                            int64_t token,
                            uint16_t ret_hosts[CQL_REPLICAS_MAX])
{
    return cql_ring_replicas(&session->ring, replication, session->dc, token, ret_hosts);
}

/* ---- replication -------------------------------------------------------------------------------
 */

static uint32_t read_factor(struct slice text)
{
    uint32_t factor = 0; /* "3", or "3/1" with transient replicas */
    for (size_t i = 0; i < text.size && text.data[i] >= '0' && text.data[i] <= '9' && i < 4; i++) {
        factor = factor * 10 + (uint32_t) (text.data[i] - '0');
    }
    return factor;
}

/* map<text, text>: class, and a factor a data centre or replication_factor. */
static void read_replication(struct slice map, const char *dc, struct cql_replication *replication)
{
    struct cql_reader reader = cql_reader_of(map);
    *replication = (struct cql_replication){0};
    for (uint32_t i = cql_read_count(&reader, cql_read_int(&reader), 8); i > 0; i--) {
        struct slice key;
        struct slice value;
        (void) cql_read_bytes(&reader, &key);
        (void) cql_read_bytes(&reader, &value);
        if (slice_equal_string(key, "class")) {
            static const char simple[] = "SimpleStrategy";
            size_t size = sizeof(simple) - 1;
            replication->simple =
                value.size >= size && memcmp(value.data + value.size - size, simple, size) == 0;
        } else if (slice_equal_string(key, dc) || slice_equal_string(key, "replication_factor")) {
            replication->factor = read_factor(value);
        }
    }
}

enum status cql_session_replication(struct cql_session *session,
                                    const char *keyspace,
                                    struct cql_replication *ret_replication,
                                    struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct cql_table table;
    struct slice name = slice_of_string(keyspace);
    arena_init(&arena, 0);
    TRY(cql_session_query(session,
                          "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?",
                          &name, 1, &arena, &table, error));
    if (table.row_count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no keyspace \"%s\"", keyspace);
    }
    read_replication(table.cells[0], session->dc, ret_replication);
    return STATUS_OK;
}
