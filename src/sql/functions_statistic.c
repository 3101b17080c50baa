/* Variance, correlation, percentiles, approximate counts of distinct values. */

#include "sql/aggregate_internal.h"
#include "sql/coerce.h"

#include <math.h>
#include <stdlib.h>

/* ---- moments: Welford's method, numerically as Spark's CentralMomentAgg ---- */

struct moment_state {
    double count, x_mean, y_mean, x_m2, y_m2, c2;
};

enum moment {
    MOMENT_STDDEV_SAMP,
    MOMENT_STDDEV_POP,
    MOMENT_VAR_SAMP,
    MOMENT_VAR_POP,
    MOMENT_COVAR_SAMP,
    MOMENT_COVAR_POP,
    MOMENT_CORR,
};

/* One value: the order of operations is Spark's, so that the last digits agree. */
static void variance_step(struct moment_state *state, double x)
{
    state->count++;
    double delta = x - state->x_mean;
    double share = delta / state->count;
    state->x_mean += share;
    state->x_m2 += delta * (delta - share);
}

static void moment_step(struct moment_state *state, double x, double y)
{
    state->count++;
    double x_delta = x - state->x_mean;
    double y_delta = y - state->y_mean;
    state->x_mean += x_delta / state->count;
    state->y_mean += y_delta / state->count;
    state->x_m2 += x_delta * (x - state->x_mean);
    state->y_m2 += y_delta * (y - state->y_mean);
    state->c2 += x_delta * (y - state->y_mean);
}

static void moment_update(UPDATE_PARAMETERS)
{
    const struct column *x = arguments[0];
    const struct column *y = arguments[aggregate->argument_count - 1];
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (group_of_row[i] >= 0 && !column_is_null(x, i) && !column_is_null(y, i)) {
            if (aggregate->argument_count == 1) {
                variance_step(states[group_of_row[i]], column_double(x, i));
            } else {
                moment_step(states[group_of_row[i]], column_double(x, i), column_double(y, i));
            }
        }
    }
}

static void moment_result(RESULT_PARAMETERS)
{
    const struct moment_state *m = state;
    int kind = aggregate->function->variant;
    bool sample =
        kind == MOMENT_STDDEV_SAMP || kind == MOMENT_VAR_SAMP || kind == MOMENT_COVAR_SAMP;
    double divisor = sample ? m->count - 1 : m->count;
    double sum = kind >= MOMENT_COVAR_SAMP ? m->c2 : m->x_m2;
    if (m->count == 0 || divisor == 0) {
        column_append_null(target);
    } else if (kind == MOMENT_CORR) {
        double root = sqrt(m->x_m2 * m->y_m2);
        if (root == 0) {
            column_append_null(target);
        } else {
            column_append_double(target, m->c2 / root);
        }
    } else {
        bool deviation = kind == MOMENT_STDDEV_SAMP || kind == MOMENT_STDDEV_POP;
        column_append_double(target, deviation ? sqrt(sum / divisor) : sum / divisor);
    }
}

/* ---- percentiles: all values are kept, and the answer is exact ---- */

struct percentile_state {
    struct buffer bytes; /* doubles */
};

enum {
    PERCENTILE_EXACT,
    PERCENTILE_APPROX,
    PERCENTILE_MEDIAN
};

/* Percentages: a literal, or a literal array. */
static bool fraction_of(const struct expression *expression, double *ret_value)
{
    while (expression->kind == EXPR_CAST) {
        expression = expression->arguments[0];
    }
    if (expression->kind != EXPR_LITERAL || column_is_null(expression->literal, 0)) {
        return false;
    }
    const struct column *literal = expression->literal;
    if (literal->type->id == TYPE_DECIMAL) {
        *ret_value = (double) ((const int128 *) literal->values)[0] *
                     pow(10, -(double) literal->type->scale);
    } else if (literal->type->id == TYPE_DOUBLE || literal->type->id == TYPE_FLOAT) {
        *ret_value = column_double(literal, 0);
    } else if (type_is_integral(literal->type)) {
        *ret_value = (double) column_int(literal, 0);
    } else {
        return false;
    }
    return *ret_value >= 0 && *ret_value <= 1;
}

