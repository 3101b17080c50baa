#pragma once

/* What connect/source.h promises, as tests over any struct source_ops. */

#include "connect/source.h"

struct source_contract {
    const struct source_ops *ops;
    const void *settings;       /* of a source with several pages, whose end is an empty page */
    const char *const *records; /* all of them, as raw text in order */
    size_t record_count;
};

int source_contract(const struct source_contract *contract);
