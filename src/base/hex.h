#pragma once

#include <stdint.h>

/* The value of a hexadecimal digit of either case, or -1. */
static inline int hex_digit_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}
