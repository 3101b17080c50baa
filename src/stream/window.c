#include "stream/window.h"

#include "columnar/builder.h"
#include "sql/eval.h"
#include "stream/run_internal.h"

#define COPIES_MAX 100000 /* of one row: a slide that is this much smaller is a mistake */

struct copies {
    int32_t *rows; /* which row each copy comes from */
    int64_t *starts;
    int64_t count, capacity;
};

static void copies_add(struct arena *arena, struct copies *copies, int64_t row, int64_t start)
{
    if (copies->count == copies->capacity) {
        size_t old = (size_t) copies->capacity;
        copies->capacity = copies->capacity == 0 ? 1024 : copies->capacity * 2;
        size_t wanted = (size_t) copies->capacity;
        copies->rows = arena_grow(arena, copies->rows, old * sizeof(*copies->rows),
                                  wanted * sizeof(*copies->rows));
        copies->starts = arena_grow(arena, copies->starts, old * sizeof(*copies->starts),
                                    wanted * sizeof(*copies->starts));
    }
    copies->rows[copies->count] = (int32_t) row;
    copies->starts[copies->count++] = start;
}

/* The start of the last window that begins at or before `time`. */
static int64_t last_start(const struct plan_window *window, int64_t time_us)
{
    int64_t remainder = (time_us - window->start_us) % window->slide_us;
    if (remainder < 0) {
        remainder += window->slide_us;
    }
    return time_us - remainder;
}

static const struct column *
window_column(struct arena *arena, const struct plan_window *window, const struct copies *copies)
{
    const struct type *timestamp = type_plain(TYPE_TIMESTAMP);
    const struct type_field fields[] = {{"start", timestamp, true}, {"end", timestamp, true}};
    struct column_builder builder;
    column_builder_init(&builder, arena, type_struct(arena, fields, 2), copies->count);
    for (int64_t i = 0; i < copies->count; i++) {
        column_append_int(&builder.children[0], copies->starts[i]);
        column_append_int(&builder.children[1], copies->starts[i] + window->size_us);
        column_append_struct_end(&builder);
    }
    return column_builder_finish(&builder);
}

static void take_copies(struct run *run,
                        const struct plan_window *window,
                        const struct copies *copies,
                        struct rows *rows)
{
    const struct batch *input = rows->batch;
    uint32_t columns = input->type->field_count;
    const struct column **taken = ARENA_ARRAY(run->arena, const struct column *, columns + 1);
    struct type_field *fields = ARENA_ARRAY(run->arena, struct type_field, columns + 1);
    for (uint32_t i = 0; i < columns; i++) {
        fields[i] = input->type->fields[i];
        taken[i] = column_take(run->arena, input->columns[i], copies->rows, copies->count);
    }
    taken[columns] = window_column(run->arena, window, copies);
    fields[columns] = (struct type_field){"window", taken[columns]->type, false};
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    *batch = (struct batch){copies->count, type_struct(run->arena, fields, columns + 1), taken};
    if (rows->origin != NULL) {
        int32_t *origin = arena_alloc(run->arena, (size_t) copies->count * sizeof(*origin) + 1);
        for (int64_t i = 0; i < copies->count; i++) {
            origin[i] = rows->origin[copies->rows[i]];
        }
        rows->origin = origin;
    }
    rows->batch = batch;
}

enum status window_expand(struct run *run,
                          const struct plan_window *window,
                          struct rows *rows,
                          struct error *error)
{
    if (window->size_us / window->slide_us > COPIES_MAX) {
        return error_set(error, STATUS_CONFIG,
                         "a row would fall into more than %d windows; use a longer slide",
                         COPIES_MAX);
    }
    struct eval eval;
    eval_init(&eval, run->arena, rows->batch, run->now_us);
    const struct column *time = eval_expression(&eval, window->time);
    run_take_failures(run, &eval, rows->origin);
    struct copies copies = {0};
    for (int64_t row = 0; row < rows->batch->length; row++) {
        if (column_is_null(time, row) || eval_failed(&eval, row)) {
            continue;
        }
        int64_t time_us = column_int(time, row);
        if (time_us > run->event_time_max_us) {
            run->event_time_max_us = time_us;
        }
        int64_t start = last_start(window, time_us);
        for (; start > time_us - window->size_us; start -= window->slide_us) {
            copies_add(run->arena, &copies, row, start);
        }
    }
    take_copies(run, window, &copies, rows);
    return STATUS_OK;
}
