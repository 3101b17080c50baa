/* Texts, binaries and arrays joined, and reversed. */

#include "sql/array_internal.h"
#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

static enum status resolve_concat(RESOLVE_PARAMETERS)
{
    bool binary = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->id == TYPE_ARRAY) {
            return function_common(function, types, 0, count, arena, ret_type, error);
        }
        binary = binary && types[i]->id == TYPE_BINARY;
    }
    *ret_type = type_plain(binary ? TYPE_BINARY : TYPE_STRING);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->field_count > 0) {
            return function_type_error(function, i, types[i], "a string", error);
        }
        types[i] = *ret_type;
    }
    return STATUS_OK;
}

/* Two passes: sizes of the results, then one copy a part. */
static const struct column *call_concat(CALL_PARAMETERS)
{
    if (call->type->id == TYPE_ARRAY) {
        return array_concat(eval, call, arguments);
    }
    int64_t rows = eval->batch->length;
    uint32_t count = call->argument_count;
    size_t total = 0;
    struct arg *parts = ARENA_ARRAY(eval->arena, struct arg, count);
    for (uint32_t a = 0; a < count; a++) {
        parts[a] = arg_of(arguments[a], rows);
        size_t bytes = (size_t) arguments[a]->offsets[arguments[a]->length];
        total += parts[a].mask == 0 ? bytes * (size_t) rows : bytes;
    }
    struct text_output text;
    text_init(&text, eval, call, arguments, count, total);
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        for (uint32_t a = 0; a < count; a++) {
            struct slice bytes = arg_bytes(parts[a], i);
            if (bytes.size > 0) {
                memcpy(text_reserve(&text, bytes.size), bytes.data, bytes.size);
                text.size += bytes.size;
            }
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

static enum status resolve_concat_ws(RESOLVE_PARAMETERS)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && types[i]->id == TYPE_ARRAY) {
            TRY(function_want(function, types, i, type_array(arena, type_plain(TYPE_STRING), true),
                              error));
        } else {
            TRY(function_want(function, types, i, type_plain(TYPE_STRING), error));
        }
    }
    *ret_type = type_plain(TYPE_STRING);
    return STATUS_OK;
}

static void
append_separated(struct text_output *text, struct slice separator, struct slice value, bool *first)
{
    if (!*first) {
        text_append_slice(text, separator);
    }
    *first = false;
    text_append_slice(text, value);
}

static const struct column *call_concat_ws(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    int64_t rows = text.base.rows;
    struct arg separator = arg_of(arguments[0], rows);
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        bool first = true;
        for (uint32_t a = 1; a < call->argument_count; a++) {
            struct arg part = arg_of(arguments[a], rows);
            if (arg_is_null(part, i)) {
                continue;
            }
            if (part.column->type->id != TYPE_ARRAY) {
                append_separated(&text, arg_bytes(separator, i), arg_bytes(part, i), &first);
                continue;
            }
            const struct column *elements = part.column->children[0];
            int64_t row = arg_row(part, i);
            for (int32_t e = part.column->offsets[row]; e < part.column->offsets[row + 1]; e++) {
                if (!column_is_null(elements, e)) {
                    append_separated(&text, arg_bytes(separator, i), column_bytes(elements, e),
                                     &first);
                }
            }
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

static enum status resolve_reverse(RESOLVE_PARAMETERS)
{
    if (types[0]->id != TYPE_ARRAY) {
        TRY(function_want(function, types, 0, type_plain(TYPE_STRING), error));
    }
    *ret_type = types[0];
    return STATUS_OK;
}

static const struct column *call_reverse(CALL_PARAMETERS)
{
    if (call->type->id == TYPE_ARRAY) {
        return array_reverse(eval, call, arguments);
    }
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        uint8_t *target = text_reserve(&text, value.size);
        for (size_t at = 0; at < value.size;) {
            size_t size = code_point_bytes(value.data[at]);
            memcpy(target + value.size - at - size, value.data + at, size);
            at += size;
        }
        text.size += value.size;
        text_end(&text, i);
    }
    return text_finish(&text);
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("concat",
                    0,
                    0,
                    ARGUMENTS_ANY,
                    resolve_concat,
                    call_concat,
                    "concat(a, b, ...)",
                    "Texts, binaries or arrays one after the other; null if one is null."),
    SCALAR_RESOLVED("||",
                    0,
                    2,
                    2,
                    resolve_concat,
                    call_concat,
                    "a || b",
                    "Texts, binaries or arrays one after the other; null if one is null."),
    SCALAR_RESOLVED("concat_ws",
                    0,
                    1,
                    ARGUMENTS_ANY,
                    resolve_concat_ws,
                    call_concat_ws,
                    "concat_ws(separator, a, b, ...)",
                    "Texts and elements of arrays with a separator between; nulls are left out."),
    SCALAR_RESOLVED("reverse",
                    0,
                    1,
                    1,
                    resolve_reverse,
                    call_reverse,
                    "reverse(text or array)",
                    "In opposite order."),
};

FUNCTION_FAMILY(functions_concat, rows);
