/* Calls, those with words between their arguments (EXTRACT, TRIM, ...), and type names. */

#include "sql/interval.h"
#include "sql/parser.h"

#include <ctype.h>

/* The offset behind the current type name: a word, then (..) or <..> with what is inside. */
static bool skip_type(struct parser *parser)
{
    const struct token *token = parser_peek(parser, 0);
    if (token->kind != TOKEN_WORD) {
        return parser_expected(parser, "a type such as STRING or DECIMAL(10, 2)") != NULL;
    }
    parser->position++;
    size_t angles = 0;
    if (parser_take_symbol(parser, "(")) {
        while (!parser_take_symbol(parser, ")")) {
            if (parser_peek(parser, 0)->kind == TOKEN_END) {
                return parser_expected(parser, "\")\"") != NULL;
            }
            parser->position++;
        }
        return true;
    }
    if (!parser_is_symbol(parser, 0, "<")) {
        parser_take_symbol(parser, "<>");
        return true;
    }
    do {
        angles += parser_is_symbol(parser, 0, "<") ? 1 : 0;
        angles -= parser_is_symbol(parser, 0, ">") ? 1 : 0;
        if (parser_peek(parser, 0)->kind == TOKEN_END) {
            return parser_expected(parser, "\">\" at the end of the type") != NULL;
        }
        parser->position++;
    } while (angles > 0);
    return true;
}

/* INTERVAL DAY TO SECOND and the like */
static const struct type *parse_interval_type(struct parser *parser)
{
    parser->position++;
    const struct token *token = parser_peek(parser, 0);
    enum interval_unit unit =
        token->kind == TOKEN_WORD ? interval_unit_find(token->value) : UNIT_NONE;
    if (unit == UNIT_NONE || unit == UNIT_WEEK || unit > UNIT_SECOND) {
        return parser_expected(parser, "YEAR, MONTH, DAY, HOUR, MINUTE or SECOND");
    }
    parser->position++;
    if (parser_take_word(parser, "to")) {
        token = parser_peek(parser, 0);
        enum interval_unit to =
            token->kind == TOKEN_WORD ? interval_unit_find(token->value) : UNIT_NONE;
        if (to <= unit || to == UNIT_WEEK || to > UNIT_SECOND ||
            (unit <= UNIT_MONTH) != (to <= UNIT_MONTH)) {
            return parser_expected(parser, "a smaller unit of the same kind");
        }
        parser->position++;
    }
    return type_plain(unit <= UNIT_MONTH ? TYPE_INTERVAL_MONTHS : TYPE_INTERVAL);
}

const struct type *parse_type(struct parser *parser)
{
    size_t begin = parser_peek(parser, 0)->offset;
    if (parser_is_word(parser, 0, "interval")) {
        return parse_interval_type(parser);
    }
    if (!skip_type(parser)) {
        return NULL;
    }
    const struct token *last = parser_peek(parser, 0) - 1;
    struct slice text = slice_of(parser->text + begin, last->offset + last->size - begin);
    const struct type *type = NULL;
    struct error inner;
    error_clear(&inner);
    if (type_parse(text, parser->arena, &type, &inner) != STATUS_OK) {
        parser_fail(parser, begin, "%s", inner.message);
        if (inner.hint[0] != '\0') {
            error_hint(parser->error, "%s", inner.hint);
        }
        return NULL;
    }
    return type;
}

/* EXTRACT(unit FROM value) */
static struct tree *parse_extract(struct parser *parser, size_t offset)
{
    const struct token *unit = parser_peek(parser, 0);
    if (unit->kind != TOKEN_WORD && unit->kind != TOKEN_STRING) {
        return parser_expected(parser, "a unit such as YEAR");
    }
    parser->position++;
    struct tree *arguments[] = {tree_string(parser, unit->offset, unit->value), NULL};
    if (!parser_need_word(parser, "from")) {
        return NULL;
    }
    arguments[1] = parse_expression(parser);
    if (arguments[1] == NULL || !parser_need_symbol(parser, ")")) {
        return NULL;
    }
    return tree_call(parser, "extract", offset, arguments, 2);
}

