#include "sql/cast_internal.h"

#include "sql/datetime.h"
#include "sql/decimal.h"

#include <math.h>

void cast_fail(const struct cast *cast, struct output *output, int64_t row)
{
    if (cast->try_cast) {
        output_null(output, row);
        return;
    }
    struct buffer text = BUFFER_INIT;
    struct buffer type = BUFFER_INIT;
    value_write_text(cast->from, row, &text);
    type_write(cast->to, &type);
    bool quoted = cast->from->type->id == TYPE_STRING;
    output_fail(output, row, "cannot cast %s%.200s%s to %s", quoted ? "'" : "",
                buffer_string(&text), quoted ? "'" : "", buffer_string(&type));
    buffer_deinit(&text);
    buffer_deinit(&type);
}

/* ---- numbers ---- */

#define CAST_WIDEN(source, target)                                                                 \
    do {                                                                                           \
        const source *from_values = cast->from->values;                                            \
        target *to_values = output->values;                                                        \
        for (int64_t i = 0; i < output->rows; i++) {                                               \
            to_values[i] = (target) from_values[i];                                                \
        }                                                                                          \
    } while (0)

/* From any integer type to a C type that holds 64-bit integers or is floating. */
#define CAST_FROM_INTEGER(target)                                                                  \
    do {                                                                                           \
        switch (type_width(cast->from->type)) {                                                    \
        case 1:                                                                                    \
            CAST_WIDEN(int8_t, target);                                                            \
            break;                                                                                 \
        case 2:                                                                                    \
            CAST_WIDEN(int16_t, target);                                                           \
            break;                                                                                 \
        case 4:                                                                                    \
            CAST_WIDEN(int32_t, target);                                                           \
            break;                                                                                 \
        default:                                                                                   \
            CAST_WIDEN(int64_t, target);                                                           \
            break;                                                                                 \
        }                                                                                          \
    } while (0)

static bool is_integer(const struct type *type)
{
    return type_is_integral(type);
}

static bool is_floating(const struct type *type)
{
    return type->id == TYPE_FLOAT || type->id == TYPE_DOUBLE;
}

/* The value as a 64-bit integer, cut toward zero; false if it is none. */
static bool read_integer(const struct column *column, int64_t row, int64_t *ret_value)
{
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        *ret_value = column_bool(column, row);
        return true;
    case TYPE_FLOAT:
    case TYPE_DOUBLE: {
        double value = column_double(column, row);
        if (!(value > -0x1p63 - 1025.0 && value < 0x1p63)) {
            return false;
        }
        *ret_value = value <= -0x1p63 ? INT64_MIN : (int64_t) value;
        return true;
    }
    case TYPE_DECIMAL: {
        int128 value = ((const int128 *) column->values)[row];
        int128 whole = value / decimal_power10(column->type->scale);
        *ret_value = (int64_t) whole;
        return whole == *ret_value;
    }
    case TYPE_TIMESTAMP:
        *ret_value = floor_divide(column_int(column, row), US_PER_SECOND);
        return true;
    case TYPE_INTERVAL:
        *ret_value = column_int(column, row) / US_PER_SECOND;
        return true;
    default:
        *ret_value = column_int(column, row);
        return true;
    }
}

static bool integer_fits(const struct type *type, int64_t value)
{
    switch (type_width(type)) {
    case 1:
        return value == (int8_t) value;
    case 2:
        return value == (int16_t) value;
    case 4:
        return value == (int32_t) value;
    default:
        return true;
    }
}

static void cast_to_integer(const struct cast *cast, struct output *output)
{
    if (is_integer(cast->from->type) && type_width(cast->to) == 8) {
        CAST_FROM_INTEGER(int64_t);
        return;
    }
    for (int64_t i = 0; i < output->rows; i++) {
        int64_t value;
        if (output_is_null(output, i)) {
            continue;
        }
        if (read_integer(cast->from, i, &value) && integer_fits(cast->to, value)) {
            output_int(output, i, value);
        } else {
            cast_fail(cast, output, i);
        }
    }
}

