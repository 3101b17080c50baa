/* Plans as text: an indented tree, the root first. */

#include "sql/function.h"
#include "sql/query.h"

static void write_expression(const struct expression *expression,
                             const struct type *input,
                             struct buffer *target);

static void write_arguments(const struct expression *expression,
                            uint32_t from,
                            const char *between,
                            const struct type *input,
                            struct buffer *target)
{
    for (uint32_t i = from; i < expression->argument_count; i++) {
        buffer_append_string(target, i == from ? "" : between);
        write_expression(expression->arguments[i], input, target);
    }
}

static void write_literal(const struct column *literal, struct buffer *target)
{
    if (literal->type->id == TYPE_STRING && literal->null_count == 0) {
        struct slice text = column_bytes(literal, 0);
        buffer_append_string(target, "'");
        for (size_t i = 0; i < text.size && i < 200; i++) {
            if (text.data[i] == '\'' || text.data[i] == '\\') {
                buffer_append_byte(target, '\\');
            }
            buffer_append_byte(target, text.data[i]);
        }
        buffer_append_string(target, "'");
        return;
    }
    column_write_json(literal, 0, target);
}

static void
write_call(const struct expression *expression, const struct type *input, struct buffer *target)
{
    const char *name = expression->function->name;
    bool symbol = !((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_' || name[0] == '[');
    if (strcmp(name, "[]") == 0) {
        write_expression(expression->arguments[0], input, target);
        buffer_append_string(target, "[");
        write_expression(expression->arguments[1], input, target);
        buffer_append_string(target, "]");
    } else if (symbol && expression->argument_count == 2) {
        buffer_append_string(target, "(");
        write_expression(expression->arguments[0], input, target);
        buffer_printf(target, " %s ", name);
        write_expression(expression->arguments[1], input, target);
        buffer_append_string(target, ")");
    } else {
        buffer_printf(target, "%s(", name);
        write_arguments(expression, 0, ", ", input, target);
        buffer_append_string(target, ")");
    }
}

static void
write_case(const struct expression *expression, const struct type *input, struct buffer *target)
{
    buffer_append_string(target, "CASE");
    for (uint32_t i = 0; i + 1 < expression->argument_count; i += 2) {
        buffer_append_string(target, " WHEN ");
        write_expression(expression->arguments[i], input, target);
        buffer_append_string(target, " THEN ");
        write_expression(expression->arguments[i + 1], input, target);
    }
    if (expression->has_else) {
        buffer_append_string(target, " ELSE ");
        write_expression(expression->arguments[expression->argument_count - 1], input, target);
    }
    buffer_append_string(target, " END");
}

static void write_expression(const struct expression *expression,
                             const struct type *input,
                             struct buffer *target)
{
    switch (expression->kind) {
    case EXPR_COLUMN:
        buffer_append_string(target, expression->index < input->field_count
                                         ? input->fields[expression->index].name
                                         : "window");
        return;
    case EXPR_FIELD:
        write_expression(expression->arguments[0], input, target);
        buffer_printf(target, ".%s",
                      expression->arguments[0]->type->fields[expression->index].name);
        return;
    case EXPR_LITERAL:
        write_literal(expression->literal, target);
        return;
    case EXPR_CALL:
        write_call(expression, input, target);
        return;
    case EXPR_CAST:
        buffer_append_string(target, expression->try_cast ? "try_cast(" : "cast(");
        write_expression(expression->arguments[0], input, target);
        buffer_append_string(target, " as ");
        type_write(expression->type, target);
        buffer_append_string(target, ")");
        return;
    case EXPR_CASE:
        write_case(expression, input, target);
        return;
    case EXPR_AND:
    case EXPR_OR:
        buffer_append_string(target, "(");
        write_arguments(expression, 0, expression->kind == EXPR_AND ? " AND " : " OR ", input,
                        target);
        buffer_append_string(target, ")");
        return;
    case EXPR_IN:
        write_expression(expression->arguments[0], input, target);
        buffer_append_string(target, " IN (");
        write_arguments(expression, 1, ", ", input, target);
        buffer_append_string(target, ")");
        return;
    case EXPR_COALESCE:
        buffer_append_string(target, "coalesce(");
        write_arguments(expression, 0, ", ", input, target);
        buffer_append_string(target, ")");
        return;
    case EXPR_LAMBDA:
        buffer_append_string(target, "(");
        for (uint32_t i = 0; i < expression->variable_count; i++) {
            buffer_printf(target, "%s$%u", i == 0 ? "" : ", ", expression->index + i);
        }
        buffer_append_string(target, ") -> ");
        write_expression(expression->body, input, target);
        return;
    case EXPR_LAMBDA_VARIABLE:
        buffer_printf(target, "$%u", expression->index);
        return;
    }
}

static void write_list(const struct expression *const *list,
                       uint32_t count,
                       const struct type *input,
                       struct buffer *target)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_string(target, i == 0 ? "" : ", ");
        write_expression(list[i], input, target);
    }
}

static void
write_aggregate(const struct plan *plan, const struct type *input, struct buffer *target)
{
    buffer_append_string(target, " by [");
    write_list(plan->keys, plan->key_count, input, target);
    buffer_append_string(target, "]");
    if (plan->window != NULL) {
        buffer_append_string(target, " window(");
        write_expression(plan->window->time, input, target);
        buffer_printf(target, ", %lld us, %lld us, %lld us)", (long long) plan->window->size_us,
                      (long long) plan->window->slide_us, (long long) plan->window->start_us);
    }
    if (plan->watermark_key >= 0) {
        buffer_printf(target, " event time in key %d", plan->watermark_key + 1);
    }
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const struct plan_aggregate *aggregate = &plan->aggregates[i];
        buffer_printf(target, "%s%s(%s", i == 0 ? " compute " : ", ", aggregate->function->name,
                      aggregate->distinct ? "distinct " : "");
        write_list(aggregate->arguments, aggregate->argument_count, input, target);
        buffer_append_string(target, ")");
        if (aggregate->filter != NULL) {
            buffer_append_string(target, " where ");
            write_expression(aggregate->filter, input, target);
        }
    }
}

