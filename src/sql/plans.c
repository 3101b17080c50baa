/* Nodes of plans: making them, measuring them, and following a column down to where it comes from.
 */

#include "sql/analyse.h"

#include <strings.h>

const struct type_field sql_metadata_columns[5] = {
    {"_key", &(const struct type){.id = TYPE_STRING}, true},
    {"_op", &(const struct type){.id = TYPE_STRING}, false},
    {"_accepted_at", &(const struct type){.id = TYPE_TIMESTAMP}, false},
    {"_partition", &(const struct type){.id = TYPE_INT}, false},
    {"_offset", &(const struct type){.id = TYPE_BIGINT}, false},
};

struct plan *plan_new(struct arena *arena,
                      enum plan_kind kind,
                      const struct type *type,
                      const struct plan *input,
                      size_t offset)
{
    struct plan *plan = ARENA_NEW(arena, struct plan);
    plan->kind = kind;
    plan->type = type;
    plan->offset = offset;
    plan->watermark_key = -1;
    plan->limit = -1;
    if (input != NULL) {
        const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, 1);
        inputs[0] = input;
        plan->inputs = inputs;
        plan->input_count = 1;
    }
    return plan;
}

const struct plan *
plan_filter(struct arena *arena, const struct plan *input, const struct expression *predicate)
{
    struct plan *plan = plan_new(arena, PLAN_FILTER, input->type, input, predicate->offset);
    plan->predicate = predicate;
    return plan;
}

const struct plan *plan_project(struct arena *arena,
                                const struct plan *input,
                                const struct expression *const *expressions,
                                const char *const *names,
                                uint32_t count,
                                size_t offset)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = (struct type_field){names[i], expressions[i]->type, expressions[i]->nullable};
    }
    struct plan *plan =
        plan_new(arena, PLAN_PROJECT, type_struct(arena, fields, count), input, offset);
    plan->expressions = expressions;
    plan->expression_count = count;
    return plan;
}

uint32_t expression_size(const struct expression *expression, uint32_t max)
{
    uint32_t size = 1;
    for (uint32_t i = 0; i < expression->argument_count && size <= max; i++) {
        size += expression_size(expression->arguments[i], max - size);
    }
    if (expression->body != NULL && size <= max) {
        size += expression_size(expression->body, max - size);
    }
    return size;
}

static uint32_t list_size(const struct expression *const *list, uint32_t count, uint32_t max)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < count && size <= max; i++) {
        size += expression_size(list[i], max - size);
    }
    return size;
}

uint32_t plan_size(const struct plan *plan, uint32_t max)
{
    uint32_t size = 1 + plan->type->field_count;
    size += size <= max ? list_size(plan->expressions, plan->expression_count, max - size) : 0;
    size += size <= max ? list_size(plan->keys, plan->key_count, max - size) : 0;
    if (plan->predicate != NULL && size <= max) {
        size += expression_size(plan->predicate, max - size);
    }
    for (uint32_t i = 0; i < plan->aggregate_count && size <= max; i++) {
        size += list_size(plan->aggregates[i].arguments, plan->aggregates[i].argument_count,
                          max - size);
    }
    for (uint32_t i = 0; i < plan->input_count && size <= max; i++) {
        size += plan_size(plan->inputs[i], max - size);
    }
    return size;
}

static bool is_window(const struct type *type)
{
    return type->id == TYPE_STRUCT && type->field_count == 2 &&
           strcmp(type->fields[0].name, "start") == 0 && strcmp(type->fields[1].name, "end") == 0;
}

static bool column_carries(const struct plan *plan, uint32_t index, const char *column)
{
    const struct sql_relation *relation = plan->relation;
    if (relation != NULL && (relation->streaming || relation->view != NULL) &&
        strcasecmp(plan->type->fields[index].name, column) == 0) {
        return true; /* of a stream, or made by a view: CAST(time AS TIMESTAMP) AS at */
    }
    switch (plan->kind) {
    case PLAN_PROJECT:
        return plan_carries(plan->inputs[0], plan->expressions[index], column);
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_DISTINCT:
        return column_carries(plan->inputs[0], index, column);
    case PLAN_GENERATE:
        return index < plan->inputs[0]->type->field_count &&
               column_carries(plan->inputs[0], index, column);
    case PLAN_UNION:
        for (uint32_t i = 0; i < plan->input_count; i++) {
            if (!column_carries(plan->inputs[i], index, column)) {
                return false;
            }
        }
        return true;
    case PLAN_AGGREGATE:
        if (index >= plan->key_count) {
            return false;
        }
        if (plan->window != NULL && plan->keys[index]->kind == EXPR_COLUMN &&
            plan->keys[index]->index == plan->inputs[0]->type->field_count) {
            return plan_carries(plan->inputs[0], plan->window->time, column);
        }
        return plan_carries(plan->inputs[0], plan->keys[index], column);
    case PLAN_SCAN:
    case PLAN_VALUES:
    case PLAN_JOIN:
        return false;
    }
    return false;
}

