/* Regular expressions: tests, extraction, replacement. */

#include "columnar/builder.h"
#include "sql/code_points.h"
#include "sql/row_pattern.h"

/* ---- tests and counts ---- */

enum {
    REGEXP_LIKE,
    REGEXP_COUNT,
    REGEXP_INSTR
};

static const struct column *call_regexp_test(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg text = arg_of(arguments[0], output.rows);
    struct row_pattern rows;
    row_pattern_init(&rows, &output, arg_of(arguments[1], output.rows));
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i) || !row_pattern_at(&rows, i)) {
            continue;
        }
        struct slice subject = arg_bytes(text, i);
        bool found = row_pattern_find(&rows, i, subject, 0);
        if (call->function->variant == REGEXP_LIKE) {
            output_bool(&output, i, found);
            continue;
        }
        if (call->function->variant == REGEXP_INSTR) {
            size_t at = found ? rows.match.offsets[0] : 0;
            output_int(&output, i, found ? code_point_count(slice_of(subject.data, at)) + 1 : 0);
            continue;
        }
        int64_t count = 0;
        while (found) {
            count++;
            found = row_pattern_find(&rows, i, subject, pattern_next_start(&rows.match, subject));
        }
        output_int(&output, i, count);
    }
    row_pattern_deinit(&rows);
    return output_finish(&output);
}

/* ---- extraction ---- */

/* The group wanted: argument 2, or 1. False, and the row failed, if the pattern has no such. */
static bool group_wanted(struct row_pattern *rows,
                         const struct column *const *arguments,
                         int64_t row,
                         int64_t *ret_group)
{
    const struct expression *call = rows->output->call;
    *ret_group = 1;
    if (call->argument_count == 3) {
        *ret_group = arg_int(arg_of(arguments[2], rows->output->rows), row);
    }
    if (*ret_group < 0 || *ret_group > pattern_groups(rows->pattern)) {
        output_fail(rows->output, row, "the regular expression has %u groups, not %lld",
                    pattern_groups(rows->pattern), (long long) *ret_group);
        return false;
    }
    return true;
}

static const struct column *call_extract(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    struct arg subject = arg_of(arguments[0], text.base.rows);
    struct row_pattern rows;
    row_pattern_init(&rows, &text.base, arg_of(arguments[1], text.base.rows));
    for (int64_t i = 0; i < text.base.rows; i++) {
        int64_t group;
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(subject, i);
        if (!row_pattern_at(&rows, i)) {
            text_end_null(&text, i);
        } else if (!row_pattern_find(&rows, i, value, 0)) {
            text_end(&text, i);
        } else if (group_wanted(&rows, arguments, i, &group)) {
            text_end_slice(&text, i, pattern_group(&rows.match, value, group));
        } else {
            text_end_null(&text, i);
        }
    }
    row_pattern_deinit(&rows);
    return text_finish(&text);
}

/* regexp_substr: the whole match, or null. */
static const struct column *call_substr(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 2, 0);
    struct arg subject = arg_of(arguments[0], text.base.rows);
    struct row_pattern rows;
    row_pattern_init(&rows, &text.base, arg_of(arguments[1], text.base.rows));
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice value = arg_bytes(subject, i);
        if (row_pattern_at(&rows, i) && row_pattern_find(&rows, i, value, 0)) {
            text_end_slice(&text, i, pattern_group(&rows.match, value, 0));
        } else {
            text_end_null(&text, i);
        }
    }
    row_pattern_deinit(&rows);
    return text_finish(&text);
}

static enum status resolve_extract_all(RESOLVE_PARAMETERS)
{
    TRY(function_want(function, types, 0, type_plain(TYPE_STRING), error));
    TRY(function_want(function, types, 1, type_plain(TYPE_STRING), error));
    if (count == 3) {
        TRY(function_want(function, types, 2, type_plain(TYPE_INT), error));
    }
    *ret_type = type_array(arena, type_plain(TYPE_STRING), true);
    return STATUS_OK;
}

static const struct column *call_extract_all(CALL_PARAMETERS)
{
    struct output output;
    struct expression shadow;
    pattern_shadow_init(&output, &shadow, eval, call, arguments);
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, call->type, output.rows);
    struct arg subject = arg_of(arguments[0], output.rows);
    struct row_pattern rows;
    row_pattern_init(&rows, &output, arg_of(arguments[1], output.rows));
    for (int64_t i = 0; i < output.rows; i++) {
        int64_t group = 0;
        if (output_is_null(&output, i) || !row_pattern_at(&rows, i)) {
            column_append_null(&builder);
            continue;
        }
        struct slice value = arg_bytes(subject, i);
        bool found = row_pattern_find(&rows, i, value, 0);
        if (found && !group_wanted(&rows, arguments, i, &group)) {
            column_append_null(&builder);
            continue;
        }
        while (found) {
            column_append_bytes(&builder.children[0], pattern_group(&rows.match, value, group));
            found = row_pattern_find(&rows, i, value, pattern_next_start(&rows.match, value));
        }
        column_append_list_end(&builder);
    }
    row_pattern_deinit(&rows);
    return column_builder_finish(&builder);
}

/* ---- replacement ---- */

