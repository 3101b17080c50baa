/* if, nvl, nvl2, ifnull, nullif, coalesce, and the like: what is not chosen is not evaluated. */

#include "sql/function_internal.h"
#include "sql/kernels.h"

static const struct column *call_coalesce(CALL_PARAMETERS)
{
    struct expression same = *call;
    same.kind = EXPR_COALESCE;
    return eval_expression_compact(eval, &same);
}

static const struct column *call_if(CALL_PARAMETERS)
{
    struct expression same = *call;
    same.kind = EXPR_CASE;
    same.has_else = true;
    return eval_expression_compact(eval, &same);
}

/* nvl2(a, b, c) is CASE WHEN a IS NOT NULL THEN b ELSE c END. */
static const struct column *call_nvl2(CALL_PARAMETERS)
{
    struct expression test = {.kind = EXPR_CALL,
                              .type = type_plain(TYPE_BOOLEAN),
                              .function = sql_function_find("isnotnull"),
                              .arguments = call->arguments,
                              .argument_count = 1,
                              .offset = call->offset};
    const struct expression *branches[] = {&test, call->arguments[1], call->arguments[2]};
    struct expression same = *call;
    same.kind = EXPR_CASE;
    same.has_else = true;
    same.arguments = branches;
    return eval_expression_compact(eval, &same);
}

/* Null where both are equal. */
static enum status resolve_nullif(RESOLVE_PARAMETERS)
{
    return function_common(function, types, 0, 2, arena, ret_type, error);
}

static const struct column *call_nullif(CALL_PARAMETERS)
{
    int64_t rows = eval->batch->length;
    struct arg x = arg_of(arguments[0], rows);
    struct arg y = arg_of(arguments[1], rows);
    int32_t *choice = ARENA_ARRAY(eval->arena, int32_t, (size_t) rows);
    for (int64_t i = 0; i < rows; i++) {
        if (!arg_is_null(x, i) && !arg_is_null(y, i) &&
            values_equal(x.column, arg_row(x, i), y.column, arg_row(y, i))) {
            choice[i] = -1;
        }
    }
    return column_choose(eval->arena, call->type, arguments, 1, choice, rows);
}

/* nanvl(a, b): b where a is NaN. */
static const struct column *call_nanvl(CALL_PARAMETERS)
{
    int64_t rows = eval->batch->length;
    struct arg x = arg_of(arguments[0], rows);
    int32_t *choice = ARENA_ARRAY(eval->arena, int32_t, (size_t) rows);
    for (int64_t i = 0; i < rows; i++) {
        double value = arg_is_null(x, i) ? 0 : arg_double(x, i);
        choice[i] = value != value;
    }
    return column_choose(eval->arena, call->type, arguments, 2, choice, rows);
}

static const struct column *call_raise_error(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    struct arg message = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        struct slice text = arg_is_null(message, i) ? SLICE("null") : arg_bytes(message, i);
        output_fail(&output, i, "%.*s", SLICE_FORMAT(text));
    }
    return column_nulls(eval->arena, call->type, output.rows);
}

static const struct column *call_assert_true(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    struct arg test = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!arg_is_null(test, i) && arg_bool(test, i)) {
            continue;
        }
        struct slice text = SLICE("an assertion is not true");
        if (call->argument_count == 2) {
            struct arg message = arg_of(arguments[1], output.rows);
            text = arg_is_null(message, i) ? SLICE("null") : arg_bytes(message, i);
        }
        output_fail(&output, i, "%.*s", SLICE_FORMAT(text));
    }
    return column_nulls(eval->arena, call->type, output.rows);
}

static const struct column *call_typeof(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, NULL, 0, 0);
    const char *name = type_text(arguments[0]->type, eval->arena);
    for (int64_t i = 0; i < text.base.rows; i++) {
        text_end_slice(&text, i, slice_of_string(name));
    }
    return text_finish(&text);
}

#define LAZY(name_, min_, max_, signature_, call_, usage_, help_)                                  \
    {                                                                                              \
        .name = (name_), .arguments_min = (min_), .arguments_max = (max_), .deterministic = true,  \
        .lazy = true, .signature = (signature_), .usage = (usage_), .help = (help_),               \
        .call = (call_)                                                                            \
    }

static const struct sql_function rows[] = {
    LAZY("coalesce",
         1,
         ARGUMENTS_ANY,
         "common... -> common",
         call_coalesce,
         "coalesce(a, b, ...)",
         "The first value that is not null."),
    LAZY("nvl", 2, 2, "common, common -> common", call_coalesce, "nvl(a, b)", "b where a is null."),
    LAZY("ifnull",
         2,
         2,
         "common, common -> common",
         call_coalesce,
         "ifnull(a, b)",
         "b where a is null."),
    LAZY("if",
         3,
         3,
         "boolean, common, common -> common",
         call_if,
         "if(condition, a, b)",
         "a where the condition is true, else b."),
    LAZY("nvl2",
         3,
         3,
         "any, common, common -> common",
         call_nvl2,
         "nvl2(a, b, c)",
         "b where a is not null, else c."),
    SCALAR_RESOLVED("nullif",
                    0,
                    2,
                    2,
                    resolve_nullif,
                    call_nullif,
                    "nullif(a, b)",
                    "Null where a equals b, else a."),
    SCALAR("nanvl",
           2,
           2,
           "double, double -> double",
           call_nanvl,
           "nanvl(a, b)",
           "b where a is NaN, else a."),
    {.name = "raise_error",
     .arguments_min = 1,
     .arguments_max = 1,
     .signature = "string -> void",
     .usage = "raise_error(message)",
     .help = "Fails the row.",
     .call = call_raise_error},
    {.name = "assert_true",
     .arguments_min = 1,
     .arguments_max = 2,
     .signature = "boolean, string -> void",
     .usage = "assert_true(condition[, message])",
     .help = "Fails the row unless the condition is true; else null.",
     .call = call_assert_true},
    SCALAR("typeof", 1, 1, "any -> string", call_typeof, "typeof(a)", "The name of the type of a."),
};

FUNCTION_FAMILY(functions_conditional, rows);
