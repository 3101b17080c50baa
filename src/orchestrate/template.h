#pragma once

/*
 * ${interval.start} and the like in the text fields of a task. The pipeline file has replaced its
 * own ${NAME} and ${secret:NAME} already (base/node.h); what is left are names with a dot:
 *
 *     interval.start interval.end interval.date     of the run
 *     run.id run.key run.kind run.state             dag.name
 *     task.name task.try task.message               (state and message: hooks only)
 *     params.NAME                                   tasks.NAME.output tasks.NAME.state
 *
 * Any other ${...} stays: in a script it is the shell's.
 */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

/* The value of a name such as "interval.start"; NULL: there is none. */
typedef const char *template_lookup(void *context, const char *name, struct arena *arena);

/* STATUS_DATA naming what has no value. */
MUST_USE enum status template_expand(const char *text,
                                     template_lookup *lookup,
                                     void *context,
                                     struct arena *arena,
                                     const char **ret_text,
                                     struct error *error);

/* Calls `visit` with each name and its place in the text; stops at the first failure. */
MUST_USE enum status template_visit(
    const char *text,
    enum status (*visit)(void *context, const char *name, size_t at, struct error *error),
    void *context,
    struct error *error);
