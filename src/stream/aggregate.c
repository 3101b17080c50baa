#include "stream/aggregate.h"

#include "base/hash.h"
#include "base/memory.h"
#include "columnar/builder.h"
#include "sql/eval.h"
#include "sql/function.h"
#include "stream/run_internal.h"
#include "stream/window.h"

static const struct plan *find_stateful(const struct plan *plan, unsigned *count)
{
    const struct plan *found = NULL;
    if (plan->kind == PLAN_AGGREGATE || plan->kind == PLAN_DISTINCT) {
        found = plan;
        (*count)++;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const struct plan *below = find_stateful(plan->inputs[i], count);
        found = found == NULL ? below : found;
    }
    return found;
}

enum status aggregates_new(const struct query *query,
                           size_t bytes_max,
                           struct aggregates **ret_aggregates,
                           struct error *error)
{
    unsigned count = 0;
    const struct plan *plan = find_stateful(query->plan, &count);
    if (count > 1) {
        (void) error_set(error, STATUS_CONFIG,
                         "the query groups %u times; one stream keeps the state of one GROUP BY or "
                         "DISTINCT",
                         count);
        error_hint(error, "give the inner query a topic of its own, and group that again");
        return STATUS_CONFIG;
    }
    if (plan == NULL) {
        *ret_aggregates = NULL;
        return STATUS_OK;
    }
    struct aggregates *aggregates = mem_zalloc(sizeof(*aggregates));
    aggregates->mode = query->mode;
    aggregates->plan = plan;
    keyed_groups_init(&aggregates->groups, plan);
    aggregates->bytes_max = bytes_max;
    *ret_aggregates = aggregates;
    return STATUS_OK;
}

void aggregates_free(struct aggregates *aggregates)
{
    if (aggregates != NULL) {
        keyed_groups_deinit(&aggregates->groups);
        mem_free(aggregates);
    }
}

uint64_t aggregate_key_hash(struct slice key)
{
    return hash64(key);
}

/* What a batch has touched: row -> index, index -> group. */
struct touched {
    int32_t *group_of_row; /* -1: late or failed */
    struct group **groups;
    int32_t count;
    int32_t capacity;
};

/* When the group of this row closes, by its key that carries event time. */
static int64_t event_time_of(const struct plan *plan, const struct column *const *keys, int64_t row)
{
    if (plan->watermark_key < 0) {
        return INT64_MAX;
    }
    const struct column *key = keys[plan->watermark_key];
    if (column_is_null(key, row)) {
        return INT64_MAX;
    }
    if (key->type->id == TYPE_STRUCT) {
        int end = type_field_index(key->type, "end");
        return column_int(key->children[end], row);
    }
    return column_int(key, row);
}

static void touch(struct run *run, struct touched *touched, struct group *group, int64_t row)
{
    struct aggregates *aggregates = run->aggregates;
    if (group->batch != aggregates->batch) {
        group->batch = aggregates->batch;
        group->batch_index = touched->count;
        if (touched->count == touched->capacity) {
            size_t old = (size_t) touched->capacity * sizeof(*touched->groups);
            touched->capacity = touched->capacity == 0 ? 64 : touched->capacity * 2;
            touched->groups = arena_grow(run->arena, touched->groups, old,
                                         (size_t) touched->capacity * sizeof(*touched->groups));
        }
        touched->groups[touched->count++] = group;
        keyed_groups_touch(&aggregates->groups, group);
    }
    touched->group_of_row[row] = group->batch_index;
}

