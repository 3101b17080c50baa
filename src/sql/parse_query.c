/* SELECT and what stands around it: WITH, UNION, GROUP BY, ORDER BY, LIMIT. */

#include "sql/parser.h"

static bool parse_item(struct parser *parser, struct tree_item *item)
{
    *item = (struct tree_item){.offset = parser_peek(parser, 0)->offset};
    if (parser_take_symbol(parser, "*")) {
        item->value = tree_new(parser, TREE_STAR, item->offset, NULL, 0);
        return item->value != NULL;
    }
    item->value = parse_expression(parser);
    if (item->value == NULL) {
        return false;
    }
    if (parser_is_word(parser, 0, "as") && parser_is_symbol(parser, 1, "(")) {
        parser->position++;
        return parse_names(parser, &item->aliases);
    }
    if (item->value->kind != TREE_STAR) {
        item->alias = parser_alias(parser);
    }
    return parser->status == STATUS_OK;
}

/* LATERAL VIEW [OUTER] call [name] [AS a, b] */
static bool parse_laterals(struct parser *parser, struct tree_select *select)
{
    while (parser_is_word(parser, 0, "lateral") && parser_is_word(parser, 1, "view")) {
        struct tree_lateral lateral = {.offset = parser_peek(parser, 0)->offset};
        parser->position += 2;
        lateral.outer = parser_take_word(parser, "outer");
        lateral.call = parse_primary(parser);
        if (lateral.call == NULL) {
            return false;
        }
        if (!parser_is_word(parser, 0, "as")) {
            lateral.alias = parser_alias(parser);
        }
        if (parser->status != STATUS_OK) {
            return false;
        }
        if (parser_take_word(parser, "as")) {
            do {
                const char *name = parser_name(parser, "a column name");
                if (name == NULL) {
                    return false;
                }
                lateral.columns.names =
                    parser_list_add(parser->arena, lateral.columns.names, &lateral.columns.count,
                                    sizeof(name), &name);
            } while (parser_take_symbol(parser, ","));
        }
        if (select->lateral_count == SQL_NESTING_MAX) {
            return parser_refuse(parser, "too many LATERAL VIEWs", "at most 200 are allowed") !=
                   NULL;
        }
        select->laterals = parser_list_add(parser->arena, select->laterals, &select->lateral_count,
                                           sizeof(lateral), &lateral);
    }
    return true;
}

static bool parse_from(struct parser *parser, struct tree_select *select)
{
    if (!parser_take_word(parser, "from")) {
        return true;
    }
    select->from = parse_relation(parser);
    while (select->from != NULL && parser_is_symbol(parser, 0, ",")) {
        size_t offset = parser_peek(parser, 0)->offset;
        parser->position++;
        struct tree_relation *right = parse_relation(parser);
        select->from = right == NULL
                           ? NULL
                           : parse_join_of(parser, select->from, right, TREE_JOIN_CROSS, offset);
    }
    return select->from != NULL && parse_laterals(parser, select);
}

static bool parse_group_by(struct parser *parser, struct tree_select *select)
{
    if (parser_is_word(parser, 0, "all") && !parser_is_symbol(parser, 1, ".") &&
        !parser_is_symbol(parser, 1, "(")) {
        parser->position++;
        select->group_all = true;
        return true;
    }
    do {
        bool sets = parser_is_word(parser, 0, "grouping") && parser_is_word(parser, 1, "sets");
        if (sets || ((parser_is_word(parser, 0, "rollup") || parser_is_word(parser, 0, "cube")) &&
                     parser_is_symbol(parser, 1, "("))) {
            return parser_refuse(
                       parser, "GROUPING SETS, ROLLUP and CUBE are not supported",
                       "write one query for each grouping and join them with UNION ALL") != NULL;
        }
        struct tree *value = parse_expression(parser);
        if (value == NULL) {
            return false;
        }
        select->group_by = parser_list_add(parser->arena, select->group_by, &select->group_count,
                                           sizeof(value), &value);
    } while (parser_take_symbol(parser, ","));
    if (parser_is_word(parser, 0, "with") &&
        (parser_is_word(parser, 1, "rollup") || parser_is_word(parser, 1, "cube"))) {
        return parser_refuse(parser, "WITH ROLLUP and WITH CUBE are not supported",
                             "write one query for each grouping and join them with UNION ALL") !=
               NULL;
    }
    return true;
}

