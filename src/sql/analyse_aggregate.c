/* GROUP BY: keys, and expressions over groups instead of rows. */

#include "sql/analyse.h"
#include "sql/coerce.h"
#include "sql/function.h"

#include <strings.h>

/* `visits` bounds the walk: BETWEEN shares subtrees, so trees can be larger than their text. */
static bool has_aggregate(const struct tree *tree, uint32_t *visits)
{
    if (++*visits > SQL_NODES_MAX) {
        return false;
    }
    if (tree->kind == TREE_CALL) {
        const struct sql_function *function = sql_function_find(tree->name);
        if (function != NULL && function->kind == FUNCTION_AGGREGATE) {
            return true;
        }
    }
    for (uint32_t i = 0; i < tree->argument_count; i++) {
        if (has_aggregate(tree->arguments[i], visits)) {
            return true;
        }
    }
    return false;
}

bool tree_has_aggregate(const struct tree *tree)
{
    uint32_t visits = 0;
    return has_aggregate(tree, &visits);
}

struct lowering {
    struct analyser *analyser;
    const struct grouping *grouping;
};

static void *not_grouped(struct analyser *analyser,
                         const struct grouping *grouping,
                         const struct expression *expression)
{
    const char *name = expression->index < grouping->input->count
                           ? grouping->input->columns[expression->index].name
                           : "window";
    analyse_fail(analyser, expression->offset,
                 "column \"%s\" is neither grouped by nor inside an aggregate", name);
    error_hint(analyser->error,
               "add it to GROUP BY, or take one value of the group: first(%s), max(%s)", name,
               name);
    return NULL;
}

static const struct expression *lower(void *context, const struct expression *expression)
{
    const struct lowering *lowering = context;
    const struct grouping *grouping = lowering->grouping;
    struct arena *arena = lowering->analyser->arena;
    for (uint32_t i = 0; i < grouping->key_count; i++) {
        if (expression_equal(grouping->keys[i], expression)) {
            return expression_column(arena, i, expression->type, expression->nullable,
                                     expression->offset);
        }
    }
    if (expression->kind == EXPR_CALL && expression->function->kind == FUNCTION_AGGREGATE) {
        return expression_column(arena, grouping->key_count + expression->index, expression->type,
                                 expression->nullable, expression->offset);
    }
    if (expression->kind == EXPR_COLUMN) {
        return not_grouped(lowering->analyser, grouping, expression);
    }
    return expression_map_children(arena, expression, lower, context);
}

const struct expression *grouping_lower(struct analyser *analyser,
                                        const struct grouping *grouping,
                                        const struct expression *expression)
{
    struct lowering lowering = {analyser, grouping};
    return lower(&lowering, expression);
}

/* The SELECT item that a GROUP BY term names by position or alias; NULL if it does neither. */
static const struct tree *named_item(struct analyser *analyser,
                                     const struct tree_select *select,
                                     const struct tree *term,
                                     const struct scope *scope)
{
    if (term->kind == TREE_LITERAL && type_is_integral(term->literal->type) &&
        term->literal->null_count == 0) {
        int64_t position = column_int(term->literal, 0);
        if (position < 1 || position > select->item_count) {
            return analyse_fail(analyser, term->offset,
                                "GROUP BY position %lld is not in the SELECT list of %u",
                                (long long) position, select->item_count);
        }
        return select->items[position - 1].value;
    }
    if (term->kind != TREE_NAME || term->part_count != 1) {
        return NULL;
    }
    for (uint32_t i = 0; i < scope->count; i++) {
        if (strcasecmp(scope->columns[i].name, term->parts[0].name) == 0) {
            return NULL; /* columns win over aliases */
        }
    }
    for (uint32_t i = 0; i < select->item_count; i++) {
        if (select->items[i].alias != NULL &&
            strcasecmp(select->items[i].alias, term->parts[0].name) == 0) {
            return select->items[i].value;
        }
    }
    return NULL;
}

static bool add_key(struct analyser *analyser,
                    struct grouping *grouping,
                    const struct expression *key,
                    const char *name,
                    size_t offset)
{
    if (!type_is_orderable(key->type)) {
        return analyse_fail(analyser, offset, "values of type %s cannot be grouped by",
                            analyse_type_text(analyser, key->type)) != NULL;
    }
    for (uint32_t i = 0; i < grouping->key_count; i++) {
        if (expression_equal(grouping->keys[i], key)) {
            return true;
        }
    }
    grouping->keys[grouping->key_count] = key;
    grouping->key_names[grouping->key_count++] = name;
    return true;
}

bool grouping_keys(struct analyser *analyser,
                   struct grouping *grouping,
                   const struct tree_select *select,
                   struct context *context)
{
    uint32_t count = select->group_all ? select->item_count : select->group_count;
    struct aggregation *aggregation = &grouping->aggregation;
    grouping->keys = ARENA_ARRAY(analyser->arena, const struct expression *, count);
    grouping->key_names = ARENA_ARRAY(analyser->arena, const char *, count);
    grouping->input = context->scope;
    aggregation->window_column = context->scope->count;
    aggregation->collecting_keys = true;
    context->aggregation = aggregation;
    context->clause = "GROUP BY";
    for (uint32_t i = 0; i < count; i++) {
        const struct tree *term = select->group_all ? select->items[i].value : select->group_by[i];
        if (select->group_all && tree_has_aggregate(term)) {
            continue;
        }
        const struct tree *item =
            select->group_all ? term : named_item(analyser, select, term, context->scope);
        if (analyser->status != STATUS_OK) {
            return false;
        }
        if (item != NULL && item != term && tree_has_aggregate(item)) {
            return analyse_fail(
                       analyser, term->offset,
                       "GROUP BY names an item of the SELECT list that is an aggregate itself") !=
                   NULL;
        }
        const struct expression *key =
            analyse_expression(analyser, context, item != NULL ? item : term);
        if (key == NULL ||
            !add_key(analyser, grouping, key,
                     tree_column_name(item != NULL ? item : term, analyser->arena), term->offset)) {
            return false;
        }
    }
    aggregation->collecting_keys = false;
    return true;
}
