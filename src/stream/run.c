#include "stream/run.h"

#include "columnar/builder.h"
#include "sql/eval.h"
#include "sql/function.h"
#include "stream/aggregate.h"
#include "stream/run_internal.h"

void run_init(struct run *run, struct arena *arena, const struct batch *input, int64_t now_us)
{
    size_t bytes = (size_t) (input->length + 7) / 8;
    *run = (struct run){
        .arena = arena,
        .now_us = now_us,
        .input = input,
        .wanted = arena_zalloc(arena, bytes),
        .late = arena_zalloc(arena, bytes),
        .dead = arena_zalloc(arena, bytes),
        .watermark_us = INT64_MIN,
        .event_time_max_us = INT64_MIN,
    };
}

static struct run_failure *failure_add(struct run *run, int32_t input_row)
{
    if (run->failure_count == run->failure_capacity) {
        size_t old = run->failure_capacity * sizeof(*run->failures);
        run->failure_capacity = run->failure_capacity == 0 ? 16 : run->failure_capacity * 2;
        run->failures = arena_grow(run->arena, run->failures, old,
                                   run->failure_capacity * sizeof(*run->failures));
    }
    if (input_row >= 0) {
        bit_set(run->dead, input_row);
    }
    struct run_failure *failure = &run->failures[run->failure_count++];
    *failure = (struct run_failure){.input_row = input_row};
    return failure;
}

void run_add_failure(struct run *run,
                     int32_t input_row,
                     enum run_failure_kind kind,
                     const char *message)
{
    struct run_failure *failure = failure_add(run, input_row);
    failure->kind = kind;
    failure->message = message;
}

void run_take_failures(struct run *run, const struct eval *eval, const int32_t *origin)
{
    for (size_t i = 0; i < eval->error_count; i++) {
        const struct row_error *row_error = &eval->errors[i];
        struct run_failure *failure =
            failure_add(run, origin == NULL ? -1 : origin[row_error->row]);
        failure->message = row_error->message;
        failure->offset = row_error->offset;
    }
}

struct rows
run_select(struct run *run, struct rows rows, const uint8_t *selection, int64_t selected)
{
    if (selected == rows.batch->length) {
        return rows;
    }
    struct rows kept = {batch_filter(run->arena, rows.batch, selection, selected), NULL};
    if (rows.origin != NULL) {
        int32_t *origin = arena_alloc(run->arena, (size_t) selected * sizeof(*origin));
        int64_t at = 0;
        for (int64_t i = 0; i < rows.batch->length; i++) {
            if (bit_get(selection, i)) {
                origin[at++] = rows.origin[i];
            }
        }
        kept.origin = origin;
    }
    return kept;
}

void run_want(struct run *run, const struct rows *rows)
{
    for (int64_t i = 0; rows->origin != NULL && i < rows->batch->length; i++) {
        if (rows->origin[i] >= 0) {
            bit_set(run->wanted, rows->origin[i]);
        }
    }
}

/* Leaves out the rows that an evaluation failed on. */
static struct rows without_failed(struct run *run, struct rows rows, const struct eval *eval)
{
    if (eval->failed == NULL) {
        return rows;
    }
    size_t bytes = (size_t) (rows.batch->length + 7) / 8;
    uint8_t *selection = arena_zalloc(run->arena, bytes);
    int64_t selected = 0;
    for (int64_t i = 0; i < rows.batch->length; i++) {
        if (!bit_get(eval->failed, i)) {
            bit_set(selection, i);
            selected++;
        }
    }
    return run_select(run, rows, selection, selected);
}

static const struct column *
struct_as(struct arena *arena, const struct column *column, const struct type *type)
{
    struct column *pruned = ARENA_NEW(arena, struct column);
    *pruned = *column;
    pruned->type = type;
    const struct column **children = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        int index = type_field_index(column->type, type->fields[i].name);
        ASSERT(index >= 0);
        children[i] = column_as(arena, column->children[index], type->fields[i].type);
    }
    pruned->children = children;
    return pruned;
}

const struct column *
column_as(struct arena *arena, const struct column *column, const struct type *type)
{
    if (type->id != TYPE_STRUCT || type_equal(column->type, type)) {
        return column;
    }
    return struct_as(arena, column, type);
}

static enum status
run_scan(struct run *run, const struct plan *plan, struct rows *ret_rows, struct error *error)
{
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    batch->type = plan->type;
    batch->length = run->input->length;
    const struct column **columns =
        ARENA_ARRAY(run->arena, const struct column *, plan->type->field_count);
    for (uint32_t i = 0; i < plan->type->field_count; i++) {
        const char *name = plan->type->fields[i].name;
        const struct column *column = batch_column(run->input, name);
        if (column == NULL) {
            return error_set(error, STATUS_INTERNAL,
                             "the topic's columns were decoded without \"%s\"", name);
        }
        columns[i] = column_as(run->arena, column, plan->type->fields[i].type);
    }
    batch->columns = columns;
    int32_t *origin = arena_alloc(run->arena, (size_t) batch->length * sizeof(*origin));
    for (int64_t i = 0; i < batch->length; i++) {
        origin[i] = (int32_t) i;
    }
    *ret_rows = (struct rows){batch, origin};
    return STATUS_OK;
}

