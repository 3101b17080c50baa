#pragma once

/* What connect/store.h promises, as tests over any struct store_ops. */

#include "connect/store.h"

struct store_contract {
    const struct store_ops *ops;

    /* The URL of a fresh, empty store; it is taken away after the test. */
    const char *(*make)(void *context);
    void (*remove)(void *context, const char *url);

    /* Has the store's own means refuse rows of space.pairs whose content is "r\xc3\xb6d"; the table
     * is there, empty. */
    void (*guard)(void *context, const char *url);
    void *context;
};

int store_contract(const struct store_contract *contract);
