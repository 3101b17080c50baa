#pragma once

/*
 * How rows of the function table are written. A family is a file functions_<family>.c with one
 * array of rows; function.c gathers them.
 *
 * A signature lists parameter types, "..." behind the last one for any number of it, and the result
 * after "->". Types are Spark's names, and
 *     any        anything, as it is
 *     numeric    a number; a string becomes DOUBLE
 *     integral   TINYINT to BIGINT; a string becomes BIGINT
 *     common     all parameters of this name get their common type
 *     ordered    as common, and the type has an order (no maps)
 *     bytes      STRING or BINARY as it is, other plain types become STRING
 * The result may be `common`, `same` (the type of the first argument) or a type.
 */

#include "base/attr.h"
#include "sql/function.h"

#define ARGUMENTS_ANY 255

#define SCALAR(name_, min_, max_, signature_, call_, usage_, help_)                                \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_SCALAR, .arguments_min = (min_),                         \
        .arguments_max = (max_), .deterministic = true, .signature = (signature_),                 \
        .usage = (usage_), .help = (help_), .call = (call_)                                        \
    }

#define SCALAR_VARIANT(name_, variant_, min_, max_, signature_, call_, usage_, help_)              \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_SCALAR, .arguments_min = (min_),                         \
        .arguments_max = (max_), .deterministic = true, .variant = (int) (variant_),               \
        .signature = (signature_), .usage = (usage_), .help = (help_), .call = (call_)             \
    }

#define SCALAR_RESOLVED(name_, variant_, min_, max_, resolve_, call_, usage_, help_)               \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_SCALAR, .arguments_min = (min_),                         \
        .arguments_max = (max_), .deterministic = true, .variant = (int) (variant_),               \
        .usage = (usage_), .help = (help_), .resolve = (resolve_), .call = (call_)                 \
    }

/* The parameters of a `resolve` and of a `call` function. */
#define RESOLVE_PARAMETERS                                                                         \
    UNUSED const struct sql_function *function, UNUSED const struct expression *const *arguments,  \
        UNUSED const struct type **types, UNUSED uint32_t count, UNUSED struct arena *arena,       \
        const struct type **ret_type, UNUSED struct error *error

#define CALL_PARAMETERS                                                                            \
    struct eval *eval, const struct expression *call, UNUSED const struct column *const *arguments

struct function_family {
    const struct sql_function *rows;
    size_t count;
};

#define FUNCTION_FAMILY(family, rows_)                                                             \
    const struct function_family family = {.rows = (rows_), .count = ARRAY_SIZE(rows_)}

extern const struct function_family functions_arithmetic;
extern const struct function_family functions_math;
extern const struct function_family functions_round;
extern const struct function_family functions_bits;
extern const struct function_family functions_compare;
extern const struct function_family functions_conditional;
extern const struct function_family functions_string;
extern const struct function_family functions_case;
extern const struct function_family functions_concat;
extern const struct function_family functions_text;
extern const struct function_family functions_pattern;
extern const struct function_family functions_like;
extern const struct function_family functions_split;
extern const struct function_family functions_encode;
extern const struct function_family functions_datetime;
extern const struct function_family functions_calendar;
extern const struct function_family functions_datetime_text;
extern const struct function_family functions_interval;
extern const struct function_family functions_json;
extern const struct function_family functions_array;
extern const struct function_family functions_index;
extern const struct function_family functions_array_insert;
extern const struct function_family functions_array_set;
extern const struct function_family functions_lambda;
extern const struct function_family functions_map;
extern const struct function_family functions_struct;
extern const struct function_family functions_hash;
extern const struct function_family functions_aggregate;
extern const struct function_family functions_statistic;
extern const struct function_family functions_regression;
extern const struct function_family functions_collect;
extern const struct function_family functions_generator;
extern const struct function_family functions_format;

/* "argument 2 of substring() is array<int>, not INT", with the usage as hint. */
enum status function_type_error(const struct sql_function *function,
                                uint32_t argument,
                                const struct type *type,
                                const char *wanted,
                                struct error *error);

/* Gives types[index] the parameter type `to`, or an error. */
MUST_USE enum status function_want(const struct sql_function *function,
                                   const struct type **types,
                                   uint32_t index,
                                   const struct type *to,
                                   struct error *error);

/* Brings arguments `first`.. to their common type. */
MUST_USE enum status function_common(const struct sql_function *function,
                                     const struct type **types,
                                     uint32_t first,
                                     uint32_t count,
                                     struct arena *arena,
                                     const struct type **ret_common,
                                     struct error *error);

/* The value of a literal STRING argument; false if it is none or null. */
bool literal_string(const struct expression *expression, struct slice *ret_text);

/* The value of a literal integral or BOOLEAN argument. */
bool literal_int(const struct expression *expression, int64_t *ret_value);
