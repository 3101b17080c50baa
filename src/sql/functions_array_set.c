/* Arrays as sets and in order: distinct, union, except, intersect, overlap, sort, min, max,
 * sequence, zip. */

#include "columnar/builder.h"
#include "sql/coerce.h"
#include "sql/datetime.h"
#include "sql/function_internal.h"
#include "sql/list_output.h"

#include <stdlib.h>

static enum status resolve_arrays(RESOLVE_PARAMETERS)
{
    const struct type *common;
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->id != TYPE_ARRAY && types[i]->id != TYPE_NULL) {
            return function_type_error(function, i, types[i], "an array", error);
        }
    }
    TRY(function_common(function, types, 0, count, arena, &common, error));
    if (common->id == TYPE_NULL) {
        common = type_array(arena, common, true);
        types[0] = common;
        types[count - 1] = common;
    }
    *ret_type = common;
    return STATUS_OK;
}

static enum status resolve_overlap(RESOLVE_PARAMETERS)
{
    TRY(resolve_arrays(function, arguments, types, count, arena, ret_type, error));
    *ret_type = type_plain(TYPE_BOOLEAN);
    return STATUS_OK;
}

static enum status resolve_extreme(RESOLVE_PARAMETERS)
{
    TRY(resolve_arrays(function, arguments, types, 1, arena, ret_type, error));
    *ret_type = ret_type[0]->fields[0].type;
    if (!type_is_orderable(*ret_type)) {
        return function_type_error(function, 0, types[0], "an array of what has an order", error);
    }
    return STATUS_OK;
}

static enum status resolve_sort(RESOLVE_PARAMETERS)
{
    TRY(resolve_extreme(function, arguments, types, 1, arena, ret_type, error));
    *ret_type = types[0];
    return count == 1 ? STATUS_OK
                      : function_want(function, types, 1, type_plain(TYPE_BOOLEAN), error);
}

/* ---- sets ---- */

enum set_operation {
    SET_DISTINCT,
    SET_UNION,
    SET_EXCEPT,
    SET_INTERSECT,
    SET_COMPACT,
    SET_REMOVE
};

static void
union_row(struct list_output *list, struct row_set *set, struct list_range range, int64_t base)
{
    for (int32_t e = range.start; e < range.end; e++) {
        if (row_set_add(set, base + e)) {
            list_add(list, base + e);
        }
    }
}

/* The distinct elements of `a` that are (or are not) among `b`, whose elements begin at `base`. */
static void select_row(struct list_output *list,
                       struct row_set *set,
                       struct row_set *done,
                       struct list_range a,
                       struct list_range b,
                       int64_t base,
                       bool wanted)
{
    for (int32_t e = b.start; e < b.end; e++) {
        row_set_add(set, base + e);
    }
    for (int32_t e = a.start; e < a.end; e++) {
        if (row_set_has(set, e) == wanted && row_set_add(done, e)) {
            list_add(list, e);
        }
    }
}

static const struct column *call_set(CALL_PARAMETERS)
{
    int op = call->function->variant;
    uint32_t count = call->argument_count;
    const struct column *parts[2] = {arguments[0]->children[0], arguments[count - 1]->children[0]};
    const struct column *all = count == 1 ? parts[0] : column_concat(eval->arena, parts, 2);
    int64_t base = count == 1 ? 0 : parts[0]->length;
    struct row_set set;
    struct row_set done;
    row_set_init(&set, eval->arena, all);
    done = set;
    struct list_output list;
    list_init(&list, eval, call, arguments, count);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range a = list_range(arg_of(arguments[0], list.base.rows), i);
        struct list_range b = list_range(arg_of(arguments[count - 1], list.base.rows), i);
        int64_t size = (int64_t) a.end - a.start + b.end - b.start;
        row_set_reset(&set, size);
        if (op == SET_DISTINCT || op == SET_UNION) {
            union_row(&list, &set, a, 0);
            if (op == SET_UNION) {
                union_row(&list, &set, b, base);
            }
        } else {
            row_set_reset(&done, size);
            select_row(&list, &set, &done, a, b, base, op == SET_INTERSECT);
        }
        list_end(&list, i);
    }
    row_set_deinit(&set);
    row_set_deinit(&done);
    return list_finish(&list, all, NULL);
}

