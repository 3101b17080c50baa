/* count, sum, avg, min, max, boolean and bit aggregates: states of fixed size but for min and max
 * of strings and nested values. */

#include "sql/aggregate_internal.h"
#include "sql/coerce.h"
#include "sql/decimal.h"

#include <math.h>

/* Runs over the rows of a group that are not null in `column`; `state` is that group's. */
#define EACH_VALUE(state_type, column)                                                             \
    for (int64_t row = 0; row < eval->batch->length; row++)                                        \
        for (state_type *state = group_of_row[row] >= 0 && !column_is_null((column), row)          \
                                     ? states[group_of_row[row]]                                   \
                                     : NULL;                                                       \
             state != NULL; state = NULL)

/* ---- count ---- */

struct count_state {
    int64_t count;
};

/* Rows where no argument is null; without arguments (count(*)) all rows. */
static void count_update(UPDATE_PARAMETERS)
{
    for (int64_t i = 0; i < eval->batch->length; i++) {
        bool counts = group_of_row[i] >= 0;
        for (uint32_t a = 0; a < aggregate->argument_count && counts; a++) {
            counts = arguments[a]->type->id != TYPE_NULL && !column_is_null(arguments[a], i);
        }
        if (counts) {
            ((struct count_state *) states[group_of_row[i]])->count++;
        }
    }
}

static void count_if_update(UPDATE_PARAMETERS)
{
    EACH_VALUE(struct count_state, arguments[0])
    {
        state->count += column_bool(arguments[0], row);
    }
}

static void count_result(RESULT_PARAMETERS)
{
    column_append_int(target, ((const struct count_state *) state)->count);
}

/* ---- sum and avg ---- */

struct sum_state {
    int64_t count;
    uint64_t low; /* the sum: int64, double, or the lower half of a decimal */
    uint64_t high;
    uint8_t overflowed; /* try_sum and try_avg */
};

static int128 sum_decimal(const struct sum_state *state)
{
    return (int128) ((uint128) state->high << 64 | state->low);
}

static double sum_double(const struct sum_state *state)
{
    double value;
    memcpy(&value, &state->low, sizeof value);
    return value;
}

static bool is_floating(const struct type *type)
{
    return type->id == TYPE_FLOAT || type->id == TYPE_DOUBLE;
}

static enum status sum_resolve_argument(const struct sql_function *function,
                                        const struct type **types,
                                        struct error *error)
{
    if (types[0]->id == TYPE_STRING || types[0]->id == TYPE_NULL || types[0]->id == TYPE_FLOAT) {
        types[0] = type_plain(TYPE_DOUBLE);
    }
    if (!type_is_numeric(types[0]) && types[0]->id != TYPE_INTERVAL &&
        types[0]->id != TYPE_INTERVAL_MONTHS) {
        return function_type_error(function, 0, types[0], "a number or an interval", error);
    }
    return STATUS_OK;
}

static enum status sum_resolve(RESOLVE_PARAMETERS)
{
    TRY(sum_resolve_argument(function, types, error));
    if (type_is_integral(types[0])) {
        *ret_type = type_plain(TYPE_BIGINT);
    } else if (types[0]->id == TYPE_DECIMAL) {
        int precision = types[0]->precision + 10;
        *ret_type = type_decimal(
            arena, (uint8_t) (precision > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : precision),
            types[0]->scale);
    } else {
        *ret_type = types[0];
    }
    return STATUS_OK;
}

static enum status avg_resolve(RESOLVE_PARAMETERS)
{
    TRY(sum_resolve_argument(function, types, error));
    if (types[0]->id == TYPE_DECIMAL) {
        int precision = types[0]->precision + 4;
        int scale = types[0]->scale + 4;
        *ret_type = type_decimal(
            arena, (uint8_t) (precision > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : precision),
            (uint8_t) (scale > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : scale));
    } else if (type_is_numeric(types[0])) {
        types[0] = type_plain(TYPE_DOUBLE);
        *ret_type = types[0];
    } else {
        *ret_type = types[0];
    }
    return STATUS_OK;
}

enum {
    SUM_PLAIN,
    SUM_TRY
};

