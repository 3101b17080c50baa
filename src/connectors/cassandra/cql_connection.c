#include "connectors/cassandra/cql_connection.h"

#include "base/assert.h"
#include "base/memory.h"
#include "connectors/cassandra/cql_error.h"
#include "connectors/cassandra/cql_segment.h"
#include "io/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES  (256 * 1024)
#define LOOK_US     (100 * INT64_C(1000)) /* how often deadlines are looked at */
#define ORPHANS_MAX 1024                  /* streams whose answer nobody waits for any more */
#define IDLE_US     (30 * INT64_C(1000000))

enum state {
    CONNECTING,
    TLS,
    ASKING,
    STARTING,
    READY,
    FAILED
};

struct stream {
    cql_done done; /* NULL and taken: nobody waits any more */
    void *context;
    int64_t deadline_us;
    int32_t next_free;
    bool taken;
};

struct cql_connection {
    struct cql_connection_options options;
    enum state state;
    int fd;
    uint8_t version;
    bool segments; /* v5, behind the answer to STARTUP */
    struct cql_tls_channel *tls;
    struct buffer in;     /* from the socket (behind TLS) */
    struct buffer plain;  /* out of segments */
    struct buffer staged; /* whole envelopes that wait for a segment */
    struct buffer clear;  /* to TLS */
    struct buffer out;    /* to the socket */
    size_t sent;          /* of out */
    struct buffer body;   /* decompressed: valid during a callback */
    struct buffer packed; /* compressed, on its way out */
    struct stream *streams;
    int32_t free_stream;
    size_t in_flight, orphans;
    int64_t deadline_us; /* of the handshake */
    int64_t look_us;
    int64_t heard_us;
    struct error failure;
};

/* ---- the socket --------------------------------------------------------------------------------
 */

static enum status
unreachable(const struct net_address *address, const char *why, struct error *error)
{
    char text[NET_ADDRESS_BYTES];
    (void) error_set(error, STATUS_UNAVAILABLE, "could not reach Cassandra at %s: %s",
                     net_address_format(address, text), why);
    return STATUS_UNAVAILABLE;
}

static int begin_connect(const struct addrinfo *info)
{
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    if (connect(fd, info->ai_addr, info->ai_addrlen) == 0 || errno == EINPROGRESS) {
        return fd;
    }
    int error_number = errno;
    (void) close(fd);
    errno = error_number;
    return -1;
}

static enum status open_socket(struct cql_connection *connection, struct error *error)
{
    const struct net_address *address = &connection->options.address;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    (void) snprintf(service, sizeof(service), "%u", (unsigned) address->port);
    int failed = getaddrinfo(address->host, service, &wanted, &found);
    if (failed != 0) {
        return unreachable(address, gai_strerror(failed), error);
    }
    int fd = -1;
    for (const struct addrinfo *info = found; info != NULL && fd < 0; info = info->ai_next) {
        fd = begin_connect(info);
    }
    int error_number = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        return unreachable(address, strerror(error_number), error);
    }
    connection->fd = fd;
    connection->state = CONNECTING;
    connection->deadline_us =
        clock_monotonic_us() + connection->options.settings->connect_timeout_us;
    connection->heard_us = clock_monotonic_us();
    return STATUS_OK;
}

static void close_socket(struct cql_connection *connection)
{
    if (connection->fd >= 0) {
        (void) close(connection->fd);
    }
    cql_tls_close(connection->tls);
    connection->fd = -1;
    connection->tls = NULL;
    connection->segments = false;
    connection->sent = 0;
    buffer_clear(&connection->in);
    buffer_clear(&connection->plain);
    buffer_clear(&connection->staged);
    buffer_clear(&connection->clear);
    buffer_clear(&connection->out);
}

/* ---- streams -----------------------------------------------------------------------------------
 */

