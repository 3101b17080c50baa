/* Whole queries: WITH, UNION, ORDER BY and LIMIT around the SELECTs. */

#include "sql/analyse.h"
#include "sql/coerce.h"
#include "sql/optimise.h"

static bool batch_only(struct analyser *analyser, size_t offset, const char *what)
{
    if (analyser->options->batch) {
        return true;
    }
    analyse_fail(analyser, offset, "%s cannot be applied to a stream: it never ends", what);
    error_hint(analyser->error,
               "Spark refuses it in streaming too; leat query can do it over what is stored");
    return false;
}

/* Casts the columns of one input of a UNION to the common types. */
static const struct plan *
union_input(struct analyser *analyser, const struct plan *plan, const struct type *type)
{
    uint32_t count = type->field_count;
    const struct expression **expressions =
        ARENA_ARRAY(analyser->arena, const struct expression *, count);
    const char **names = ARENA_ARRAY(analyser->arena, const char *, count);
    bool same = type_equal(plan->type, type);
    for (uint32_t i = 0; i < count; i++) {
        const struct type_field *field = &plan->type->fields[i];
        const struct expression *column =
            expression_column(analyser->arena, i, field->type, field->nullable, plan->offset);
        expressions[i] = expression_cast(analyser->arena, column, type->fields[i].type);
        names[i] = type->fields[i].name;
    }
    return same ? plan
                : plan_project(analyser->arena, plan, expressions, names, count, plan->offset);
}

static bool analyse_body(struct analyser *analyser,
                         const struct tree_body *body,
                         const struct tree_query *order,
                         struct analysed *ret);

static bool
analyse_union(struct analyser *analyser, const struct tree_body *body, struct analysed *ret)
{
    struct arena *arena = analyser->arena;
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, body->body_count);
    struct type_field *fields = NULL;
    uint32_t columns = 0;
    for (uint32_t i = 0; i < body->body_count; i++) {
        struct analysed part = {0};
        if (!analyse_body(analyser, body->bodies[i], NULL, &part)) {
            return false;
        }
        inputs[i] = part.plan;
        if (i == 0) {
            columns = part.plan->type->field_count;
            fields = ARENA_ARRAY(arena, struct type_field, columns);
            memcpy(fields, part.plan->type->fields, columns * sizeof(*fields));
            continue;
        }
        if (part.plan->type->field_count != columns) {
            return analyse_fail(analyser, body->bodies[i]->offset,
                                "this SELECT has %u columns, the first one of the UNION has %u",
                                part.plan->type->field_count, columns) != NULL;
        }
        for (uint32_t c = 0; c < columns; c++) {
            const struct type_field *other = &part.plan->type->fields[c];
            const struct type *common = type_common(arena, fields[c].type, other->type);
            if (common == NULL) {
                return analyse_fail(analyser, body->bodies[i]->offset,
                                    "column %u of the UNION is %s here and %s before", c + 1,
                                    analyse_type_text(analyser, other->type),
                                    analyse_type_text(analyser, fields[c].type)) != NULL;
            }
            fields[c].type = common;
            fields[c].nullable |= other->nullable;
        }
    }
    const struct type *type = type_struct(arena, fields, columns);
    for (uint32_t i = 0; i < body->body_count; i++) {
        inputs[i] = union_input(analyser, inputs[i], type);
    }
    if (!analyse_count(analyser, body->offset, columns * body->body_count)) {
        return false;
    }
    struct plan *plan = plan_new(arena, PLAN_UNION, type, NULL, body->offset);
    plan->inputs = inputs;
    plan->input_count = body->body_count;
    ret->plan = body->distinct ? analyse_distinct(analyser, plan, body->offset) : plan;
    if (ret->plan == NULL) {
        return false;
    }
    ret->scope = analyse_output_scope(arena, ret->plan);
    return true;
}

/* A relation alone is SELECT * of it. */
static bool analyse_whole(struct analyser *analyser,
                          const struct tree_relation *relation,
                          const struct tree_query *order,
                          struct analysed *ret)
{
    struct tree star = {.kind = TREE_STAR, .offset = relation->offset, .depth = 1};
    struct tree_item item = {.value = &star, .offset = relation->offset};
    struct tree_relation *from = ARENA_NEW(analyser->arena, struct tree_relation);
    *from = *relation;
    struct tree_select select = {.items = &item, .item_count = 1, .from = from};
    return analyse_select(analyser, &select, order, ret);
}

static bool analyse_body(struct analyser *analyser,
                         const struct tree_body *body,
                         const struct tree_query *order,
                         struct analysed *ret)
{
    switch (body->kind) {
    case BODY_SELECT:
        return analyse_select(analyser, body->select, order, ret);
    case BODY_VALUES:
    case BODY_TABLE:
        return analyse_whole(analyser, body->relation, order, ret);
    case BODY_QUERY:
        return analyse_query(analyser, body->query, ret);
    case BODY_UNION:
        return analyse_union(analyser, body, ret);
    }
    return false;
}

