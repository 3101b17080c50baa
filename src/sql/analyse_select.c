/* One SELECT: FROM, WHERE, generators, grouping, HAVING, the list, DISTINCT, ORDER BY. */

#include "sql/analyse.h"
#include "sql/coerce.h"
#include "sql/function.h"

/* The SELECT list while it is read: `raw` over rows of FROM, `values` over groups if grouped. */
struct output {
    const struct expression **raw;
    const struct expression **values;
    const char **names;
    uint32_t count, capacity;
};

static bool output_add(struct analyser *analyser,
                       struct output *output,
                       const struct expression *raw,
                       const char *name,
                       size_t offset)
{
    if (raw == NULL) {
        return false;
    }
    if (output->count == SQL_COLUMNS_MAX) {
        return analyse_fail(analyser, offset, "more than %d columns", SQL_COLUMNS_MAX) != NULL;
    }
    if (output->count == output->capacity) {
        uint32_t capacity = output->capacity == 0 ? 16 : output->capacity * 2;
        size_t old = output->capacity * sizeof(void *), size = capacity * sizeof(void *);
        output->raw = arena_grow(analyser->arena, output->raw, old, size);
        output->values = arena_grow(analyser->arena, output->values, old, size);
        output->names = arena_grow(analyser->arena, output->names, old, size);
        output->capacity = capacity;
    }
    output->raw[output->count] = raw;
    output->values[output->count] = raw;
    output->names[output->count++] = name;
    return true;
}