static void streams_init(struct cql_connection *connection)
{
    for (int32_t i = 0; i < CQL_STREAMS; i++) {
        connection->streams[i] = (struct stream){.next_free = i + 1 < CQL_STREAMS ? i + 1 : -1};
    }
    connection->free_stream = 0;
    connection->in_flight = 0;
    connection->orphans = 0;
}

static void stream_release(struct cql_connection *connection, int32_t id)
{
    struct stream *stream = &connection->streams[id];
    connection->orphans -= stream->done == NULL;
    connection->in_flight -= stream->done != NULL;
    *stream = (struct stream){.next_free = connection->free_stream};
    connection->free_stream = id;
}

static void fail_streams(struct cql_connection *connection, const struct error *reason)
{
    struct stream *waiting = mem_calloc(CQL_STREAMS, sizeof(*waiting));
    size_t count = 0;
    for (int32_t i = 0; i < CQL_STREAMS; i++) {
        if (connection->streams[i].taken && connection->streams[i].done != NULL) {
            waiting[count++] = connection->streams[i];
        }
    }
    streams_init(connection);
    for (size_t i = 0; i < count; i++) {
        waiting[i].done(waiting[i].context, NULL, reason);
    }
    mem_free(waiting);
}

void cql_connection_fail(struct cql_connection *connection, const struct error *reason)
{
    if (connection->state == FAILED) {
        return;
    }
    connection->state = FAILED;
    connection->failure = *reason;
    close_socket(connection);
    fail_streams(connection, &connection->failure);
}

static void fail_with(struct cql_connection *connection, struct error *error)
{
    char text[NET_ADDRESS_BYTES];
    if (error->status != STATUS_CONFIG) { /* a broken connection is worth another one */
        error->retriable = true;
    }
    if (strstr(error->message, "could not reach") == NULL) {
        error_context(error, "Cassandra at %s",
                      net_address_format(&connection->options.address, text));
    }
    cql_connection_fail(connection, error);
}

/* ---- sending -----------------------------------------------------------------------------------
 */

/* Whole envelopes become a segment. */
static void close_segment(struct cql_connection *connection, struct buffer *target)
{
    if (connection->staged.size > 0) {
        cql_segment_write(buffer_slice(&connection->staged), connection->options.settings->lz4,
                          target);
        buffer_clear(&connection->staged);
    }
}

static void append_envelope(struct buffer *target, struct cql_header *header, struct slice body)
{
    header->length = (uint32_t) body.size;
    cql_header_write(header, buffer_reserve(target, CQL_HEADER_BYTES));
    target->size += CQL_HEADER_BYTES;
    buffer_append_slice(target, body);
}

static void
queue_envelope(struct cql_connection *connection, uint8_t opcode, int16_t stream, struct slice body)
{
    struct cql_header header = {.version = connection->version, .stream = stream, .opcode = opcode};
    struct buffer *wire = connection->tls != NULL ? &connection->clear : &connection->out;
    if (connection->segments) {
        if (connection->staged.size + CQL_HEADER_BYTES + body.size > CQL_SEGMENT_BYTES_MAX) {
            close_segment(connection, wire);
        }
        append_envelope(&connection->staged, &header, body);
        return;
    }
    bool packed = connection->options.settings->lz4 && connection->state == READY && body.size > 0;
    if (packed) {
        buffer_clear(&connection->packed);
        cql_lz4_body_write(body, &connection->packed);
        header.flags = CQL_FLAG_COMPRESSED;
        body = buffer_slice(&connection->packed);
    }
    append_envelope(wire, &header, body);
}

bool cql_connection_send(struct cql_connection *connection,
                         uint8_t opcode,
                         struct slice body,
                         int64_t timeout_us,
                         cql_done done,
                         void *context)
{
    int32_t id = connection->free_stream;
    if (connection->state != READY || id < 0) {
        return false;
    }
    struct stream *stream = &connection->streams[id];
    connection->free_stream = stream->next_free;
    *stream = (struct stream){.done = done,
                              .context = context,
                              .deadline_us = clock_monotonic_us() + timeout_us,
                              .taken = true};
    connection->in_flight++;
    queue_envelope(connection, opcode, (int16_t) id, body);
    return true;
}

