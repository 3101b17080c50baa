/* What handlers call: reading the request and making the reply. */

#include "base/memory.h"
#include "http/server_internal.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

static const char *last_value(const struct http_pair *pairs, size_t count, const char *name)
{
    for (size_t i = count; i > 0; i--) {
        if (strcmp(pairs[i - 1].name, name) == 0) {
            return pairs[i - 1].value;
        }
    }
    return NULL;
}

const char *http_param(const struct http_exchange *exchange, const char *name)
{
    return last_value(exchange->params, exchange->param_count, name);
}

const char *http_query(const struct http_exchange *exchange, const char *name)
{
    return last_value(exchange->queries, exchange->query_count, name);
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    const struct http_call *call = (const struct http_call *) exchange;
    return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

const char *http_cookie(struct http_exchange *exchange, const char *name)
{
    const char *at = http_header(exchange, "Cookie");
    size_t name_size = strlen(name);
    while (at != NULL && *at != '\0') {
        at += strspn(at, "; \t");
        size_t size = strcspn(at, ";");
        if (size > name_size && at[name_size] == '=' && memcmp(at, name, name_size) == 0) {
            struct slice value = slice_of(at + name_size + 1, size - name_size - 1);
            return arena_string(&exchange->arena, value);
        }
        at += size;
    }
    return NULL;
}

bool http_stopping(const struct http_exchange *exchange)
{
    return atomic_load(&((const struct http_call *) exchange)->server->stopping);
}

void http_reply_header(struct http_exchange *exchange, const char *name, const char *value)
{
    struct http_call *call = call_of(exchange);
    struct reply_header *header = ARENA_NEW(&exchange->arena, struct reply_header);
    char *text = arena_strdup(&exchange->arena, value);
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char) *at < ' ' || *at == 0x7f) {
            *at = ' ';
        }
    }
    *header = (struct reply_header){.next = call->headers, .name = name, .value = text};
    call->headers = header;
}

void reply_clear(struct reply *reply)
{
    if (reply->kind == REPLY_STREAM && reply->stream.release != NULL) {
        reply->stream.release(reply->stream.context);
    }
    buffer_deinit(&reply->owned);
    *reply = (struct reply){.kind = REPLY_NONE};
}

static struct reply *
reply_begin(struct http_exchange *exchange, enum reply_kind kind, int status, const char *type)
{
    struct reply *reply = &call_of(exchange)->reply;
    reply_clear(reply);
    reply->kind = kind;
    reply->status = status;
    reply->content_type = type;
    return reply;
}

void http_reply(struct http_exchange *exchange,
                int status,
                const char *content_type,
                struct slice body)
{
    struct buffer copy = BUFFER_INIT;
    buffer_append_slice(&copy, body);
    http_reply_take(exchange, status, content_type, &copy);
}

void http_reply_json(struct http_exchange *exchange, int status, struct slice json)
{
    http_reply(exchange, status, "application/json", json);
}

void http_reply_static(struct http_exchange *exchange,
                       int status,
                       const char *content_type,
                       struct slice body)
{
    reply_begin(exchange, REPLY_STATIC, status, content_type)->borrowed = body;
}

void http_reply_take(struct http_exchange *exchange,
                     int status,
                     const char *content_type,
                     struct buffer *body)
{
    reply_begin(exchange, REPLY_OWNED, status, content_type)->owned = *body;
    buffer_init(body);
}

void http_reply_stream(struct http_exchange *exchange,
                       int status,
                       const char *content_type,
                       const struct http_stream *stream)
{
    reply_begin(exchange, REPLY_STREAM, status, content_type)->stream = *stream;
}

int http_reply_status(const struct http_exchange *exchange)
{
    const struct http_call *call = (const struct http_call *) exchange;
    return call->reply.kind == REPLY_NONE ? 204 : call->reply.status;
}

void http_reply_abort(struct http_exchange *exchange, bool reset)
{
    reply_begin(exchange, REPLY_ABORT, 0, NULL)->reset = reset;
}

void http_reply_error(struct http_exchange *exchange, int status, const struct error *error)
{
    struct buffer json = BUFFER_INIT;
    buffer_append_string(&json, "{\"error\":{\"status\":");
    buffer_append_json(&json, slice_of_string(status_name(error->status)));
    buffer_append_string(&json, ",\"message\":");
    buffer_append_json(&json, slice_of_string(error->message));
    if (error->hint[0] != '\0') {
        buffer_append_string(&json, ",\"hint\":");
        buffer_append_json(&json, slice_of_string(error->hint));
    }
    buffer_append_string(&json, "}}\n");
    http_reply_take(exchange, status, "application/json", &json);
}

/* The kind of failure that stands behind an HTTP status of ours. */
static enum status status_of_http(int status)
{
    static const struct {
        int http;
        enum status status;
    } rows[] = {
        {404, STATUS_NOT_FOUND}, {409, STATUS_CONFLICT},    {413, STATUS_LIMIT},
        {429, STATUS_AGAIN},     {503, STATUS_UNAVAILABLE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].http == status) {
            return rows[i].status;
        }
    }
    return status < 500 ? STATUS_USAGE : STATUS_INTERNAL;
}

void http_reply_message(struct http_exchange *exchange, int status, const char *format, ...)
{
    struct error error = {0};
    va_list arguments;
    va_start(arguments, format);
    (void) error_set_va(&error, status_of_http(status), format, arguments);
    va_end(arguments);
    reply_failure(call_of(exchange), status, &error);
}

void reply_failure(struct http_call *call, int status, const struct error *error)
{
    const struct http_server_config *config = &call->server->config;
    if (config->on_error != NULL) {
        config->on_error(&call->exchange, status, error, config->context);
    } else {
        http_reply_error(&call->exchange, status, error);
    }
}

int http_status_of(enum status status)
{
    static const int table[] = {
        [STATUS_OK] = 200,       [STATUS_FAILED] = 500,      [STATUS_USAGE] = 400,
        [STATUS_CONFIG] = 400,   [STATUS_DATA] = 400,        [STATUS_NOT_FOUND] = 404,
        [STATUS_CONFLICT] = 409, [STATUS_PROTOCOL] = 502,    [STATUS_IO] = 500,
        [STATUS_LIMIT] = 413,    [STATUS_UNAVAILABLE] = 503, [STATUS_AGAIN] = 503,
        [STATUS_CORRUPT] = 500,  [STATUS_CANCELLED] = 503,   [STATUS_INTERNAL] = 500,
    };
    return (size_t) status < ARRAY_SIZE(table) ? table[status] : 500;
}
