/* GROUP BY and DISTINCT over complete data: a table of keys, an array of states an aggregate. */

#include "columnar/builder.h"
#include "sql/batch_stage.h"
#include "sql/function.h"
#include "sql/group_table.h"

struct group_stage {
    struct stage stage;
    struct held held;
    struct group_table groups;
    void ***states;           /* of each aggregate, by number of the group */
    uint32_t states_capacity; /* of each of those arrays */
    struct group_table
        *values; /* of each DISTINCT aggregate: the group's number and the arguments */
    struct buffer key;
};

static void add_states(struct group_stage *group)
{
    const struct plan *plan = group->stage.plan;
    uint32_t number = group->groups.count - 1;
    if (number >= group->states_capacity) {
        size_t old = group->states_capacity, capacity = old == 0 ? 64 : old * 2;
        for (uint32_t a = 0; a < plan->aggregate_count; a++) {
            group->states[a] = arena_grow(&group->held.arena, group->states[a],
                                          old * sizeof(void *), capacity * sizeof(void *));
        }
        group->states_capacity = (uint32_t) capacity;
    }
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        group->states[a][number] =
            arena_zalloc(&group->held.arena, plan->aggregates[a].function->aggregate.state_bytes);
    }
}

static void number_rows(struct group_stage *group,
                        const struct column *const *keys,
                        int64_t length,
                        int32_t *ret_groups)
{
    const struct plan *plan = group->stage.plan;
    for (int64_t row = 0; row < length; row++) {
        bool is_new = false;
        buffer_clear(&group->key);
        for (uint32_t k = 0; k < plan->key_count; k++) {
            column_encode_key(keys[k], row, &group->key);
        }
        ret_groups[row] =
            (int32_t) group_table_add(&group->groups, buffer_slice(&group->key), &is_new);
        if (is_new) {
            add_states(group);
        }
    }
}

/* Leaves out the rows whose arguments this group has seen, and those with a null. */
static void keep_distinct(struct group_stage *group,
                          struct group_table *values,
                          const struct column *const *arguments,
                          uint32_t count,
                          int64_t length,
                          int32_t *rows)
{
    for (int64_t row = 0; row < length; row++) {
        if (rows[row] < 0) {
            continue;
        }
        bool seen = false;
        buffer_clear(&group->key);
        buffer_append_varint(&group->key, (uint64_t) rows[row]);
        for (uint32_t a = 0; a < count; a++) {
            column_encode_key(arguments[a], row, &group->key);
        }
        (void) group_table_add(values, buffer_slice(&group->key), &seen);
        rows[row] = seen ? rows[row] : -1; /* "seen" is "new" here: only the first one counts */
    }
}

static enum status update(struct group_stage *group,
                          uint32_t a,
                          const struct batch *batch,
                          const int32_t *groups,
                          struct error *error)
{
    struct batch_runner *runner = group->stage.runner;
    const struct plan_aggregate *aggregate = &group->stage.plan->aggregates[a];
    struct eval eval = stage_eval(runner, batch);
    int32_t *rows = arena_alloc(&runner->scratch, (size_t) batch->length * sizeof(*rows));
    memcpy(rows, groups, (size_t) batch->length * sizeof(*rows));
    if (aggregate->filter != NULL) {
        uint8_t *selection = NULL;
        int64_t selected = 0;
        TRY(stage_select(runner, batch, aggregate->filter, &selection, &selected, error));
        eval.active = selection;
        for (int64_t row = 0; row < batch->length; row++) {
            rows[row] = bit_get(selection, row) ? rows[row] : -1;
        }
    }
    const struct column **arguments =
        ARENA_ARRAY(&runner->scratch, const struct column *, aggregate->argument_count);
    for (uint32_t i = 0; i < aggregate->argument_count; i++) {
        arguments[i] = eval_expression(&eval, aggregate->arguments[i]);
    }
    TRY(stage_check(runner, &eval, error));
    if (aggregate->distinct) {
        keep_distinct(group, &group->values[a], arguments, aggregate->argument_count, batch->length,
                      rows);
    }
    aggregate->function->aggregate.update(&eval, aggregate, arguments, rows, group->states[a]);
    return stage_check(runner, &eval, error);
}

