/* Small and capital letters. */

#include "base/utf8.h"
#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <utf8proc.h>

enum {
    CASE_LOWER,
    CASE_UPPER,
    CASE_TITLE
};

static bool is_ascii(struct slice text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.size; i++) {
        all |= text.data[i];
    }
    return all < 0x80;
}

static void append_code_point(struct text_output *text, uint32_t code_point)
{
    uint8_t *target = text_reserve(text, 4);
    text->size += utf8_encode(code_point, target);
}

static bool is_letter(uint32_t code_point)
{
    switch (utf8proc_category((utf8proc_int32_t) code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
        return true;
    default:
        return false;
    }
}

/* Greek sigma at the end of a word has a form of its own. */
static bool is_final_sigma(struct slice text, size_t at)
{
    uint32_t next = 0;
    if (at + 2 < text.size) {
        utf8_decode(text.data + at + 2, text.size - at - 2, &next);
    }
    size_t before = at;
    uint32_t previous = 0;
    while (before > 0 && (text.data[--before] & 0xc0) == 0x80) {
    }
    if (at > 0) {
        utf8_decode(text.data + before, text.size - before, &previous);
    }
    return is_letter(previous) && !is_letter(next);
}

static void
append_case(struct text_output *out, int mode, struct slice text, size_t at, uint32_t code_point)
{
    if (mode == CASE_LOWER) {
        if (code_point == 0x3a3 && is_final_sigma(text, at)) {
            append_code_point(out, 0x3c2);
        } else if (code_point == 0x130) {
            text_append(out, "i\xcc\x87", 3);
        } else {
            append_code_point(out, (uint32_t) utf8proc_tolower((utf8proc_int32_t) code_point));
        }
    } else if (code_point == 0xdf) {
        text_append(out, mode == CASE_UPPER ? "SS" : "Ss", 2);
    } else if (mode == CASE_UPPER) {
        append_code_point(out, (uint32_t) utf8proc_toupper((utf8proc_int32_t) code_point));
    } else {
        append_code_point(out, (uint32_t) utf8proc_totitle((utf8proc_int32_t) code_point));
    }
}

static void append_cased(struct text_output *out, int mode, struct slice text)
{
    bool word_start = true;
    for (size_t at = 0; at < text.size;) {
        uint32_t code_point;
        size_t size = utf8_decode(text.data + at, text.size - at, &code_point);
        int wanted = mode == CASE_TITLE && !word_start ? CASE_LOWER : mode;
        append_case(out, wanted, text, at, code_point);
        word_start = code_point == ' ';
        at += size == 0 ? 1 : size;
    }
}

static void append_ascii_cased(struct text_output *out, int mode, struct slice text)
{
    uint8_t *target = text_reserve(out, text.size);
    bool word_start = true;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool upper = mode == CASE_UPPER || (mode == CASE_TITLE && word_start);
        uint8_t is_upper = c >= 'A' && c <= 'Z';
        uint8_t is_lower = c >= 'a' && c <= 'z';
        target[i] = (uint8_t) (upper ? c - (is_lower << 5) : c + (is_upper << 5));
        word_start = c == ' ';
    }
    out->size += text.size;
}

static const struct column *call_case(CALL_PARAMETERS)
{
    struct text_output text;
    struct arg x = arg_of(arguments[0], eval->batch->length);
    text_init(&text, eval, call, arguments, 1, (size_t) x.column->offsets[x.column->length]);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        if (is_ascii(value)) {
            append_ascii_cased(&text, call->function->variant, value);
        } else {
            append_cased(&text, call->function->variant, value);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

#define CASED(name, variant, help)                                                                 \
    SCALAR_VARIANT(name, variant, 1, 1, "string -> string", call_case, name "(text)", help)

static const struct sql_function rows[] = {
    CASED("lower", CASE_LOWER, "Small letters."),
    CASED("lcase", CASE_LOWER, "Small letters."),
    CASED("upper", CASE_UPPER, "Capital letters."),
    CASED("ucase", CASE_UPPER, "Capital letters."),
    CASED("initcap", CASE_TITLE, "A capital letter at the start of each word, small ones behind."),
};

FUNCTION_FAMILY(functions_case, rows);
