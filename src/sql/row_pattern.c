#include "sql/row_pattern.h"

#include "sql/code_points.h"

enum status row_pattern_prepare(const struct expression *call,
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

void row_pattern_init(struct row_pattern *rows, struct output *output, struct arg arg)
{
    *rows = (struct row_pattern){.output = output, .arg = arg};
}

void row_pattern_deinit(struct row_pattern *rows)
{
    if (rows->pattern != NULL) {
        pattern_match_deinit(&rows->match);
        pattern_free(rows->pattern);
        rows->pattern = NULL;
    }
}

bool row_pattern_at(struct row_pattern *rows, int64_t row)
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

bool row_pattern_find(struct row_pattern *rows, int64_t row, struct slice subject, size_t start)
{
    bool too_hard = false;
    bool found = pattern_find(rows->pattern, subject, start, &rows->match, &too_hard);
    if (too_hard) {
        output_fail(rows->output, row, "the regular expression takes too many steps on this text");
    }
    return found;
}

size_t pattern_next_start(const struct pattern_match *match, struct slice subject)
{
    size_t end = match->offsets[1];
    if (end > match->offsets[0] || end >= subject.size) {
        return end > match->offsets[0] ? end : subject.size + 1;
    }
    return end + code_point_bytes(subject.data[end]);
}

struct slice pattern_group(const struct pattern_match *match, struct slice subject, int64_t group)
{
    size_t start = match->offsets[2 * group];
    size_t end = match->offsets[2 * group + 1];
    return start == SIZE_MAX ? slice_of(subject.data, 0)
                             : slice_of(subject.data + start, end - start);
}

void pattern_shadow_init(struct output *output,
                         struct expression *shadow,
                         struct eval *eval,
                         const struct expression *call,
                         const struct column *const *arguments)
{
    *shadow = *call;
    shadow->type = type_plain(TYPE_BOOLEAN);
    output_init(output, eval, shadow, arguments, call->argument_count);
}
