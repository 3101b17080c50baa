#pragma once

/* What the files of the parser share: the walk over tokens and the making of nodes. */

#include "sql/parse.h"

struct parser {
    const char *text;
    const struct token *tokens;
    size_t count;
    size_t position;
    uint32_t nesting;
    bool negative; /* a minus stood right before this number */
    struct arena *arena;
    struct error *error;
    enum status status; /* of the failure */
    size_t error_offset;
};

/* Runs the lexer; the token at the end stays readable for ever. */
MUST_USE bool
parser_open(struct parser *parser, struct slice text, struct arena *arena, struct error *error);

const struct token *parser_peek(const struct parser *parser, size_t ahead);

/* Fails at a token: "expected a column, found ','". Returns NULL for `return`. */
void *parser_expected(struct parser *parser, const char *what);
void *parser_fail(struct parser *parser, size_t offset, const char *format, ...) PRINTF(3, 4);

bool parser_is_word(const struct parser *parser, size_t ahead, const char *word); /* any case */
bool parser_is_symbol(const struct parser *parser, size_t ahead, const char *symbol);
bool parser_take_word(struct parser *parser, const char *word);
bool parser_take_symbol(struct parser *parser, const char *symbol);
MUST_USE bool parser_need_word(struct parser *parser, const char *word);
MUST_USE bool parser_need_symbol(struct parser *parser, const char *symbol);

/* A name: a word (any, keywords included) or one in backquotes; NULL and an error otherwise. */
const char *parser_name(struct parser *parser, const char *what);

/* An alias: AS name, or a name that is no keyword of a clause; NULL if there is none. Check
 * parser->status, as AS without a name fails. */
const char *parser_alias(struct parser *parser);

/* One level deeper; false and an error beyond SQL_NESTING_MAX. Undo with nesting--. */
MUST_USE bool parser_enter(struct parser *parser);

/* A list that grows by doubling in the arena. */
void *
parser_list_add(struct arena *arena, void *items, uint32_t *count, size_t size, const void *item);

struct tree *tree_new(struct parser *parser,
                      enum tree_kind kind,
                      size_t offset,
                      struct tree *const *arguments,
                      uint32_t count);
struct tree *tree_call(struct parser *parser,
                       const char *name,
                       size_t offset,
                       struct tree *const *arguments,
                       uint32_t count);

struct tree *parse_expression(struct parser *parser);
struct tree *parse_primary(struct parser *parser);
struct tree *
parse_value(struct parser *parser); /* binds tighter than NOT, AND, OR and predicates */

/* A call that was written as an operator; `right` may be NULL. */
struct tree *tree_operator(
    struct parser *parser, const char *name, size_t offset, struct tree *left, struct tree *right);

/* SELECT, WITH or FROM of a subquery; and the failure that it cannot stand in an expression. */
bool parse_at_subquery(const struct parser *parser, size_t ahead);
struct tree *parse_subquery_refused(struct parser *parser);

/* parse_literal.c */
struct tree *parse_number(struct parser *parser);
struct tree *parse_interval(struct parser *parser); /* behind INTERVAL */
struct tree *tree_string(struct parser *parser, size_t offset, struct slice value);
struct tree *tree_bool(struct parser *parser, size_t offset, bool value);
struct tree *tree_null(struct parser *parser, size_t offset);
struct tree *tree_int(struct parser *parser, size_t offset, const struct type *type, int64_t value);

/* parse_call.c */
const struct type *parse_type(struct parser *parser);
struct tree *parse_call(struct parser *parser); /* at name( */

/* parse_relation.c */
void *parser_refuse(struct parser *parser, const char *what, const char *hint); /* NULL */
bool parse_names(struct parser *parser, struct tree_names *names);              /* [(a, b, c)] */
struct tree_relation *parse_values(struct parser *parser, size_t offset);       /* behind VALUES */
struct tree_relation *parse_table(struct parser *parser, size_t offset);
bool parse_relation_alias(struct parser *parser, struct tree_relation *relation);
struct tree_relation *parse_relation(struct parser *parser);
struct tree_relation *parse_join_of(struct parser *parser,
                                    struct tree_relation *left,
                                    struct tree_relation *right,
                                    enum tree_join kind,
                                    size_t offset);

/* parse_query.c */
struct tree_query *parse_query(struct parser *parser);
