/* LIKE and regular expressions. */

#include "columnar/builder.h"
#include "sql/code_points.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/pattern.h"

/* ---- LIKE ---- */

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

/* ---- the pattern of each row ---- */

static enum status prepare_pattern(const struct expression *call,
                                   UNUSED struct arena *arena,
                                   const void **ret_state,
                                   struct error *error)
{
    struct slice text;
    *ret_state = NULL;
    if (call->argument_count < 2 || !literal_string(call->arguments[1], &text)) {
        return STATUS_OK;
    }
    struct pattern *pattern;
    TRY(pattern_compile(text, &pattern, error));
    pattern_free(pattern); /* checked here; compiled again a batch, as plans are never freed */
    return STATUS_OK;
}

/* Compiles when the text of the pattern changes. */
struct row_pattern {
    struct output *output;
    struct arg arg;
    struct slice text;
    struct pattern *pattern;
    struct pattern_match match;
};

static void row_pattern_init(struct row_pattern *rows, struct output *output, struct arg arg)
{
    *rows = (struct row_pattern){.output = output, .arg = arg};
}

static void row_pattern_deinit(struct row_pattern *rows)
{
    if (rows->pattern != NULL) {
        pattern_match_deinit(&rows->match);
        pattern_free(rows->pattern);
        rows->pattern = NULL;
    }
}

/* False, and the row failed, if the pattern is wrong. */
static bool row_pattern_at(struct row_pattern *rows, int64_t row)
{
    struct slice text = arg_bytes(rows->arg, row);
    if (rows->pattern != NULL && slice_equal(text, rows->text)) {
        return true;
    }
    row_pattern_deinit(rows);
    struct error error;
    rows->text = text;
    if (pattern_compile(text, &rows->pattern, &error) != STATUS_OK) {
        rows->pattern = NULL;
        output_fail(rows->output, row, "%s", error.message);
        return false;
    }
    pattern_match_init(&rows->match, rows->pattern);
    return true;
}

static bool row_find(struct row_pattern *rows, int64_t row, struct slice subject, size_t start)
{
    bool too_hard = false;
    bool found = pattern_find(rows->pattern, subject, start, &rows->match, &too_hard);
    if (too_hard) {
        output_fail(rows->output, row, "the regular expression takes too many steps on this text");
    }
    return found;
}

/* Where to look after a match; an empty one moves on by a character. */
static size_t next_start(const struct pattern_match *match, struct slice subject)
{
    size_t end = match->offsets[1];
    if (end > match->offsets[0] || end >= subject.size) {
        return end > match->offsets[0] ? end : subject.size + 1;
    }
    return end + code_point_bytes(subject.data[end]);
}