/* True if one element is in both; else null if one is null and neither array is empty. */
static const struct column *call_overlap(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    const struct column *x = arguments[0]->children[0];
    const struct column *y = arguments[1]->children[0];
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct list_range a = list_range(arg_of(arguments[0], output.rows), i);
        struct list_range b = list_range(arg_of(arguments[1], output.rows), i);
        bool found = false;
        bool null = false;
        for (int32_t e = a.start; e < a.end && !found; e++) {
            for (int32_t f = b.start; f < b.end && !found; f++) {
                null = null || column_is_null(x, e) || column_is_null(y, f);
                found = !column_is_null(x, e) && !column_is_null(y, f) && values_equal(x, e, y, f);
            }
        }
        if (!found && null) {
            output_null(&output, i);
        } else {
            output_bool(&output, i, found);
        }
    }
    return output_finish(&output);
}

/* array_remove(array, value) and array_compact(array). */
static enum status resolve_remove(RESOLVE_PARAMETERS)
{
    TRY(resolve_arrays(function, arguments, types, 1, arena, ret_type, error));
    if (count == 2) {
        const struct type *element = type_common(arena, types[0]->fields[0].type, types[1]);
        if (element == NULL) {
            return function_type_error(function, 1, types[1], "a value of the elements' type",
                                       error);
        }
        types[0] = type_array(arena, element, true);
        types[1] = element;
        *ret_type = types[0];
    }
    return STATUS_OK;
}

static const struct column *call_remove(CALL_PARAMETERS)
{
    struct list_output list;
    list_init(&list, eval, call, arguments, call->argument_count);
    struct arg array = arg_of(arguments[0], list.base.rows);
    const struct column *elements = array.column->children[0];
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        for (int32_t e = range.start; e < range.end; e++) {
            bool drop = column_is_null(elements, e);
            if (call->argument_count == 2) {
                struct arg value = arg_of(arguments[1], list.base.rows);
                drop = !drop && values_equal(elements, e, value.column, arg_row(value, i));
            }
            if (!drop) {
                list_add(&list, e);
            }
        }
        list_end(&list, i);
    }
    return list_finish(&list, elements, NULL);
}

/* ---- order ---- */

