#pragma once

/*
 * TLS between a connection and its socket: bytes go in and out of memory, the socket stays the
 * connection's. TLS 1.2 or newer; the certificate must be valid and for the host (or tls_name).
 */

#include "base/buffer.h"
#include "base/error.h"
#include "connectors/cassandra/cql_url.h"

struct cql_tls;         /* certificates, for all connections of a session */
struct cql_tls_channel; /* one connection's */

MUST_USE enum status
cql_tls_new(const struct cql_settings *settings, struct cql_tls **ret_tls, struct error *error);
void cql_tls_free(struct cql_tls *tls); /* NULL is fine */

MUST_USE enum status cql_tls_open(struct cql_tls *tls,
                                  const char *host,
                                  struct cql_tls_channel **ret_channel,
                                  struct error *error);
void cql_tls_close(struct cql_tls_channel *channel); /* NULL is fine */

/* Takes bytes that came from the socket and appends what they say to `plain`, and what must be sent
 * (handshakes) to `wire`. Also with no bytes: begins the handshake. */
MUST_USE enum status cql_tls_receive(struct cql_tls_channel *channel,
                                     struct slice bytes,
                                     struct buffer *plain,
                                     struct buffer *wire,
                                     struct error *error);
bool cql_tls_ready(const struct cql_tls_channel *channel); /* the handshake is done */

/* Appends `plain` encrypted to `wire`. Only when ready. */
MUST_USE enum status cql_tls_send(struct cql_tls_channel *channel,
                                  struct slice plain,
                                  struct buffer *wire,
                                  struct error *error);