/* TRIM(BOTH | LEADING | TRAILING [characters] FROM text), behind the bracket. */
static struct tree *parse_trim(struct parser *parser, size_t offset)
{
    const char *name = "trim";
    if (parser_take_word(parser, "leading")) {
        name = "ltrim";
    } else if (parser_take_word(parser, "trailing")) {
        name = "rtrim";
    } else {
        (void) parser_take_word(parser, "both");
    }
    struct tree *arguments[2] = {NULL, NULL};
    uint32_t count = 0;
    if (!parser_is_word(parser, 0, "from")) {
        arguments[count] = parse_expression(parser);
        if (arguments[count++] == NULL) {
            return NULL;
        }
    }
    if (!parser_need_word(parser, "from")) {
        return NULL;
    }
    arguments[count] = parse_expression(parser);
    if (arguments[count++] == NULL || !parser_need_symbol(parser, ")")) {
        return NULL;
    }
    if (count == 2 && strcmp(name, "trim") == 0) { /* only btrim has its arguments this way round */
        struct tree *turned[] = {arguments[1], arguments[0]};
        return tree_call(parser, "btrim", offset, turned, 2);
    }
    return tree_call(parser, name, offset, arguments, count);
}

/* Function forms with words instead of commas: name(first WORD second [WORD third ...]). */
static const struct word_form {
    const char *name;
    const char *words[3]; /* before arguments 1, 2, 3 */
    const char *function;
} word_forms[] = {
    {"substring", {"from", "for", NULL}, "substring"},
    {"substr", {"from", "for", NULL}, "substring"},
    {"position", {"in", NULL, NULL}, "position"},
    {"overlay", {"placing", "from", "for"}, "overlay"},
    {"trim", {"from", NULL, NULL}, "btrim"}, /* TRIM(characters FROM text): turned round */
};

/* Goes on behind the first argument if its word follows; NULL without failure if it does not. */
static struct tree *
parse_word_form(struct parser *parser, const char *name, size_t offset, struct tree *first)
{
    for (size_t i = 0; i < ARRAY_SIZE(word_forms); i++) {
        const struct word_form *form = &word_forms[i];
        if (strcmp(form->name, name) != 0 || !parser_is_word(parser, 0, form->words[0])) {
            continue;
        }
        struct tree *arguments[4] = {first};
        uint32_t count = 1;
        while (count < 4 && form->words[count - 1] != NULL &&
               parser_take_word(parser, form->words[count - 1])) {
            arguments[count] = parse_value(parser);
            if (arguments[count++] == NULL) {
                return NULL;
            }
        }
        if (strcmp(name, "trim") == 0 && count == 2) {
            struct tree *characters = arguments[0];
            arguments[0] = arguments[1];
            arguments[1] = characters;
        }
        return parser_need_symbol(parser, ")")
                   ? tree_call(parser, form->function, offset, arguments, count)
                   : NULL;
    }
    return NULL;
}

static bool has_word_form(const struct parser *parser, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(word_forms); i++) {
        if (strcmp(word_forms[i].name, name) == 0 &&
            parser_is_word(parser, 0, word_forms[i].words[0])) {
            return true;
        }
    }
    return false;
}

/* FILTER (WHERE ...), IGNORE NULLS and OVER behind a call */
static struct tree *parse_call_tail(struct parser *parser, struct tree *call)
{
    if (call == NULL) {
        return NULL;
    }
    if ((parser_is_word(parser, 0, "ignore") || parser_is_word(parser, 0, "respect")) &&
        parser_is_word(parser, 1, "nulls")) {
        call->ignore_nulls = parser_is_word(parser, 0, "ignore");
        parser->position += 2;
    }
    if (parser_is_word(parser, 0, "filter") && parser_is_symbol(parser, 1, "(")) {
        parser->position += 2;
        if (!parser_need_word(parser, "where")) {
            return NULL;
        }
        call->filter = parse_expression(parser);
        if (call->filter == NULL || !parser_need_symbol(parser, ")")) {
            return NULL;
        }
    }
    if (parser_is_word(parser, 0, "over") &&
        (parser_is_symbol(parser, 1, "(") || parser_peek(parser, 1)->kind == TOKEN_WORD)) {
        parser_fail(parser, parser_peek(parser, 0)->offset,
                    "window functions with OVER are not supported");
        error_hint(parser->error,
                   "Spark refuses them in streaming too; group by window(...) or use max_by");
        return NULL;
    }
    return call;
}

