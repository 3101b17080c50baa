#pragma once

/*
 * A cluster as one thread sees it: nodes and their connections, which node holds which partition,
 * prepared statements, and requests that are tried again until they are done or their time is over.
 *
 * Nothing runs between calls: cql_session_pump does all the work. Every request of leat may be sent
 * twice without harm (it writes values with their version, or reads), so each one whose outcome is
 * not known is tried again.
 */

#include "connectors/cassandra/cql_connection.h"
#include "connectors/cassandra/cql_result.h"
#include "connectors/cassandra/cql_ring.h"

struct cql_session;

/* Connects to one of the contacts and reads the topology; one protocol version and compression for
 * all nodes from then on. */
MUST_USE enum status cql_session_open(const struct cql_settings *settings,
                                      struct cql_session **ret_session,
                                      struct error *error);
void cql_session_close(struct cql_session *session); /* requests under way are forgotten */

uint8_t cql_session_version(const struct cql_session *session);
const struct cql_settings *cql_session_settings(const struct cql_session *session);
const char *cql_session_dc(const struct cql_session *session);
size_t cql_session_local_hosts(const struct cql_session *session);

/* ---- prepared statements ----------------------------------------------------------------------*/

struct cql_statement {
    const char *text;
    struct cql_prepared prepared;
    struct slice answer; /* all that the server said of it */
};

/* Prepares a text, or finds it prepared. It lives as long as the session, or until it is
 * forgotten. */
MUST_USE enum status cql_session_prepare(struct cql_session *session,
                                         const char *text,
                                         const struct cql_statement **ret_statement,
                                         struct error *error);

/* The tables have changed: everything is prepared anew when it is asked for. */
void cql_session_forget(struct cql_session *session);

/* ---- requests ---------------------------------------------------------------------------------*/

#define CQL_ANY_HOST UINT16_MAX

struct cql_request {
    uint8_t opcode;
    struct buffer body;
    uint16_t
        hosts[CQL_REPLICAS_MAX]; /* in the order to try; others of the local data centre next */
    size_t host_count;
    const struct cql_statement *statements[2]; /* to prepare again where they are not known */
    int64_t deadline_us; /* when to give up; 0: after the session's patience */

    /* Called once, inside cql_session_pump. The request is the caller's again. */
    void (*done)(struct cql_request *request,
                 const struct cql_answer *answer,
                 const struct error *failure);
    void *context;

    /* The session's own. */
    struct cql_request *next;
    struct cql_session *session;
    struct error last;
    int64_t not_before_us;
    uint16_t host; /* where it is, or was last */
    unsigned attempts;
    unsigned preparing;
};

/* Hands a request over; body and statements must stay until `done`. */
void cql_session_submit(struct cql_session *session, struct cql_request *request);

/* Requests that no node has room for now. */
size_t cql_session_waiting(const struct cql_session *session);

/* Sends, receives and calls back; waits at most that long for something to happen. */
void cql_session_pump(struct cql_session *session, int64_t timeout_us);

/* Hosts that hold the token under a keyspace's replication; see cql_ring_replicas. */
size_t cql_session_replicas(const struct cql_session *session,
                            const struct cql_replication *replication,
                            int64_t token,
                            uint16_t ret_hosts[CQL_REPLICAS_MAX]);

/* ---- one at a time ----------------------------------------------------------------------------*/

/* A statement with values in CQL's binary form (data NULL: null), to its end; the rows go into the
 * arena. `ret_table` may be NULL. */
MUST_USE enum status cql_session_query(struct cql_session *session,
                                       const char *text,
                                       const struct slice *values,
                                       size_t value_count,
                                       struct arena *arena,
                                       struct cql_table *ret_table,
                                       struct error *error);

/* A statement that changes the schema: waits until the nodes agree on it. */
MUST_USE enum status
cql_session_alter(struct cql_session *session, const char *text, struct error *error);

/* Replication of a keyspace, in the local data centre. STATUS_NOT_FOUND if there is no keyspace. */
MUST_USE enum status cql_session_replication(struct cql_session *session,
                                             const char *keyspace,
                                             struct cql_replication *ret_replication,
                                             struct error *error);

/* Parameters of QUERY and EXECUTE up to the values, for the session's version; the caller appends
 * the values, then the page (cql_write_page) if there is one. */
void cql_write_params(const struct cql_session *session,
                      uint16_t value_count,
                      bool paged,
                      bool more,
                      struct buffer *target);

/* The consistency and the empty flags at the end of a BATCH. */
void cql_write_batch_end(const struct cql_session *session, struct buffer *target);
