/* Aggregates that hold values: first, last, any_value, max_by, min_by, collect_list, collect_set.
 */

#include "base/assert.h"
#include "base/map.h"
#include "base/memory.h"
#include "sql/aggregate_internal.h"
#include "sql/coerce.h"

/* ---- first and last ---- */

enum {
    PICK_FIRST,
    PICK_LAST
};

static bool ignores_nulls(const struct plan_aggregate *aggregate)
{
    int64_t flag = 0;
    return aggregate->argument_count == 2 && literal_int(aggregate->arguments[1], &flag) &&
           flag != 0;
}

static enum status resolve_pick(RESOLVE_PARAMETERS)
{
    int64_t flag;
    if (count == 2 && (types[1]->id != TYPE_BOOLEAN || !literal_int(arguments[1], &flag))) {
        return function_type_error(function, 1, types[1], "a literal BOOLEAN", error);
    }
    *ret_type = types[0];
    return STATUS_OK;
}

static void pick_update(UPDATE_PARAMETERS)
{
    bool first = aggregate->function->variant == PICK_FIRST;
    bool skip_nulls = ignores_nulls(aggregate);
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (group_of_row[i] < 0 || (skip_nulls && column_is_null(arguments[0], i))) {
            continue;
        }
        struct agg_value *value = states[group_of_row[i]];
        if (!first || !value->set) {
            agg_value_set(value, arguments[0], i);
        }
    }
}

static void pick_result(RESULT_PARAMETERS)
{
    agg_value_append(state, target);
}

static void pick_write(const void *state, struct buffer *target)
{
    agg_value_write(state, target);
}

static enum status pick_read(struct slice bytes, void *state, struct error *error)
{
    TRY(agg_value_read(&bytes, state, error));
    return read_rest_is_empty(bytes, error);
}

static void pick_free(void *state)
{
    agg_value_free(state);
}

/* ---- max_by and min_by ---- */

struct by_state {
    struct agg_value value;
    struct agg_value order;
};

static enum status resolve_by(RESOLVE_PARAMETERS)
{
    if (!type_is_orderable(types[1])) {
        return function_type_error(function, 1, types[1], "of a type that has an order", error);
    }
    *ret_type = types[0];
    return STATUS_OK;
}

static void by_update(UPDATE_PARAMETERS)
{
    int32_t groups;
    int direction = aggregate->function->variant;
    int32_t *best = best_rows(eval, arguments[1], group_of_row, direction, &groups);
    for (int32_t group = 0; group < groups; group++) {
        if (best[group] < 0) {
            continue;
        }
        struct by_state *state = states[group];
        if (!state->order.set ||
            agg_value_compare(eval->arena, &state->order, arguments[1], best[group]) * direction >
                0) {
            agg_value_set(&state->order, arguments[1], best[group]);
            agg_value_set(&state->value, arguments[0], best[group]);
        }
    }
}

static void by_result(RESULT_PARAMETERS)
{
    agg_value_append(&((const struct by_state *) state)->value, target);
}

static void by_write(const void *state, struct buffer *target)
{
    const struct by_state *by = state;
    agg_value_write(&by->value, target);
    agg_value_write(&by->order, target);
}

static enum status by_read(struct slice bytes, void *state, struct error *error)
{
    struct by_state *by = state;
    TRY(agg_value_read(&bytes, &by->value, error));
    TRY(agg_value_read(&bytes, &by->order, error));
    return read_rest_is_empty(bytes, error);
}

static void by_free(void *state)
{
    struct by_state *by = state;
    agg_value_free(&by->value);
    agg_value_free(&by->order);
}

/* ---- collect_list and collect_set ---- */

/* Values one after the other in their key encoding; a set also knows which it has. */
struct collect_state {
    struct buffer bytes;
    uint64_t count;
    struct map *seen; /* NULL until the first value; only of collect_set */
};

enum {
    COLLECT_LIST,
    COLLECT_SET
};

static enum status resolve_collect(RESOLVE_PARAMETERS)
{
    if (function->variant == COLLECT_SET && !type_is_orderable(types[0])) {
        return function_type_error(function, 0, types[0], "a type without maps", error);
    }
    *ret_type = type_array(arena, types[0], false);
    return STATUS_OK;
}

static void collect_add(struct collect_state *state, int variant, struct slice value)
{
    if (variant == COLLECT_SET) {
        if (state->seen == NULL) {
            state->seen = mem_zalloc(sizeof *state->seen);
            map_init(state->seen);
        }
        if (map_has(state->seen, value)) {
            return;
        }
        map_put(state->seen, value, NULL);
    }
    buffer_append_slice(&state->bytes, value);
    state->count++;
}

static void collect_update(UPDATE_PARAMETERS)
{
    struct buffer value = BUFFER_INIT;
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (group_of_row[i] < 0 || arguments[0]->type->id == TYPE_NULL ||
            column_is_null(arguments[0], i)) {
            continue;
        }
        buffer_clear(&value);
        column_encode_key(arguments[0], i, &value);
        collect_add(states[group_of_row[i]], aggregate->function->variant, buffer_slice(&value));
    }
    buffer_deinit(&value);
}