static enum status write_out(struct cql_connection *connection, struct error *error)
{
    struct buffer *out = &connection->out;
    while (connection->sent < out->size) {
        ssize_t sent = send(connection->fd, out->data + connection->sent,
                            out->size - connection->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return STATUS_OK;
        }
        if (sent < 0) {
            return error_set(error, STATUS_UNAVAILABLE, "the connection broke: %s",
                             strerror(errno));
        }
        connection->sent += (size_t) sent;
    }
    buffer_clear(out);
    connection->sent = 0;
    return STATUS_OK;
}

void cql_connection_flush(struct cql_connection *connection)
{
    struct error error;
    enum status status = STATUS_OK;
    if (connection->state == FAILED || connection->state == CONNECTING) {
        return;
    }
    bool tls = connection->tls != NULL;
    close_segment(connection, tls ? &connection->clear : &connection->out);
    if (tls && cql_tls_ready(connection->tls) && connection->clear.size > 0) {
        status = cql_tls_send(connection->tls, buffer_slice(&connection->clear), &connection->out,
                              &error);
        buffer_clear(&connection->clear);
    }
    if (status == STATUS_OK) {
        status = write_out(connection, &error);
    }
    if (status != STATUS_OK) {
        fail_with(connection, &error);
    }
}

/* ---- the handshake -----------------------------------------------------------------------------
 */

static void write_pair(struct buffer *target, const char *name, const char *value)
{
    cql_write_string(target, slice_of_string(name));
    cql_write_string(target, slice_of_string(value));
}

static void send_startup(struct cql_connection *connection)
{
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    bool lz4 = connection->options.settings->lz4;
    buffer_append_be16(&body, lz4 ? 4 : 3);
    write_pair(&body, "CQL_VERSION", "3.0.0");
    write_pair(&body, "DRIVER_NAME", "leat");
    write_pair(&body, "DRIVER_VERSION", "1");
    if (lz4) {
        write_pair(&body, "COMPRESSION", "lz4");
    }
    connection->state = STARTING;
    queue_envelope(connection, CQL_STARTUP, 0, buffer_slice(&body));
}

static enum status send_password(struct cql_connection *connection, struct error *error)
{
    const struct cql_settings *settings = connection->options.settings;
    if (settings->user == NULL) {
        (void) error_set(error, STATUS_CONFIG, "the server asks for a user and a password");
        error_hint(error, "put them into the storage URL: cassandra://USER:PASSWORD@HOST:PORT");
        return STATUS_CONFIG;
    }
    struct buffer token CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&token, 0); /* SASL PLAIN (RFC 4616), without another identity */
    buffer_append_string(&token, settings->user);
    buffer_append_byte(&token, 0);
    buffer_append_string(&token, settings->password);
    cql_write_long_string(&body, buffer_slice(&token));
    queue_envelope(connection, CQL_AUTH_RESPONSE, 0, buffer_slice(&body));
    return STATUS_OK;
}

/* SUPPORTED: a multimap of strings; does one have the value? */
static bool supports(struct slice body, const char *name, const char *value)
{
    struct cql_reader reader = cql_reader_of(body);
    bool found = false;
    uint32_t count = cql_read_count(&reader, cql_read_short(&reader), 4);
    for (uint32_t i = 0; i < count; i++) {
        bool wanted = slice_equal_string(cql_read_string(&reader), name);
        uint32_t values = cql_read_count(&reader, cql_read_short(&reader), 2);
        for (uint32_t j = 0; j < values; j++) {
            found |= wanted & slice_equal_string(cql_read_string(&reader), value);
        }
    }
    return found && !reader.failed;
}

static enum status
on_refusal(struct cql_connection *connection, struct slice body, struct error *error)
{
    struct cql_refusal refusal;
    cql_error_read(body, &refusal, error);
    bool version = refusal.code == CQL_PROTOCOL_ERROR && connection->version > CQL_V4 &&
                   strstr(error->message, "unsupported protocol version") != NULL;
    if (!version) {
        return error->status;
    }
    connection->version = CQL_V4;
    close_socket(connection);
    return open_socket(connection, error);
}

