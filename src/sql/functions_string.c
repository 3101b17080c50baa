/* Strings: joining, cutting, case, length, search and replacement of plain text. */

#include "base/utf8.h"
#include "sql/array_internal.h"
#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <utf8proc.h>

/* ---- concat ---- */

static enum status resolve_concat(RESOLVE_PARAMETERS)
{
    bool binary = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->id == TYPE_ARRAY) {
            return function_common(function, types, 0, count, arena, ret_type, error);
        }
        binary = binary && types[i]->id == TYPE_BINARY;
    }
    *ret_type = type_plain(binary ? TYPE_BINARY : TYPE_STRING);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->field_count > 0) {
            return function_type_error(function, i, types[i], "a string", error);
        }
        types[i] = *ret_type;
    }
    return STATUS_OK;
}

/* Two passes: sizes of the results, then one copy a part. */
static const struct column *call_concat(CALL_PARAMETERS)
{
    if (call->type->id == TYPE_ARRAY) {
        return array_concat(eval, call, arguments);
    }
    int64_t rows = eval->batch->length;
    uint32_t count = call->argument_count;
    size_t total = 0;
    struct arg *parts = ARENA_ARRAY(eval->arena, struct arg, count);
    for (uint32_t a = 0; a < count; a++) {
        parts[a] = arg_of(arguments[a], rows);
        size_t bytes = (size_t) arguments[a]->offsets[arguments[a]->length];
        total += parts[a].mask == 0 ? bytes * (size_t) rows : bytes;
    }
    struct text_output text;
    text_init(&text, eval, call, arguments, count, total);
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        for (uint32_t a = 0; a < count; a++) {
            struct slice bytes = arg_bytes(parts[a], i);
            if (bytes.size > 0) {
                memcpy(text_reserve(&text, bytes.size), bytes.data, bytes.size);
                text.size += bytes.size;
            }
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

static enum status resolve_concat_ws(RESOLVE_PARAMETERS)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && types[i]->id == TYPE_ARRAY) {
            TRY(function_want(function, types, i, type_array(arena, type_plain(TYPE_STRING), true),
                              error));
        } else {
            TRY(function_want(function, types, i, type_plain(TYPE_STRING), error));
        }
    }
    *ret_type = type_plain(TYPE_STRING);
    return STATUS_OK;
}

static void
append_separated(struct text_output *text, struct slice separator, struct slice value, bool *first)
{
    if (!*first) {
        text_append_slice(text, separator);
    }
    *first = false;
    text_append_slice(text, value);
}

static const struct column *call_concat_ws(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    int64_t rows = text.base.rows;
    struct arg separator = arg_of(arguments[0], rows);
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        bool first = true;
        for (uint32_t a = 1; a < call->argument_count; a++) {
            struct arg part = arg_of(arguments[a], rows);
            if (arg_is_null(part, i)) {
                continue;
            }
            if (part.column->type->id != TYPE_ARRAY) {
                append_separated(&text, arg_bytes(separator, i), arg_bytes(part, i), &first);
                continue;
            }
            const struct column *elements = part.column->children[0];
            int64_t row = arg_row(part, i);
            for (int32_t e = part.column->offsets[row]; e < part.column->offsets[row + 1]; e++) {
                if (!column_is_null(elements, e)) {
                    append_separated(&text, arg_bytes(separator, i), column_bytes(elements, e),
                                     &first);
                }
            }
        }
        text_end(&text, i);
    }
    return text_finish(&text);
}

/* ---- case ---- */

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

/* ---- trim ---- */

enum {
    TRIM_LEFT = 1,
    TRIM_RIGHT = 2,
    TRIM_BOTH = 3,
    TRIM_SET_FIRST = 4
};

static bool set_has(struct slice set, struct slice character)
{
    for (size_t at = 0; at < set.size; at += code_point_bytes(set.data[at])) {
        size_t size = code_point_bytes(set.data[at]);
        if (size == character.size && at + size <= set.size &&
            memcmp(set.data + at, character.data, size) == 0) {
            return true;
        }
    }
    return false;
}

static struct slice trim_set(struct slice text, struct slice set, int sides)
{
    while ((sides & TRIM_LEFT) != 0 && text.size > 0) {
        size_t size = code_point_bytes(text.data[0]);
        if (size > text.size || !set_has(set, slice_of(text.data, size))) {
            break;
        }
        text = slice_of(text.data + size, text.size - size);
    }
    while ((sides & TRIM_RIGHT) != 0 && text.size > 0) {
        size_t start = text.size - 1;
        while (start > 0 && (text.data[start] & 0xc0) == 0x80) {
            start--;
        }
        if (!set_has(set, slice_of(text.data + start, text.size - start))) {
            break;
        }
        text.size = start;
    }
    return text;
}

