#pragma once

/*
 * The inner loops of the JSON reader: over white space, the inside of strings, and numbers. SSE2 is
 * part of every x86-64; elsewhere eight bytes at a time. None reads at or behind `end`.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool json_is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* The first byte that is not white space. */
static inline const uint8_t *json_skip_space(const uint8_t *at, const uint8_t *end)
{
    if (at<end && * at> ' ') { /* compact text */
        return at;
    }
#ifdef __SSE2__
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *) (const void *) at);
        __m128i space = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'))));
        unsigned other = (unsigned) _mm_movemask_epi8(space) ^ 0xffffu;
        if (other != 0) {
            return at + __builtin_ctz(other);
        }
        at += 16;
    }
#endif
    while (at < end && json_is_space(*at)) {
        at++;
    }
    return at;
}

/* The first quote, backslash or control character. Sets *high if a byte of 0x80 or above comes
 * before it. */
static inline const uint8_t *json_scan_string(const uint8_t *at, const uint8_t *end, bool *high)
{
#ifdef __SSE2__
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *) (const void *) at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        unsigned found = (unsigned) _mm_movemask_epi8(_mm_or_si128(mark, control));
        unsigned above = (unsigned) _mm_movemask_epi8(bytes);
        if (found != 0) {
            unsigned before = (found & (0u - found)) - 1; /* bits below the first one found */
            *high |= (above & before) != 0;
            return at + __builtin_ctz(found);
        }
        *high |= above != 0;
        at += 16;
    }
#else
    while (end - at >= 8) {
        const uint64_t ones = UINT64_C(0x0101010101010101);
        uint64_t bytes;
        memcpy(&bytes, at, 8);
        uint64_t quote = bytes ^ ones * '"';
        uint64_t slash = bytes ^ ones * '\\';
        uint64_t found = (bytes - ones * 0x20) | (quote - ones) | (slash - ones);
        if (((found | bytes) & ones * 0x80) != 0) {
            break; /* something to look at, or a false alarm: byte by byte from here */
        }
        at += 8;
    }
#endif
    for (; at < end && *at != '"' && *at != '\\' && *at >= 0x20; at++) {
        *high |= *at >= 0x80;
    }
    return at;
}

static inline const uint8_t *json_skip_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* Behind the number at `at`, which must not be `end`. With a fault: where it is. */
static inline const uint8_t *
json_scan_number(const uint8_t *at, const uint8_t *end, bool *ret_integral, const char **ret_fault)
{
    const uint8_t *digits = at + (*at == '-');
    *ret_integral = true;
    at = json_skip_digits(digits, end);
    if (at == digits) {
        *ret_fault = "a number without digits";
        return at;
    }
    if (*digits == '0' && at - digits > 1) {
        *ret_fault = "a number with a leading zero";
        return digits;
    }
    if (at < end && *at == '.') {
        *ret_integral = false;
        digits = at + 1;
        at = json_skip_digits(digits, end);
        if (at == digits) {
            *ret_fault = "a number without digits behind the point";
            return at;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *ret_integral = false;
        at++;
        at += at < end && (*at == '+' || *at == '-');
        digits = at;
        at = json_skip_digits(digits, end);
        if (at == digits) {
            *ret_fault = "a number without digits in its exponent";
        }
    }
    return at;
}
