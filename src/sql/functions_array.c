/* Arrays: making, searching, joining, flattening. */

#include "sql/array_internal.h"
#include "sql/coerce.h"
#include "sql/function_internal.h"
#include "sql/list_output.h"

/* ---- types ---- */

enum status array_want(const struct sql_function *function,
                       const struct type **types,
                       uint32_t index,
                       struct arena *arena,
                       struct error *error)
{
    if (types[index]->id == TYPE_NULL) {
        types[index] = type_array(arena, type_plain(TYPE_NULL), true);
    }
    if (types[index]->id != TYPE_ARRAY) {
        return function_type_error(function, index, types[index], "an array", error);
    }
    return STATUS_OK;
}

static enum status resolve_array(RESOLVE_PARAMETERS)
{
    const struct type *common;
    TRY(function_common(function, types, 0, count, arena, &common, error));
    *ret_type = type_array(arena, common, true);
    return STATUS_OK;
}

enum array_result {
    RESULT_SAME,
    RESULT_INT,
    RESULT_BIGINT,
    RESULT_BOOLEAN,
    RESULT_ELEMENT
};

static const struct type *array_result(const struct type *array, int result)
{
    switch (result) {
    case RESULT_INT:
        return type_plain(TYPE_INT);
    case RESULT_BIGINT:
        return type_plain(TYPE_BIGINT);
    case RESULT_BOOLEAN:
        return type_plain(TYPE_BOOLEAN);
    case RESULT_ELEMENT:
        return array->fields[0].type;
    default:
        return array;
    }
}

/* The low byte of a variant is the kind of result, the rest tells calls apart. */
#define VARIANT(result, other) ((int) (result) | (int) (other) << 8)

static enum status resolve_one_array(RESOLVE_PARAMETERS)
{
    TRY(array_want(function, types, 0, arena, error));
    *ret_type = array_result(types[0], function->variant & 0xff);
    return STATUS_OK;
}

/* (array, element): both brought to a common element type. */
static enum status resolve_array_and_element(RESOLVE_PARAMETERS)
{
    TRY(array_want(function, types, 0, arena, error));
    const struct type *element = type_common(arena, types[0]->fields[0].type, types[1]);
    if (element == NULL) {
        return function_type_error(function, 1, types[1],
                                   type_text(types[0]->fields[0].type, arena), error);
    }
    types[0] = type_array(arena, element, true);
    types[1] = element;
    *ret_type = array_result(types[0], function->variant & 0xff);
    return STATUS_OK;
}

/* ---- making ---- */

const struct column *array_stack(struct eval *eval,
                                 const struct column *const *columns,
                                 uint32_t count,
                                 const struct type *type,
                                 int64_t *bases)
{
    int64_t base = 0;
    for (uint32_t i = 0; i < count; i++) {
        bases[i] = base;
        base += columns[i]->length;
    }
    if (count == 0) {
        return column_nulls(eval->arena, type, 0);
    }
    return count == 1 ? columns[0] : column_concat(eval->arena, columns, count);
}

static const struct column *call_array(CALL_PARAMETERS)
{
    uint32_t count = call->argument_count;
    int64_t *bases = ARENA_ARRAY(eval->arena, int64_t, count);
    const struct column *all =
        array_stack(eval, arguments, count, call->type->fields[0].type, bases);
    struct list_output list;
    list_init(&list, eval, call, NULL, 0);
    for (int64_t i = 0; i < list.base.rows; i++) {
        for (uint32_t a = 0; a < count; a++) {
            list_add(&list, bases[a] + arg_row(arg_of(arguments[a], list.base.rows), i));
        }
        list_end(&list, i);
    }
    return list_finish(&list, all, NULL);
}

static const struct column *children_stacked(struct eval *eval,
                                             const struct expression *call,
                                             const struct column *const *arguments,
                                             int64_t *bases)
{
    const struct column **children =
        ARENA_ARRAY(eval->arena, const struct column *, call->argument_count);
    for (uint32_t a = 0; a < call->argument_count; a++) {
        children[a] = arguments[a]->children[0];
    }
    return array_stack(eval, children, call->argument_count, children[0]->type, bases);
}

