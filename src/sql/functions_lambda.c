/* Higher-order functions: transform, filter, exists, forall, aggregate, zip_with, and those of
 * maps. A lambda's body is evaluated once for all elements of the batch. */

#include "sql/coerce.h"
#include "sql/function_internal.h"
#include "sql/list_output.h"
#include "sql/map_internal.h"

enum higher {
    HIGHER_TRANSFORM,
    HIGHER_FILTER,
    HIGHER_EXISTS,
    HIGHER_FORALL,
    HIGHER_MAP_FILTER,
    HIGHER_TRANSFORM_VALUES,
    HIGHER_TRANSFORM_KEYS,
};

/* ---- types ---- */

static enum status
variable_count_error(const struct sql_function *function, uint32_t count, struct error *error)
{
    enum status status = error_set(error, STATUS_CONFIG, "%s takes no lambda of %u variables",
                                   function->name, count);
    error_hint(error, "usage: %s", function->usage);
    return status;
}

static bool is_map_function(const struct sql_function *function)
{
    return function->variant >= HIGHER_MAP_FILTER;
}

/* x, or x and its index from 0; key and value for maps. */
static enum status lambda_elements(const struct sql_function *function,
                                   const struct type *const *types,
                                   uint32_t index,
                                   uint32_t variable_count,
                                   UNUSED struct arena *arena,
                                   const struct type **ret_variables,
                                   struct error *error)
{
    enum type_id wanted = is_map_function(function) ? TYPE_MAP : TYPE_ARRAY;
    if (index != 1 || types[0]->id != wanted) {
        return function_type_error(function, 0, types[0], wanted == TYPE_MAP ? "a map" : "an array",
                                   error);
    }
    ret_variables[0] = types[0]->fields[0].type;
    if (wanted == TYPE_MAP) {
        ret_variables[1] = types[0]->fields[1].type;
        return variable_count == 2 ? STATUS_OK
                                   : variable_count_error(function, variable_count, error);
    }
    ret_variables[1] = type_plain(TYPE_INT);
    bool indexed = function->variant == HIGHER_TRANSFORM || function->variant == HIGHER_FILTER;
    return variable_count == 1 || (variable_count == 2 && indexed)
               ? STATUS_OK
               : variable_count_error(function, variable_count, error);
}

static enum status resolve_higher(RESOLVE_PARAMETERS)
{
    const struct type *list = types[0];
    switch (function->variant) {
    case HIGHER_TRANSFORM:
        *ret_type = type_array(arena, types[1], true);
        return STATUS_OK;
    case HIGHER_TRANSFORM_VALUES:
        *ret_type = type_map(arena, list->fields[0].type, types[1], true);
        return STATUS_OK;
    case HIGHER_TRANSFORM_KEYS:
        *ret_type = type_map(arena, types[1], list->fields[1].type, true);
        return STATUS_OK;
    case HIGHER_EXISTS:
    case HIGHER_FORALL:
        *ret_type = type_plain(TYPE_BOOLEAN);
        break;
    default:
        *ret_type = list;
        break;
    }
    return function_want(function, types, 1, type_plain(TYPE_BOOLEAN), error);
}

/* ---- elements ---- */

/* All elements of the rows that are not null, in order, each with its row and place. */
struct elements {
    const struct column *list; /* as long as the batch */
    int64_t count;
    int32_t *rows;
    int32_t *at; /* into the list's children */
    int32_t *places;
};

static void elements_of(struct eval *eval, const struct column *list, struct elements *elements)
{
    int64_t length = eval->batch->length;
    if (list->length != length) {
        list = column_repeat(eval->arena, list, 0, length);
    }
    int64_t total = 0;
    for (int64_t i = 0; i < length; i++) {
        total += column_is_null(list, i) ? 0 : list->offsets[i + 1] - list->offsets[i];
    }
    *elements = (struct elements){.list = list, .count = total};
    elements->rows = ARENA_ARRAY(eval->arena, int32_t, (size_t) total);
    elements->at = ARENA_ARRAY(eval->arena, int32_t, (size_t) total);
    elements->places = ARENA_ARRAY(eval->arena, int32_t, (size_t) total);
    int64_t next = 0;
    for (int64_t i = 0; i < length; i++) {
        if (column_is_null(list, i)) {
            continue;
        }
        for (int32_t e = list->offsets[i]; e < list->offsets[i + 1]; e++) {
            elements->rows[next] = (int32_t) i;
            elements->at[next] = e;
            elements->places[next++] = e - list->offsets[i];
        }
    }
}

