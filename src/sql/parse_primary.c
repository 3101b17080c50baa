/*
 * What operators stand between: literals, names, calls, CASE, CAST and brackets, with [..], .field
 * and ::type behind them.
 */

#include "sql/parser.h"

static struct tree *parse_case(struct parser *parser, size_t offset)
{
    struct tree **list = NULL;
    uint32_t count = 0;
    bool has_operand = !parser_is_word(parser, 0, "when");
    bool has_else = false;
    struct tree *item = NULL;
    if (has_operand) {
        item = parse_expression(parser);
        if (item == NULL) {
            return NULL;
        }
        list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &item);
    }
    if (!parser_is_word(parser, 0, "when")) {
        return parser_expected(parser, "WHEN");
    }
    while (parser_take_word(parser, "when")) {
        item = parse_expression(parser);
        if (item == NULL || !parser_need_word(parser, "then")) {
            return NULL;
        }
        list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &item);
        item = parse_expression(parser);
        if (item == NULL) {
            return NULL;
        }
        list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &item);
    }
    if (parser_take_word(parser, "else")) {
        item = parse_expression(parser);
        if (item == NULL) {
            return NULL;
        }
        list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &item);
        has_else = true;
    }
    if (!parser_need_word(parser, "end")) {
        return NULL;
    }
    struct tree *tree = tree_new(parser, TREE_CASE, offset, list, count);
    if (tree != NULL) {
        tree->has_operand = has_operand;
        tree->has_else = has_else;
    }
    return tree;
}

static struct tree *cast_to(struct parser *parser,
                            size_t offset,
                            struct tree *value,
                            const struct type *type,
                            bool try_cast)
{
    if (value == NULL || type == NULL) {
        return NULL;
    }
    struct tree *tree = tree_new(parser, TREE_CAST, offset, &value, 1);
    if (tree != NULL) {
        tree->type = type;
        tree->try_cast = try_cast;
    }
    return tree;
}

/* CAST(value AS type), behind the opening bracket. */
static struct tree *parse_cast(struct parser *parser, size_t offset, bool try_cast)
{
    struct tree *value = parse_expression(parser);
    if (value == NULL || !parser_need_word(parser, "as")) {
        return NULL;
    }
    const struct type *type = parse_type(parser);
    if (type == NULL || !parser_need_symbol(parser, ")")) {
        return NULL;
    }
    return cast_to(parser, offset, value, type, try_cast);
}

/* (value), or (a, b) for a struct */
static struct tree *parse_brackets(struct parser *parser, size_t offset)
{
    if (parse_at_subquery(parser, 0)) {
        return parse_subquery_refused(parser);
    }
    struct tree **list = NULL;
    uint32_t count = 0;
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
    return count == 1 ? list[0] : tree_call(parser, "struct", offset, list, count);
}

/* a.b.c or a.b.* */
static struct tree *parse_name(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    struct tree_part *parts = NULL;
    uint32_t count = 0;
    enum tree_kind kind = TREE_NAME;
    for (;;) {
        struct tree_part part = {.offset = parser_peek(parser, 0)->offset};
        part.name = parser_name(parser, "a name");
        if (part.name == NULL) {
            return NULL;
        }
        parts = parser_list_add(parser->arena, parts, &count, sizeof(part), &part);
        if (!parser_is_symbol(parser, 0, ".")) {
            break;
        }
        if (parser_is_symbol(parser, 1, "*")) {
            parser->position += 2;
            kind = TREE_STAR;
            break;
        }
        parser->position++;
    }
    if (count > SQL_NESTING_MAX) {
        return parser_fail(parser, offset, "name has more than %d parts", SQL_NESTING_MAX);
    }
    struct tree *tree = tree_new(parser, kind, offset, NULL, 0);
    if (tree != NULL) {
        tree->parts = parts;
        tree->part_count = count;
    }
    return tree;
}

/* DATE '...' and TIMESTAMP '...' */
static struct tree *parse_typed_literal(struct parser *parser)
{
    static const struct {
        const char *word;
        enum type_id type;
    } words[] = {
        {"date", TYPE_DATE}, {"timestamp", TYPE_TIMESTAMP}, {"timestamp_ltz", TYPE_TIMESTAMP}};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (parser_is_word(parser, 0, words[i].word)) {
            size_t offset = parser_peek(parser, 0)->offset;
            const struct token *text = parser_peek(parser, 1);
            parser->position += 2;
            struct tree *tree =
                cast_to(parser, offset, tree_string(parser, text->offset, text->value),
                        type_plain(words[i].type), false);
            if (tree != NULL) {
                tree->typed_literal = true;
            }
            return tree;
        }
    }
    return parser_expected(
        parser, "an operator, not a string: only DATE, TIMESTAMP, INTERVAL and X stand before one");
}

/* A word that cannot begin an expression, so that "SELECT a, FROM t" points at FROM. */
static bool reserved_here(const struct parser *parser)
{
    static const char *const words[] = {
        "from", "where", "group",  "having", "order",     "limit",   "union", "join",
        "on",   "and",   "or",     "when",   "then",      "else",    "in",    "as",
        "by",   "is",    "select", "except", "intersect", "between",
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (parser_is_word(parser, 0, words[i])) {
            return !parser_is_symbol(parser, 1, ".") && !parser_is_symbol(parser, 1, "(");
        }
    }
    return false;
}