static void run_filter(struct run *run, const struct plan *plan, struct rows *rows)
{
    struct eval eval;
    eval_init(&eval, run->arena, rows->batch, run->now_us);
    const struct column *verdict = eval_expression(&eval, plan->predicate);
    run_take_failures(run, &eval, rows->origin);
    size_t bytes = (size_t) (rows->batch->length + 7) / 8;
    uint8_t *selection = arena_zalloc(run->arena, bytes);
    int64_t selected = 0;
    for (int64_t i = 0; i < rows->batch->length; i++) {
        if (!column_is_null(verdict, i) && column_bool(verdict, i) && !eval_failed(&eval, i)) {
            bit_set(selection, i);
            selected++;
        }
    }
    *rows = run_select(run, *rows, selection, selected);
}

static void run_project(struct run *run, const struct plan *plan, struct rows *rows)
{
    struct eval eval;
    eval_init(&eval, run->arena, rows->batch, run->now_us);
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    batch->type = plan->type;
    batch->length = rows->batch->length;
    const struct column **columns =
        ARENA_ARRAY(run->arena, const struct column *, plan->expression_count);
    for (uint32_t i = 0; i < plan->expression_count; i++) {
        columns[i] = eval_expression(&eval, plan->expressions[i]);
    }
    batch->columns = columns;
    run_take_failures(run, &eval, rows->origin);
    rows->batch = batch;
    *rows = without_failed(run, *rows, &eval);
}

static void run_generate(struct run *run, const struct plan *plan, struct rows *rows)
{
    struct eval eval;
    eval_init(&eval, run->arena, rows->batch, run->now_us);
    struct generated generated;
    eval_generate(&eval, plan->expressions[0], plan->outer, &generated);
    run_take_failures(run, &eval, rows->origin);

    const struct batch *input = rows->batch;
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    batch->type = plan->type;
    batch->length = generated.length;
    const struct column **columns =
        ARENA_ARRAY(run->arena, const struct column *, plan->type->field_count);
    uint32_t kept = input->type->field_count;
    for (uint32_t i = 0; i < kept; i++) {
        columns[i] = column_take(run->arena, input->columns[i], generated.rows, generated.length);
    }
    for (uint32_t i = kept; i < plan->type->field_count; i++) {
        columns[i] = generated.columns[i - kept];
    }
    batch->columns = columns;
    if (rows->origin != NULL) {
        int32_t *origin = arena_alloc(run->arena, (size_t) generated.length * sizeof(*origin));
        for (int64_t i = 0; i < generated.length; i++) {
            origin[i] = rows->origin[generated.rows[i]];
        }
        rows->origin = origin;
    }
    rows->batch = batch;
}

static enum status
run_union(struct run *run, const struct plan *plan, struct rows *ret_rows, struct error *error)
{
    struct rows *parts = ARENA_ARRAY(run->arena, struct rows, plan->input_count);
    int64_t length = 0;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        TRY(run_plan(run, plan->inputs[i], &parts[i], error));
        length += parts[i].batch->length;
    }
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    batch->type = plan->type;
    batch->length = length;
    const struct column **columns =
        ARENA_ARRAY(run->arena, const struct column *, plan->type->field_count);
    const struct column **pieces =
        ARENA_ARRAY(run->arena, const struct column *, plan->input_count);
    for (uint32_t c = 0; c < plan->type->field_count; c++) {
        for (uint32_t i = 0; i < plan->input_count; i++) {
            pieces[i] = parts[i].batch->columns[c];
        }
        columns[c] = column_concat(run->arena, pieces, plan->input_count);
    }
    batch->columns = columns;
    int32_t *origin = arena_alloc(run->arena, (size_t) length * sizeof(*origin));
    int64_t at = 0;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        for (int64_t row = 0; row < parts[i].batch->length; row++) {
            origin[at++] = parts[i].origin == NULL ? -1 : parts[i].origin[row];
        }
    }
    *ret_rows = (struct rows){batch, origin};
    return STATUS_OK;
}

enum status
run_plan(struct run *run, const struct plan *plan, struct rows *ret_rows, struct error *error)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return run_scan(run, plan, ret_rows, error);
    case PLAN_FILTER:
        TRY(run_plan(run, plan->inputs[0], ret_rows, error));
        run_filter(run, plan, ret_rows);
        return STATUS_OK;
    case PLAN_PROJECT:
        TRY(run_plan(run, plan->inputs[0], ret_rows, error));
        run_project(run, plan, ret_rows);
        return STATUS_OK;
    case PLAN_GENERATE:
        TRY(run_plan(run, plan->inputs[0], ret_rows, error));
        run_generate(run, plan, ret_rows);
        return STATUS_OK;
    case PLAN_UNION:
        return run_union(run, plan, ret_rows, error);
    case PLAN_AGGREGATE:
    case PLAN_DISTINCT:
        TRY(run_plan(run, plan->inputs[0], ret_rows, error));
        return aggregates_run(run, plan, ret_rows, error);
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_VALUES:
    case PLAN_JOIN:
        break;
    }
    return error_set(error, STATUS_CONFIG, "a stream cannot sort, limit or join");
}
