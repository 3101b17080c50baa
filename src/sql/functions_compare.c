/* = <> < <= > >= <=> of any types that have an order, null tests, greatest and least. */

#include "sql/coerce.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <math.h>

enum comparison {
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_EQUAL,
    COMPARE_NULL_SAFE,
};

#define INLINE static inline __attribute__((always_inline))

INLINE bool holds(enum comparison op, int order)
{
    switch (op) {
    case COMPARE_NOT_EQUAL:
        return order != 0;
    case COMPARE_LESS:
        return order < 0;
    case COMPARE_LESS_EQUAL:
        return order <= 0;
    case COMPARE_GREATER:
        return order > 0;
    case COMPARE_GREATER_EQUAL:
        return order >= 0;
    default:
        return order == 0;
    }
}

/* Runs `expression` (a bool of row i) over all rows, 64 results a store. */
#define BITS_FROM(expression)                                                                      \
    do {                                                                                           \
        uint8_t *bits = output->values;                                                            \
        for (int64_t base = 0; base < output->rows; base += 64) {                                  \
            int64_t end = base + 64 < output->rows ? base + 64 : output->rows;                     \
            uint64_t word = 0;                                                                     \
            for (int64_t i = base; i < end; i++) {                                                 \
                word |= (uint64_t) (expression) << (i - base);                                     \
            }                                                                                      \
            memcpy(bits + base / 8, &word, 8); /* bitmaps have room for whole words */             \
        }                                                                                          \
    } while (0)

/* NaN equals itself and is larger than all others, as in Spark; -0.0 equals 0.0. */
INLINE int order_double(double a, double b)
{
    if (a < b) {
        return -1;
    }
    if (a > b) {
        return 1;
    }
    return a == b ? 0 : (isnan(a) != 0) - (isnan(b) != 0);
}

#define ORDER_PLAIN(a, b) (((a) > (b)) - ((a) < (b)))

#define COMPARE_KERNEL(name, ctype, order)                                                         \
    INLINE void loop_##name(enum comparison op, struct arg x, struct arg y, struct output *output) \
    {                                                                                              \
        const ctype *a = x.column->values;                                                         \
        const ctype *b = y.column->values;                                                         \
        BITS_FROM(holds(op, order(a[i & x.mask], b[i & y.mask])));                                 \
    }                                                                                              \
                                                                                                   \
    static void kernel_##name(enum comparison op, struct arg x, struct arg y,                      \
                              struct output *output)                                               \
    {                                                                                              \
        switch (op) {                                                                              \
        case COMPARE_NOT_EQUAL:                                                                    \
            loop_##name(COMPARE_NOT_EQUAL, x, y, output);                                          \
            break;                                                                                 \
        case COMPARE_LESS:                                                                         \
            loop_##name(COMPARE_LESS, x, y, output);                                               \
            break;                                                                                 \
        case COMPARE_LESS_EQUAL:                                                                   \
            loop_##name(COMPARE_LESS_EQUAL, x, y, output);                                         \
            break;                                                                                 \
        case COMPARE_GREATER:                                                                      \
            loop_##name(COMPARE_GREATER, x, y, output);                                            \
            break;                                                                                 \
        case COMPARE_GREATER_EQUAL:                                                                \
            loop_##name(COMPARE_GREATER_EQUAL, x, y, output);                                      \
            break;                                                                                 \
        default:                                                                                   \
            loop_##name(COMPARE_EQUAL, x, y, output);                                              \
            break;                                                                                 \
        }                                                                                          \
    }

COMPARE_KERNEL(int8, int8_t, ORDER_PLAIN)
COMPARE_KERNEL(int16, int16_t, ORDER_PLAIN)
COMPARE_KERNEL(int32, int32_t, ORDER_PLAIN)
COMPARE_KERNEL(int64, int64_t, ORDER_PLAIN)
COMPARE_KERNEL(int128, int128, ORDER_PLAIN)
COMPARE_KERNEL(double, double, order_double)
COMPARE_KERNEL(float, float, order_double)

static void kernel_bytes(enum comparison op, struct arg x, struct arg y, struct output *output)
{
    if (op == COMPARE_EQUAL || op == COMPARE_NOT_EQUAL || op == COMPARE_NULL_SAFE) {
        bool wanted = op != COMPARE_NOT_EQUAL;
        BITS_FROM(slice_equal(arg_bytes(x, i), arg_bytes(y, i)) == wanted);
        return;
    }
    BITS_FROM(holds(op, slice_compare(arg_bytes(x, i), arg_bytes(y, i))));
}

static void kernel_any(enum comparison op, struct arg x, struct arg y, struct output *output)
{
    for (int64_t i = 0; i < output->rows; i++) {
        if (!arg_is_null(x, i) && !arg_is_null(y, i)) {
            int order = column_compare(x.column, arg_row(x, i), y.column, arg_row(y, i));
            output_bool(output, i, holds(op, order));
        }
    }
}

static void compare_values(enum comparison op, struct arg x, struct arg y, struct output *output)
{
    if (output->rows == 0 || x.column->type->id == TYPE_NULL) {
        return;
    }
    switch (x.column->type->id) {
    case TYPE_TINYINT:
        kernel_int8(op, x, y, output);
        break;
    case TYPE_SMALLINT:
        kernel_int16(op, x, y, output);
        break;
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_INTERVAL_MONTHS:
        kernel_int32(op, x, y, output);
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
        kernel_int64(op, x, y, output);
        break;
    case TYPE_DECIMAL:
        kernel_int128(op, x, y, output);
        break;
    case TYPE_DOUBLE:
        kernel_double(op, x, y, output);
        break;
    case TYPE_FLOAT:
        kernel_float(op, x, y, output);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        kernel_bytes(op, x, y, output);
        break;
    default:
        kernel_any(op, x, y, output);
        break;
    }
}