bool plan_carries(const struct plan *plan, const struct expression *expression, const char *column)
{
    if (expression->kind == EXPR_FIELD && is_window(expression->arguments[0]->type)) {
        expression = expression->arguments[0];
    } else if (expression_is_call(expression, "-") &&
               expression->arguments[0]->kind == EXPR_FIELD &&
               expression->arguments[1]->kind == EXPR_LITERAL) {
        return plan_carries(plan, expression->arguments[0], column); /* window_time */
    }
    return expression->kind == EXPR_COLUMN && expression->index < plan->type->field_count &&
           column_carries(plan, expression->index, column);
}

bool plan_is_row_for_row(const struct plan *plan)
{
    while (plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT) {
        plan = plan->inputs[0];
    }
    return plan->kind == PLAN_SCAN;
}

static const struct expression *pass(struct arena *arena, const struct plan *plan, uint32_t index)
{
    const struct type_field *field = &plan->type->fields[index];
    return expression_column(arena, index, field->type, field->nullable, plan->offset);
}

/* A scan with the metadata columns at the end of its output, whichever it read before. */
static const struct plan *scan_with_metadata(struct arena *arena, const struct plan *scan)
{
    const uint32_t metadata = ARRAY_SIZE(sql_metadata_columns);
    uint32_t own = scan->type->field_count, total = own;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, own + metadata);
    uint32_t places[ARRAY_SIZE(sql_metadata_columns)];
    memcpy(fields, scan->type->fields, own * sizeof(*fields));
    for (uint32_t i = 0; i < metadata; i++) {
        int at = type_field_index(scan->type, sql_metadata_columns[i].name);
        places[i] = at >= 0 ? (uint32_t) at : total;
        if (at < 0) {
            fields[total++] = sql_metadata_columns[i];
        }
    }
    struct plan *wide = ARENA_NEW(arena, struct plan);
    *wide = *scan;
    wide->type = type_struct(arena, fields, total);
    const struct expression **expressions =
        ARENA_ARRAY(arena, const struct expression *, own + metadata);
    const char **names = ARENA_ARRAY(arena, const char *, own + metadata);
    for (uint32_t i = 0; i < own + metadata; i++) {
        expressions[i] = pass(arena, wide, i < own ? i : places[i - own]);
        names[i] = i < own ? fields[i].name : sql_metadata_columns[i - own].name;
    }
    return plan_project(arena, wide, expressions, names, own + metadata, scan->offset);
}

const struct plan *plan_with_metadata(struct arena *arena, const struct plan *plan)
{
    if (plan->kind == PLAN_SCAN) {
        return scan_with_metadata(arena, plan);
    }
    const struct plan *input = plan_with_metadata(arena, plan->inputs[0]);
    if (plan->kind == PLAN_FILTER) {
        return plan_filter(arena, input, plan->predicate);
    }
    const uint32_t metadata = ARRAY_SIZE(sql_metadata_columns);
    uint32_t own = plan->expression_count, below = input->type->field_count - metadata;
    const struct expression **expressions =
        ARENA_ARRAY(arena, const struct expression *, own + metadata);
    const char **names = ARENA_ARRAY(arena, const char *, own + metadata);
    for (uint32_t i = 0; i < own + metadata; i++) {
        expressions[i] = i < own ? plan->expressions[i] : pass(arena, input, below + i - own);
        names[i] = i < own ? plan->type->fields[i].name : sql_metadata_columns[i - own].name;
    }
    return plan_project(arena, input, expressions, names, own + metadata, plan->offset);
}
