#include "sql/list_output.h"

void list_init(struct list_output *list,
               struct eval *eval,
               const struct expression *call,
               const struct column *const *arguments,
               uint32_t count)
{
    *list = (struct list_output){0};
    output_init(&list->base, eval, call, arguments, count);
    size_t rows = (size_t) list->base.rows;
    list->offsets = arena_alloc(eval->arena, (rows + 1) * sizeof *list->offsets);
    list->offsets[0] = 0;
    list->capacity = rows * 2 + 16;
    list->indices = arena_alloc(eval->arena, list->capacity * sizeof *list->indices);
}

void list_add(struct list_output *list, int64_t index)
{
    if (list->count == list->capacity) {
        list->indices = arena_grow(list->base.eval->arena, list->indices,
                                   list->capacity * sizeof *list->indices,
                                   list->capacity * 2 * sizeof *list->indices);
        list->capacity *= 2;
    }
    list->indices[list->count++] = (int32_t) index;
}

void list_end(struct list_output *list, int64_t row)
{
    if (list->count > INT32_MAX) {
        list->count = (size_t) list->offsets[row];
        output_fail(&list->base, row, "the arrays of one batch have more than 2^31 elements");
    }
    list->offsets[row + 1] = (int32_t) list->count;
}

void list_end_null(struct list_output *list, int64_t row)
{
    list->count = (size_t) list->offsets[row];
    output_null(&list->base, row);
    list->offsets[row + 1] = list->offsets[row];
}

const struct column *
list_finish(struct list_output *list, const struct column *elements, const struct column *values)
{
    struct arena *arena = list->base.eval->arena;
    struct column *column = list->base.column;
    const struct column **children = ARENA_ARRAY(arena, const struct column *, 2);
    children[0] = column_take(arena, elements, list->indices, (int64_t) list->count);
    if (values != NULL) {
        children[1] = column_take(arena, values, list->indices, (int64_t) list->count);
    }
    column->offsets = list->offsets;
    column->children = children;
    return output_finish(&list->base);
}

void row_set_init(struct row_set *set, struct arena *arena, const struct column *column)
{
    uint64_t *hashes = arena_calloc(arena, (size_t) column->length, sizeof *hashes);
    columns_hash(&column, 1, column->length, hashes);
    *set = (struct row_set){.column = column, .hashes = hashes};
}

void row_set_deinit(struct row_set *set)
{
    buffer_deinit(&set->memory);
}

void row_set_reset(struct row_set *set, int64_t count)
{
    uint64_t slots = 8;
    while (slots < 2 * (uint64_t) count) {
        slots *= 2;
    }
    buffer_clear(&set->memory);
    set->slots = (int32_t *) (void *) buffer_reserve(&set->memory, slots * sizeof *set->slots);
    memset(set->slots, 0, slots * sizeof *set->slots);
    set->mask = slots - 1;
}

/* The slot that holds an equal row, or the empty one where it would go. */
static uint64_t find_slot(const struct row_set *set, int64_t row)
{
    uint64_t at = set->hashes[row] & set->mask;
    for (; set->slots[at] != 0; at = (at + 1) & set->mask) {
        int32_t other = set->slots[at] - 1;
        if (set->hashes[other] == set->hashes[row] &&
            values_equal(set->column, other, set->column, row)) {
            break;
        }
    }
    return at;
}

bool row_set_has(const struct row_set *set, int64_t row)
{
    return set->slots[find_slot(set, row)] != 0;
}

bool row_set_add(struct row_set *set, int64_t row)
{
    uint64_t at = find_slot(set, row);
    if (set->slots[at] != 0) {
        return false;
    }
    set->slots[at] = (int32_t) row + 1;
    return true;
}
