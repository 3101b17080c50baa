#pragma once

/*
 * One connection to a node, without blocking and without a thread: its owner polls the descriptor
 * and lets it work. Up to CQL_STREAMS requests are under way at a time, told apart by stream id.
 *
 *     CONNECTING ─► TLS ─► ASKING ─► STARTING ─► READY            FAILED from anywhere
 *                  (if)    OPTIONS    STARTUP,     requests, events
 *                                     SASL PLAIN
 *
 * A server that does not know the protocol version is asked again with v4. From v5 on everything
 * behind the answer to STARTUP goes in segments (cql_segment.h).
 *
 * Callbacks run inside cql_connection_work, cql_connection_fail and cql_connection_close, and may
 * send on this connection, but not close it.
 */

#include "connectors/cassandra/cql_tls.h"
#include "connectors/cassandra/cql_wire.h"

#define CQL_STREAMS 4096

struct cql_connection;

struct cql_answer {
    uint8_t version;
    uint8_t opcode;
    struct slice body; /* behind warnings and tracing; valid during the callback */
};

/* `answer` NULL: there is none, for the reason in `failure`. The request may have had effect. */
typedef void (*cql_done)(void *context,
                         const struct cql_answer *answer,
                         const struct error *failure);

struct cql_connection_options {
    const struct cql_settings *settings; /* borrowed for life */
    struct cql_tls *tls;                 /* NULL: none */
    struct net_address address;
    void (*on_event)(void *context, struct slice body); /* NULL: none */
    void *context;
};

/* Begins to connect. STATUS_UNAVAILABLE if the name is not known or no socket can be had. */
MUST_USE enum status cql_connection_open(const struct cql_connection_options *options,
                                         struct cql_connection **ret_connection,
                                         struct error *error);

/* Everything under way ends with a failure. */
void cql_connection_close(struct cql_connection *connection); /* NULL is fine */
void cql_connection_fail(struct cql_connection *connection, const struct error *reason);

bool cql_connection_ready(const struct cql_connection *connection);
const struct error *cql_connection_failure(const struct cql_connection *connection); /* or NULL */
uint8_t cql_connection_version(const struct cql_connection *connection);

/* What to poll for; -1 once it has failed. */
int cql_connection_fd(const struct cql_connection *connection);
short cql_connection_events(const struct cql_connection *connection);

/* Reads, writes and lets deadlines pass. */
void cql_connection_work(struct cql_connection *connection, short happened);

/* Queues a request; false if every stream id is taken or it is not ready. Sent by the next work or
 * flush. */
bool cql_connection_send(struct cql_connection *connection,
                         uint8_t opcode,
                         struct slice body,
                         int64_t timeout_us,
                         cql_done done,
                         void *context);
void cql_connection_flush(struct cql_connection *connection);

size_t cql_connection_in_flight(const struct cql_connection *connection);
