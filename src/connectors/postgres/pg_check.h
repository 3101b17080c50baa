#pragma once

/*
 * Whether a server can do what leat asks of it, and what to do if not: for `leat doctor`. Reads
 * only.
 */

#include "base/error.h"

struct pg_finding {
    const char *subject; /* "": the server as such; "durability", "privileges", ... */
    enum status status;  /* STATUS_OK: fine, or, with a remedy, worth knowing */
    const char *found;   /* one line */
    const char *remedy;  /* "" if there is none to tell */
};

typedef void (*pg_finding_visit)(void *context, const struct pg_finding *finding);

/* `role` is "staging" or "storage". */
void postgres_check(const char *url, const char *role, pg_finding_visit visit, void *context);
