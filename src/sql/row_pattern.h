#pragma once

/* The regular expression of each row: compiled when its text changes, which it seldom does. */

#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/pattern.h"

struct row_pattern {
    struct output *output;
    struct arg arg;
    struct slice text;
    struct pattern *pattern;
    struct pattern_match match;
};

/* Argument 1, where it is a literal, must be a pattern: sql_function.prepare. */
enum status row_pattern_prepare(const struct expression *call,
                                struct arena *arena,
                                const void **ret_state,
                                struct error *error);

/* `arg` has the patterns; a row whose pattern is wrong, or too hard for its text, fails in
 * `output`. */
void row_pattern_init(struct row_pattern *rows, struct output *output, struct arg arg);

void row_pattern_deinit(struct row_pattern *rows);

/* The pattern of a row into `pattern`. False, and the row failed, if it is wrong. */
bool row_pattern_at(struct row_pattern *rows, int64_t row);

/* The first match at or behind byte `start`, into `match`. */
bool row_pattern_find(struct row_pattern *rows, int64_t row, struct slice subject, size_t start);

/* Where to look after a match; an empty one moves on by a character. */
size_t pattern_next_start(const struct pattern_match *match, struct slice subject);

/* What a group matched; empty if it has no part in the match. */
struct slice pattern_group(const struct pattern_match *match, struct slice subject, int64_t group);

/* A shadow output carries failures; the array is built beside it. */
void pattern_shadow_init(struct output *output,
                         struct expression *shadow,
                         struct eval *eval,
                         const struct expression *call,
                         const struct column *const *arguments);

/* A row of the table of functions whose argument 1 is a pattern. */
#define PATTERN_FUNCTION(name_, variant_, min_, max_, signature_, call_, usage_, help_)            \
    {                                                                                              \
        .name = (name_), .arguments_min = (min_), .arguments_max = (max_), .deterministic = true,  \
        .variant = (variant_), .signature = (signature_), .usage = (usage_), .help = (help_),      \
        .prepare = row_pattern_prepare, .call = (call_)                                            \
    }
