#pragma once

/* Talking to a server, or being one, byte by byte: for what a well-behaved library never sends. */

#include "base/buffer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline int raw_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    return fd;
}

static inline void raw_send(int fd, const void *data, size_t size)
{
    (void) send(fd, data, size, MSG_NOSIGNAL);
}

/* Reads until the peer closes, or until `stop` was seen. */
static inline void raw_receive(int fd, struct buffer *target, const char *stop)
{
    for (;;) {
        ssize_t got = recv(fd, buffer_reserve(target, 4096), 4096, 0);
        if (got <= 0) {
            return;
        }
        target->size += (size_t) got;
        if (stop != NULL && strstr(buffer_string(target), stop) != NULL) {
            return;
        }
    }
}

/* Sends a request on a connection of its own and returns all that comes back. */
static inline struct buffer raw_ask(uint16_t port, const void *data, size_t size)
{
    struct buffer answer = BUFFER_INIT;
    int fd = raw_connect(port);
    raw_send(fd, data, size);
    (void) shutdown(fd, SHUT_WR);
    raw_receive(fd, &answer, NULL);
    (void) close(fd);
    (void) buffer_string(&answer);
    return answer;
}

/* A server that answers each connection with fixed bytes, whatever is asked. */
struct raw_server {
    int listening;
    uint16_t port;
    pthread_t thread;
    struct slice answer;
    bool silent;  /* after the answer, keep the connection open until the client leaves */
    bool reset;   /* end the connection by a reset */
    int requests; /* seen so far */
};

static inline void *raw_server_run(void *context)
{
    struct raw_server *server = context;
    for (;;) {
        int fd = accept(server->listening, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        struct buffer request = BUFFER_INIT;
        raw_receive(fd, &request, "\r\n\r\n");
        server->requests++;
        raw_send(fd, server->answer.data, server->answer.size);
        if (server->silent) {
            raw_receive(fd, &request, NULL);
        }
        if (server->reset) {
            const struct linger now = {1, 0};
            (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        }
        buffer_deinit(&request);
        (void) close(fd);
    }
}

static inline void raw_server_start(struct raw_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listening, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(server->listening, 16), 0);
    (void) getsockname(server->listening, (struct sockaddr *) &address, &size);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, raw_server_run, server), 0);
}

static inline void raw_server_stop(struct raw_server *server)
{
    (void) shutdown(server->listening, SHUT_RDWR);
    (void) pthread_join(server->thread, NULL);
    (void) close(server->listening);
}
