#pragma once

/*
 * Addresses as people write them (HOST:PORT), listening sockets, and who holds a port. Reading and
 * writing sockets is left to the libraries above (libuv, libmicrohttpd, libcurl, librdkafka).
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NET_HOST_BYTES    256
#define NET_ADDRESS_BYTES (NET_HOST_BYTES + 9) /* "[host]:65535" */

struct net_address {
    char host[NET_HOST_BYTES]; /* a name or a numeric address, IPv6 without brackets */
    uint16_t port;
};

/* "localhost:9092", "127.0.0.1:0", "[::1]:9092". STATUS_USAGE if it is anything else. */
MUST_USE enum status
net_address_parse(const char *text, struct net_address *ret_address, struct error *error);

/* The reverse of parsing; returns `target`. */
const char *net_address_format(const struct net_address *address, char target[NET_ADDRESS_BYTES]);

/* 127.0.0.0/8, ::1 (also as IPv4 in IPv6) or "localhost". Other names are not looked up and count
 * as not loopback, whatever they resolve to. */
bool net_is_loopback(const char *host);

/* Listens, without blocking accepts; port 0 takes a free one. `ret_bound` (may be NULL) is the
 * address with the port in use. STATUS_UNAVAILABLE if the port is taken, naming the holder, or the
 * host cannot be resolved or does not belong to this machine. */
MUST_USE enum status net_listen(const struct net_address *address,
                                int *ret_fd,
                                struct net_address *ret_bound,
                                struct error *error);

/* The process that listens on a TCP port of this machine. False if nobody does, or if it cannot be
 * seen (another user's). */
struct net_holder {
    int64_t pid;
    char name[32];
};

bool net_port_holder(uint16_t port, struct net_holder *ret_holder);