static struct slice group_of(const struct pattern_match *match, struct slice subject, int64_t group)
{
    size_t start = match->offsets[2 * group];
    size_t end = match->offsets[2 * group + 1];
    return start == SIZE_MAX ? slice_of(subject.data, 0)
                             : slice_of(subject.data + start, end - start);
}

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
        bool found = row_find(&rows, i, subject, 0);
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
            found = row_find(&rows, i, subject, next_start(&rows.match, subject));
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
        } else if (!row_find(&rows, i, value, 0)) {
            text_end(&text, i);
        } else if (group_wanted(&rows, arguments, i, &group)) {
            text_end_slice(&text, i, group_of(&rows.match, value, group));
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
        if (row_pattern_at(&rows, i) && row_find(&rows, i, value, 0)) {
            text_end_slice(&text, i, group_of(&rows.match, value, 0));
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

/* A shadow output carries failures; the array is built beside it. */
static void shadow_init(struct output *output,
                        struct expression *shadow,
                        struct eval *eval,
                        const struct expression *call,
                        const struct column *const *arguments)
{
    *shadow = *call;
    shadow->type = type_plain(TYPE_BOOLEAN);
    output_init(output, eval, shadow, arguments, call->argument_count);
}

static const struct column *call_extract_all(CALL_PARAMETERS)
{
    struct output output;
    struct expression shadow;
    shadow_init(&output, &shadow, eval, call, arguments);
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
        bool found = row_find(&rows, i, value, 0);
        if (found && !group_wanted(&rows, arguments, i, &group)) {
            column_append_null(&builder);
            continue;
        }
        while (found) {
            column_append_bytes(&builder.children[0], group_of(&rows.match, value, group));
            found = row_find(&rows, i, value, next_start(&rows.match, value));
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
            text_append_slice(text, group_of(&rows->match, subject, group));
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
            text_append_slice(text, group_of(&rows->match, subject, group));
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
    bool found = row_find(rows, row, subject, start);
    while (found) {
        text_append(text, subject.data + copied, rows->match.offsets[0] - copied);
        if (!append_replacement(text, rows, subject, by)) {
            return false;
        }
        copied = rows->match.offsets[1];
        found = row_find(rows, row, subject, next_start(&rows->match, subject));
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

/* ---- split ---- */

/* Java's String.split: limit > 0 gives at most so many parts; else all, as limit -1 does. An empty
 * match at the start gives no empty first part. */
static void split_row(struct column_builder *parts,
                      struct row_pattern *rows,
                      int64_t row,
                      struct slice subject,
                      int64_t limit)
{
    size_t copied = 0;
    int64_t count = 0;
    bool found = row_find(rows, row, subject, 0);
    while (found && (limit <= 0 || count < limit - 1)) {
        size_t start = rows->match.offsets[0];
        size_t end = rows->match.offsets[1];
        if (!(end == 0 || (start == end && start >= subject.size))) {
            column_append_bytes(parts, slice_of(subject.data + copied, start - copied));
            copied = end;
            count++;
        }
        found = row_find(rows, row, subject, next_start(&rows->match, subject));
    }
    column_append_bytes(parts, slice_of(subject.data + copied, subject.size - copied));
}

static const struct column *call_split(CALL_PARAMETERS)
{
    struct output output;
    struct expression shadow;
    shadow_init(&output, &shadow, eval, call, arguments);
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, call->type, output.rows);
    struct row_pattern rows;
    row_pattern_init(&rows, &output, arg_of(arguments[1], output.rows));
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i) || !row_pattern_at(&rows, i)) {
            column_append_null(&builder);
            continue;
        }
        int64_t limit =
            call->argument_count == 3 ? arg_int(arg_of(arguments[2], output.rows), i) : -1;
        split_row(&builder.children[0], &rows, i, arg_bytes(arg_of(arguments[0], output.rows), i),
                  limit);
        column_append_list_end(&builder);
    }
    row_pattern_deinit(&rows);
    return column_builder_finish(&builder);
}

/* ---- str_to_map ---- */

/* Where the first match of a pattern in the text begins and ends; the text's end if there is none.
 */
static void next_cut(struct row_pattern *rows,
                     int64_t row,
                     struct slice text,
                     size_t start,
                     size_t *ret_start,
                     size_t *ret_end)
{
    bool found = row_find(rows, row, text, start);
    *ret_start = found ? rows->match.offsets[0] : text.size;
    *ret_end = found ? rows->match.offsets[1] : text.size + 1;
    if (*ret_end <= start) {
        *ret_end = text.size + 1;
        *ret_start = text.size;
    }
}

static bool has_key(const struct column_builder *keys, int64_t first, struct slice key)
{
    for (int64_t i = first; i < keys->length; i++) {
        struct slice other = slice_of(keys->values + keys->offsets[i],
                                      (size_t) (keys->offsets[i + 1] - keys->offsets[i]));
        if (slice_equal(other, key)) {
            return true;
        }
    }
    return false;
}

static void pairs_of(struct column_builder *map,
                     struct row_pattern *pairs,
                     struct row_pattern *parts,
                     int64_t row,
                     struct slice text)
{
    int64_t first = map->children[0].length;
    for (size_t start = 0, end = 0, next = 0; start <= text.size; start = next) {
        next_cut(pairs, row, text, start, &end, &next);
        struct slice pair = slice_of(text.data + start, end - start);
        size_t key_end;
        size_t value_start;
        next_cut(parts, row, pair, 0, &key_end, &value_start);
        struct slice key = slice_of(pair.data, key_end);
        if (has_key(&map->children[0], first, key)) {
            output_fail(pairs->output, row, "a map has a key twice");
            break;
        }
        column_append_bytes(&map->children[0], key);
        if (value_start > pair.size) {
            column_append_null(&map->children[1]);
        } else {
            column_append_bytes(&map->children[1],
                                slice_of(pair.data + value_start, pair.size - value_start));
        }
    }
    column_append_list_end(map);
}

static const struct column *call_str_to_map(CALL_PARAMETERS)
{
    struct output output;
    struct expression shadow;
    shadow_init(&output, &shadow, eval, call, arguments);
    const char *const defaults[] = {",", ":"};
    struct arg delimiters[2];
    for (uint32_t n = 0; n < 2; n++) {
        struct column_builder text;
        column_builder_init(&text, eval->arena, type_plain(TYPE_STRING), 1);
        column_append_bytes(&text, slice_of_string(defaults[n]));
        delimiters[n] =
            arg_of(n + 1 < call->argument_count ? arguments[n + 1] : column_builder_finish(&text),
                   output.rows);
        delimiters[n].mask = delimiters[n].column->length == 1 ? 0 : -1;
    }
    struct row_pattern pairs;
    struct row_pattern parts;
    row_pattern_init(&pairs, &output, delimiters[0]);
    row_pattern_init(&parts, &output, delimiters[1]);
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, call->type, output.rows);
    struct arg text = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i) || !row_pattern_at(&pairs, i) ||
            !row_pattern_at(&parts, i)) {
            column_append_null(&builder);
        } else {
            pairs_of(&builder, &pairs, &parts, i, arg_bytes(text, i));
        }
    }
    row_pattern_deinit(&pairs);
    row_pattern_deinit(&parts);
    return column_builder_finish(&builder);
}

