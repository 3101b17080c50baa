#pragma once

/*
 * The analyser: the syntax tree to a typed plan. Names become column indexes, functions rows of
 * the function table, implicit casts explicit; nothing is optimised yet. Private to sql/.
 *
 * Every function that returns a pointer returns NULL after a failure, which stands in the analyser:
 * the first one stays.
 */

#include "sql/expressions.h"
#include "sql/parse.h"
#include "sql/query.h"
#include "sql/tree.h"

/* More typed nodes than this in one statement are refused: views, *, and BETWEEN multiply. */
#define SQL_NODES_MAX ((uint32_t) 1 << 18)

struct scope_column {
    const char *relation; /* alias or last part of the relation's name; NULL: none */
    const char *full;     /* dotted name of the relation if it has several parts, or NULL */
    const char *name;
    const struct type *type;
    bool nullable;
    bool metadata; /* _key and the like: not in * */
    bool merged;   /* a source of a USING column: not in *, but in t.* */
};

/* Columns in sight, in the order of the plan's output. */
struct scope {
    struct scope_column *columns;
    uint32_t count;
};

/* A plan and the names of its output. */
struct analysed {
    const struct plan *plan;
    struct scope scope;
};

/* A WITH name in sight. */
struct cte {
    const struct cte *outer;
    const char *name;
    struct analysed result;
    uint32_t nodes; /* what using it once more costs */
};

struct analyser {
    struct arena *arena;
    const struct sql_catalog *catalog; /* NULL: no relations at all */
    const struct sql_options *options;
    const struct cte *ctes;
    uint32_t nodes;
    bool watermark_found; /* some relation in FROM has that column */
    struct error *error;
    enum status status;
    size_t offset;
};

/* Variables of the lambdas around an expression, innermost first. */
struct lambda_scope {
    const struct lambda_scope *outer;
    const struct tree_part *names;
    const struct type *const *types;
    uint32_t count;
    uint32_t first; /* number of the first one */
};

/* A name given earlier in the SELECT list. */
struct named_expression {
    const char *name;
    const struct expression *value;
};

/* What an aggregation collects while the expressions around it are analysed. */
struct aggregation {
    struct plan_aggregate *items;
    const struct expression **calls; /* the placeholder of each in the analysed expressions */
    uint32_t count;
    const struct plan_window *window; /* of GROUP BY window(...) */
    size_t window_offset;
    uint32_t window_column; /* index in the widened input */
    bool collecting_keys;   /* inside GROUP BY: a window may be made */
};

struct context {
    const struct scope *scope;
    const char *clause;              /* "WHERE": where we are, for messages */
    struct aggregation *aggregation; /* NULL: aggregates cannot stand here */
    bool inside_aggregate;
    const struct lambda_scope *lambdas;
    const struct named_expression *names; /* earlier items; columns win over them */
    uint32_t name_count;
    bool names_first; /* ORDER BY: names win over columns */
};

/* analyse.c */
void *analyse_fail(struct analyser *analyser, size_t offset, const char *format, ...) PRINTF(3, 4);
void *
analyse_failed(struct analyser *analyser, size_t offset, enum status status); /* error is filled */
bool analyse_count(struct analyser *analyser, size_t offset, uint32_t nodes); /* false: too many */
const struct type *scope_type(struct arena *arena, const struct scope *scope);

/* scope.c: the value of a.b.c, or NULL with the nearest name as hint. */
const struct expression *
analyse_name(struct analyser *analyser, const struct context *context, const struct tree *tree);
const struct expression *analyse_member(struct analyser *analyser,
                                        const struct expression *value,
                                        const char *name,
                                        size_t offset);

/* The columns that * or t.* stands for: indexes into the scope. */
bool analyse_star(struct analyser *analyser,
                  const struct scope *scope,
                  const struct tree *star,
                  uint32_t **ret_indexes,
                  uint32_t *ret_count);

/* The struct that s.* spreads, or NULL (and no failure) if `star` names none. */
const struct expression *analyse_struct_star(struct analyser *analyser,
                                             const struct context *context,
                                             const struct tree *star);

