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

/* What an array may have at most: array_repeat and array_insert fail their rows. */
#define ARRAY_ELEMENTS_MAX 10000000

/* All arguments one after the other in one column; bases[a] is where argument a begins. */
const struct column *array_stack(struct eval *eval,
                                 const struct column *const *columns,
                                 uint32_t count,
                                 const struct type *type,
                                 int64_t *bases);