static const struct column *call_extreme(CALL_PARAMETERS)
{
    int64_t rows = eval->batch->length;
    struct arg array = arg_of(arguments[0], rows);
    const struct column *elements = array.column->children[0];
    int32_t *indices = arena_alloc(eval->arena, (size_t) rows * sizeof *indices);
    for (int64_t i = 0; i < rows; i++) {
        indices[i] = -1;
        if (arg_is_null(array, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        for (int32_t e = range.start; e < range.end; e++) {
            if (!column_is_null(elements, e) &&
                (indices[i] < 0 ||
                 column_compare(elements, e, elements, indices[i]) * call->function->variant > 0)) {
                indices[i] = e;
            }
        }
    }
    return column_take(eval->arena, elements, indices, rows);
}

struct sort_context {
    const struct column *elements;
    bool descending, nulls_last;
};

static int sort_compare(const void *a, const void *b, void *context)
{
    const struct sort_context *sort = context;
    int32_t x = *(const int32_t *) a;
    int32_t y = *(const int32_t *) b;
    bool x_null = column_is_null(sort->elements, x);
    bool y_null = column_is_null(sort->elements, y);
    int order;
    if (x_null || y_null) {
        order = x_null == y_null ? 0 : x_null != sort->nulls_last ? -1 : 1;
    } else {
        order = column_compare(sort->elements, x, sort->elements, y);
        order = sort->descending ? -order : order;
    }
    return order != 0 ? order : (x > y) - (x < y);
}

/* sort_array: nulls first, or last when descending. array_sort: nulls last. */
static const struct column *call_sort(CALL_PARAMETERS)
{
    struct list_output list;
    list_init(&list, eval, call, arguments, call->argument_count);
    struct arg array = arg_of(arguments[0], list.base.rows);
    bool always_last = call->function->variant != 0;
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        for (int32_t e = range.start; e < range.end; e++) {
            list_add(&list, e);
        }
        bool descending =
            call->argument_count == 2 && !arg_bool(arg_of(arguments[1], list.base.rows), i);
        struct sort_context sort = {array.column->children[0], descending,
                                    always_last || descending};
        qsort_r(list.indices + list.offsets[i], (size_t) (range.end - range.start), sizeof(int32_t),
                sort_compare, &sort);
        list_end(&list, i);
    }
    return list_finish(&list, array.column->children[0], NULL);
}

/* ---- sequence ---- */

#define SEQUENCE_MAX 10000000

static enum status resolve_sequence(RESOLVE_PARAMETERS)
{
    const struct type *common = type_common(arena, types[0], types[1]);
    if (common != NULL && (common->id == TYPE_DATE || common->id == TYPE_TIMESTAMP)) {
        if (count == 3 && types[2]->id != TYPE_INTERVAL && types[2]->id != TYPE_INTERVAL_MONTHS) {
            return function_type_error(function, 2, types[2], "an interval", error);
        }
    } else if (common == NULL || !type_is_integral(common)) {
        return function_type_error(function, 0, types[0], "integers, dates or timestamps", error);
    } else if (count == 3) {
        common = type_common(arena, common, types[2]);
        if (common == NULL || !type_is_integral(common)) {
            return function_type_error(function, 2, types[2], "an integer", error);
        }
        types[2] = common;
    }
    types[0] = common;
    types[1] = common;
    *ret_type = type_array(arena, common, false);
    return STATUS_OK;
}

/* Value number `n`. */
static int64_t sequence_value(enum type_id id, int64_t start, int64_t step, bool months, int64_t n)
{
    if (!months) {
        return start + n * step;
    }
    if (id == TYPE_DATE) {
        return days_add_months(start, n * step);
    }
    int64_t days = floor_divide(start, US_PER_DAY);
    return days_add_months(days, n * step) * US_PER_DAY + floor_modulo(start, US_PER_DAY);
}

static const struct column *call_sequence(CALL_PARAMETERS)
{
    const struct type *type = call->type->fields[0].type;
    bool stepped = call->argument_count == 3;
    bool months = stepped && arguments[2]->type->id == TYPE_INTERVAL_MONTHS;
    struct list_output list;
    list_init(&list, eval, call, arguments, call->argument_count);
    int64_t rows = list.base.rows;
    struct column_builder values;
    column_builder_init(&values, eval->arena, type, rows);
    for (int64_t i = 0; i < rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        int64_t start = arg_int(arg_of(arguments[0], rows), i);
        int64_t stop = arg_int(arg_of(arguments[1], rows), i);
        int64_t step = start <= stop ? 1 : -1;
        if (stepped) {
            step = arg_int(arg_of(arguments[2], rows), i);
            step /= type->id == TYPE_DATE && !months ? US_PER_DAY : 1;
        } else if (type->id == TYPE_TIMESTAMP) {
            step *= US_PER_DAY;
        }
        if (start != stop && (step == 0 || (step > 0) != (stop > start))) {
            output_fail(&list.base, i, "a sequence from start to stop cannot have this step");
            list_end_null(&list, i);
            continue;
        }
        for (int64_t n = 0; n < SEQUENCE_MAX; n++) {
            int64_t value = sequence_value(type->id, start, step, months, n);
            if (step >= 0 ? value > stop : value < stop) {
                break;
            }
            list_add(&list, values.length);
            column_append_int(&values, value);
            if (value == stop) {
                break;
            }
        }
        list_end(&list, i);
    }
    return list_finish(&list, column_builder_finish(&values), NULL);
}

/* ---- zip ---- */

static enum status resolve_zip(RESOLVE_PARAMETERS)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->id != TYPE_ARRAY) {
            return function_type_error(function, i, types[i], "an array", error);
        }
        fields[i] =
            (struct type_field){arena_printf(arena, "%u", i), types[i]->fields[0].type, true};
    }
    *ret_type = type_array(arena, type_struct(arena, fields, count), false);
    return STATUS_OK;
}

