/* Strings: padding, splitting, and smaller helpers. */

#include "base/utf8.h"
#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <utf8proc.h>

/* Fails the row if a result of so many bytes is not wanted. */
static bool too_large(struct text_output *text, int64_t row, uint64_t bytes)
{
    if (bytes <= TEXT_VALUE_BYTES_MAX) {
        return false;
    }
    output_fail(&text->base, row, "the result is too large: more than 256 MiB");
    text_end_null(text, row);
    return true;
}

static const struct column *call_repeat(CALL_PARAMETERS)
{
    bool spaces = call->argument_count == 1;
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value =
            spaces ? SLICE(" ") : arg_bytes(arg_of(arguments[0], text.base.rows), i);
        int64_t count = arg_int(arg_of(arguments[call->argument_count - 1], text.base.rows), i);
        count = count < 0 || value.size == 0 ? 0 : count;
        if (too_large(&text, i, (uint64_t) count * value.size)) {
            continue;
        }
        for (int64_t n = 0; n < count; n++) {
            text_append_slice(&text, value);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* Cuts to `length` code points, or fills up with those of `fill`, repeated. */
static void append_padding(struct text_output *text, struct slice fill, int64_t count)
{
    int64_t size = code_point_count(fill);
    for (; count >= size; count -= size) {
        text_append_slice(text, fill);
    }
    text_append_slice(text, code_point_range(fill, 0, count));
}

enum {
    PAD_LEFT,
    PAD_RIGHT
};

static const struct column *call_pad(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(arg_of(arguments[0], rows), i);
        int64_t wanted = arg_int(arg_of(arguments[1], rows), i);
        struct slice fill =
            call->argument_count == 3 ? arg_bytes(arg_of(arguments[2], rows), i) : SLICE(" ");
        int64_t missing = wanted - code_point_count(value);
        if (missing <= 0 || fill.size == 0) {
            text_end_slice(&text, i, code_point_range(value, 0, wanted));
            continue;
        }
        if (too_large(&text, i, value.size + (uint64_t) missing * 4)) {
            continue;
        }
        if (call->function->variant == PAD_LEFT) {
            append_padding(&text, fill, missing);
        }
        text_append_slice(&text, value);
        if (call->function->variant == PAD_RIGHT) {
            append_padding(&text, fill, missing);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* Part number n of the text cut at a delimiter, from 1 or from the end; '' outside. */
static struct slice split_part(struct slice text, struct slice delimiter, int64_t n)
{
    if (delimiter.size == 0) {
        return n == 1 || n == -1 ? text : slice_of(text.data, 0);
    }
    int64_t parts = 1;
    for (size_t at = 0; (at = slice_find(text, delimiter, at)) != SIZE_MAX;) {
        parts++;
        at += delimiter.size;
    }
    int64_t index = n > 0 ? n : parts + n + 1;
    if (index < 1 || index > parts) {
        return slice_of(text.data, 0);
    }
    size_t start = 0;
    for (int64_t i = 1; i < index; i++) {
        start = slice_find(text, delimiter, start) + delimiter.size;
    }
    size_t end = slice_find(text, delimiter, start);
    return slice_of(text.data + start, (end == SIZE_MAX ? text.size : end) - start);
}

static const struct column *call_split_part(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 3, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(arg_of(arguments[2], rows), i);
        if (n == 0) {
            output_fail(&text.base, i, "split_part counts from 1, not 0");
            text_end_null(&text, i);
            continue;
        }
        text_end_slice(&text, i,
                       split_part(arg_bytes(arg_of(arguments[0], rows), i),
                                  arg_bytes(arg_of(arguments[1], rows), i), n));
    }
    return text_finish(&text);
}

/* What stands before the n-th delimiter, or behind the n-th from the end. */
static struct slice substring_index(struct slice text, struct slice delimiter, int64_t n)
{
    if (n == 0 || delimiter.size == 0) {
        return slice_of(text.data, 0);
    }
    if (n > 0) {
        size_t at = 0;
        for (int64_t i = 0; i < n; i++) {
            size_t hit = slice_find(text, delimiter, i == 0 ? 0 : at + 1);
            if (hit == SIZE_MAX) {
                return text;
            }
            at = hit;
        }
        return slice_of(text.data, at);
    }
    int64_t at = (int64_t) text.size - (int64_t) delimiter.size + 1;
    for (int64_t i = 0; i > n; i--) {
        do {
            at--;
        } while (at >= 0 && memcmp(text.data + at, delimiter.data, delimiter.size) != 0);
        if (at < 0) {
            return text;
        }
    }
    size_t start = (size_t) at + delimiter.size;
    return slice_of(text.data + start, text.size - start);
}

static const struct column *call_substring_index(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 3, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (!text_skip_null(&text, i)) {
            text_end_slice(&text, i,
                           substring_index(arg_bytes(arg_of(arguments[0], rows), i),
                                           arg_bytes(arg_of(arguments[1], rows), i),
                                           arg_int(arg_of(arguments[2], rows), i)));
        }
    }
    return text_finish(&text);
}

/* overlay(text PLACING by FROM position [FOR length]) */
static const struct column *call_overlay(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(arg_of(arguments[0], rows), i);
        struct slice by = arg_bytes(arg_of(arguments[1], rows), i);
        int64_t position = arg_int(arg_of(arguments[2], rows), i);
        int64_t length = call->argument_count == 4 ? arg_int(arg_of(arguments[3], rows), i) : -1;
        length = length < 0 ? code_point_count(by) : length;
        text_append_slice(&text, code_point_range(value, 0, position - 1));
        text_append_slice(&text, by);
        text_append_slice(&text, code_point_range(value, position - 1 + length, INT64_MAX));
        text_end(&text, i);
    }
    return text_finish(&text);
}

static const struct column *call_ascii(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            struct slice value = arg_bytes(x, i);
            uint32_t code_point = 0;
            if (value.size > 0) {
                utf8_decode(value.data, value.size, &code_point);
            }
            output_int(&output, i, code_point);
        }
    }
    return output_finish(&output);
}

