#include "broker/connection_internal.h"

#include "base/assert.h"
#include "base/memory.h"
#include "broker/dispatch.h"

#define REFERENCE_BYTES ((size_t) 4 * 1024) /* records from here on are not copied */

void exchange_free(struct exchange *exchange)
{
    arena_deinit(&exchange->arena);
    buffer_deinit(&exchange->frame);
    wire_output_deinit(&exchange->out);
    mem_free(exchange);
}

struct exchange *exchange_take(struct connection *connection)
{
    struct exchange *exchange = connection->spare;
    connection->spare = NULL;
    if (exchange == NULL) {
        exchange = mem_zalloc(sizeof(*exchange));
        exchange->connection = connection;
        arena_init(&exchange->arena, READ_BYTES);
        wire_output_init(&exchange->out, REFERENCE_BYTES);
    }
    exchange->ended = false;
    list_append(&connection->exchanges, &exchange->link);
    connection->exchange_count++;
    return exchange;
}

static void finish_exchange(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    struct server *server = connection->server;
    size_t charged = exchange->charged;
    server->unsent_bytes -= exchange->unsent;
    exchange->unsent = 0;
    list_remove(&exchange->link);
    connection->exchange_count--;
    bool small = exchange->arena.bytes_used <= KEEP_BYTES &&
                 exchange->out.bytes.capacity <= KEEP_BYTES &&
                 exchange->frame.capacity <= KEEP_BYTES;
    if (connection->spare == NULL && small) {
        exchange->charged = 0;
        arena_reset(&exchange->arena);
        wire_output_clear(&exchange->out);
        buffer_clear(&exchange->frame);
        connection->spare = exchange;
    } else {
        exchange_free(exchange);
    }
    connection_give_back(server, &charged);
}

/* --- writing --- */

static void flush(struct connection *connection);

static void on_written(uv_write_t *write, int failed)
{
    struct connection *connection = write->data;
    connection->writing = false;
    finish_exchange(CONTAINER_OF(connection->exchanges.next, struct exchange, link));
    if (failed != 0) {
        connection_close(connection);
    }
    flush(connection);
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

/* Whether all of it went at once; otherwise on_written follows, or the connection is closed. */
static bool write_out(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    uv_buf_t *runs;
    unsigned count = output_runs(&exchange->out, &exchange->arena, &runs);
    uv_stream_t *stream = (uv_stream_t *) &connection->socket;
    int written = uv_try_write(stream, runs, count);
    if (written < 0 && written != UV_EAGAIN) {
        connection_close(connection);
        return false;
    }
    size_t done = written < 0 ? 0 : (size_t) written;
    if (done == wire_output_size(&exchange->out)) {
        return true;
    }
    while (done >= runs->len) {
        done -= runs->len;
        runs++;
        count--;
    }
    runs->base += done;
    runs->len -= done;
    connection->write.data = connection;
    connection->writing = true;
    exchange->unsent = wire_output_size(&exchange->out);
    connection->server->unsent_bytes += exchange->unsent;
    if (uv_write(&connection->write, stream, runs, count, on_written) != 0) {
        connection->writing = false;
        connection_close(connection);
    }
    return false;
}

/* Sends what an ended exchange has to say. True: it is over. */
static bool send_end(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    struct error error = {0};
    if (connection->closed || exchange->end == REQUEST_SILENT) {
        return true;
    }
    if (exchange->end == REQUEST_BROKEN) {
        connection_close(connection);
        return true;
    }
    if (response_encode(&exchange->request, &exchange->out, &error) != STATUS_OK) {
        error_context(&error, "%s", exchange->request.api->message->name);
        connection_log_closing(connection, &error);
        connection_close(connection);
        return true;
    }
    return write_out(exchange) || (connection->closed && !connection->writing);
}

/* Answers, in order, what has ended; then there may be room for more requests. */
static void flush(struct connection *connection)
{
    if (connection->flushing) {
        return;
    }
    connection->flushing = true;
    bool any = false;
    while (!connection->writing && !list_empty(&connection->exchanges)) {
        struct exchange *first = CONTAINER_OF(connection->exchanges.next, struct exchange, link);
        if (!first->ended || !send_end(first)) {
            break;
        }
        finish_exchange(first);
        any = true;
    }
    connection->flushing = false;
    if (connection->closed) {
        connection_release_if_done(connection);
        return;
    }
    if (connection->server->stopping && list_empty(&connection->exchanges)) {
        connection_close(connection);
        return;
    }
    if (any) {
        connection_set_idle(connection);
    }
    if (!connection->pumping) {
        connection_pump(connection);
    }
}

void exchange_on_end(struct request *request, enum request_end end)
{
    struct exchange *exchange = CONTAINER_OF(request, struct exchange, request);
    ASSERT(!exchange->ended);
    request->cancel = NULL;
    exchange->ended = true;
    exchange->end = end;
    flush(exchange->connection);
}
