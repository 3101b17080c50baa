/* The listening socket: opened here, so that a taken address can be told and named. */

#include "base/memory.h"
#include "http/server_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum status
listen_open(const struct http_server_config *config, int *ret_socket, struct error *error)
{
    char port[8];
    (void) snprintf(port, sizeof(port), "%u", config->port);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int failure = getaddrinfo(config->host, port, &wanted, &addresses);
    if (failure != 0) {
        return error_set(error, STATUS_CONFIG, "%s: \"%s\" is no address to listen on: %s",
                         config->name, config->host, gai_strerror(failure));
    }
    int reason = 0;
    int fd = -1;
    for (struct addrinfo *at = addresses; at != NULL && fd < 0; at = at->ai_next) {
        const int yes = 1;
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
            bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 128) != 0) {
            reason = errno;
            if (fd >= 0) {
                (void) close(fd);
            }
            fd = -1;
        }
    }
    freeaddrinfo(addresses);
    if (fd >= 0) {
        *ret_socket = fd;
        return STATUS_OK;
    }
    bool taken = reason == EADDRINUSE;
    enum status status = error_set(error, taken ? STATUS_UNAVAILABLE : STATUS_CONFIG,
                                   "%s: could not listen on %s:%u: %s", config->name, config->host,
                                   config->port, taken ? "the address is taken" : strerror(reason));
    error_code(error, reason);
    error_hint(error, "choose another address, or port 0 for a free one");
    return status;
}

void listen_name(struct http_server *server, int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[NI_MAXHOST] = "?";
    char port[NI_MAXSERV] = "0";
    (void) getsockname(fd, (struct sockaddr *) &address, &size);
    (void) getnameinfo((struct sockaddr *) &address, size, host, sizeof(host), port, sizeof(port),
                       NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = address.ss_family == AF_INET6;
    server->address = mem_printf("%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
    server->port = (uint16_t) strtoul(port, NULL, 10);
}