static enum status on_handshake(struct cql_connection *connection,
                                const struct cql_header *header,
                                struct slice body,
                                struct error *error)
{
    if (header->opcode == CQL_ERROR) {
        return on_refusal(connection, body, error);
    }
    if (connection->state == ASKING && header->opcode == CQL_SUPPORTED) {
        if (connection->options.settings->lz4 && !supports(body, "COMPRESSION", "lz4")) {
            return error_set(error, STATUS_CONFIG, "the server does not offer LZ4 compression");
        }
        send_startup(connection);
        return STATUS_OK;
    }
    if (connection->state == STARTING) {
        connection->segments = connection->version >= CQL_V5;
        switch (header->opcode) {
        case CQL_AUTHENTICATE:
            return send_password(connection, error);
        case CQL_READY:
        case CQL_AUTH_SUCCESS:
            connection->state = READY;
            return STATUS_OK;
        default:
            break;
        }
    }
    return error_set(error, STATUS_PROTOCOL, "a message of kind %u stands where none may",
                     header->opcode);
}

static enum status on_connected(struct cql_connection *connection, struct error *error)
{
    int error_number = 0;
    socklen_t size = sizeof(error_number);
    (void) getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error_number, &size);
    if (error_number != 0) {
        return unreachable(&connection->options.address, strerror(error_number), error);
    }
    if (connection->options.tls != NULL) {
        connection->state = TLS;
        TRY(cql_tls_open(connection->options.tls, connection->options.address.host,
                         &connection->tls, error));
        return cql_tls_receive(connection->tls, SLICE_EMPTY, &connection->in, &connection->out,
                               error);
    }
    connection->state = ASKING;
    queue_envelope(connection, CQL_OPTIONS, 0, SLICE_EMPTY);
    return STATUS_OK;
}

/* ---- receiving ---------------------------------------------------------------------------------
 */

/* Tracing id, warnings and payload come before the message itself. */
static enum status strip(uint8_t flags, struct slice *body, struct error *error)
{
    struct cql_reader reader = cql_reader_of(*body);
    if ((flags & CQL_FLAG_TRACING) != 0) {
        (void) cql_read_raw(&reader, 16);
    }
    if ((flags & CQL_FLAG_WARNING) != 0) {
        for (uint32_t i = cql_read_count(&reader, cql_read_short(&reader), 2); i > 0; i--) {
            (void) cql_read_string(&reader);
        }
    }
    if ((flags & CQL_FLAG_PAYLOAD) != 0) {
        for (uint32_t i = cql_read_count(&reader, cql_read_short(&reader), 6); i > 0; i--) {
            struct slice value;
            (void) cql_read_string(&reader);
            (void) cql_read_bytes(&reader, &value);
        }
    }
    *body = slice_of(reader.at, reader.left);
    return cql_reader_check(&reader, "what stands before a message", error);
}

static enum status on_envelope(struct cql_connection *connection,
                               const struct cql_header *header,
                               struct slice body,
                               struct error *error)
{
    if (!header->answer) {
        return error_set(error, STATUS_PROTOCOL, "the server sent a request");
    }
    if ((header->flags & CQL_FLAG_COMPRESSED) != 0 && !connection->segments) {
        buffer_clear(&connection->body);
        TRY(cql_lz4_body_read(body, &connection->body, error));
        body = buffer_slice(&connection->body);
    }
    TRY(strip(header->flags, &body, error));
    if (connection->state != READY) {
        return on_handshake(connection, header, body, error);
    }
    if (header->stream == CQL_STREAM_OF_EVENTS) {
        if (header->opcode == CQL_EVENT && connection->options.on_event != NULL) {
            connection->options.on_event(connection->options.context, body);
        }
        return STATUS_OK;
    }
    if (header->stream < 0 || header->stream >= CQL_STREAMS ||
        !connection->streams[header->stream].taken) {
        return error_set(error, STATUS_PROTOCOL, "an answer for stream %d, which asked nothing",
                         header->stream);
    }
    struct stream stream = connection->streams[header->stream];
    stream_release(connection, header->stream);
    if (stream.done != NULL) {
        struct cql_answer answer = {header->version, header->opcode, body};
        stream.done(stream.context, &answer, NULL);
    }
    return STATUS_OK;
}