/* Elements of array(...) as written, or of a folded literal of DOUBLEs or DECIMALs. */
static uint32_t fractions_of(const struct expression *expression, double *values, uint32_t max)
{
    while (expression->kind == EXPR_CAST) {
        expression = expression->arguments[0];
    }
    uint32_t count = 0;
    if (expression->kind == EXPR_CALL) {
        for (; count < expression->argument_count && count < max; count++) {
            if (!fraction_of(expression->arguments[count], &values[count])) {
                return 0;
            }
        }
        return count;
    }
    if (expression->kind != EXPR_LITERAL || column_is_null(expression->literal, 0)) {
        return 0;
    }
    const struct column *elements = expression->literal->children[0];
    for (; count < elements->length && count < max; count++) {
        if (column_is_null(elements, count)) {
            return 0;
        }
        if (elements->type->id == TYPE_DECIMAL) {
            values[count] = (double) ((const int128 *) elements->values)[count] *
                            pow(10, -(double) elements->type->scale);
        } else if (elements->type->id == TYPE_DOUBLE) {
            values[count] = column_double(elements, count);
        } else {
            return 0;
        }
    }
    return count;
}

#define FRACTIONS_MAX 256

static enum status resolve_percentile(RESOLVE_PARAMETERS)
{
    double fractions[FRACTIONS_MAX];
    bool approx = function->variant == PERCENTILE_APPROX;
    const struct type *value = types[0];
    if (!approx || !type_is_numeric(value) || value->id == TYPE_DECIMAL) {
        if (!type_is_numeric(value) && value->id != TYPE_STRING && value->id != TYPE_NULL) {
            return function_type_error(function, 0, value, "a number", error);
        }
        types[0] = type_plain(TYPE_DOUBLE);
    }
    *ret_type = approx ? types[0] : type_plain(TYPE_DOUBLE);
    if (function->variant == PERCENTILE_MEDIAN) {
        return STATUS_OK;
    }
    if (types[1]->id == TYPE_ARRAY) {
        if (fractions_of(arguments[1], fractions, FRACTIONS_MAX) == 0) {
            return function_type_error(function, 1, types[1], "literals from 0 to 1", error);
        }
        *ret_type = type_array(arena, *ret_type, false);
        return STATUS_OK;
    }
    if (!fraction_of(arguments[1], fractions)) {
        return function_type_error(function, 1, types[1], "a literal from 0 to 1", error);
    }
    return STATUS_OK;
}

