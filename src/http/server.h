#pragma once

/*
 * An HTTP/1.1 server: a table of routes, each a function that reads a request and fills in a reply.
 *
 *     static enum status show(struct http_exchange *exchange, void *context, struct error *error)
 *     {
 *         const char *name = http_param(exchange, "name");
 *         ...
 *         http_reply_json(exchange, 200, buffer_slice(&text));
 *         return STATUS_OK;
 *     }
 *     static const struct http_route routes[] = {
 *         {"GET", "/topics/{name}", show, "one topic"},
 *     };
 *
 * Every connection has a thread, so a handler may block, and handlers run at the same time: what
 * they share needs its own lock. The server keeps no state between requests. Everything a peer can
 * make large has a maximum (struct http_server_config). Built on libmicrohttpd.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "http/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_events;

/* One request and the reply to it. Valid until the handler returns; a stream that goes on after
 * that keeps what it needs itself. */
struct http_exchange {
    const char *method; /* "GET" also while a HEAD is answered */
    const char *path;   /* as sent, not decoded, without the query */
    const char *query;  /* as sent, "" if there is none */
    const struct http_route *route;
    const struct http_pair *params; /* of the route's pattern, in its order */
    size_t param_count;
    const struct http_pair *queries; /* in the order sent */
    size_t query_count;
    struct slice body;
    const char *peer;   /* the client's address without port, "127.0.0.1" */
    const void *who;    /* what a `before` hook found out about the client; the server leaves it */
    struct arena arena; /* lives as long as the exchange */
};

/* Fills in the reply with one of the functions below. A failure that it returns becomes an error
 * reply (http_status_of) in place of any other. No reply at all is 204. */
typedef enum status
http_handler(struct http_exchange *exchange, void *context, struct error *error);

/*
 * A row of the routes table. `pattern` is a path with parameters: "/subjects/{subject}/versions".
 * A parameter takes one segment and may hold an encoded "/"; one that ends in "*", as in
 * "/{file*}", stands last and takes the rest, also if it is empty. A "/" at the end makes no
 * difference. The first row that fits wins. GET rows answer HEAD, OPTIONS is answered by the table,
 * other methods of a known path are 405, unknown paths 404.
 */
struct http_route {
    const char *method;
    const char *pattern;
    http_handler *handle;
    const char *help; /* one line, for the API page; may be NULL */
};

struct http_server_config {
    const char *name; /* for errors and thread names: "console", "registry" */
    const char *host; /* address or name to bind: "127.0.0.1", "localhost", "::1", "0.0.0.0" */
    uint16_t port;    /* 0 takes a free one */
    const struct http_route *routes; /* both stay in place until the server has stopped */
    size_t route_count;
    void *context; /* for handlers and hooks */

    /* 0 takes the default in brackets. */
    size_t body_bytes_max;    /* of a request [16 MiB]; above: 413            */
    unsigned connections_max; /* at the same time [256]; above: not accepted  */
    unsigned idle_seconds;    /* without a byte, then the connection ends [60] */

    /* Names that a Host header may hold, without port, letters of either case; others get 421, so
     * that a web page cannot reach a local server by rebinding its own name. NULL allows every. */
    const char *const *hosts;
    size_t host_count;

    /* PEM texts: then it speaks TLS 1.2 and 1.3 only. Both, or neither; copied by nobody. */
    const char *tls_certificate; /* with those between it and a known authority behind it */
    const char *tls_key;

    /* Runs before each handler, also when there is none (exchange->route is NULL): authentication,
     * headers for every reply. Returns true if it has replied. May be NULL. */
    bool (*before)(struct http_exchange *exchange, void *context);

    /* Writes the reply for a failure, instead of the JSON of http_reply_error. May be NULL. */
    void (*on_error)(struct http_exchange *exchange,
                     int status,
                     const struct error *error,
                     void *context);
};

/* Listens and answers until stopped. STATUS_UNAVAILABLE if the address is taken, with the address
 * in the message; STATUS_CONFIG if it is none of this machine, or TLS cannot be had with these
 * texts. */
MUST_USE enum status http_server_start(const struct http_server_config *config,
                                       struct http_server **ret_server,
                                       struct error *error);