#define PATTERN(name_, variant_, min_, max_, signature_, call_, usage_, help_)                     \
    {                                                                                              \
        .name = (name_), .arguments_min = (min_), .arguments_max = (max_), .deterministic = true,  \
        .variant = (variant_), .signature = (signature_), .usage = (usage_), .help = (help_),      \
        .prepare = prepare_pattern, .call = (call_)                                                \
    }
#define LIKE(name_, variant_, usage_, help_)                                                       \
    {                                                                                              \
        .name = (name_), .arguments_min = 2, .arguments_max = 3, .deterministic = true,            \
        .variant = (variant_), .signature = "string, string, string -> boolean",                   \
        .usage = (usage_), .help = (help_), .prepare = prepare_like, .call = call_like             \
    }
#define TEST(name)                                                                                 \
    PATTERN(name, REGEXP_LIKE, 2, 2, "string, string -> boolean", call_regexp_test,                \
            name "(text, regexp)", "True if the regular expression matches a part of the text.")

static const struct sql_function rows[] = {
    LIKE("like",
         LIKE_EXACT,
         "text LIKE pattern [ESCAPE character]",
         "True if the whole text matches; % stands for any characters, _ for one."),
    LIKE("ilike",
         LIKE_FOLDED,
         "text ILIKE pattern [ESCAPE character]",
         "LIKE without regard to case."),
    TEST("rlike"),
    TEST("regexp"),
    TEST("regexp_like"),
    PATTERN("regexp_count",
            REGEXP_COUNT,
            2,
            2,
            "string, string -> int",
            call_regexp_test,
            "regexp_count(text, regexp)",
            "How often the regular expression matches."),
    PATTERN("regexp_instr",
            REGEXP_INSTR,
            2,
            3,
            "string, string, int -> int",
            call_regexp_test,
            "regexp_instr(text, regexp)",
            "Position of the first match from 1, or 0."),
    PATTERN("regexp_extract",
            0,
            2,
            3,
            "string, string, int -> string",
            call_extract,
            "regexp_extract(text, regexp[, group])",
            "A group (1 unless said) of the first match; '' where there is none."),
    PATTERN("regexp_substr",
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
     .prepare = prepare_pattern,
     .call = call_extract_all},
    PATTERN("regexp_replace",
            0,
            3,
            4,
            "string, string, string, int -> string",
            call_regexp_replace,
            "regexp_replace(text, regexp, replacement[, position])",
            "Every match replaced; $1 stands for group 1."),
    PATTERN("str_to_map",
            0,
            1,
            3,
            "string, string, string -> map<string,string>",
            call_str_to_map,
            "str_to_map(text[, pair_delimiter[, key_delimiter]])",
            "A map from text such as 'a:1,b:2'; the delimiters are regular expressions."),
    PATTERN("split",
            0,
            2,
            3,
            "string, string, int -> array<string>",
            call_split,
            "split(text, regexp[, limit])",
            "The parts between matches, at most `limit` if it is positive."),
};

FUNCTION_FAMILY(functions_pattern, rows);