static const struct column *int_column(struct arena *arena, const int32_t *values, int64_t count)
{
    struct column *column = ARENA_NEW(arena, struct column);
    *column = (struct column){.type = type_plain(TYPE_INT), .length = count, .values = values};
    return column;
}

/* The lambda over all elements, and the elements themselves in the same order. */
static const struct column *apply(struct eval *eval,
                                  const struct expression *lambda,
                                  const struct elements *elements,
                                  const struct column **variables)
{
    bool map = elements->list->type->id == TYPE_MAP;
    variables[0] =
        column_take(eval->arena, elements->list->children[0], elements->at, elements->count);
    variables[1] =
        map ? column_take(eval->arena, elements->list->children[1], elements->at, elements->count)
            : int_column(eval->arena, elements->places, elements->count);
    return eval_lambda(eval, lambda, elements->rows, elements->count, variables);
}

/* The list with other children: offsets count only rows that are not null. */
static const struct column *list_of(struct eval *eval,
                                    const struct type *type,
                                    const struct elements *elements,
                                    const struct column *first,
                                    const struct column *second)
{
    int64_t length = eval->batch->length;
    int32_t *offsets = ARENA_ARRAY(eval->arena, int32_t, (size_t) length + 1);
    for (int64_t i = 0; i < length; i++) {
        int32_t size = column_is_null(elements->list, i)
                           ? 0
                           : elements->list->offsets[i + 1] - elements->list->offsets[i];
        offsets[i + 1] = offsets[i] + size;
    }
    const struct column **children = ARENA_ARRAY(eval->arena, const struct column *, 2);
    children[0] = first;
    children[1] = second;
    struct column *column = ARENA_NEW(eval->arena, struct column);
    *column = (struct column){.type = type,
                              .length = length,
                              .null_count = elements->list->null_count,
                              .validity = elements->list->validity,
                              .offsets = offsets,
                              .children = children};
    return column;
}

static const struct column *kept(struct eval *eval,
                                 const struct expression *call,
                                 const struct elements *elements,
                                 const struct column *test)
{
    struct list_output list;
    list_init(&list, eval, call, &elements->list, 1);
    int64_t next = 0;
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        for (; next < elements->count && elements->rows[next] == i; next++) {
            if (!column_is_null(test, next) && column_bool(test, next)) {
                list_add(&list, elements->at[next]);
            }
        }
        list_end(&list, i);
    }
    bool map = call->type->id == TYPE_MAP;
    return list_finish(&list, elements->list->children[0],
                       map ? elements->list->children[1] : NULL);
}

/* exists: true, else null if one is unknown. forall: false, else null if one is unknown. */
static const struct column *quantified(struct eval *eval,
                                       const struct expression *call,
                                       const struct elements *elements,
                                       const struct column *test)
{
    struct output output;
    output_init(&output, eval, call, &elements->list, 1);
    bool decisive = call->function->variant == HIGHER_EXISTS;
    int64_t next = 0;
    for (int64_t i = 0; i < output.rows; i++) {
        bool decided = false;
        bool unknown = false;
        for (; next < elements->count && elements->rows[next] == i; next++) {
            unknown |= column_is_null(test, next);
            decided |= !column_is_null(test, next) && column_bool(test, next) == decisive;
        }
        if (output_is_null(&output, i)) {
            continue;
        }
        if (!decided && unknown) {
            output_null(&output, i);
        } else {
            output_bool(&output, i, decided == decisive);
        }
    }
    return output_finish(&output);
}

/* transform_keys may bring null or equal keys together: those rows fail. */
static const struct column *rekeyed(struct eval *eval,
                                    const struct expression *call,
                                    const struct elements *elements,
                                    const struct column *keys,
                                    const struct column *values)
{
    struct list_output list;
    list_init(&list, eval, call, &elements->list, 1);
    struct row_set seen;
    row_set_init(&seen, eval->arena, keys);
    int64_t next = 0;
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        for (; next < elements->count && elements->rows[next] == i; next++) {
            list_add(&list, next);
        }
        map_check_row(&list, &seen, i);
    }
    row_set_deinit(&seen);
    return list_finish(&list, keys, values);
}

