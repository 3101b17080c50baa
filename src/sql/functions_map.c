/* Maps. Keys are unique and not null: anything else fails the row, as in Spark. */

#include "sql/coerce.h"
#include "sql/function_internal.h"
#include "sql/list_output.h"
#include "sql/map_internal.h"

static enum status
want_map(const struct sql_function *function, const struct type *type, struct error *error)
{
    return type->id == TYPE_MAP ? STATUS_OK
                                : function_type_error(function, 0, type, "a map", error);
}

/* Fails the row on a null key or a duplicate among the entries added since the row began. */
void map_check_row(struct list_output *list, struct row_set *seen, int64_t row)
{
    int32_t start = list->offsets[row];
    row_set_reset(seen, (int64_t) list->count - start);
    for (size_t i = (size_t) start; i < list->count; i++) {
        if (column_is_null(seen->column, list->indices[i])) {
            output_fail(&list->base, row, "a map key is null");
        } else if (!row_set_add(seen, list->indices[i])) {
            output_fail(&list->base, row, "a map has a key twice");
        } else {
            continue;
        }
        list_end_null(list, row);
        return;
    }
    list_end(list, row);
}

/* ---- making ---- */

static enum status resolve_map(RESOLVE_PARAMETERS)
{
    if (count % 2 != 0) {
        return error_set(error, STATUS_CONFIG, "map takes pairs of a key and a value");
    }
    const struct type *common[2] = {type_plain(TYPE_NULL), type_plain(TYPE_NULL)};
    for (uint32_t i = 0; i < count; i++) {
        const struct type *next = type_common(arena, common[i % 2], types[i]);
        if (next == NULL) {
            return function_type_error(function, i, types[i], type_text(common[i % 2], arena),
                                       error);
        }
        common[i % 2] = next;
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = common[i % 2];
    }
    *ret_type = type_map(arena, common[0], common[1], true);
    return STATUS_OK;
}

static const struct column *stack_every_second(struct eval *eval,
                                               const struct column *const *arguments,
                                               uint32_t first,
                                               uint32_t count,
                                               const struct type *type)
{
    const struct column **parts = ARENA_ARRAY(eval->arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct column *part = arguments[first + 2 * i];
        parts[i] = part->length == eval->batch->length
                       ? part
                       : column_repeat(eval->arena, part, 0, eval->batch->length);
    }
    return count == 0 ? column_nulls(eval->arena, type, 0)
                      : column_concat(eval->arena, parts, count);
}

static const struct column *call_map(CALL_PARAMETERS)
{
    uint32_t pairs = call->argument_count / 2;
    const struct type_field *fields = call->type->fields;
    const struct column *keys = stack_every_second(eval, arguments, 0, pairs, fields[0].type);
    const struct column *values = stack_every_second(eval, arguments, 1, pairs, fields[1].type);
    struct list_output list;
    list_init(&list, eval, call, NULL, 0);
    struct row_set seen;
    row_set_init(&seen, eval->arena, keys);
    for (int64_t i = 0; i < list.base.rows; i++) {
        for (uint32_t p = 0; p < pairs; p++) {
            list_add(&list, (int64_t) p * list.base.rows + i);
        }
        map_check_row(&list, &seen, i);
    }
    row_set_deinit(&seen);
    return list_finish(&list, keys, values);
}

static enum status resolve_map_from_arrays(RESOLVE_PARAMETERS)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (types[i]->id != TYPE_ARRAY) {
            return function_type_error(function, i, types[i], "an array", error);
        }
    }
    *ret_type = type_map(arena, types[0]->fields[0].type, types[1]->fields[0].type, true);
    return STATUS_OK;
}

/* Expands a constant, so that row i of the argument is row i of the column. */
static const struct column *full_length(struct eval *eval, const struct column *column)
{
    return column->length == eval->batch->length
               ? column
               : column_repeat(eval->arena, column, 0, eval->batch->length);
}

