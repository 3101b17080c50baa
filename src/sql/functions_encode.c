/* Hexadecimal, base64, character sets, URLs, number bases. */

#include "base/hex.h"
#include "base/utf8.h"
#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <strings.h>

/* ---- hex ---- */

static enum status resolve_hex(RESOLVE_PARAMETERS)
{
    *ret_type = type_plain(TYPE_STRING);
    if (types[0]->id == TYPE_BINARY || types[0]->id == TYPE_STRING) {
        return STATUS_OK;
    }
    return function_want(function, types, 0, type_plain(TYPE_BIGINT), error);
}

static void append_hex(struct text_output *text, struct slice bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t *target = text_reserve(text, bytes.size * 2);
    for (size_t i = 0; i < bytes.size; i++) {
        target[2 * i] = (uint8_t) digits[bytes.data[i] >> 4];
        target[2 * i + 1] = (uint8_t) digits[bytes.data[i] & 15];
    }
    text->size += bytes.size * 2;
}

/* An unsigned number in a base, without leading zeros. */
static void append_in_base(struct text_output *text, uint64_t value, unsigned base)
{
    char digits[65];
    size_t at = sizeof digits;
    do {
        unsigned digit = (unsigned) (value % base);
        digits[--at] = (char) (digit < 10 ? '0' + digit : 'A' + digit - 10);
        value /= base;
    } while (value > 0);
    text_append(text, digits + at, sizeof digits - at);
}

static const struct column *call_hex(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    bool number = arguments[0]->type->id == TYPE_BIGINT;
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        if (number) {
            append_in_base(&text, (uint64_t) arg_int(x, i), (unsigned) call->function->variant);
        } else {
            append_hex(&text, arg_bytes(x, i));
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* An odd number of digits has a 0 in front; null if one is no digit. */
static const struct column *call_unhex(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice digits = arg_bytes(x, i);
        bool good = true;
        uint8_t *target = text_reserve(&text, digits.size / 2 + 1);
        size_t size = 0;
        size_t at = digits.size % 2;
        if (at == 1) {
            good = hex_digit_value(digits.data[0]) >= 0;
            target[size++] = (uint8_t) hex_digit_value(digits.data[0]);
        }
        for (; at + 1 < digits.size && good; at += 2) {
            int high = hex_digit_value(digits.data[at]);
            int low = hex_digit_value(digits.data[at + 1]);
            good = high >= 0 && low >= 0;
            target[size++] = (uint8_t) ((unsigned) high << 4 | (unsigned) low);
        }
        text.size += size;
        if (good) {
            text_end(&text, i);
        } else {
            text_end_null(&text, i);
        }
    }
    return text_finish(&text);
}

/* ---- base64 ---- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 without line ends. */
static const struct column *call_base64(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice bytes = arg_bytes(x, i);
        uint8_t *target = text_reserve(&text, (bytes.size + 2) / 3 * 4);
        for (size_t at = 0; at < bytes.size; at += 3) {
            size_t left = bytes.size - at;
            uint32_t group = (uint32_t) bytes.data[at] << 16 |
                             (left > 1 ? (uint32_t) bytes.data[at + 1] << 8 : 0) |
                             (left > 2 ? bytes.data[at + 2] : 0);
            *target++ = (uint8_t) base64_digits[group >> 18];
            *target++ = (uint8_t) base64_digits[group >> 12 & 63];
            *target++ = left > 1 ? (uint8_t) base64_digits[group >> 6 & 63] : '=';
            *target++ = left > 2 ? (uint8_t) base64_digits[group & 63] : '=';
        }
        text.size += (bytes.size + 2) / 3 * 4;
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* Bytes that are no digits are skipped, as Java's MIME decoder does. */
static bool append_unbase64(struct text_output *text, struct slice digits)
{
    uint32_t group = 0;
    int count = 0;
    bool padded = false;
    for (size_t i = 0; i < digits.size; i++) {
        const char *digit = digits.data[i] == 0 ? NULL : strchr(base64_digits, digits.data[i]);
        if (digits.data[i] == '=') {
            padded = true;
        } else if (digit != NULL) {
            if (padded) {
                return false;
            }
            group = group << 6 | (uint32_t) (digit - base64_digits);
            if (++count == 4) {
                uint8_t bytes[] = {(uint8_t) (group >> 16), (uint8_t) (group >> 8),
                                   (uint8_t) group};
                text_append(text, bytes, 3);
                count = 0;
                group = 0;
            }
        }
    }
    if (count >= 2) {
        group <<= 6 * (4 - count);
        uint8_t bytes[] = {(uint8_t) (group >> 16), (uint8_t) (group >> 8)};
        text_append(text, bytes, (size_t) count - 1);
    }
    return count != 1;
}

static const struct column *call_unbase64(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        if (append_unbase64(&text, arg_bytes(x, i))) {
            text_end(&text, i);
        } else {
            output_fail(&text.base, i, "the text is not base64");
            text_end_null(&text, i);
        }
    }
    return text_finish(&text);
}

/* ---- character sets ---- */

enum charset {
    CHARSET_UTF8,
    CHARSET_LATIN1,
    CHARSET_ASCII,
    CHARSET_UTF16BE,
    CHARSET_UTF16LE,
    CHARSET_UTF16,
    CHARSET_NONE
};

static enum charset charset_named(struct slice name)
{
    static const char *const names[] = {"utf-8",    "iso-8859-1", "us-ascii",
                                        "utf-16be", "utf-16le",   "utf-16"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strlen(names[i]) == name.size &&
            strncasecmp(names[i], (const char *) name.data, name.size) == 0) {
            return (enum charset) i;
        }
    }
    return CHARSET_NONE;
}

