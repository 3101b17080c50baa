/*
 * Rows to windows of event time: half-open [start, end), aligned to 1970-01-01T00:00Z plus the
 * start. A row without time falls into none.
 */

#include "columnar/builder.h"
#include "sql/batch_stage.h"

struct placement {
    int32_t *rows;
    int64_t *starts;
    int64_t count, capacity;
    struct arena *arena;
};

static void place(struct placement *placement, int32_t row, int64_t start)
{
    if (placement->count == placement->capacity) {
        size_t old = (size_t) placement->capacity, capacity = old == 0 ? 256 : old * 2;
        placement->rows = arena_grow(placement->arena, placement->rows, old * sizeof(int32_t),
                                     capacity * sizeof(int32_t));
        placement->starts = arena_grow(placement->arena, placement->starts, old * sizeof(int64_t),
                                       capacity * sizeof(int64_t));
        placement->capacity = (int64_t) capacity;
    }
    placement->rows[placement->count] = row;
    placement->starts[placement->count++] = start;
}

/* Every start s with s <= time < s + size, s = start + k * slide. False beyond the range of time.
 */
static bool
windows_of(struct placement *placement, const struct plan_window *window, int32_t row, int64_t time)
{
    int64_t past = 0, last = 0, end = 0;
    if (__builtin_sub_overflow(time, window->start_us, &past)) {
        return false;
    }
    int64_t remainder = past % window->slide_us;
    remainder += remainder < 0 ? window->slide_us : 0;
    if (__builtin_sub_overflow(time, remainder, &last)) {
        return false;
    }
    for (int64_t start = last;; start -= window->slide_us) {
        if (__builtin_add_overflow(start, window->size_us, &end)) {
            return false;
        }
        if (end <= time) {
            return true;
        }
        place(placement, row, start);
        if (start < INT64_MIN + window->slide_us) {
            return false;
        }
    }
}

enum status batch_window(struct batch_runner *runner,
                         const struct plan_window *window,
                         const struct batch *batch,
                         const struct batch **ret_batch,
                         struct error *error)
{
    struct arena *arena = &runner->scratch;
    struct eval eval = stage_eval(runner, batch);
    const struct column *time = eval_expression(&eval, window->time);
    struct placement placement = {.arena = arena};
    for (int64_t i = 0; i < batch->length; i++) {
        if (!column_is_null(time, i) && !eval_failed(&eval, i) &&
            !windows_of(&placement, window, (int32_t) i, column_int(time, i))) {
            eval_fail(&eval, i, window->time->offset, "time is out of range for a window");
        }
    }
    TRY(stage_check(runner, &eval, error));
    uint32_t own = batch->type->field_count;
    const struct type *timestamp = type_plain(TYPE_TIMESTAMP);
    struct type_field times[] = {{"start", timestamp, true}, {"end", timestamp, true}};
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, own + 1);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, own + 1);
    for (uint32_t i = 0; i < own; i++) {
        fields[i] = batch->type->fields[i];
        columns[i] = column_take(arena, batch->columns[i], placement.rows, placement.count);
    }
    fields[own] = (struct type_field){"window", type_struct(arena, times, 2), false};
    struct column_builder builder;
    column_builder_init(&builder, arena, fields[own].type, placement.count);
    for (int64_t i = 0; i < placement.count; i++) {
        column_append_int(&builder.children[0], placement.starts[i]);
        column_append_int(&builder.children[1], placement.starts[i] + window->size_us);
        column_append_struct_end(&builder);
    }
    columns[own] = column_builder_finish(&builder);
    struct batch *wide = ARENA_NEW(arena, struct batch);
    *wide = (struct batch){
        .length = placement.count, .type = type_struct(arena, fields, own + 1), .columns = columns};
    *ret_batch = wide;
    return STATUS_OK;
}