static const struct column *call_higher(CALL_PARAMETERS)
{
    struct elements elements;
    const struct column *variables[2];
    elements_of(eval, eval_expression_compact(eval, call->arguments[0]), &elements);
    const struct column *result = apply(eval, call->arguments[1], &elements, variables);
    switch (call->function->variant) {
    case HIGHER_TRANSFORM:
        return list_of(eval, call->type, &elements, result, NULL);
    case HIGHER_TRANSFORM_VALUES:
        return list_of(eval, call->type, &elements, variables[0], result);
    case HIGHER_TRANSFORM_KEYS:
        return rekeyed(eval, call, &elements, result, variables[1]);
    case HIGHER_EXISTS:
    case HIGHER_FORALL:
        return quantified(eval, call, &elements, result);
    default:
        return kept(eval, call, &elements, result);
    }
}

/* ---- aggregate ---- */

static enum status lambda_aggregate(const struct sql_function *function,
                                    const struct type *const *types,
                                    uint32_t index,
                                    uint32_t variable_count,
                                    UNUSED struct arena *arena,
                                    const struct type **ret_variables,
                                    struct error *error)
{
    if (index < 2 || variable_count != (index == 2 ? 2u : 1u)) {
        return variable_count_error(function, variable_count, error);
    }
    if (types[0]->id != TYPE_ARRAY) {
        return function_type_error(function, 0, types[0], "an array", error);
    }
    ret_variables[0] = types[1];
    if (index == 2) {
        ret_variables[1] = types[0]->fields[0].type;
    }
    return STATUS_OK;
}

static enum status resolve_aggregate(RESOLVE_PARAMETERS)
{
    if (types[0]->id != TYPE_ARRAY) {
        return function_type_error(function, 0, types[0], "an array", error);
    }
    if (!type_cast_exists(types[2], types[1])) {
        return function_type_error(function, 2, types[2], type_text(types[1], arena), error);
    }
    types[2] = types[1];
    *ret_type = count == 4 ? types[3] : types[1];
    return STATUS_OK;
}

/* Step k merges the k-th element of every row that has one. */
static const struct column *call_aggregate(CALL_PARAMETERS)
{
    struct elements elements;
    int64_t length = eval->batch->length;
    elements_of(eval, eval_expression_compact(eval, call->arguments[0]), &elements);
    const struct column *state = eval_expression(eval, call->arguments[1]);
    const struct column *list = elements.list;
    int32_t *rows = ARENA_ARRAY(eval->arena, int32_t, (size_t) length);
    int32_t *at = ARENA_ARRAY(eval->arena, int32_t, (size_t) length);
    int32_t *choice = ARENA_ARRAY(eval->arena, int32_t, (size_t) length);
    for (int32_t step = 0;; step++) {
        int64_t count = 0;
        for (int64_t i = 0; i < length; i++) {
            choice[i] = (int32_t) i;
            if (!column_is_null(list, i) && list->offsets[i] + step < list->offsets[i + 1]) {
                choice[i] = (int32_t) (length + count);
                rows[count] = (int32_t) i;
                at[count++] = list->offsets[i] + step;
            }
        }
        if (count == 0) {
            break;
        }
        const struct column *variables[] = {column_take(eval->arena, state, rows, count),
                                            column_take(eval->arena, list->children[0], at, count)};
        const struct column *merged = eval_lambda(eval, call->arguments[2], rows, count, variables);
        const struct column *both[] = {state, merged};
        state = column_take(eval->arena, column_concat(eval->arena, both, 2), choice, length);
    }
    if (call->argument_count == 4) {
        for (int64_t i = 0; i < length; i++) {
            rows[i] = (int32_t) i;
        }
        state = eval_lambda(eval, call->arguments[3], rows, length, &state);
    }
    if (list->null_count == 0) {
        return state;
    }
    uint8_t *validity = bits_new(eval->arena, length, true);
    memcpy(validity, list->validity, bits_bytes(length));
    if (state->validity != NULL) {
        bits_and(validity, state->validity, length);
    }
    return column_with_validity(eval->arena, state, validity);
}

/* ---- zip_with ---- */

static enum status lambda_zip(const struct sql_function *function,
                              const struct type *const *types,
                              uint32_t index,
                              uint32_t variable_count,
                              UNUSED struct arena *arena,
                              const struct type **ret_variables,
                              struct error *error)
{
    if (index != 2 || variable_count != 2) {
        return variable_count_error(function, variable_count, error);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (types[i]->id != TYPE_ARRAY) {
            return function_type_error(function, i, types[i], "an array", error);
        }
        ret_variables[i] = types[i]->fields[0].type;
    }
    return STATUS_OK;
}

