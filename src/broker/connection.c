#include "broker/connection.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "broker/api_table.h"
#include "broker/versions.h"
#include "io/clock.h"

#include <arpa/inet.h>
#include <stdio.h>

#define FRAME_PREFIX_BYTES 4
#define READ_BYTES         ((size_t) 16 * 1024)
#define KEEP_BYTES         ((size_t) 64 * 1024) /* memory an idle connection may keep          */
#define FREE_FRAME_BYTES   ((size_t) 16 * 1024) /* smaller frames are not charged to the budget */
#define REFERENCE_BYTES    ((size_t) 4 * 1024)  /* records from here on are not copied          */
#define DECODE_BYTES_MAX   ((size_t) 256 << 20) /* arrays of one request                        */

enum state {
    READING,
    HANDLING,
    WRITING,
    CLOSED
};

struct connection {
    struct list link;
    struct list starved_link;
    struct server *server;
    uv_tcp_t socket;
    uv_write_t write;
    enum state state;
    bool pumping;     /* connection_pump is on the stack                  */
    bool paused;      /* reading is stopped                               */
    bool socket_gone; /* the close callback ran                           */
    struct buffer in;
    size_t in_at;    /* bytes of `in` that are done with                 */
    size_t in_frame; /* bytes of the frame being handled, prefix included */
    size_t charged;  /* of the server's budget                           */
    struct arena arena;
    struct wire_output out;
    struct request request;
    struct deadline idle;
    char peer[INET6_ADDRSTRLEN];
};

static void pump(struct connection *connection);

static void release_if_done(struct connection *connection)
{
    if (!connection->socket_gone || connection->state != CLOSED) {
        return;
    }
    if (connection->request.api != NULL) {
        return; /* still being handled; its end comes back here */
    }
    list_remove(&connection->link);
    connection->server->connection_count--;
    arena_deinit(&connection->arena);
    buffer_deinit(&connection->in);
    wire_output_deinit(&connection->out);
    mem_free(connection);
}

static void give_back(struct connection *connection)
{
    struct server *server = connection->server;
    if (connection->charged == 0) {
        return;
    }
    budget_give(&server->memory, connection->charged);
    connection->charged = 0;
    struct list *link = list_pop(&server->starved);
    if (link != NULL) {
        pump(CONTAINER_OF(link, struct connection, starved_link));
    }
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->socket_gone = true;
    release_if_done(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CLOSED) {
        return;
    }
    connection->state = CLOSED;
    list_remove(&connection->starved_link);
    deadline_clear(&connection->server->loop->deadlines, &connection->idle);
    uv_close((uv_handle_t *) &connection->socket, on_socket_closed);
    struct request *request = &connection->request;
    if (request->api != NULL && request->cancel != NULL) {
        request->cancel(request);
    } else if (request->api == NULL) {
        give_back(connection);
    }
}

void connection_drain(struct connection *connection)
{
    struct request *request = &connection->request;
    if (connection->state == READING) {
        connection_close(connection);
    } else if (connection->state == HANDLING && request->cancel != NULL) {
        request->cancel(request);
    }
}

static void log_closing(struct connection *connection, const struct error *error)
{
    logline(LOG_WARN, "broker", "connection closed", LOG_STRING("peer", connection->peer),
            LOG_STRING("reason", error->message));
}

static void set_idle(struct connection *connection)
{
    deadline_set(&connection->server->loop->deadlines, &connection->idle,
                 clock_monotonic_us() + connection->server->config.idle_us);
}

static void on_idle(struct deadline *deadline)
{
    struct connection *connection = CONTAINER_OF(deadline, struct connection, idle);
    if (connection->state == HANDLING) {
        set_idle(connection); /* a parked request is no idleness */
        return;
    }
    connection_close(connection);
}

/* --- writing --- */

/* The request is over and its answer is out: back to reading. */
static void finish(struct connection *connection)
{
    connection->request.api = NULL;
    connection->in_at += connection->in_frame;
    connection->in_frame = 0;
    if (connection->arena.bytes_used > KEEP_BYTES) {
        arena_deinit(&connection->arena);
    } else {
        arena_reset(&connection->arena);
    }
    wire_output_clear(&connection->out);
    if (connection->out.bytes.capacity > KEEP_BYTES) {
        wire_output_deinit(&connection->out);
    }
    give_back(connection);
    if (connection->state == CLOSED) {
        release_if_done(connection);
        return;
    }
    connection->state = READING;
    if (connection->server->stopping) {
        connection_close(connection);
        return;
    }
    set_idle(connection);
    if (!connection->pumping) {
        pump(connection);
    }
}

static void on_written(uv_write_t *write, int failed)
{
    struct connection *connection = write->data;
    if (failed != 0) {
        connection_close(connection);
    }
    finish(connection);
}

