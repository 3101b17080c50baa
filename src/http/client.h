#pragma once

/*
 * An HTTP client over libcurl for one thread at a time: it keeps connections open between requests,
 * says of every failure what kind it was, and bounds whatever the other side can make large or
 * slow. It follows redirects itself, so that no secret travels to another host and every address is
 * checked after its name was resolved and before it is connected to.
 *
 *     struct http_reply reply;
 *     http_reply_init(&reply);
 *     struct http_request request = {.url = url, .timeouts = HTTP_TIMEOUTS_DEFAULT};
 *     TRY_OR_FAIL(http_request(client, &request, &reply, error));
 *     if (reply.status == 429) { wait for reply.retry_after_us ... }
 *
 * A reply of any HTTP status is a success of the call; what a 500 means is the caller's to say.
 * When a kept connection turns out to be closed before a byte of the reply came, libcurl asks once
 * more on a new one (RFC 9112, 9.3.1); nothing else is tried again here.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "http/url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct http_client;

struct http_client_config {
    const char *user_agent; /* NULL: "leat/VERSION" */
    const char *proxy;      /* "http://host:port"; NULL: none. The environment is not read. */

    /* Refuses private, loopback, link-local, multicast and other special addresses (RFC 6890) at
     * each connect; with it there can be no proxy. */
    bool refuse_private;
    const char *const *allow_hosts; /* names or addresses that refuse_private does not hold for */
    size_t allow_host_count;

    /* TLS. Certificates are verified unless `insecure`. Files are PEM; NULL takes the system's. */
    const char *ca_file;
    const char *certificate_file; /* of this client, with key_file */
    const char *key_file;
    bool insecure;
    const char *pin; /* "sha256//BASE64" of the server's public key (tls_files.h): it is that or no
                        connection, and nothing else of its certificate counts */

    bool http2; /* from the first byte on, without TLS too: what gRPC servers speak */
};

struct http_timeouts {     /* µs; 0 is none */
    int64_t connect_us;    /* resolving, connecting and TLS together                  */
    int64_t first_byte_us; /* from the request sent to the first byte of the reply    */
    int64_t idle_us;       /* between two pieces of the reply                         */
    int64_t total_us;      /* of the whole call, redirects included                   */
};

#define HTTP_TIMEOUTS_DEFAULT                                                                      \
    ((struct http_timeouts){10 * 1000000, 60 * 1000000, 30 * 1000000, 600 * (int64_t) 1000000})

struct http_request_header {
    const char *name;
    const char *value;
    bool secret; /* not sent to another host on a redirect; so are Authorization and Cookie */
};

struct http_request {
    const char *method; /* NULL: GET, or POST if there is a body */
    const char *url;    /* http or https */
    const struct http_request_header *headers;
    size_t header_count;
    struct slice body;
    struct http_timeouts timeouts;
    size_t body_bytes_max;     /* of the reply as it comes over the wire; 0: 64 MiB */
    size_t inflated_bytes_max; /* of the reply after gzip or deflate; 0: 256 MiB    */
    int redirects_max;         /* 0: a redirect is a reply like others              */
    const atomic_bool
        *cancel; /* another thread may set it; looked at 10 times a second; may be NULL */
};

/* What kind of failure it was, beyond the status of the error. */
enum http_failure {
    HTTP_OK = 0,
    HTTP_BAD_REQUEST,     /* the URL or a header is malformed (STATUS_CONFIG)             */
    HTTP_NOT_RESOLVED,    /* the host name has no address (STATUS_UNAVAILABLE)            */
    HTTP_NOT_CONNECTED,   /* refused or not reachable (STATUS_UNAVAILABLE)                */
    HTTP_TIMEOUT_CONNECT, /* the four time-outs (STATUS_UNAVAILABLE)                      */
    HTTP_TIMEOUT_FIRST_BYTE,
    HTTP_TIMEOUT_IDLE,
    HTTP_TIMEOUT_TOTAL,
    HTTP_TLS,              /* handshake or certificate (STATUS_UNAVAILABLE, not retriable) */
    HTTP_CLOSED,           /* the connection ended before a reply came (STATUS_UNAVAILABLE) */
    HTTP_TRUNCATED,        /* the body is shorter than announced (STATUS_PROTOCOL, retriable) */
    HTTP_PROTOCOL,         /* the reply is no HTTP, or its encoding broken (STATUS_PROTOCOL)  */
    HTTP_TOO_LARGE,        /* (STATUS_LIMIT)                                               */
    HTTP_ADDRESS_REFUSED,  /* refuse_private (STATUS_CONFIG)                               */
    HTTP_REDIRECT_REFUSED, /* too many, or from https to http (STATUS_PROTOCOL)            */
    HTTP_CANCELLED,        /* (STATUS_CANCELLED)                                           */
};

struct http_reply {
    enum http_failure failure;
    int status;
    struct buffer body;              /* inflated */
    const struct http_pair *headers; /* names in lower case; repeated ones joined with ", " */
    size_t header_count;
    const char *url;  /* that gave the reply, after redirects */
    const char *etag; /* NULL if absent, as the next */
    const char *last_modified;
    int64_t retry_after_us; /* from now; -1 if absent or not readable; a past date is 0 */
    int64_t duration_us;    /* of the whole call */
    size_t wire_bytes;      /* of the last body, as it came */
    struct arena arena;     /* holds the above */
};

void http_reply_init(struct http_reply *reply);
void http_reply_deinit(struct http_reply *reply);

MUST_USE enum status http_client_new(const struct http_client_config *config,
                                     struct http_client **ret_client,
                                     struct error *error);
void http_client_free(struct http_client *client); /* NULL is fine */

/* Sends a request and reads the reply; what `reply` held before is dropped, so the request must not
 * point into it. Neither header values
 * nor user info and query of the URL appear in errors. */
MUST_USE enum status http_request(struct http_client *client,
                                  const struct http_request *request,
                                  struct http_reply *reply,
                                  struct error *error);

/* NULL if absent. `name` in lower case. */
const char *http_reply_value(const struct http_reply *reply, const char *name);

/* The lower-case words for a failure, such as "first byte timeout", for logs and metrics. */
const char *http_failure_name(enum http_failure failure);

/* Seconds or an HTTP date (RFC 9110, 10.2.3) as µs from `now_us`; -1 if it is neither. */
int64_t http_retry_after_parse(const char *text, int64_t now_us);