static enum status resolve_zip(RESOLVE_PARAMETERS)
{
    *ret_type = type_array(arena, types[2], true);
    return STATUS_OK;
}

/* The shorter array is filled up with nulls. */
static const struct column *call_zip(CALL_PARAMETERS)
{
    const struct column *sides[2];
    for (int s = 0; s < 2; s++) {
        sides[s] = eval_expression(eval, call->arguments[s]);
    }
    struct list_output list;
    list_init(&list, eval, call, sides, 2);
    struct list_output other = {0};
    list_init(&other, eval, call, sides, 2);
    struct list_output owner = {0};
    list_init(&owner, eval, call, sides, 2);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range a = list_range(arg_of(sides[0], list.base.rows), i);
        struct list_range b = list_range(arg_of(sides[1], list.base.rows), i);
        int32_t size = a.end - a.start > b.end - b.start ? a.end - a.start : b.end - b.start;
        for (int32_t e = 0; e < size; e++) {
            list_add(&list, a.start + e < a.end ? a.start + e : -1);
            list_add(&other, b.start + e < b.end ? b.start + e : -1);
            list_add(&owner, i);
        }
        list_end(&list, i);
    }
    int64_t count = (int64_t) list.count;
    const struct column *variables[] = {
        column_take(eval->arena, sides[0]->children[0], list.indices, count),
        column_take(eval->arena, sides[1]->children[0], other.indices, count)};
    const struct column *result =
        eval_lambda(eval, call->arguments[2], owner.indices, count, variables);
    for (int64_t i = 0; i < count; i++) {
        list.indices[i] = (int32_t) i;
    }
    return list_finish(&list, result, NULL);
}

#define HIGHER(name_, variant_, usage_, help_)                                                     \
    {                                                                                              \
        .name = (name_), .arguments_min = 2, .arguments_max = 2, .deterministic = true,            \
        .lazy = true, .variant = (variant_), .usage = (usage_), .help = (help_),                   \
        .resolve = resolve_higher, .lambda = lambda_elements, .call = call_higher                  \
    }
#define AGGREGATE(name_)                                                                           \
    {                                                                                              \
        .name = (name_), .arguments_min = 3, .arguments_max = 4, .deterministic = true,            \
        .lazy = true, .usage = name_ "(array, start, (state, x) -> ...[, state -> ...])",          \
        .help = "Folds the elements into one value.", .resolve = resolve_aggregate,                \
        .lambda = lambda_aggregate, .call = call_aggregate                                         \
    }

static const struct sql_function rows[] = {
    HIGHER("transform",
           HIGHER_TRANSFORM,
           "transform(array, x -> ...), transform(array, (x, i) -> ...)",
           "The array of the lambda's results; i counts from 0."),
    HIGHER("filter",
           HIGHER_FILTER,
           "filter(array, x -> ...), filter(array, (x, i) -> ...)",
           "The elements for which the lambda is true."),
    HIGHER("exists",
           HIGHER_EXISTS,
           "exists(array, x -> ...)",
           "True if the lambda is true for an element."),
    HIGHER("forall",
           HIGHER_FORALL,
           "forall(array, x -> ...)",
           "True if the lambda is true for every element."),
    HIGHER("map_filter",
           HIGHER_MAP_FILTER,
           "map_filter(map, (k, v) -> ...)",
           "The entries for which the lambda is true."),
    HIGHER("transform_values",
           HIGHER_TRANSFORM_VALUES,
           "transform_values(map, (k, v) -> ...)",
           "The map with other values."),
    HIGHER("transform_keys",
           HIGHER_TRANSFORM_KEYS,
           "transform_keys(map, (k, v) -> ...)",
           "The map with other keys, which must stay unique."),
    AGGREGATE("aggregate"),
    AGGREGATE("reduce"),
    {.name = "zip_with",
     .arguments_min = 3,
     .arguments_max = 3,
     .deterministic = true,
     .lazy = true,
     .usage = "zip_with(array, array, (x, y) -> ...)",
     .help = "The lambda's results for pairs of elements; the shorter array has nulls behind.",
     .resolve = resolve_zip,
     .lambda = lambda_zip,
     .call = call_zip},
};

FUNCTION_FAMILY(functions_lambda, rows);
