#include "cluster/address.h"

#include "base/memory.h"
#include "base/slice.h"
#include "base/time_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME         "zookeeper://"
#define SESSION_US_MIN (1 * INT64_C(1000000))
#define SESSION_US_MAX (600 * INT64_C(1000000))

/* Not the URL itself: it may hold a password. */
static enum status refuse(struct error *error, const char *why)
{
    (void) error_set(error, STATUS_CONFIG, "coordination: %s", why);
    error_hint(error, "zookeeper://[USER:PASSWORD@]HOST:PORT[,HOST:PORT][/CHROOT][?session=10s]");
    return STATUS_CONFIG;
}

static enum status parse_options(const char *text, int64_t *ret_session_us, struct error *error)
{
    static const char session[] = "session=";
    if (strncmp(text, session, strlen(session)) != 0) {
        return refuse(error, "the only option of the URL is `session`");
    }
    struct slice value = slice_of_string(text + strlen(session));
    if (duration_parse(value, ret_session_us, NULL) != STATUS_OK ||
        *ret_session_us < SESSION_US_MIN || *ret_session_us > SESSION_US_MAX) {
        return refuse(error, "`session` is a duration from 1s to 10m");
    }
    return STATUS_OK;
}

static bool host_is_valid(struct slice host)
{
    const char *text = (const char *) host.data;
    const char *colon = memrchr(text, ':', host.size);
    if (colon == NULL || colon == text || colon == text + host.size - 1) {
        return false;
    }
    long port = 0;
    for (const char *c = colon + 1; c < text + host.size; c++) {
        if (!isdigit((unsigned char) *c) || port > 65535) {
            return false;
        }
        port = port * 10 + (*c - '0');
    }
    for (const char *c = text; c < colon; c++) {
        if (isspace((unsigned char) *c) || iscntrl((unsigned char) *c) || *c == '@') {
            return false;
        }
    }
    return port > 0 && port <= 65535;
}

static bool hosts_are_valid(const char *hosts)
{
    for (const char *begin = hosts;;) {
        size_t size = strcspn(begin, ",");
        if (!host_is_valid((struct slice){(const uint8_t *) begin, size})) {
            return false;
        }
        if (begin[size] == '\0') {
            return true;
        }
        begin += size + 1;
    }
}

/* As ZooKeeper itself wants a path: no empty, "." or ".." parts, no control characters. */
static bool root_is_valid(const char *root)
{
    while (*root == '/') {
        size_t size = strcspn(root + 1, "/");
        const char *part = root + 1;
        if (size == 0 || (size == 1 && part[0] == '.') ||
            (size == 2 && memcmp(part, "..", 2) == 0)) {
            return false;
        }
        for (size_t i = 0; i < size; i++) {
            if (iscntrl((unsigned char) part[i])) {
                return false;
            }
        }
        root = part + size;
    }
    return *root == '\0';
}

static enum status split(char *text, struct zookeeper_address *address, struct error *error)
{
    address->session_us = ZOOKEEPER_SESSION_US;
    char *at = strrchr(text, '@');
    char *hosts = at == NULL ? text : at + 1;
    if (at != NULL) {
        *at = '\0';
        char *colon = strchr(text, ':');
        if (colon == NULL || colon == text || colon[1] == '\0') {
            return refuse(error, "in front of the '@' of the URL stands USER:PASSWORD");
        }
        address->credentials = mem_strdup(text);
    }
    char *mark = strchr(hosts, '?');
    if (mark != NULL) {
        *mark = '\0';
        TRY(parse_options(mark + 1, &address->session_us, error));
    }
    char *slash = strchr(hosts, '/');
    address->root = mem_strdup(slash == NULL || slash[1] == '\0' ? "" : slash);
    if (slash != NULL) {
        *slash = '\0';
    }
    address->hosts = mem_strdup(hosts);
    if (!hosts_are_valid(address->hosts)) {
        return refuse(error, "the hosts of the URL are no HOST:PORT[,HOST:PORT]");
    }
    return root_is_valid(address->root) ? STATUS_OK
                                        : refuse(error, "the chroot of the URL is no path");
}

enum status
zookeeper_address_parse(const char *url, struct zookeeper_address *ret_address, struct error *error)
{
    if (strncmp(url, SCHEME, strlen(SCHEME)) != 0) {
        return refuse(error, "the URL does not begin with " SCHEME);
    }
    struct zookeeper_address address = {0};
    char *text = mem_strdup(url + strlen(SCHEME));
    enum status status = split(text, &address, error);
    explicit_bzero(text, strlen(text));
    mem_free(text);
    if (status != STATUS_OK) {
        zookeeper_address_deinit(&address);
        return status;
    }
    *ret_address = address;
    return STATUS_OK;
}

void zookeeper_address_deinit(struct zookeeper_address *address)
{
    if (address->credentials != NULL) {
        explicit_bzero(address->credentials, strlen(address->credentials));
    }
    mem_free(address->credentials);
    mem_free(address->hosts);
    mem_free(address->root);
    *address = (struct zookeeper_address){0};
}
