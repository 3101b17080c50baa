#pragma once

/*
 * Asks the processor of the chosen profile what it says of each query, before anything starts. For
 * `leat check --profile`.
 */

#include "app/topology.h"

/* Called for each refusal: an error with file, line, column and caret. */
typedef void (*ask_refuse)(void *context, const struct error *refusal);

/* STATUS_OK also where nobody is to be asked: no profile, or the embedded engine. A refusal is no
 * failure of the call; an engine that does not answer is. */
MUST_USE enum status ask_processor(const struct topology *topology,
                                   ask_refuse refuse,
                                   void *context,
                                   struct error *error);