static struct tree *parse_word(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    const struct token *next = parser_peek(parser, 1);
    if (reserved_here(parser)) {
        return parser_expected(parser, "an expression");
    }
    if (!parser_is_symbol(parser, 1, ".")) {
        if (parser_is_word(parser, 0, "true") || parser_is_word(parser, 0, "false")) {
            bool value = parser_is_word(parser, 0, "true");
            parser->position++;
            return tree_bool(parser, offset, value);
        }
        if (parser_take_word(parser, "null")) {
            return tree_null(parser, offset);
        }
    }
    if (parser_is_word(parser, 0, "case") && !parser_is_symbol(parser, 1, ".")) {
        parser->position++;
        return parse_case(parser, offset);
    }
    bool bracket = parser_is_symbol(parser, 1, "(");
    if (bracket && (parser_is_word(parser, 0, "cast") || parser_is_word(parser, 0, "try_cast"))) {
        bool try_cast = parser_is_word(parser, 0, "try_cast");
        parser->position += 2;
        return parse_cast(parser, offset, try_cast);
    }
    if (bracket && parser_is_word(parser, 0, "exists") && parse_at_subquery(parser, 2)) {
        return parse_subquery_refused(parser);
    }
    if (parser_is_word(parser, 0, "interval") &&
        (next->kind == TOKEN_STRING || next->kind == TOKEN_NUMBER ||
         ((parser_is_symbol(parser, 1, "-") || parser_is_symbol(parser, 1, "+")) &&
          (parser_peek(parser, 2)->kind == TOKEN_NUMBER ||
           parser_peek(parser, 2)->kind == TOKEN_STRING)))) {
        parser->position++;
        return parse_interval(parser);
    }
    if (next->kind == TOKEN_STRING) {
        return parse_typed_literal(parser);
    }
    return bracket ? parse_call(parser) : parse_name(parser);
}

/* One string, or several in a row: 'a' 'b' is 'ab'. */
static struct tree *parse_strings(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    struct slice value = parser_peek(parser, 0)->value;
    size_t count = 1, size = value.size;
    while (parser_peek(parser, count)->kind == TOKEN_STRING) {
        size += parser_peek(parser, count++)->value.size;
    }
    if (count > 1) {
        uint8_t *joined = arena_alloc(parser->arena, size);
        size_t filled = 0;
        for (size_t i = 0; i < count; i++) {
            struct slice part = parser_peek(parser, i)->value;
            memcpy(joined + filled, part.data, part.size);
            filled += part.size;
        }
        value = slice_of(joined, size);
    }
    parser->position += count;
    return tree_string(parser, offset, value);
}

/* The value itself, before what can stand behind it. */
static struct tree *parse_operand(struct parser *parser)
{
    const struct token *token = parser_peek(parser, 0);
    switch ((enum token_kind) token->kind) {
    case TOKEN_NUMBER:
        return parse_number(parser);
    case TOKEN_STRING:
        return parse_strings(parser);
    case TOKEN_BINARY: {
        parser->position++;
        struct tree *tree = tree_string(parser, token->offset, token->value);
        struct column *column = ARENA_NEW(parser->arena, struct column);
        *column = *tree->literal;
        column->type = type_plain(TYPE_BINARY);
        tree->literal = column;
        return tree;
    }
    case TOKEN_WORD:
        return parse_word(parser);
    case TOKEN_QUOTED:
        return parser_is_symbol(parser, 1, "(") ? parse_call(parser) : parse_name(parser);
    case TOKEN_SYMBOL:
        if (parser_take_symbol(parser, "(")) {
            return parse_brackets(parser, token->offset);
        }
        break;
    case TOKEN_END:
        break;
    }
    return parser_expected(parser, "an expression");
}

struct tree *parse_primary(struct parser *parser)
{
    struct tree *tree = parse_operand(parser);
    while (tree != NULL) {
        size_t offset = parser_peek(parser, 0)->offset;
        if (parser_take_symbol(parser, "[")) {
            struct tree *arguments[] = {tree, parse_expression(parser)};
            if (arguments[1] == NULL || !parser_need_symbol(parser, "]")) {
                return NULL;
            }
            tree = tree_operator(parser, "[]", offset, tree, arguments[1]);
        } else if (tree->kind != TREE_STAR && tree->kind != TREE_LITERAL &&
                   parser_take_symbol(parser, ".")) {
            const char *name = parser_name(parser, "a field name");
            struct tree *field =
                name == NULL ? NULL : tree_new(parser, TREE_FIELD, offset, &tree, 1);
            if (field != NULL) {
                field->name = name;
                field->offset = offset + 1;
            }
            tree = field;
        } else if (parser_take_symbol(parser, "::")) {
            const struct type *type = parse_type(parser);
            tree = cast_to(parser, offset, tree, type, false);
        } else {
            return tree;
        }
    }
    return NULL;
}