static void append_unit(struct text_output *text, uint32_t unit, bool little)
{
    uint8_t bytes[] = {(uint8_t) (little ? unit : unit >> 8),
                       (uint8_t) (little ? unit >> 8 : unit)};
    text_append(text, bytes, 2);
}

static void append_encoded(struct text_output *text, struct slice value, enum charset charset)
{
    if (charset == CHARSET_UTF8) {
        text_append_slice(text, value);
        return;
    }
    bool little = charset == CHARSET_UTF16LE;
    if (charset == CHARSET_UTF16) {
        append_unit(text, 0xfeff, false);
    }
    for (size_t at = 0; at < value.size;) {
        uint32_t code_point;
        size_t size = utf8_decode(value.data + at, value.size - at, &code_point);
        at += size == 0 ? 1 : size;
        if (charset == CHARSET_LATIN1 || charset == CHARSET_ASCII) {
            uint32_t limit = charset == CHARSET_ASCII ? 0x80 : 0x100;
            uint8_t byte = code_point < limit ? (uint8_t) code_point : '?';
            text_append(text, &byte, 1);
        } else if (code_point < 0x10000) {
            append_unit(text, code_point, little);
        } else {
            append_unit(text, 0xd800 + ((code_point - 0x10000) >> 10), little);
            append_unit(text, 0xdc00 + ((code_point - 0x10000) & 0x3ff), little);
        }
    }
}

static void append_code_point(struct text_output *text, uint32_t code_point)
{
    uint8_t bytes[4];
    bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
    text_append(text, bytes, utf8_encode(surrogate ? 0xfffd : code_point, bytes));
}

static void append_utf16(struct text_output *text, struct slice bytes, bool little)
{
    for (size_t at = 0; at + 1 < bytes.size; at += 2) {
        uint32_t unit = little ? bytes.data[at] | (uint32_t) bytes.data[at + 1] << 8
                               : (uint32_t) bytes.data[at] << 8 | bytes.data[at + 1];
        if (unit >= 0xd800 && unit < 0xdc00 && at + 3 < bytes.size) {
            uint32_t low = little ? bytes.data[at + 2] | (uint32_t) bytes.data[at + 3] << 8
                                  : (uint32_t) bytes.data[at + 2] << 8 | bytes.data[at + 3];
            if (low >= 0xdc00 && low < 0xe000) {
                unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                at += 2;
            }
        }
        append_code_point(text, unit);
    }
    if (bytes.size % 2 == 1) {
        append_code_point(text, 0xfffd);
    }
}

static void append_decoded(struct text_output *text, struct slice bytes, enum charset charset)
{
    if (charset >= CHARSET_UTF16BE) {
        bool little = charset == CHARSET_UTF16LE;
        if (charset == CHARSET_UTF16 && bytes.size >= 2) {
            little = bytes.data[0] == 0xff && bytes.data[1] == 0xfe;
            if (little || (bytes.data[0] == 0xfe && bytes.data[1] == 0xff)) {
                bytes = slice_of(bytes.data + 2, bytes.size - 2);
            }
        }
        append_utf16(text, bytes, little);
        return;
    }
    for (size_t at = 0; at < bytes.size;) {
        uint32_t code_point = bytes.data[at];
        size_t size = 1;
        if (charset == CHARSET_UTF8) {
            size = utf8_decode(bytes.data + at, bytes.size - at, &code_point);
            code_point = size == 0 ? 0xfffd : code_point;
            size = size == 0 ? 1 : size;
        } else if (charset == CHARSET_ASCII && code_point >= 0x80) {
            code_point = 0xfffd;
        }
        append_code_point(text, code_point);
        at += size;
    }
}

