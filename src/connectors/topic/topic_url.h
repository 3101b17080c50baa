#pragma once

/*
 * Where topics as sinks are, as one text, since a store is opened with one:
 *
 *     kafka://HOST:PORT[,HOST:PORT]?[transactions&][set=NAME=VALUE&...]registry=URL
 *
 * Names and values of client properties are percent-encoded; the registry's URL comes last, as it
 * is.
 */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

struct topic_url {
    const char *address;
    const char *const *settings; /* name, value, ..., NULL */
    bool transactions;
    const char *registry;
};

const char *topic_url_write(const struct topic_url *url, struct arena *arena);

MUST_USE enum status topic_url_read(const char *text,
                                    struct arena *arena,
                                    struct topic_url *ret_url,
                                    struct error *error);
