#pragma once

/* What the files of the session share. */

#include "base/map.h"
#include "connectors/cassandra/cql_error.h"
#include "connectors/cassandra/cql_session.h"

#define PATIENCE_US                                                                                \
    (10 * INT64_C(1000000)) /* then a failure goes to the caller, who may call again */

struct cql_host {
    struct cql_session *session;
    struct net_address address;
    uint8_t id[16]; /* zeros: not known yet */
    const char *dc; /* of the topology's arena */
    const char *rack;
    bool local;
    bool gone;     /* no longer in the cluster */
    bool welcomed; /* the connection has been ready */
    struct cql_connection *connection;
    int64_t next_try_us;
    unsigned failures;
    struct error last;
    size_t in_flight;
    int64_t window;    /* requests that it may have: falls when it is overloaded */
    int64_t successes; /* since the window grew */
    int64_t shrunk_us;
};

struct cql_session {
    struct cql_settings settings;
    struct cql_tls *tls;
    struct arena arena;      /* of its life */
    struct arena topology;   /* names of data centres and racks, the ring */
    struct cql_host **hosts; /* an index stays with its host */
    size_t host_count;
    const char *dc;
    struct cql_ring ring;
    bool topology_stale;
    bool closing; /* answers find nobody any more */
    struct cql_request *waiting_first, *waiting_last;
    size_t waiting;
    size_t under_way;
    uint16_t turn;         /* for requests that may go anywhere */
    struct map statements; /* text -> struct cql_statement */
    struct arena statements_arena;
};

/* ---- hosts (cql_host.c) -----------------------------------------------------------------------*/

struct cql_host *cql_host_add(struct cql_session *session, const struct net_address *address);
void cql_host_free(struct cql_host *host);

/* Opens a connection if there is none and it is time. */
void cql_host_connect(struct cql_host *host);
bool cql_host_ready(const struct cql_host *host);
void cql_host_welcome(struct cql_host *host); /* to call behind each work of its connection */
void cql_host_shrink(struct cql_host *host);  /* it has too much to do */
void cql_host_grow(struct cql_host *host);    /* it did one */

/* A statement to a certain node, if that is up; *host becomes the one that answered. */
MUST_USE enum status cql_session_query_at(struct cql_session *session,
                                          uint16_t *host,
                                          const char *text,
                                          struct arena *arena,
                                          struct cql_table *ret_table,
                                          struct error *error);

/* ---- requests (cql_request.c) -----------------------------------------------------------------*/

/* Sends what waits and may go; ends what has waited too long. */
void cql_requests_dispatch(struct cql_session *session);

/* ---- the topology (cql_topology.c) ------------------------------------------------------------*/

/* Reads it through any node that answers. */
MUST_USE enum status cql_topology_read(struct cql_session *session, struct error *error);
