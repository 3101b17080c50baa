#pragma once

/*
 * Tokens to the syntax tree, by recursive descent; operators by precedence climbing. Private to
 * sql/: others call sql_compile.
 */

#include "base/error.h"
#include "sql/lexer.h"
#include "sql/tree.h"

/* On failure `ret_offset` is the byte that the error is about. */
MUST_USE enum status sql_parse_query(struct slice text,
                                     struct arena *arena,
                                     struct tree_query **ret_query,
                                     size_t *ret_offset,
                                     struct error *error);

MUST_USE enum status sql_parse_expression(struct slice text,
                                          struct arena *arena,
                                          struct tree **ret_tree,
                                          size_t *ret_offset,
                                          struct error *error);

/* The name that Spark gives a column without alias: "count(1)", "(a + 1)", "first". */
const char *tree_column_name(const struct tree *tree, struct arena *arena);
