#pragma once

/* Which connector a source of the pipeline file names. */

#include "app/pipeline.h"
#include "connect/source.h"

struct source_kind {
    const struct source_ops *ops;
    const void *settings; /* what ops->settings describes */
};

/* STATUS_CONFIG unless exactly one is named, of those that this binary has. */
MUST_USE enum status source_kind_of(const struct source_settings *settings,
                                    const char *source,
                                    struct source_kind *ret_kind,
                                    struct error *error);
