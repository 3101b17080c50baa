#pragma once

/*
 * cassandra://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][/KEYSPACE][?SETTING=VALUE&...]
 *
 * The settings are a table in cql_url.c: replication, consistency, dc, tls and its files,
 * compression, protocol, and how much is under way at a time. "%" escapes count everywhere.
 */

#include "base/arena.h"
#include "base/error.h"
#include "io/net.h"

#include <stdbool.h>
#include <stdint.h>

struct cql_settings {
    const struct net_address *contacts;
    size_t contact_count;
    const char *user; /* NULL: none */
    const char *password;
    const char *keyspace;    /* of tables without one in their name, and of leat's own; "leat" */
    const char *replication; /* "dc1:3,dc2:2"; NULL: not said */
    const char *dc;          /* whose nodes are asked; NULL: that of the first contact */
    uint16_t consistency;
    bool tls;
    const char *tls_ca, *tls_cert, *tls_key; /* PEM files; NULL: the system's, none */
    const char *tls_name;                    /* what certificates must be for; NULL: the host */
    bool lz4;
    uint8_t protocol; /* the highest to try */
    int64_t connect_timeout_us, request_timeout_us;
    int64_t in_flight;        /* requests a host */
    int64_t batch_bytes;      /* of an unlogged batch */
    int64_t batch_partitions; /* in it */
    int64_t page_rows;        /* of a read */
};

/* All in the arena. STATUS_CONFIG says what is wrong without showing the password. */
MUST_USE enum status cql_url_parse(const char *url,
                                   struct arena *arena,
                                   struct cql_settings *ret_settings,
                                   struct error *error);
