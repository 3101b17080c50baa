#pragma once

/* What connect/stage.h promises, as tests over any struct stage_ops. */

#include "connect/stage.h"

struct stage_contract {
    const struct stage_ops *ops;

    /* The URL of a fresh, empty stage; it is taken away after the test. */
    const char *(*make)(void *context);
    void (*remove)(void *context, const char *url);
    void *context;
};

int stage_contract(const struct stage_contract *contract);