const struct column *array_concat(struct eval *eval,
                                  const struct expression *call,
                                  const struct column *const *arguments)
{
    int64_t *bases = ARENA_ARRAY(eval->arena, int64_t, call->argument_count);
    const struct column *all = children_stacked(eval, call, arguments, bases);
    struct list_output list;
    list_init(&list, eval, call, arguments, call->argument_count);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        for (uint32_t a = 0; a < call->argument_count; a++) {
            struct list_range range = list_range(arg_of(arguments[a], list.base.rows), i);
            for (int32_t e = range.start; e < range.end; e++) {
                list_add(&list, bases[a] + e);
            }
        }
        list_end(&list, i);
    }
    return list_finish(&list, all, NULL);
}

const struct column *array_reverse(struct eval *eval,
                                   const struct expression *call,
                                   const struct column *const *arguments)
{
    struct list_output list;
    list_init(&list, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], list.base.rows);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(x, i);
        for (int32_t e = range.end; e > range.start; e--) {
            list_add(&list, e - 1);
        }
        list_end(&list, i);
    }
    return list_finish(&list, x.column->children[0], NULL);
}

/* array_repeat(value, n); array_append and array_prepend. */
enum {
    ADD_APPEND,
    ADD_PREPEND
};

static const struct column *call_array_add(CALL_PARAMETERS)
{
    const struct column *parts[] = {arguments[0]->children[0], arguments[1]};
    int64_t bases[2];
    const struct column *all = array_stack(eval, parts, 2, parts[0]->type, bases);
    struct list_output list;
    list_init(&list, eval, call, arguments, 1);
    struct arg array = arg_of(arguments[0], list.base.rows);
    struct arg value = arg_of(arguments[1], list.base.rows);
    bool front = call->function->variant >> 8 == ADD_PREPEND;
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        if (front) {
            list_add(&list, bases[1] + arg_row(value, i));
        }
        for (int32_t e = range.start; e < range.end; e++) {
            list_add(&list, e);
        }
        if (!front) {
            list_add(&list, bases[1] + arg_row(value, i));
        }
        list_end(&list, i);
    }
    return list_finish(&list, all, NULL);
}

static enum status resolve_repeat(RESOLVE_PARAMETERS)
{
    TRY(function_want(function, types, 1, type_plain(TYPE_INT), error));
    *ret_type = type_array(arena, types[0], true);
    return STATUS_OK;
}

static const struct column *call_array_repeat(CALL_PARAMETERS)
{
    struct list_output list;
    list_init(&list, eval, call, arguments + 1, 1);
    struct arg value = arg_of(arguments[0], list.base.rows);
    struct arg times = arg_of(arguments[1], list.base.rows);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        int64_t count = arg_int(times, i);
        if (count > ARRAY_ELEMENTS_MAX) {
            output_fail(&list.base, i, "an array of %lld elements is too large", (long long) count);
            count = 0;
        }
        for (int64_t n = 0; n < count; n++) {
            list_add(&list, arg_row(value, i));
        }
        list_end(&list, i);
    }
    return list_finish(&list, value.column, NULL);
}

/* ---- size and search ---- */

static enum status resolve_size(RESOLVE_PARAMETERS)
{
    if (types[0]->id != TYPE_ARRAY && types[0]->id != TYPE_MAP) {
        TRY(array_want(function, types, 0, arena, error));
    }
    *ret_type = type_plain(TYPE_INT);
    return STATUS_OK;
}

static const struct column *call_size(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            struct list_range range = list_range(x, i);
            ((int32_t *) output.values)[i] = range.end - range.start;
        }
    }
    return output_finish(&output);
}

enum {
    FIND_CONTAINS,
    FIND_POSITION
};

static const struct column *call_find(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg array = arg_of(arguments[0], output.rows);
    struct arg value = arg_of(arguments[1], output.rows);
    const struct column *elements = array.column->children[0];
    bool contains = call->function->variant >> 8 == FIND_CONTAINS;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        bool null_seen = false;
        int64_t position = 0;
        for (int32_t e = range.start; e < range.end && position == 0; e++) {
            if (column_is_null(elements, e)) {
                null_seen = true;
            } else if (values_equal(elements, e, value.column, arg_row(value, i))) {
                position = e - range.start + 1;
            }
        }
        if (!contains) {
            output_int(&output, i, position);
        } else if (position > 0 || !null_seen) {
            output_bool(&output, i, position > 0);
        } else {
            output_null(&output, i);
        }
    }
    return output_finish(&output);
}

/* ---- text ---- */

static enum status resolve_join(RESOLVE_PARAMETERS)
{
    TRY(function_want(function, types, 0, type_array(arena, type_plain(TYPE_STRING), true), error));
    for (uint32_t i = 1; i < count; i++) {
        TRY(function_want(function, types, i, type_plain(TYPE_STRING), error));
    }
    *ret_type = type_plain(TYPE_STRING);
    return STATUS_OK;
}