/* analyse_expression.c */
const struct expression *
analyse_expression(struct analyser *analyser, struct context *context, const struct tree *tree);
const struct expression *
analyse_condition(struct analyser *analyser, struct context *context, const struct tree *tree);
const struct expression *analyse_case(struct analyser *analyser,
                                      const struct expression **arguments,
                                      uint32_t count,
                                      bool has_else,
                                      size_t offset);
const struct expression *analyse_coalesce(struct analyser *analyser,
                                          const struct expression **arguments,
                                          uint32_t count,
                                          size_t offset);
const struct expression *analyse_implicit_cast(struct analyser *analyser,
                                               const struct expression *value,
                                               const struct type *type,
                                               const char *what);
const char *analyse_type_text(struct analyser *analyser, const struct type *type);

/* analyse_call.c */
const struct expression *
analyse_call(struct analyser *analyser, struct context *context, const struct tree *tree);
const struct expression *analyse_apply(struct analyser *analyser,
                                       const char *function,
                                       size_t offset,
                                       const struct expression *const *arguments,
                                       uint32_t count);
bool analyse_is_generator(const struct tree *tree);
const struct expression *
analyse_generator(struct analyser *analyser, struct context *context, const struct tree *tree);

/* analyse_window.c */
const struct expression *
analyse_window(struct analyser *analyser, struct context *context, const struct tree *tree);

const struct expression *analyse_window_column(struct analyser *analyser,
                                               const struct aggregation *aggregation,
                                               size_t offset);

/* analyse_relation.c: FROM */
bool analyse_relation(struct analyser *analyser,
                      const struct tree_relation *relation,
                      struct analysed *ret_analysed);
bool analyse_lateral(struct analyser *analyser,
                     const struct tree_lateral *lateral,
                     struct analysed *source);

/* Adds the rows of a generator: input columns, then its own under `names` (or its own names). */
bool analyse_generate(struct analyser *analyser,
                      struct analysed *source,
                      const struct tree *call,
                      bool outer,
                      const char *relation,
                      const struct tree_names *names);

/* analyse_select.c; `order` is NULL or the query whose ORDER BY sorts this SELECT */
bool analyse_select(struct analyser *analyser,
                    const struct tree_select *select,
                    const struct tree_query *order,
                    struct analysed *ret_analysed);

const struct plan *analyse_sort(struct analyser *analyser,
                                const struct plan *input,
                                const struct plan_sort_key *keys,
                                uint32_t count,
                                size_t offset);
const struct plan *
analyse_distinct(struct analyser *analyser, const struct plan *input, size_t offset);
struct scope analyse_output_scope(struct arena *arena, const struct plan *plan);

/* analyse_aggregate.c */
struct grouping {
    struct aggregation aggregation;
    const struct expression **keys;
    const char **key_names;
    uint32_t key_count;
    const struct scope *input;
};

/* An analysed expression over the input as one over keys and aggregates. */
const struct expression *grouping_lower(struct analyser *analyser,
                                        const struct grouping *grouping,
                                        const struct expression *expression);
bool grouping_keys(struct analyser *analyser,
                   struct grouping *grouping,
                   const struct tree_select *select,
                   struct context *context);
bool tree_has_aggregate(const struct tree *tree);

/* analyse_query.c */
bool analyse_query(struct analyser *analyser,
                   const struct tree_query *query,
                   struct analysed *ret_analysed);

/* plans.c: nodes of plans */
struct plan *plan_new(struct arena *arena,
                      enum plan_kind kind,
                      const struct type *type,
                      const struct plan *input,
                      size_t offset);
const struct plan *
plan_filter(struct arena *arena, const struct plan *input, const struct expression *predicate);
const struct plan *plan_project(struct arena *arena,
                                const struct plan *input,
                                const struct expression *const *expressions,
                                const char *const *names,
                                uint32_t count,
                                size_t offset);

/* A row-for-row plan with the metadata columns of its stream behind its own. */
const struct plan *plan_with_metadata(struct arena *arena, const struct plan *plan);

/* Nodes of a plan and its expressions, at most `max` + 1. */
uint32_t plan_size(const struct plan *plan, uint32_t max);
uint32_t expression_size(const struct expression *expression, uint32_t max);

/* The expression passes on, unchanged, the column of this name of a stream or of a view in FROM: it
 * carries event time. A node has `relation` set where one of those ends. */
bool plan_carries(const struct plan *plan, const struct expression *expression, const char *column);
