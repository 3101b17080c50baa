#pragma once

/* What connect/log_client.h promises, as tests over any struct log_ops. */

#include "connect/log_client.h"

struct log_contract {
    const struct log_ops *ops;
    const char *address;

    /* Makes a topic where the log cannot (a mock); NULL: topic_ensure is tested as well. */
    void (*topic_make)(void *context, const char *topic, int32_t partitions);

    void *context;
    bool makes_on_lookup; /* the log makes a topic when it is asked about it (the mock does) */
};

int log_contract(const struct log_contract *contract);