/* The Latin-1 character of n modulo 256; '' for negative numbers. */
static const struct column *call_chr(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(x, i);
        if (n >= 0) {
            uint8_t *target = text_reserve(&text, 4);
            text.size += utf8_encode((uint32_t) (n & 0xff), target);
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- soundex, levenshtein, mask ---- */

static void soundex(struct slice text, char target[5])
{
    static const char codes[] = "01230127022455012623017202"; /* 7: H and W, which do not part */
    memcpy(target, "0000", 5);
    char last = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < 4; i++) {
        uint8_t c = text.data[i] & 0xdf;
        if (c < 'A' || c > 'Z') {
            last = '0';
            continue;
        }
        char code = codes[c - 'A'];
        if (i == 0) {
            target[size++] = (char) c;
            last = code;
        } else if (code != '7') {
            if (code != '0' && code != last) {
                target[size++] = code;
            }
            last = code;
        }
    }
}

static const struct column *call_soundex(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        uint8_t first = value.size == 0 ? 0 : value.data[0] & 0xdf;
        if (first < 'A' || first > 'Z' || value.data[0] >= 0x80) {
            text_end_slice(&text, i, value);
            continue;
        }
        char code[5];
        soundex(value, code);
        text_end_slice(&text, i, slice_of(code, 4));
    }
    return text_finish(&text);
}

/* Edits (insert, delete, replace) over code points; one row of the table at a time. */
static int64_t levenshtein(struct slice a, struct slice b, int32_t *costs)
{
    int32_t columns = 0;
    for (size_t j = 0; j < b.size; j += code_point_bytes(b.data[j])) {
        costs[columns] = columns;
        columns++;
    }
    costs[columns] = columns;
    int32_t line = 0;
    for (size_t i = 0; i < a.size; i += code_point_bytes(a.data[i])) {
        int32_t diagonal = line++;
        int32_t column = 0;
        costs[0] = line;
        for (size_t j = 0; j < b.size; j += code_point_bytes(b.data[j])) {
            size_t size = code_point_bytes(a.data[i]);
            bool same =
                size == code_point_bytes(b.data[j]) && memcmp(a.data + i, b.data + j, size) == 0;
            int32_t cost = diagonal + !same;
            column++;
            diagonal = costs[column];
            cost = diagonal + 1 < cost ? diagonal + 1 : cost;
            costs[column] = costs[column - 1] + 1 < cost ? costs[column - 1] + 1 : cost;
        }
    }
    return costs[columns];
}

static const struct column *call_levenshtein(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct buffer costs = BUFFER_INIT;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice a = arg_bytes(arg_of(arguments[0], output.rows), i);
        struct slice b = arg_bytes(arg_of(arguments[1], output.rows), i);
        if (a.size > 100000 || b.size > 100000) {
            output_fail(&output, i, "levenshtein takes texts of at most 100000 bytes");
            continue;
        }
        buffer_clear(&costs);
        void *memory = buffer_reserve(&costs, (b.size + 1) * sizeof(int32_t));
        int64_t distance = levenshtein(a, b, memory);
        if (call->argument_count == 3 && distance > arg_int(arg_of(arguments[2], output.rows), i)) {
            distance = -1;
        }
        output_int(&output, i, distance);
    }
    buffer_deinit(&costs);
    return output_finish(&output);
}

/* Which replacement a character gets: 0 upper, 1 lower, 2 digit, 3 other. */
static int mask_kind(uint32_t code_point)
{
    switch (utf8proc_category((utf8proc_int32_t) code_point)) {
    case UTF8PROC_CATEGORY_LU:
        return 0;
    case UTF8PROC_CATEGORY_LL:
        return 1;
    case UTF8PROC_CATEGORY_ND:
        return 2;
    default:
        return 3;
    }
}

