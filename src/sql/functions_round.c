/* Rounding, of every kind of number. */

#include "sql/coerce.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/number_text.h"

#include <math.h>
#include <stdio.h>

enum rounding {
    ROUND_CEIL,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    ROUND_HALF_EVEN
};

static int clamp_scale(int64_t scale)
{
    return scale > 38 ? 38 : scale < -38 ? -38 : (int) scale;
}

/* The result of rounding to `digits` behind the point. */
static const struct type *round_decimal(struct arena *arena, const struct type *type, int digits)
{
    int whole = type->precision - type->scale + 1;
    int scale = digits < 0 ? 0 : digits < type->scale ? digits : type->scale;
    int precision = digits < 0 && -digits + 1 > whole ? -digits + 1 : whole + scale;
    return type_decimal(arena, (uint8_t) (precision > 38 ? 38 : precision), (uint8_t) scale);
}

static enum status resolve_round(RESOLVE_PARAMETERS)
{
    int64_t digits = 0;
    bool toward = function->variant == ROUND_CEIL || function->variant == ROUND_FLOOR;
    if (count == 2) {
        if (!literal_int(arguments[1], &digits)) {
            return function_type_error(function, 1, types[1], "a literal integer", error);
        }
        types[1] = type_plain(TYPE_INT);
    }
    if (types[0]->id == TYPE_STRING || types[0]->id == TYPE_NULL || types[0]->id == TYPE_FLOAT) {
        types[0] = types[0]->id == TYPE_FLOAT && !toward ? types[0] : type_plain(TYPE_DOUBLE);
    }
    if (!type_is_numeric(types[0])) {
        return function_type_error(function, 0, types[0], "a number", error);
    }
    if (toward && count == 2 && types[0]->id != TYPE_DECIMAL) {
        types[0] = type_decimal_for(arena, types[0]);
    }
    if (types[0]->id == TYPE_DECIMAL) {
        *ret_type = round_decimal(arena, types[0], clamp_scale(digits));
    } else if (toward) {
        *ret_type = type_plain(TYPE_BIGINT);
    } else {
        *ret_type = types[0];
    }
    return STATUS_OK;
}

static bool round_unscaled(enum rounding mode, int128 value, int from, int to, int128 *ret)
{
    switch (mode) {
    case ROUND_CEIL:
        return decimal_rescale_toward(value, from, to, 1, ret);
    case ROUND_FLOOR:
        return decimal_rescale_toward(value, from, to, -1, ret);
    case ROUND_HALF_EVEN:
        return decimal_rescale_even(value, from, to, ret);
    default:
        return decimal_rescale(value, from, to, ret);
    }
}

static void round_decimals(struct output *output, struct arg x, int digits)
{
    enum rounding mode = (enum rounding) output->call->function->variant;
    const struct type *type = output->call->type;
    int from = x.column->type->scale;
    int to = digits < from ? digits : from;
    for (int64_t i = 0; i < output->rows; i++) {
        int128 value;
        if (output_is_null(output, i)) {
            continue;
        }
        if (round_unscaled(mode, ARG_VALUE(x, int128, i), from, to, &value) &&
            decimal_rescale(value, to, type->scale, &value) &&
            decimal_fits(value, type->precision)) {
            ((int128 *) output->values)[i] = value;
        } else {
            output_fail(output, i, "a rounded value does not fit its type");
        }
    }
}

/* Rounds the shortest decimal text of the number, as Java's BigDecimal(String) would. */
static double round_double(enum rounding mode, double value, int digits)
{
    int128 unscaled;
    if (!isfinite(value) || fabs(value) >= 1e18) {
        return value;
    }
    int scale = digits < 16 ? 17 : digits > 19 ? 19 : digits + 1;
    if (digits > 19 || !decimal_from_double(value, scale, &unscaled) ||
        !round_unscaled(mode, unscaled, scale, digits, &unscaled)) {
        return value;
    }
    if (digits < 0 && !decimal_rescale(unscaled, digits, 0, &unscaled)) {
        return value;
    }
    return decimal_to_double(unscaled, digits < 0 ? 0 : digits);
}

static void round_floats(struct output *output, struct arg x, int digits)
{
    enum rounding mode = (enum rounding) output->call->function->variant;
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        if (output->call->type->id == TYPE_DOUBLE) {
            ((double *) output->values)[i] = round_double(mode, ARG_VALUE(x, double, i), digits);
        } else {
            char text[NUMBER_TEXT_BYTES];
            double value = 0;
            size_t size = number_format_float(ARG_VALUE(x, float, i), text);
            number_parse_double(slice_of(text, size), &value);
            ((float *) output->values)[i] = (float) round_double(mode, value, digits);
        }
    }
}

static void round_integers(struct output *output, struct arg x, int digits)
{
    enum rounding mode = (enum rounding) output->call->function->variant;
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        int128 value = arg_int(x, i);
        if (digits < 0) {
            round_unscaled(mode, value, 0, digits, &value);
            decimal_rescale(value, digits, 0, &value);
        }
        if (value == (int64_t) value) {
            output_int(output, i, (int64_t) value);
        } else {
            output_fail(output, i, "a rounded value does not fit BIGINT");
        }
    }
}

/* ceil and floor of a DOUBLE give a BIGINT, saturated as Java's cast. */
static void floor_doubles(struct output *output, struct arg x)
{
    bool up = output->call->function->variant == ROUND_CEIL;
    int64_t *values = output->values;
    for (int64_t i = 0; i < output->rows; i++) {
        double value = output_is_null(output, i) ? 0 : ARG_VALUE(x, double, i);
        value = up ? ceil(value) : floor(value);
        values[i] = isnan(value)       ? 0
                    : value >= 0x1p63  ? INT64_MAX
                    : value <= -0x1p63 ? INT64_MIN
                                       : (int64_t) value;
    }
}

static const struct column *call_round(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct arg x = arg_of(arguments[0], output.rows);
    int64_t digits = 0;
    if (call->argument_count == 2) {
        literal_int(call->arguments[1], &digits);
    }
    switch (arguments[0]->type->id) {
    case TYPE_DECIMAL:
        round_decimals(&output, x, clamp_scale(digits));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        if (call->type->id == TYPE_BIGINT) {
            floor_doubles(&output, x);
        } else {
            round_floats(&output, x, clamp_scale(digits));
        }
        break;
    default:
        round_integers(&output, x, clamp_scale(digits));
        break;
    }
    return output_finish(&output);
}

#define ROUND(name, mode, help)                                                                    \
    SCALAR_RESOLVED(name, mode, 1, 2, resolve_round, call_round, name "(number[, digits])", help)

static const struct sql_function rows[] = {
    ROUND("ceil", ROUND_CEIL, "The smallest number not below, with so many digits."),
    ROUND("ceiling", ROUND_CEIL, "The smallest number not below, with so many digits."),
    ROUND("floor", ROUND_FLOOR, "The largest number not above, with so many digits."),
    ROUND("round", ROUND_HALF_UP, "Rounded to so many digits, halves away from 0."),
    ROUND("bround", ROUND_HALF_EVEN, "Rounded to so many digits, halves to the even digit."),
};

FUNCTION_FAMILY(functions_round, rows);