/* encode(text, charset) and decode(bytes, charset). */
static const struct column *call_charset(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 2, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice name = arg_bytes(arg_of(arguments[1], rows), i);
        enum charset charset = charset_named(name);
        if (charset == CHARSET_NONE) {
            output_fail(&text.base, i, "'%.*s' is no known character set", SLICE_FORMAT(name));
            text_end_null(&text, i);
            continue;
        }
        struct slice value = arg_bytes(arg_of(arguments[0], rows), i);
        if (call->type->id == TYPE_BINARY) {
            append_encoded(&text, value, charset);
        } else {
            append_decoded(&text, value, charset);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- URLs ---- */

/* application/x-www-form-urlencoded, as Java's URLEncoder. */
static const struct column *call_url_encode(CALL_PARAMETERS)
{
    static const char digits[] = "0123456789ABCDEF";
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        for (size_t at = 0; at < value.size; at++) {
            uint8_t c = value.data[at];
            bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '*';
            char escaped[] = {'%', digits[c >> 4], digits[c & 15]};
            if (plain) {
                text_append(&text, &c, 1);
            } else if (c == ' ') {
                text_append(&text, "+", 1);
            } else {
                text_append(&text, escaped, 3);
            }
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

static bool append_url_decoded(struct text_output *text, struct slice value)
{
    for (size_t at = 0; at < value.size; at++) {
        uint8_t c = value.data[at];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = at + 2 < value.size ? hex_digit_value(value.data[at + 1]) : -1;
            int low = at + 2 < value.size ? hex_digit_value(value.data[at + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (uint8_t) ((unsigned) high << 4 | (unsigned) low);
            at += 2;
        }
        text_append(text, &c, 1);
    }
    return true;
}

static const struct column *call_url_decode(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        size_t start = text.size;
        bool good = append_url_decoded(&text, arg_bytes(x, i));
        if (good && utf8_valid(text.bytes + start, text.size - start)) {
            text_end(&text, i);
        } else {
            output_fail(&text.base, i, "the text is not URL-encoded UTF-8");
            text_end_null(&text, i);
        }
    }
    return text_finish(&text);
}

/* ---- bases ---- */

/* The number at the start of the text, modulo 2^64, saturated as Spark does; false if there is
 * none. */
static bool read_in_base(struct slice digits, unsigned base, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t at = 0;
    for (; at < digits.size; at++) {
        uint8_t c = digits.data[at];
        unsigned digit = c >= '0' && c <= '9'   ? c - (unsigned) '0'
                         : c >= 'a' && c <= 'z' ? c - 'a' + 10u
                         : c >= 'A' && c <= 'Z' ? c - 'A' + 10u
                                                : 99;
        if (digit >= base) {
            break;
        }
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            *ret_value = UINT64_MAX;
            return true;
        }
    }
    *ret_value = value;
    return true;
}

static const struct column *call_conv(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 3, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice digits = arg_bytes(arg_of(arguments[0], rows), i);
        int64_t from = arg_int(arg_of(arguments[1], rows), i);
        int64_t to = arg_int(arg_of(arguments[2], rows), i);
        bool negative = digits.size > 0 && digits.data[0] == '-';
        if (negative) {
            digits = slice_of(digits.data + 1, digits.size - 1);
        }
        int64_t base = to < 0 ? -to : to;
        uint64_t value;
        if (digits.size == 0 || from < 2 || from > 36 || base < 2 || base > 36 ||
            !read_in_base(digits, (unsigned) from, &value)) {
            text_end_null(&text, i);
            continue;
        }
        if (negative && to > 0) {
            value = -value;
        } else if (to < 0 && !negative && (int64_t) value < 0) {
            value = -value;
            negative = true;
        }
        if (to < 0 && negative && value != 0) {
            text_append(&text, "-", 1);
        }
        append_in_base(&text, value, (unsigned) base);
        text_end(&text, i);
    }
    return text_finish(&text);
}

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("hex",
                    16,
                    1,
                    1,
                    resolve_hex,
                    call_hex,
                    "hex(value)",
                    "A number, or the bytes of a text, in hexadecimal."),
    SCALAR_VARIANT(
        "bin", 2, 1, 1, "bigint -> string", call_hex, "bin(number)", "The number in base 2."),
    SCALAR("unhex",
           1,
           1,
           "string -> binary",
           call_unhex,
           "unhex(text)",
           "The bytes of hexadecimal digits; null where it is none."),
    SCALAR("base64", 1, 1, "binary -> string", call_base64, "base64(bytes)", "Base64."),
    SCALAR("unbase64",
           1,
           1,
           "string -> binary",
           call_unbase64,
           "unbase64(text)",
           "The bytes of a base64 text."),
    SCALAR("encode",
           2,
           2,
           "string, string -> binary",
           call_charset,
           "encode(text, charset)",
           "The text in UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1 or US-ASCII."),
    SCALAR("decode",
           2,
           2,
           "binary, string -> string",
           call_charset,
           "decode(bytes, charset)",
           "The text from UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1 or US-ASCII."),
    SCALAR("url_encode",
           1,
           1,
           "string -> string",
           call_url_encode,
           "url_encode(text)",
           "The text as it stands in a URL's query."),
    SCALAR("url_decode",
           1,
           1,
           "string -> string",
           call_url_decode,
           "url_decode(text)",
           "The text that a URL's query means."),
    SCALAR("conv",
           3,
           3,
           "string, int, int -> string",
           call_conv,
           "conv(number, from_base, to_base)",
           "A number in another base, 2 to 36."),
};

FUNCTION_FAMILY(functions_encode, rows);