static void percentile_update(UPDATE_PARAMETERS)
{
    const struct column *x = arguments[0];
    bool floating = x->type->id == TYPE_DOUBLE || x->type->id == TYPE_FLOAT;
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (group_of_row[i] >= 0 && !column_is_null(x, i)) {
            struct percentile_state *state = states[group_of_row[i]];
            double value = floating ? column_double(x, i) : (double) column_int(x, i);
            buffer_append(&state->bytes, &value, sizeof value);
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x;
    double y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (isnan(x) || isnan(y)) {
        return (isnan(x) != 0) - (isnan(y) != 0);
    }
    return (x > y) - (x < y);
}

/* exact: linear between neighbours. approx: the smallest value not below so many of all. */
static double percentile_at(const double *values, size_t count, double fraction, bool approx)
{
    if (approx) {
        double rank = ceil(fraction * (double) count);
        return values[rank < 1 ? 0 : (size_t) rank - 1];
    }
    double position = fraction * (double) (count - 1);
    size_t low = (size_t) floor(position);
    size_t high = (size_t) ceil(position);
    if (low == high || values[low] == values[high]) {
        return values[low];
    }
    return ((double) high - position) * values[low] + (position - (double) low) * values[high];
}

static void append_number(struct column_builder *target, double value)
{
    if (target->type->id == TYPE_DOUBLE || target->type->id == TYPE_FLOAT) {
        column_append_double(target, value);
    } else {
        column_append_int(target, (int64_t) value);
    }
}

static void percentile_result(RESULT_PARAMETERS)
{
    const struct percentile_state *percentile = state;
    size_t count = percentile->bytes.size / sizeof(double);
    if (count == 0) {
        column_append_null(target);
        return;
    }
    struct buffer sorted = BUFFER_INIT;
    buffer_append_slice(&sorted, buffer_slice(&percentile->bytes));
    qsort(sorted.data, count, sizeof(double), compare_doubles);
    const double *values = (const double *) (const void *) sorted.data;
    bool approx = aggregate->function->variant == PERCENTILE_APPROX;
    double fractions[FRACTIONS_MAX] = {0.5};
    if (target->type->id == TYPE_ARRAY) {
        uint32_t wanted = fractions_of(aggregate->arguments[1], fractions, FRACTIONS_MAX);
        for (uint32_t i = 0; i < wanted; i++) {
            append_number(&target->children[0], percentile_at(values, count, fractions[i], approx));
        }
        column_append_list_end(target);
    } else {
        if (aggregate->argument_count > 1) {
            fraction_of(aggregate->arguments[1], fractions);
        }
        append_number(target, percentile_at(values, count, fractions[0], approx));
    }
    buffer_deinit(&sorted);
}

static void percentile_write(const void *state, struct buffer *target)
{
    buffer_append_slice(target, buffer_slice(&((const struct percentile_state *) state)->bytes));
}

static enum status percentile_read(struct slice bytes, void *state, struct error *error)
{
    if (bytes.size % sizeof(double) != 0) {
        return error_set(error, STATUS_CORRUPT, "the state of a percentile is cut short");
    }
    buffer_append_slice(&((struct percentile_state *) state)->bytes, bytes);
    return STATUS_OK;
}

static size_t percentile_heap_bytes(const void *state)
{
    return ((const struct percentile_state *) state)->bytes.capacity;
}

static void percentile_free(void *state)
{
    buffer_deinit(&((struct percentile_state *) state)->bytes);
}

/* ---- approx_count_distinct: HyperLogLog with 512 registers, Spark's default of 5 % ----
 *
 * The estimate is not bit-equal to Spark's (another hash, no bias table); both are within about
 * 4.6 % (1.04 / sqrt(512)) one time in three, and counts below some hundreds are near exact by
 * linear counting. */

#define REGISTER_BITS 9
#define REGISTERS     (1 << REGISTER_BITS)

struct distinct_state {
    uint8_t registers[REGISTERS];
};

static void distinct_update(UPDATE_PARAMETERS)
{
    int64_t rows = eval->batch->length;
    uint64_t *hashes = ARENA_ARRAY(eval->arena, uint64_t, (size_t) rows);
    columns_hash(arguments, 1, rows, hashes);
    for (int64_t i = 0; i < rows; i++) {
        if (group_of_row[i] < 0 || column_is_null(arguments[0], i)) {
            continue;
        }
        /* The grouping hash need not be even in all bits: mix it once more. */
        uint64_t hash = hashes[i];
        hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
        hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
        hash ^= hash >> 33;
        struct distinct_state *state = states[group_of_row[i]];
        uint8_t *slot = &state->registers[hash >> (64 - REGISTER_BITS)];
        uint8_t rank =
            (uint8_t) (__builtin_clzll(hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)) + 1);
        *slot = rank > *slot ? rank : *slot;
    }
}

static void distinct_merge(void *into, const void *from)
{
    struct distinct_state *a = into;
    const struct distinct_state *b = from;
    for (int i = 0; i < REGISTERS; i++) {
        a->registers[i] = a->registers[i] > b->registers[i] ? a->registers[i] : b->registers[i];
    }
}

