#include "io/net.h"

#include "io/file.h"
#include "io/process_name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 511

/* ---- addresses ---------------------------------------------------------------------------- */

static enum status not_an_address(const char *text, const char *why, struct error *error)
{
    (void) error_set(error, STATUS_USAGE, "\"%.100s\" is not an address: %s", text, why);
    error_hint(error, "write it as HOST:PORT, such as 127.0.0.1:9092 or [::1]:9092");
    return STATUS_USAGE;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return false;
    }
    unsigned long port = strtoul(text, NULL, 10);
    *ret_port = (uint16_t) port;
    return port <= UINT16_MAX;
}

/* Letters, digits, "." "-" and "_" for names; for IPv6 what inet_pton reads, and a zone. */
static bool host_is_good(const char *host, bool bracketed)
{
    if (bracketed) {
        struct in6_addr address;
        return inet_pton(AF_INET6, host, &address) == 1;
    }
    for (const char *c = host; *c != '\0'; c++) {
        if (!isalnum((unsigned char) *c) && strchr(".-_", *c) == NULL) {
            return false;
        }
    }
    return *host != '\0';
}

enum status
net_address_parse(const char *text, struct net_address *ret_address, struct error *error)
{
    bool bracketed = text[0] == '[';
    const char *host = bracketed ? text + 1 : text;
    const char *end = bracketed ? strchr(host, ']') : strrchr(host, ':');
    if (end == NULL) {
        return not_an_address(text, bracketed ? "\"]\" is missing" : "the port is missing", error);
    }
    const char *colon = bracketed ? end + 1 : end;
    size_t length = (size_t) (end - host);
    if (*colon != ':') {
        return not_an_address(text, "the port is missing", error);
    }
    if (length >= NET_HOST_BYTES) {
        return not_an_address(text, "the host is too long", error);
    }
    struct net_address address = {.port = 0};
    memcpy(address.host, host, length);
    if (!bracketed && strchr(address.host, ':') != NULL) {
        return not_an_address(text, "an IPv6 address stands in brackets", error);
    }
    if (!host_is_good(address.host, bracketed)) {
        return not_an_address(text, "the host is not one", error);
    }
    if (!parse_port(colon + 1, &address.port)) {
        return not_an_address(text, "the port is not a number from 0 to 65535", error);
    }
    *ret_address = address;
    return STATUS_OK;
}

const char *net_address_format(const struct net_address *address, char target[NET_ADDRESS_BYTES])
{
    const char *format = strchr(address->host, ':') != NULL ? "[%s]:%u" : "%s:%u";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void) snprintf(target, NET_ADDRESS_BYTES, format, address->host, (unsigned) address->port);
#pragma GCC diagnostic pop
    return target;
}

bool net_is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &six) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
    }
    return strcasecmp(host, "localhost") == 0;
}

/* ---- listening ---------------------------------------------------------------------------- */

/* A listening socket, or -1 with errno set. */
static int listen_on(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1; /* not held up by connections of a process before us */
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int error_number = errno;
    (void) close(fd);
    errno = error_number;
    return -1;
}

static enum status
listen_failed(const struct net_address *address, int error_number, struct error *error)
{
    char text[NET_ADDRESS_BYTES];
    (void) net_address_format(address, text);
    struct net_holder holder;
    if (error_number != EADDRINUSE) {
        (void) error_set(error, STATUS_UNAVAILABLE, "cannot listen on %s: %s", text,
                         error_number == EADDRNOTAVAIL ? "the address is not one of this machine"
                                                       : strerror(error_number));
    } else if (net_port_holder(address->port, &holder)) {
        (void) error_set(error, STATUS_UNAVAILABLE,
                         "cannot listen on %s: port %u is taken by pid %" PRId64 " (%s)", text,
                         (unsigned) address->port, holder.pid, holder.name);
    } else {
        (void) error_set(error, STATUS_UNAVAILABLE, "cannot listen on %s: port %u is taken", text,
                         (unsigned) address->port);
    }
    error_code(error, error_number);
    if (error_number == EADDRINUSE) {
        error_hint(error, "stop that process, or choose another port (0 takes a free one)");
    } else if (error_number == EACCES) {
        error_hint(error, "ports below 1024 need a privilege; choose a higher one");
    }
    return STATUS_UNAVAILABLE;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    if (getsockname(fd, (struct sockaddr *) &storage, &size) != 0) {
        return 0;
    }
    if (storage.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *) &storage)->sin6_port);
    }
    return ntohs(((const struct sockaddr_in *) &storage)->sin_port);
}

enum status net_listen(const struct net_address *address,
                       int *ret_fd,
                       struct net_address *ret_bound,
                       struct error *error)
{
    char service[8];
    (void) snprintf(service, sizeof(service), "%u", (unsigned) address->port);
    struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(address->host, service, &wanted, &found);
    if (failed != 0) {
        return error_set(error, STATUS_UNAVAILABLE, "could not resolve \"%s\": %s", address->host,
                         gai_strerror(failed));
    }
    int fd = -1;
    int error_number = EADDRNOTAVAIL;
    for (const struct addrinfo *info = found; info != NULL && fd < 0; info = info->ai_next) {
        fd = listen_on(info);
        error_number = fd < 0 ? errno : 0;
        if (error_number == EADDRINUSE) {
            break; /* rather than listen on the other family alone */
        }
    }
    freeaddrinfo(found);
    if (fd < 0) {
        return listen_failed(address, error_number, error);
    }
    if (ret_bound != NULL) {
        *ret_bound = *address;
        ret_bound->port = bound_port(fd);
    }
    *ret_fd = fd;
    return STATUS_OK;
}
