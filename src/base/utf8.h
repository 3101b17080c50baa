#pragma once

/* UTF-8 (RFC 3629): strict decoding, validation, encoding. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the code point at `data`, or 0 if it is not valid UTF-8 (overlong, surrogate, above
 * U+10FFFF, cut short). `size` must be at least 1. */
size_t utf8_decode(const uint8_t *data, size_t size, uint32_t *ret_code_point);

/* Writes at most 4 bytes, returns how many. `code_point` must be a valid scalar value. */
size_t utf8_encode(uint32_t code_point, uint8_t target[4]);

bool utf8_valid(const uint8_t *data, size_t size);

/* Number of code points; every invalid byte counts as one. */
size_t utf8_length(const uint8_t *data, size_t size);
