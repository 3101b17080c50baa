/*
 * Conditions move towards the scans: through projects (with what the columns are computed from),
 * sorts and DISTINCT, into every branch of a UNION, below generators and groups where they need
 * only what is there already, and to their side of a join.
 */

#include "sql/analyse.h"
#include "sql/optimise.h"

static const struct plan *
push(struct arena *arena, const struct plan *plan, const struct expression_list *conditions);

/* The terms of ANDs. */
static void
split(struct arena *arena, const struct expression *condition, struct expression_list *list)
{
    if (condition->kind != EXPR_AND) {
        if (!expression_is_true(condition)) {
            expression_list_add(arena, list, condition);
        }
        return;
    }
    for (uint32_t i = 0; i < condition->argument_count; i++) {
        split(arena, condition->arguments[i], list);
    }
}

static const struct plan *
filtered(struct arena *arena, const struct plan *plan, const struct expression_list *conditions)
{
    return conditions->count == 0
               ? plan
               : plan_filter(arena, plan,
                             expression_and(arena, conditions->items, conditions->count));
}

/* Every column it reads is below `limit`, and at or above `from`. */
static bool reads_only(const struct expression *expression, uint32_t from, uint32_t limit)
{
    if (expression->kind == EXPR_COLUMN) {
        return expression->index >= from && expression->index < limit;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (!reads_only(expression->arguments[i], from, limit)) {
            return false;
        }
    }
    return expression->body == NULL || reads_only(expression->body, from, limit);
}

static bool reads_deterministic(const struct expression *expression,
                                const struct expression *const *columns)
{
    if (expression->kind == EXPR_COLUMN) {
        return expression_is_deterministic(columns[expression->index]);
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (!reads_deterministic(expression->arguments[i], columns)) {
            return false;
        }
    }
    return expression->body == NULL || reads_deterministic(expression->body, columns);
}

static const struct plan *
with_inputs(struct arena *arena, const struct plan *plan, const struct plan *const *inputs)
{
    struct plan *copy = ARENA_NEW(arena, struct plan);
    *copy = *plan;
    copy->inputs = inputs;
    return copy;
}

static const struct plan *
with_input(struct arena *arena, const struct plan *plan, const struct plan *input)
{
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, 1);
    inputs[0] = input;
    return with_inputs(arena, plan, inputs);
}

/* Through a project or the keys of groups: `columns` are what the first of its outputs hold. */
static const struct plan *push_through(struct arena *arena,
                                       const struct plan *plan,
                                       const struct expression *const *columns,
                                       uint32_t count,
                                       const struct expression_list *conditions)
{
    struct expression_list below = {0}, here = {0};
    for (uint32_t i = 0; i < conditions->count; i++) {
        const struct expression *condition = conditions->items[i];
        bool moves = reads_only(condition, 0, count) && expression_is_deterministic(condition) &&
                     reads_deterministic(condition, columns);
        expression_list_add(arena, moves ? &below : &here,
                            moves ? expression_substitute(arena, condition, columns) : condition);
    }
    return filtered(arena, with_input(arena, plan, push(arena, plan->inputs[0], &below)), &here);
}

/* A group without keys exists even without rows; windows are no column of the input. */
static const struct plan *push_aggregate(struct arena *arena,
                                         const struct plan *plan,
                                         const struct expression_list *conditions)
{
    struct expression_list nothing = {0}, here = {0}, keyed = {0};
    uint32_t window = plan->inputs[0]->type->field_count;
    for (uint32_t i = 0; i < conditions->count; i++) {
        const struct expression *condition = conditions->items[i];
        bool on_keys = plan->key_count > 0 && reads_only(condition, 0, plan->key_count) &&
                       expression_is_deterministic(condition) &&
                       reads_deterministic(condition, plan->keys);
        if (on_keys) {
            const struct expression *below = expression_substitute(arena, condition, plan->keys);
            if (reads_only(below, 0, window)) {
                expression_list_add(arena, &keyed, below);
                continue;
            }
        }
        expression_list_add(arena, &here, condition);
    }
    const struct plan *input = push(arena, plan->inputs[0], keyed.count > 0 ? &keyed : &nothing);
    return filtered(arena, with_input(arena, plan, input), &here);
}

struct shifting {
    struct arena *arena;
    uint32_t by;
};

/* Columns of both sides of a join as columns of the right one. */
static const struct expression *shift(void *context, const struct expression *child)
{
    const struct shifting *shifting = context;
    if (child->kind == EXPR_COLUMN) {
        return expression_column(shifting->arena, child->index - shifting->by, child->type,
                                 child->nullable, child->offset);
    }
    return expression_map_children(shifting->arena, child, shift, context);
}

