#pragma once

/* What connect/lock.h promises, as tests over any struct lock_ops that others wait for. */

#include "connect/lock.h"

struct lock_contract {
    const struct lock_ops *ops;
    const char *url;
    const char *wrong_url; /* that no coordinator can have */
};

int lock_contract(const struct lock_contract *contract);
