/* Start, stop, and the way of a request through libmicrohttpd. */

#include "base/memory.h"
#include "http/server_internal.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY_BYTES_MAX_DEFAULT  ((size_t) 16 << 20)
#define CONNECTIONS_MAX_DEFAULT 256
#define IDLE_SECONDS_DEFAULT    60
#define QUERIES_MAX             256
#define HEAD_BYTES_MAX          ((size_t) 64 << 10) /* request line and headers, and send buffer */
#define THREAD_STACK_BYTES      ((size_t) 1 << 20)
#define STREAM_PIECE_BYTES      ((size_t) 32 << 10)

/* A stream on its way out; belongs to libmicrohttpd's response. */
struct outflow {
    struct http_stream stream;
    struct buffer pending;
    size_t sent; /* of pending */
    bool ended;
};

static ssize_t outflow_read(void *context, uint64_t position, char *target, size_t max)
{
    (void) position;
    struct outflow *flow = context;
    while (flow->sent == flow->pending.size) {
        if (flow->ended) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        buffer_clear(&flow->pending);
        flow->sent = 0;
        if (flow->stream.next(flow->stream.context, &flow->pending, &flow->ended) != STATUS_OK) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    size_t left = flow->pending.size - flow->sent;
    size_t size = left < max ? left : max;
    memcpy(target, flow->pending.data + flow->sent, size);
    flow->sent += size;
    return (ssize_t) size;
}

static void outflow_free(void *context)
{
    struct outflow *flow = context;
    if (flow->stream.release != NULL) {
        flow->stream.release(flow->stream.context);
    }
    buffer_deinit(&flow->pending);
    mem_free(flow);
}

/* Moves the reply's body over into a response of libmicrohttpd. */
static struct MHD_Response *make_response(struct reply *reply)
{
    struct MHD_Response *response = NULL;
    if (reply->kind == REPLY_STREAM) {
        struct outflow *flow = mem_zalloc(sizeof(*flow));
        flow->stream = reply->stream;
        uint64_t size = flow->stream.size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t) flow->stream.size;
        response = MHD_create_response_from_callback(size, STREAM_PIECE_BYTES, outflow_read, flow,
                                                     outflow_free);
        if (response == NULL) {
            outflow_free(flow);
        }
        reply->kind = REPLY_NONE;
    } else if (reply->kind == REPLY_STATIC) {
        void *data = (void *) (uintptr_t) reply->borrowed.data; /* persistent: only read */
        response =
            MHD_create_response_from_buffer(reply->borrowed.size, data, MHD_RESPMEM_PERSISTENT);
    } else {
        response = MHD_create_response_from_buffer(reply->owned.size, reply->owned.data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response != NULL) {
            buffer_init(&reply->owned);
        }
    }
    return response;
}

static void reset_connection(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL) {
        const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        (void) setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
}

