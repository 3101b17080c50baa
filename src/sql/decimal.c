#include "sql/decimal.h"

#include "base/assert.h"
#include "sql/number_text.h"

#include <math.h>

/* 256 bits, least significant limb first. */
struct wide {
    uint64_t limbs[4];
};

int128 decimal_power10(unsigned exponent)
{
    ASSERT(exponent <= DECIMAL_DIGITS_MAX);
    static const uint64_t powers[] = {
        1u,
        10u,
        100u,
        1000u,
        10000u,
        100000u,
        1000000u,
        10000000u,
        100000000u,
        1000000000u,
        10000000000u,
        100000000000u,
        1000000000000u,
        10000000000000u,
        100000000000000u,
        1000000000000000u,
        10000000000000000u,
        100000000000000000u,
        1000000000000000000u,
        10000000000000000000u,
    };
    int128 power = (int128) powers[exponent > 19 ? 19 : exponent];
    if (exponent > 19) {
        power *= (int128) powers[exponent - 19];
    }
    return power;
}

static uint128 magnitude(int128 value)
{
    return value < 0 ? -(uint128) value : (uint128) value;
}

bool decimal_fits(int128 value, unsigned precision)
{
    return magnitude(value) < (uint128) decimal_power10(precision);
}

static struct wide wide_multiply(uint128 a, uint128 b)
{
    uint64_t x[2] = {(uint64_t) a, (uint64_t) (a >> 64)};
    uint64_t y[2] = {(uint64_t) b, (uint64_t) (b >> 64)};
    struct wide product = {0};
    for (int i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 2; j++) {
            uint128 sum = (uint128) x[i] * y[j] + product.limbs[i + j] + carry;
            product.limbs[i + j] = (uint64_t) sum;
            carry = (uint64_t) (sum >> 64);
        }
        product.limbs[i + 2] += carry;
    }
    return product;
}

/* Multiplies by 10^exponent; false on overflow of 256 bits. */
static bool wide_scale(struct wide *value, unsigned exponent)
{
    for (; exponent > 0; exponent--) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++) {
            uint128 sum = (uint128) value->limbs[i] * 10 + carry;
            value->limbs[i] = (uint64_t) sum;
            carry = (uint64_t) (sum >> 64);
        }
        if (carry != 0) {
            return false;
        }
    }
    return true;
}

