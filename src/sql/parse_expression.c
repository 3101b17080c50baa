/*
 * Expressions by precedence, loosest first:
 *
 *     OR | AND | NOT | predicates (BETWEEN IN LIKE IS) | = <=> < <= > >= <> | "|" | ^ | & | + - ||
 * |
 *     * / % DIV | unary + - ~ | primary with [..], .field and ::type behind it
 */

#include "sql/parser.h"

struct operator
{
    const char *symbol; /* or a word */
    const char *name;   /* of the function */
    int precedence;
};

static const struct operator operators[] = {
    {"=", "=", 1}, {"==", "=", 1},  {"<=>", "<=>", 1}, {"<>", "!=", 1},   {"!=", "!=", 1},
    {"<", "<", 1}, {"<=", "<=", 1}, {">", ">", 1},     {">=", ">=", 1},   {"|", "|", 2},
    {"^", "^", 3}, {"&", "&", 4},   {"+", "+", 5},     {"-", "-", 5},     {"||", "||", 5},
    {"*", "*", 6}, {"/", "/", 6},   {"%", "%", 6},     {"div", "div", 6},
};

static const struct operator* operator_at(const struct parser *parser)
{
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        if (parser_is_symbol(parser, 0, operators[i].symbol) ||
            (operators[i].symbol[0] == 'd' && parser_is_word(parser, 0, operators[i].symbol))) {
            return &operators[i];
        }
    }
    return NULL;
}

struct tree *tree_operator(
    struct parser *parser, const char *name, size_t offset, struct tree *left, struct tree *right)
{
    struct tree *arguments[] = {left, right};
    struct tree *tree = tree_call(parser, name, offset, arguments, right == NULL ? 1 : 2);
    if (tree != NULL) {
        tree->operator_form = true;
    }
    return tree;
}

static struct tree *not_call(struct parser *parser, size_t offset, struct tree *inner)
{
    return inner == NULL ? NULL : tree_operator(parser, "not", offset, inner, NULL);
}

static struct tree *parse_unary(struct parser *parser)
{
    const struct token *token = parser_peek(parser, 0);
    size_t offset = token->offset;
    bool minus = parser_is_symbol(parser, 0, "-");
    if (!minus && !parser_is_symbol(parser, 0, "+") && !parser_is_symbol(parser, 0, "~")) {
        return parse_primary(parser);
    }
    const char *name = minus ? "negative" : parser_is_symbol(parser, 0, "~") ? "~" : NULL;
    parser->position++;
    if (minus && parser_peek(parser, 0)->kind == TOKEN_NUMBER) {
        parser->negative = true; /* the smallest BIGINT has no positive */
        return parse_primary(parser);
    }
    if (!parser_enter(parser)) {
        return NULL;
    }
    struct tree *inner = parse_unary(parser);
    parser->nesting--;
    if (inner == NULL || name == NULL) {
        return inner;
    }
    return tree_operator(parser, name, offset, inner, NULL);
}

static struct tree *parse_binary(struct parser *parser, int precedence)
{
    struct tree *left = parse_unary(parser);
    while (left != NULL) {
        const struct operator* found = operator_at(parser);
        if (found == NULL || found->precedence < precedence) {
            break;
        }
        size_t offset = parser_peek(parser, 0)->offset;
        parser->position++;
        struct tree *right = parse_binary(parser, found->precedence + 1);
        left = right == NULL ? NULL : tree_operator(parser, found->name, offset, left, right);
    }
    return left;
}

struct tree *parse_value(struct parser *parser)
{
    return parse_binary(parser, 1);
}

static struct tree *parse_between(struct parser *parser, struct tree *value, size_t offset)
{
    /* the bounds bind tighter than a comparison's AND */
    struct tree *low = parse_binary(parser, 2);
    if (low == NULL || !parser_need_word(parser, "and")) {
        return NULL;
    }
    struct tree *high = parse_binary(parser, 2);
    if (high == NULL) {
        return NULL;
    }
    struct tree *both[] = {tree_operator(parser, ">=", offset, value, low),
                           tree_operator(parser, "<=", offset, value, high)};
    return tree_new(parser, TREE_AND, offset, both, 2);
}

bool parse_at_subquery(const struct parser *parser, size_t ahead)
{
    return parser_is_word(parser, ahead, "select") || parser_is_word(parser, ahead, "with") ||
           (parser_is_word(parser, ahead, "from") && !parser_is_symbol(parser, ahead + 1, "."));
}

