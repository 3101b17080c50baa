#pragma once

/*
 * The listening socket and its connections. A connection reads frames (a length, then that many
 * bytes), hands each request to its handler and writes the answers in the order of the requests.
 * The next request starts when the one before it is answered and written, so that a slow reader
 * holds back only itself. Produce requests alone may follow each other at once: their batches are
 * appended in order, and then wait for the disk together.
 *
 *     exchange:  frame whole ──► being handled ──► ended ──► answer written (first in line)
 *
 * A connection closes when its peer is gone, idle too long or does not keep to the protocol, or the
 * broker stops; its memory goes once none of its requests is being handled.
 */

#include "base/budget.h"
#include "base/list.h"
#include "broker/loop.h"
#include "broker/request.h"

#include <stdbool.h>

struct server_config {
    int connections_max;
    size_t request_bytes_max; /* 100 MiB */
    size_t memory_bytes_max;  /* of all requests being read or handled that are not small */
    int64_t idle_us;          /* closed after so long without a request */
};

struct server {
    struct broker *broker;
    struct loop *loop;
    struct server_config config;
    uv_tcp_t socket;
    bool listening;
    bool stopping;
    struct list connections;
    int connection_count;
    struct budget memory;
    struct list starved; /* connections that wait for the budget */
    size_t unsent_bytes; /* of answers that their readers have not taken yet */
};

/* Binds and listens; `listen_fd` -1 makes a socket for host and port, port 0 takes a free one. */
MUST_USE enum status server_open(struct server *server,
                                 struct broker *broker,
                                 struct loop *loop,
                                 const struct server_config *config,
                                 const char *host,
                                 int port,
                                 int listen_fd,
                                 struct error *error);

/* The address as bound: numeric host and port. `host` has room for 64 bytes. */
void server_address(const struct server *server, char *ret_host, int *ret_port);

/* How large an answer may be now: less, the more there is that nobody takes. */
size_t server_answer_room(const struct server *server, size_t wanted);

/* Stops accepting and reading, hurries parked requests; connections close as they become idle. */
void server_drain(struct server *server);

/* Closes what is left. */
void server_close(struct server *server);

/* True when every connection is gone. */
bool server_empty(const struct server *server);