static const struct column *call_trim(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int sides = call->function->variant & TRIM_BOTH;
    bool pair = call->argument_count == 2;
    uint32_t subject = pair && (call->function->variant & TRIM_SET_FIRST) != 0 ? 1 : 0;
    struct arg x = arg_of(arguments[subject], text.base.rows);
    struct arg set = arg_of(arguments[pair ? 1 - subject : 0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (!text_skip_null(&text, i)) {
            struct slice chars = pair ? arg_bytes(set, i) : SLICE(" ");
            text_end_slice(&text, i, trim_set(arg_bytes(x, i), chars, sides));
        }
    }
    return text_finish(&text);
}

/* ---- parts ---- */

enum {
    PART_SUBSTRING,
    PART_LEFT,
    PART_RIGHT
};

static struct slice byte_range(struct slice bytes, int64_t start, int64_t end)
{
    int64_t size = (int64_t) bytes.size;
    start = start < 0 ? 0 : start > size ? size : start;
    end = end > size ? size : end < start ? start : end;
    return slice_of(bytes.data + start, (size_t) (end - start));
}

/* Positions count from 1; 0 is 1; negative ones from the end. */
static struct slice substring(struct slice text, bool binary, int64_t position, int64_t length)
{
    int64_t start = position > 0 ? position - 1 : 0;
    if (position < 0) {
        start = position + (binary ? (int64_t) text.size : code_point_count(text));
    }
    int64_t end;
    if (length < 0) {
        end = start;
    } else if (__builtin_add_overflow(start, length, &end)) {
        end = INT64_MAX;
    }
    return binary ? byte_range(text, start, end) : code_point_range(text, start, end);
}

static const struct column *call_substring(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    struct arg x = arg_of(arguments[0], rows);
    struct arg second = arg_of(arguments[1], rows);
    bool binary = x.column->type->id == TYPE_BINARY;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t n = arg_int(second, i);
        int64_t length = INT32_MAX;
        if (call->function->variant == PART_LEFT) {
            length = n < 0 ? 0 : n;
            n = 1;
        } else if (call->function->variant == PART_RIGHT) {
            length = n <= 0 ? 0 : INT32_MAX;
            n = -n;
        } else if (call->argument_count == 3) {
            length = arg_int(arg_of(arguments[2], rows), i);
        }
        text_end_slice(&text, i, substring(arg_bytes(x, i), binary, n, length));
    }
    return text_finish(&text);
}

/* ---- length ---- */

enum {
    LENGTH_CHARACTERS = 0,
    LENGTH_BYTES = 1,
    LENGTH_BITS = 8
};

static const struct column *call_length(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    int unit = call->function->variant;
    bool bytes = unit != LENGTH_CHARACTERS || x.column->type->id == TYPE_BINARY;
    int32_t *values = output.values;
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            struct slice text = arg_bytes(x, i);
            int64_t length = bytes ? (int64_t) text.size : code_point_count(text);
            values[i] = (int32_t) (unit == LENGTH_BITS ? length * 8 : length);
        }
    }
    return output_finish(&output);
}

/* ---- search ---- */

enum {
    SEARCH_CONTAINS,
    SEARCH_STARTS,
    SEARCH_ENDS
};

static const struct column *call_search(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[1], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice text = arg_bytes(x, i);
        struct slice part = arg_bytes(y, i);
        bool found = false;
        if (call->function->variant == SEARCH_CONTAINS) {
            found = slice_find(text, part, 0) != SIZE_MAX;
        } else if (part.size <= text.size) {
            size_t at = call->function->variant == SEARCH_ENDS ? text.size - part.size : 0;
            found = slice_equal(slice_of(text.data + at, part.size), part);
        }
        output_bool(&output, i, found);
    }
    return output_finish(&output);
}

/* Position from 1 of `part` at or after code point `from` (from 1); 0 if there is none. */
static int64_t locate(struct slice text, struct slice part, int64_t from)
{
    if (from < 1) {
        return 0;
    }
    size_t start = code_point_offset(text, from - 1);
    if (from - 1 > code_point_count(text)) {
        return 0;
    }
    size_t at = slice_find(text, part, start);
    return at == SIZE_MAX ? 0 : code_point_count(slice_of(text.data, at)) + 1;
}

