/* LIKE and ILIKE. */

#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/pattern.h"

enum {
    LIKE_EXACT,
    LIKE_FOLDED
};

static char escape_of(const struct expression *call)
{
    struct slice text;
    if (call->argument_count < 3) {
        return '\\';
    }
    return literal_string(call->arguments[2], &text) && text.size == 1 ? (char) text.data[0] : 0;
}

static enum status prepare_like(const struct expression *call,
                                UNUSED struct arena *arena,
                                const void **ret_state,
                                struct error *error)
{
    struct slice pattern;
    *ret_state = NULL;
    if (call->argument_count == 3 && escape_of(call) == 0) {
        return error_set(error, STATUS_CONFIG, "the escape of LIKE must be one literal character");
    }
    return literal_string(call->arguments[1], &pattern)
               ? like_check(pattern, escape_of(call), error)
               : STATUS_OK;
}

/* A pattern of % only at its ends is a search for plain text. */
struct plain_like {
    bool usable, open_start, open_end;
    struct slice text;
};

static struct plain_like plain_like_of(struct slice pattern, char escape)
{
    struct plain_like plain = {.usable = true, .text = pattern};
    if (plain.text.size > 0 && plain.text.data[0] == '%') {
        plain.open_start = true;
        plain.text = slice_of(plain.text.data + 1, plain.text.size - 1);
    }
    if (plain.text.size > 0 && plain.text.data[plain.text.size - 1] == '%') {
        plain.open_end = true;
        plain.text.size--;
    }
    for (size_t i = 0; i < plain.text.size; i++) {
        uint8_t c = plain.text.data[i];
        plain.usable = plain.usable && c != '%' && c != '_' && c != (uint8_t) escape;
    }
    return plain;
}

static bool plain_like_match(const struct plain_like *plain, struct slice text)
{
    struct slice part = plain->text;
    if (part.size > text.size) {
        return false;
    }
    if (plain->open_start && plain->open_end) {
        return slice_find(text, part, 0) != SIZE_MAX;
    }
    if (plain->open_start) {
        return slice_equal(slice_of(text.data + text.size - part.size, part.size), part);
    }
    return (plain->open_end || text.size == part.size) &&
           slice_equal(slice_of(text.data, part.size), part);
}

static const struct column *call_like(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct arg text = arg_of(arguments[0], output.rows);
    struct arg pattern = arg_of(arguments[1], output.rows);
    bool fold = call->function->variant == LIKE_FOLDED;
    char escape = escape_of(call);
    struct plain_like plain = {0};
    if (!fold && pattern.mask == 0 && !arg_is_null(pattern, 0)) {
        plain = plain_like_of(arg_bytes(pattern, 0), escape);
    }
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice value = arg_bytes(text, i);
        if (plain.usable) {
            output_bool(&output, i, plain_like_match(&plain, value));
            continue;
        }
        struct error error;
        struct slice wanted = arg_bytes(pattern, i);
        if (pattern.mask != 0 && like_check(wanted, escape, &error) != STATUS_OK) {
            output_fail(&output, i, "%s", error.message);
        } else {
            output_bool(&output, i, like_match(value, wanted, escape, fold));
        }
    }
    return output_finish(&output);
}

#define LIKE(name_, variant_, usage_, help_)                                                       \
    {                                                                                              \
        .name = (name_), .arguments_min = 2, .arguments_max = 3, .deterministic = true,            \
        .variant = (variant_), .signature = "string, string, string -> boolean",                   \
        .usage = (usage_), .help = (help_), .prepare = prepare_like, .call = call_like             \
    }

static const struct sql_function rows[] = {
    LIKE("like",
         LIKE_EXACT,
         "text LIKE pattern [ESCAPE character]",
         "True if the whole text matches; % stands for any characters, _ for one."),
    LIKE("ilike",
         LIKE_FOLDED,
         "text ILIKE pattern [ESCAPE character]",
         "LIKE without regard to case."),
};

FUNCTION_FAMILY(functions_like, rows);