static bool output_star(struct analyser *analyser,
                        const struct scope *scope,
                        const struct tree *star,
                        struct output *output)
{
    uint32_t *indexes = NULL, count = 0;
    if (!analyse_star(analyser, scope, star, &indexes, &count) ||
        !analyse_count(analyser, star->offset, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct scope_column *column = &scope->columns[indexes[i]];
        const struct expression *value = expression_column(
            analyser->arena, indexes[i], column->type, column->nullable, star->offset);
        if (!output_add(analyser, output, value, column->name, star->offset)) {
            return false;
        }
    }
    return true;
}

/* s.* of a struct column: its fields; *ret_done stays false if it is none. */
static bool output_struct_star(struct analyser *analyser,
                               struct context *context,
                               const struct tree *star,
                               struct output *output,
                               bool *ret_done)
{
    const struct expression *value = analyse_struct_star(analyser, context, star);
    if (value == NULL) {
        return true;
    }
    *ret_done = true;
    for (uint32_t i = 0; i < value->type->field_count; i++) {
        const struct expression *field = expression_field(analyser->arena, value, i, star->offset);
        if (!analyse_count(analyser, star->offset, star->part_count + 1) ||
            !output_add(analyser, output, field, value->type->fields[i].name, star->offset)) {
            return false;
        }
    }
    return true;
}

/* Where the columns of an item that makes rows are in the scope; count 0: it makes none. */
struct generated_columns {
    uint32_t first, count;
};

/* The SELECT list; columns of the scope from `own` on were made by generators among the items. */
static bool select_list(struct analyser *analyser,
                        struct context *context,
                        const struct tree_select *select,
                        uint32_t own,
                        const struct generated_columns *generated,
                        struct output *output)
{
    for (uint32_t i = 0; i < select->item_count; i++) {
        const struct tree_item *item = &select->items[i];
        const struct tree *tree = item->value;
        if (tree->kind == TREE_STAR) {
            bool done = false;
            if (tree->part_count > 0 &&
                !output_struct_star(analyser, context, tree, output, &done)) {
                return false;
            }
            struct scope visible = *context->scope;
            visible.count = own;
            if (!done && !output_star(analyser, &visible, tree, output)) {
                return false;
            }
            continue;
        }
        if (generated[i].count > 0) {
            uint32_t end = generated[i].first + generated[i].count;
            for (uint32_t c = generated[i].first; c < end; c++) {
                const struct scope_column *column = &context->scope->columns[c];
                if (!output_add(analyser, output,
                                expression_column(analyser->arena, c, column->type,
                                                  column->nullable, tree->offset),
                                column->name, tree->offset)) {
                    return false;
                }
            }
            continue;
        }
        if (item->aliases.count > 0) {
            return analyse_fail(analyser, item->offset,
                                "only a function that makes rows takes several names") != NULL;
        }
        struct named_expression *names =
            ARENA_ARRAY(analyser->arena, struct named_expression, context->name_count + 1);
        const struct expression *value = analyse_expression(analyser, context, tree);
        const char *name =
            item->alias != NULL ? item->alias : tree_column_name(tree, analyser->arena);
        if (!output_add(analyser, output, value, name, item->offset)) {
            return false;
        }
        if (item->alias != NULL) { /* later items may use it */
            if (context->name_count > 0) {
                memcpy(names, context->names, context->name_count * sizeof(*names));
            }
            names[context->name_count] = (struct named_expression){item->alias, value};
            context->names = names;
            context->name_count++;
        }
    }
    return true;
}

/* explode(x) among the items widens the rows; ret_places says by which columns. */
static bool select_generators(struct analyser *analyser,
                              const struct tree_select *select,
                              struct analysed *source,
                              struct generated_columns *ret_places)
{
    for (uint32_t i = 0; i < select->item_count; i++) {
        const struct tree_item *item = &select->items[i];
        if (!analyse_is_generator(item->value)) {
            continue;
        }
        struct tree_names names = item->aliases;
        if (item->alias != NULL) {
            names = (struct tree_names){ARENA_ARRAY(analyser->arena, const char *, 1), 1};
            names.names[0] = item->alias;
        }
        ret_places[i].first = source->scope.count;
        if (!analyse_generate(analyser, source, item->value, false, NULL, &names)) {
            return false;
        }
        ret_places[i].count = source->scope.count - ret_places[i].first;
    }
    return true;
}

static bool is_grouped(const struct tree_select *select, const struct tree_query *order)
{
    bool grouped = select->group_count > 0 || select->group_all || select->having != NULL;
    for (uint32_t i = 0; i < select->item_count && !grouped; i++) {
        grouped = tree_has_aggregate(select->items[i].value);
    }
    for (uint32_t i = 0; order != NULL && i < order->order_count && !grouped; i++) {
        grouped = tree_has_aggregate(order->order[i].value);
    }
    return grouped;
}

/* The plan of the groups: keys, then aggregates. */
static const struct plan *aggregate_plan(struct analyser *analyser,
                                         const struct grouping *grouping,
                                         const struct plan *input,
                                         size_t offset)
{
    const struct aggregation *aggregation = &grouping->aggregation;
    const char *watermark = analyser->options->watermark_column;
    uint32_t keys = grouping->key_count, count = keys + aggregation->count;
    struct type_field *fields = ARENA_ARRAY(analyser->arena, struct type_field, count);
    struct plan *plan = plan_new(analyser->arena, PLAN_AGGREGATE, NULL, input, offset);
    plan->keys = grouping->keys;
    plan->key_count = keys;
    plan->aggregates = aggregation->items;
    plan->aggregate_count = aggregation->count;
    plan->window = aggregation->window;
    for (uint32_t i = 0; i < keys; i++) {
        const struct expression *key = grouping->keys[i];
        bool window = aggregation->window != NULL && key->kind == EXPR_COLUMN &&
                      key->index == aggregation->window_column;
        const struct expression *time = window ? aggregation->window->time : key;
        fields[i] = (struct type_field){grouping->key_names[i], key->type, key->nullable};
        if (watermark != NULL && plan->watermark_key < 0 && plan_carries(input, time, watermark)) {
            plan->watermark_key = (int) i;
        }
    }
    for (uint32_t i = 0; i < aggregation->count; i++) {
        fields[keys + i] =
            (struct type_field){aggregation->items[i].function->name, aggregation->items[i].type,
                                aggregation->calls[i]->nullable};
    }
    plan->type = type_struct(analyser->arena, fields, count);
    return plan;
}

/* One ORDER BY term as an output column, by position or value; adds a hidden one if it is none. */
static const struct expression *order_value(struct analyser *analyser,
                                            struct context *context,
                                            const struct grouping *grouping,
                                            const struct tree *term,
                                            struct output *output)
{
    if (term->kind == TREE_LITERAL && type_is_integral(term->literal->type) &&
        term->literal->null_count == 0) {
        int64_t position = column_int(term->literal, 0);
        if (position < 1 || position > output->count) {
            return analyse_fail(analyser, term->offset,
                                "ORDER BY position %lld is not in the SELECT list of %u",
                                (long long) position, output->count);
        }
        const struct expression *value = output->values[position - 1];
        return expression_column(analyser->arena, (uint32_t) position - 1, value->type,
                                 value->nullable, term->offset);
    }
    const struct expression *raw = analyse_expression(analyser, context, term);
    const struct expression *value =
        raw == NULL || grouping == NULL ? raw : grouping_lower(analyser, grouping, raw);
    if (value == NULL) {
        return NULL;
    }
    if (!type_is_orderable(value->type)) {
        return analyse_fail(analyser, term->offset, "values of type %s have no order",
                            analyse_type_text(analyser, value->type));
    }
    uint32_t at = 0;
    while (at < output->count && !expression_equal(output->values[at], value)) {
        at++;
    }
    if (at == output->count) {
        if (!output_add(analyser, output, raw, "", term->offset)) {
            return NULL;
        }
        output->values[at] = value;
    }
    return expression_column(analyser->arena, at, value->type, value->nullable, term->offset);
}

static bool order_keys(struct analyser *analyser,
                       struct context *context,
                       const struct grouping *grouping,
                       const struct tree_query *order,
                       bool distinct,
                       struct output *output,
                       struct plan_sort_key *keys)
{
    uint32_t visible = output->count;
    struct named_expression *names = ARENA_ARRAY(analyser->arena, struct named_expression, visible);
    for (uint32_t i = 0; i < visible; i++) {
        names[i] = (struct named_expression){output->names[i], output->raw[i]};
    }
    context->names = names;
    context->name_count = visible;
    context->names_first = true;
    context->clause = "ORDER BY";
    for (uint32_t i = 0; i < order->order_count; i++) {
        const struct tree_order *term = &order->order[i];
        keys[i] =
            (struct plan_sort_key){order_value(analyser, context, grouping, term->value, output),
                                   term->descending, term->nulls_last};
        if (keys[i].expression == NULL) {
            return false;
        }
        if (distinct && output->count > visible) {
            return analyse_fail(analyser, term->value->offset,
                                "ORDER BY of SELECT DISTINCT can only use what is selected") !=
                   NULL;
        }
    }
    return true;
}

const struct plan *analyse_sort(struct analyser *analyser,
                                const struct plan *input,
                                const struct plan_sort_key *keys,
                                uint32_t count,
                                size_t offset)
{
    struct plan *sort = plan_new(analyser->arena, PLAN_SORT, input->type, input, offset);
    sort->sort_keys = keys;
    sort->sort_key_count = count;
    return sort;
}

const struct plan *
analyse_distinct(struct analyser *analyser, const struct plan *input, size_t offset)
{
    struct arena *arena = analyser->arena;
    uint32_t count = input->type->field_count;
    struct plan *plan = plan_new(arena, PLAN_DISTINCT, input->type, input, offset);
    const struct expression **keys = ARENA_ARRAY(arena, const struct expression *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct type_field *field = &input->type->fields[i];
        if (!type_is_orderable(field->type)) {
            return analyse_fail(analyser, offset,
                                "DISTINCT cannot compare column \"%s\" of type %s", field->name,
                                analyse_type_text(analyser, field->type));
        }
        keys[i] = expression_column(arena, i, field->type, field->nullable, offset);
        if (analyser->options->watermark_column != NULL && plan->watermark_key < 0 &&
            plan_carries(input, keys[i], analyser->options->watermark_column)) {
            plan->watermark_key = (int) i;
        }
    }
    plan->keys = keys;
    plan->key_count = count;
    return plan;
}

/* FROM, LATERAL VIEW and WHERE */
static bool
select_source(struct analyser *analyser, const struct tree_select *select, struct analysed *source)
{
    if (select->from == NULL) {
        struct plan *one =
            plan_new(analyser->arena, PLAN_VALUES, type_struct(analyser->arena, NULL, 0), NULL,
                     select->items[0].offset);
        one->values_rows = 1;
        *source = (struct analysed){.plan = one};
    } else if (!analyse_relation(analyser, select->from, source)) {
        return false;
    }
    for (uint32_t i = 0; i < select->lateral_count; i++) {
        if (!analyse_lateral(analyser, &select->laterals[i], source)) {
            return false;
        }
    }
    if (select->where != NULL) {
        struct context context = {.scope = &source->scope, .clause = "WHERE"};
        const struct expression *condition = analyse_condition(analyser, &context, select->where);
        if (condition == NULL) {
            return false;
        }
        source->plan = plan_filter(analyser->arena, source->plan, condition);
    }
    return true;
}

/* Drops the columns behind the first `count`, which only ORDER BY needed. */
static const struct plan *drop_hidden(struct analyser *analyser,
                                      const struct plan *plan,
                                      const char *const *names,
                                      uint32_t count)
{
    const struct expression **kept = ARENA_ARRAY(analyser->arena, const struct expression *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct type_field *field = &plan->type->fields[i];
        kept[i] = expression_column(analyser->arena, i, field->type, field->nullable, plan->offset);
    }
    return plan_project(analyser->arena, plan, kept, names, count, plan->offset);
}

struct scope analyse_output_scope(struct arena *arena, const struct plan *plan)
{
    struct scope scope = {ARENA_ARRAY(arena, struct scope_column, plan->type->field_count),
                          plan->type->field_count};
    for (uint32_t i = 0; i < scope.count; i++) {
        const struct type_field *field = &plan->type->fields[i];
        scope.columns[i] = (struct scope_column){
            NULL, NULL, field->name, field->type, field->nullable, false, false};
    }
    return scope;
}

/* Groups the source and drops groups by HAVING. */
static const struct plan *select_groups(struct analyser *analyser,
                                        const struct tree_select *select,
                                        struct context *context,
                                        struct grouping *grouping,
                                        const struct plan *input)
{
    const struct expression *having = NULL;
    if (select->having != NULL) {
        context->clause = "HAVING";
        having = analyse_condition(analyser, context, select->having);
        having = having == NULL ? NULL : grouping_lower(analyser, grouping, having);
        if (having == NULL) {
            return NULL;
        }
    }
    const struct plan *plan = aggregate_plan(analyser, grouping, input, select->items[0].offset);
    return having == NULL ? plan : plan_filter(analyser->arena, plan, having);
}

static bool
lower_output(struct analyser *analyser, const struct grouping *grouping, struct output *output)
{
    for (uint32_t i = 0; i < output->count; i++) {
        output->values[i] = grouping_lower(analyser, grouping, output->raw[i]);
        if (output->values[i] == NULL) {
            return false;
        }
    }
    return true;
}

bool analyse_select(struct analyser *analyser,
                    const struct tree_select *select,
                    const struct tree_query *order,
                    struct analysed *ret)
{
    struct analysed source = {0};
    struct output output = {0};
    struct grouping grouping = {0};
    struct generated_columns *generated =
        ARENA_ARRAY(analyser->arena, struct generated_columns, select->item_count);
    if (!select_source(analyser, select, &source)) {
        return false;
    }
    uint32_t own = source.scope.count;
    if (!select_generators(analyser, select, &source, generated)) {
        return false;
    }
    bool grouped = is_grouped(select, order);
    struct context context = {.scope = &source.scope};
    if (grouped && !grouping_keys(analyser, &grouping, select, &context)) {
        return false;
    }
    context.clause = "SELECT";
    if (!select_list(analyser, &context, select, own, generated, &output)) {
        return false;
    }
    uint32_t visible = output.count;
    uint32_t order_count = order == NULL ? 0 : order->order_count;
    struct plan_sort_key *keys = ARENA_ARRAY(analyser->arena, struct plan_sort_key, order_count);
    const struct plan *plan = source.plan;
    /* ORDER BY may bring aggregates of its own: it is read before the plan of the groups is made */
    if (grouped && !lower_output(analyser, &grouping, &output)) {
        return false;
    }
    struct context order_context = context;
    if (order_count > 0 && !order_keys(analyser, &order_context, grouped ? &grouping : NULL, order,
                                       select->distinct, &output, keys)) {
        return false;
    }
    if (grouped) {
        plan = select_groups(analyser, select, &context, &grouping, plan);
        if (plan == NULL) {
            return false;
        }
    }
    plan = plan_project(analyser->arena, plan, output.values, output.names, output.count,
                        select->items[0].offset);
    if (select->distinct) {
        plan = analyse_distinct(analyser, plan, select->items[0].offset);
    }
    if (plan != NULL && order_count > 0) {
        plan = analyse_sort(analyser, plan, keys, order_count, order->order_offset);
        plan = output.count > visible ? drop_hidden(analyser, plan, output.names, visible) : plan;
    }
    if (plan == NULL) {
        return false;
    }
    ret->plan = plan;
    ret->scope = analyse_output_scope(analyser->arena, plan);
    return true;
}
