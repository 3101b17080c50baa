#include "sql/batch_run.h"

#include "columnar/builder.h"
#include "sql/batch_stage.h"
#include "sql/expressions.h"
#include "sql/function.h"

/* -- what all stages share ------------------------------------------------------------------- */

enum status stage_emit(struct stage *stage,
                       const struct type *type,
                       const struct column *const *columns,
                       int64_t length,
                       struct error *error)
{
    struct batch batch = {.length = length, .type = type, .columns = columns};
    return length == 0 ? STATUS_OK : stage->next->push(stage->next, &batch, error);
}

struct eval stage_eval(struct batch_runner *runner, const struct batch *batch)
{
    struct eval eval;
    eval_init(&eval, &runner->scratch, batch, runner->options->now_us);
    return eval;
}

enum status stage_check(struct batch_runner *runner, const struct eval *eval, struct error *error)
{
    if (eval->error_count == 0) {
        return STATUS_OK;
    }
    runner->offset = eval->errors[0].offset;
    return error_set(error, STATUS_DATA, "%s", eval->errors[0].message);
}

enum status stage_select(struct batch_runner *runner,
                         const struct batch *batch,
                         const struct expression *condition,
                         uint8_t **ret_selection,
                         int64_t *ret_selected,
                         struct error *error)
{
    struct eval eval = stage_eval(runner, batch);
    const struct column *value = eval_expression(&eval, condition);
    TRY(stage_check(runner, &eval, error));
    uint8_t *selection = arena_zalloc(&runner->scratch, (size_t) (batch->length + 7) / 8);
    int64_t selected = 0;
    for (int64_t i = 0; i < batch->length; i++) {
        if (!column_is_null(value, i) && column_bool(value, i)) {
            bit_set(selection, i);
            selected++;
        }
    }
    *ret_selection = selection;
    *ret_selected = selected;
    return STATUS_OK;
}

void held_init(struct held *held)
{
    arena_init(&held->arena, 0);
    held->charged = 0;
}

enum status
held_charge(struct held *held, struct batch_runner *runner, size_t more, struct error *error)
{
    size_t wanted = held->arena.bytes_used + more;
    if (runner->options->budget != NULL && wanted > held->charged) {
        TRY(budget_take(runner->options->budget, wanted - held->charged, error));
        held->charged = wanted;
    }
    return STATUS_OK;
}

void held_deinit(struct held *held, struct batch_runner *runner)
{
    if (runner->options->budget != NULL) {
        budget_give(runner->options->budget, held->charged);
    }
    arena_deinit(&held->arena);
}

enum status collect(struct collected *collected,
                    struct batch_runner *runner,
                    const struct batch *batch,
                    struct error *error)
{
    if (collected->rows > INT32_MAX - batch->length) {
        return error_set(error, STATUS_LIMIT, "more than %d rows to sort or join", INT32_MAX);
    }
    struct arena *arena = &collected->held.arena;
    if (collected->count == collected->capacity) {
        size_t capacity = collected->capacity == 0 ? 16 : collected->capacity * 2;
        collected->batches =
            arena_grow(arena, collected->batches, collected->capacity * sizeof(void *),
                       capacity * sizeof(void *));
        collected->capacity = capacity;
    }
    collected->batches[collected->count++] = batch_copy(arena, batch);
    collected->rows += batch->length;
    return held_charge(&collected->held, runner, 0, error);
}

const struct batch *collected_batch(struct collected *collected, const struct type *type)
{
    struct arena *arena = &collected->held.arena;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    const struct column **parts = ARENA_ARRAY(arena, const struct column *, collected->count);
    for (uint32_t c = 0; c < type->field_count; c++) {
        for (size_t i = 0; i < collected->count; i++) {
            parts[i] = collected->batches[i]->columns[c];
        }
        columns[c] = collected->count == 0 ? column_nulls(arena, type->fields[c].type, 0)
                                           : column_concat(arena, parts, collected->count);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){.length = collected->rows, .type = type, .columns = columns};
    return batch;
}

/* -- stages that hold nothing ------------------------------------------------------------------ */

static enum status finish_next(struct stage *stage, struct error *error)
{
    return stage->next->finish(stage->next, error);
}

