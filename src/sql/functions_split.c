/* Text taken apart at matches of regular expressions: split and str_to_map. */

#include "columnar/builder.h"
#include "sql/code_points.h"
#include "sql/row_pattern.h"

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
    bool found = row_pattern_find(rows, row, subject, 0);
    while (found && (limit <= 0 || count < limit - 1)) {
        size_t start = rows->match.offsets[0];
        size_t end = rows->match.offsets[1];
        if (!(end == 0 || (start == end && start >= subject.size))) {
            column_append_bytes(parts, slice_of(subject.data + copied, start - copied));
            copied = end;
            count++;
        }
        found = row_pattern_find(rows, row, subject, pattern_next_start(&rows->match, subject));
    }
    column_append_bytes(parts, slice_of(subject.data + copied, subject.size - copied));
}

static const struct column *call_split(CALL_PARAMETERS)
{
    struct output output;
    struct expression shadow;
    pattern_shadow_init(&output, &shadow, eval, call, arguments);
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
    bool found = row_pattern_find(rows, row, text, start);
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
    pattern_shadow_init(&output, &shadow, eval, call, arguments);
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

static const struct sql_function rows[] = {
    PATTERN_FUNCTION("str_to_map",
                     0,
                     1,
                     3,
                     "string, string, string -> map<string,string>",
                     call_str_to_map,
                     "str_to_map(text[, pair_delimiter[, key_delimiter]])",
                     "A map from text such as 'a:1,b:2'; the delimiters are regular expressions."),
    PATTERN_FUNCTION("split",
                     0,
                     2,
                     3,
                     "string, string, int -> array<string>",
                     call_split,
                     "split(text, regexp[, limit])",
                     "The parts between matches, at most `limit` if it is positive."),
};

FUNCTION_FAMILY(functions_split, rows);