/* ORDER BY of a UNION or of a query in brackets: over its columns only */
static bool
order_outside(struct analyser *analyser, const struct tree_query *query, struct analysed *ret)
{
    struct plan_sort_key *keys =
        ARENA_ARRAY(analyser->arena, struct plan_sort_key, query->order_count);
    struct context context = {.scope = &ret->scope, .clause = "ORDER BY"};
    for (uint32_t i = 0; i < query->order_count; i++) {
        const struct tree_order *term = &query->order[i];
        const struct tree *value = term->value;
        const struct expression *key = NULL;
        if (value->kind == TREE_LITERAL && type_is_integral(value->literal->type) &&
            value->literal->null_count == 0) {
            int64_t at = column_int(value->literal, 0);
            if (at < 1 || at > ret->scope.count) {
                return analyse_fail(analyser, value->offset,
                                    "ORDER BY position %lld is not among the %u columns",
                                    (long long) at, ret->scope.count) != NULL;
            }
            const struct scope_column *column = &ret->scope.columns[at - 1];
            key = expression_column(analyser->arena, (uint32_t) at - 1, column->type,
                                    column->nullable, value->offset);
        } else {
            key = analyse_expression(analyser, &context, value);
        }
        if (key == NULL) {
            return false;
        }
        if (!type_is_orderable(key->type)) {
            return analyse_fail(analyser, value->offset, "values of type %s have no order",
                                analyse_type_text(analyser, key->type)) != NULL;
        }
        keys[i] = (struct plan_sort_key){key, term->descending, term->nulls_last};
    }
    ret->plan = analyse_sort(analyser, ret->plan, keys, query->order_count, query->order_offset);
    return true;
}

/* LIMIT and OFFSET take a constant that is a whole number and not negative. */
static bool
row_count(struct analyser *analyser, const struct tree *tree, const char *what, int64_t *ret_count)
{
    struct scope nothing = {0};
    struct context context = {.scope = &nothing, .clause = what};
    const char *problem = NULL;
    const struct expression *value = analyse_expression(analyser, &context, tree);
    if (value == NULL) {
        return false;
    }
    value = optimise_constant(analyser->arena, value, &problem);
    if (problem != NULL || value->kind != EXPR_LITERAL || !type_is_integral(value->type) ||
        value->literal->null_count > 0 || column_int(value->literal, 0) < 0) {
        return analyse_fail(analyser, tree->offset,
                            "%s must be a constant whole number, not negative", what) != NULL;
    }
    *ret_count = column_int(value->literal, 0);
    return true;
}

static bool
analyse_limit(struct analyser *analyser, const struct tree_query *query, struct analysed *ret)
{
    struct plan *limit =
        plan_new(analyser->arena, PLAN_LIMIT, ret->plan->type, ret->plan,
                 query->limit != NULL ? query->limit->offset : query->skip->offset);
    if (!batch_only(analyser, limit->offset, query->limit != NULL ? "LIMIT" : "OFFSET")) {
        return false;
    }
    if ((query->limit != NULL && !row_count(analyser, query->limit, "LIMIT", &limit->limit)) ||
        (query->skip != NULL && !row_count(analyser, query->skip, "OFFSET", &limit->offset_rows))) {
        return false;
    }
    ret->plan = limit;
    return true;
}

static bool analyse_ctes(struct analyser *analyser, const struct tree_query *query)
{
    for (uint32_t i = 0; i < query->cte_count; i++) {
        const struct tree_cte *tree = &query->ctes[i];
        struct tree_relation relation = {.kind = RELATION_QUERY,
                                         .offset = tree->offset,
                                         .query = tree->query,
                                         .columns = tree->columns,
                                         .alias = tree->name};
        struct cte *cte = ARENA_NEW(analyser->arena, struct cte);
        cte->name = tree->name;
        cte->outer = analyser->ctes;
        if (!analyse_relation(analyser, &relation, &cte->result)) {
            return false;
        }
        cte->nodes = plan_size(cte->result.plan, SQL_NODES_MAX);
        analyser->ctes = cte;
    }
    return true;
}

bool analyse_query(struct analyser *analyser, const struct tree_query *query, struct analysed *ret)
{
    const struct cte *outer = analyser->ctes;
    bool select = query->body->kind == BODY_SELECT || query->body->kind == BODY_VALUES ||
                  query->body->kind == BODY_TABLE;
    if (query->order_count > 0 && !batch_only(analyser, query->order_offset, "ORDER BY")) {
        return false;
    }
    if (!analyse_ctes(analyser, query) ||
        !analyse_body(analyser, query->body, select && query->order_count > 0 ? query : NULL,
                      ret)) {
        return false;
    }
    if (!select && query->order_count > 0 && !order_outside(analyser, query, ret)) {
        return false;
    }
    if ((query->limit != NULL || query->skip != NULL) && !analyse_limit(analyser, query, ret)) {
        return false;
    }
    analyser->ctes = outer;
    return true;
}
