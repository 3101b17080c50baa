/*
 * window(time, size[, slide[, start]]) in GROUP BY: rows are put into windows of event time. The
 * aggregation widens its input by a column "window", to which this and the name resolve.
 */

#include "sql/analyse.h"
#include "sql/coerce.h"
#include "sql/interval.h"

static const struct type *window_type(struct arena *arena)
{
    const struct type *time = type_plain(TYPE_TIMESTAMP);
    struct type_field fields[] = {{"start", time, true}, {"end", time, true}};
    return type_struct(arena, fields, 2);
}

const struct expression *analyse_window_column(struct analyser *analyser,
                                               const struct aggregation *aggregation,
                                               size_t offset)
{
    return expression_column(analyser->arena, aggregation->window_column,
                             window_type(analyser->arena), false, offset);
}

/* '10 minutes', or a number of microseconds; Spark takes no INTERVAL here */
static bool duration(struct analyser *analyser,
                     const struct tree *tree,
                     const char *what,
                     int64_t min,
                     int64_t *ret_us)
{
    struct error inner;
    error_clear(&inner);
    const struct column *literal =
        tree->kind == TREE_LITERAL && tree->literal->null_count == 0 ? tree->literal : NULL;
    if (literal != NULL && type_is_integral(literal->type)) {
        *ret_us = column_int(literal, 0);
    } else if (literal != NULL && literal->type->id == TYPE_STRING) {
        struct interval interval;
        if (interval_parse_units(column_bytes(literal, 0), &interval, &inner) != STATUS_OK) {
            analyse_fail(analyser, tree->offset, "%s of window: %s", what, inner.message);
            error_hint(analyser->error, "%s", inner.hint);
            return false;
        }
        if (interval.is_months) {
            analyse_fail(analyser, tree->offset,
                         "%s of window cannot be in months or years, as they differ in length",
                         what);
            return false;
        }
        *ret_us = interval.us;
    } else {
        analyse_fail(analyser, tree->offset, "%s of window must be text such as '10 minutes'",
                     what);
        return false;
    }
    if (*ret_us < min) {
        analyse_fail(analyser, tree->offset, "%s of window must be %s", what,
                     min > 0 ? "more than nothing" : "positive");
        return false;
    }
    return true;
}

static const struct expression *
window_time(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    if (tree->argument_count != 1) {
        return analyse_fail(analyser, tree->offset, "window_time takes the window column");
    }
    const struct expression *window = analyse_expression(analyser, context, tree->arguments[0]);
    if (window == NULL) {
        return NULL;
    }
    const struct aggregation *aggregation = context->aggregation;
    if (aggregation != NULL && !aggregation->collecting_keys && !context->inside_aggregate &&
        aggregation->window != NULL && window->kind == EXPR_COLUMN &&
        window->index == aggregation->window_column) {
        analyse_fail(analyser, tree->offset,
                     "window_time of the window that this query groups by is not grouped by");
        error_hint(analyser->error, "use it in a query around this one, or take window.end");
        return NULL;
    }
    int end = window->type->id == TYPE_STRUCT ? type_field_index(window->type, "end") : -1;
    if (end < 0) {
        return analyse_fail(analyser, tree->offset, "window_time takes the window column, not %s",
                            analyse_type_text(analyser, window->type));
    }
    const struct expression *both[] = {
        expression_field(analyser->arena, window, (uint32_t) end, tree->offset),
        expression_int(analyser->arena, type_plain(TYPE_INTERVAL), 1, tree->offset),
    };
    return analyse_apply(analyser, "-", tree->offset, both, 2);
}

static bool same_window(const struct plan_window *a, const struct plan_window *b)
{
    return a->size_us == b->size_us && a->slide_us == b->slide_us && a->start_us == b->start_us &&
           expression_equal(a->time, b->time);
}

