#pragma once

/*
 * A budget is a stated maximum of bytes that many threads may share. Everything that a peer or a
 * user can make large is charged to one, and is refused (STATUS_LIMIT), not crashed on.
 */

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>

struct budget {
    const char *name; /* for messages: "fetch page", "group state" */
    size_t bytes_max;
    atomic_size_t bytes_used;
};

void budget_init(struct budget *budget, const char *name, size_t bytes_max);

/* Takes `bytes`, or STATUS_LIMIT and nothing taken. */
MUST_USE enum status budget_take(struct budget *budget, size_t bytes, struct error *error);

void budget_give(struct budget *budget, size_t bytes);