static enum status group_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    struct group_stage *group = (struct group_stage *) stage;
    const struct plan *plan = stage->plan;
    struct batch_runner *runner = stage->runner;
    if (plan->window != NULL) {
        TRY(batch_window(runner, plan->window, batch, &batch, error));
    }
    struct eval eval = stage_eval(runner, batch);
    const struct column **keys =
        ARENA_ARRAY(&runner->scratch, const struct column *, plan->key_count);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        keys[k] = eval_expression(&eval, plan->keys[k]);
    }
    TRY(stage_check(runner, &eval, error));
    int32_t *groups = arena_zalloc(&runner->scratch, (size_t) batch->length * sizeof(*groups));
    if (plan->key_count > 0) {
        number_rows(group, keys, batch->length, groups);
    }
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        TRY(update(group, a, batch, groups, error));
    }
    return held_charge(&group->held, runner, 0, error);
}

static enum status
emit_groups(struct group_stage *group, uint32_t from, uint32_t to, struct error *error)
{
    const struct plan *plan = group->stage.plan;
    struct arena *arena = &group->stage.runner->scratch;
    uint32_t columns = plan->key_count + plan->aggregate_count;
    struct column_builder *builders = ARENA_ARRAY(arena, struct column_builder, columns);
    const struct column **made = ARENA_ARRAY(arena, const struct column *, columns);
    for (uint32_t c = 0; c < columns; c++) {
        column_builder_init(&builders[c], arena, plan->type->fields[c].type, to - from);
    }
    for (uint32_t i = from; i < to; i++) {
        struct slice key = group->groups.keys[i];
        for (uint32_t k = 0; k < plan->key_count; k++) {
            TRY(column_decode_key(&key, &builders[k], error));
        }
        for (uint32_t a = 0; a < plan->aggregate_count; a++) {
            const struct plan_aggregate *aggregate = &plan->aggregates[a];
            aggregate->function->aggregate.result(aggregate, group->states[a][i],
                                                  &builders[plan->key_count + a]);
        }
    }
    for (uint32_t c = 0; c < columns; c++) {
        made[c] = column_builder_finish(&builders[c]);
    }
    return stage_emit(&group->stage, plan->type, made, to - from, error);
}

static enum status group_finish(struct stage *stage, struct error *error)
{
    struct group_stage *group = (struct group_stage *) stage;
    for (uint32_t from = 0; from < group->groups.count; from += BATCH_ROWS) {
        uint32_t to =
            group->groups.count - from > BATCH_ROWS ? from + BATCH_ROWS : group->groups.count;
        arena_reset(&stage->runner->scratch);
        TRY(emit_groups(group, from, to, error));
    }
    return stage->next->finish(stage->next, error);
}

static void group_deinit(struct group_stage *group)
{
    const struct plan *plan = group->stage.plan;
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        void (*free_state)(void *) = plan->aggregates[a].function->aggregate.free;
        for (uint32_t i = 0; free_state != NULL && i < group->groups.count; i++) {
            free_state(group->states[a][i]);
        }
    }
    buffer_deinit(&group->key);
    held_deinit(&group->held, group->stage.runner);
}

enum status stage_run_group(struct batch_runner *runner,
                            const struct plan *plan,
                            struct stage *next,
                            struct error *error)
{
    struct group_stage group = {
        .stage = {.push = group_push,
                  .finish = group_finish,
                  .runner = runner,
                  .plan = plan,
                  .next = next,
                  .holds = true},
    };
    held_init(&group.held);
    group_table_init(&group.groups, &group.held.arena);
    group.states = ARENA_ARRAY(&group.held.arena, void **, plan->aggregate_count);
    group.values = ARENA_ARRAY(&group.held.arena, struct group_table, plan->aggregate_count);
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        group_table_init(&group.values[a], &group.held.arena);
    }
    if (plan->key_count == 0 && plan->kind == PLAN_AGGREGATE) { /* one group, even of no rows */
        bool is_new = false;
        (void) group_table_add(&group.groups, SLICE_EMPTY, &is_new);
        add_states(&group);
    }
    enum status status = stage_run(runner, plan->inputs[0], &group.stage, error);
    group_deinit(&group);
    return status;
}