static const struct expression *window_start(struct analyser *analyser,
                                             struct context *context,
                                             const struct tree *tree,
                                             struct plan_window *window)
{
    struct context inner = *context;
    inner.inside_aggregate = true; /* no aggregate below */
    window->time = analyse_expression(analyser, &inner, tree->arguments[0]);
    if (window->time == NULL) {
        return NULL;
    }
    enum type_id id = window->time->type->id;
    if (id == TYPE_STRUCT) {
        analyse_fail(analyser, tree->offset, "window takes a TIMESTAMP, not %s",
                     analyse_type_text(analyser, window->time->type));
        error_hint(analyser->error,
                   "to group windows again write window(window_time(window), ...)");
        return NULL;
    }
    if (id != TYPE_TIMESTAMP && id != TYPE_DATE && id != TYPE_STRING) {
        analyse_fail(analyser, tree->offset, "window takes a TIMESTAMP, not %s",
                     analyse_type_text(analyser, window->time->type));
        error_hint(analyser->error, "numbers of seconds become times by timestamp_seconds(x)");
        return NULL;
    }
    window->time = expression_cast(analyser->arena, window->time, type_plain(TYPE_TIMESTAMP));
    return window->time;
}

const struct expression *
analyse_window(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    if (strcmp(tree->name, "window_time") == 0) {
        return window_time(analyser, context, tree);
    }
    if (strcmp(tree->name, "session_window") == 0) {
        analyse_fail(analyser, tree->offset, "session windows are not supported");
        error_hint(analyser->error, "use window(time, '10 minutes'), or run this query on Spark");
        return NULL;
    }
    struct aggregation *aggregation = context->aggregation;
    if (aggregation == NULL || context->inside_aggregate) {
        analyse_fail(analyser, tree->offset, "window(...) cannot stand in %s",
                     context->inside_aggregate ? "an aggregate" : context->clause);
        error_hint(analyser->error,
                   "it belongs into GROUP BY; SELECT can then name window.start and window.end");
        return NULL;
    }
    if (tree->argument_count < 2 || tree->argument_count > 4) {
        return analyse_fail(analyser, tree->offset,
                            "window takes a time, a size, and perhaps a slide and a start");
    }
    struct plan_window *window = ARENA_NEW(analyser->arena, struct plan_window);
    if (!duration(analyser, tree->arguments[1], "the size", 1, &window->size_us)) {
        return NULL;
    }
    window->slide_us = window->size_us;
    if (tree->argument_count > 2 &&
        !duration(analyser, tree->arguments[2], "the slide", 1, &window->slide_us)) {
        return NULL;
    }
    if (tree->argument_count > 3 &&
        !duration(analyser, tree->arguments[3], "the start", INT64_MIN, &window->start_us)) {
        return NULL;
    }
    if (window->slide_us > window->size_us) {
        return analyse_fail(
            analyser, tree->arguments[2]->offset,
            "the slide of window is longer than its size: rows between windows would be lost");
    }
    if (window->start_us >= window->slide_us || window->start_us <= -window->slide_us) {
        return analyse_fail(analyser, tree->arguments[3]->offset,
                            "the start of window must be shorter than its slide");
    }
    if (window->size_us / window->slide_us > 10000) {
        return analyse_fail(analyser, tree->offset,
                            "each row would be in %lld windows; at most 10000 are allowed",
                            (long long) (window->size_us / window->slide_us));
    }
    if (window_start(analyser, context, tree, window) == NULL) {
        return NULL;
    }
    if (aggregation->window != NULL && !same_window(aggregation->window, window)) {
        return analyse_fail(analyser, tree->offset,
                            aggregation->collecting_keys
                                ? "only one window can stand in GROUP BY"
                                : "this window differs from the one in GROUP BY");
    }
    if (aggregation->window == NULL && !aggregation->collecting_keys) {
        analyse_fail(analyser, tree->offset,
                     "window(...) stands in the SELECT list but not in GROUP BY");
        error_hint(analyser->error, "add GROUP BY window(...) with the same arguments");
        return NULL;
    }
    aggregation->window = window;
    aggregation->window_offset = tree->offset;
    return analyse_window_column(analyser, aggregation, tree->offset);
}
