/* + - * / div % pmod, their try_ forms, unary - and abs, for numbers. Dates, times and intervals
 * are handed to functions_interval.c. */

#include "base/assert.h"
#include "sql/arithmetic_internal.h"
#include "sql/coerce.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/number_text.h"

#include <math.h>

/* ---- types ---- */

static bool integer_literal_digits(const struct expression *expression, int *ret_digits)
{
    int64_t value;
    if (expression == NULL || expression->kind != EXPR_LITERAL ||
        !literal_int(expression, &value) || expression->literal->type->id == TYPE_BOOLEAN) {
        return false;
    }
    char text[NUMBER_TEXT_BYTES];
    *ret_digits = (int) number_format_int(value, text) - (value < 0);
    return true;
}

/* An integer next to a decimal: a literal takes as many digits as it has. */
static const struct type *
as_decimal(struct arena *arena, const struct expression *expression, const struct type *type)
{
    int digits;
    if (type->id == TYPE_DECIMAL) {
        return type;
    }
    if (integer_literal_digits(expression, &digits)) {
        return type_decimal(arena, (uint8_t) digits, 0);
    }
    return type_decimal_for(arena, type);
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static const struct type *
decimal_result(struct arena *arena, enum arithmetic op, const struct type *a, const struct type *b)
{
    int scale = larger(a->scale, b->scale);
    int whole = larger(a->precision - a->scale, b->precision - b->scale);
    switch (op) {
    case ARITHMETIC_ADD:
    case ARITHMETIC_SUBTRACT:
        return decimal_type_adjusted(arena, whole + scale + 1, scale);
    case ARITHMETIC_MULTIPLY:
        return decimal_type_adjusted(arena, a->precision + b->precision + 1, a->scale + b->scale);
    case ARITHMETIC_DIVIDE:
        scale = larger(6, a->scale + b->precision + 1);
        return decimal_type_adjusted(arena, a->precision - a->scale + b->scale + scale, scale);
    case ARITHMETIC_DIV:
        return type_plain(TYPE_BIGINT);
    default:
        whole = a->precision - a->scale < b->precision - b->scale ? a->precision - a->scale
                                                                  : b->precision - b->scale;
        return decimal_type_adjusted(arena, whole + scale, scale);
    }
}

static enum status resolve_numbers(const struct sql_function *function,
                                   const struct expression *const *arguments,
                                   const struct type **types,
                                   struct arena *arena,
                                   const struct type **ret_type,
                                   struct error *error)
{
    enum arithmetic op = arithmetic_of(function);
    for (uint32_t i = 0; i < 2; i++) {
        bool text = types[i]->id == TYPE_STRING || types[i]->id == TYPE_NULL;
        if (!text && !type_is_numeric(types[i])) {
            return function_type_error(function, i, types[i], "a number", error);
        }
    }
    const struct type *common = type_common(arena, types[0], types[1]);
    if (common->id == TYPE_STRING) { /* two texts: Spark does not guess a number */
        return function_type_error(function, 0, types[0], "a number", error);
    }
    if (common->id == TYPE_NULL) {
        common = type_plain(op == ARITHMETIC_DIV ? TYPE_BIGINT : TYPE_DOUBLE);
    }
    if (common->id == TYPE_DECIMAL) {
        for (uint32_t i = 0; i < 2; i++) {
            types[i] = as_decimal(arena, arguments[i],
                                  types[i]->id == TYPE_NULL ? types[1 - i] : types[i]);
        }
        *ret_type = decimal_result(arena, op, types[0], types[1]);
        return STATUS_OK;
    }
    if (op == ARITHMETIC_DIVIDE) {
        common = type_plain(TYPE_DOUBLE);
    }
    if (op == ARITHMETIC_DIV) {
        if (!type_is_integral(common)) {
            return function_type_error(function, 0, types[0], "an integer", error);
        }
        common = type_plain(TYPE_BIGINT);
    }
    types[0] = common;
    types[1] = common;
    *ret_type = common;
    return STATUS_OK;
}

static enum status resolve_arithmetic(RESOLVE_PARAMETERS)
{
    if (interval_arithmetic_applies(function, types)) {
        return interval_arithmetic_resolve(function, arguments, types, ret_type, error);
    }
    return resolve_numbers(function, arguments, types, arena, ret_type, error);
}

/* ---- integers ---- */

static const char *const symbols[] = {"+", "-", "*", "/", "div", "%", "pmod"};

static void fail_or_null(struct output *output, int64_t row, int64_t a, int64_t b)
{
    const struct sql_function *function = output->call->function;
    if (arithmetic_is_try(function)) {
        output_null(output, row);
        return;
    }
    struct buffer type = BUFFER_INIT;
    type_write(output->call->type, &type);
    output_fail(output, row, "%lld %s %lld overflows %s", (long long) a,
                symbols[arithmetic_of(function)], (long long) b, buffer_string(&type));
    buffer_deinit(&type);
}

static void fail_zero(struct output *output, int64_t row)
{
    if (arithmetic_is_try(output->call->function)) {
        output_null(output, row);
    } else {
        output_fail(output, row, "division by zero");
    }
}

/* One loop a width: `overflowed` is only looked at after the loop, which keeps it tight. */
#define INTEGER_KERNEL(ctype)                                                                      \
    static inline __attribute__((always_inline)) bool step_##ctype(enum arithmetic op, ctype a,    \
                                                                   ctype b, ctype *ret)            \
    {                                                                                              \
        return op == ARITHMETIC_ADD        ? __builtin_add_overflow(a, b, ret)                     \
               : op == ARITHMETIC_SUBTRACT ? __builtin_sub_overflow(a, b, ret)                     \
                                           : __builtin_mul_overflow(a, b, ret);                    \
    }                                                                                              \
                                                                                                   \
    static inline __attribute__((always_inline)) bool loop_##ctype(                                \
        enum arithmetic op, struct arg x, struct arg y, struct output *output)                     \
    {                                                                                              \
        ctype *values = output->values;                                                            \
        const ctype *a = x.column->values;                                                         \
        const ctype *b = y.column->values;                                                         \
        bool overflowed = false;                                                                   \
        for (int64_t i = 0; i < output->rows; i++) {                                               \
            overflowed |= step_##ctype(op, a[i & x.mask], b[i & y.mask], &values[i]);              \
        }                                                                                          \
        return overflowed;                                                                         \
    }                                                                                              \
                                                                                                   \
    static void find_##ctype(enum arithmetic op, struct arg x, struct arg y,                       \
                             struct output *output)                                                \
    {                                                                                              \
        for (int64_t i = 0; i < output->rows; i++) {                                               \
            ctype a = ARG_VALUE(x, ctype, i);                                                      \
            ctype b = ARG_VALUE(y, ctype, i);                                                      \
            ctype result;                                                                          \
            if (!output_is_null(output, i) && step_##ctype(op, a, b, &result)) {                   \
                fail_or_null(output, i, a, b);                                                     \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void kernel_##ctype(enum arithmetic op, struct arg x, struct arg y,                     \
                               struct output *output)                                              \
    {                                                                                              \
        bool overflowed = op == ARITHMETIC_ADD ? loop_##ctype(ARITHMETIC_ADD, x, y, output)        \
                          : op == ARITHMETIC_SUBTRACT                                              \
                              ? loop_##ctype(ARITHMETIC_SUBTRACT, x, y, output)                    \
                              : loop_##ctype(ARITHMETIC_MULTIPLY, x, y, output);                   \
        if (overflowed) {                                                                          \
            find_##ctype(op, x, y, output);                                                        \
        }                                                                                          \
    }

INTEGER_KERNEL(int8_t)
INTEGER_KERNEL(int16_t)
INTEGER_KERNEL(int32_t)
INTEGER_KERNEL(int64_t)

static void
integer_arithmetic(enum arithmetic op, struct arg x, struct arg y, struct output *output)
{
    if (x.column->length == 0 || y.column->length == 0) {
        return;
    }
    switch (type_width(output->call->type)) {
    case 1:
        kernel_int8_t(op, x, y, output);
        break;
    case 2:
        kernel_int16_t(op, x, y, output);
        break;
    case 4:
        kernel_int32_t(op, x, y, output);
        break;
    default:
        kernel_int64_t(op, x, y, output);
        break;
    }
}

static void integer_division(enum arithmetic op, struct arg x, struct arg y, struct output *output)
{
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        int64_t a = arg_int(x, i);
        int64_t b = arg_int(y, i);
        if (b == 0) {
            fail_zero(output, i);
        } else if (b == -1) {
            if (op == ARITHMETIC_DIV && a == INT64_MIN) {
                fail_or_null(output, i, a, b);
            } else {
                output_int(output, i, op == ARITHMETIC_DIV ? -a : 0);
            }
        } else if (op == ARITHMETIC_DIV) {
            output_int(output, i, a / b);
        } else {
            int64_t rest = a % b;
            output_int(output, i, op == ARITHMETIC_PMOD && rest < 0 ? (rest + b) % b : rest);
        }
    }
}

/* ---- floating point ---- */

static inline __attribute__((always_inline)) void
double_loop(enum arithmetic op, struct arg x, struct arg y, struct output *output)
{
    double *values = output->values;
    const double *a = x.column->values;
    const double *b = y.column->values;
    for (int64_t i = 0; i < output->rows; i++) {
        double p = a[i & x.mask];
        double q = b[i & y.mask];
        values[i] = op == ARITHMETIC_ADD        ? p + q
                    : op == ARITHMETIC_SUBTRACT ? p - q
                    : op == ARITHMETIC_MULTIPLY ? p * q
                                                : p / q;
    }
}

static void fail_zero_divisors(struct arg y, struct output *output)
{
    for (int64_t i = 0; i < output->rows; i++) {
        if (!output_is_null(output, i) && arg_double(y, i) == 0) {
            fail_zero(output, i);
        }
    }
}

static double floating_remainder(enum arithmetic op, double a, double b)
{
    double rest = fmod(a, b);
    return op == ARITHMETIC_PMOD && rest < 0 ? fmod(rest + b, b) : rest;
}

static void double_arithmetic(enum arithmetic op, struct arg x, struct arg y, struct output *output)
{
    switch (op) {
    case ARITHMETIC_ADD:
        double_loop(ARITHMETIC_ADD, x, y, output);
        break;
    case ARITHMETIC_SUBTRACT:
        double_loop(ARITHMETIC_SUBTRACT, x, y, output);
        break;
    case ARITHMETIC_MULTIPLY:
        double_loop(ARITHMETIC_MULTIPLY, x, y, output);
        break;
    case ARITHMETIC_DIVIDE:
        fail_zero_divisors(y, output);
        double_loop(ARITHMETIC_DIVIDE, x, y, output);
        break;
    default:
        fail_zero_divisors(y, output);
        for (int64_t i = 0; i < output->rows; i++) {
            ((double *) output->values)[i] =
                floating_remainder(op, ARG_VALUE(x, double, i), ARG_VALUE(y, double, i));
        }
        break;
    }
}

static void float_arithmetic(enum arithmetic op, struct arg x, struct arg y, struct output *output)
{
    if (op >= ARITHMETIC_DIVIDE) {
        fail_zero_divisors(y, output);
    }
    float *values = output->values;
    for (int64_t i = 0; i < output->rows; i++) {
        float a = ARG_VALUE(x, float, i);
        float b = ARG_VALUE(y, float, i);
        values[i] = op == ARITHMETIC_ADD        ? a + b
                    : op == ARITHMETIC_SUBTRACT ? a - b
                    : op == ARITHMETIC_MULTIPLY
                        ? a * b
                        : (float) floating_remainder(op, (double) a, (double) b);
    }
}

/* ---- decimals ---- */

static bool decimal_step(
    enum arithmetic op, int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret)
{
    switch (op) {
    case ARITHMETIC_ADD:
        return decimal_add(a, a_scale, b, b_scale, scale, ret);
    case ARITHMETIC_SUBTRACT:
        return decimal_add(a, a_scale, -b, b_scale, scale, ret);
    case ARITHMETIC_MULTIPLY:
        return decimal_multiply(a, a_scale, b, b_scale, scale, ret);
    case ARITHMETIC_DIVIDE:
        return decimal_divide(a, a_scale, b, b_scale, scale, ret);
    case ARITHMETIC_DIV: {
        /* Truncates: take the remainder off first, so that the quotient is whole. */
        int common = larger(a_scale, b_scale);
        int128 rest;
        int128 whole;
        return decimal_remainder(a, a_scale, b, b_scale, common, &rest) &&
               decimal_add(a, a_scale, -rest, common, common, &whole) &&
               decimal_divide(whole, common, b, b_scale, 0, ret);
    }
    default:
        if (!decimal_remainder(a, a_scale, b, b_scale, scale, ret)) {
            return false;
        }
        if (op == ARITHMETIC_PMOD && *ret < 0) {
            int128 sum;
            return decimal_add(*ret, scale, b, b_scale, scale, &sum) &&
                   decimal_remainder(sum, scale, b, b_scale, scale, ret);
        }
        return true;
    }
}

static void
decimal_arithmetic(enum arithmetic op, struct arg x, struct arg y, struct output *output)
{
    int a_scale = x.column->type->scale;
    int b_scale = y.column->type->scale;
    const struct type *type = output->call->type;
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        int128 a = ARG_VALUE(x, int128, i);
        int128 b = ARG_VALUE(y, int128, i);
        int128 result;
        if (op >= ARITHMETIC_DIVIDE && b == 0) {
            fail_zero(output, i);
            continue;
        }
        bool fits = decimal_step(op, a, a_scale, b, b_scale, type->scale, &result);
        if (fits && type->id == TYPE_BIGINT && result == (int64_t) result) {
            ((int64_t *) output->values)[i] = (int64_t) result;
        } else if (fits && type->id == TYPE_DECIMAL && decimal_fits(result, type->precision)) {
            ((int128 *) output->values)[i] = result;
        } else if (arithmetic_is_try(output->call->function)) {
            output_null(output, i);
        } else {
            output_fail(output, i, "the result of %s does not fit DECIMAL(%d,%d)", symbols[op],
                        type->precision, type->scale);
        }
    }
}

