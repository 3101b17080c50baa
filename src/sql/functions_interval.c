/* Arithmetic of dates, timestamps and intervals. */

#include "sql/arithmetic_internal.h"
#include "sql/datetime.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <math.h>

static bool is_interval(const struct type *type)
{
    return type->id == TYPE_INTERVAL || type->id == TYPE_INTERVAL_MONTHS;
}

static bool is_time(const struct type *type)
{
    return type->id == TYPE_DATE || type->id == TYPE_TIMESTAMP;
}

bool interval_arithmetic_applies(const struct sql_function *function,
                                 const struct type *const *types)
{
    (void) function;
    return is_time(types[0]) || is_time(types[1]) || is_interval(types[0]) || is_interval(types[1]);
}

bool interval_arithmetic_call_applies(const struct expression *call)
{
    const struct type *types[] = {call->arguments[0]->type, call->arguments[1]->type};
    return interval_arithmetic_applies(call->function, types);
}

/* DATE plus whole days of a literal stays a DATE, as with Spark's INTERVAL DAY; else TIMESTAMP. */
static bool is_whole_days(const struct expression *expression)
{
    return expression->kind == EXPR_LITERAL && !column_is_null(expression->literal, 0) &&
           column_int(expression->literal, 0) % US_PER_DAY == 0;
}

static enum status resolve_time_and_interval(const struct expression *const *arguments,
                                             const struct type **types,
                                             uint32_t time,
                                             const struct type **ret_type)
{
    uint32_t interval = 1 - time;
    if (types[time]->id == TYPE_DATE && types[interval]->id == TYPE_INTERVAL &&
        !is_whole_days(arguments[interval])) {
        types[time] = type_plain(TYPE_TIMESTAMP);
    }
    *ret_type = types[time];
    return STATUS_OK;
}

static enum status resolve_sum(const struct sql_function *function,
                               const struct expression *const *arguments,
                               const struct type **types,
                               const struct type **ret_type,
                               struct error *error)
{
    bool subtract = arithmetic_of(function) == ARITHMETIC_SUBTRACT;
    for (uint32_t i = 0; i < 2; i++) {
        if (types[i]->id == TYPE_NULL || (types[i]->id == TYPE_STRING && subtract)) {
            types[i] =
                is_time(types[1 - i]) && !subtract ? type_plain(TYPE_INTERVAL) : types[1 - i];
        }
    }
    if (is_time(types[0]) && is_interval(types[1])) {
        return resolve_time_and_interval(arguments, types, 0, ret_type);
    }
    if (!subtract && is_interval(types[0]) && is_time(types[1])) {
        return resolve_time_and_interval(arguments, types, 1, ret_type);
    }
    if (is_interval(types[0]) && types[0]->id == types[1]->id) {
        *ret_type = types[0];
        return STATUS_OK;
    }
    if (subtract && is_time(types[0]) && is_time(types[1])) {
        if (types[0]->id != types[1]->id) {
            types[0] = type_plain(TYPE_TIMESTAMP);
            types[1] = types[0];
        }
        *ret_type = type_plain(TYPE_INTERVAL);
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < (subtract ? 1u : 2u); i++) {
        if (types[i]->id == TYPE_DATE && type_is_integral(types[1 - i]) &&
            types[1 - i]->id != TYPE_BIGINT) {
            types[1 - i] = type_plain(TYPE_INT);
            *ret_type = types[i];
            return STATUS_OK;
        }
    }
    return function_type_error(function, 1, types[1], "an interval, or a date and whole days",
                               error);
}

enum status interval_arithmetic_resolve(const struct sql_function *function,
                                        const struct expression *const *arguments,
                                        const struct type **types,
                                        const struct type **ret_type,
                                        struct error *error)
{
    enum arithmetic op = arithmetic_of(function);
    if (op == ARITHMETIC_ADD || op == ARITHMETIC_SUBTRACT) {
        return resolve_sum(function, arguments, types, ret_type, error);
    }
    uint32_t interval = is_interval(types[0]) ? 0 : 1;
    if ((op != ARITHMETIC_MULTIPLY && op != ARITHMETIC_DIVIDE) || !is_interval(types[interval]) ||
        (interval == 1 && op == ARITHMETIC_DIVIDE)) {
        return function_type_error(function, 0, types[0], "a number or an interval", error);
    }
    TRY(function_want(function, types, 1 - interval, type_plain(TYPE_DOUBLE), error));
    *ret_type = types[interval];
    return STATUS_OK;
}

static bool add_months_us(int64_t time_us, int64_t months, int64_t *ret_us)
{
    int64_t days = floor_divide(time_us, US_PER_DAY);
    int64_t rest = time_us - days * US_PER_DAY;
    return !__builtin_mul_overflow(days_add_months(days, months), US_PER_DAY, ret_us) &&
           !__builtin_add_overflow(*ret_us, rest, ret_us);
}

