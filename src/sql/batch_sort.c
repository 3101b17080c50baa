/* ORDER BY: all rows in memory, then a merge sort of their numbers, which keeps equal rows in
 * order. */

#include "sql/batch_stage.h"

struct sort_stage {
    struct stage stage;
    struct collected rows;
};

struct order {
    const struct plan_sort_key *keys;
    const struct column **columns;
    uint32_t count;
};

static int compare(const struct order *order, int32_t a, int32_t b)
{
    for (uint32_t i = 0; i < order->count; i++) {
        const struct column *column = order->columns[i];
        bool a_null = column_is_null(column, a), b_null = column_is_null(column, b);
        int result = 0;
        if (a_null || b_null) {
            result = a_null == b_null ? 0 : a_null == order->keys[i].nulls_last ? 1 : -1;
        } else {
            result = column_compare(column, a, column, b);
            result = order->keys[i].descending ? -result : result;
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* Merges runs of growing width between the two arrays; gives the one that holds the result. */
static int32_t *merge_sort(const struct order *order, int32_t *rows, int32_t *spare, int64_t count)
{
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t begin = 0; begin < count; begin += 2 * width) {
            int64_t middle = begin + width < count ? begin + width : count;
            int64_t end = begin + 2 * width < count ? begin + 2 * width : count;
            int64_t left = begin, right = middle;
            for (int64_t i = begin; i < end; i++) {
                bool take_left =
                    left < middle && (right >= end || compare(order, rows[left], rows[right]) <= 0);
                spare[i] = take_left ? rows[left++] : rows[right++];
            }
        }
        int32_t *other = rows;
        rows = spare;
        spare = other;
    }
    return rows;
}

static enum status sort_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    return collect(&((struct sort_stage *) stage)->rows, stage->runner, batch, error);
}

static enum status sort_finish(struct stage *stage, struct error *error)
{
    struct sort_stage *sort = (struct sort_stage *) stage;
    const struct plan *plan = stage->plan;
    struct arena *arena = &sort->rows.held.arena;
    const struct batch *all = collected_batch(&sort->rows, plan->inputs[0]->type);
    struct order order = {plan->sort_keys,
                          ARENA_ARRAY(arena, const struct column *, plan->sort_key_count),
                          plan->sort_key_count};
    struct eval eval;
    eval_init(&eval, arena, all, stage->runner->options->now_us);
    for (uint32_t i = 0; i < order.count; i++) {
        order.columns[i] = eval_expression(&eval, order.keys[i].expression);
    }
    TRY(stage_check(stage->runner, &eval, error));
    int32_t *rows = ARENA_ARRAY(arena, int32_t, (size_t) all->length);
    for (int64_t i = 0; i < all->length; i++) {
        rows[i] = (int32_t) i;
    }
    rows = merge_sort(&order, rows, ARENA_ARRAY(arena, int32_t, (size_t) all->length), all->length);
    TRY(held_charge(&sort->rows.held, stage->runner, 0, error));
    for (int64_t from = 0; from < all->length; from += BATCH_ROWS) {
        int64_t count = all->length - from < BATCH_ROWS ? all->length - from : BATCH_ROWS;
        struct arena *scratch = &stage->runner->scratch;
        arena_reset(scratch);
        const struct column **columns =
            ARENA_ARRAY(scratch, const struct column *, plan->type->field_count);
        for (uint32_t c = 0; c < plan->type->field_count; c++) {
            columns[c] = column_take(scratch, all->columns[c], rows + from, count);
        }
        TRY(stage_emit(stage, plan->type, columns, count, error));
    }
    return stage->next->finish(stage->next, error);
}

enum status stage_run_sort(struct batch_runner *runner,
                           const struct plan *plan,
                           struct stage *next,
                           struct error *error)
{
    struct sort_stage sort = {
        .stage = {.push = sort_push,
                  .finish = sort_finish,
                  .runner = runner,
                  .plan = plan,
                  .next = next,
                  .holds = true},
    };
    held_init(&sort.rows.held);
    enum status status = stage_run(runner, plan->inputs[0], &sort.stage, error);
    held_deinit(&sort.rows.held, runner);
    return status;
}
