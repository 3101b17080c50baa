#pragma once

/*
 * The table of SQL functions: one row a function, from which the analyser, the evaluator and the
 * reference page come.
 *
 * Operators are functions too, under these names: + - * / % div & | ^ ~ "negative" "positive"
 * = <> < <= > >= <=> "not" "isnull" "isnotnull" "like" "ilike" "rlike" "[]" (index of an array from
 * 0, or key of a map). "||" is concat, "!=" and "==" are rows of their own. LIKE's ESCAPE is a
 * third argument. EXTRACT(f FROM x) is date_part('f', x); x::t is a cast; x IS DISTINCT FROM y is
 * not(x <=> y); TRIM(LEADING c FROM x) is ltrim(c, x) (Spark's order), of BOTH btrim(x, c).
 * struct(a, b) is turned into named_struct('a', a, 'b', b) by the analyser, which knows the names.
 */

#include "sql/eval.h"

enum function_kind {
    FUNCTION_SCALAR,
    FUNCTION_AGGREGATE,
    FUNCTION_GENERATOR
};

struct plan_aggregate; /* sql/query.h */

/* What a generator gives for a batch: row i comes from row rows[i] of the input. */
struct generated {
    int64_t length;
    const int32_t *rows;                 /* ascending */
    const struct column *const *columns; /* one a field of the call's STRUCT type */
};
struct column_builder; /* columnar/builder.h */

struct sql_function {
    const char *name; /* lower case */
    enum function_kind kind;
    uint8_t arguments_min, arguments_max; /* max 255: any number */
    bool deterministic;
    bool streaming_refused; /* Spark refuses it in streaming */
    bool lazy;   /* `call` gets NULL for arguments and evaluates what it needs of call->arguments */
    int variant; /* tells rows apart that share a `call` */
    const char *signature; /* "string, int -> string": what sql_function_resolve goes by where
                              `resolve` is NULL (function_internal.h has the grammar) */
    const char *usage;     /* "substring(text, position[, length])" */
    const char *help;

    /* Result type for argument types; may replace entries of `types` by what arguments must be cast
     * to. STATUS_CONFIG with a message that says what was expected. `arguments` are the typed
     * expressions (to look at literals). For a lambda argument the type is that of its body; a cast
     * that is asked for goes around the body. A GENERATOR gives a STRUCT: its output columns.
     * Call sql_function_resolve, not this. */
    enum status (*resolve)(const struct sql_function *function,
                           const struct expression *const *arguments,
                           const struct type **types,
                           uint32_t count,
                           struct arena *arena,
                           const struct type **ret_type,
                           struct error *error);

    /* Higher-order functions: types of the `variable_count` variables of the lambda that is
     * argument `index`, from the types of the arguments before it. Called before the lambda's body
     * is analysed; STATUS_CONFIG if it does not take so many. NULL: takes no lambda. */
    enum status (*lambda)(const struct sql_function *function,
                          const struct type *const *types,
                          uint32_t index,
                          uint32_t variable_count,
                          struct arena *arena,
                          const struct type **ret_variables,
                          struct error *error);

    /* Once per expression, from literal arguments: a compiled pattern, a parsed format. May be
     * NULL. The result lives in the arena and is read by several threads. */
    enum status (*prepare)(const struct expression *call,
                           struct arena *arena,
                           const void **ret_state,
                           struct error *error);

    /* SCALAR: all rows at once. An argument of length 1 is a constant for all rows. */
    const struct column *(*call)(struct eval *eval,
                                 const struct expression *call,
                                 const struct column *const *arguments);

    /* GENERATOR: `outer` gives a row of nulls for an input row that has none. Arguments are as long
     * as the batch. Rows that failed give no rows. */
    void (*generate)(struct eval *eval,
                     const struct expression *call,
                     const struct column *const *arguments,
                     bool outer,
                     struct generated *ret_generated);

    /* AGGREGATE. A group's state is `state_bytes` (zeroed at first), may own heap parts, and can be
     * written to a store and read back. `group_of_row[i]` is the index into `states`, or -1 for
     * rows to leave out. Arguments are as long as the batch. `update` may fail rows (an overflow of
     * a sum): such a row leaves the state as it was. `result` gets plan_aggregate with types of the
     * arguments. */
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
        void (*free)(void *state);               /* heap parts; may be NULL */
        size_t (*heap_bytes)(const void *state); /* of state that grows with its rows; NULL: none */
    } aggregate;
};

/* NULL if unknown. Aliases (nvl, lcase) are rows of their own. */
const struct sql_function *sql_function_find(const char *name);

/* All of them in order of name, for reference pages and "did you mean". */
size_t sql_functions(const struct sql_function *const **ret_functions);

/* Prepares a typed call: result type, casts wanted of arguments (in `types`), checks of the count.
 * What the analyser calls; error messages name the function and its usage. */
MUST_USE enum status sql_function_resolve(const struct sql_function *function,
                                          const struct expression *const *arguments,
                                          const struct type **types,
                                          uint32_t count,
                                          struct arena *arena,
                                          const struct type **ret_type,
                                          struct error *error);
