#pragma once

/* The registry over HTTP, with the REST API of Confluent's registry 7.x. */

#include "base/error.h"

#include <stdint.h>

struct registry_server;

/* Opens the registry in `directory` and serves it. Port 0 takes a free one. */
MUST_USE enum status registry_server_start(const char *directory,
                                           const char *host,
                                           uint16_t port,
                                           struct registry_server **ret_server,
                                           struct error *error);

/* "127.0.0.1:8081" */
const char *registry_server_address(const struct registry_server *server);

void registry_server_stop(struct registry_server *server); /* NULL is fine */