/* The output as one list of runs of bytes, in order. */
static unsigned
output_runs(const struct wire_output *output, struct arena *arena, uv_buf_t **ret_runs)
{
    uv_buf_t *runs = ARENA_ARRAY(arena, uv_buf_t, 2 * output->reference_count + 1);
    unsigned count = 0;
    size_t at = 0;
    for (size_t i = 0; i <= output->reference_count; i++) {
        bool last = i == output->reference_count;
        size_t until = last ? output->bytes.size : output->references[i].at;
        if (until > at) {
            runs[count++] = uv_buf_init((char *) output->bytes.data + at, (unsigned) (until - at));
            at = until;
        }
        if (!last) {
            struct slice bytes = output->references[i].bytes;
            runs[count++] = uv_buf_init((char *) (uintptr_t) bytes.data, (unsigned) bytes.size);
        }
    }
    *ret_runs = runs;
    return count;
}

static void write_out(struct connection *connection)
{
    uv_buf_t *runs;
    unsigned count = output_runs(&connection->out, &connection->arena, &runs);
    uv_stream_t *stream = (uv_stream_t *) &connection->socket;
    int written = uv_try_write(stream, runs, count);
    if (written < 0 && written != UV_EAGAIN) {
        connection_close(connection);
        finish(connection);
        return;
    }
    size_t done = written < 0 ? 0 : (size_t) written;
    if (done == wire_output_size(&connection->out)) {
        finish(connection);
        return;
    }
    while (done >= runs->len) {
        done -= runs->len;
        runs++;
        count--;
    }
    runs->base += done;
    runs->len -= done;
    connection->state = WRITING;
    connection->write.data = connection;
    if (uv_write(&connection->write, stream, runs, count, on_written) != 0) {
        connection_close(connection);
        finish(connection);
    }
}

static enum status encode_response(struct connection *connection, struct error *error)
{
    const struct request *request = &connection->request;
    const struct wire_message *message = request->api->message;
    struct wire_output *out = &connection->out;
    bool flexible = wire_is_flexible(message, request->version);
    bool flexible_header = flexible && message->key != API_API_VERSIONS;
    buffer_append_be32(&out->bytes, 0);
    response_header_encode(request->header.correlation_id, flexible_header, &out->bytes);
    TRY(wire_encode(message->response, request->version, flexible, request->response, out, error));
    size_t size = wire_output_size(out) - FRAME_PREFIX_BYTES;
    if (size > INT32_MAX) {
        return error_set(error, STATUS_LIMIT, "a response of %zu bytes is too large", size);
    }
    for (int i = 0; i < FRAME_PREFIX_BYTES; i++) {
        out->bytes.data[i] = (uint8_t) (size >> (24 - 8 * i));
    }
    return STATUS_OK;
}

static void on_request_end(struct request *request, enum request_end end)
{
    struct connection *connection = CONTAINER_OF(request, struct connection, request);
    ASSERT(request->api != NULL);
    request->cancel = NULL;
    if (connection->state == CLOSED || end == REQUEST_SILENT) {
        finish(connection);
        return;
    }
    struct error error = {0};
    if (end == REQUEST_BROKEN) {
        connection_close(connection);
        finish(connection);
        return;
    }
    if (encode_response(connection, &error) != STATUS_OK) {
        error_context(&error, "%s", request->api->message->name);
        log_closing(connection, &error);
        connection_close(connection);
        finish(connection);
        return;
    }
    write_out(connection);
}

/* --- reading --- */

/* A known API in a version that we read, decoded; otherwise the connection has to go. */
static enum status
decode_request(struct connection *connection, struct wire_reader *reader, struct error *error)
{
    struct request *request = &connection->request;
    struct request_header *header = &request->header;
    TRY(request_header_decode(reader, header, error));
    const struct api *api = api_find(header->api_key);
    if (api == NULL) {
        return error_set(error, STATUS_PROTOCOL, "requests with key %d are not served",
                         header->api_key);
    }
    const struct wire_message *message = api->message;
    bool known =
        header->api_version >= message->version_min && header->api_version <= message->version_max;
    if (!known && message->key != API_API_VERSIONS) {
        return error_set(error, STATUS_PROTOCOL, "%s version %d is not served", message->name,
                         header->api_version);
    }
    request->version = header->api_version;
    request->body = arena_zalloc(&connection->arena, message->request->size);
    request->response = arena_zalloc(&connection->arena, message->response->size);
    request->api = api;
    if (!known) {
        versions_unsupported(request);
        return STATUS_OK;
    }
    bool flexible = wire_is_flexible(message, request->version);
    if (flexible && !wire_read_tags(reader)) {
        return error_set(error, STATUS_PROTOCOL, "the header's tagged fields are malformed");
    }
    enum status status = wire_decode(message->request, request->version, flexible, reader,
                                     DECODE_BYTES_MAX, &connection->arena, request->body, error);
    if (status != STATUS_OK) {
        error_context(error, "%s version %d", message->name, request->version);
        return status;
    }
    api->handle(request);
    return STATUS_OK;
}

