/*
 * What Spark refuses to run over a stream: the rules of its UnsupportedOperationChecker, on our
 * plan. A query that passes runs there unchanged.
 * https://spark.apache.org/docs/3.5.7/structured-streaming-programming-guide.html#unsupported-operations
 */

#include "sql/expressions.h"
#include "sql/function.h"
#include "sql/lexer.h"
#include "sql/query.h"

struct check {
    const struct query *query;
    struct arena *arena;
    const char *reason;
    size_t offset;
};

static void refuse(struct check *check, size_t offset, const char *reason)
{
    if (check->reason == NULL) {
        check->reason = reason;
        check->offset = offset;
    }
}

static bool is_stream(const struct plan *plan)
{
    if (plan->kind == PLAN_SCAN) {
        return plan->relation->streaming;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (is_stream(plan->inputs[i])) {
            return true;
        }
    }
    return false;
}

static bool is_grouped(const struct plan *plan)
{
    return plan->kind == PLAN_AGGREGATE || plan->kind == PLAN_DISTINCT;
}

static const struct plan *find_grouped(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (is_grouped(plan->inputs[i])) {
            return plan->inputs[i];
        }
        const struct plan *found = find_grouped(plan->inputs[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static void check_expression(struct check *check, const struct expression *expression)
{
    if (expression->kind == EXPR_CALL && expression->function->streaming_refused) {
        refuse(check, expression->offset,
               arena_printf(check->arena, "Spark refuses %s in streaming",
                            expression->function->name));
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        check_expression(check, expression->arguments[i]);
    }
    if (expression->body != NULL) {
        check_expression(check, expression->body);
    }
}

static void check_expressions(struct check *check, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->expression_count; i++) {
        check_expression(check, plan->expressions[i]);
    }
    for (uint32_t i = 0; i < plan->key_count; i++) {
        check_expression(check, plan->keys[i]);
    }
    if (plan->predicate != NULL) {
        check_expression(check, plan->predicate);
    }
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const struct plan_aggregate *aggregate = &plan->aggregates[i];
        for (uint32_t a = 0; a < aggregate->argument_count; a++) {
            check_expression(check, aggregate->arguments[a]);
        }
        if (aggregate->distinct) {
            refuse(check, plan->offset,
                   arena_printf(
                       check->arena,
                       "Spark refuses %s(DISTINCT ...) in streaming; approx_count_distinct runs",
                       aggregate->function->name));
        }
        if (aggregate->function->streaming_refused) {
            refuse(check, plan->offset,
                   arena_printf(check->arena, "Spark refuses %s in streaming",
                                aggregate->function->name));
        }
    }
}

static void check_grouped(struct check *check, const struct plan *plan)
{
    enum output_mode mode = check->query->mode;
    if (mode == OUTPUT_APPEND && plan->watermark_key < 0) {
        refuse(check, plan->offset,
               "Spark refuses an aggregation in append mode without event time with a watermark "
               "among the groups");
    }
    if (mode != OUTPUT_APPEND && find_grouped(plan) != NULL) {
        refuse(check, plan->offset,
               "Spark refuses an aggregation over an aggregation except in append mode");
    }
}

static void check_join(struct check *check, const struct plan *plan)
{
    bool left = is_stream(plan->inputs[0]), right = is_stream(plan->inputs[1]);
    if (left && right) {
        if (check->query->mode != OUTPUT_APPEND) {
            refuse(check, plan->offset, "Spark refuses to join two streams except in append mode");
        }
        if (plan->join != JOIN_INNER && plan->join != JOIN_CROSS &&
            check->query->watermark_column == NULL) {
            refuse(check, plan->offset,
                   "Spark refuses an outer or semi join of two streams without watermarks");
        }
        if (plan->join == JOIN_ANTI) {
            refuse(check, plan->offset, "Spark refuses an anti join with a stream on the right");
        }
        return;
    }
    if (plan->join == JOIN_FULL) {
        refuse(check, plan->offset, "Spark refuses a full outer join of a stream with a table");
    } else if (right &&
               (plan->join == JOIN_LEFT || plan->join == JOIN_SEMI || plan->join == JOIN_ANTI)) {
        refuse(check, plan->offset,
               "Spark refuses a left outer, semi or anti join with the stream on the right");
    } else if (left && plan->join == JOIN_RIGHT) {
        refuse(check, plan->offset, "Spark refuses a right outer join with the stream on the left");
    }
}

static void check_union(struct check *check, const struct plan *plan)
{
    for (uint32_t i = 1; i < plan->input_count; i++) {
        if (is_stream(plan->inputs[i]) != is_stream(plan->inputs[0])) {
            refuse(check, plan->offset, "Spark refuses a UNION of a stream with a table");
        }
    }
}

static void check_plan(struct check *check, const struct plan *plan)
{
    enum output_mode mode = check->query->mode;
    if (!is_stream(plan)) {
        return; /* a table inside a streaming query may do anything */
    }
    switch (plan->kind) {
    case PLAN_SORT:
        if (mode != OUTPUT_COMPLETE || find_grouped(plan) == NULL) {
            refuse(check, plan->offset,
                   "Spark refuses ORDER BY in streaming, except behind an aggregation in complete "
                   "mode");
        }
        break;
    case PLAN_LIMIT:
        if (plan->offset_rows > 0) {
            refuse(check, plan->offset, "Spark refuses OFFSET in streaming");
        }
        if (mode == OUTPUT_UPDATE) {
            refuse(check, plan->offset, "Spark refuses LIMIT in update mode");
        }
        break;
    case PLAN_AGGREGATE:
    case PLAN_DISTINCT:
        check_grouped(check, plan);
        break;
    case PLAN_JOIN:
        check_join(check, plan);
        break;
    case PLAN_UNION:
        check_union(check, plan);
        break;
    case PLAN_SCAN:
    case PLAN_FILTER:
    case PLAN_PROJECT:
    case PLAN_GENERATE:
    case PLAN_VALUES:
        break;
    }
    check_expressions(check, plan);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        check_plan(check, plan->inputs[i]);
    }
}

/* What the text says in a way that only Spark 4 reads. */
static void check_text(struct check *check)
{
    struct token *tokens = NULL;
    size_t count = 0, offset = 0;
    struct slice text = slice_of_string(check->query->text);
    if (sql_lex(text, check->arena, &tokens, &count, &offset, NULL) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].kind == TOKEN_SYMBOL && slice_equal_string(tokens[i].value, "::")) {
            refuse(check, tokens[i].offset,
                   "Spark 3.5 does not know value::type, only Spark 4 does; write CAST(value AS "
                   "type)");
        }
    }
}

const char *sql_spark_refusal(const struct query *query, struct arena *arena, size_t *ret_offset)
{
    struct check check = {.query = query, .arena = arena};
    if (!is_stream(query->plan)) {
        refuse(&check, 0, "Spark streams nothing here: no relation in FROM is a stream");
    }
    if (query->mode == OUTPUT_COMPLETE && !is_grouped(query->plan) &&
        find_grouped(query->plan) == NULL) {
        refuse(&check, 0, "Spark refuses complete mode without an aggregation");
    }
    check_plan(&check, query->plan);
    check_text(&check);
    *ret_offset = check.offset;
    return check.reason;
}
