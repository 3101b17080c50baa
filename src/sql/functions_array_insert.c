/* array_insert. */

#include "sql/array_internal.h"
#include "sql/coerce.h"
#include "sql/function_internal.h"
#include "sql/list_output.h"

/* array_insert(array, position, value): nulls between the end and the position. */
static const struct column *call_array_insert(CALL_PARAMETERS)
{
    const struct column *parts[] = {arguments[0]->children[0], arguments[2]};
    int64_t bases[2];
    const struct column *all = array_stack(eval, parts, 2, parts[0]->type, bases);
    struct list_output list;
    list_init(&list, eval, call, arguments, 2);
    struct arg array = arg_of(arguments[0], list.base.rows);
    struct arg place = arg_of(arguments[1], list.base.rows);
    struct arg value = arg_of(arguments[2], list.base.rows);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        int64_t size = range.end - range.start;
        int64_t position = arg_int(place, i);
        if (position == 0 || position > ARRAY_ELEMENTS_MAX || position < -ARRAY_ELEMENTS_MAX) {
            output_fail(&list.base, i,
                        position == 0 ? "array_insert counts from 1, not 0"
                                      : "the array would be too large");
            position = 1;
        }
        int64_t before = position > 0 ? position - 1 : size + position + 1; /* -1: at the end */
        for (int64_t e = 0; before >= 0 && e < before; e++) {
            list_add(&list, e < size ? range.start + e : -1);
        }
        list_add(&list, bases[1] + arg_row(value, i));
        for (int64_t e = before; e < 0; e++) {
            list_add(&list, -1);
        }
        for (int64_t e = before > 0 ? before : 0; e < size; e++) {
            list_add(&list, range.start + e);
        }
        list_end(&list, i);
    }
    return list_finish(&list, all, NULL);
}

static enum status resolve_insert(RESOLVE_PARAMETERS)
{
    TRY(array_want(function, types, 0, arena, error));
    TRY(function_want(function, types, 1, type_plain(TYPE_INT), error));
    const struct type *element = type_common(arena, types[0]->fields[0].type, types[2]);
    if (element == NULL) {
        return function_type_error(function, 2, types[2],
                                   type_text(types[0]->fields[0].type, arena), error);
    }
    types[0] = type_array(arena, element, true);
    types[2] = element;
    *ret_type = types[0];
    return STATUS_OK;
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("array_insert",
                    0,
                    3,
                    3,
                    resolve_insert,
                    call_array_insert,
                    "array_insert(array, position, value)",
                    "The array with the value at the position, from 1, or from -1 at the end."),
};

FUNCTION_FAMILY(functions_array_insert, rows);
