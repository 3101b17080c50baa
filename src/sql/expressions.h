#pragma once

/*
 * Making, comparing and rewriting typed expressions. Private to the planner. Expressions are
 * immutable: a change makes new nodes and shares what stayed the same.
 */

#include "base/error.h"
#include "sql/expression.h"

/* A new node of this kind with room for arguments, to be filled in. */
struct expression *expression_new(struct arena *arena,
                                  enum expression_kind kind,
                                  const struct type *type,
                                  size_t offset);

const struct expression *expression_column(
    struct arena *arena, uint32_t index, const struct type *type, bool nullable, size_t offset);
const struct expression *expression_field(struct arena *arena,
                                          const struct expression *argument,
                                          uint32_t index,
                                          size_t offset);
const struct expression *
expression_literal(struct arena *arena, const struct column *literal, size_t offset);
const struct expression *
expression_null(struct arena *arena, const struct type *type, size_t offset);
const struct expression *expression_string(struct arena *arena, const char *text, size_t offset);
const struct expression *expression_bool(struct arena *arena, bool value, size_t offset);
const struct expression *
expression_int(struct arena *arena, const struct type *type, int64_t value, size_t offset);

/* A list that grows in the arena. */
struct expression_list {
    const struct expression **items;
    uint32_t count;
};

void expression_list_add(struct arena *arena,
                         struct expression_list *list,
                         const struct expression *item);

/* `argument` itself if it has that type already. The cast must exist. */
const struct expression *
expression_cast(struct arena *arena, const struct expression *argument, const struct type *type);

/* AND of all; one argument is itself, none is true. Nested ANDs are laid flat. */
const struct expression *
expression_and(struct arena *arena, const struct expression *const *arguments, uint32_t count);

bool expression_equal(const struct expression *a, const struct expression *b);
uint64_t expression_hash(const struct expression *expression);
bool expression_is_call(const struct expression *expression, const char *function);

/* A literal that is TRUE. */
bool expression_is_true(const struct expression *expression);

/* The same value for the same row: no rand(), no uuid(). */
bool expression_is_deterministic(const struct expression *expression);

/* No column and no lambda variable in it. */
bool expression_is_constant(const struct expression *expression);

/* Column, field of one, or literal: free to compute twice. */
bool expression_is_trivial(const struct expression *expression);

/* Counts how often column `index` is read. */
uint32_t expression_uses(const struct expression *expression, uint32_t index);

/* Calls `map` for each direct child (arguments, then the lambda's body); gives the node itself if
 * none changed, else a copy. NULL from `map` gives NULL. */
typedef const struct expression *expression_map(void *context, const struct expression *child);
const struct expression *expression_map_children(struct arena *arena,
                                                 const struct expression *expression,
                                                 expression_map *map,
                                                 void *context);

/* Columns replaced by the expressions that compute them. */
const struct expression *expression_substitute(struct arena *arena,
                                               const struct expression *expression,
                                               const struct expression *const *columns);