/* time + sign * amount. False on overflow. */
static bool
add_to_time(enum type_id time, enum type_id amount_type, int64_t a, int64_t amount, int64_t *ret)
{
    if (amount_type == TYPE_INTERVAL_MONTHS) {
        if (time == TYPE_TIMESTAMP) {
            return add_months_us(a, amount, ret);
        }
        *ret = days_add_months(a, amount);
        return true;
    }
    if (amount_type == TYPE_INTERVAL && time == TYPE_DATE) {
        amount /= US_PER_DAY;
    }
    return !__builtin_add_overflow(a, amount, ret);
}

static bool sum_step(const struct expression *call,
                     enum type_id left,
                     enum type_id right,
                     int64_t a,
                     int64_t b,
                     int64_t *ret)
{
    bool subtract = arithmetic_of(call->function) == ARITHMETIC_SUBTRACT;
    if (subtract && (left == TYPE_DATE || left == TYPE_TIMESTAMP) && left == right) {
        return !__builtin_sub_overflow(a, b, ret) &&
               !__builtin_mul_overflow(*ret, left == TYPE_DATE ? US_PER_DAY : 1, ret);
    }
    if (subtract && __builtin_sub_overflow(0, b, &b)) {
        return false;
    }
    if (left == TYPE_DATE || left == TYPE_TIMESTAMP) {
        return add_to_time(left, right, a, b, ret);
    }
    if (right == TYPE_DATE || right == TYPE_TIMESTAMP) {
        return add_to_time(right, left, b, a, ret);
    }
    return !__builtin_add_overflow(a, b, ret);
}

static void call_sum(struct output *output, struct arg x, struct arg y)
{
    enum type_id left = x.column->type->id;
    enum type_id right = y.column->type->id;
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        int64_t result;
        if (sum_step(output->call, left, right, arg_int(x, i), arg_int(y, i), &result)) {
            output_int(output, i, result);
        } else if (arithmetic_is_try(output->call->function)) {
            output_null(output, i);
        } else {
            output_fail(output, i, "a date, time or interval overflows");
        }
    }
}

/* Java's Math.round and RoundingMode.HALF_UP agree except at negative ties. */
static bool scaled_interval(double value, int64_t *ret)
{
    double rounded = round(value);
    if (!(rounded >= -0x1p63 && rounded < 0x1p63)) {
        return false;
    }
    *ret = (int64_t) rounded;
    return true;
}

const struct column *interval_arithmetic_call(struct eval *eval,
                                              const struct expression *call,
                                              const struct column *const *arguments)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[1], output.rows);
    enum arithmetic op = arithmetic_of(call->function);
    if (op == ARITHMETIC_ADD || op == ARITHMETIC_SUBTRACT) {
        call_sum(&output, x, y);
        return output_finish(&output);
    }
    bool first = is_interval(arguments[0]->type);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        double amount = (double) arg_int(first ? x : y, i);
        double factor = arg_double(first ? y : x, i);
        int64_t result = 0;
        bool divide = op == ARITHMETIC_DIVIDE;
        if (divide && factor == 0) {
            output_fail(&output, i, "division by zero");
        } else if (scaled_interval(divide ? amount / factor : amount * factor, &result)) {
            output_int(&output, i, result);
        } else {
            output_fail(&output, i, "an interval overflows");
        }
    }
    return output_finish(&output);
}

/* ---- constructors ---- */

static const struct column *call_make_interval(CALL_PARAMETERS)
{
    static const int64_t units[] = {US_PER_DAY, US_PER_HOUR, US_PER_MINUTE};
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        int64_t total = 0;
        bool fits = true;
        for (uint32_t a = 0; a < call->argument_count && a < 3; a++) {
            int64_t part = arg_int(arg_of(arguments[a], output.rows), i);
            fits = fits && !__builtin_mul_overflow(part, units[a], &part) &&
                   !__builtin_add_overflow(total, part, &total);
        }
        if (call->argument_count == 4) {
            int64_t part =
                llround(arg_double(arg_of(arguments[3], output.rows), i) * (double) US_PER_SECOND);
            fits = fits && !__builtin_add_overflow(total, part, &total);
        }
        if (fits) {
            output_int(&output, i, total);
        } else {
            output_fail(&output, i, "an interval overflows");
        }
    }
    return output_finish(&output);
}

static const struct column *call_make_ym_interval(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        int64_t months = arg_int(arg_of(arguments[0], output.rows), i) * 12;
        if (call->argument_count == 2) {
            months += arg_int(arg_of(arguments[1], output.rows), i);
        }
        output_int(&output, i, months);
    }
    return output_finish(&output);
}

static const struct sql_function rows[] = {
    {.name = "make_dt_interval",
     .arguments_min = 1,
     .arguments_max = 4,
     .deterministic = true,
     .signature = "int, int, int, double -> interval day to second",
     .usage = "make_dt_interval(days[, hours[, minutes[, seconds]]])",
     .help = "A day-time interval from its parts.",
     .call = call_make_interval},
    {.name = "make_ym_interval",
     .arguments_min = 1,
     .arguments_max = 2,
     .deterministic = true,
     .signature = "int, int -> interval year to month",
     .usage = "make_ym_interval(years[, months])",
     .help = "A year-month interval from its parts.",
     .call = call_make_ym_interval},
};

FUNCTION_FAMILY(functions_interval, rows);