/* instr(text, part) and locate(part, text[, from]). */
static const struct column *call_locate(CALL_PARAMETERS)
{
    struct output output;
    bool part_first = call->function->variant != 0;
    output_init(&output, eval, call, arguments, 2);
    struct arg text = arg_of(arguments[part_first ? 1 : 0], output.rows);
    struct arg part = arg_of(arguments[part_first ? 0 : 1], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        int64_t from = 1;
        if (call->argument_count == 3) {
            struct arg position = arg_of(arguments[2], output.rows);
            from = arg_is_null(position, i) ? 0 : arg_int(position, i);
        }
        output_int(&output, i, locate(arg_bytes(text, i), arg_bytes(part, i), from));
    }
    return output_finish(&output);
}

/* ---- replace ---- */

static void
append_replaced(struct text_output *text, struct slice value, struct slice what, struct slice by)
{
    size_t at = 0;
    while (what.size > 0) {
        size_t hit = slice_find(value, what, at);
        if (hit == SIZE_MAX) {
            break;
        }
        text_append(text, value.data + at, hit - at);
        text_append_slice(text, by);
        at = hit + what.size;
    }
    text_append(text, value.data + at, value.size - at);
}

static const struct column *call_replace(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t rows = text.base.rows;
    struct arg x = arg_of(arguments[0], rows);
    struct arg what = arg_of(arguments[1], rows);
    for (int64_t i = 0; i < rows; i++) {
        if (!text_skip_null(&text, i)) {
            struct slice by =
                call->argument_count == 3 ? arg_bytes(arg_of(arguments[2], rows), i) : SLICE("");
            append_replaced(&text, arg_bytes(x, i), arg_bytes(what, i), by);
            text_end(&text, i);
        }
    }
    return text_finish(&text);
}

/* Code points of `from` become those of `to` at the same place, or go where `to` is shorter. */
static void
append_translated(struct text_output *text, struct slice value, struct slice from, struct slice to)
{
    for (size_t at = 0; at < value.size;) {
        size_t size = code_point_bytes(value.data[at]);
        size_t hit = SIZE_MAX;
        int64_t index = 0;
        for (size_t f = 0; f < from.size; f += code_point_bytes(from.data[f]), index++) {
            if (code_point_bytes(from.data[f]) == size &&
                memcmp(from.data + f, value.data + at, size) == 0) {
                hit = f;
                break;
            }
        }
        if (hit == SIZE_MAX) {
            text_append(text, value.data + at, size);
        } else {
            text_append_slice(text, code_point_range(to, index, index + 1));
        }
        at += size;
    }
}

static const struct column *call_translate(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 3, 0);
    int64_t rows = text.base.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (!text_skip_null(&text, i)) {
            append_translated(&text, arg_bytes(arg_of(arguments[0], rows), i),
                              arg_bytes(arg_of(arguments[1], rows), i),
                              arg_bytes(arg_of(arguments[2], rows), i));
            text_end(&text, i);
        }
    }
    return text_finish(&text);
}

static enum status resolve_reverse(RESOLVE_PARAMETERS)
{
    if (types[0]->id != TYPE_ARRAY) {
        TRY(function_want(function, types, 0, type_plain(TYPE_STRING), error));
    }
    *ret_type = types[0];
    return STATUS_OK;
}

static const struct column *call_reverse(CALL_PARAMETERS)
{
    if (call->type->id == TYPE_ARRAY) {
        return array_reverse(eval, call, arguments);
    }
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(x, i);
        uint8_t *target = text_reserve(&text, value.size);
        for (size_t at = 0; at < value.size;) {
            size_t size = code_point_bytes(value.data[at]);
            memcpy(target + value.size - at - size, value.data + at, size);
            at += size;
        }
        text.size += value.size;
        text_end(&text, i);
    }
    return text_finish(&text);
}

#define CASED(name, variant, help)                                                                 \
    SCALAR_VARIANT(name, variant, 1, 1, "string -> string", call_case, name "(text)", help)
#define TRIM(name, sides, usage, help)                                                             \
    SCALAR_VARIANT(name, sides, 1, 2, "string, string -> string", call_trim, usage, help)
#define SUBSTRING(name)                                                                            \
    SCALAR_VARIANT(name, PART_SUBSTRING, 2, 3, "bytes, int, int -> same", call_substring,          \
                   name "(text, position[, length])",                                              \
                   "Part of a text, from a position that counts from 1, or from the end if "       \
                   "negative.")
#define LENGTH(name, unit, help)                                                                   \
    SCALAR_VARIANT(name, unit, 1, 1, "bytes -> int", call_length, name "(text)", help)
