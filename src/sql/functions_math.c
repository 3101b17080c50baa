/* Mathematics: powers, logarithms, trigonometry, random numbers. */

#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <math.h>
#include <stdio.h>

/* ---- functions of one double ---- */

static double math_rint(double x)
{
    return nearbyint(x);
}

static double math_sign(double x)
{
    return isnan(x) || x == 0 ? x : (x > 0) - (x < 0);
}

static double with_high_word(double x, uint32_t high)
{
    uint64_t bits = (uint64_t) high << 32;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t high_word(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint32_t) (bits >> 32);
}

/* As Java has it to the last bit: the algorithm of fdlibm's s_cbrt.c (within 0.667 ulp). */
static double math_cbrt(double x)
{
    double size = fabs(x);
    if (size == 0 || !isfinite(x)) {
        return x;
    }
    double t = high_word(size) < 0x00100000
                   ? with_high_word(0, high_word(0x1p54 * size) / 3 + 696219795)
                   : with_high_word(0, high_word(size) / 3 + 715094163);
    double r = t * t / size;
    double s = 19.0 / 35 + r * t;
    t *= 5.0 / 14 + 45.0 / 28 / (s + 99.0 / 70 + -864.0 / 1225 / s);
    t = with_high_word(t, high_word(t) + 1); /* 20 bits, and larger than the root */
    s = t * t;
    r = size / s;
    r = (r - t) / (t + t + r);
    return copysign(t + t * r, x);
}

static double math_degrees(double x)
{
    return x * (180.0 / M_PI);
}

static double math_radians(double x)
{
    return x * (M_PI / 180.0);
}

static double math_cot(double x)
{
    return 1 / tan(x);
}

static double math_sec(double x)
{
    return 1 / cos(x);
}

static double math_csc(double x)
{
    return 1 / sin(x);
}

enum math_id {
    MATH_SQRT,
    MATH_CBRT,
    MATH_EXP,
    MATH_EXPM1,
    MATH_LN,
    MATH_LOG10,
    MATH_LOG2,
    MATH_LOG1P,
    MATH_SIN,
    MATH_COS,
    MATH_TAN,
    MATH_ASIN,
    MATH_ACOS,
    MATH_ATAN,
    MATH_SINH,
    MATH_COSH,
    MATH_TANH,
    MATH_ASINH,
    MATH_ACOSH,
    MATH_ATANH,
    MATH_COT,
    MATH_SEC,
    MATH_CSC,
    MATH_DEGREES,
    MATH_RADIANS,
    MATH_RINT,
    MATH_SIGN,
};

static const struct {
    double (*call)(double);
    double above; /* null at and below it (logarithms) */
} math_table[] = {
    [MATH_SQRT] = {sqrt, -INFINITY},
    [MATH_CBRT] = {math_cbrt, -INFINITY},
    [MATH_EXP] = {exp, -INFINITY},
    [MATH_EXPM1] = {expm1, -INFINITY},
    [MATH_LN] = {log, 0},
    [MATH_LOG10] = {log10, 0},
    [MATH_LOG2] = {log2, 0},
    [MATH_LOG1P] = {log1p, -1},
    [MATH_SIN] = {sin, -INFINITY},
    [MATH_COS] = {cos, -INFINITY},
    [MATH_TAN] = {tan, -INFINITY},
    [MATH_ASIN] = {asin, -INFINITY},
    [MATH_ACOS] = {acos, -INFINITY},
    [MATH_ATAN] = {atan, -INFINITY},
    [MATH_SINH] = {sinh, -INFINITY},
    [MATH_COSH] = {cosh, -INFINITY},
    [MATH_TANH] = {tanh, -INFINITY},
    [MATH_ASINH] = {asinh, -INFINITY},
    [MATH_ACOSH] = {acosh, -INFINITY},
    [MATH_ATANH] = {atanh, -INFINITY},
    [MATH_COT] = {math_cot, -INFINITY},
    [MATH_SEC] = {math_sec, -INFINITY},
    [MATH_CSC] = {math_csc, -INFINITY},
    [MATH_DEGREES] = {math_degrees, -INFINITY},
    [MATH_RADIANS] = {math_radians, -INFINITY},
    [MATH_RINT] = {math_rint, -INFINITY},
    [MATH_SIGN] = {math_sign, -INFINITY},
};