static struct tree_select *parse_select(struct parser *parser)
{
    struct tree_select *select = ARENA_NEW(parser->arena, struct tree_select);
    select->distinct = parser_take_word(parser, "distinct");
    if (!select->distinct && parser_is_word(parser, 0, "all") &&
        !parser_is_symbol(parser, 1, ",") && !parser_is_word(parser, 1, "from")) {
        parser->position++;
    }
    do {
        struct tree_item item;
        if (!parse_item(parser, &item)) {
            return NULL;
        }
        select->items =
            parser_list_add(parser->arena, select->items, &select->item_count, sizeof(item), &item);
    } while (parser_take_symbol(parser, ","));
    if (!parse_from(parser, select)) {
        return NULL;
    }
    if (parser_take_word(parser, "where")) {
        select->where = parse_expression(parser);
        if (select->where == NULL) {
            return NULL;
        }
    }
    if (parser_is_word(parser, 0, "group") && parser_is_word(parser, 1, "by")) {
        parser->position += 2;
        if (!parse_group_by(parser, select)) {
            return NULL;
        }
    }
    if (parser_take_word(parser, "having")) {
        select->having = parse_expression(parser);
        if (select->having == NULL) {
            return NULL;
        }
    }
    if (parser_is_word(parser, 0, "qualify") || parser_is_word(parser, 0, "window")) {
        return parser_refuse(parser, "window functions with OVER are not supported",
                             "Spark refuses them in streaming too; group by window(...)");
    }
    return select;
}

static struct tree_body *parse_term(struct parser *parser)
{
    struct tree_body *body = ARENA_NEW(parser->arena, struct tree_body);
    body->offset = parser_peek(parser, 0)->offset;
    if (parser_take_word(parser, "select")) {
        body->kind = BODY_SELECT;
        body->select = parse_select(parser);
        return body->select == NULL ? NULL : body;
    }
    if (parser_take_word(parser, "values")) {
        body->kind = BODY_VALUES;
        body->relation = parse_values(parser, body->offset);
        return body->relation == NULL || !parse_relation_alias(parser, body->relation) ? NULL
                                                                                       : body;
    }
    if (parser_take_word(parser, "table")) {
        body->kind = BODY_TABLE;
        body->relation = parse_table(parser, body->offset);
        return body->relation == NULL ? NULL : body;
    }
    if (parser_take_symbol(parser, "(")) {
        body->kind = BODY_QUERY;
        body->query = parse_query(parser);
        return body->query == NULL || !parser_need_symbol(parser, ")") ? NULL : body;
    }
    return parser_expected(parser, "SELECT");
}

/* a UNION ALL b UNION c: UNION without ALL removes duplicates of all before it */
static struct tree_body *parse_body(struct parser *parser)
{
    struct tree_body *body = parse_term(parser);
    uint32_t unions = 0;
    while (body != NULL) {
        if (parser_is_word(parser, 0, "except") || parser_is_word(parser, 0, "intersect") ||
            parser_is_word(parser, 0, "minus")) {
            return parser_refuse(
                parser, "EXCEPT and INTERSECT are not supported",
                "Spark refuses INTERSECT in streaming too; use LEFT ANTI or LEFT SEMI "
                "JOIN in a batch query");
        }
        size_t offset = parser_peek(parser, 0)->offset;
        if (!parser_take_word(parser, "union")) {
            break;
        }
        bool all = parser_take_word(parser, "all");
        if (!all) {
            (void) parser_take_word(parser, "distinct");
        }
        struct tree_body *right = parse_term(parser);
        if (right == NULL) {
            return NULL;
        }
        if (body->kind != BODY_UNION || body->distinct == all) {
            if (++unions > SQL_NESTING_MAX) {
                return parser_fail(parser, offset, "UNION and UNION ALL change more than %d times",
                                   SQL_NESTING_MAX);
            }
            struct tree_body *whole = ARENA_NEW(parser->arena, struct tree_body);
            whole->kind = BODY_UNION;
            whole->offset = offset;
            whole->distinct = !all;
            whole->bodies =
                parser_list_add(parser->arena, NULL, &whole->body_count, sizeof(body), &body);
            body = whole;
        }
        body->bodies =
            parser_list_add(parser->arena, body->bodies, &body->body_count, sizeof(right), &right);
    }
    return body;
}

