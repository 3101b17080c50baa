#pragma once

/* What + - * / share between numbers (functions_arithmetic.c) and times (functions_interval.c). */

#include "sql/function.h"

enum arithmetic {
    ARITHMETIC_ADD,
    ARITHMETIC_SUBTRACT,
    ARITHMETIC_MULTIPLY,
    ARITHMETIC_DIVIDE,
    ARITHMETIC_DIV,
    ARITHMETIC_REMAINDER,
    ARITHMETIC_PMOD,
    ARITHMETIC_TRY = 16, /* a flag: null instead of a row error */
};

static inline enum arithmetic arithmetic_of(const struct sql_function *function)
{
    return (enum arithmetic)(function->variant & ~ARITHMETIC_TRY);
}

static inline bool arithmetic_is_try(const struct sql_function *function)
{
    return (function->variant & ARITHMETIC_TRY) != 0;
}

/* One of the two arguments is a DATE, TIMESTAMP or interval. */
bool interval_arithmetic_applies(const struct sql_function *function,
                                 const struct type *const *types);
enum status interval_arithmetic_resolve(const struct sql_function *function,
                                        const struct expression *const *arguments,
                                        const struct type **types,
                                        const struct type **ret_type,
                                        struct error *error);
bool interval_arithmetic_call_applies(const struct expression *call);
const struct column *interval_arithmetic_call(struct eval *eval,
                                              const struct expression *call,
                                              const struct column *const *arguments);