#define SEARCH(name, variant, help)                                                                \
    SCALAR_VARIANT(name, variant, 2, 2, "bytes, bytes -> boolean", call_search,                    \
                   name "(text, part)", help)
#define LOCATE(name)                                                                               \
    SCALAR_VARIANT(name, 1, 2, 3, "string, string, int -> int", call_locate,                       \
                   name "(part, text[, from])", "Position of the first occurrence from 1, or 0.")

static const struct sql_function rows[] = {
    SCALAR_RESOLVED("concat",
                    0,
                    0,
                    ARGUMENTS_ANY,
                    resolve_concat,
                    call_concat,
                    "concat(a, b, ...)",
                    "Texts, binaries or arrays one after the other; null if one is null."),
    SCALAR_RESOLVED("||",
                    0,
                    2,
                    2,
                    resolve_concat,
                    call_concat,
                    "a || b",
                    "Texts, binaries or arrays one after the other; null if one is null."),
    SCALAR_RESOLVED("concat_ws",
                    0,
                    1,
                    ARGUMENTS_ANY,
                    resolve_concat_ws,
                    call_concat_ws,
                    "concat_ws(separator, a, b, ...)",
                    "Texts and elements of arrays with a separator between; nulls are left out."),
    CASED("lower", CASE_LOWER, "Small letters."),
    CASED("lcase", CASE_LOWER, "Small letters."),
    CASED("upper", CASE_UPPER, "Capital letters."),
    CASED("ucase", CASE_UPPER, "Capital letters."),
    CASED("initcap", CASE_TITLE, "A capital letter at the start of each word, small ones behind."),
    TRIM("trim",
         TRIM_BOTH | TRIM_SET_FIRST,
         "trim([BOTH characters FROM] text)",
         "The text without blanks, or the characters given, at both ends."),
    TRIM("btrim",
         TRIM_BOTH,
         "btrim(text[, characters])",
         "The text without blanks, or the characters given, at both ends."),
    TRIM("ltrim",
         TRIM_LEFT | TRIM_SET_FIRST,
         "ltrim([characters, ]text)",
         "The text without blanks, or the characters given, at its start."),
    TRIM("rtrim",
         TRIM_RIGHT | TRIM_SET_FIRST,
         "rtrim([characters, ]text)",
         "The text without blanks, or the characters given, at its end."),
    SUBSTRING("substring"),
    SUBSTRING("substr"),
    SCALAR_VARIANT("left",
                   PART_LEFT,
                   2,
                   2,
                   "bytes, int -> same",
                   call_substring,
                   "left(text, n)",
                   "The first n characters."),
    SCALAR_VARIANT("right",
                   PART_RIGHT,
                   2,
                   2,
                   "string, int -> string",
                   call_substring,
                   "right(text, n)",
                   "The last n characters."),
    LENGTH("length", LENGTH_CHARACTERS, "Characters of a text, bytes of a binary."),
    LENGTH("len", LENGTH_CHARACTERS, "Characters of a text, bytes of a binary."),
    LENGTH("char_length", LENGTH_CHARACTERS, "Characters of a text, bytes of a binary."),
    LENGTH("character_length", LENGTH_CHARACTERS, "Characters of a text, bytes of a binary."),
    LENGTH("octet_length", LENGTH_BYTES, "Bytes."),
    LENGTH("bit_length", LENGTH_BITS, "Bits."),
    SEARCH("contains", SEARCH_CONTAINS, "True if the part is somewhere in the text."),
    SEARCH("startswith", SEARCH_STARTS, "True if the text begins with the part."),
    SEARCH("endswith", SEARCH_ENDS, "True if the text ends with the part."),
    SCALAR_VARIANT("instr",
                   0,
                   2,
                   2,
                   "string, string -> int",
                   call_locate,
                   "instr(text, part)",
                   "Position of the first occurrence from 1, or 0."),
    LOCATE("locate"),
    LOCATE("position"),
    LOCATE("charindex"),
    SCALAR("replace",
           2,
           3,
           "string, string, string -> string",
           call_replace,
           "replace(text, what[, by])",
           "Every occurrence replaced, or left out."),
    SCALAR("translate",
           3,
           3,
           "string, string, string -> string",
           call_translate,
           "translate(text, from, to)",
           "Characters of `from` replaced by those of `to` at the same place."),
    SCALAR_RESOLVED("reverse",
                    0,
                    1,
                    1,
                    resolve_reverse,
                    call_reverse,
                    "reverse(text or array)",
                    "In opposite order."),
};

FUNCTION_FAMILY(functions_string, rows);