static void write_project(const struct plan *plan, const struct type *input, struct buffer *target)
{
    for (uint32_t i = 0; i < plan->expression_count; i++) {
        const struct expression *expression = plan->expressions[i];
        const char *name = plan->type->fields[i].name;
        buffer_append_string(target, i == 0 ? " " : ", ");
        write_expression(expression, input, target);
        if (expression->kind != EXPR_COLUMN ||
            strcmp(input->fields[expression->index].name, name) != 0) {
            buffer_printf(target, " as %s", name);
        }
    }
}

/* Both sides of a join as its condition sees them. */
static const struct type *joined(const struct plan *plan, struct arena *arena)
{
    uint32_t left = plan->inputs[0]->type->field_count, right = plan->inputs[1]->type->field_count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, left + right);
    memcpy(fields, plan->inputs[0]->type->fields, left * sizeof(*fields));
    memcpy(fields + left, plan->inputs[1]->type->fields, right * sizeof(*fields));
    return type_struct(arena, fields, left + right);
}

static void write_node(const struct plan *plan, struct arena *arena, struct buffer *target)
{
    static const char *const joins[] = {"inner", "left", "right", "full", "cross", "semi", "anti"};
    const struct type *input =
        plan->input_count > 0 ? plan->inputs[0]->type : type_struct(arena, NULL, 0);
    switch (plan->kind) {
    case PLAN_SCAN:
        buffer_printf(target, "scan %s ", plan->relation->name);
        type_write(plan->type, target);
        return;
    case PLAN_FILTER:
        buffer_append_string(target, "filter ");
        write_expression(plan->predicate, input, target);
        return;
    case PLAN_PROJECT:
        buffer_append_string(target, "project");
        write_project(plan, input, target);
        return;
    case PLAN_AGGREGATE:
        buffer_append_string(target, "aggregate");
        write_aggregate(plan, input, target);
        return;
    case PLAN_DISTINCT:
        buffer_append_string(target, "distinct");
        write_aggregate(plan, input, target);
        return;
    case PLAN_UNION:
        buffer_append_string(target, "union all");
        return;
    case PLAN_GENERATE:
        buffer_append_string(target, plan->outer ? "generate outer " : "generate ");
        write_expression(plan->expressions[0], input, target);
        return;
    case PLAN_SORT:
        buffer_append_string(target, "sort");
        for (uint32_t i = 0; i < plan->sort_key_count; i++) {
            const struct plan_sort_key *key = &plan->sort_keys[i];
            buffer_append_string(target, i == 0 ? " " : ", ");
            write_expression(key->expression, input, target);
            buffer_append_string(target, key->descending ? " desc" : "");
            buffer_append_string(target, key->nulls_last == key->descending ? ""
                                         : key->nulls_last                  ? " nulls last"
                                                                            : " nulls first");
        }
        return;
    case PLAN_LIMIT:
        buffer_append_string(target, "limit");
        if (plan->limit >= 0) {
            buffer_printf(target, " %lld", (long long) plan->limit);
        }
        if (plan->offset_rows > 0) {
            buffer_printf(target, " offset %lld", (long long) plan->offset_rows);
        }
        return;
    case PLAN_VALUES:
        buffer_printf(target, "values %u rows ", plan->values_rows);
        type_write(plan->type, target);
        return;
    case PLAN_JOIN:
        buffer_printf(target, "%s join on ", joins[plan->join]);
        write_expression(plan->predicate, joined(plan, arena), target);
        return;
    }
}

static void
write_plan(const struct plan *plan, unsigned depth, struct arena *arena, struct buffer *target)
{
    for (unsigned i = 0; i < depth; i++) {
        buffer_append_string(target, "  ");
    }
    write_node(plan, arena, target);
    buffer_append_string(target, "\n");
    for (uint32_t i = 0; i < plan->input_count; i++) {
        write_plan(plan->inputs[i], depth + 1, arena, target);
    }
}

void plan_write(const struct plan *plan, struct buffer *target)
{
    struct arena arena;
    arena_init(&arena, 4096);
    write_plan(plan, 0, &arena, target);
    arena_deinit(&arena);
}