static void collect_result(RESULT_PARAMETERS)
{
    const struct collect_state *collect = state;
    struct slice bytes = buffer_slice(&collect->bytes);
    for (uint64_t i = 0; i < collect->count; i++) {
        struct error error;
        enum status status = column_decode_key(&bytes, &target->children[0], &error);
        ASSERT(status == STATUS_OK); /* written by collect_update, or checked when it was read */
    }
    column_append_list_end(target);
}

/* The count, then each value with its size: a set is rebuilt from them. */
static void collect_write(const void *state, struct buffer *target)
{
    const struct collect_state *collect = state;
    buffer_append_be64(target, collect->count);
    if (collect->seen == NULL) {
        buffer_append_slice(target, buffer_slice(&collect->bytes));
        return;
    }
    size_t position = 0;
    for (struct map_entry *entry; (entry = map_next(collect->seen, &position)) != NULL;) {
        buffer_append_be64(target, entry->key.size);
        buffer_append_slice(target, entry->key);
    }
}

static enum status list_read(struct slice bytes, void *state, struct error *error)
{
    struct collect_state *collect = state;
    TRY(read_word(&bytes, &collect->count, error));
    buffer_append_slice(&collect->bytes, bytes);
    return STATUS_OK;
}

static enum status set_read(struct slice bytes, void *state, struct error *error)
{
    uint64_t count;
    TRY(read_word(&bytes, &count, error));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t size;
        TRY(read_word(&bytes, &size, error));
        if (size > bytes.size) {
            return error_set(error, STATUS_CORRUPT, "the state of collect_set is cut short");
        }
        collect_add(state, COLLECT_SET, slice_of(bytes.data, size));
        bytes = slice_of(bytes.data + size, bytes.size - size);
    }
    return read_rest_is_empty(bytes, error);
}

/* A set holds each value once more, in its map. */
static size_t collect_heap_bytes(const void *state)
{
    const struct collect_state *collect = state;
    size_t bytes = collect->bytes.capacity;
    if (collect->seen != NULL) {
        bytes += collect->bytes.size + collect->seen->entry_capacity * sizeof(struct map_entry) +
                 collect->seen->slot_count * sizeof(collect->seen->slots[0]);
    }
    return bytes;
}

static void collect_free(void *state)
{
    struct collect_state *collect = state;
    buffer_deinit(&collect->bytes);
    if (collect->seen != NULL) {
        map_deinit(collect->seen);
        mem_free(collect->seen);
        collect->seen = NULL;
    }
}

#define PICK(name_, variant_, help_)                                                               \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 1, .arguments_max = 2,       \
        .deterministic = true, .variant = (variant_), .resolve = resolve_pick,                     \
        .usage = name_ "(value[, ignore_nulls])", .help = (help_), .aggregate = {                  \
            .state_bytes = sizeof(struct agg_value),                                               \
            .update = pick_update,                                                                 \
            .result = pick_result,                                                                 \
            .write = pick_write,                                                                   \
            .read = pick_read,                                                                     \
            .free = pick_free                                                                      \
        }                                                                                          \
    }
#define BY(name_, variant_, help_)                                                                 \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 2, .arguments_max = 2,       \
        .deterministic = true, .variant = (variant_), .resolve = resolve_by,                       \
        .usage = name_ "(value, order)", .help = (help_), .aggregate = {                           \
            .state_bytes = sizeof(struct by_state),                                                \
            .update = by_update,                                                                   \
            .result = by_result,                                                                   \
            .write = by_write,                                                                     \
            .read = by_read,                                                                       \
            .free = by_free                                                                        \
        }                                                                                          \
    }
#define COLLECT(name_, variant_, read_, help_)                                                     \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_AGGREGATE, .arguments_min = 1, .arguments_max = 1,       \
        .deterministic = true, .variant = (variant_), .resolve = resolve_collect,                  \
        .usage = name_ "(value)", .help = (help_), .aggregate = {                                  \
            .state_bytes = sizeof(struct collect_state),                                           \
            .update = collect_update,                                                              \
            .result = collect_result,                                                              \
            .write = collect_write,                                                                \
            .read = (read_),                                                                       \
            .free = collect_free,                                                                  \
            .heap_bytes = collect_heap_bytes                                                       \
        }                                                                                          \
    }

static const struct sql_function rows[] = {
    PICK("first", PICK_FIRST, "The first value, or the first that is not null."),
    PICK("first_value", PICK_FIRST, "The first value, or the first that is not null."),
    PICK("any_value", PICK_FIRST, "A value: the first, or the first that is not null."),
    PICK("last", PICK_LAST, "The last value, or the last that is not null."),
    PICK("last_value", PICK_LAST, "The last value, or the last that is not null."),
    BY("max_by", 1, "The value of the row whose order is largest."),
    BY("min_by", -1, "The value of the row whose order is smallest."),
    COLLECT("collect_list", COLLECT_LIST, list_read, "The values that are not null, as an array."),
    COLLECT("array_agg", COLLECT_LIST, list_read, "The values that are not null, as an array."),
    COLLECT("collect_set", COLLECT_SET, set_read, "Each value that is not null once, as an array."),
};

FUNCTION_FAMILY(functions_collect, rows);
