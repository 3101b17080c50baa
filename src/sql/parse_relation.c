/* What stands in FROM: names, subqueries, VALUES, joins. */

#include "sql/parser.h"

void *parser_refuse(struct parser *parser, const char *what, const char *hint)
{
    parser_fail(parser, parser_peek(parser, 0)->offset, "%s", what);
    error_hint(parser->error, "%s", hint);
    return NULL;
}

/* (a, b, c) */
bool parse_names(struct parser *parser, struct tree_names *names)
{
    if (!parser_take_symbol(parser, "(")) {
        return true;
    }
    do {
        const char *name = parser_name(parser, "a column name");
        if (name == NULL) {
            return false;
        }
        names->names =
            parser_list_add(parser->arena, names->names, &names->count, sizeof(name), &name);
    } while (parser_take_symbol(parser, ","));
    return parser_need_symbol(parser, ")");
}

/* VALUES (1, 'a'), (2, 'b'), or VALUES 1, 2; behind the word */
struct tree_relation *parse_values(struct parser *parser, size_t offset)
{
    struct tree_relation *relation = ARENA_NEW(parser->arena, struct tree_relation);
    uint32_t cells = 0;
    relation->kind = RELATION_VALUES;
    relation->offset = offset;
    do {
        struct tree *row = parse_expression(parser);
        if (row == NULL) {
            return NULL;
        }
        bool tuple =
            row->kind == TREE_CALL && strcmp(row->name, "struct") == 0 && !row->operator_form;
        struct tree **items = tuple ? row->arguments : &row;
        uint32_t count = tuple ? row->argument_count : 1;
        if (relation->row_count > 0 && count != relation->column_count) {
            return parser_fail(parser, row->offset, "this row has %u values, the first one has %u",
                               count, relation->column_count);
        }
        relation->column_count = count;
        for (uint32_t i = 0; i < count; i++) {
            relation->values = parser_list_add(parser->arena, relation->values, &cells,
                                               sizeof(struct tree *), &items[i]);
        }
        relation->row_count++;
    } while (parser_take_symbol(parser, ","));
    return relation;
}

bool parse_relation_alias(struct parser *parser, struct tree_relation *relation)
{
    relation->alias = parser_alias(parser);
    if (parser->status != STATUS_OK) {
        return false;
    }
    return relation->alias == NULL || parse_names(parser, &relation->columns);
}

static bool at_query(const struct parser *parser, size_t ahead)
{
    return parser_is_word(parser, ahead, "select") || parser_is_word(parser, ahead, "with") ||
           parser_is_word(parser, ahead, "values");
}

struct tree_relation *parse_table(struct parser *parser, size_t offset)
{
    struct tree_relation *relation = ARENA_NEW(parser->arena, struct tree_relation);
    const char *name = parser_name(parser, "the name of a stream or table");
    while (name != NULL && parser_take_symbol(parser, ".")) {
        const char *next = parser_name(parser, "a name");
        name = next == NULL ? NULL : arena_printf(parser->arena, "%s.%s", name, next);
    }
    if (name == NULL) {
        return NULL;
    }
    if (parser_is_symbol(parser, 0, "(")) {
        return parser_refuse(parser, "functions cannot stand in FROM",
                             "use LATERAL VIEW explode(...) for arrays, VALUES for fixed rows");
    }
    relation->kind = RELATION_NAME;
    relation->offset = offset;
    relation->name = name;
    return relation;
}

static struct tree_relation *parse_relation_primary(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    struct tree_relation *relation = NULL;
    if (parser_is_word(parser, 0, "lateral")) {
        return parser_refuse(parser, "LATERAL subqueries are not supported",
                             "LATERAL VIEW stands behind the relation");
    }
    if (parser_take_word(parser, "values")) {
        relation = parse_values(parser, offset);
    } else if (parser_is_symbol(parser, 0, "(")) {
        size_t brackets = 0;
        while (parser_is_symbol(parser, brackets, "(")) {
            brackets++;
        }
        bool query = at_query(parser, brackets);
        parser->position++;
        if (!parser_enter(parser)) {
            return NULL;
        }
        if (query) {
            relation = ARENA_NEW(parser->arena, struct tree_relation);
            relation->kind = RELATION_QUERY;
            relation->offset = offset;
            relation->query = parse_query(parser);
            relation = relation->query == NULL ? NULL : relation;
        } else {
            relation = parse_relation(parser);
        }
        parser->nesting--;
        if (relation == NULL || !parser_need_symbol(parser, ")")) {
            return NULL;
        }
        if (!query) {
            return relation;
        }
    } else {
        relation = parse_table(parser, offset);
    }
    if (relation == NULL) {
        return NULL;
    }
    if (parser_is_word(parser, 0, "watermark")) {
        return parser_refuse(parser, "WATERMARK in the text needs Spark 4.1",
                             "declare it as `watermark:` of the stream");
    }
    if (parser_is_word(parser, 0, "tablesample") || parser_is_word(parser, 0, "pivot") ||
        parser_is_word(parser, 0, "unpivot")) {
        return parser_refuse(parser, "TABLESAMPLE, PIVOT and UNPIVOT are not supported",
                             "use WHERE rand() < ..., or CASE inside aggregates");
    }
    return parse_relation_alias(parser, relation) ? relation : NULL;
}