static void drop_front(struct buffer *buffer, size_t size)
{
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer->size -= size;
}

/* All whole envelopes in `from`. A handshake may begin anew, which empties the buffers. */
static enum status
read_envelopes(struct cql_connection *connection, struct buffer *from, struct error *error)
{
    size_t at = 0;
    enum status status = STATUS_OK;
    bool segments = connection->segments;
    while (status == STATUS_OK && from->size - at >= CQL_HEADER_BYTES &&
           segments == connection->segments) {
        struct cql_header header;
        status = cql_header_read(from->data + at, &header, error);
        if (status != STATUS_OK || from->size - at - CQL_HEADER_BYTES < header.length) {
            break;
        }
        struct slice body = slice_of(from->data + at + CQL_HEADER_BYTES, header.length);
        at += CQL_HEADER_BYTES + header.length;
        status = on_envelope(connection, &header, body, error);
        if (connection->state == FAILED || connection->state == CONNECTING) {
            return status;
        }
    }
    if (at > 0) {
        drop_front(from, at);
    }
    return status;
}

static enum status read_segments(struct cql_connection *connection, struct error *error)
{
    size_t at = 0;
    size_t used;
    bool lz4 = connection->options.settings->lz4;
    do {
        struct slice rest = slice_of(connection->in.data + at, connection->in.size - at);
        TRY(cql_segment_read(rest, lz4, &connection->plain, &used, error));
        at += used;
    } while (used > 0);
    if (at > 0) {
        drop_front(&connection->in, at);
    }
    return read_envelopes(connection, &connection->plain, error);
}

static enum status digest(struct cql_connection *connection, struct error *error)
{
    if (!connection->segments) {
        TRY(read_envelopes(connection, &connection->in, error));
    }
    return connection->segments ? read_segments(connection, error) : STATUS_OK;
}

static enum status
receive_tls(struct cql_connection *connection, struct slice bytes, struct error *error)
{
    TRY(cql_tls_receive(connection->tls, bytes, &connection->in, &connection->out, error));
    if (connection->state == TLS && cql_tls_ready(connection->tls)) {
        connection->state = ASKING;
        queue_envelope(connection, CQL_OPTIONS, 0, SLICE_EMPTY);
    }
    return STATUS_OK;
}

static enum status read_in(struct cql_connection *connection, struct error *error)
{
    static _Thread_local uint8_t raw[READ_BYTES]; /* for TLS: encrypted bytes on their way */
    bool tls = connection->tls != NULL;
    uint8_t *target = tls ? raw : buffer_reserve(&connection->in, READ_BYTES);
    ssize_t got = recv(connection->fd, target, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return STATUS_OK;
    }
    if (got <= 0) {
        return error_set(error, STATUS_UNAVAILABLE, "the connection broke: %s",
                         got == 0 ? "the server closed it" : strerror(errno));
    }
    connection->heard_us = clock_monotonic_us();
    if (tls) {
        TRY(receive_tls(connection, slice_of(raw, (size_t) got), error));
    } else {
        connection->in.size += (size_t) got;
    }
    return digest(connection, error);
}

/* ---- time --------------------------------------------------------------------------------------
 */

static void
on_heartbeat(void *context, const struct cql_answer *answer, const struct error *failure)
{
    (void) context;
    (void) answer;
    (void) failure;
}