static const struct column *call_mask(CALL_PARAMETERS)
{
    static const char *const defaults[] = {"X", "x", "n", NULL};
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    int64_t rows = text.base.rows;
    struct arg x = arg_of(arguments[0], rows);
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        for (size_t at = 0; at < value.size;) {
            uint32_t code_point;
            size_t size = utf8_decode(value.data + at, value.size - at, &code_point);
            size = size == 0 ? 1 : size;
            uint32_t kind = (uint32_t) mask_kind(code_point);
            struct slice by = slice_of_string(defaults[kind]);
            bool keep = defaults[kind] == NULL;
            if (kind + 1 < call->argument_count) {
                struct arg given = arg_of(arguments[kind + 1], rows);
                keep = arg_is_null(given, i);
                by = keep ? SLICE("") : arg_bytes(given, i);
            }
            text_append_slice(&text, keep ? slice_of(value.data + at, size) : by);
            at += size;
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- lists in text ---- */

static const struct column *call_find_in_set(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice wanted = arg_bytes(arg_of(arguments[0], output.rows), i);
        struct slice list = arg_bytes(arg_of(arguments[1], output.rows), i);
        int64_t place = 0;
        size_t start = 0;
        bool comma = wanted.size > 0 && memchr(wanted.data, ',', wanted.size) != NULL;
        for (int64_t n = 1; !comma && start <= list.size && place == 0; n++) {
            size_t end = slice_find(list, SLICE(","), start);
            end = end == SIZE_MAX ? list.size : end;
            if (slice_equal(slice_of(list.data + start, end - start), wanted)) {
                place = n;
            }
            start = end + 1;
        }
        output_int(&output, i, place);
    }
    return output_finish(&output);
}

static enum status resolve_elt(RESOLVE_PARAMETERS)
{
    TRY(function_want(function, types, 0, type_plain(TYPE_INT), error));
    for (uint32_t i = 1; i < count; i++) {
        TRY(function_want(function, types, i, type_plain(TYPE_STRING), error));
    }
    *ret_type = type_plain(TYPE_STRING);
    return STATUS_OK;
}

static const struct column *call_elt(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(arg_of(arguments[0], rows), i);
        if (n < 1 || n >= call->argument_count) {
            output_fail(&text.base, i, "elt has no value %lld", (long long) n);
            text_end_null(&text, i);
            continue;
        }
        struct arg chosen = arg_of(arguments[n], rows);
        if (arg_is_null(chosen, i)) {
            text_end_null(&text, i);
        } else {
            text_end_slice(&text, i, arg_bytes(chosen, i));
        }
    }
    return text_finish(&text);
}

#define PAD(name, side, help)                                                                      \
    SCALAR_VARIANT(name, side, 2, 3, "string, int, string -> string", call_pad,                    \
                   name "(text, length[, fill])", help)
#define CHR(name)                                                                                  \
    SCALAR(name, 1, 1, "bigint -> string", call_chr, name "(n)", "The character with number n.")

static const struct sql_function rows[] = {
    SCALAR("repeat",
           2,
           2,
           "string, int -> string",
           call_repeat,
           "repeat(text, n)",
           "The text n times."),
    SCALAR("space", 1, 1, "int -> string", call_repeat, "space(n)", "n blanks."),
    PAD("lpad", PAD_LEFT, "The text filled up to a length at its start, or cut."),
    PAD("rpad", PAD_RIGHT, "The text filled up to a length at its end, or cut."),
    SCALAR("split_part",
           3,
           3,
           "string, string, int -> string",
           call_split_part,
           "split_part(text, delimiter, n)",
           "Part n between delimiters, from 1, or from the end if negative."),
    SCALAR("substring_index",
           3,
           3,
           "string, string, int -> string",
           call_substring_index,
           "substring_index(text, delimiter, n)",
           "What stands before the n-th delimiter, or behind the n-th from the end."),
    SCALAR("overlay",
           3,
           4,
           "string, string, int, int -> string",
           call_overlay,
           "overlay(text PLACING by FROM position [FOR length])",
           "The text with a part replaced."),
    SCALAR("ascii",
           1,
           1,
           "string -> int",
           call_ascii,
           "ascii(text)",
           "The code point of the first character, or 0."),
    CHR("chr"),
    CHR("char"),
    SCALAR("soundex",
           1,
           1,
           "string -> string",
           call_soundex,
           "soundex(text)",
           "How the text sounds in English: a letter and three digits."),
    SCALAR("levenshtein",
           2,
           3,
           "string, string, int -> int",
           call_levenshtein,
           "levenshtein(a, b[, most])",
           "Edits between two texts; -1 if there are more than `most`."),
    SCALAR("mask",
           1,
           5,
           "string, string, string, string, string -> string",
           call_mask,
           "mask(text[, upper[, lower[, digit[, other]]]])",
           "Letters and digits replaced by X, x, n, or what is given; null keeps them."),
    SCALAR("find_in_set",
           2,
           2,
           "string, string -> int",
           call_find_in_set,
           "find_in_set(text, list)",
           "Place from 1 of the text in a list with commas, or 0."),
    SCALAR_RESOLVED("elt",
                    0,
                    2,
                    ARGUMENTS_ANY,
                    resolve_elt,
                    call_elt,
                    "elt(n, a, b, ...)",
                    "The n-th of the values."),
};

FUNCTION_FAMILY(functions_text, rows);
