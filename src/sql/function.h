#pragma once

/*
 * The table of SQL functions: one row a function, from which the analyser, the evaluator and the
 * reference page come. Operators are functions too ("+", "=", "like", "[]").
 */

#include "sql/eval.h"

enum function_kind {
    FUNCTION_SCALAR,
    FUNCTION_AGGREGATE,
    FUNCTION_GENERATOR
};

struct plan_aggregate; /* sql/query.h */
struct column_builder; /* columnar/builder.h */

struct sql_function {
    const char *name; /* lower case */
    enum function_kind kind;
    uint8_t arguments_min, arguments_max; /* max 255: any number */
    bool deterministic;
    bool streaming_refused; /* Spark refuses it in streaming */
    const char *usage;      /* "substring(text, position[, length])" */
    const char *help;

    /* Result type for argument types; may replace entries of `types` by what arguments must be cast
     * to. STATUS_CONFIG with a message that says what was expected. `arguments` are the typed
     * expressions (to look at literals). */
    enum status (*resolve)(const struct sql_function *function,
                           const struct expression *const *arguments,
                           const struct type **types,
                           uint32_t count,
                           struct arena *arena,
                           const struct type **ret_type,
                           struct error *error);

    /* Once per expression, from literal arguments: a compiled pattern, a parsed format. May be
     * NULL. The result lives in the arena and is read by several threads. */
    enum status (*prepare)(const struct expression *call,
                           struct arena *arena,
                           const void **ret_state,
                           struct error *error);

    /* SCALAR: all rows at once. */
    const struct column *(*call)(struct eval *eval,
                                 const struct expression *call,
                                 const struct column *const *arguments);

    /* AGGREGATE. A group's state is `state_bytes` (zeroed at first), may own heap parts, and can be
     * written to a store and read back. `group_of_row[i]` is the index into `states`, or -1 for
     * rows to leave out. */
    struct {
        size_t state_bytes;
        void (*update)(struct eval *eval,
                       const struct plan_aggregate *aggregate,
                       const struct column *const *arguments,
                       const int32_t *group_of_row,
                       void *const *states);
        void (*merge)(void *into, const void *from); /* for batch execution; may be NULL */
        void (*result)(const struct plan_aggregate *aggregate,
                       const void *state,
                       struct column_builder *target);
        void (*write)(const void *state, struct buffer *target); /* NULL: memcpy of state_bytes */
        enum status (*read)(struct slice bytes, void *state, struct error *error);
        void (*free)(void *state); /* heap parts; may be NULL */
    } aggregate;
};

/* NULL if unknown. Aliases (nvl, lcase) are rows of their own. */
const struct sql_function *sql_function_find(const char *name);

/* All of them in order of name, for reference pages and "did you mean". */
size_t sql_functions(const struct sql_function *const **ret_functions);