static const struct column *call_array_join(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    struct arg array = arg_of(arguments[0], rows);
    struct arg separator = arg_of(arguments[1], rows);
    const struct column *elements = array.column->children[0];
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        bool first = true;
        for (int32_t e = range.start; e < range.end; e++) {
            bool null = column_is_null(elements, e);
            if (null && call->argument_count < 3) {
                continue;
            }
            if (!first) {
                text_append_slice(&text, arg_bytes(separator, i));
            }
            first = false;
            text_append_slice(&text, null ? arg_bytes(arg_of(arguments[2], rows), i)
                                          : column_bytes(elements, e));
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- flattening ---- */

static enum status resolve_flatten(RESOLVE_PARAMETERS)
{
    if (types[0]->id != TYPE_ARRAY || types[0]->fields[0].type->id != TYPE_ARRAY) {
        return function_type_error(function, 0, types[0], "an array of arrays", error);
    }
    *ret_type = types[0]->fields[0].type;
    return STATUS_OK;
}

/* Null if one of the inner arrays is. */
static const struct column *call_flatten(CALL_PARAMETERS)
{
    struct list_output list;
    list_init(&list, eval, call, arguments, 1);
    struct arg array = arg_of(arguments[0], list.base.rows);
    const struct column *inner = array.column->children[0];
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        bool null = false;
        for (int32_t e = range.start; e < range.end; e++) {
            null = null || column_is_null(inner, e);
            for (int32_t n = inner->offsets[e]; n < inner->offsets[e + 1]; n++) {
                list_add(&list, n);
            }
        }
        if (null) {
            list_end_null(&list, i);
        } else {
            list_end(&list, i);
        }
    }
    return list_finish(&list, inner->children[0], NULL);
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("array",
                    0,
                    0,
                    ARGUMENTS_ANY,
                    resolve_array,
                    call_array,
                    "array(a, b, ...)",
                    "An array of the values."),
    SCALAR_RESOLVED("array_repeat",
                    0,
                    2,
                    2,
                    resolve_repeat,
                    call_array_repeat,
                    "array_repeat(value, n)",
                    "An array with the value n times."),
    SCALAR_RESOLVED("array_append",
                    VARIANT(RESULT_SAME, ADD_APPEND),
                    2,
                    2,
                    resolve_array_and_element,
                    call_array_add,
                    "array_append(array, value)",
                    "The array with the value behind it."),
    SCALAR_RESOLVED("array_prepend",
                    VARIANT(RESULT_SAME, ADD_PREPEND),
                    2,
                    2,
                    resolve_array_and_element,
                    call_array_add,
                    "array_prepend(array, value)",
                    "The array with the value in front."),
    SCALAR_RESOLVED("size",
                    0,
                    1,
                    1,
                    resolve_size,
                    call_size,
                    "size(array or map)",
                    "Number of elements; null for null."),
    SCALAR_RESOLVED("cardinality",
                    0,
                    1,
                    1,
                    resolve_size,
                    call_size,
                    "cardinality(array or map)",
                    "Number of elements; null for null."),
    SCALAR_RESOLVED("array_size",
                    RESULT_INT,
                    1,
                    1,
                    resolve_one_array,
                    call_size,
                    "array_size(array)",
                    "Number of elements; null for null."),
    SCALAR_RESOLVED("array_contains",
                    VARIANT(RESULT_BOOLEAN, FIND_CONTAINS),
                    2,
                    2,
                    resolve_array_and_element,
                    call_find,
                    "array_contains(array, value)",
                    "True if an element equals the value; null if none does and one is null."),
    SCALAR_RESOLVED("array_position",
                    VARIANT(RESULT_BIGINT, FIND_POSITION),
                    2,
                    2,
                    resolve_array_and_element,
                    call_find,
                    "array_position(array, value)",
                    "Place of the first equal element from 1, or 0."),
    SCALAR_RESOLVED("array_join",
                    0,
                    2,
                    3,
                    resolve_join,
                    call_array_join,
                    "array_join(array, separator[, null_text])",
                    "The elements as one text; nulls are left out or replaced."),
    SCALAR_RESOLVED("flatten",
                    0,
                    1,
                    1,
                    resolve_flatten,
                    call_flatten,
                    "flatten(array of arrays)",
                    "The inner arrays one after the other."),
};

FUNCTION_FAMILY(functions_array, rows);
