/* Structs: named_struct and struct. */

#include "sql/function_internal.h"
#include "sql/kernels.h"

static enum status resolve_named_struct(RESOLVE_PARAMETERS)
{
    if (count % 2 != 0) {
        return error_set(error, STATUS_CONFIG, "named_struct takes pairs of a name and a value");
    }
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count / 2);
    for (uint32_t i = 0; i < count / 2; i++) {
        struct slice name;
        if (!literal_string(arguments[2 * i], &name)) {
            return function_type_error(function, 2 * i, types[2 * i], "a literal name", error);
        }
        fields[i] = (struct type_field){arena_string(arena, name), types[2 * i + 1], true};
    }
    *ret_type = type_struct(arena, fields, count / 2);
    return STATUS_OK;
}

static enum status resolve_struct(RESOLVE_PARAMETERS)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = (struct type_field){arena_printf(arena, "col%u", i + 1), types[i], true};
    }
    *ret_type = type_struct(arena, fields, count);
    return STATUS_OK;
}

/* Takes every `step`-th argument; the columns themselves are shared. */
static const struct column *call_struct(CALL_PARAMETERS)
{
    uint32_t step = (uint32_t) call->function->variant;
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    uint32_t count = call->type->field_count;
    const struct column **children = ARENA_ARRAY(eval->arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        children[i] = arguments[i * step + step - 1];
        if (children[i]->length != output.rows) {
            children[i] = column_repeat(eval->arena, children[i], 0, output.rows);
        }
    }
    output.column->children = children;
    return output_finish(&output);
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("named_struct",
                    2,
                    0,
                    ARGUMENTS_ANY,
                    resolve_named_struct,
                    call_struct,
                    "named_struct(name, value, ...)",
                    "A struct of the values, under literal names."),
    SCALAR_RESOLVED("struct",
                    1,
                    0,
                    ARGUMENTS_ANY,
                    resolve_struct,
                    call_struct,
                    "struct(a, b, ...)",
                    "A struct of the values."),
};

FUNCTION_FAMILY(functions_struct, rows);
