#include "sql/parser.h"

#include <stdio.h>
#include <strings.h>

bool parser_open(struct parser *parser, struct slice text, struct arena *arena, struct error *error)
{
    struct token *tokens = NULL;
    *parser = (struct parser){.text = (const char *) text.data, .arena = arena, .error = error};
    parser->status = sql_lex(text, arena, &tokens, &parser->count, &parser->error_offset, error);
    parser->tokens = tokens;
    return parser->status == STATUS_OK;
}

const struct token *parser_peek(const struct parser *parser, size_t ahead)
{
    size_t at = parser->position + ahead;
    return &parser->tokens[at < parser->count ? at : parser->count - 1];
}

void *parser_fail(struct parser *parser, size_t offset, const char *format, ...)
{
    if (parser->status == STATUS_OK) {
        va_list arguments;
        va_start(arguments, format);
        parser->status = error_set_va(parser->error, STATUS_CONFIG, format, arguments);
        va_end(arguments);
        parser->error_offset = offset;
    }
    return NULL;
}

void *parser_expected(struct parser *parser, const char *what)
{
    const struct token *token = parser_peek(parser, 0);
    const char *raw = parser->text + token->offset;
    if (token->kind == TOKEN_END) {
        return parser_fail(parser, token->offset, "expected %s, but the query ends here", what);
    }
    int shown = token->size > 40 ? 40 : (int) token->size;
    return parser_fail(parser, token->offset, "expected %s, found \"%.*s\"", what, shown, raw);
}

bool parser_is_word(const struct parser *parser, size_t ahead, const char *word)
{
    const struct token *token = parser_peek(parser, ahead);
    size_t length = strlen(word);
    return token->kind == TOKEN_WORD && token->size == length &&
           strncasecmp(parser->text + token->offset, word, length) == 0;
}

bool parser_is_symbol(const struct parser *parser, size_t ahead, const char *symbol)
{
    const struct token *token = parser_peek(parser, ahead);
    return token->kind == TOKEN_SYMBOL && slice_equal_string(token->value, symbol);
}

bool parser_take_word(struct parser *parser, const char *word)
{
    bool found = parser_is_word(parser, 0, word);
    parser->position += found ? 1 : 0;
    return found;
}

bool parser_take_symbol(struct parser *parser, const char *symbol)
{
    bool found = parser_is_symbol(parser, 0, symbol);
    parser->position += found ? 1 : 0;
    return found;
}

bool parser_need_word(struct parser *parser, const char *word)
{
    return parser_take_word(parser, word) || parser_expected(parser, word) != NULL;
}

bool parser_need_symbol(struct parser *parser, const char *symbol)
{
    char what[8];
    (void) snprintf(what, sizeof(what), "\"%s\"", symbol);
    return parser_take_symbol(parser, symbol) || parser_expected(parser, what) != NULL;
}

const char *parser_name(struct parser *parser, const char *what)
{
    const struct token *token = parser_peek(parser, 0);
    if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED) {
        return parser_expected(parser, what);
    }
    parser->position++;
    return arena_string(parser->arena, token->value);
}

/* Words that go on with the query where an alias could stand. */
static bool ends_item(const struct parser *parser)
{
    static const char *const words[] = {
        "from",        "where",   "group",     "having",  "order",   "limit",      "offset",
        "union",       "except",  "intersect", "minus",   "join",    "inner",      "left",
        "right",       "full",    "cross",     "semi",    "anti",    "natural",    "on",
        "using",       "lateral", "window",    "qualify", "cluster", "distribute", "sort",
        "when",        "then",    "else",      "end",     "and",     "or",         "not",
        "in",          "like",    "ilike",     "rlike",   "regexp",  "between",    "is",
        "tablesample", "pivot",   "unpivot",   "escape",  "div",     "filter",     "watermark",
        "delay",
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (parser_is_word(parser, 0, words[i])) {
            return true;
        }
    }
    return false;
}

const char *parser_alias(struct parser *parser)
{
    if (parser_take_word(parser, "as")) {
        return parser_name(parser, "a name behind AS");
    }
    const struct token *token = parser_peek(parser, 0);
    if (token->kind == TOKEN_QUOTED || (token->kind == TOKEN_WORD && !ends_item(parser))) {
        return parser_name(parser, "an alias");
    }
    return NULL;
}

bool parser_enter(struct parser *parser)
{
    if (++parser->nesting > SQL_NESTING_MAX) {
        parser_fail(parser, parser_peek(parser, 0)->offset, "query is nested deeper than %d levels",
                    SQL_NESTING_MAX);
        return false;
    }
    return true;
}

void *
parser_list_add(struct arena *arena, void *items, uint32_t *count, size_t size, const void *item)
{
    /* grows at the powers of two: the count tells the capacity */
    if ((*count & (*count - 1)) == 0) {
        items = arena_grow(arena, items, *count * size, (*count == 0 ? 1 : *count * 2) * size);
    }
    memcpy((char *) items + *count * size, item, size);
    ++*count;
    return items;
}

struct tree *tree_new(struct parser *parser,
                      enum tree_kind kind,
                      size_t offset,
                      struct tree *const *arguments,
                      uint32_t count)
{
    struct tree *tree = ARENA_NEW(parser->arena, struct tree);
    tree->kind = kind;
    tree->offset = offset;
    tree->argument_count = count;
    tree->arguments = ARENA_ARRAY(parser->arena, struct tree *, count);
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i] == NULL) {
            return NULL; /* its parser has failed already */
        }
        tree->arguments[i] = arguments[i];
        tree->depth = arguments[i]->depth > tree->depth ? arguments[i]->depth : tree->depth;
    }
    if (++tree->depth > SQL_DEPTH_MAX) {
        return parser_fail(parser, offset, "expression is deeper than %d levels", SQL_DEPTH_MAX);
    }
    return tree;
}

struct tree *tree_call(struct parser *parser,
                       const char *name,
                       size_t offset,
                       struct tree *const *arguments,
                       uint32_t count)
{
    struct tree *tree = tree_new(parser, TREE_CALL, offset, arguments, count);
    if (tree != NULL) {
        tree->name = name;
    }
    return tree;
}