/* Finds the group of every row that is in time. */
static void assign_groups(struct run *run,
                          const struct rows *rows,
                          const struct column *const *keys,
                          const struct eval *eval,
                          struct touched *touched)
{
    const struct plan *plan = run->aggregates->plan;
    struct buffer key = BUFFER_INIT;
    for (int64_t row = 0; row < rows->batch->length; row++) {
        touched->group_of_row[row] = -1;
        if (eval_failed(eval, row)) {
            continue;
        }
        int32_t origin = rows->origin == NULL ? -1 : rows->origin[row];
        int64_t event_time_us = event_time_of(plan, keys, row);
        if (plan->window == NULL && event_time_us != INT64_MAX &&
            event_time_us > run->event_time_max_us) {
            run->event_time_max_us = event_time_us;
        }
        if (event_time_us <= run->watermark_us && run->aggregates->mode != OUTPUT_COMPLETE) {
            if (origin >= 0) {
                bit_set(run->late, origin);
            }
            continue;
        }
        if (origin >= 0) {
            bit_set(run->wanted, origin);
        }
        buffer_clear(&key);
        for (uint32_t i = 0; i < plan->key_count; i++) {
            column_encode_key(keys[i], row, &key);
        }
        struct slice bytes = buffer_slice(&key);
        struct group *group = keyed_groups_get(&run->aggregates->groups, bytes,
                                               aggregate_key_hash(bytes), event_time_us);
        touch(run, touched, group, row);
    }
    buffer_deinit(&key);
}

/* What one aggregate takes of a batch. */
struct arguments {
    const struct column **columns;
    const uint8_t *passes; /* FILTER (WHERE ...): bitmap over the rows; NULL: all */
};

static const uint8_t *
filter_rows(struct run *run, struct eval *eval, const struct expression *filter, int64_t length)
{
    if (filter == NULL) {
        return NULL;
    }
    const struct column *verdict = eval_expression(eval, filter);
    uint8_t *passes = arena_zalloc(run->arena, (size_t) length / 8 + 1);
    for (int64_t i = 0; i < length; i++) {
        if (!column_is_null(verdict, i) && column_bool(verdict, i)) {
            bit_set(passes, i);
        }
    }
    return passes;
}

/* The arguments of all aggregates, before any group changes: a row that fails in one of them is
 * dead, and counts in none. */
static struct arguments *evaluate_arguments(struct run *run, struct eval *eval, int64_t length)
{
    const struct plan *plan = run->aggregates->plan;
    struct arguments *all = ARENA_ARRAY(run->arena, struct arguments, plan->aggregate_count);
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        const struct plan_aggregate *aggregate = &plan->aggregates[a];
        all[a].columns = ARENA_ARRAY(run->arena, const struct column *, aggregate->argument_count);
        all[a].passes = filter_rows(run, eval, aggregate->filter, length);
        eval->active = all[a].passes; /* what the filter leaves out cannot fail */
        for (uint32_t i = 0; i < aggregate->argument_count; i++) {
            all[a].columns[i] = eval_expression(eval, aggregate->arguments[i]);
        }
        eval->active = NULL;
    }
    return all;
}

static void update_states(struct run *run,
                          struct eval *eval,
                          const struct arguments *arguments,
                          int64_t length,
                          const struct touched *touched)
{
    struct keyed_groups *groups = &run->aggregates->groups;
    const struct plan *plan = run->aggregates->plan;
    void **states = ARENA_ARRAY(run->arena, void *, (size_t) touched->count);
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        const struct plan_aggregate *aggregate = &plan->aggregates[a];
        const int32_t *group_of_row = touched->group_of_row;
        if (arguments[a].passes != NULL) {
            int32_t *passing = arena_alloc(run->arena, (size_t) length * sizeof(*passing));
            for (int64_t i = 0; i < length; i++) {
                passing[i] = bit_get(arguments[a].passes, i) ? touched->group_of_row[i] : -1;
            }
            group_of_row = passing;
        }
        for (int32_t i = 0; i < touched->count; i++) {
            states[i] = group_state(groups, touched->groups[i], a);
        }
        aggregate->function->aggregate.update(eval, aggregate, arguments[a].columns, group_of_row,
                                              states);
    }
    for (int32_t i = 0; i < touched->count; i++) {
        keyed_groups_measure(groups, touched->groups[i]);
    }
}

