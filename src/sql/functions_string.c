/* Strings: cutting, length, search and replacement of plain text. */

#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

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
};

FUNCTION_FAMILY(functions_string, rows);
