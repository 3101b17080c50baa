#include "broker/connection_internal.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "broker/dispatch.h"
#include "io/clock.h"

#include <arpa/inet.h>
#include <stdio.h>

#define FREE_FRAME_BYTES ((size_t) 16 * 1024) /* smaller frames are not charged to the budget */
#define PIPELINE_MAX     8                    /* produce requests under way at once           */

void connection_release_if_done(struct connection *connection)
{
    if (!connection->socket_gone || !list_empty(&connection->exchanges)) {
        return;
    }
    list_remove(&connection->link);
    connection->server->connection_count--;
    if (connection->spare != NULL) {
        exchange_free(connection->spare);
    }
    buffer_deinit(&connection->in);
    mem_free(connection);
}

void connection_give_back(struct server *server, size_t *charged)
{
    if (*charged == 0) {
        return;
    }
    budget_give(&server->memory, *charged);
    *charged = 0;
    struct list *link = list_pop(&server->starved);
    if (link != NULL) {
        connection_pump(CONTAINER_OF(link, struct connection, starved_link));
    }
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->socket_gone = true;
    connection_release_if_done(connection);
}

/* Ends what is parked; each may end others on its way. */
static void hurry(struct connection *connection)
{
    for (bool again = true; again;) {
        again = false;
        list_each (&connection->exchanges, link) {
            struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
            if (!exchange->ended && exchange->request.cancel != NULL) {
                exchange->request.cancel(&exchange->request);
                again = true;
                break;
            }
        }
    }
}

void connection_close(struct connection *connection)
{
    if (connection->closed) {
        return;
    }
    connection->closed = true;
    list_remove(&connection->starved_link);
    deadline_clear(&connection->server->loop->deadlines, &connection->idle);
    uv_close((uv_handle_t *) &connection->socket, on_socket_closed);
    hurry(connection);
    connection_give_back(connection->server, &connection->admitted);
}

void connection_drain(struct connection *connection)
{
    if (list_empty(&connection->exchanges)) {
        connection_close(connection);
    } else {
        hurry(connection);
    }
}

void connection_log_closing(struct connection *connection, const struct error *error)
{
    logline(LOG_WARN, "broker", "connection closed", LOG_STRING("peer", connection->peer),
            LOG_STRING("reason", error->message));
}

void connection_set_idle(struct connection *connection)
{
    deadline_set(&connection->server->loop->deadlines, &connection->idle,
                 clock_monotonic_us() + connection->server->config.idle_us);
}

/* Waiting for an answer is no idleness; not taking it is. */
static void on_idle(struct deadline *deadline)
{
    struct connection *connection = CONTAINER_OF(deadline, struct connection, idle);
    if (!connection->writing && !list_empty(&connection->exchanges)) {
        connection_set_idle(connection);
        return;
    }
    connection_close(connection);
}

/* --- reading --- */

static size_t next_frame_size(const struct connection *connection)
{
    const uint8_t *prefix = connection->in.data + connection->in_at;
    return (size_t) prefix[0] << 24 | (size_t) prefix[1] << 16 | (size_t) prefix[2] << 8 |
           prefix[3];
}

/* The frame's bytes become the exchange's: a large one usually fills the input alone, and is taken
 * without a copy. */
static void take_frame(struct connection *connection, struct exchange *exchange, size_t size)
{
    struct buffer *in = &connection->in;
    size_t whole = FRAME_PREFIX_BYTES + size;
    if (connection->in_at == 0 && in->size == whole && whole > READ_BYTES) {
        buffer_deinit(&exchange->frame);
        exchange->frame = *in;
        *in = BUFFER_INIT;
    } else {
        buffer_append(&exchange->frame, in->data + connection->in_at, whole);
        connection->in_at += whole;
    }
    exchange->charged = connection->admitted;
    connection->admitted = 0;
}