static enum status look_at_time(struct cql_connection *connection, struct error *error)
{
    int64_t now_us = clock_monotonic_us();
    if (connection->state != READY && now_us > connection->deadline_us) {
        return unreachable(&connection->options.address, "it does not answer in time", error);
    }
    if (now_us < connection->look_us || connection->state != READY) {
        return STATUS_OK;
    }
    connection->look_us = now_us + LOOK_US;
    for (int32_t i = 0; i < CQL_STREAMS && connection->in_flight > 0; i++) {
        struct stream *stream = &connection->streams[i];
        if (!stream->taken || stream->done == NULL || now_us < stream->deadline_us) {
            continue;
        }
        cql_done done = stream->done;
        stream->done = NULL; /* the id stays taken until the answer comes */
        connection->in_flight--;
        connection->orphans++;
        (void) error_set(error, STATUS_AGAIN, "a request was not answered in time");
        done(stream->context, NULL, error);
    }
    if (connection->orphans > ORPHANS_MAX) {
        return error_set(error, STATUS_UNAVAILABLE, "%zu requests were not answered in time",
                         connection->orphans);
    }
    if (now_us - connection->heard_us > IDLE_US && connection->in_flight == 0) {
        connection->heard_us = now_us; /* a connection that died unheard shows it now */
        (void) cql_connection_send(connection, CQL_OPTIONS, SLICE_EMPTY,
                                   connection->options.settings->request_timeout_us, on_heartbeat,
                                   NULL);
    }
    return STATUS_OK;
}

/* ---- life --------------------------------------------------------------------------------------
 */

enum status cql_connection_open(const struct cql_connection_options *options,
                                struct cql_connection **ret_connection,
                                struct error *error)
{
    struct cql_connection *connection = mem_zalloc(sizeof(*connection));
    connection->options = *options;
    connection->version = options->settings->protocol;
    connection->fd = -1;
    connection->streams = mem_calloc(CQL_STREAMS, sizeof(*connection->streams));
    streams_init(connection);
    enum status status = open_socket(connection, error);
    if (status != STATUS_OK) {
        cql_connection_close(connection);
        return status;
    }
    *ret_connection = connection;
    return STATUS_OK;
}

void cql_connection_close(struct cql_connection *connection)
{
    struct error closed;
    if (connection == NULL) {
        return;
    }
    (void) error_set(&closed, STATUS_CANCELLED, "the connection was closed");
    cql_connection_fail(connection, &closed);
    buffer_deinit(&connection->in);
    buffer_deinit(&connection->plain);
    buffer_deinit(&connection->staged);
    buffer_deinit(&connection->clear);
    buffer_deinit(&connection->out);
    buffer_deinit(&connection->body);
    buffer_deinit(&connection->packed);
    mem_free(connection->streams);
    mem_free(connection);
}

void cql_connection_work(struct cql_connection *connection, short happened)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    if (connection->state == FAILED) {
        return;
    }
    if (connection->state == CONNECTING && happened != 0) {
        status = on_connected(connection, &error);
    } else if ((happened & (POLLIN | POLLERR | POLLHUP)) != 0) {
        status = read_in(connection, &error);
    }
    if (status == STATUS_OK && connection->state != FAILED) {
        status = look_at_time(connection, &error);
    }
    if (status != STATUS_OK) {
        fail_with(connection, &error);
        return;
    }
    cql_connection_flush(connection);
}

bool cql_connection_ready(const struct cql_connection *connection)
{
    return connection->state == READY;
}

const struct error *cql_connection_failure(const struct cql_connection *connection)
{
    return connection->state == FAILED ? &connection->failure : NULL;
}

uint8_t cql_connection_version(const struct cql_connection *connection)
{
    return connection->version;
}

int cql_connection_fd(const struct cql_connection *connection)
{
    return connection->fd;
}

short cql_connection_events(const struct cql_connection *connection)
{
    bool writes = connection->state == CONNECTING || connection->sent < connection->out.size;
    return (short) (POLLIN | (writes ? POLLOUT : 0));
}

size_t cql_connection_in_flight(const struct cql_connection *connection)
{
    return connection->in_flight;
}