static const struct column *call_compare(CALL_PARAMETERS)
{
    enum comparison op = (enum comparison) call->function->variant;
    struct output output;
    bool null_safe = op == COMPARE_NULL_SAFE;
    output_init(&output, eval, call, arguments, null_safe ? 0 : 2);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[1], output.rows);
    compare_values(op, x, y, &output);
    if (null_safe && (x.column->null_count > 0 || y.column->null_count > 0)) {
        for (int64_t i = 0; i < output.rows; i++) {
            bool x_null = arg_is_null(x, i);
            bool y_null = arg_is_null(y, i);
            if (x_null || y_null) {
                bit_clear(output.values, i);
                output_bool(&output, i, x_null && y_null);
            }
        }
    }
    return output_finish(&output);
}

static const struct column *call_not(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    memset(output.values, 0xff, bits_bytes(output.rows));
    bits_and_not(output.values, bits_true(eval->arena, x, output.rows), output.rows);
    return output_finish(&output);
}

enum {
    TEST_NULL,
    TEST_NOT_NULL,
    TEST_NAN
};

static const struct column *call_null_test(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    struct arg x = arg_of(arguments[0], output.rows);
    bool wanted = call->function->variant == TEST_NULL;
    for (int64_t i = 0; i < output.rows; i++) {
        output_bool(&output, i, arg_is_null(x, i) == wanted);
    }
    return output_finish(&output);
}

static const struct column *call_isnan(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        output_bool(&output, i, !arg_is_null(x, i) && isnan(arg_double(x, i)));
    }
    return output_finish(&output);
}

/* Nulls do not count; null if there is nothing else. */
static const struct column *call_extreme(CALL_PARAMETERS)
{
    int64_t rows = eval->batch->length;
    int32_t *choice = arena_alloc(eval->arena, (size_t) rows * sizeof *choice);
    int wanted = call->function->variant;
    for (int64_t i = 0; i < rows; i++) {
        choice[i] = -1;
        for (uint32_t a = 0; a < call->argument_count; a++) {
            struct arg candidate = arg_of(arguments[a], rows);
            if (arg_is_null(candidate, i)) {
                continue;
            }
            if (choice[i] >= 0) {
                struct arg best = arg_of(arguments[choice[i]], rows);
                int order = column_compare(candidate.column, arg_row(candidate, i), best.column,
                                           arg_row(best, i));
                if (order * wanted <= 0) {
                    continue;
                }
            }
            choice[i] = (int32_t) a;
        }
    }
    return column_choose(eval->arena, call->type, arguments, call->argument_count, choice, rows);
}

/* A comparison of a literal that is not comparable in its own type would surprise: Spark casts the
 * string to the other's type, which is what type_common does. */
#define COMPARISON(name, op, help)                                                                 \
    SCALAR_VARIANT(name, op, 2, 2, "ordered, ordered -> boolean", call_compare, "a " name " b",    \
                   help)

static const struct sql_function rows[] = {
    COMPARISON("=", COMPARE_EQUAL, "True if equal; null if one is null."),
    COMPARISON("==", COMPARE_EQUAL, "True if equal; null if one is null."),
    COMPARISON("<>", COMPARE_NOT_EQUAL, "True if not equal; null if one is null."),
    COMPARISON("!=", COMPARE_NOT_EQUAL, "True if not equal; null if one is null."),
    COMPARISON("<", COMPARE_LESS, "True if a is smaller."),
    COMPARISON("<=", COMPARE_LESS_EQUAL, "True if a is smaller or equal."),
    COMPARISON(">", COMPARE_GREATER, "True if a is larger; NaN is the largest number."),
    COMPARISON(">=", COMPARE_GREATER_EQUAL, "True if a is larger or equal."),
    COMPARISON("<=>", COMPARE_NULL_SAFE, "True if equal or both null; never null."),
    SCALAR_VARIANT("equal_null",
                   COMPARE_NULL_SAFE,
                   2,
                   2,
                   "ordered, ordered -> boolean",
                   call_compare,
                   "equal_null(a, b)",
                   "True if equal or both null; never null."),
    SCALAR("not", 1, 1, "boolean -> boolean", call_not, "NOT a", "True if a is false."),
    SCALAR("!", 1, 1, "boolean -> boolean", call_not, "! a", "True if a is false."),
    SCALAR_VARIANT("isnull",
                   TEST_NULL,
                   1,
                   1,
                   "any -> boolean",
                   call_null_test,
                   "isnull(a)",
                   "True if a is null."),
    SCALAR_VARIANT("isnotnull",
                   TEST_NOT_NULL,
                   1,
                   1,
                   "any -> boolean",
                   call_null_test,
                   "isnotnull(a)",
                   "True if a is not null."),
    SCALAR("isnan",
           1,
           1,
           "double -> boolean",
           call_isnan,
           "isnan(number)",
           "True if the number is NaN; false for null."),
    SCALAR_VARIANT("greatest",
                   1,
                   2,
                   ARGUMENTS_ANY,
                   "ordered... -> common",
                   call_extreme,
                   "greatest(a, b, ...)",
                   "The largest value that is not null."),
    SCALAR_VARIANT("least",
                   -1,
                   2,
                   ARGUMENTS_ANY,
                   "ordered... -> common",
                   call_extreme,
                   "least(a, b, ...)",
                   "The smallest value that is not null."),
};

FUNCTION_FAMILY(functions_compare, rows);