/* Rows of the given groups: their keys, then the results of the aggregates. */
static struct rows emit(struct run *run, struct group *const *emitted, size_t count)
{
    const struct keyed_groups *groups = &run->aggregates->groups;
    const struct plan *plan = run->aggregates->plan;
    uint32_t columns = plan->type->field_count;
    struct column_builder *builders = ARENA_ARRAY(run->arena, struct column_builder, columns);
    for (uint32_t i = 0; i < columns; i++) {
        column_builder_init(&builders[i], run->arena, plan->type->fields[i].type, (int64_t) count);
    }
    for (size_t row = 0; row < count; row++) {
        struct slice key = emitted[row]->key;
        for (uint32_t i = 0; i < plan->key_count; i++) {
            struct error error;
            enum status status = column_decode_key(&key, &builders[i], &error);
            ASSERT(status == STATUS_OK); /* it was encoded by us, or checked when restored */
        }
        for (uint32_t a = 0; a < plan->aggregate_count; a++) {
            const struct plan_aggregate *aggregate = &plan->aggregates[a];
            aggregate->function->aggregate.result(aggregate, group_state(groups, emitted[row], a),
                                                  &builders[plan->key_count + a]);
        }
    }
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    const struct column **finished = ARENA_ARRAY(run->arena, const struct column *, columns);
    for (uint32_t i = 0; i < columns; i++) {
        finished[i] = column_builder_finish(&builders[i]);
    }
    *batch = (struct batch){(int64_t) count, plan->type, finished};
    return (struct rows){batch, NULL};
}

/* Groups that the watermark has passed (append), or all (complete). */
static struct rows emit_walk(struct run *run, int64_t until_us)
{
    const struct keyed_groups *groups = &run->aggregates->groups;
    struct group **found = NULL;
    size_t count = 0;
    if (groups->event_time_min_us <= until_us || until_us == INT64_MAX) {
        found = ARENA_ARRAY(run->arena, struct group *, groups->size);
        size_t position = 0;
        for (struct group *group; (group = keyed_groups_next(groups, &position)) != NULL;) {
            if (group->event_time_us <= until_us) {
                found[count++] = group;
            }
        }
    }
    return emit(run, found, count);
}

static enum status
aggregate_input(struct run *run, struct rows *rows, struct touched *touched, struct error *error)
{
    const struct plan *plan = run->aggregates->plan;
    if (plan->window != NULL) {
        TRY(window_expand(run, plan->window, rows, error));
    }
    struct eval eval;
    eval_init(&eval, run->arena, rows->batch, run->now_us);
    const struct column **keys = ARENA_ARRAY(run->arena, const struct column *, plan->key_count);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        keys[i] = eval_expression(&eval, plan->keys[i]);
    }
    touched->group_of_row = arena_alloc(run->arena, ((size_t) rows->batch->length + 1) *
                                                        sizeof(*touched->group_of_row));
    const struct arguments *arguments = evaluate_arguments(run, &eval, rows->batch->length);
    assign_groups(run, rows, keys, &eval, touched);
    update_states(run, &eval, arguments, rows->batch->length, touched);
    run_take_failures(run, &eval, rows->origin);
    return STATUS_OK;
}

enum status
aggregates_run(struct run *run, const struct plan *plan, struct rows *rows, struct error *error)
{
    struct aggregates *aggregates = run->aggregates;
    ASSERT(aggregates != NULL && aggregates->plan == plan);
    aggregates->batch++;
    struct touched touched = {0};
    if (rows->batch->length > 0) {
        TRY(aggregate_input(run, rows, &touched, error));
    }
    switch (aggregates->mode) {
    case OUTPUT_APPEND:
        *rows = emit_walk(run, run->watermark_us);
        break;
    case OUTPUT_COMPLETE:
        *rows = emit_walk(run, INT64_MAX);
        break;
    case OUTPUT_UPDATE:
    case OUTPUT_DEFAULT:
        *rows = emit(run, touched.groups, (size_t) touched.count);
        break;
    }
    if (aggregates->mode != OUTPUT_COMPLETE) {
        keyed_groups_evict(&aggregates->groups, run->watermark_us);
    }
    if (aggregates->groups.bytes > aggregates->bytes_max) {
        (void) error_set(
            error, STATUS_LIMIT, "its %zu groups need %zu MiB, more than its limit of %zu MiB",
            aggregates->groups.size, aggregates->groups.bytes >> 20, aggregates->bytes_max >> 20);
        error_hint(error, "declare a watermark so that old groups go, or raise `state_max`%s",
                   aggregates->groups.grows ? "; collect_list and percentile keep every value"
                                            : "");
        return STATUS_LIMIT;
    }
    return STATUS_OK;
}