static bool parse_order(struct parser *parser, struct tree_query *query)
{
    query->order_offset = parser_peek(parser, 0)->offset;
    parser->position += 2;
    do {
        struct tree_order order = {.value = parse_expression(parser)};
        if (order.value == NULL) {
            return false;
        }
        order.descending = parser_take_word(parser, "desc");
        if (!order.descending) {
            (void) parser_take_word(parser, "asc");
        }
        order.nulls_last = order.descending;
        if (parser_take_word(parser, "nulls")) {
            order.nulls_last = parser_take_word(parser, "last");
            if (!order.nulls_last && !parser_need_word(parser, "first")) {
                return false;
            }
        }
        query->order = parser_list_add(parser->arena, query->order, &query->order_count,
                                       sizeof(order), &order);
    } while (parser_take_symbol(parser, ","));
    return true;
}

static bool parse_ctes(struct parser *parser, struct tree_query *query)
{
    if (!parser_take_word(parser, "with")) {
        return true;
    }
    do {
        struct tree_cte cte = {.offset = parser_peek(parser, 0)->offset};
        cte.name = parser_name(parser, "a name behind WITH");
        if (cte.name == NULL || !parse_names(parser, &cte.columns)) {
            return false;
        }
        (void) parser_take_word(parser, "as");
        if (!parser_need_symbol(parser, "(")) {
            return false;
        }
        cte.query = parse_query(parser);
        if (cte.query == NULL || !parser_need_symbol(parser, ")")) {
            return false;
        }
        query->ctes =
            parser_list_add(parser->arena, query->ctes, &query->cte_count, sizeof(cte), &cte);
    } while (parser_take_symbol(parser, ","));
    return true;
}

static bool parse_limit(struct parser *parser, struct tree_query *query)
{
    for (;;) {
        struct tree **target = NULL;
        if (query->limit == NULL && parser_take_word(parser, "limit")) {
            if (parser_take_word(parser, "all")) {
                continue;
            }
            target = &query->limit;
        } else if (query->skip == NULL && parser_take_word(parser, "offset")) {
            target = &query->skip;
        } else {
            return true;
        }
        *target = parse_expression(parser);
        if (*target == NULL) {
            return false;
        }
    }
}

struct tree_query *parse_query(struct parser *parser)
{
    struct tree_query *query = ARENA_NEW(parser->arena, struct tree_query);
    query->offset = parser_peek(parser, 0)->offset;
    if (!parser_enter(parser) || !parse_ctes(parser, query)) {
        return NULL;
    }
    query->body = parse_body(parser);
    if (query->body == NULL) {
        return NULL;
    }
    if (parser_is_word(parser, 0, "order") && parser_is_word(parser, 1, "by") &&
        !parse_order(parser, query)) {
        return NULL;
    }
    if (parser_is_word(parser, 0, "sort") || parser_is_word(parser, 0, "cluster") ||
        parser_is_word(parser, 0, "distribute")) {
        return parser_refuse(parser, "SORT BY, CLUSTER BY and DISTRIBUTE BY are not supported",
                             "use ORDER BY in a batch query");
    }
    if (!parse_limit(parser, query)) {
        return NULL;
    }
    parser->nesting--;
    return query;
}

/* Nothing may follow but one semicolon. */
static bool parse_end(struct parser *parser)
{
    (void) parser_take_symbol(parser, ";");
    return parser_peek(parser, 0)->kind == TOKEN_END ||
           parser_expected(parser, "the end of the query") != NULL;
}

enum status sql_parse_query(struct slice text,
                            struct arena *arena,
                            struct tree_query **ret_query,
                            size_t *ret_offset,
                            struct error *error)
{
    struct parser parser;
    if (parser_open(&parser, text, arena, error)) {
        *ret_query = parse_query(&parser);
        if (*ret_query != NULL) {
            (void) parse_end(&parser);
        }
    }
    *ret_offset = parser.error_offset;
    return parser.status;
}

enum status sql_parse_expression(struct slice text,
                                 struct arena *arena,
                                 struct tree **ret_tree,
                                 size_t *ret_offset,
                                 struct error *error)
{
    struct parser parser;
    if (parser_open(&parser, text, arena, error)) {
        *ret_tree = parse_expression(&parser);
        if (*ret_tree != NULL) {
            (void) parse_end(&parser);
        }
    }
    *ret_offset = parser.error_offset;
    return parser.status;
}