/* Bit by bit; only reached where 128 bits do not do. Returns the remainder. */
static uint128 wide_divide(struct wide *value, uint128 divisor)
{
    uint128 rest = 0;
    for (int bit = 255; bit >= 0; bit--) {
        bool carry = (rest >> 127) != 0;
        rest = rest << 1 | (value->limbs[bit / 64] >> (bit % 64) & 1);
        if (carry || rest >= divisor) {
            rest -= divisor;
            value->limbs[bit / 64] |= UINT64_C(1) << (bit % 64);
        } else {
            value->limbs[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
        }
    }
    return rest;
}

/* The quotient rounded HALF_UP with the sign wanted; false beyond 38 digits. */
static bool wide_quotient(struct wide value, uint128 divisor, bool negative, int128 *ret_value)
{
    uint128 rest = 0;
    uint128 low;
    if ((value.limbs[2] | value.limbs[3]) == 0) {
        uint128 small = (uint128) value.limbs[1] << 64 | value.limbs[0];
        low = small / divisor;
        rest = small % divisor;
    } else {
        rest = wide_divide(&value, divisor);
        if ((value.limbs[2] | value.limbs[3]) != 0) {
            return false;
        }
        low = (uint128) value.limbs[1] << 64 | value.limbs[0];
    }
    if (rest >= divisor - rest) {
        low++;
    }
    if (low >= (uint128) decimal_power10(DECIMAL_DIGITS_MAX)) {
        return false;
    }
    *ret_value = negative ? -(int128) low : (int128) low;
    return true;
}

/* The same where 128 bits hold the dividend. */
static bool narrow_quotient(uint128 value, uint128 divisor, bool negative, int128 *ret_value)
{
    uint128 quotient;
    uint128 rest;
    if (value <= UINT64_MAX && divisor <= UINT64_MAX) {
        quotient = (uint64_t) value / (uint64_t) divisor;
        rest = (uint64_t) value % (uint64_t) divisor;
    } else if (divisor == 1) {
        quotient = value;
        rest = 0;
    } else {
        quotient = value / divisor;
        rest = value % divisor;
    }
    quotient += rest >= divisor - rest;
    *ret_value = negative ? -(int128) quotient : (int128) quotient;
    return quotient < (uint128) decimal_power10(DECIMAL_DIGITS_MAX);
}

/* value * 10^up / divisor. */
static bool scaled_quotient(
    uint128 value, uint128 factor, unsigned up, uint128 divisor, bool negative, int128 *ret_value)
{
    uint128 small;
    if (up <= DECIMAL_DIGITS_MAX && !__builtin_mul_overflow(value, factor, &small) &&
        !__builtin_mul_overflow(small, (uint128) decimal_power10(up), &small)) {
        return narrow_quotient(small, divisor, negative, ret_value);
    }
    struct wide wide = wide_multiply(value, factor);
    return wide_scale(&wide, up) && wide_quotient(wide, divisor, negative, ret_value);
}

bool decimal_rescale(int128 value, int from_scale, int to_scale, int128 *ret_value)
{
    if (from_scale == to_scale) {
        *ret_value = value;
        return true;
    }
    if (to_scale > from_scale) {
        return scaled_quotient(magnitude(value), 1, (unsigned) (to_scale - from_scale), 1,
                               value < 0, ret_value);
    }
    if (from_scale - to_scale > DECIMAL_DIGITS_MAX) {
        *ret_value = 0;
        return true;
    }
    int128 divisor = decimal_power10((unsigned) (from_scale - to_scale));
    return scaled_quotient(magnitude(value), 1, 0, (uint128) divisor, value < 0, ret_value);
}

bool decimal_rescale_toward(
    int128 value, int from_scale, int to_scale, int direction, int128 *ret_value)
{
    if (to_scale >= from_scale) {
        return decimal_rescale(value, from_scale, to_scale, ret_value);
    }
    int drop = from_scale - to_scale;
    int128 quotient = 0;
    int128 rest = value;
    if (drop <= DECIMAL_DIGITS_MAX) {
        quotient = value / decimal_power10((unsigned) drop);
        rest = value % decimal_power10((unsigned) drop);
    }
    if (direction < 0 && rest < 0) {
        quotient--;
    } else if (direction > 0 && rest > 0) {
        quotient++;
    }
    *ret_value = quotient;
    return true;
}

bool decimal_rescale_even(int128 value, int from_scale, int to_scale, int128 *ret_value)
{
    int drop = from_scale - to_scale;
    if (drop <= 0 || drop > DECIMAL_DIGITS_MAX) {
        return decimal_rescale(value, from_scale, to_scale, ret_value);
    }
    int128 divisor = decimal_power10((unsigned) drop);
    int128 quotient = value / divisor;
    uint128 rest = magnitude(value % divisor);
    if (rest * 2 > (uint128) divisor || (rest * 2 == (uint128) divisor && (quotient & 1) != 0)) {
        quotient += value < 0 ? -1 : 1;
    }
    *ret_value = quotient;
    return true;
}

bool decimal_add(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value)
{
    int common = a_scale > b_scale ? a_scale : b_scale;
    int128 x;
    int128 y;
    int128 sum;
    if (!decimal_rescale(a, a_scale, common, &x) || !decimal_rescale(b, b_scale, common, &y)) {
        /* Only possible when both are near 38 digits at very different scales. */
        return decimal_rescale(a, a_scale, scale, &x) && decimal_rescale(b, b_scale, scale, &y) &&
               !__builtin_add_overflow(x, y, ret_value) &&
               decimal_fits(*ret_value, DECIMAL_DIGITS_MAX);
    }
    return !__builtin_add_overflow(x, y, &sum) && decimal_rescale(sum, common, scale, ret_value) &&
           decimal_fits(*ret_value, DECIMAL_DIGITS_MAX);
}

bool decimal_multiply(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value)
{
    int drop = a_scale + b_scale - scale;
    bool negative = (a < 0) != (b < 0);
    if (drop >= 0 && drop <= DECIMAL_DIGITS_MAX) {
        uint128 divisor = (uint128) decimal_power10((unsigned) drop);
        return scaled_quotient(magnitude(a), magnitude(b), 0, divisor, negative, ret_value);
    }
    return drop < 0 &&
           scaled_quotient(magnitude(a), magnitude(b), (unsigned) -drop, 1, negative, ret_value);
}

bool decimal_divide(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value)
{
    int up = scale - a_scale + b_scale;
    bool negative = (a < 0) != (b < 0);
    if (up >= 0) {
        return scaled_quotient(magnitude(a), 1, (unsigned) up, magnitude(b), negative, ret_value);
    }
    struct wide divisor = wide_multiply(magnitude(b), (uint128) decimal_power10((unsigned) -up));
    if ((divisor.limbs[2] | divisor.limbs[3]) != 0) {
        *ret_value = 0;
        return true;
    }
    uint128 low = (uint128) divisor.limbs[1] << 64 | divisor.limbs[0];
    return scaled_quotient(magnitude(a), 1, 0, low, negative, ret_value);
}

bool decimal_remainder(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value)
{
    int common = a_scale > b_scale ? a_scale : b_scale;
    int128 x;
    int128 y;
    if (!decimal_rescale(a, a_scale, common, &x)) {
        return false;
    }
    if (!decimal_rescale(b, b_scale, common, &y)) {
        return decimal_rescale(a, a_scale, scale, ret_value); /* the divisor is larger than all */
    }
    return decimal_rescale(x % y, common, scale, ret_value);
}

int decimal_compare(int128 a, int a_scale, int128 b, int b_scale)
{
    if (a_scale == b_scale) {
        return (a > b) - (a < b);
    }
    if ((a < 0) != (b < 0)) {
        return a < 0 ? -1 : 1;
    }
    int common = a_scale > b_scale ? a_scale : b_scale;
    struct wide x =
        wide_multiply(magnitude(a), (uint128) decimal_power10((unsigned) (common - a_scale)));
    struct wide y =
        wide_multiply(magnitude(b), (uint128) decimal_power10((unsigned) (common - b_scale)));
    for (int i = 3; i >= 0; i--) {
        if (x.limbs[i] != y.limbs[i]) {
            return (x.limbs[i] > y.limbs[i]) != (a < 0) ? 1 : -1;
        }
    }
    return 0;
}

double decimal_to_double(int128 value, int scale)
{
    char text[DECIMAL_TEXT_BYTES];
    size_t size = decimal_format(value, scale, text);
    double number = 0;
    number_parse_double(slice_of(text, size), &number);
    return number;
}

bool decimal_from_double(double value, int scale, int128 *ret_value)
{
    if (!isfinite(value)) {
        return false;
    }
    char text[NUMBER_TEXT_BYTES];
    size_t size = number_format_double(value, text);
    return decimal_parse(slice_of(text, size), scale, ret_value);
}

/* The digits of a number in text, and how many of them stand behind the point. */
struct digits {
    uint128 value; /* at most 38 significant digits */
    int scale;
    bool negative, too_long;
    bool half_up; /* the first digit that did not fit was 5 or more */
};

static bool digits_read(struct slice text, struct digits *digits)
{
    size_t at = 0;
    *digits = (struct digits){0};
    if (at < text.size && (text.data[at] == '+' || text.data[at] == '-')) {
        digits->negative = text.data[at++] == '-';
    }
    bool point = false;
    bool any = false;
    int count = 0;
    for (; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            any = true;
            if (count < DECIMAL_DIGITS_MAX) {
                digits->value = digits->value * 10 + (uint128) (c - '0');
                count += digits->value > 0;
                digits->scale += point;
            } else {
                digits->half_up |= count == DECIMAL_DIGITS_MAX && c >= '5' && !digits->too_long;
                digits->too_long = true;
                digits->scale -= !point;
            }
        } else {
            break;
        }
    }
    if (!any) {
        return false;
    }
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        bool minus = at < text.size && text.data[at] == '-';
        at += at < text.size && (text.data[at] == '-' || text.data[at] == '+');
        if (at == text.size) {
            return false;
        }
        int exponent = 0;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            exponent = exponent > 100000 ? exponent : exponent * 10 + (text.data[at] - '0');
        }
        digits->scale += minus ? exponent : -exponent;
    }
    return at == text.size;
}