static double read_double(const struct column *column, int64_t row)
{
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        return column_bool(column, row);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return column_double(column, row);
    case TYPE_DECIMAL:
        return decimal_to_double(((const int128 *) column->values)[row], column->type->scale);
    case TYPE_TIMESTAMP:
        return (double) column_int(column, row) / (double) US_PER_SECOND;
    default:
        return (double) column_int(column, row);
    }
}

static void cast_to_floating(const struct cast *cast, struct output *output)
{
    bool wide = cast->to->id == TYPE_DOUBLE;
    if (is_integer(cast->from->type) && wide) {
        CAST_FROM_INTEGER(double);
    } else if (is_integer(cast->from->type)) {
        CAST_FROM_INTEGER(float);
    } else {
        for (int64_t i = 0; i < output->rows; i++) {
            double value = output_is_null(output, i) ? 0 : read_double(cast->from, i);
            if (wide) {
                ((double *) output->values)[i] = value;
            } else {
                ((float *) output->values)[i] = (float) value;
            }
        }
    }
}

static bool read_decimal(const struct column *column, int64_t row, int scale, int128 *ret_value)
{
    switch (column->type->id) {
    case TYPE_DECIMAL:
        return decimal_rescale(((const int128 *) column->values)[row], column->type->scale, scale,
                               ret_value);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return decimal_from_double(column_double(column, row), scale, ret_value);
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
        return decimal_rescale(column_int(column, row), 6, scale, ret_value);
    case TYPE_BOOLEAN:
        return decimal_rescale(column_bool(column, row), 0, scale, ret_value);
    default:
        return decimal_rescale(column_int(column, row), 0, scale, ret_value);
    }
}

static void cast_to_decimal(const struct cast *cast, struct output *output)
{
    for (int64_t i = 0; i < output->rows; i++) {
        int128 value;
        if (output_is_null(output, i)) {
            continue;
        }
        if (read_decimal(cast->from, i, cast->to->scale, &value) &&
            decimal_fits(value, cast->to->precision)) {
            ((int128 *) output->values)[i] = value;
        } else if (is_floating(cast->from->type) && !isfinite(column_double(cast->from, i))) {
            output_null(output, i); /* as Spark: no error */
        } else {
            cast_fail(cast, output, i);
        }
    }
}

static void cast_to_boolean(const struct cast *cast, struct output *output)
{
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        bool value = is_floating(cast->from->type) ? column_double(cast->from, i) != 0
                     : cast->from->type->id == TYPE_DECIMAL
                         ? ((const int128 *) cast->from->values)[i] != 0
                         : column_int(cast->from, i) != 0;
        output_bool(output, i, value);
    }
}

/* ---- times ---- */

static void cast_to_timestamp(const struct cast *cast, struct output *output)
{
    int64_t unit = cast->from->type->id == TYPE_DATE ? US_PER_DAY : US_PER_SECOND;
    int64_t *values = output->values;
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        if (is_floating(cast->from->type)) {
            double value = column_double(cast->from, i) * (double) US_PER_SECOND;
            if (value >= -0x1p63 && value < 0x1p63) {
                values[i] = (int64_t) value;
            } else {
                cast_fail(cast, output, i);
            }
        } else if (cast->from->type->id == TYPE_DECIMAL) {
            int128 value;
            if (decimal_rescale_toward(((const int128 *) cast->from->values)[i],
                                       cast->from->type->scale, 6, 0, &value) &&
                value == (int64_t) value) {
                values[i] = (int64_t) value;
            } else {
                cast_fail(cast, output, i);
            }
        } else if (__builtin_mul_overflow(column_int(cast->from, i), unit, &values[i])) {
            cast_fail(cast, output, i);
        }
    }
}

static void cast_to_date(const struct cast *cast, struct output *output)
{
    for (int64_t i = 0; i < output->rows; i++) {
        if (!output_is_null(output, i)) {
            output_int(output, i, floor_divide(column_int(cast->from, i), US_PER_DAY));
        }
    }
}