static void distinct_result(RESULT_PARAMETERS)
{
    const struct distinct_state *distinct = state;
    double sum = 0;
    int empty = 0;
    for (int i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -distinct->registers[i]);
        empty += distinct->registers[i] == 0;
    }
    double alpha = 0.7213 / (1 + 1.079 / REGISTERS);
    double estimate = alpha * REGISTERS * REGISTERS / sum;
    if (estimate <= 2.5 * REGISTERS && empty > 0) {
        estimate = REGISTERS * log((double) REGISTERS / empty);
    }
    column_append_int(target, llround(estimate));
}

#define MOMENT(name_, kind_, count_, signature_, usage_, help_)                                    \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = (count_),                    \
        .arguments_max = (count_), .deterministic = true, .variant = (kind_),                      \
        .signature = (signature_), .usage = (usage_), .help = (help_), .aggregate = {              \
            .state_bytes = sizeof(struct moment_state),                                            \
            .update = moment_update,                                                               \
            .result = moment_result                                                                \
        }                                                                                          \
    }
#define ONE(name, kind, help) MOMENT(name, kind, 1, "double -> double", name "(number)", help)
#define TWO(name, kind, help) MOMENT(name, kind, 2, "double, double -> double", name "(a, b)", help)
#define PERCENTILE(name_, kind_, min_, max_, usage_, help_)                                        \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = (min_),                      \
        .arguments_max = (max_), .deterministic = true, .variant = (kind_),                        \
        .resolve = resolve_percentile, .usage = (usage_), .help = (help_), .aggregate = {          \
            .state_bytes = sizeof(struct percentile_state),                                        \
            .update = percentile_update,                                                           \
            .result = percentile_result,                                                           \
            .write = percentile_write,                                                             \
            .read = percentile_read,                                                               \
            .free = percentile_free,                                                               \
            .heap_bytes = percentile_heap_bytes                                                    \
        }                                                                                          \
    }

static const struct sql_function rows[] = {
    ONE("stddev", MOMENT_STDDEV_SAMP, "Standard deviation of a sample."),
    ONE("std", MOMENT_STDDEV_SAMP, "Standard deviation of a sample."),
    ONE("stddev_samp", MOMENT_STDDEV_SAMP, "Standard deviation of a sample."),
    ONE("stddev_pop", MOMENT_STDDEV_POP, "Standard deviation of a population."),
    ONE("variance", MOMENT_VAR_SAMP, "Variance of a sample."),
    ONE("var_samp", MOMENT_VAR_SAMP, "Variance of a sample."),
    ONE("var_pop", MOMENT_VAR_POP, "Variance of a population."),
    TWO("covar_samp", MOMENT_COVAR_SAMP, "Covariance of a sample."),
    TWO("covar_pop", MOMENT_COVAR_POP, "Covariance of a population."),
    TWO("corr", MOMENT_CORR, "Pearson's correlation."),
    PERCENTILE("percentile",
               PERCENTILE_EXACT,
               2,
               2,
               "percentile(number, fraction or array)",
               "The value below which a fraction lies, linear between neighbours."),
    PERCENTILE("median",
               PERCENTILE_MEDIAN,
               1,
               1,
               "median(number)",
               "The value in the middle, linear between neighbours."),
    PERCENTILE("percentile_approx",
               PERCENTILE_APPROX,
               2,
               3,
               "percentile_approx(number, fraction or array[, accuracy])",
               "The smallest value not below a fraction of all. Computed exactly."),
    PERCENTILE("approx_percentile",
               PERCENTILE_APPROX,
               2,
               3,
               "approx_percentile(number, fraction or array[, accuracy])",
               "The smallest value not below a fraction of all. Computed exactly."),
    {.name = "approx_count_distinct",
     .kind = FUNCTION_AGGREGATE,
     .arguments_min = 1,
     .arguments_max = 2,
     .deterministic = true,
     .signature = "any, any -> bigint",
     .usage = "approx_count_distinct(value)",
     .help = "About how many different values there are; within 5 % most of the time.",
     .aggregate = {.state_bytes = sizeof(struct distinct_state),
                   .update = distinct_update,
                   .merge = distinct_merge,
                   .result = distinct_result}},
};

FUNCTION_FAMILY(functions_statistic, rows);