bool decimal_parse(struct slice text, int scale, int128 *ret_value)
{
    struct digits digits;
    if (!digits_read(text, &digits)) {
        return false;
    }
    if (digits.half_up && digits.scale == scale) {
        digits.value++;
    }
    if (digits.value == 0 || digits.scale - scale > 80) {
        *ret_value = 0;
        return true;
    }
    if (scale - digits.scale > DECIMAL_DIGITS_MAX) {
        return false;
    }
    int128 value = digits.negative ? -(int128) digits.value : (int128) digits.value;
    return decimal_rescale(value, digits.scale, scale, ret_value);
}

size_t decimal_format(int128 value, int scale, char target[DECIMAL_TEXT_BYTES])
{
    char digits[DECIMAL_TEXT_BYTES];
    int count = 0;
    uint128 rest = magnitude(value);
    do {
        digits[count++] = (char) ('0' + (int) (rest % 10));
        rest /= 10;
    } while (rest > 0 || count <= scale);
    size_t size = 0;
    if (value < 0) {
        target[size++] = '-';
    }
    while (count > 0) {
        if (count == scale) {
            target[size++] = '.';
        }
        target[size++] = digits[--count];
    }
    target[size] = '\0';
    return size;
}

const struct type *decimal_type_adjusted(struct arena *arena, int precision, int scale)
{
    if (precision > DECIMAL_DIGITS_MAX) {
        int whole = precision - scale;
        int least = scale < 6 ? scale : 6;
        scale = DECIMAL_DIGITS_MAX - whole > least ? DECIMAL_DIGITS_MAX - whole : least;
        precision = DECIMAL_DIGITS_MAX;
    }
    return type_decimal(arena, (uint8_t) precision, (uint8_t) scale);
}