static const struct column *call_math(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    double (*function)(double) = math_table[call->function->variant].call;
    double above = math_table[call->function->variant].above;
    double *values = output.values;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        double value = ARG_VALUE(x, double, i);
        if (above > -INFINITY && value <= above) {
            output_null(&output, i);
        } else {
            values[i] = function(value);
        }
    }
    return output_finish(&output);
}

enum {
    PAIR_POWER,
    PAIR_ATAN2,
    PAIR_HYPOT,
    PAIR_LOG
};

/* log(x) or log(base, x); null where one is not positive. */
static double math_log(double base, double x)
{
    return log(x) / log(base);
}

static const struct column *call_pair(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[call->argument_count - 1], output.rows);
    double *values = output.values;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        double a = ARG_VALUE(x, double, i);
        double b = ARG_VALUE(y, double, i);
        switch (call->function->variant) {
        case PAIR_POWER:
            values[i] = pow(a, b);
            break;
        case PAIR_ATAN2:
            values[i] = atan2(a + 0.0, b + 0.0);
            break;
        case PAIR_HYPOT:
            values[i] = hypot(a, b);
            break;
        default:
            if (a <= 0 || b <= 0) {
                output_null(&output, i);
            } else {
                values[i] = call->argument_count == 1 ? log(b) : math_log(a, b);
            }
            break;
        }
    }
    return output_finish(&output);
}

static const struct column *call_constant(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    for (int64_t i = 0; i < output.rows; i++) {
        ((double *) output.values)[i] = call->function->variant == 0 ? M_E : M_PI;
    }
    return output_finish(&output);
}

/* ---- others ---- */

static const struct column *call_factorial(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        int64_t n = output_is_null(&output, i) ? 0 : arg_int(x, i);
        if (n < 0 || n > 20) {
            output_null(&output, i);
            continue;
        }
        int64_t product = 1;
        for (int64_t k = 2; k <= n; k++) {
            product *= k;
        }
        ((int64_t *) output.values)[i] = product;
    }
    return output_finish(&output);
}

/* splitmix64: one state for a batch, so rows differ and nothing is replayable. */
static uint64_t random_next(struct eval *eval)
{
    uint64_t z = eval->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

enum {
    RANDOM_UNIFORM,
    RANDOM_NORMAL
};

static const struct column *call_rand(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    double *values = output.values;
    for (int64_t i = 0; i < output.rows; i++) {
        values[i] = (double) (random_next(eval) >> 11) * 0x1p-53;
        if (call->function->variant == RANDOM_NORMAL) {
            double angle = 2 * M_PI * (double) (random_next(eval) >> 11) * 0x1p-53;
            values[i] = sqrt(-2 * log(1 - values[i])) * cos(angle);
        }
    }
    return output_finish(&output);
}

static const struct column *call_uuid(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, NULL, 0, (size_t) eval->batch->length * 36);
    for (int64_t i = 0; i < text.base.rows; i++) {
        uint64_t high = (random_next(eval) & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
        uint64_t low = (random_next(eval) & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
        char *target = (char *) text_reserve(&text, 40);
        text.size +=
            (size_t) snprintf(target, 40, "%08x-%04x-%04x-%04x-%012llx", (unsigned) (high >> 32),
                              (unsigned) (high >> 16 & 0xffff), (unsigned) (high & 0xffff),
                              (unsigned) (low >> 48), (unsigned long long) (low & 0xffffffffffff));
        text_end(&text, i);
    }
    return text_finish(&text);
}

static const struct column *call_width_bucket(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 4);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        double value = ARG_VALUE(arg_of(arguments[0], output.rows), double, i);
        double low = ARG_VALUE(arg_of(arguments[1], output.rows), double, i);
        double high = ARG_VALUE(arg_of(arguments[2], output.rows), double, i);
        int64_t count = arg_int(arg_of(arguments[3], output.rows), i);
        if (count <= 0 || count == INT64_MAX || low == high || !isfinite(low) || !isfinite(high) ||
            isnan(value)) {
            output_null(&output, i);
            continue;
        }
        bool below = low < high ? value < low : value > low;
        bool beyond = low < high ? value >= high : value <= high;
        ((int64_t *) output.values)[i] =
            below    ? 0
            : beyond ? count + 1
                     : (int64_t) ((double) count * (value - low) / (high - low)) + 1;
    }
    return output_finish(&output);
}

#define MATH(name, id, help)                                                                       \
    SCALAR_VARIANT(name, id, 1, 1, "double -> double", call_math, name "(number)", help)
