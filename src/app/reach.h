#pragma once

/*
 * Asks what a pipeline stands on whether it answers: each source for one page, the engines of the
 * chosen profile for what they have. For `leat doctor`; nothing is stored or changed. May take
 * seconds.
 */

#include "app/pipeline.h"

#define REACH_SOURCE_US INT64_C(3000000) /* a source has so long */

struct reach_finding {
    const char *what;   /* "source random_users", "profile: log" */
    enum status status; /* STATUS_OK: it answers */
    const char *found;  /* one line */
    const char *remedy; /* "" if there is none to tell */
};

typedef void (*reach_visit)(void *context, const struct reach_finding *finding);

void reach_sources(const struct pipeline *pipeline, reach_visit visit, void *context);
void reach_engines(const struct pipeline *pipeline, reach_visit visit, void *context);