struct tree *parse_subquery_refused(struct parser *parser)
{
    parser_fail(parser, parser_peek(parser, 0)->offset,
                "a subquery cannot stand inside an expression");
    error_hint(parser->error, "put it into FROM, as a stream of its own or as WITH name AS (...)");
    return NULL;
}

/* A list in brackets behind the first argument. */
static struct tree *parse_in(struct parser *parser, struct tree *value, size_t offset)
{
    if (!parser_need_symbol(parser, "(")) {
        return NULL;
    }
    if (parse_at_subquery(parser, 0)) {
        return parse_subquery_refused(parser);
    }
    struct tree **list = NULL;
    uint32_t count = 0;
    list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &value);
    do {
        struct tree *item = parse_expression(parser);
        if (item == NULL) {
            return NULL;
        }
        list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &item);
    } while (parser_take_symbol(parser, ","));
    if (!parser_need_symbol(parser, ")")) {
        return NULL;
    }
    return tree_new(parser, TREE_IN, offset, list, count);
}

static struct tree *like_call(struct parser *parser,
                              const char *name,
                              size_t offset,
                              struct tree *value,
                              struct tree *pattern)
{
    struct tree *arguments[] = {value, pattern, NULL};
    uint32_t count = 2;
    if (strcmp(name, "rlike") != 0 && parser_take_word(parser, "escape")) {
        arguments[2] = parse_primary(parser);
        if (arguments[2] == NULL) {
            return NULL;
        }
        count = 3;
    }
    struct tree *tree = tree_call(parser, name, offset, arguments, count);
    if (tree != NULL) {
        tree->operator_form = true;
    }
    return tree;
}

/* LIKE pattern, LIKE ANY (a, b), LIKE ALL (a, b) */
static struct tree *
parse_like(struct parser *parser, const char *name, struct tree *value, size_t offset)
{
    bool all = parser_is_word(parser, 0, "all");
    if ((all || parser_is_word(parser, 0, "any") || parser_is_word(parser, 0, "some")) &&
        parser_is_symbol(parser, 1, "(")) {
        parser->position += 2;
        struct tree **list = NULL;
        uint32_t count = 0;
        do {
            struct tree *pattern = parse_expression(parser);
            struct tree *call =
                pattern == NULL ? NULL : like_call(parser, name, offset, value, pattern);
            if (call == NULL) {
                return NULL;
            }
            list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &call);
        } while (parser_take_symbol(parser, ","));
        if (!parser_need_symbol(parser, ")")) {
            return NULL;
        }
        return count == 1 ? list[0]
                          : tree_new(parser, all ? TREE_AND : TREE_OR, offset, list, count);
    }
    struct tree *pattern = parse_binary(parser, 2);
    return pattern == NULL ? NULL : like_call(parser, name, offset, value, pattern);
}