static enum status filter_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    uint8_t *selection = NULL;
    int64_t selected = 0;
    TRY(stage_select(stage->runner, batch, stage->plan->predicate, &selection, &selected, error));
    const struct batch *kept = selected == batch->length ? batch
                                                         : batch_filter(&stage->runner->scratch,
                                                                        batch, selection, selected);
    return selected == 0 ? STATUS_OK : stage->next->push(stage->next, kept, error);
}

static enum status project_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    const struct plan *plan = stage->plan;
    const struct column **columns =
        ARENA_ARRAY(&stage->runner->scratch, const struct column *, plan->expression_count);
    struct eval eval = stage_eval(stage->runner, batch);
    for (uint32_t i = 0; i < plan->expression_count; i++) {
        columns[i] = eval_expression(&eval, plan->expressions[i]);
    }
    TRY(stage_check(stage->runner, &eval, error));
    return stage_emit(stage, plan->type, columns, batch->length, error);
}

static enum status
generate_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    const struct plan *plan = stage->plan;
    struct arena *arena = &stage->runner->scratch;
    struct eval eval = stage_eval(stage->runner, batch);
    struct generated generated = {0};
    eval_generate(&eval, plan->expressions[0], plan->outer, &generated);
    TRY(stage_check(stage->runner, &eval, error));
    uint32_t own = batch->type->field_count;
    const struct column **columns =
        ARENA_ARRAY(arena, const struct column *, plan->type->field_count);
    for (uint32_t i = 0; i < plan->type->field_count; i++) {
        columns[i] = i < own
                         ? column_take(arena, batch->columns[i], generated.rows, generated.length)
                         : generated.columns[i - own];
    }
    return stage_emit(stage, plan->type, columns, generated.length, error);
}

struct limit_stage {
    struct stage stage;
    int64_t skip, left; /* left -1: all */
};

static enum status limit_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    struct limit_stage *limit = (struct limit_stage *) stage;
    int64_t skip = limit->skip < batch->length ? limit->skip : batch->length;
    int64_t count = batch->length - skip;
    limit->skip -= skip;
    if (limit->left >= 0) {
        count = count < limit->left ? count : limit->left;
        limit->left -= count;
        stage->full = limit->left == 0;
    }
    if (count == 0) {
        return STATUS_OK;
    }
    if (count == batch->length) {
        return stage->next->push(stage->next, batch, error);
    }
    struct arena *arena = &stage->runner->scratch;
    uint8_t *selection = arena_zalloc(arena, (size_t) (batch->length + 7) / 8);
    for (int64_t i = skip; i < skip + count; i++) {
        bit_set(selection, i);
    }
    return stage->next->push(stage->next, batch_filter(arena, batch, selection, count), error);
}

/* -- sources ------------------------------------------------------------------------------------
 */

static bool is_full(const struct stage *stage)
{
    for (; stage != NULL; stage = stage->next) {
        if (stage->full) {
            return true;
        }
        if (stage->holds) {
            return false;
        }
    }
    return false;
}

static enum status run_scan(struct batch_runner *runner,
                            const struct plan *plan,
                            struct stage *next,
                            struct error *error)
{
    const struct batch_source *source = &runner->options->source;
    void *reader = NULL;
    TRY(source->open(source->context, plan, &reader, error));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !is_full(next)) {
        const struct batch *batch = NULL;
        arena_reset(&runner->scratch);
        status = source->next(reader, &runner->scratch, &batch, error);
        if (status != STATUS_OK || batch == NULL) {
            break;
        }
        status = next->push(next, batch, error);
    }
    source->close(reader);
    return status == STATUS_OK ? next->finish(next, error) : status;
}

static enum status run_values(struct batch_runner *runner,
                              const struct plan *plan,
                              struct stage *next,
                              struct error *error)
{
    struct arena *arena = &runner->scratch;
    uint32_t columns = plan->type->field_count;
    struct batch one = {.length = 1, .type = type_struct(arena, NULL, 0)};
    struct eval eval = stage_eval(runner, &one);
    struct column_builder *builders = ARENA_ARRAY(arena, struct column_builder, columns);
    const struct column **made = ARENA_ARRAY(arena, const struct column *, columns);
    for (uint32_t c = 0; c < columns; c++) {
        column_builder_init(&builders[c], arena, plan->type->fields[c].type, plan->values_rows);
        for (uint32_t r = 0; r < plan->values_rows; r++) {
            column_append_value(&builders[c],
                                eval_expression(&eval, plan->expressions[(size_t) r * columns + c]),
                                0);
        }
        made[c] = column_builder_finish(&builders[c]);
    }
    TRY(stage_check(runner, &eval, error));
    struct batch batch = {.length = plan->values_rows, .type = plan->type, .columns = made};
    TRY(next->push(next, &batch, error));
    return next->finish(next, error);
}

