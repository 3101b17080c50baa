/* Linear regression (regr_*) of pairs, skewness and kurtosis. */

#include "sql/aggregate_internal.h"

#include <math.h>

/* ---- regression: a is the dependent, b the independent variable; rows with a null do not count */

struct regression_state {
    double count, a_mean, b_mean, a_m2, b_m2, c2;
};

enum regression {
    REGRESSION_COUNT,
    REGRESSION_A_MEAN,
    REGRESSION_B_MEAN,
    REGRESSION_A_SQUARES,
    REGRESSION_B_SQUARES,
    REGRESSION_PRODUCTS,
    REGRESSION_SLOPE,
    REGRESSION_INTERCEPT,
    REGRESSION_R2,
};

static void regression_update(UPDATE_PARAMETERS)
{
    const struct column *a = arguments[0];
    const struct column *b = arguments[1];
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (group_of_row[i] < 0 || column_is_null(a, i) || column_is_null(b, i)) {
            continue;
        }
        struct regression_state *state = states[group_of_row[i]];
        state->count++;
        double a_delta = column_double(a, i) - state->a_mean;
        double b_delta = column_double(b, i) - state->b_mean;
        state->a_mean += a_delta / state->count;
        state->b_mean += b_delta / state->count;
        state->a_m2 += a_delta * (a_delta - a_delta / state->count);
        state->b_m2 += b_delta * (b_delta - b_delta / state->count);
        state->c2 += b_delta * (column_double(a, i) - state->a_mean);
    }
}

/* NaN: null. */
static double regression_value(const struct regression_state *s, enum regression kind)
{
    double slope = s->b_m2 == 0 ? NAN : s->c2 / s->b_m2;
    switch (kind) {
    case REGRESSION_A_MEAN:
        return s->a_mean;
    case REGRESSION_B_MEAN:
        return s->b_mean;
    case REGRESSION_A_SQUARES:
        return s->a_m2;
    case REGRESSION_B_SQUARES:
        return s->b_m2;
    case REGRESSION_PRODUCTS:
        return s->c2;
    case REGRESSION_SLOPE:
        return slope;
    case REGRESSION_INTERCEPT:
        return s->a_mean - slope * s->b_mean;
    default: {
        double correlation = s->c2 / sqrt(s->a_m2 * s->b_m2);
        return s->b_m2 == 0 ? NAN : s->a_m2 == 0 ? 1 : correlation * correlation;
    }
    }
}

static void regression_result(RESULT_PARAMETERS)
{
    const struct regression_state *regression = state;
    enum regression kind = (enum regression) aggregate->function->variant;
    if (kind == REGRESSION_COUNT) {
        column_append_int(target, (int64_t) regression->count);
        return;
    }
    bool undefined = kind >= REGRESSION_SLOPE && regression->b_m2 == 0;
    if (regression->count == 0 || undefined) {
        column_append_null(target);
    } else {
        column_append_double(target, regression_value(regression, kind));
    }
}

/* ---- skewness, kurtosis: the order of operations is that of Spark's CentralMomentAgg ---- */

struct shape_state {
    double count, mean, m2, m3, m4;
};

enum shape {
    SHAPE_SKEWNESS,
    SHAPE_KURTOSIS,
};

static void shape_update(UPDATE_PARAMETERS)
{
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (group_of_row[i] < 0 || column_is_null(arguments[0], i)) {
            continue;
        }
        struct shape_state *s = states[group_of_row[i]];
        s->count++;
        double delta = column_double(arguments[0], i) - s->mean;
        double share = delta / s->count;
        double delta2 = delta * delta;
        double share2 = share * share;
        s->mean += share;
        s->m2 += delta * (delta - share);
        s->m3 = s->m3 - 3 * share * s->m2 + delta * (delta2 - share2);
        s->m4 = s->m4 - 4 * share * s->m3 - 6 * share2 * s->m2 +
                delta * (delta * delta2 - share * share2);
    }
}

static void shape_result(RESULT_PARAMETERS)
{
    const struct shape_state *s = state;
    if (s->count == 0 || s->m2 == 0) {
        column_append_null(target);
    } else if (aggregate->function->variant == SHAPE_SKEWNESS) {
        column_append_double(target, sqrt(s->count) * s->m3 / sqrt(s->m2 * s->m2 * s->m2));
    } else {
        column_append_double(target, s->count * s->m4 / (s->m2 * s->m2) - 3);
    }
}

#define REGRESSION(name_, kind_, result_, help_)                                                   \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 2, .arguments_max = 2,       \
        .deterministic = true, .variant = (kind_), .signature = "double, double -> " result_,      \
        .usage = name_ "(y, x)", .help = (help_), .aggregate = {                                   \
            .state_bytes = sizeof(struct regression_state),                                        \
            .update = regression_update,                                                           \
            .result = regression_result                                                            \
        }                                                                                          \
    }
#define SHAPE(name_, kind_, help_)                                                                 \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 1, .arguments_max = 1,       \
        .deterministic = true, .variant = (kind_), .signature = "double -> double",                \
        .usage = name_ "(number)", .help = (help_), .aggregate = {                                 \
            .state_bytes = sizeof(struct shape_state),                                             \
            .update = shape_update,                                                                \
            .result = shape_result                                                                 \
        }                                                                                          \
    }

static const struct sql_function rows[] = {
    REGRESSION("regr_count", REGRESSION_COUNT, "bigint", "How many pairs have no null."),
    REGRESSION("regr_avgy", REGRESSION_A_MEAN, "double", "Mean of y where x is not null."),
    REGRESSION("regr_avgx", REGRESSION_B_MEAN, "double", "Mean of x where y is not null."),
    REGRESSION("regr_syy", REGRESSION_A_SQUARES, "double", "Sum of the squares of y's deviations."),
    REGRESSION("regr_sxx", REGRESSION_B_SQUARES, "double", "Sum of the squares of x's deviations."),
    REGRESSION("regr_sxy", REGRESSION_PRODUCTS, "double", "Sum of the deviations' products."),
    REGRESSION("regr_slope", REGRESSION_SLOPE, "double", "Slope of the line through the pairs."),
    REGRESSION("regr_intercept", REGRESSION_INTERCEPT, "double", "Where that line has x = 0."),
    REGRESSION("regr_r2", REGRESSION_R2, "double", "How well the line fits, from 0 to 1."),
    SHAPE("skewness", SHAPE_SKEWNESS, "How uneven the sides of the distribution are."),
    SHAPE("kurtosis", SHAPE_KURTOSIS, "How heavy its ends are; 0 for a normal distribution."),
};

FUNCTION_FAMILY(functions_regression, rows);
