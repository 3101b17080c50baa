#pragma once

/* What connection.c (reading, closing) and connection_write.c (answers) share. */

#include "broker/connection.h"
#include "broker/dispatch.h"

#define READ_BYTES ((size_t) 16 * 1024)
#define KEEP_BYTES ((size_t) 64 * 1024) /* memory an idle connection may keep */

/* One request and its answer. */
struct exchange {
    struct list link; /* connection->exchanges */
    struct connection *connection;
    struct buffer frame; /* the bytes that the request points into */
    size_t charged;      /* of the server's budget */
    size_t unsent;       /* counted in server->unsent_bytes */
    struct arena arena;
    struct request request;
    struct wire_output out;
    bool ended;
    enum request_end end;
};

struct connection {
    struct list link;
    struct list starved_link;
    struct server *server;
    uv_tcp_t socket;
    uv_write_t write;
    bool closed;
    bool socket_gone;      /* the close callback ran */
    bool pumping;          /* pump is on the stack   */
    bool flushing;         /* flush is on the stack  */
    bool writing;          /* the first exchange's answer is on its way out */
    bool paused;           /* reading is stopped     */
    struct buffer in;      /* what has been read and not become an exchange */
    size_t in_at;          /* bytes of `in` that are done with              */
    size_t admitted;       /* charged for the frame that is coming in       */
    struct list exchanges; /* in the order of their requests */
    int exchange_count;
    struct exchange *spare; /* kept for the next request */
    struct deadline idle;
    char peer[INET6_ADDRSTRLEN];
};

/* Starts requests as long as there is one whose turn it is. */
void connection_pump(struct connection *connection);
void connection_set_idle(struct connection *connection);
void connection_release_if_done(struct connection *connection);
void connection_log_closing(struct connection *connection, const struct error *error);

/* Gives memory back to the server's budget and lets a connection that waits for it go on. */
void connection_give_back(struct server *server, size_t *charged);

/* A new last exchange, empty. */
struct exchange *exchange_take(struct connection *connection);
void exchange_free(struct exchange *exchange);

/* For request->on_end. */
void exchange_on_end(struct request *request, enum request_end end);
