/* Projects on projects become one, where nothing is computed twice; those that do nothing go. */

#include "sql/analyse.h"
#include "sql/optimise.h"

static bool can_merge(const struct plan *outer, const struct plan *inner)
{
    for (uint32_t c = 0; c < inner->expression_count; c++) {
        const struct expression *column = inner->expressions[c];
        if (expression_is_trivial(column)) {
            continue;
        }
        uint32_t uses = 0;
        for (uint32_t i = 0; i < outer->expression_count && uses <= 1; i++) {
            uses += expression_uses(outer->expressions[i], c);
        }
        /* one that stands below CASE or AND would be computed for fewer rows: rand() must not */
        if (uses > 1 || (uses == 1 && !expression_is_deterministic(column))) {
            return false;
        }
    }
    return true;
}

/* Gives on what comes in, under the same names. */
static bool does_nothing(const struct plan *project)
{
    const struct type *input = project->inputs[0]->type;
    if (project->expression_count != input->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < project->expression_count; i++) {
        const struct expression *expression = project->expressions[i];
        if (expression->kind != EXPR_COLUMN || expression->index != i ||
            strcmp(project->type->fields[i].name, input->fields[i].name) != 0) {
            return false;
        }
    }
    return true;
}

const struct plan *optimise_projects(const struct plan *plan, struct arena *arena)
{
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] = optimise_projects(plan->inputs[i], arena);
    }
    struct plan *copy = ARENA_NEW(arena, struct plan);
    *copy = *plan;
    copy->inputs = inputs;
    if (plan->kind != PLAN_PROJECT) {
        return copy;
    }
    while (copy->inputs[0]->kind == PLAN_PROJECT && can_merge(copy, copy->inputs[0])) {
        const struct plan *inner = copy->inputs[0];
        const struct expression **expressions =
            ARENA_ARRAY(arena, const struct expression *, copy->expression_count);
        for (uint32_t i = 0; i < copy->expression_count; i++) {
            expressions[i] = expression_substitute(arena, copy->expressions[i], inner->expressions);
        }
        copy->expressions = expressions;
        copy->inputs = inner->inputs;
    }
    return does_nothing(copy) ? copy->inputs[0] : copy;
}
