#pragma once

/* `leat ingest` while a leat runs on the data directory: an order to it over REST, and waiting. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct ingest_beside {
    const char *data;     /* the directory that the running leat has */
    const char *pipeline; /* of the file */
    const char *source;
    const char *from, *to; /* as given; NULL: no interval */
    int64_t limit;         /* -1: none */
    int64_t give_up_us;
    bool until_staged; /* do not wait until it is stored */
    bool quiet;
};

/* What the closing line is made of. */
struct ingest_sum {
    int64_t accepted, stored, filtered, late, dead, unchanged, refused, fetched; /* of all time */
    int64_t accepted_new;                                                        /* of the order */
};

/* Orders and waits. When `interrupted` becomes true the order is cancelled: STATUS_CANCELLED.
 * STATUS_AGAIN if the running leat stops meanwhile; else the failure that the order ended with. */
MUST_USE enum status ingest_beside(const struct ingest_beside *order,
                                   const volatile bool *interrupted,
                                   struct ingest_sum *ret_sum,
                                   struct error *error);
