#pragma once

/*
 * A typed plan to a better one with the same rows: constants folded, filters near the data,
 * projects merged, and scans that read no more than what is used, down to fields of structs.
 * Private to sql/.
 */

#include "sql/expressions.h"
#include "sql/query.h"

/* Errors come from functions that refuse their constant arguments, such as a wrong pattern;
 * `ret_offset` is where. The names and order of the output columns stay. */
MUST_USE enum status optimise_plan(const struct plan *plan,
                                   struct arena *arena,
                                   const struct plan **ret_plan,
                                   size_t *ret_offset,
                                   struct error *error);

MUST_USE enum status optimise_expression(const struct expression *expression,
                                         struct arena *arena,
                                         const struct expression **ret_expression,
                                         size_t *ret_offset,
                                         struct error *error);

/* The literal that a constant deterministic expression is, or itself. If evaluating it fails the
 * expression stays (the row will fail) and *ret_problem says why. */
const struct expression *optimise_constant(struct arena *arena,
                                           const struct expression *expression,
                                           const char **ret_problem);

/* The passes; each gives the same rows. */
const struct plan *optimise_filters(const struct plan *plan, struct arena *arena);
const struct plan *optimise_projects(const struct plan *plan, struct arena *arena);
const struct plan *optimise_columns(const struct plan *plan, struct arena *arena);
const struct plan *optimise_shared(const struct plan *plan, struct arena *arena);

/* A copy of a node with other inputs and the expressions that `map` gives; what is over the input
 * of the node changes only. NULL from `map` gives NULL. */
struct plan *plan_map(struct arena *arena,
                      const struct plan *plan,
                      const struct plan *const *inputs,
                      expression_map *map,
                      void *context);