static void start_exchange(struct connection *connection, size_t size)
{
    struct exchange *exchange = exchange_take(connection);
    take_frame(connection, exchange, size);
    exchange->request = (struct request){
        .broker = connection->server->broker,
        .arena = &exchange->arena,
        .client_host = connection->peer,
        .on_end = exchange_on_end,
    };
    struct wire_reader reader = {exchange->frame.data + FRAME_PREFIX_BYTES,
                                 exchange->frame.data + FRAME_PREFIX_BYTES + size};
    struct error error = {0};
    if (request_dispatch(&exchange->request, &reader, &error) != STATUS_OK) {
        connection_log_closing(connection, &error);
        request_break(&exchange->request);
    }
}

/* A request starts when the one before it is answered. Only produce requests may follow each other
 * at once: they are appended in order, and then wait for the disk together. */
static bool may_start(const struct connection *connection)
{
    if (list_empty(&connection->exchanges)) {
        return true;
    }
    const struct exchange *last =
        CONTAINER_OF(connection->exchanges.previous, struct exchange, link);
    const uint8_t *frame = connection->in.data + connection->in_at;
    size_t available = connection->in.size - connection->in_at;
    int key = available < FRAME_PREFIX_BYTES + 2
                  ? -1
                  : frame[FRAME_PREFIX_BYTES] << 8 | frame[FRAME_PREFIX_BYTES + 1];
    return key == API_PRODUCE && last->request.header.api_key == API_PRODUCE &&
           connection->exchange_count < PIPELINE_MAX && !connection->writing;
}

/* Frames that are not small must fit the memory of all connections; else this one waits. */
static bool admit(struct connection *connection, size_t size)
{
    if (size <= FREE_FRAME_BYTES || connection->admitted > 0) {
        return true;
    }
    struct server *server = connection->server;
    if (budget_take(&server->memory, size, NULL) != STATUS_OK) {
        list_append(&server->starved, &connection->starved_link);
        return false;
    }
    connection->admitted = size;
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

/* Bytes that the frame which is coming in still lacks; 0: it is whole and waits for its turn. */
static size_t lacking(const struct connection *connection)
{
    size_t available = connection->in.size - connection->in_at;
    if (available < FRAME_PREFIX_BYTES) {
        return READ_BYTES;
    }
    size_t whole = FRAME_PREFIX_BYTES + next_frame_size(connection);
    return available >= whole ? 0 : whole - available;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void) suggested;
    struct connection *connection = handle->data;
    size_t wanted = lacking(connection);
    if (wanted == 0) {
        *ret_buffer = uv_buf_init(NULL, 0); /* libuv then reports UV_ENOBUFS, and we pause */
        return;
    }
    size_t room = wanted > READ_BYTES ? wanted : READ_BYTES;
    *ret_buffer = uv_buf_init((char *) buffer_reserve(&connection->in, room), (unsigned) room);
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
        connection_pump(connection);
    }
}

/* Starts the next request if it is here and its turn. */
static bool start_next(struct connection *connection)
{
    if (connection->in.size - connection->in_at < FRAME_PREFIX_BYTES) {
        return false;
    }
    size_t size = next_frame_size(connection);
    if (size > connection->server->config.request_bytes_max) {
        struct error error = {0};
        (void) error_set(&error, STATUS_LIMIT, "a request of %zu bytes is too large", size);
        connection_log_closing(connection, &error);
        connection_close(connection);
        return false;
    }
    if (!admit(connection, size)) {
        uv_read_stop((uv_stream_t *) &connection->socket);
        connection->paused = true;
        return false;
    }
    if (lacking(connection) > 0 || !may_start(connection)) {
        return false;
    }
    start_exchange(connection, size);
    return true;
}

void connection_pump(struct connection *connection)
{
    if (connection->pumping || connection->closed || !list_empty(&connection->starved_link)) {
        return;
    }
    connection->pumping = true;
    while (!connection->closed && start_next(connection)) {
    }
    connection->pumping = false;
    if (connection->closed) {
        return;
    }
    drop_done_input(connection);
    if (connection->paused && list_empty(&connection->starved_link) && lacking(connection) > 0) {
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
    list_init(&connection->exchanges);
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
    connection_set_idle(connection);
    uv_read_start(stream, on_allocate, on_read);
}

struct connection *connection_of(struct list *link)
{
    return CONTAINER_OF(link, struct connection, link);
}
