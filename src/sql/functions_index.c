/* Elements of arrays and values of maps by their place or key; parts of arrays. */

#include "sql/array_internal.h"
#include "sql/coerce.h"
#include "sql/function_internal.h"
#include "sql/list_output.h"

enum {
    INDEX_OPERATOR,
    INDEX_ELEMENT_AT,
    INDEX_TRY_ELEMENT_AT,
    INDEX_GET
};

static enum status resolve_index(RESOLVE_PARAMETERS)
{
    if (types[0]->id == TYPE_MAP) {
        const struct type *key = type_common(arena, types[0]->fields[0].type, types[1]);
        if (key == NULL) {
            return function_type_error(function, 1, types[1],
                                       type_text(types[0]->fields[0].type, arena), error);
        }
        *ret_type = types[0]->fields[1].type;
        types[0] = type_map(arena, key, *ret_type, types[0]->element_nullable);
        types[1] = key;
        return STATUS_OK;
    }
    TRY(array_want(function, types, 0, arena, error));
    if (types[1]->id == TYPE_STRING || !(type_is_integral(types[1]) || types[1]->id == TYPE_NULL)) {
        return function_type_error(function, 1, types[1], "an integer", error);
    }
    types[1] = types[1]->id == TYPE_NULL ? type_plain(TYPE_INT) : types[1];
    *ret_type = types[0]->fields[0].type;
    return STATUS_OK;
}

/* The last equal key wins nowhere: maps have no duplicate keys. */
static int64_t map_find(struct arg map, struct arg key, int64_t row)
{
    struct list_range range = list_range(map, row);
    for (int32_t e = range.start; e < range.end; e++) {
        if (values_equal(map.column->children[0], e, key.column, arg_row(key, row))) {
            return e;
        }
    }
    return -1;
}

static int64_t array_index(struct output *output, struct arg array, int64_t row, int64_t index)
{
    int mode = output->call->function->variant;
    struct list_range range = list_range(array, row);
    int64_t size = range.end - range.start;
    bool from_one = mode == INDEX_ELEMENT_AT || mode == INDEX_TRY_ELEMENT_AT;
    int64_t at = from_one ? (index > 0 ? index - 1 : size + index) : index;
    if (from_one && index == 0) {
        output_fail(output, row, "%s counts from 1, not 0", output->call->function->name);
        return -1;
    }
    if (at >= 0 && at < size) {
        return range.start + at;
    }
    if (mode == INDEX_OPERATOR || mode == INDEX_ELEMENT_AT) {
        output_fail(output, row, "index %lld is out of bounds: the array has %lld elements",
                    (long long) index, (long long) size);
    }
    return -1;
}

static const struct column *call_index(CALL_PARAMETERS)
{
    /* The scratch output only carries failures: its values are not used. */
    struct expression shadow = *call;
    shadow.type = type_plain(TYPE_BOOLEAN);
    struct output output;
    output_init(&output, eval, &shadow, arguments, 2);
    struct arg list = arg_of(arguments[0], output.rows);
    struct arg key = arg_of(arguments[1], output.rows);
    bool map = list.column->type->id == TYPE_MAP;
    int32_t *indices = arena_alloc(eval->arena, (size_t) output.rows * sizeof *indices);
    for (int64_t i = 0; i < output.rows; i++) {
        indices[i] = -1;
        if (!output_is_null(&output, i)) {
            indices[i] = (int32_t) (map ? map_find(list, key, i)
                                        : array_index(&output, list, i, arg_int(key, i)));
        }
    }
    return column_take(eval->arena, list.column->children[map ? 1 : 0], indices, output.rows);
}

static const struct column *call_slice(CALL_PARAMETERS)
{
    struct list_output list;
    list_init(&list, eval, call, arguments, 3);
    int64_t rows = list.base.rows;
    struct arg array = arg_of(arguments[0], rows);
    for (int64_t i = 0; i < rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        int64_t size = range.end - range.start;
        int64_t start = arg_int(arg_of(arguments[1], rows), i);
        int64_t length = arg_int(arg_of(arguments[2], rows), i);
        if (start == 0 || length < 0) {
            output_fail(&list.base, i,
                        start == 0 ? "slice counts from 1, not 0" : "slice has a negative length");
            list_end_null(&list, i);
            continue;
        }
        int64_t from = start > 0 ? start - 1 : size + start;
        int64_t to = from + length < size ? from + length : size;
        for (int64_t e = from; e >= 0 && e < to; e++) {
            list_add(&list, range.start + e);
        }
        list_end(&list, i);
    }
    return list_finish(&list, array.column->children[0], NULL);
}

static enum status resolve_slice(RESOLVE_PARAMETERS)
{
    TRY(array_want(function, types, 0, arena, error));
    TRY(function_want(function, types, 1, type_plain(TYPE_INT), error));
    TRY(function_want(function, types, 2, type_plain(TYPE_INT), error));
    *ret_type = types[0];
    return STATUS_OK;
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("[]",
                    INDEX_OPERATOR,
                    2,
                    2,
                    resolve_index,
                    call_index,
                    "array[index], map[key]",
                    "An element, counted from 0 (out of bounds fails the row), or the value of a "
                    "key, or null."),
    SCALAR_RESOLVED("element_at",
                    INDEX_ELEMENT_AT,
                    2,
                    2,
                    resolve_index,
                    call_index,
                    "element_at(array, index), element_at(map, key)",
                    "An element, counted from 1, or from the end if negative (out of bounds fails "
                    "the row), or the value of a key."),
    SCALAR_RESOLVED("try_element_at",
                    INDEX_TRY_ELEMENT_AT,
                    2,
                    2,
                    resolve_index,
                    call_index,
                    "try_element_at(array, index), try_element_at(map, key)",
                    "As element_at, but null where there is no such element."),
    SCALAR_RESOLVED("get",
                    INDEX_GET,
                    2,
                    2,
                    resolve_index,
                    call_index,
                    "get(array, index)",
                    "An element, counted from 0, or null."),
    SCALAR_RESOLVED("slice",
                    0,
                    3,
                    3,
                    resolve_slice,
                    call_slice,
                    "slice(array, start, length)",
                    "Part of an array, from a place that counts from 1, or from the end."),
};

FUNCTION_FAMILY(functions_index, rows);
