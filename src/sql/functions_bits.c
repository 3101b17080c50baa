/* Bits of whole numbers. */

#include "sql/function_internal.h"
#include "sql/kernels.h"

enum {
    BIT_AND,
    BIT_OR,
    BIT_XOR,
    BIT_NOT,
    BIT_SHIFT_LEFT,
    BIT_SHIFT_RIGHT,
    BIT_SHIFT_UNSIGNED
};

static enum status resolve_bits(RESOLVE_PARAMETERS)
{
    bool shift = function->variant >= BIT_SHIFT_LEFT;
    if (shift) {
        TRY(function_want(function, types, 1, type_plain(TYPE_INT), error));
        types[0] = types[0]->id == TYPE_BIGINT ? types[0] : type_plain(TYPE_INT);
        *ret_type = types[0];
        return STATUS_OK;
    }
    TRY(function_common(function, types, 0, count, arena, ret_type, error));
    if (ret_type[0]->id == TYPE_NULL || ret_type[0]->id == TYPE_STRING) {
        *ret_type = type_plain(TYPE_BIGINT);
    }
    if (!type_is_integral(*ret_type)) {
        return function_type_error(function, 0, *ret_type, "an integer", error);
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = *ret_type;
    }
    return STATUS_OK;
}

static int64_t shift(int op, bool wide, int64_t value, int64_t by)
{
    unsigned places = (unsigned) by & (wide ? 63 : 31);
    switch (op) {
    case BIT_SHIFT_LEFT:
        return wide ? (int64_t) ((uint64_t) value << places)
                    : (int32_t) ((uint32_t) value << places);
    case BIT_SHIFT_RIGHT:
        return value >> places;
    default:
        return wide ? (int64_t) ((uint64_t) value >> places)
                    : (int32_t) ((uint32_t) value >> places);
    }
}

static const struct column *call_bits(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[call->argument_count - 1], output.rows);
    int op = call->function->variant;
    bool wide = call->type->id == TYPE_BIGINT;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        int64_t a = arg_int(x, i);
        int64_t b = arg_int(y, i);
        output_int(&output, i,
                   op == BIT_AND   ? (a & b)
                   : op == BIT_OR  ? (a | b)
                   : op == BIT_XOR ? (a ^ b)
                   : op == BIT_NOT ? ~a
                                   : shift(op, wide, a, b));
    }
    return output_finish(&output);
}

enum {
    COUNT_BITS,
    GET_BIT
};

static const struct column *call_bit_count(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        uint64_t value = (uint64_t) arg_int(x, i);
        if (call->function->variant == COUNT_BITS) {
            output_int(&output, i, __builtin_popcountll(value));
            continue;
        }
        int64_t place = arg_int(arg_of(arguments[1], output.rows), i);
        if (place < 0 || place > 63) {
            output_fail(&output, i, "%s has no bit %lld", call->function->name, (long long) place);
        } else {
            output_int(&output, i, (int64_t) (value >> place & 1));
        }
    }
    return output_finish(&output);
}

#define BITS(name, op, count, usage, help)                                                         \
    SCALAR_RESOLVED(name, op, count, count, resolve_bits, call_bits, usage, help)

static const struct sql_function rows[] = {
    BITS("&", BIT_AND, 2, "a & b", "Bitwise AND."),
    BITS("|", BIT_OR, 2, "a | b", "Bitwise OR."),
    BITS("^", BIT_XOR, 2, "a ^ b", "Bitwise exclusive OR."),
    BITS("~", BIT_NOT, 1, "~ a", "Bitwise NOT."),
    BITS("shiftleft", BIT_SHIFT_LEFT, 2, "shiftleft(a, places)", "Bits moved left."),
    BITS("shiftright", BIT_SHIFT_RIGHT, 2, "shiftright(a, places)", "Bits moved right, signed."),
    BITS("shiftrightunsigned",
         BIT_SHIFT_UNSIGNED,
         2,
         "shiftrightunsigned(a, places)",
         "Bits moved right, zeros moved in."),
    SCALAR_VARIANT("bit_count",
                   COUNT_BITS,
                   1,
                   1,
                   "bigint -> int",
                   call_bit_count,
                   "bit_count(number)",
                   "How many bits are set."),
    SCALAR_VARIANT("bit_get",
                   GET_BIT,
                   2,
                   2,
                   "bigint, int -> tinyint",
                   call_bit_count,
                   "bit_get(number, place)",
                   "The bit at a place, 0 or 1."),
    SCALAR_VARIANT("getbit",
                   GET_BIT,
                   2,
                   2,
                   "bigint, int -> tinyint",
                   call_bit_count,
                   "getbit(number, place)",
                   "The bit at a place, 0 or 1."),
};

FUNCTION_FAMILY(functions_bits, rows);