static void sum_fail(struct eval *eval,
                     const struct plan_aggregate *aggregate,
                     struct sum_state *state,
                     int64_t row)
{
    if (aggregate->function->variant == SUM_TRY) {
        state->overflowed = 1;
    } else {
        eval_fail(eval, row, aggregate->argument_count > 0 ? aggregate->arguments[0]->offset : 0,
                  "the sum overflows with this row");
    }
}

static void sum_decimals(UPDATE_PARAMETERS)
{
    const int128 *values = arguments[0]->values;
    EACH_VALUE(struct sum_state, arguments[0])
    {
        int128 sum;
        if (__builtin_add_overflow(sum_decimal(state), values[row], &sum) ||
            !decimal_fits(sum, DECIMAL_DIGITS_MAX)) {
            sum_fail(eval, aggregate, state, row);
            continue;
        }
        state->low = (uint64_t) sum;
        state->high = (uint64_t) (sum >> 64);
        state->count++;
    }
}

static void sum_doubles(UPDATE_PARAMETERS)
{
    const double *values = arguments[0]->values;
    EACH_VALUE(struct sum_state, arguments[0])
    {
        double sum = sum_double(state) + values[row];
        memcpy(&state->low, &sum, sizeof sum);
        state->count++;
    }
}

static void sum_integers(UPDATE_PARAMETERS)
{
    const struct column *column = arguments[0];
    bool wide = type_width(column->type) == 8;
    const int64_t *values = column->values;
    EACH_VALUE(struct sum_state, column)
    {
        int64_t value = wide ? values[row] : column_int(column, row);
        int64_t sum;
        if (__builtin_add_overflow((int64_t) state->low, value, &sum)) {
            sum_fail(eval, aggregate, state, row);
            continue;
        }
        state->low = (uint64_t) sum;
        state->count++;
    }
}

static void sum_update(UPDATE_PARAMETERS)
{
    const struct type *type = arguments[0]->type;
    if (type->id == TYPE_DECIMAL) {
        sum_decimals(eval, aggregate, arguments, group_of_row, states);
    } else if (type->id == TYPE_DOUBLE) {
        sum_doubles(eval, aggregate, arguments, group_of_row, states);
    } else if (eval->batch->length > 0) {
        sum_integers(eval, aggregate, arguments, group_of_row, states);
    }
}

static void sum_result(RESULT_PARAMETERS)
{
    const struct sum_state *sum = state;
    if (sum->count == 0 || sum->overflowed != 0) {
        column_append_null(target);
    } else if (is_floating(target->type)) {
        column_append_double(target, sum_double(sum));
    } else if (target->type->id == TYPE_DECIMAL) {
        int128 value = sum_decimal(sum);
        if (decimal_fits(value, target->type->precision)) {
            column_append_decimal(target, value);
        } else {
            column_append_null(target);
        }
    } else {
        column_append_int(target, (int64_t) sum->low);
    }
}

static void avg_result(RESULT_PARAMETERS)
{
    const struct sum_state *sum = state;
    if (sum->count == 0 || sum->overflowed != 0) {
        column_append_null(target);
    } else if (target->type->id == TYPE_DOUBLE) {
        column_append_double(target, sum_double(sum) / (double) sum->count);
    } else if (target->type->id == TYPE_DECIMAL) {
        int128 value;
        int scale = aggregate->arguments[0]->type->scale;
        if (decimal_divide(sum_decimal(sum), scale, sum->count, 0, target->type->scale, &value) &&
            decimal_fits(value, target->type->precision)) {
            column_append_decimal(target, value);
        } else {
            column_append_null(target);
        }
    } else {
        int128 value = 0;
        decimal_divide((int64_t) sum->low, 0, sum->count, 0, 0, &value);
        column_append_int(target, (int64_t) value);
    }
}

/* ---- min and max ---- */

/* Plain values in `value`; strings and nested ones in `held`. */
struct extreme_state {
    uint8_t set;
    int64_t value;
    double number;
    struct agg_value held;
};

static bool is_word(const struct type *type)
{
    uint32_t width = type_width(type);
    return width > 0 && width <= 8 && !is_floating(type);
}