static const struct column *call_arithmetic(CALL_PARAMETERS)
{
    if (interval_arithmetic_call_applies(call)) {
        return interval_arithmetic_call(eval, call, arguments);
    }
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[1], output.rows);
    enum arithmetic op = arithmetic_of(call->function);
    switch (arguments[0]->type->id) {
    case TYPE_DECIMAL:
        decimal_arithmetic(op, x, y, &output);
        break;
    case TYPE_DOUBLE:
        double_arithmetic(op, x, y, &output);
        break;
    case TYPE_FLOAT:
        float_arithmetic(op, x, y, &output);
        break;
    default:
        if (op >= ARITHMETIC_DIV) {
            integer_division(op, x, y, &output);
        } else {
            integer_arithmetic(op, x, y, &output);
        }
        break;
    }
    return output_finish(&output);
}

/* ---- one argument ---- */

static enum status resolve_sign(RESOLVE_PARAMETERS)
{
    if (types[0]->id == TYPE_STRING || types[0]->id == TYPE_NULL) {
        types[0] = type_plain(TYPE_DOUBLE);
    }
    if (!type_is_numeric(types[0]) && types[0]->id != TYPE_INTERVAL &&
        types[0]->id != TYPE_INTERVAL_MONTHS) {
        return function_type_error(function, 0, types[0], "a number or an interval", error);
    }
    *ret_type = types[0];
    return STATUS_OK;
}