/* dateadd(MONTH, 1, d): the unit is a word, not a column */
static struct tree *unit_argument(struct parser *parser, const char **name)
{
    static const char *const from[] = {"dateadd",  "date_add",  "timestampadd",
                                       "datediff", "date_diff", "timestampdiff"};
    for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
        const struct token *unit = parser_peek(parser, 0);
        if (strcmp(*name, from[i]) == 0 && unit->kind == TOKEN_WORD &&
            parser_is_symbol(parser, 1, ",") &&
            (interval_unit_find(unit->value) != UNIT_NONE ||
             parser_is_word(parser, 0, "quarter"))) {
            *name = i < 3 ? "timestampadd" : "timestampdiff";
            parser->position++;
            return tree_string(parser, unit->offset, unit->value);
        }
    }
    return NULL;
}

static struct tree *parse_argument(struct parser *parser)
{
    if (parser_is_symbol(parser, 0, "*")) {
        size_t offset = parser_peek(parser, 0)->offset;
        parser->position++;
        return tree_new(parser, TREE_STAR, offset, NULL, 0);
    }
    struct tree *value = parse_expression(parser);
    if (value != NULL && parser_is_symbol(parser, 0, "=>")) {
        return parser_fail(parser, parser_peek(parser, 0)->offset,
                           "arguments by name are not supported");
    }
    return value;
}

/* struct(a AS x, b): the names go in as named_struct('x', a, ...), which the analyser completes */
static bool struct_alias(struct parser *parser, struct tree **value)
{
    if (parser_take_word(parser, "as")) {
        size_t offset = parser_peek(parser, 0)->offset;
        const char *alias = parser_name(parser, "a field name");
        if (alias == NULL) {
            return false;
        }
        struct tree *arguments[] = {tree_string(parser, offset, slice_of_string(alias)), *value};
        *value = tree_call(parser, "alias", offset, arguments, 2);
        return *value != NULL;
    }
    return true;
}

static struct tree *parse_arguments(struct parser *parser, const char *name, size_t offset)
{
    struct tree **list = NULL;
    uint32_t count = 0;
    bool distinct = parser_take_word(parser, "distinct");
    if (!distinct && parser_is_word(parser, 0, "all") && !parser_is_symbol(parser, 1, ",") &&
        !parser_is_symbol(parser, 1, ")")) {
        parser->position++;
    }
    struct tree *item = unit_argument(parser, &name);
    while (item != NULL || !parser_is_symbol(parser, 0, ")") || count > 0) {
        if (item == NULL) { /* POSITION(x IN y) is no predicate */
            bool value = count == 0 && strcmp(name, "position") == 0;
            item = value ? parse_value(parser) : parse_argument(parser);
        }
        if (item == NULL || (strcmp(name, "struct") == 0 && !struct_alias(parser, &item))) {
            return NULL;
        }
        if (count == 0 && has_word_form(parser, name)) {
            return parse_word_form(parser, name, offset, item);
        }
        list = parser_list_add(parser->arena, list, &count, sizeof(struct tree *), &item);
        item = NULL;
        if (!parser_take_symbol(parser, ",")) {
            break;
        }
    }
    if (!parser_take_symbol(parser, ")")) {
        return parser_expected(parser, "\",\" or \")\"");
    }
    struct tree *call = tree_call(parser, name, offset, list, count);
    if (call != NULL) {
        call->distinct = distinct;
    }
    return call;
}

struct tree *parse_call(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    char *name = arena_string(parser->arena, parser_peek(parser, 0)->value);
    for (char *c = name; *c != '\0'; c++) {
        *c = (char) tolower((unsigned char) *c);
    }
    parser->position += 2;
    if (!parser_enter(parser)) {
        return NULL;
    }
    struct tree *call = NULL;
    bool unit = (parser_peek(parser, 0)->kind == TOKEN_WORD ||
                 parser_peek(parser, 0)->kind == TOKEN_STRING) &&
                parser_is_word(parser, 1, "from");
    if (strcmp(name, "extract") == 0 && unit) {
        call = parse_extract(parser, offset);
    } else if (strcmp(name, "trim") == 0 &&
               (parser_is_word(parser, 0, "both") || parser_is_word(parser, 0, "leading") ||
                parser_is_word(parser, 0, "trailing"))) {
        call = parse_trim(parser, offset);
    } else {
        call = parse_arguments(parser, name, offset);
    }
    parser->nesting--;
    return parse_call_tail(parser, call);
}