/* IS [NOT] NULL | TRUE | FALSE | UNKNOWN | DISTINCT FROM value */
static struct tree *parse_is(struct parser *parser, struct tree *value, size_t offset)
{
    bool negated = parser_take_word(parser, "not");
    struct tree *tree = NULL;
    if (parser_take_word(parser, "null") || parser_take_word(parser, "unknown")) {
        return tree_operator(parser, negated ? "isnotnull" : "isnull", offset, value, NULL);
    }
    if (parser_is_word(parser, 0, "true") || parser_is_word(parser, 0, "false")) {
        struct tree *truth =
            tree_bool(parser, parser_peek(parser, 0)->offset, parser_is_word(parser, 0, "true"));
        parser->position++;
        tree = tree_operator(parser, "<=>", offset, value, truth);
        return negated ? not_call(parser, offset, tree) : tree;
    }
    if (parser_take_word(parser, "distinct")) {
        if (!parser_need_word(parser, "from")) {
            return NULL;
        }
        struct tree *other = parse_binary(parser, 2);
        tree = other == NULL ? NULL : tree_operator(parser, "<=>", offset, value, other);
        return negated ? tree : not_call(parser, offset, tree);
    }
    return parser_expected(parser, "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
}

static struct tree *parse_predicate(struct parser *parser)
{
    struct tree *value = parse_value(parser);
    while (value != NULL) {
        size_t offset = parser_peek(parser, 0)->offset;
        bool negated = parser_is_word(parser, 0, "not");
        size_t at = negated ? 1 : 0;
        struct tree *tree = NULL;
        if (parser_is_word(parser, at, "between")) {
            parser->position += at + 1;
            tree = parse_between(parser, value, offset);
        } else if (parser_is_word(parser, at, "in")) {
            parser->position += at + 1;
            tree = parse_in(parser, value, offset);
        } else if (parser_is_word(parser, at, "like") || parser_is_word(parser, at, "ilike")) {
            const char *name = parser_is_word(parser, at, "like") ? "like" : "ilike";
            parser->position += at + 1;
            tree = parse_like(parser, name, value, offset);
        } else if (parser_is_word(parser, at, "rlike") || parser_is_word(parser, at, "regexp")) {
            parser->position += at + 1;
            tree = parse_like(parser, "rlike", value, offset);
        } else if (!negated && parser_is_word(parser, 0, "is")) {
            parser->position++;
            tree = parse_is(parser, value, offset);
        } else {
            return value;
        }
        value = negated ? not_call(parser, offset, tree) : tree;
    }
    return NULL;
}

static struct tree *parse_not(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    if (!parser_is_word(parser, 0, "not") && !parser_is_symbol(parser, 0, "!")) {
        return parse_predicate(parser);
    }
    parser->position++;
    if (!parser_enter(parser)) {
        return NULL;
    }
    struct tree *inner = parse_not(parser);
    parser->nesting--;
    return not_call(parser, offset, inner);
}

/* Terms joined by AND or OR as one node, however many there are. */
static struct tree *parse_logical(struct parser *parser, const char *word)
{
    bool is_or = strcmp(word, "or") == 0;
    struct tree **terms = NULL;
    uint32_t count = 0;
    size_t offset = parser_peek(parser, 0)->offset;
    do {
        struct tree *term = is_or ? parse_logical(parser, "and") : parse_not(parser);
        if (term == NULL) {
            return NULL;
        }
        terms = parser_list_add(parser->arena, terms, &count, sizeof(struct tree *), &term);
    } while (parser_take_word(parser, word));
    return count == 1 ? terms[0]
                      : tree_new(parser, is_or ? TREE_OR : TREE_AND, offset, terms, count);
}

/* x -> body, or (x, y) -> body; the position is at the first token. */
static bool at_lambda(const struct parser *parser)
{
    if (parser_peek(parser, 0)->kind == TOKEN_WORD ||
        parser_peek(parser, 0)->kind == TOKEN_QUOTED) {
        return parser_is_symbol(parser, 1, "->");
    }
    if (!parser_is_symbol(parser, 0, "(")) {
        return false;
    }
    for (size_t at = 1;; at += 2) {
        unsigned kind = parser_peek(parser, at)->kind;
        if (kind != TOKEN_WORD && kind != TOKEN_QUOTED) {
            return false;
        }
        if (parser_is_symbol(parser, at + 1, ")")) {
            return parser_is_symbol(parser, at + 2, "->");
        }
        if (!parser_is_symbol(parser, at + 1, ",")) {
            return false;
        }
    }
}

static struct tree *parse_lambda(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    bool brackets = parser_take_symbol(parser, "(");
    struct tree_part *parts = NULL;
    uint32_t count = 0;
    do {
        struct tree_part part = {.offset = parser_peek(parser, 0)->offset};
        part.name = parser_name(parser, "a variable");
        if (part.name == NULL) {
            return NULL;
        }
        parts = parser_list_add(parser->arena, parts, &count, sizeof(part), &part);
    } while (brackets && parser_take_symbol(parser, ","));
    if ((brackets && !parser_need_symbol(parser, ")")) || !parser_need_symbol(parser, "->")) {
        return NULL;
    }
    struct tree *body = parse_expression(parser);
    struct tree *tree = body == NULL ? NULL : tree_new(parser, TREE_LAMBDA, offset, &body, 1);
    if (tree != NULL) {
        tree->parts = parts;
        tree->part_count = count;
    }
    return tree;
}

struct tree *parse_expression(struct parser *parser)
{
    if (!parser_enter(parser)) {
        return NULL;
    }
    struct tree *tree = at_lambda(parser) ? parse_lambda(parser) : parse_logical(parser, "or");
    parser->nesting--;
    return tree;
}