static void handle_frame(struct connection *connection, const uint8_t *frame, size_t size)
{
    connection->state = HANDLING;
    connection->in_frame = FRAME_PREFIX_BYTES + size;
    connection->request = (struct request){
        .broker = connection->server->broker,
        .arena = &connection->arena,
        .client_host = connection->peer,
        .on_end = on_request_end,
    };
    struct wire_reader reader = {frame, frame + size};
    struct error error = {0};
    if (decode_request(connection, &reader, &error) != STATUS_OK) {
        connection->request.api = NULL;
        log_closing(connection, &error);
        connection_close(connection);
    }
}

static size_t next_frame_size(const struct connection *connection)
{
    const uint8_t *prefix = connection->in.data + connection->in_at;
    return (size_t) prefix[0] << 24 | (size_t) prefix[1] << 16 | (size_t) prefix[2] << 8 |
           prefix[3];
}

/* Frames that are not small must fit the memory of all connections; else this one waits. */
static bool admit(struct connection *connection, size_t size)
{
    if (size <= FREE_FRAME_BYTES || connection->charged > 0) {
        return true;
    }
    struct server *server = connection->server;
    if (budget_take(&server->memory, size, NULL) != STATUS_OK) {
        list_append(&server->starved, &connection->starved_link);
        return false;
    }
    connection->charged = size;
    return true;
}

static void drop_done_input(struct connection *connection)
{
    struct buffer *in = &connection->in;
    size_t left = in->size - connection->in_at;
    if (connection->in_at > 0 && left > 0) {
        memmove(in->data, in->data + connection->in_at, left);
    }
    in->size = left;
    connection->in_at = 0;
    if (left == 0 && in->capacity > KEEP_BYTES) {
        buffer_deinit(in);
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void) suggested;
    struct connection *connection = handle->data;
    if (connection->state != READING) {
        *ret_buffer = uv_buf_init(NULL, 0); /* libuv then reports UV_ENOBUFS, and we pause */
        return;
    }
    size_t room = READ_BYTES;
    if (connection->in.size >= FRAME_PREFIX_BYTES) {
        size_t wanted = FRAME_PREFIX_BYTES + next_frame_size(connection) - connection->in.size;
        room = wanted > room ? wanted : room;
    }
    char *target = (char *) buffer_reserve(&connection->in, room);
    *ret_buffer = uv_buf_init(target, (unsigned) room);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void) buffer;
    struct connection *connection = stream->data;
    if (size == UV_ENOBUFS) {
        uv_read_stop(stream);
        connection->paused = true;
    } else if (size < 0) {
        connection_close(connection);
    } else {
        connection->in.size += (size_t) size;
        /* Timers are late by a millisecond or two; what comes after a deadline must see it past. */
        deadlines_run(&connection->server->loop->deadlines, clock_monotonic_us());
        pump(connection);
    }
}

/* Handles complete frames until there is none, or one has to wait. */
static void pump(struct connection *connection)
{
    connection->pumping = true;
    while (connection->state == READING) {
        size_t available = connection->in.size - connection->in_at;
        if (available < FRAME_PREFIX_BYTES) {
            break;
        }
        size_t size = next_frame_size(connection);
        if (size > connection->server->config.request_bytes_max) {
            struct error error = {0};
            (void) error_set(&error, STATUS_LIMIT, "a request of %zu bytes is too large", size);
            log_closing(connection, &error);
            connection_close(connection);
            break;
        }
        if (!admit(connection, size)) {
            uv_read_stop((uv_stream_t *) &connection->socket);
            connection->paused = true;
            break;
        }
        if (available - FRAME_PREFIX_BYTES < size) {
            break;
        }
        handle_frame(connection, connection->in.data + connection->in_at + FRAME_PREFIX_BYTES,
                     size);
    }
    connection->pumping = false;
    if (connection->state != READING) {
        return;
    }
    drop_done_input(connection);
    if (connection->paused && list_empty(&connection->starved_link)) {
        connection->paused = false;
        uv_read_start((uv_stream_t *) &connection->socket, on_allocate, on_read);
    }
}

static void read_peer(struct connection *connection)
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    if (uv_tcp_getpeername(&connection->socket, (struct sockaddr *) &address, &size) == 0) {
        (void) uv_ip_name((struct sockaddr *) &address, connection->peer, sizeof(connection->peer));
    }
}

void connection_accept(struct server *server)
{
    struct connection *connection = mem_zalloc(sizeof(*connection));
    connection->server = server;
    connection->idle.expire = on_idle;
    connection->socket.data = connection;
    arena_init(&connection->arena, READ_BYTES);
    wire_output_init(&connection->out, REFERENCE_BYTES);
    list_init(&connection->starved_link);
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    uv_tcp_init(&server->loop->uv, &connection->socket);
    uv_stream_t *stream = (uv_stream_t *) &connection->socket;
    if (uv_accept((uv_stream_t *) &server->socket, stream) != 0 || server->stopping ||
        server->connection_count > server->config.connections_max) {
        connection_close(connection);
        return;
    }
    uv_tcp_nodelay(&connection->socket, 1);
    read_peer(connection);
    set_idle(connection);
    uv_read_start(stream, on_allocate, on_read);
}

struct connection *connection_of(struct list *link)
{
    return CONTAINER_OF(link, struct connection, link);
}