static const struct plan *
push_join(struct arena *arena, const struct plan *plan, const struct expression_list *conditions)
{
    struct expression_list sides[2] = {{0}, {0}}, here = {0}, both = {0};
    uint32_t left = plan->inputs[0]->type->field_count,
             all = left + plan->inputs[1]->type->field_count;
    bool inner = plan->join == JOIN_INNER || plan->join == JOIN_CROSS;
    bool to_left =
        inner || plan->join == JOIN_LEFT || plan->join == JOIN_SEMI || plan->join == JOIN_ANTI;
    bool to_right = inner || plan->join == JOIN_RIGHT;
    struct expression_list terms = *conditions;
    if (inner) { /* the condition of the join itself may concern one side only */
        terms = (struct expression_list){0};
        for (uint32_t i = 0; i < conditions->count; i++) {
            expression_list_add(arena, &terms, conditions->items[i]);
        }
        split(arena, plan->predicate, &terms);
    }
    for (uint32_t i = 0; i < terms.count; i++) {
        const struct expression *condition = terms.items[i];
        bool fixed = expression_is_deterministic(condition);
        if (fixed && to_left && reads_only(condition, 0, left)) {
            expression_list_add(arena, &sides[0], condition);
        } else if (fixed && to_right && reads_only(condition, left, all)) {
            struct shifting shifting = {arena, left};
            expression_list_add(arena, &sides[1], shift(&shifting, condition));
        } else {
            expression_list_add(arena, inner ? &both : &here, condition);
        }
    }
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, 2);
    inputs[0] = push(arena, plan->inputs[0], &sides[0]);
    inputs[1] = push(arena, plan->inputs[1], &sides[1]);
    struct plan *copy = ARENA_NEW(arena, struct plan);
    *copy = *plan;
    copy->inputs = inputs;
    if (inner) {
        copy->predicate = expression_and(arena, both.items, both.count);
        copy->join = both.count == 0 ? JOIN_CROSS : JOIN_INNER;
    }
    return filtered(arena, copy, &here);
}

static const struct plan *push_generate(struct arena *arena,
                                        const struct plan *plan,
                                        const struct expression_list *conditions)
{
    struct expression_list below = {0}, here = {0};
    for (uint32_t i = 0; i < conditions->count; i++) {
        const struct expression *condition = conditions->items[i];
        bool moves = expression_is_deterministic(condition) &&
                     reads_only(condition, 0, plan->inputs[0]->type->field_count);
        expression_list_add(arena, moves ? &below : &here, condition);
    }
    return filtered(arena, with_input(arena, plan, push(arena, plan->inputs[0], &below)), &here);
}

/* The plan with `conditions` on its output, put as low as they may go. */
static const struct plan *
push(struct arena *arena, const struct plan *plan, const struct expression_list *conditions)
{
    struct expression_list all = {0};
    switch (plan->kind) {
    case PLAN_FILTER:
        split(arena, plan->predicate, &all); /* the inner ones first, as written */
        for (uint32_t i = 0; i < conditions->count; i++) {
            expression_list_add(arena, &all, conditions->items[i]);
        }
        return push(arena, plan->inputs[0], &all);
    case PLAN_PROJECT:
        return push_through(arena, plan, plan->expressions, plan->expression_count, conditions);
    case PLAN_DISTINCT:
        return push_through(arena, plan, plan->keys, plan->key_count, conditions);
    case PLAN_AGGREGATE:
        return push_aggregate(arena, plan, conditions);
    case PLAN_SORT:
        return with_input(arena, plan, push(arena, plan->inputs[0], conditions));
    case PLAN_GENERATE:
        return push_generate(arena, plan, conditions);
    case PLAN_JOIN:
        return push_join(arena, plan, conditions);
    case PLAN_UNION: {
        const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, plan->input_count);
        for (uint32_t i = 0; i < plan->input_count; i++) {
            inputs[i] = push(arena, plan->inputs[i], conditions);
        }
        return with_inputs(arena, plan, inputs);
    }
    case PLAN_LIMIT: {
        struct expression_list nothing = {0};
        return filtered(arena, with_input(arena, plan, push(arena, plan->inputs[0], &nothing)),
                        conditions);
    }
    case PLAN_SCAN:
    case PLAN_VALUES:
        break;
    }
    return filtered(arena, plan, conditions);
}

const struct plan *optimise_filters(const struct plan *plan, struct arena *arena)
{
    struct expression_list nothing = {0};
    return push(arena, plan, &nothing);
}