static enum status union_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    struct batch named = *batch; /* the names of the first input */
    named.type = stage->plan->type;
    return stage->next->push(stage->next, &named, error);
}

static enum status union_finish(struct stage *stage, struct error *error)
{
    (void) stage;
    (void) error;
    return STATUS_OK; /* the next one is finished behind the last input */
}

static enum status run_union(struct batch_runner *runner,
                             const struct plan *plan,
                             struct stage *next,
                             struct error *error)
{
    struct stage stage = {union_push, union_finish, runner, plan, next, false, false};
    for (uint32_t i = 0; i < plan->input_count && !is_full(next); i++) {
        TRY(stage_run(runner, plan->inputs[i], &stage, error));
    }
    return next->finish(next, error);
}

/* What a filter lets through of a relation is all that a reader need bring. */
static enum status run_filter(struct batch_runner *runner,
                              const struct plan *plan,
                              struct stage *stage,
                              struct error *error)
{
    struct plan scan = *plan->inputs[0];
    stage->push = filter_push;
    if (scan.kind != PLAN_SCAN) {
        return stage_run(runner, plan->inputs[0], stage, error);
    }
    scan.predicate = plan->predicate;
    return stage_run(runner, &scan, stage, error);
}

enum status stage_run(struct batch_runner *runner,
                      const struct plan *plan,
                      struct stage *next,
                      struct error *error)
{
    struct stage stage = {.finish = finish_next, .runner = runner, .plan = plan, .next = next};
    switch (plan->kind) {
    case PLAN_SCAN:
        return run_scan(runner, plan, next, error);
    case PLAN_VALUES:
        return run_values(runner, plan, next, error);
    case PLAN_UNION:
        return run_union(runner, plan, next, error);
    case PLAN_AGGREGATE:
    case PLAN_DISTINCT:
        return stage_run_group(runner, plan, next, error);
    case PLAN_SORT:
        return stage_run_sort(runner, plan, next, error);
    case PLAN_JOIN:
        return stage_run_join(runner, plan, next, error);
    case PLAN_LIMIT: {
        struct limit_stage limit = {stage, plan->offset_rows, plan->limit};
        limit.stage.push = limit_push;
        limit.stage.full = plan->limit == 0;
        return stage_run(runner, plan->inputs[0], &limit.stage, error);
    }
    case PLAN_FILTER:
        return run_filter(runner, plan, &stage, error);
    case PLAN_PROJECT:
        stage.push = project_push;
        break;
    case PLAN_GENERATE:
        stage.push = generate_push;
        break;
    }
    return stage_run(runner, plan->inputs[0], &stage, error);
}

/* -- the end ------------------------------------------------------------------------------------
 */

struct sink_stage {
    struct stage stage;
    batch_sink *sink;
    void *context;
};

static enum status sink_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    struct sink_stage *sink = (struct sink_stage *) stage;
    return sink->sink(sink->context, batch, error);
}

static enum status sink_finish(struct stage *stage, struct error *error)
{
    (void) stage;
    (void) error;
    return STATUS_OK;
}

enum status batch_run(const struct plan *plan,
                      const struct batch_options *options,
                      batch_sink *sink,
                      void *sink_context,
                      size_t *ret_offset,
                      struct error *error)
{
    struct batch_runner runner = {.options = options};
    struct sink_stage end = {.sink = sink, .context = sink_context};
    end.stage =
        (struct stage){.push = sink_push, .finish = sink_finish, .runner = &runner, .plan = plan};
    arena_init(&runner.scratch, 0);
    enum status status = stage_run(&runner, plan, &end.stage, error);
    arena_deinit(&runner.scratch);
    *ret_offset = runner.offset;
    return status;
}