static void cast_to_interval(const struct cast *cast, struct output *output)
{
    int64_t unit = cast->to->id == TYPE_INTERVAL ? US_PER_SECOND : 1;
    for (int64_t i = 0; i < output->rows; i++) {
        int64_t value;
        if (output_is_null(output, i)) {
            continue;
        }
        if (__builtin_mul_overflow(column_int(cast->from, i), unit, &value)) {
            cast_fail(cast, output, i);
        } else {
            output_int(output, i, value);
        }
    }
}

/* ---- nested types ---- */

/* Casts a child column, whose rows are not those of the batch: row `owner[i]` fails with row i. */
static const struct column *cast_child(const struct cast *cast,
                                       const struct column *child,
                                       const struct type *to,
                                       const int32_t *owner)
{
    struct batch batch = {.length = child->length};
    struct eval nested = *cast->eval;
    nested.batch = &batch;
    nested.active = NULL;
    nested.failed = NULL;
    nested.errors = NULL;
    nested.error_count = 0;
    nested.error_capacity = 0;
    const struct column *result =
        cast_column(&nested, child, to, cast->try_cast, cast->call.offset);
    for (size_t i = 0; i < nested.error_count; i++) {
        int64_t row = owner[nested.errors[i].row];
        if (row >= 0) {
            eval_fail(cast->eval, row, nested.errors[i].offset, "%s", nested.errors[i].message);
        }
    }
    return result;
}

/* Which row each element of a list belongs to; -1 for elements under nulls. */
static int32_t *owners_of(const struct cast *cast, int64_t elements)
{
    size_t bytes = (size_t) elements * sizeof(int32_t);
    int32_t *owner = arena_alloc(cast->eval->arena, bytes);
    memset(owner, 0xff, bytes);
    for (int64_t i = 0; i < cast->from->length; i++) {
        if (!column_is_null(cast->from, i)) {
            if (cast->from->offsets == NULL) {
                owner[i] = (int32_t) i;
                continue;
            }
            for (int32_t e = cast->from->offsets[i]; e < cast->from->offsets[i + 1]; e++) {
                owner[e] = (int32_t) i;
            }
        }
    }
    return owner;
}

static const struct column *cast_nested(const struct cast *cast)
{
    const struct column *from = cast->from;
    struct column *result = ARENA_NEW(cast->eval->arena, struct column);
    *result = *from;
    result->type = cast->to;
    uint32_t count = cast->to->field_count;
    const struct column **children = ARENA_ARRAY(cast->eval->arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct column *child = from->children[i];
        children[i] =
            cast_child(cast, child, cast->to->fields[i].type, owners_of(cast, child->length));
    }
    result->children = children;
    return result;
}

/* ---- dispatch ---- */

static const struct column *cast_plain(struct cast *cast)
{
    struct output output;
    output_init(&output, cast->eval, &cast->call, &cast->from, 1);
    switch (cast->to->id) {
    case TYPE_BOOLEAN:
        cast_to_boolean(cast, &output);
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        cast_to_floating(cast, &output);
        break;
    case TYPE_DECIMAL:
        cast_to_decimal(cast, &output);
        break;
    case TYPE_TIMESTAMP:
        cast_to_timestamp(cast, &output);
        break;
    case TYPE_DATE:
        cast_to_date(cast, &output);
        break;
    case TYPE_INTERVAL:
    case TYPE_INTERVAL_MONTHS:
        cast_to_interval(cast, &output);
        break;
    default:
        cast_to_integer(cast, &output);
        break;
    }
    return output_finish(&output);
}

const struct column *cast_column(struct eval *eval,
                                 const struct column *column,
                                 const struct type *to,
                                 bool try_cast,
                                 size_t offset)
{
    if (type_equal(column->type, to)) {
        return column;
    }
    if (column->type->id == TYPE_NULL) {
        return column_nulls(eval->arena, to, column->length);
    }
    struct cast cast = {.eval = eval,
                        .from = column,
                        .to = to,
                        .try_cast = try_cast,
                        .call = {.kind = EXPR_CAST, .type = to, .offset = offset}};
    if (to->id == TYPE_STRING) {
        return cast_to_string(&cast);
    }
    if (column->type->id == TYPE_STRING) {
        return cast_from_string(&cast);
    }
    if (to->field_count > 0) {
        return cast_nested(&cast);
    }
    return cast_plain(&cast);
}
