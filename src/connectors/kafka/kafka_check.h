#pragma once

/* What is wrong with a log, and what to do about it: for `leat doctor`. Nothing is changed. */

#include "connect/log_client.h"

struct kafka_finding {
    const char *subject; /* "broker 2", "topic users_created"; "": the log itself */
    enum status status;  /* STATUS_OK: fine */
    const char *found;
    const char *remedy; /* "": none */
};

typedef void (*kafka_visit)(void *context, const struct kafka_finding *finding);

/* Asks the log at `address`, then each broker by the address that it tells clients, and compares
 * the `topics` that a pipeline wants with what is there. */
void kafka_check(const char *address,
                 const char *const *settings,
                 const struct topic_spec *topics,
                 size_t topic_count,
                 kafka_visit visit,
                 void *context);