enum {
    SIGN_NEGATIVE,
    SIGN_ABS
};

static const struct column *call_sign(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    bool absolute = call->function->variant == SIGN_ABS;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        switch (call->type->id) {
        case TYPE_DOUBLE:
        case TYPE_FLOAT: {
            double value = arg_double(x, i);
            value = absolute ? fabs(value) : -value;
            if (call->type->id == TYPE_DOUBLE) {
                ((double *) output.values)[i] = value;
            } else {
                ((float *) output.values)[i] = (float) value;
            }
            break;
        }
        case TYPE_DECIMAL: {
            int128 value = ARG_VALUE(x, int128, i);
            ((int128 *) output.values)[i] = absolute && value >= 0 ? value : -value;
            break;
        }
        default: {
            int64_t value = arg_int(x, i);
            if (absolute && value >= 0) {
                output_int(&output, i, value);
            } else if (value == INT64_MIN) {
                output_fail(&output, i, "- %lld overflows BIGINT", (long long) value);
            } else {
                output_int(&output, i, -value);
            }
            break;
        }
        }
    }
    return output_finish(&output);
}

static const struct column *call_identity(CALL_PARAMETERS)
{
    (void) eval;
    (void) call;
    return arguments[0];
}

#define ARITHMETIC(name, variant, usage, help)                                                     \
    SCALAR_RESOLVED(name, variant, 2, 2, resolve_arithmetic, call_arithmetic, usage, help)

