#pragma once

/*
 * The syntax tree: what the text says, before any name has a meaning. Private to sql/. Lives in
 * the arena of the statement; `offset` is the byte in the text that an error about it points to.
 */

#include "columnar/column.h"

/* Deeper nesting of brackets, subqueries, CASE and so on is refused: it would eat the stack. */
#define SQL_NESTING_MAX 200

/* Depth of one expression: long chains of operators (a + b + c ...) nest to the left. */
#define SQL_DEPTH_MAX 1000

#define SQL_COLUMNS_MAX 4096

enum tree_kind {
    TREE_NAME,    /* a.b.c: `parts`                                                   */
    TREE_STAR,    /* * or t.*: `parts` are the qualifier                              */
    TREE_LITERAL, /* `literal`: a column of length 1                                  */
    TREE_CALL,    /* `name`(arguments); operators are calls too                       */
    TREE_CAST,    /* arguments[0] to `type`                                           */
    TREE_CASE,    /* [operand,] when, then, ..., [else]: see has_operand, has_else    */
    TREE_AND,     /* two or more arguments                                            */
    TREE_OR,
    TREE_IN,     /* arguments[0] in the others                                       */
    TREE_FIELD,  /* arguments[0].name                                                */
    TREE_LAMBDA, /* (parts) -> arguments[0]                                          */
};

struct tree_part {
    const char *name;
    size_t offset;
};

struct tree {
    enum tree_kind kind;
    size_t offset;
    uint32_t depth;
    const char *name; /* CALL: lower case; FIELD */
    const struct tree_part *parts;
    uint32_t part_count;
    struct tree **arguments;
    uint32_t argument_count;
    const struct type *type; /* CAST */
    const struct column *literal;
    struct tree *filter; /* CALL: FILTER (WHERE ...) */
    bool distinct;       /* CALL: count(DISTINCT ...) */
    bool ignore_nulls;   /* CALL: first(x) IGNORE NULLS */
    bool operator_form;  /* CALL: written as an operator, for column names */
    bool try_cast;       /* CAST */
    bool typed_literal;  /* CAST of DATE '...' or TIMESTAMP '...': a wrong text is a syntax error */
    bool has_operand, has_else; /* CASE */
};

struct tree_names {
    const char **names;
    uint32_t count;
};

struct tree_item {
    struct tree *value;
    const char *alias;         /* NULL: none given */
    struct tree_names aliases; /* explode(m) AS (key, value) */
    size_t offset;
};

struct tree_query;

enum tree_relation_kind {
    RELATION_NAME,
    RELATION_QUERY,
    RELATION_VALUES,
    RELATION_JOIN,
};

enum tree_join {
    TREE_JOIN_INNER,
    TREE_JOIN_LEFT,
    TREE_JOIN_RIGHT,
    TREE_JOIN_FULL,
    TREE_JOIN_CROSS,
    TREE_JOIN_SEMI,
    TREE_JOIN_ANTI,
};

struct tree_relation {
    enum tree_relation_kind kind;
    size_t offset;
    uint32_t depth;
    const char *name; /* NAME: dotted */
    const char *alias;
    struct tree_names columns; /* AS t(a, b) */
    struct tree_query *query;  /* QUERY */
    struct tree **values;      /* VALUES: row-major */
    uint32_t row_count, column_count;
    struct tree_relation *left, *right; /* JOIN */
    enum tree_join join;
    bool natural;
    struct tree *on;
    struct tree_names using_columns;
};

/* LATERAL VIEW [OUTER] explode(x) t AS a, b */
struct tree_lateral {
    size_t offset;
    struct tree *call;
    bool outer;
    const char *alias; /* of the rows */
    struct tree_names columns;
};

struct tree_select {
    bool distinct;
    struct tree_item *items;
    uint32_t item_count;
    struct tree_relation *from; /* NULL: one row without columns */
    struct tree_lateral *laterals;
    uint32_t lateral_count;
    struct tree *where;
    struct tree **group_by;
    uint32_t group_count;
    bool group_all; /* GROUP BY ALL */
    struct tree *having;
};

enum tree_body_kind {
    BODY_SELECT,
    BODY_VALUES, /* `relation` */
    BODY_QUERY,  /* (query) */
    BODY_TABLE,  /* FROM-less TABLE t: `relation` */
    BODY_UNION,  /* of `bodies`; `distinct`: duplicates go */
};

struct tree_body {
    enum tree_body_kind kind;
    size_t offset;
    struct tree_select *select;
    struct tree_relation *relation;
    struct tree_query *query;
    struct tree_body **bodies;
    uint32_t body_count;
    bool distinct;
};

struct tree_cte {
    const char *name;
    size_t offset;
    struct tree_names columns;
    struct tree_query *query;
};

struct tree_order {
    struct tree *value;
    bool descending, nulls_last;
};

struct tree_query {
    size_t offset;
    struct tree_cte *ctes;
    uint32_t cte_count;
    struct tree_body *body;
    struct tree_order *order;
    uint32_t order_count;
    size_t order_offset;
    struct tree *limit, *skip; /* NULL: none */
};
