#pragma once

/*
 * DECIMAL arithmetic as Spark does it (java.math.BigDecimal, HALF_UP): values are unscaled 128-bit
 * integers of at most 38 digits; products and quotients are computed exactly in 256 bits before
 * they are rounded. Functions return false if the result does not fit 38 digits.
 */

#include "base/slice.h"
#include "columnar/type.h"

#define DECIMAL_DIGITS_MAX 38
#define DECIMAL_TEXT_BYTES 48

int128 decimal_power10(unsigned exponent); /* 0..38 */

/* |value| < 10^precision */
bool decimal_fits(int128 value, unsigned precision);

/* Changes the scale, HALF_UP when digits are dropped. */
bool decimal_rescale(int128 value, int from_scale, int to_scale, int128 *ret_value);

/* As decimal_rescale, but drops digits by truncation (0), floor (-1) or ceiling (1). */
bool decimal_rescale_toward(
    int128 value, int from_scale, int to_scale, int direction, int128 *ret_value);

/* Ties go to the even neighbour (bround). */
bool decimal_rescale_even(int128 value, int from_scale, int to_scale, int128 *ret_value);

bool decimal_add(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value);
bool decimal_multiply(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value);

/* `b` is not zero. */
bool decimal_divide(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value);

/* Sign of the dividend, as Java's remainder; `b` is not zero. */
bool decimal_remainder(int128 a, int a_scale, int128 b, int b_scale, int scale, int128 *ret_value);

int decimal_compare(int128 a, int a_scale, int128 b, int b_scale);

double decimal_to_double(int128 value, int scale);

/* HALF_UP of the shortest decimal text of the double, as Spark's Decimal(double). False for NaN,
 * infinities and what passes 38 digits. */
bool decimal_from_double(double value, int scale, int128 *ret_value);

/* Digits with sign, point and exponent ("-1.5e3"); no white space. */
bool decimal_parse(struct slice text, int scale, int128 *ret_value);

/* Plain notation with `scale` digits behind the point; returns the length. */
size_t decimal_format(int128 value, int scale, char target[DECIMAL_TEXT_BYTES]);

/* Spark's result types of arithmetic, with loss of scale where 38 digits are passed. */
const struct type *decimal_type_adjusted(struct arena *arena, int precision, int scale);
