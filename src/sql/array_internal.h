#pragma once

/* Array forms of functions that strings have too. */

#include "sql/kernels.h"

const struct column *array_concat(struct eval *eval,
                                  const struct expression *call,
                                  const struct column *const *arguments);
const struct column *array_reverse(struct eval *eval,
                                   const struct expression *call,
                                   const struct column *const *arguments);