static const struct column *call_map_from_arrays(CALL_PARAMETERS)
{
    const struct column *keys = full_length(eval, arguments[0]);
    const struct column *values = full_length(eval, arguments[1]);
    struct list_output list;
    list_init(&list, eval, call, arguments, 2);
    struct row_set seen;
    row_set_init(&seen, eval->arena, keys->children[0]);
    int32_t *value_rows =
        arena_calloc(eval->arena, (size_t) keys->children[0]->length, sizeof *value_rows);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        int32_t count = keys->offsets[i + 1] - keys->offsets[i];
        if (count != values->offsets[i + 1] - values->offsets[i]) {
            output_fail(&list.base, i, "a map has more keys than values, or fewer");
            list_end_null(&list, i);
            continue;
        }
        for (int32_t e = 0; e < count; e++) {
            list_add(&list, keys->offsets[i] + e);
            value_rows[keys->offsets[i] + e] = values->offsets[i] + e;
        }
        map_check_row(&list, &seen, i);
    }
    row_set_deinit(&seen);
    const struct column *aligned =
        column_take(eval->arena, values->children[0], value_rows, keys->children[0]->length);
    return list_finish(&list, keys->children[0], aligned);
}

static enum status resolve_map_from_entries(RESOLVE_PARAMETERS)
{
    const struct type *element = types[0]->id == TYPE_ARRAY ? types[0]->fields[0].type : NULL;
    if (element == NULL || element->id != TYPE_STRUCT || element->field_count != 2) {
        return function_type_error(function, 0, types[0], "an array of structs of two", error);
    }
    *ret_type = type_map(arena, element->fields[0].type, element->fields[1].type, true);
    return STATUS_OK;
}

static const struct column *call_map_from_entries(CALL_PARAMETERS)
{
    struct list_output list;
    list_init(&list, eval, call, arguments, 1);
    struct arg array = arg_of(arguments[0], list.base.rows);
    const struct column *entries = array.column->children[0];
    struct row_set seen;
    row_set_init(&seen, eval->arena, entries->children[0]);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        struct list_range range = list_range(array, i);
        bool null = false;
        for (int32_t e = range.start; e < range.end; e++) {
            null = null || column_is_null(entries, e);
            list_add(&list, e);
        }
        if (null) {
            list_end_null(&list, i);
        } else {
            map_check_row(&list, &seen, i);
        }
    }
    row_set_deinit(&seen);
    return list_finish(&list, entries->children[0], entries->children[1]);
}

static enum status resolve_map_concat(RESOLVE_PARAMETERS)
{
    TRY(function_common(function, types, 0, count, arena, ret_type, error));
    if (count == 0 || ret_type[0]->id != TYPE_MAP) {
        *ret_type = type_map(arena, type_plain(TYPE_STRING), type_plain(TYPE_STRING), true);
        return count == 0 ? STATUS_OK : want_map(function, types[0], error);
    }
    return STATUS_OK;
}

static const struct column *call_map_concat(CALL_PARAMETERS)
{
    uint32_t count = call->argument_count;
    const struct column **keys = ARENA_ARRAY(eval->arena, const struct column *, count);
    const struct column **values = ARENA_ARRAY(eval->arena, const struct column *, count);
    int64_t *bases = ARENA_ARRAY(eval->arena, int64_t, (size_t) count + 1);
    for (uint32_t a = 0; a < count; a++) {
        keys[a] = arguments[a]->children[0];
        values[a] = arguments[a]->children[1];
        bases[a + 1] = bases[a] + keys[a]->length;
    }
    const struct column *all_keys = count == 0
                                        ? column_nulls(eval->arena, call->type->fields[0].type, 0)
                                        : column_concat(eval->arena, keys, count);
    const struct column *all_values = count == 0
                                          ? column_nulls(eval->arena, call->type->fields[1].type, 0)
                                          : column_concat(eval->arena, values, count);
    struct list_output list;
    list_init(&list, eval, call, arguments, count);
    struct row_set seen;
    row_set_init(&seen, eval->arena, all_keys);
    for (int64_t i = 0; i < list.base.rows; i++) {
        if (list_skip_null(&list, i)) {
            continue;
        }
        for (uint32_t a = 0; a < count; a++) {
            struct list_range range = list_range(arg_of(arguments[a], list.base.rows), i);
            for (int32_t e = range.start; e < range.end; e++) {
                list_add(&list, bases[a] + e);
            }
        }
        map_check_row(&list, &seen, i);
    }
    row_set_deinit(&seen);
    return list_finish(&list, all_keys, all_values);
}