static void extreme_words(UPDATE_PARAMETERS)
{
    const struct column *column = arguments[0];
    bool largest = aggregate->function->variant > 0;
    EACH_VALUE(struct extreme_state, column)
    {
        int64_t value = column_int(column, row);
        if (!state->set || (largest ? value > state->value : value < state->value)) {
            state->value = value;
            state->set = 1;
        }
    }
}

/* NaN is the largest. */
static bool double_less(double a, double b)
{
    return isnan(b) ? !isnan(a) : a < b;
}

static void extreme_doubles(UPDATE_PARAMETERS)
{
    const struct column *column = arguments[0];
    bool largest = aggregate->function->variant > 0;
    EACH_VALUE(struct extreme_state, column)
    {
        double value = column_double(column, row);
        if (!state->set ||
            (largest ? double_less(state->number, value) : double_less(value, state->number))) {
            state->number = value;
            state->set = 1;
        }
    }
}

static void extreme_any(UPDATE_PARAMETERS)
{
    int32_t groups;
    int direction = aggregate->function->variant;
    int32_t *best = best_rows(eval, arguments[0], group_of_row, direction, &groups);
    for (int32_t group = 0; group < groups; group++) {
        if (best[group] < 0) {
            continue;
        }
        struct extreme_state *state = states[group];
        if (!state->held.set ||
            agg_value_compare(eval->arena, &state->held, arguments[0], best[group]) * direction >
                0) {
            agg_value_set(&state->held, arguments[0], best[group]);
            state->set = 1;
        }
    }
}

static void extreme_update(UPDATE_PARAMETERS)
{
    const struct type *type = arguments[0]->type;
    if (is_word(type)) {
        extreme_words(eval, aggregate, arguments, group_of_row, states);
    } else if (is_floating(type)) {
        extreme_doubles(eval, aggregate, arguments, group_of_row, states);
    } else if (type->id != TYPE_NULL) {
        extreme_any(eval, aggregate, arguments, group_of_row, states);
    }
}

static void extreme_result(RESULT_PARAMETERS)
{
    const struct extreme_state *extreme = state;
    if (!extreme->set) {
        column_append_null(target);
    } else if (is_word(target->type)) {
        column_append_int(target, extreme->value);
    } else if (is_floating(target->type)) {
        column_append_double(target, extreme->number);
    } else {
        agg_value_append(&extreme->held, target);
    }
}

static void extreme_write(const void *state, struct buffer *target)
{
    const struct extreme_state *extreme = state;
    uint64_t number;
    memcpy(&number, &extreme->number, sizeof number);
    buffer_append_be64(target, extreme->set);
    buffer_append_be64(target, (uint64_t) extreme->value);
    buffer_append_be64(target, number);
    agg_value_write(&extreme->held, target);
}

static enum status extreme_read(struct slice bytes, void *state, struct error *error)
{
    struct extreme_state *extreme = state;
    uint64_t set;
    uint64_t value;
    uint64_t number;
    TRY(read_word(&bytes, &set, error));
    TRY(read_word(&bytes, &value, error));
    TRY(read_word(&bytes, &number, error));
    extreme->set = set != 0;
    extreme->value = (int64_t) value;
    memcpy(&extreme->number, &number, sizeof number);
    TRY(agg_value_read(&bytes, &extreme->held, error));
    return read_rest_is_empty(bytes, error);
}

static void extreme_free(void *state)
{
    agg_value_free(&((struct extreme_state *) state)->held);
}

/* ---- booleans and bits ---- */

struct bits_state {
    uint64_t value;
    uint8_t set;
};

enum {
    BITS_AND,
    BITS_OR,
    BITS_XOR
};

static void bits_step(struct bits_state *state, int op, uint64_t value)
{
    if (!state->set) {
        state->value = value;
    } else if (op == BITS_AND) {
        state->value &= value;
    } else if (op == BITS_OR) {
        state->value |= value;
    } else {
        state->value ^= value;
    }
    state->set = 1;
}

static void bits_update(UPDATE_PARAMETERS)
{
    int op = aggregate->function->variant;
    bool boolean = arguments[0]->type->id == TYPE_BOOLEAN;
    EACH_VALUE(struct bits_state, arguments[0])
    {
        bits_step(state, op,
                  boolean ? (uint64_t) column_bool(arguments[0], row)
                          : (uint64_t) column_int(arguments[0], row));
    }
}

