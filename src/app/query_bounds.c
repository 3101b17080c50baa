/* What a query's predicate says of single columns, for stores that can look rows up. */

#include "app/query_internal.h"
#include "sql/expressions.h"
#include "sql/function.h"

#define BOUNDS_MAX 32
#define VALUES_MAX 100 /* of one IN */

static const struct comparison {
    const char *name;
    enum store_compare compare, turned; /* turned: with the column on the right */
} comparisons[] = {
    {"=", STORE_EQUAL, STORE_EQUAL},
    {"<", STORE_LESS, STORE_GREATER},
    {"<=", STORE_LESS_EQUAL, STORE_GREATER_EQUAL},
    {">", STORE_GREATER, STORE_LESS},
    {">=", STORE_GREATER_EQUAL, STORE_LESS_EQUAL},
};

struct collector {
    const struct type *type; /* of the scan */
    struct arena *arena;
    struct store_bound bounds[BOUNDS_MAX];
    size_t count;
};

static bool is_value(const struct expression *expression, const struct expression *column)
{
    return expression->kind == EXPR_LITERAL && !column_is_null(expression->literal, 0) &&
           type_equal(expression->type, column->type);
}

static struct store_bound *
add_bound(struct collector *collector, const struct expression *column, enum store_compare compare)
{
    struct store_bound *bound = &collector->bounds[collector->count++];
    *bound = (struct store_bound){
        .column = collector->type->fields[column->index].name,
        .compare = compare,
    };
    return bound;
}

static void set_values(struct collector *collector,
                       struct store_bound *bound,
                       const struct expression *const *values,
                       uint32_t count)
{
    const struct column **columns = ARENA_ARRAY(collector->arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = values[i]->literal;
    }
    bound->values = columns;
    bound->value_count = count;
}

static void collect_in(struct collector *collector, const struct expression *in)
{
    const struct expression *column = in->arguments[0];
    uint32_t count = in->argument_count - 1;
    bool fits = column->kind == EXPR_COLUMN && count > 0 && count <= VALUES_MAX;
    for (uint32_t i = 1; fits && i <= count; i++) {
        fits = is_value(in->arguments[i], column);
    }
    if (fits) {
        set_values(collector, add_bound(collector, column, STORE_EQUAL), in->arguments + 1, count);
    }
}

static void collect_call(struct collector *collector, const struct expression *call)
{
    for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++) {
        if (!expression_is_call(call, comparisons[i].name) || call->argument_count != 2) {
            continue;
        }
        for (uint32_t side = 0; side < 2; side++) {
            const struct expression *column = call->arguments[side];
            const struct expression *value = call->arguments[1 - side];
            if (column->kind == EXPR_COLUMN && is_value(value, column)) {
                enum store_compare compare =
                    side == 0 ? comparisons[i].compare : comparisons[i].turned;
                set_values(collector, add_bound(collector, column, compare), &value, 1);
                return;
            }
        }
    }
}

static void collect(struct collector *collector, const struct expression *predicate)
{
    if (collector->count == BOUNDS_MAX) {
        return;
    }
    if (predicate->kind == EXPR_AND) {
        for (uint32_t i = 0; i < predicate->argument_count; i++) {
            collect(collector, predicate->arguments[i]);
        }
    } else if (predicate->kind == EXPR_IN) {
        collect_in(collector, predicate);
    } else if (predicate->kind == EXPR_CALL) {
        collect_call(collector, predicate);
    }
}

size_t
query_bounds(const struct plan *scan, struct arena *arena, const struct store_bound **ret_bounds)
{
    struct collector collector = {.type = scan->type, .arena = arena};
    if (scan->predicate != NULL) {
        collect(&collector, scan->predicate);
    }
    struct store_bound *bounds = ARENA_ARRAY(arena, struct store_bound, collector.count + 1);
    memcpy(bounds, collector.bounds, collector.count * sizeof(*bounds));
    *ret_bounds = bounds;
    return collector.count;
}