/* ---- parts ---- */

enum {
    PART_KEYS,
    PART_VALUES,
    PART_ENTRIES
};

static enum status resolve_map_part(RESOLVE_PARAMETERS)
{
    TRY(want_map(function, types[0], error));
    const struct type_field fields[] = {{"key", types[0]->fields[0].type, false},
                                        {"value", types[0]->fields[1].type, true}};
    *ret_type = type_array(arena,
                           function->variant == PART_KEYS     ? fields[0].type
                           : function->variant == PART_VALUES ? fields[1].type
                                                              : type_struct(arena, fields, 2),
                           true);
    return STATUS_OK;
}

/* A map and the array of its keys, values or entries have the same offsets. */
static const struct column *call_map_part(CALL_PARAMETERS)
{
    const struct column *map = full_length(eval, arguments[0]);
    struct column *array = ARENA_NEW(eval->arena, struct column);
    *array = *map;
    array->type = call->type;
    const struct column **children = ARENA_ARRAY(eval->arena, const struct column *, 1);
    if (call->function->variant == PART_ENTRIES) {
        struct column *entries = ARENA_NEW(eval->arena, struct column);
        entries->type = call->type->fields[0].type;
        entries->length = map->children[0]->length;
        entries->children = map->children;
        children[0] = entries;
    } else {
        children[0] = map->children[call->function->variant];
    }
    array->children = children;
    return array;
}

static enum status resolve_contains_key(RESOLVE_PARAMETERS)
{
    TRY(want_map(function, types[0], error));
    const struct type *key = type_common(arena, types[0]->fields[0].type, types[1]);
    if (key == NULL) {
        return function_type_error(function, 1, types[1],
                                   type_text(types[0]->fields[0].type, arena), error);
    }
    types[0] = type_map(arena, key, types[0]->fields[1].type, true);
    types[1] = key;
    *ret_type = type_plain(TYPE_BOOLEAN);
    return STATUS_OK;
}

static const struct column *call_contains_key(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg map = arg_of(arguments[0], output.rows);
    struct arg key = arg_of(arguments[1], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct list_range range = list_range(map, i);
        for (int32_t e = range.start; e < range.end; e++) {
            if (values_equal(map.column->children[0], e, key.column, arg_row(key, i))) {
                output_bool(&output, i, true);
                break;
            }
        }
    }
    return output_finish(&output);
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("map",
                    0,
                    0,
                    ARGUMENTS_ANY,
                    resolve_map,
                    call_map,
                    "map(key, value, ...)",
                    "A map of the pairs."),
    SCALAR_RESOLVED("map_from_arrays",
                    0,
                    2,
                    2,
                    resolve_map_from_arrays,
                    call_map_from_arrays,
                    "map_from_arrays(keys, values)",
                    "A map from an array of keys and one of values."),
    SCALAR_RESOLVED("map_from_entries",
                    0,
                    1,
                    1,
                    resolve_map_from_entries,
                    call_map_from_entries,
                    "map_from_entries(array of structs)",
                    "A map from structs of a key and a value."),
    SCALAR_RESOLVED("map_concat",
                    0,
                    0,
                    ARGUMENTS_ANY,
                    resolve_map_concat,
                    call_map_concat,
                    "map_concat(map, ...)",
                    "One map of all entries."),
    SCALAR_RESOLVED("map_keys",
                    PART_KEYS,
                    1,
                    1,
                    resolve_map_part,
                    call_map_part,
                    "map_keys(map)",
                    "The keys as an array."),
    SCALAR_RESOLVED("map_values",
                    PART_VALUES,
                    1,
                    1,
                    resolve_map_part,
                    call_map_part,
                    "map_values(map)",
                    "The values as an array."),
    SCALAR_RESOLVED("map_entries",
                    PART_ENTRIES,
                    1,
                    1,
                    resolve_map_part,
                    call_map_part,
                    "map_entries(map)",
                    "The entries as an array of structs of key and value."),
    SCALAR_RESOLVED("map_contains_key",
                    0,
                    2,
                    2,
                    resolve_contains_key,
                    call_contains_key,
                    "map_contains_key(map, key)",
                    "True if the map has the key."),
};

FUNCTION_FAMILY(functions_map, rows);