/* Java's replacement: $1, ${name}, and \ before a character that is meant as it is. */
static bool append_replacement(struct text_output *text,
                               const struct row_pattern *rows,
                               struct slice subject,
                               struct slice by)
{
    for (size_t i = 0; i < by.size; i++) {
        if (by.data[i] == '\\' && i + 1 < by.size) {
            text_append(text, &by.data[++i], 1);
        } else if (by.data[i] != '$') {
            text_append(text, &by.data[i], 1);
        } else if (i + 1 < by.size && by.data[i + 1] == '{') {
            const uint8_t *close = memchr(by.data + i, '}', by.size - i);
            if (close == NULL) {
                return false;
            }
            struct slice name = slice_of(by.data + i + 2, (size_t) (close - by.data) - i - 2);
            int group = pattern_group_number(rows->pattern, name);
            if (group < 0) {
                return false;
            }
            text_append_slice(text, pattern_group(&rows->match, subject, group));
            i = (size_t) (close - by.data);
        } else {
            unsigned group = 0;
            size_t digits = 0;
            while (i + 1 < by.size && by.data[i + 1] >= '0' && by.data[i + 1] <= '9') {
                unsigned next = group * 10 + (unsigned) (by.data[i + 1] - '0');
                if (digits > 0 && next > pattern_groups(rows->pattern)) {
                    break;
                }
                group = next;
                digits++;
                i++;
            }
            if (digits == 0 || group > pattern_groups(rows->pattern)) {
                return false;
            }
            text_append_slice(text, pattern_group(&rows->match, subject, group));
        }
    }
    return true;
}

static bool replace_row(struct text_output *text,
                        struct row_pattern *rows,
                        int64_t row,
                        struct slice subject,
                        struct slice by,
                        size_t start)
{
    size_t copied = start;
    text_append(text, subject.data, start);
    bool found = row_pattern_find(rows, row, subject, start);
    while (found) {
        text_append(text, subject.data + copied, rows->match.offsets[0] - copied);
        if (!append_replacement(text, rows, subject, by)) {
            return false;
        }
        copied = rows->match.offsets[1];
        found = row_pattern_find(rows, row, subject, pattern_next_start(&rows->match, subject));
    }
    text_append(text, subject.data + copied, subject.size - copied);
    return true;
}

static const struct column *call_regexp_replace(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count, 0);
    int64_t count = text.base.rows;
    struct row_pattern rows;
    row_pattern_init(&rows, &text.base, arg_of(arguments[1], count));
    for (int64_t i = 0; i < count; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        struct slice subject = arg_bytes(arg_of(arguments[0], count), i);
        int64_t position = call->argument_count == 4 ? arg_int(arg_of(arguments[3], count), i) : 1;
        if (!row_pattern_at(&rows, i)) {
            text_end_null(&text, i);
        } else if (position > code_point_count(subject) && position > 1) {
            text_end_slice(&text, i, subject);
        } else if (position < 1) {
            output_fail(&text.base, i, "regexp_replace begins at 1, not %lld",
                        (long long) position);
            text_end_null(&text, i);
        } else if (replace_row(&text, &rows, i, subject, arg_bytes(arg_of(arguments[2], count), i),
                               code_point_offset(subject, position - 1))) {
            text_end(&text, i);
        } else {
            output_fail(&text.base, i, "the replacement names a group that there is not");
            text_end_null(&text, i);
        }
    }
    row_pattern_deinit(&rows);
    return text_finish(&text);
}

#define TEST(name)                                                                                 \
    PATTERN_FUNCTION(name, REGEXP_LIKE, 2, 2, "string, string -> boolean", call_regexp_test,       \
                     name "(text, regexp)",                                                        \
                     "True if the regular expression matches a part of the text.")

static const struct sql_function rows[] = {
    TEST("rlike"),
    TEST("regexp"),
    TEST("regexp_like"),
    PATTERN_FUNCTION("regexp_count",
                     REGEXP_COUNT,
                     2,
                     2,
                     "string, string -> int",
                     call_regexp_test,
                     "regexp_count(text, regexp)",
                     "How often the regular expression matches."),
    PATTERN_FUNCTION("regexp_instr",
                     REGEXP_INSTR,
                     2,
                     3,
                     "string, string, int -> int",
                     call_regexp_test,
                     "regexp_instr(text, regexp)",
                     "Position of the first match from 1, or 0."),
    PATTERN_FUNCTION("regexp_extract",
                     0,
                     2,
                     3,
                     "string, string, int -> string",
                     call_extract,
                     "regexp_extract(text, regexp[, group])",
                     "A group (1 unless said) of the first match; '' where there is none."),
    PATTERN_FUNCTION("regexp_substr",
                     0,
                     2,
                     2,
                     "string, string -> string",
                     call_substr,
                     "regexp_substr(text, regexp)",
                     "The first match, or null."),
    {.name = "regexp_extract_all",
     .arguments_min = 2,
     .arguments_max = 3,
     .deterministic = true,
     .usage = "regexp_extract_all(text, regexp[, group])",
     .help = "A group (1 unless said) of every match, as an array.",
     .resolve = resolve_extract_all,
     .prepare = row_pattern_prepare,
     .call = call_extract_all},
    PATTERN_FUNCTION("regexp_replace",
                     0,
                     3,
                     4,
                     "string, string, string, int -> string",
                     call_regexp_replace,
                     "regexp_replace(text, regexp, replacement[, position])",
                     "Every match replaced; $1 stands for group 1."),
};

FUNCTION_FAMILY(functions_pattern, rows);
