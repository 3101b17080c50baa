#pragma once

/*
 * Typed expressions, as the analyser leaves them: every name resolved to a column index, every
 * function to a row of the function table, every implicit cast explicit.
 */

#include "columnar/column.h"

struct sql_function;

enum expression_kind {
    EXPR_COLUMN,  /* column `index` of the input batch                                  */
    EXPR_FIELD,   /* field `index` of a STRUCT-typed argument                           */
    EXPR_LITERAL, /* `literal`: a column of length 1 (null: a null of its type)         */
    EXPR_CALL,    /* `function` over `arguments`                                        */
    EXPR_CAST,    /* argument 0 to `type`; `try_cast`: null instead of a row error      */
    EXPR_CASE,    /* arguments: when, then, when, then, ..., [else]                     */
    EXPR_AND,     /* three-valued; later arguments see only rows that still matter      */
    EXPR_OR,
    EXPR_IN,       /* argument 0 IN (arguments 1..); constants are hashed                */
    EXPR_COALESCE, /* the first that is not null; lazily                                 */
    EXPR_LAMBDA,   /* x -> body, an argument of a CALL; `type` is the body's. Variables are numbered
                      through all enclosing lambdas, outermost first: this one's begin at `index`  */
    EXPR_LAMBDA_VARIABLE, /* variable number `index`                                     */
};

struct expression {
    enum expression_kind kind;
    const struct type *type;
    bool nullable;
    bool try_cast;
    bool has_else; /* CASE */
    uint32_t index;
    const struct column *literal;
    const struct sql_function *function;
    const void *function_state; /* prepared once from literal arguments: a compiled pattern */
    const struct expression *const *arguments;
    uint32_t argument_count;
    const struct expression *body; /* LAMBDA */
    uint32_t variable_count;
    size_t offset; /* in the text, for row errors */
};
