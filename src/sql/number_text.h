#pragma once

/* Numbers as text: Java's Double.toString, and reading what Spark's casts accept. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_TEXT_BYTES 32

/* Shortest digits that read back as the same value, in Java's form: "1.0", "1.0E10", "NaN",
 * "Infinity". Returns the length. */
size_t number_format_double(double value, char target[NUMBER_TEXT_BYTES]);
size_t number_format_float(float value, char target[NUMBER_TEXT_BYTES]);

size_t number_format_int(int64_t value, char target[NUMBER_TEXT_BYTES]);

/* Whole texts without white space. double: also "inf", "+Infinity", "nan" in any case, and a
 * trailing d or f as Java has it. int: sign and digits, then ".digits" which are cut only if
 * `fraction` (Spark's UTF8String.toLong); false on overflow. */
bool number_parse_double(struct slice text, double *ret_value);
bool number_parse_int(struct slice text, bool fraction, int64_t *ret_value);

/* Cuts white space and control characters (up to U+0020) at both ends, as UTF8String.trimAll. */
struct slice text_trim_all(struct slice text);
