#include "broker/server.h"

#include "broker/connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

#define BACKLOG          512
#define ANSWER_BYTES_MIN ((size_t) 64 * 1024)

static void on_connection(uv_stream_t *socket, int failed)
{
    if (failed == 0) {
        connection_accept(socket->data);
    }
}

static enum status
resolve(const char *host, int port, struct sockaddr_storage *ret_address, struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed != 0) {
        return error_set(error, STATUS_CONFIG, "cannot listen on \"%s\": %s", host,
                         gai_strerror(failed));
    }
    memset(ret_address, 0, sizeof(*ret_address));
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (ret_address->ss_family == AF_INET) {
        ((struct sockaddr_in *) ret_address)->sin_port = htons((uint16_t) port);
    } else {
        ((struct sockaddr_in6 *) ret_address)->sin6_port = htons((uint16_t) port);
    }
    return STATUS_OK;
}

static enum status
bind_socket(struct server *server, const char *host, int port, int listen_fd, struct error *error)
{
    if (listen_fd >= 0) {
        int failed = uv_tcp_open(&server->socket, listen_fd);
        return failed == 0
                   ? STATUS_OK
                   : error_set_errno(error, -failed, "cannot listen on descriptor %d", listen_fd);
    }
    struct sockaddr_storage address;
    TRY(resolve(host, port, &address, error));
    int failed = uv_tcp_bind(&server->socket, (const struct sockaddr *) &address, 0);
    if (failed != 0) {
        (void) error_set_errno(error, -failed, "could not listen on %s:%d", host, port);
        if (error != NULL) {
            error->status = STATUS_UNAVAILABLE;
        }
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

static enum status listen_on(struct server *server, const char *host, int port, struct error *error)
{
    int failed = uv_listen((uv_stream_t *) &server->socket, BACKLOG, on_connection);
    if (failed == 0) {
        return STATUS_OK;
    }
    (void) error_set_errno(error, -failed, "could not listen on %s:%d", host, port);
    if (failed == UV_EADDRINUSE) {
        error_hint(error, "another program listens there; port 0 takes a free one");
    }
    if (error != NULL) {
        error->status = STATUS_UNAVAILABLE;
    }
    return STATUS_UNAVAILABLE;
}

enum status server_open(struct server *server,
                        struct broker *broker,
                        struct loop *loop,
                        const struct server_config *config,
                        const char *host,
                        int port,
                        int listen_fd,
                        struct error *error)
{
    *server = (struct server){.broker = broker, .loop = loop, .config = *config};
    list_init(&server->connections);
    list_init(&server->starved);
    budget_init(&server->memory, "broker requests", config->memory_bytes_max);
    uv_tcp_init(&loop->uv, &server->socket);
    server->socket.data = server;
    server->listening = true;
    enum status status = bind_socket(server, host, port, listen_fd, error);
    if (status == STATUS_OK) {
        status = listen_on(server, host, port, error);
    }
    if (status != STATUS_OK) {
        server_close(server);
    }
    return status;
}

void server_address(const struct server *server, char *ret_host, int *ret_port)
{
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    ret_host[0] = '\0';
    *ret_port = 0;
    if (uv_tcp_getsockname(&server->socket, (struct sockaddr *) &address, &size) != 0) {
        return;
    }
    (void) uv_ip_name((struct sockaddr *) &address, ret_host, 64);
    *ret_port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *) &address)->sin_port
                                                   : ((struct sockaddr_in6 *) &address)->sin6_port);
}

size_t server_answer_room(const struct server *server, size_t wanted)
{
    size_t limit = server->config.memory_bytes_max;
    size_t left = server->unsent_bytes < limit ? (limit - server->unsent_bytes) / 4 : 0;
    size_t room = left > ANSWER_BYTES_MIN ? left : ANSWER_BYTES_MIN;
    return wanted < room ? wanted : room;
}

static void stop_listening(struct server *server)
{
    if (server->listening) {
        server->listening = false;
        uv_close((uv_handle_t *) &server->socket, NULL);
    }
}

void server_drain(struct server *server)
{
    server->stopping = true;
    stop_listening(server);
    list_each (&server->connections, link) {
        connection_drain(connection_of(link));
    }
}

void server_close(struct server *server)
{
    server->stopping = true;
    stop_listening(server);
    list_each (&server->connections, link) {
        connection_close(connection_of(link));
    }
}

bool server_empty(const struct server *server)
{
    return list_empty(&server->connections);
}
