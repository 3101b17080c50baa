#pragma once

/* What the files of the server share. */

#include "http/server.h"

#include <pthread.h>
#include <stdatomic.h>

struct MHD_Connection;
struct MHD_Daemon;
struct http_subscriber;

struct http_server {
    struct http_server_config config;
    struct MHD_Daemon *daemon;
    char *address;
    uint16_t port;
    atomic_bool stopping;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t idle;  /* requests became 0 */
    size_t requests;      /* being answered */
    struct http_subscriber *subscribers;
};

struct reply_header {
    struct reply_header *next;
    const char *name;
    const char *value;
};

enum reply_kind {
    REPLY_NONE,
    REPLY_OWNED,
    REPLY_STATIC,
    REPLY_STREAM,
    REPLY_ABORT
};

struct reply {
    enum reply_kind kind;
    int status;
    const char *content_type;
    struct buffer owned;
    struct slice borrowed;
    struct http_stream stream;
    bool endless; /* an event stream: no idle time-out */
    bool reset;   /* REPLY_ABORT */
};

/* An exchange with what the handler does not see. */
struct http_call {
    struct http_exchange exchange; /* first, so that one can be cast to the other */
    struct http_server *server;
    struct MHD_Connection *connection;
    struct buffer body;
    struct http_pair *params;
    struct reply_header *headers; /* of the reply, newest first */
    struct reply reply;
    struct buffer allow; /* methods of a known path, for 405 and OPTIONS */
    bool running;        /* counted in server->requests */
    bool begun;          /* the headers were looked at */
    bool too_large;
    size_t discarded_bytes;
};

static inline struct http_call *call_of(struct http_exchange *exchange)
{
    return (struct http_call *) exchange;
}

/* listen.c: a listening socket on one of the addresses that config->host stands for. */
MUST_USE enum status
listen_open(const struct http_server_config *config, int *ret_socket, struct error *error);

/* listen.c: reads the address that the socket got. */
void listen_name(struct http_server *server, int fd);

/* routes.c: picks the row for exchange->method and path and decodes the parameters. Returns 200,
 * 404 or 405 (call->allow is set), or 400 if the path is malformed. */
int route_find(struct http_call *call);

/* reply.c: forgets the reply made so far. */
void reply_clear(struct reply *reply);

/* reply.c: an error reply in the server's format. */
void reply_failure(struct http_call *call, int status, const struct error *error);

/* events.c: ends the streams of all subscribers that came through `server`. */
void events_end_all(struct http_server *server);
