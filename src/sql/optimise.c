#include "sql/optimise.h"

#include "sql/eval.h"
#include "sql/function.h"

/* -- constants ------------------------------------------------------------------------------ */

struct folding {
    struct arena *arena;
    struct error *error;
    enum status status;
    size_t offset;
};

static bool is_constant_kind(const struct expression *expression)
{
    switch (expression->kind) {
    case EXPR_COLUMN:
    case EXPR_LAMBDA:
    case EXPR_LAMBDA_VARIABLE:
    case EXPR_LITERAL:
        return false;
    case EXPR_CALL: /* now() has no arguments and is no constant */
        return expression->function->kind == FUNCTION_SCALAR && expression->argument_count > 0;
    case EXPR_FIELD:
    case EXPR_CAST:
    case EXPR_CASE:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_IN:
    case EXPR_COALESCE:
        break;
    }
    return true;
}

static const struct expression *
evaluate(struct arena *arena, const struct expression *expression, const char **ret_problem)
{
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (expression->arguments[i]->kind != EXPR_LITERAL) {
            return expression;
        }
    }
    if (!is_constant_kind(expression) || !expression_is_deterministic(expression)) {
        return expression;
    }
    struct batch nothing = {.length = 1, .type = type_struct(arena, NULL, 0)};
    struct eval eval;
    eval_init(&eval, arena, &nothing, 0);
    const struct column *value = eval_expression(&eval, expression);
    if (eval.error_count > 0) {
        *ret_problem = eval.errors[0].message;
        return expression;
    }
    return expression_literal(arena, value, expression->offset);
}

const struct expression *optimise_constant(struct arena *arena,
                                           const struct expression *expression,
                                           const char **ret_problem)
{
    if (expression->kind == EXPR_LITERAL) {
        return expression;
    }
    struct error ignored;
    size_t offset = 0;
    const struct expression *folded = NULL;
    if (optimise_expression(expression, arena, &folded, &offset, &ignored) != STATUS_OK) {
        *ret_problem = arena_strdup(arena, ignored.message);
        return expression;
    }
    return folded->kind == EXPR_LITERAL ? folded : evaluate(arena, folded, ret_problem);
}

static bool is_literal_bool(const struct expression *expression, bool value)
{
    return expression->kind == EXPR_LITERAL && expression->literal->null_count == 0 &&
           expression->type->id == TYPE_BOOLEAN && column_bool(expression->literal, 0) == value;
}

/* TRUE in AND and FALSE in OR go; FALSE in AND and TRUE in OR decide. */
static const struct expression *simplify_logical(struct arena *arena,
                                                 const struct expression *expression)
{
    bool neutral = expression->kind == EXPR_AND;
    struct expression_list kept = {0};
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (is_literal_bool(expression->arguments[i], !neutral)) {
            return expression->arguments[i];
        }
        if (!is_literal_bool(expression->arguments[i], neutral)) {
            expression_list_add(arena, &kept, expression->arguments[i]);
        }
    }
    if (kept.count == expression->argument_count) {
        return expression;
    }
    if (kept.count <= 1) {
        return kept.count == 1 ? kept.items[0] : expression->arguments[0];
    }
    struct expression *copy = ARENA_NEW(arena, struct expression);
    *copy = *expression;
    copy->arguments = kept.items;
    copy->argument_count = kept.count;
    return copy;
}

static const struct expression *fold(void *context, const struct expression *expression)
{
    struct folding *folding = context;
    expression = expression_map_children(folding->arena, expression, fold, context);
    if (expression == NULL) {
        return NULL;
    }
    if (expression->kind == EXPR_AND || expression->kind == EXPR_OR) {
        expression = simplify_logical(folding->arena, expression);
    }
    if (expression->kind == EXPR_CALL && expression->function->prepare != NULL &&
        expression->function_state == NULL) {
        struct expression *prepared = ARENA_NEW(folding->arena, struct expression);
        *prepared = *expression;
        folding->status = expression->function->prepare(prepared, folding->arena,
                                                        &prepared->function_state, folding->error);
        if (folding->status != STATUS_OK) {
            folding->offset = expression->offset;
            return NULL;
        }
        expression = prepared;
    }
    const char *problem = NULL;
    return evaluate(folding->arena, expression, &problem);
}

/* -- all passes ----------------------------------------------------------------------------- */

static const struct plan *fold_plan(struct folding *folding, const struct plan *plan)
{
    const struct plan **inputs =
        ARENA_ARRAY(folding->arena, const struct plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] = fold_plan(folding, plan->inputs[i]);
        if (inputs[i] == NULL) {
            return NULL;
        }
    }
    return plan_map(folding->arena, plan, inputs, fold, folding);
}

enum status optimise_plan(const struct plan *plan,
                          struct arena *arena,
                          const struct plan **ret_plan,
                          size_t *ret_offset,
                          struct error *error)
{
    struct folding folding = {.arena = arena, .error = error};
    plan = fold_plan(&folding, plan);
    if (plan != NULL) {
        plan = optimise_filters(plan, arena);
        plan = optimise_projects(plan, arena);
        plan = optimise_columns(plan, arena);
        plan = optimise_projects(plan, arena); /* pruning leaves projects that only pass on */
        plan = fold_plan(&folding, plan);      /* merging brings constants to new places */
    }
    *ret_offset = folding.offset;
    *ret_plan = plan == NULL ? NULL : optimise_shared(plan, arena);
    return folding.status;
}

enum status optimise_expression(const struct expression *expression,
                                struct arena *arena,
                                const struct expression **ret_expression,
                                size_t *ret_offset,
                                struct error *error)
{
    struct folding folding = {.arena = arena, .error = error};
    *ret_expression = fold(&folding, expression);
    *ret_offset = folding.offset;
    return folding.status;
}
