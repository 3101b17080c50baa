#pragma once

/*
 * The stand-in for the randomuser.me API: `leat api`, and the source of pipelines and tests that
 * must not depend on the network. It keeps the contract of the service (requests, replies, limits)
 * and, when asked, its faults; the users are of our own making, or recorded replies are played.
 *
 *     GET /api/            GET /api/1.4/?results=500&page=2&seed=leat
 */

#include "base/error.h"

#include <stdint.h>

struct api_server;

#define API_LIMIT_USERS     20000
#define API_LIMIT_WINDOW_US (300 * INT64_C(1000000))

struct api_server_config {
    const char *host; /* NULL: 127.0.0.1 */
    uint16_t port;    /* 0 takes a free one */

    /* Users that one address may ask for in a window, then 429; 0: no limit. The window is reset
     * for all at once. The service has API_LIMIT_USERS and API_LIMIT_WINDOW_US. */
    uint64_t limit_users;
    int64_t limit_window_us; /* 0: API_LIMIT_WINDOW_US */

    /* Plays the files *.json of a directory, sorted by name, byte for byte: page N is the N-th
     * file, pages past the end have no users. NULL: users are made. */
    const char *replay_dir;

    const char *faults; /* fault.h; NULL: none */
    uint64_t fault_seed;
};

struct api_server_counts {
    uint64_t requests; /* to /api, faults included          */
    uint64_t users;    /* in replies                        */
    uint64_t faults;   /* requests that a fault happened to */
    uint64_t limited;  /* refused by the limit              */
};

/* STATUS_UNAVAILABLE if the port is taken, STATUS_USAGE for a wrong fault list. */
MUST_USE enum status api_server_start(const struct api_server_config *config,
                                      struct api_server **ret_server,
                                      struct error *error);
void api_server_stop(struct api_server *server); /* NULL is fine */

/* "http://127.0.0.1:40001/api/" */
const char *api_server_url(const struct api_server *server);

void api_server_counts(struct api_server *server, struct api_server_counts *ret_counts);