static void bits_result(RESULT_PARAMETERS)
{
    const struct bits_state *bits = state;
    if (!bits->set) {
        column_append_null(target);
    } else if (target->type->id == TYPE_BOOLEAN) {
        column_append_bool(target, bits->value != 0);
    } else {
        column_append_int(target, (int64_t) bits->value);
    }
}

/* ---- rows ---- */

#define COUNT(name_, max_, signature_, update_, usage_, help_)                                     \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_max = (max_),                      \
        .deterministic = true, .signature = (signature_), .usage = (usage_), .help = (help_),      \
        .aggregate = {                                                                             \
            .state_bytes = sizeof(struct count_state),                                             \
            .update = (update_),                                                                   \
            .result = count_result                                                                 \
        }                                                                                          \
    }
#define SUM(name_, variant_, resolve_, result_, help_)                                             \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 1, .arguments_max = 1,       \
        .deterministic = true, .variant = (variant_), .resolve = (resolve_),                       \
        .usage = name_ "(number)", .help = (help_), .aggregate = {                                 \
            .state_bytes = sizeof(struct sum_state),                                               \
            .update = sum_update,                                                                  \
            .result = (result_)                                                                    \
        }                                                                                          \
    }
#define EXTREME(name_, variant_, help_)                                                            \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 1, .arguments_max = 1,       \
        .deterministic = true, .variant = (variant_), .signature = "ordered -> common",            \
        .usage = name_ "(value)", .help = (help_), .aggregate = {                                  \
            .state_bytes = sizeof(struct extreme_state),                                           \
            .update = extreme_update,                                                              \
            .result = extreme_result,                                                              \
            .write = extreme_write,                                                                \
            .read = extreme_read,                                                                  \
            .free = extreme_free                                                                   \
        }                                                                                          \
    }
#define BITS(name_, variant_, signature_, help_)                                                   \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 1, .arguments_max = 1,       \
        .deterministic = true, .variant = (variant_), .signature = (signature_),                   \
        .usage = name_ "(value)", .help = (help_), .aggregate = {                                  \
            .state_bytes = sizeof(struct bits_state),                                              \
            .update = bits_update,                                                                 \
            .result = bits_result                                                                  \
        }                                                                                          \
    }

static const struct sql_function rows[] = {
    COUNT("count",
          ARGUMENTS_ANY,
          "any... -> bigint",
          count_update,
          "count(*), count(a, ...)",
          "Rows, or rows where no argument is null."),
    COUNT("count_if",
          1,
          "boolean -> bigint",
          count_if_update,
          "count_if(condition)",
          "Rows where the condition is true."),
    SUM("sum", SUM_PLAIN, sum_resolve, sum_result, "Sum; a row that makes it overflow fails."),
    SUM("try_sum", SUM_TRY, sum_resolve, sum_result, "Sum, or null if it overflows."),
    SUM("avg", SUM_PLAIN, avg_resolve, avg_result, "Mean."),
    SUM("mean", SUM_PLAIN, avg_resolve, avg_result, "Mean."),
    SUM("try_avg", SUM_TRY, avg_resolve, avg_result, "Mean, or null if the sum overflows."),
    EXTREME("min", -1, "Smallest value."),
    EXTREME("max", 1, "Largest value; NaN is the largest number."),
    BITS("bool_and", BITS_AND, "boolean -> boolean", "True if all values are true."),
    BITS("every", BITS_AND, "boolean -> boolean", "True if all values are true."),
    BITS("bool_or", BITS_OR, "boolean -> boolean", "True if a value is true."),
    BITS("any", BITS_OR, "boolean -> boolean", "True if a value is true."),
    BITS("some", BITS_OR, "boolean -> boolean", "True if a value is true."),
    BITS("bit_and", BITS_AND, "integral -> same", "Bitwise AND of the values."),
    BITS("bit_or", BITS_OR, "integral -> same", "Bitwise OR of the values."),
    BITS("bit_xor", BITS_XOR, "integral -> same", "Bitwise exclusive OR of the values."),
};

FUNCTION_FAMILY(functions_aggregate, rows);
