/* Copies of plan nodes with other inputs and expressions. */

#include "sql/optimise.h"

static const struct expression *const *map_list(struct arena *arena,
                                                const struct expression *const *list,
                                                uint32_t count,
                                                expression_map *map,
                                                void *context)
{
    const struct expression **copy = ARENA_ARRAY(arena, const struct expression *, count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = map(context, list[i]);
        if (copy[i] == NULL) {
            return NULL;
        }
    }
    return copy;
}

static const struct plan_aggregate *
map_aggregates(struct arena *arena, const struct plan *plan, expression_map *map, void *context)
{
    struct plan_aggregate *copy = ARENA_ARRAY(arena, struct plan_aggregate, plan->aggregate_count);
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        copy[i] = plan->aggregates[i];
        copy[i].arguments =
            map_list(arena, copy[i].arguments, copy[i].argument_count, map, context);
        if (copy[i].arguments == NULL) {
            return NULL;
        }
        if (copy[i].filter != NULL) {
            copy[i].filter = map(context, copy[i].filter);
            if (copy[i].filter == NULL) {
                return NULL;
            }
        }
    }
    return copy;
}

struct plan *plan_map(struct arena *arena,
                      const struct plan *plan,
                      const struct plan *const *inputs,
                      expression_map *map,
                      void *context)
{
    struct plan *copy = ARENA_NEW(arena, struct plan);
    *copy = *plan;
    copy->inputs = inputs;
    if (plan->predicate != NULL) {
        copy->predicate = map(context, plan->predicate);
    }
    copy->expressions = map_list(arena, plan->expressions, plan->expression_count, map, context);
    copy->keys = map_list(arena, plan->keys, plan->key_count, map, context);
    copy->aggregates = map_aggregates(arena, plan, map, context);
    if ((plan->predicate != NULL && copy->predicate == NULL) || copy->expressions == NULL ||
        copy->keys == NULL || copy->aggregates == NULL) {
        return NULL;
    }
    if (plan->window != NULL) {
        struct plan_window *window = ARENA_NEW(arena, struct plan_window);
        *window = *plan->window;
        window->time = map(context, window->time);
        copy->window = window;
        if (window->time == NULL) {
            return NULL;
        }
    }
    struct plan_sort_key *sort = ARENA_ARRAY(arena, struct plan_sort_key, plan->sort_key_count);
    for (uint32_t i = 0; i < plan->sort_key_count; i++) {
        sort[i] = plan->sort_keys[i];
        sort[i].expression = map(context, sort[i].expression);
        if (sort[i].expression == NULL) {
            return NULL;
        }
    }
    copy->sort_keys = sort;
    return copy;
}