#define PAIR(name, id, min, usage, help)                                                           \
    SCALAR_VARIANT(name, id, min, 2, "double, double -> double", call_pair, usage, help)
#define RANDOM(name_, variant_, max_, signature_, call_, help_)                                    \
    {                                                                                              \
        .name = (name_), .arguments_max = (max_), .variant = (variant_),                           \
        .signature = (signature_), .usage = name_ "()", .help = (help_), .call = (call_)           \
    }

static const struct sql_function rows[] = {
    MATH("sqrt", MATH_SQRT, "Square root; NaN for negative numbers."),
    MATH("cbrt", MATH_CBRT, "Cube root."),
    MATH("exp", MATH_EXP, "e to the power of the number."),
    MATH("expm1", MATH_EXPM1, "exp(number) - 1, exact near 0."),
    MATH("ln", MATH_LN, "Natural logarithm; null where there is none."),
    MATH("log10", MATH_LOG10, "Logarithm to base 10; null where there is none."),
    MATH("log2", MATH_LOG2, "Logarithm to base 2; null where there is none."),
    MATH("log1p", MATH_LOG1P, "ln(1 + number), exact near 0."),
    MATH("sin", MATH_SIN, "Sine."),
    MATH("cos", MATH_COS, "Cosine."),
    MATH("tan", MATH_TAN, "Tangent."),
    MATH("asin", MATH_ASIN, "Inverse sine."),
    MATH("acos", MATH_ACOS, "Inverse cosine."),
    MATH("atan", MATH_ATAN, "Inverse tangent."),
    MATH("sinh", MATH_SINH, "Hyperbolic sine."),
    MATH("cosh", MATH_COSH, "Hyperbolic cosine."),
    MATH("tanh", MATH_TANH, "Hyperbolic tangent."),
    MATH("asinh", MATH_ASINH, "Inverse hyperbolic sine."),
    MATH("acosh", MATH_ACOSH, "Inverse hyperbolic cosine."),
    MATH("atanh", MATH_ATANH, "Inverse hyperbolic tangent."),
    MATH("cot", MATH_COT, "Cotangent."),
    MATH("sec", MATH_SEC, "Secant."),
    MATH("csc", MATH_CSC, "Cosecant."),
    MATH("degrees", MATH_DEGREES, "Radians as degrees."),
    MATH("radians", MATH_RADIANS, "Degrees as radians."),
    MATH("rint", MATH_RINT, "The nearest whole number, the even one of two."),
    MATH("sign", MATH_SIGN, "-1.0, 0.0 or 1.0."),
    MATH("signum", MATH_SIGN, "-1.0, 0.0 or 1.0."),
    PAIR("power", PAIR_POWER, 2, "power(a, b)", "a to the power of b."),
    PAIR("pow", PAIR_POWER, 2, "pow(a, b)", "a to the power of b."),
    PAIR("atan2", PAIR_ATAN2, 2, "atan2(y, x)", "Angle of the point (x, y)."),
    PAIR("hypot", PAIR_HYPOT, 2, "hypot(a, b)", "sqrt(a*a + b*b)."),
    PAIR("log", PAIR_LOG, 1, "log([base, ]number)", "Logarithm; natural without a base."),
    SCALAR_VARIANT("e", 0, 0, 0, "-> double", call_constant, "e()", "Euler's number."),
    SCALAR_VARIANT("pi", 1, 0, 0, "-> double", call_constant, "pi()", "The number pi."),
    SCALAR("factorial",
           1,
           1,
           "int -> bigint",
           call_factorial,
           "factorial(n)",
           "The factorial of 0 to 20, else null."),
    SCALAR("width_bucket",
           4,
           4,
           "double, double, double, bigint -> bigint",
           call_width_bucket,
           "width_bucket(value, low, high, buckets)",
           "Which of equally wide buckets the value falls into."),
    RANDOM("rand", RANDOM_UNIFORM, 1, "any -> double", call_rand, "Uniform, from 0 to below 1."),
    RANDOM("random", RANDOM_UNIFORM, 1, "any -> double", call_rand, "Uniform, from 0 to below 1."),
    RANDOM("randn", RANDOM_NORMAL, 1, "any -> double", call_rand, "Standard normal."),
    RANDOM("uuid", 0, 0, "-> string", call_uuid, "A random UUID; not the same after a replay."),
};

FUNCTION_FAMILY(functions_math, rows);