/* The kind of join at this place; false if there is none. */
static bool take_join(struct parser *parser, enum tree_join *ret_join, bool *ret_natural)
{
    static const struct {
        const char *words[3];
        enum tree_join join;
    } joins[] = {
        {{"join", NULL, NULL}, TREE_JOIN_INNER},       {{"inner", "join", NULL}, TREE_JOIN_INNER},
        {{"cross", "join", NULL}, TREE_JOIN_CROSS},    {{"left", "join", NULL}, TREE_JOIN_LEFT},
        {{"left", "outer", "join"}, TREE_JOIN_LEFT},   {{"right", "join", NULL}, TREE_JOIN_RIGHT},
        {{"right", "outer", "join"}, TREE_JOIN_RIGHT}, {{"full", "join", NULL}, TREE_JOIN_FULL},
        {{"full", "outer", "join"}, TREE_JOIN_FULL},   {{"semi", "join", NULL}, TREE_JOIN_SEMI},
        {{"left", "semi", "join"}, TREE_JOIN_SEMI},    {{"anti", "join", NULL}, TREE_JOIN_ANTI},
        {{"left", "anti", "join"}, TREE_JOIN_ANTI},
    };

    size_t begin = parser->position;
    *ret_natural = parser_take_word(parser, "natural");
    for (size_t i = 0; i < ARRAY_SIZE(joins); i++) {
        size_t n = 0;
        while (n < 3 && joins[i].words[n] != NULL && parser_is_word(parser, n, joins[i].words[n])) {
            n++;
        }
        if (n == 3 || joins[i].words[n] == NULL) {
            parser->position += n;
            *ret_join = joins[i].join;
            return true;
        }
    }
    parser->position = begin;
    return false;
}

struct tree_relation *parse_join_of(struct parser *parser,
                                    struct tree_relation *left,
                                    struct tree_relation *right,
                                    enum tree_join kind,
                                    size_t offset)
{
    struct tree_relation *join = ARENA_NEW(parser->arena, struct tree_relation);
    join->kind = RELATION_JOIN;
    join->offset = offset;
    join->left = left;
    join->right = right;
    join->join = kind;
    join->depth = 1 + (left->depth > right->depth ? left->depth : right->depth);
    if (join->depth > SQL_NESTING_MAX) {
        return parser_fail(parser, offset, "more than %d joins", SQL_NESTING_MAX);
    }
    return join;
}

/* a JOIN b ON ... JOIN c USING (...) */
struct tree_relation *parse_relation(struct parser *parser)
{
    struct tree_relation *relation = parse_relation_primary(parser);
    while (relation != NULL) {
        size_t offset = parser_peek(parser, 0)->offset;
        enum tree_join kind = TREE_JOIN_INNER;
        bool natural = false;
        if (!take_join(parser, &kind, &natural)) {
            break;
        }
        struct tree_relation *right = parse_relation_primary(parser);
        relation = right == NULL ? NULL : parse_join_of(parser, relation, right, kind, offset);
        if (relation == NULL) {
            return NULL;
        }
        relation->natural = natural;
        if (parser_take_word(parser, "on")) {
            relation->on = parse_expression(parser);
            if (relation->on == NULL) {
                return NULL;
            }
        } else if (parser_take_word(parser, "using")) {
            if (!parser_is_symbol(parser, 0, "(")) {
                return parser_expected(parser, "\"(\" behind USING");
            }
            if (!parse_names(parser, &relation->using_columns)) {
                return NULL;
            }
        }
    }
    return relation;
}