static const struct column *call_zip(CALL_PARAMETERS)
{
    uint32_t count = call->argument_count;
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, call->type, eval->batch->length);
    for (int64_t i = 0; i < eval->batch->length; i++) {
        int32_t size = 0;
        bool null = false;
        for (uint32_t a = 0; a < count; a++) {
            struct arg array = arg_of(arguments[a], eval->batch->length);
            null = null || arg_is_null(array, i);
            if (!null) {
                struct list_range range = list_range(array, i);
                size = range.end - range.start > size ? range.end - range.start : size;
            }
        }
        if (null) {
            column_append_null(&builder);
            continue;
        }
        struct column_builder *structs = &builder.children[0];
        for (int32_t e = 0; e < size; e++) {
            for (uint32_t a = 0; a < count; a++) {
                struct list_range range = list_range(arg_of(arguments[a], eval->batch->length), i);
                if (range.start + e < range.end) {
                    column_append_value(&structs->children[a], arguments[a]->children[0],
                                        range.start + e);
                } else {
                    column_append_null(&structs->children[a]);
                }
            }
            column_append_struct_end(structs);
        }
        column_append_list_end(&builder);
    }
    return column_builder_finish(&builder);
}

#define ARRAYS(name, variant, count, resolve_, call_, usage, help)                                 \
    SCALAR_RESOLVED(name, variant, count, count, resolve_, call_, usage, help)

static const struct sql_function rows[] = {
    ARRAYS("array_distinct",
           SET_DISTINCT,
           1,
           resolve_arrays,
           call_set,
           "array_distinct(array)",
           "Each element once."),
    ARRAYS("array_union",
           SET_UNION,
           2,
           resolve_arrays,
           call_set,
           "array_union(a, b)",
           "Elements of a or b, each once."),
    ARRAYS("array_except",
           SET_EXCEPT,
           2,
           resolve_arrays,
           call_set,
           "array_except(a, b)",
           "Elements of a that are not in b, each once."),
    ARRAYS("array_intersect",
           SET_INTERSECT,
           2,
           resolve_arrays,
           call_set,
           "array_intersect(a, b)",
           "Elements of a that are in b, each once."),
    ARRAYS("arrays_overlap",
           0,
           2,
           resolve_overlap,
           call_overlap,
           "arrays_overlap(a, b)",
           "True if an element is in both."),
    ARRAYS("array_remove",
           SET_REMOVE,
           2,
           resolve_remove,
           call_remove,
           "array_remove(array, value)",
           "The array without elements that equal the value."),
    ARRAYS("array_compact",
           SET_COMPACT,
           1,
           resolve_remove,
           call_remove,
           "array_compact(array)",
           "The array without nulls."),
    ARRAYS("array_min",
           -1,
           1,
           resolve_extreme,
           call_extreme,
           "array_min(array)",
           "The smallest element that is not null."),
    ARRAYS("array_max",
           1,
           1,
           resolve_extreme,
           call_extreme,
           "array_max(array)",
           "The largest element that is not null."),
    SCALAR_RESOLVED("sort_array",
                    0,
                    1,
                    2,
                    resolve_sort,
                    call_sort,
                    "sort_array(array[, ascending])",
                    "The elements in order, nulls first, or last when descending."),
    SCALAR_RESOLVED("array_sort",
                    1,
                    1,
                    1,
                    resolve_sort,
                    call_sort,
                    "array_sort(array)",
                    "The elements in order, nulls last."),
    SCALAR_RESOLVED("sequence",
                    0,
                    2,
                    3,
                    resolve_sequence,
                    call_sequence,
                    "sequence(start, stop[, step])",
                    "Integers, dates or timestamps from start to stop."),
    SCALAR_RESOLVED("arrays_zip",
                    0,
                    1,
                    ARGUMENTS_ANY,
                    resolve_zip,
                    call_zip,
                    "arrays_zip(a, b, ...)",
                    "An array of structs of the elements at the same place."),
};

FUNCTION_FAMILY(functions_array_set, rows);
