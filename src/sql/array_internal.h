#pragma once

/* Array forms of functions that strings have too, and what the files on arrays share. */

#include "sql/function_internal.h"
#include "sql/kernels.h"

/* An argument must be an array; an untyped null becomes one. */
MUST_USE enum status array_want(const struct sql_function *function,
                                const struct type **types,
                                uint32_t index,
                                struct arena *arena,
                                struct error *error);

const struct column *array_concat(struct eval *eval,
                                  const struct expression *call,
                                  const struct column *const *arguments);
const struct column *array_reverse(struct eval *eval,
                                   const struct expression *call,
                                   const struct column *const *arguments);
