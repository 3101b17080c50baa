#pragma once

/*
 * Where an ensemble is, as a profile says it:
 *
 *     zookeeper://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...][/CHROOT][?session=10s]
 */

#include "base/error.h"

#include <stdint.h>

#define ZOOKEEPER_SESSION_US (10 * INT64_C(1000000))

struct zookeeper_address {
    char *hosts;        /* "a:2181,b:2181" */
    char *root;         /* "" or "/some/where": leat's nodes lie below it */
    char *credentials;  /* "user:password" for the digest scheme; NULL: none */
    int64_t session_us; /* asked for; the ensemble has bounds of its own */
};

MUST_USE enum status zookeeper_address_parse(const char *url,
                                             struct zookeeper_address *ret_address,
                                             struct error *error);
void zookeeper_address_deinit(struct zookeeper_address *address);