/* Hands the reply to libmicrohttpd; MHD_NO ends the connection. */
static enum MHD_Result send_reply(struct http_call *call)
{
    struct reply *reply = &call->reply;
    if (reply->kind == REPLY_ABORT) {
        if (reply->reset) {
            reset_connection(call->connection);
        }
        return MHD_NO;
    }
    if (reply->kind == REPLY_NONE) {
        reply->status = 204;
    }
    if (reply->endless) {
        (void) MHD_set_connection_option(call->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
    }
    const char *content_type = reply->content_type;
    unsigned status = (unsigned) reply->status;
    struct MHD_Response *response = make_response(reply);
    if (response == NULL) {
        return MHD_NO;
    }
    if (content_type != NULL) {
        (void) MHD_add_response_header(response, "Content-Type", content_type);
    }
    for (struct reply_header *header = call->headers; header != NULL; header = header->next) {
        (void) MHD_add_response_header(response, header->name, header->value);
    }
    if (atomic_load(&call->server->stopping) || call->too_large) {
        (void) MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result result = MHD_queue_response(call->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Whether the Host header names this server; `hosts` are without port. */
static bool host_is_allowed(const struct http_call *call)
{
    const struct http_server_config *config = &call->server->config;
    if (config->hosts == NULL) {
        return true;
    }
    const char *host = http_header(&call->exchange, "Host");
    if (host == NULL) {
        return false;
    }
    size_t size = strcspn(host, ":");
    if (*host == '[') {
        host++;
        size = strcspn(host, "]");
    }
    for (size_t i = 0; i < config->host_count; i++) {
        if (strlen(config->hosts[i]) == size && strncasecmp(config->hosts[i], host, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Splits the request target into path and query. */
static bool read_target(struct http_call *call, const char *uri)
{
    struct http_exchange *exchange = &call->exchange;
    if (strncasecmp(uri, "http://", 7) == 0) { /* absolute form, RFC 9112, 3.2.2 */
        uri += 7 + strcspn(uri + 7, "/?");
    }
    size_t size = strcspn(uri, "?");
    exchange->path = arena_string(&exchange->arena, slice_of(uri, size));
    exchange->query = arena_strdup(&exchange->arena, uri[size] == '?' ? uri + size + 1 : "");
    return uri[0] == '/' || strcmp(uri, "*") == 0;
}

static const char *peer_address(struct http_call *call)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char host[NI_MAXHOST] = "";
    if (info != NULL) {
        socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                  : sizeof(struct sockaddr_in);
        (void) getnameinfo(info->client_addr, size, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
    }
    return arena_strdup(&call->exchange.arena, host);
}

/* Called when the request line is there; makes the exchange. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_call *call = mem_zalloc(sizeof(*call));
    call->server = context;
    call->connection = connection;
    arena_init(&call->exchange.arena, 4096);
    if (!read_target(call, uri)) {
        call->exchange.path = NULL;
    }
    return call;
}

static void on_completed(void *context,
                         struct MHD_Connection *connection,
                         void **connection_context,
                         enum MHD_RequestTerminationCode reason)
{
    (void) connection;
    (void) reason;
    struct http_server *server = context;
    struct http_call *call = *connection_context;
    *connection_context = NULL;
    if (call == NULL) {
        return;
    }
    if (call->running) {
        (void) pthread_mutex_lock(&server->lock);
        server->requests--;
        if (server->requests == 0) {
            (void) pthread_cond_broadcast(&server->idle);
        }
        (void) pthread_mutex_unlock(&server->lock);
    }
    reply_clear(&call->reply);
    buffer_deinit(&call->body);
    buffer_deinit(&call->allow);
    arena_deinit(&call->exchange.arena);
    mem_free(call);
}

/* The headers are there: refuses what can be refused before the body comes. */
static enum MHD_Result begin(struct http_call *call, const char *method)
{
    struct http_exchange *exchange = &call->exchange;
    const struct http_server_config *config = &call->server->config;
    (void) pthread_mutex_lock(&call->server->lock);
    call->server->requests++;
    (void) pthread_mutex_unlock(&call->server->lock);
    call->running = true;
    exchange->method = strcmp(method, "HEAD") == 0 ? "GET" : arena_strdup(&exchange->arena, method);
    exchange->peer = peer_address(call);
    const char *length = http_header(exchange, "Content-Length");
    if (length != NULL && strtoull(length, NULL, 10) > config->body_bytes_max) {
        call->too_large = true;
        http_reply_message(exchange, 413,
                           "the request's body has %s bytes, more than the %zu allowed", length,
                           config->body_bytes_max);
        return send_reply(call);
    }
    if (!host_is_allowed(call)) {
        const char *host = http_header(exchange, "Host");
        call->too_large = length != NULL; /* the body is not read */
        http_reply_message(exchange, 421, "this server does not answer for the host \"%s\"",
                           host ? host : "");
        return send_reply(call);
    }
    return MHD_YES;
}

/* Keeps a piece of the body; of a body above the maximum, only its size up to a bound. */
static enum MHD_Result take_body(struct http_call *call, const char *data, size_t size)
{
    size_t max = call->server->config.body_bytes_max;
    if (!call->too_large && size <= max - call->body.size) {
        buffer_append(&call->body, data, size);
        return MHD_YES;
    }
    call->too_large = true;
    call->discarded_bytes += size;
    return call->discarded_bytes <= max + BODY_BYTES_MAX_DEFAULT ? MHD_YES : MHD_NO;
}

static void answer_without_handler(struct http_call *call, int status)
{
    struct http_exchange *exchange = &call->exchange;
    if (call->allow.size > 0) {
        http_reply_header(exchange, "Allow", buffer_string(&call->allow));
    }
    if (strcmp(exchange->method, "OPTIONS") == 0 && status == 405) {
        http_reply(exchange, 204, NULL, SLICE_EMPTY);
    } else if (status == 405) {
        http_reply_message(exchange, status, "the path \"%s\" has no method %s; it has %s",
                           exchange->path, exchange->method, buffer_string(&call->allow));
    } else {
        http_reply_message(exchange, status, "the path \"%s\" does not exist", exchange->path);
    }
}

/* The request is complete: runs hook and handler. */
static void answer(struct http_call *call)
{
    struct http_exchange *exchange = &call->exchange;
    const struct http_server_config *config = &call->server->config;
    exchange->body = buffer_slice(&call->body);
    if (call->too_large) {
        http_reply_message(exchange, 413, "the request's body has more than the %zu bytes allowed",
                           config->body_bytes_max);
        return;
    }
    int found = exchange->path == NULL ? 400 : route_find(call);
    if (found == 400 || !url_query_parse(exchange->query, QUERIES_MAX, &exchange->arena,
                                         &exchange->queries, &exchange->query_count)) {
        http_reply_message(exchange, 400, "the request's target is malformed");
        return;
    }
    if (config->before != NULL && config->before(exchange, config->context)) {
        return;
    }
    if (found != 200) {
        answer_without_handler(call, found);
        return;
    }
    struct error error = {0};
    enum status status = exchange->route->handle(exchange, config->context, &error);
    if (status != STATUS_OK) {
        reply_failure(call, http_status_of(status), &error);
    }
}

static enum MHD_Result on_request(void *context,
                                  struct MHD_Connection *connection,
                                  const char *url,
                                  const char *method,
                                  const char *version,
                                  const char *upload,
                                  size_t *upload_size,
                                  void **connection_context)
{
    (void) context;
    (void) connection;
    (void) url;
    (void) version;
    struct http_call *call = *connection_context;
    if (!call->begun) {
        call->begun = true;
        return begin(call, method);
    }
    if (*upload_size > 0) {
        size_t size = *upload_size;
        *upload_size = 0;
        return take_body(call, upload, size);
    }
    answer(call);
    return send_reply(call);
}

/* Paths are decoded after they were split at "/"; so libmicrohttpd must leave them alone. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text)
{
    (void) context;
    (void) connection;
    return strlen(text);
}

static struct http_server *server_new(const struct http_server_config *config)
{
    struct http_server *server = mem_zalloc(sizeof(*server));
    server->config = *config;
    if (server->config.body_bytes_max == 0) {
        server->config.body_bytes_max = BODY_BYTES_MAX_DEFAULT;
    }
    if (server->config.connections_max == 0) {
        server->config.connections_max = CONNECTIONS_MAX_DEFAULT;
    }
    if (server->config.idle_seconds == 0) {
        server->config.idle_seconds = IDLE_SECONDS_DEFAULT;
    }
    pthread_condattr_t attributes;
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&server->idle, &attributes);
    (void) pthread_condattr_destroy(&attributes);
    (void) pthread_mutex_init(&server->lock, NULL);
    return server;
}

static void server_free(struct http_server *server)
{
    (void) pthread_cond_destroy(&server->idle);
    (void) pthread_mutex_destroy(&server->lock);
    mem_free(server->address);
    mem_free(server);
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd)
{
    const struct http_server_config *config = &server->config;
    void *certificate = (void *) (uintptr_t) config->tls_certificate; /* only read */
    void *key = (void *) (uintptr_t) config->tls_key;
    static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ITC | (key != NULL ? MHD_USE_TLS : 0U),
        0, NULL, NULL, on_request, server, MHD_OPTION_ARRAY, key != NULL ? tls : none,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_encoded, NULL, MHD_OPTION_CONNECTION_LIMIT, config->connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, config->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        HEAD_BYTES_MAX, MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

enum status http_server_start(const struct http_server_config *config,
                              struct http_server **ret_server,
                              struct error *error)
{
    int fd = -1;
    if (config->tls_key != NULL && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        return error_set(error, STATUS_CONFIG,
                         "%s: the HTTP server of this leat was built without TLS", config->name);
    }
    TRY(listen_open(config, &fd, error));
    struct http_server *server = server_new(config);
    listen_name(server, fd);
    server->daemon = start_daemon(server, fd);
    if (server->daemon == NULL) {
        (void) close(fd);
        server_free(server);
        return error_set(error, config->tls_key != NULL ? STATUS_CONFIG : STATUS_INTERNAL,
                         "%s: could not start the server%s", config->name,
                         config->tls_key != NULL ? " with this certificate and key" : "");
    }
    *ret_server = server;
    return STATUS_OK;
}

void http_server_stop(struct http_server *server, int64_t deadline_us)
{
    if (server == NULL) {
        return;
    }
    atomic_store(&server->stopping, true);
    MHD_socket listening = MHD_quiesce_daemon(server->daemon);
    if (listening != MHD_INVALID_SOCKET) {
        (void) close(listening);
    }
    events_end_all(server);
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + deadline_us % 1000000 * 1000;
    until.tv_sec += deadline_us / 1000000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void) pthread_mutex_lock(&server->lock);
    while (server->requests > 0) {
        if (pthread_cond_timedwait(&server->idle, &server->lock, &until) != 0) {
            break;
        }
    }
    (void) pthread_mutex_unlock(&server->lock);
    MHD_stop_daemon(server->daemon);
    server_free(server);
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}