static const struct sql_function rows[] = {
    ARITHMETIC("+", ARITHMETIC_ADD, "a + b", "Sum; also of dates, timestamps and intervals."),
    ARITHMETIC("-", ARITHMETIC_SUBTRACT, "a - b", "Difference; of two timestamps an interval."),
    ARITHMETIC("*", ARITHMETIC_MULTIPLY, "a * b", "Product."),
    ARITHMETIC("/", ARITHMETIC_DIVIDE, "a / b", "Quotient: DOUBLE for integers, else DECIMAL."),
    ARITHMETIC("div", ARITHMETIC_DIV, "a div b", "Quotient without its fraction, a BIGINT."),
    ARITHMETIC("%", ARITHMETIC_REMAINDER, "a % b", "Remainder, with the sign of a."),
    ARITHMETIC("mod", ARITHMETIC_REMAINDER, "mod(a, b)", "Remainder, with the sign of a."),
    ARITHMETIC("pmod", ARITHMETIC_PMOD, "pmod(a, b)", "Remainder that is not negative."),
    ARITHMETIC("try_add",
               ARITHMETIC_ADD | ARITHMETIC_TRY,
               "try_add(a, b)",
               "Sum, or null if it overflows."),
    ARITHMETIC("try_subtract",
               ARITHMETIC_SUBTRACT | ARITHMETIC_TRY,
               "try_subtract(a, b)",
               "Difference, or null if it overflows."),
    ARITHMETIC("try_multiply",
               ARITHMETIC_MULTIPLY | ARITHMETIC_TRY,
               "try_multiply(a, b)",
               "Product, or null if it overflows."),
    ARITHMETIC("try_divide",
               ARITHMETIC_DIVIDE | ARITHMETIC_TRY,
               "try_divide(a, b)",
               "Quotient, or null if b is 0."),
    SCALAR_RESOLVED("negative", SIGN_NEGATIVE, 1, 1, resolve_sign, call_sign, "- a", "a negated."),
    SCALAR_RESOLVED(
        "abs", SIGN_ABS, 1, 1, resolve_sign, call_sign, "abs(a)", "a without its sign."),
    SCALAR_RESOLVED("positive", 0, 1, 1, resolve_sign, call_identity, "+ a", "a as it is."),
};

FUNCTION_FAMILY(functions_arithmetic, rows);