/* Stops listening, ends event streams, lets running requests finish until `deadline_us` from now,
 * then ends their connections and frees the server. A handler that is still running is waited for:
 * one that takes long asks http_stopping. NULL is fine. */
void http_server_stop(struct http_server *server, int64_t deadline_us);

/* "127.0.0.1:9021", or "[::1]:9021": where it listens. */
const char *http_server_address(const struct http_server *server);
uint16_t http_server_port(const struct http_server *server);

/* What was asked. Values are decoded; NULL if absent. Of a repeated one the last counts. */
const char *http_param(const struct http_exchange *exchange, const char *name);
const char *http_query(const struct http_exchange *exchange, const char *name);
const char *http_header(const struct http_exchange *exchange, const char *name);

/* The status of the reply made so far; 204 if there is none. */
int http_reply_status(const struct http_exchange *exchange);

/* The value of a cookie, copied into the arena; NULL if absent. */
const char *http_cookie(struct http_exchange *exchange, const char *name);

/* The server is stopping, or the request should end for another reason. */
bool http_stopping(const struct http_exchange *exchange);

/* Adds a header to the reply. Control characters in the value become blanks. */
void http_reply_header(struct http_exchange *exchange, const char *name, const char *value);

/* Replies. The body is copied; `content_type` NULL sends none. A second call replaces the first. */
void http_reply(struct http_exchange *exchange,
                int status,
                const char *content_type,
                struct slice body);
void http_reply_json(struct http_exchange *exchange, int status, struct slice json);

/* The same with a body that stays in place until the server has stopped: embedded pages. */
void http_reply_static(struct http_exchange *exchange,
                       int status,
                       const char *content_type,
                       struct slice body);

/* The same, takes the buffer's memory and leaves it empty. */
void http_reply_take(struct http_exchange *exchange,
                     int status,
                     const char *content_type,
                     struct buffer *body);

/* {"error": {"status": "not-found", "message": ..., "hint": ...}} */
void http_reply_error(struct http_exchange *exchange, int status, const struct error *error);
void http_reply_message(struct http_exchange *exchange, int status, const char *format, ...)
    PRINTF(3, 4);

/* The HTTP status for a failure: 404 for not found, 409 conflict, 400 for input, 503, 500, ... */
int http_status_of(enum status status);

/* A body made piece by piece, after the handler has returned. */
struct http_stream {
    /* Appends the next piece to `target`; may block. Sets *ret_end with or after the last piece. A
     * failure cuts the connection, so that the client sees that the body is not whole. */
    enum status (*next)(void *context, struct buffer *target, bool *ret_end);
    void (*release)(void *context); /* called exactly once; may be NULL */
    void *context;
    int64_t size; /* of the whole body if it is known, else -1: chunked */
};

void http_reply_stream(struct http_exchange *exchange,
                       int status,
                       const char *content_type,
                       const struct http_stream *stream);

/* Ends the connection without a reply; with `reset` by a TCP reset. */
void http_reply_abort(struct http_exchange *exchange, bool reset);

/*
 * Server-sent events (WHATWG HTML, 9.2): one source, many subscribers. Each subscriber has a queue
 * with a maximum; one that is too slow to empty it gets the event "dropped" as its last and must
 * come back. All functions are safe from any thread.
 */
struct http_events *http_events_new(size_t queue_events_max, size_t queue_bytes_max);

/* Ends all subscribers' streams. The memory goes with the last of them. NULL is fine. */
void http_events_free(struct http_events *events);

/* Sends `data` (text; line breaks are fine) to all subscribers as event `name`. Never blocks. */
void http_events_publish(struct http_events *events, const char *name, struct slice data);

size_t http_events_subscribers(struct http_events *events);
uint64_t http_events_dropped(struct http_events *events); /* subscribers dropped so far */

/* Makes this exchange a subscriber. `first_name` and `first_data` go to it before all others (a
 * snapshot; NULL for none), in the same moment as it subscribes. */
void http_reply_events(struct http_exchange *exchange,
                       struct http_events *events,
                       const char *first_name,
                       struct slice first_data);
