/* Merging the branches of CASE, IF and COALESCE into one column. */

#include "sql/kernels.h"

struct choose {
    struct arena *arena;
    const struct type *type;
    const struct column *const *columns;
    const int32_t *choice;
    int64_t rows;
    uint8_t *validity;
};

static int64_t choose_row(const struct choose *choose, int64_t row)
{
    return choose->columns[choose->choice[row]]->length == 1 ? 0 : row;
}

/* Finds the nulls; columns are never read at null rows afterwards. */
static int64_t choose_validity(struct choose *choose)
{
    int64_t nulls = 0;
    choose->validity = bits_new(choose->arena, choose->rows, true);
    for (int64_t i = 0; i < choose->rows; i++) {
        if (choose->choice[i] < 0 ||
            column_is_null(choose->columns[choose->choice[i]], choose_row(choose, i))) {
            bit_clear(choose->validity, i);
            nulls++;
        }
    }
    return nulls;
}

static void choose_fixed(const struct choose *choose, struct column *column, uint32_t width)
{
    uint8_t *values = arena_calloc(choose->arena, (size_t) choose->rows, width);
    for (int64_t i = 0; i < choose->rows; i++) {
        if (bit_get(choose->validity, i)) {
            const uint8_t *source = choose->columns[choose->choice[i]]->values;
            memcpy(values + (size_t) i * width, source + (size_t) choose_row(choose, i) * width,
                   width);
        }
    }
    column->values = values;
}

static void choose_bool(const struct choose *choose, struct column *column)
{
    uint8_t *bits = bits_new(choose->arena, choose->rows, false);
    for (int64_t i = 0; i < choose->rows; i++) {
        if (bit_get(choose->validity, i) &&
            column_bool(choose->columns[choose->choice[i]], choose_row(choose, i))) {
            bit_set(bits, i);
        }
    }
    column->values = bits;
}

/* Two passes: sizes, then bytes. False if the bytes pass what offsets can say. */
static bool choose_bytes(const struct choose *choose, struct column *column)
{
    int32_t *offsets = arena_alloc(choose->arena, ((size_t) choose->rows + 1) * sizeof *offsets);
    size_t size = 0;
    offsets[0] = 0;
    for (int64_t i = 0; i < choose->rows; i++) {
        if (bit_get(choose->validity, i)) {
            size += column_bytes(choose->columns[choose->choice[i]], choose_row(choose, i)).size;
        }
        if (size > INT32_MAX) {
            return false;
        }
        offsets[i + 1] = (int32_t) size;
    }
    uint8_t *bytes = arena_alloc(choose->arena, size);
    for (int64_t i = 0; i < choose->rows; i++) {
        if (bit_get(choose->validity, i)) {
            struct slice value =
                column_bytes(choose->columns[choose->choice[i]], choose_row(choose, i));
            if (value.size > 0) {
                memcpy(bytes + offsets[i], value.data, value.size);
            }
        }
    }
    column->offsets = offsets;
    column->values = bytes;
    return true;
}

/* Any type: all candidates one after the other, then one take. */
static const struct column *choose_nested(const struct choose *choose, uint32_t count)
{
    const struct column **parts = ARENA_ARRAY(choose->arena, const struct column *, count);
    int64_t *bases = ARENA_ARRAY(choose->arena, int64_t, count);
    size_t part_count = 0;
    int64_t base = 0;
    for (uint32_t i = 0; i < count; i++) {
        bases[i] = base;
        if (choose->columns[i] != NULL) {
            parts[part_count++] = choose->columns[i];
            base += choose->columns[i]->length;
        }
    }
    const struct column *all =
        part_count == 1 ? parts[0] : column_concat(choose->arena, parts, part_count);
    int32_t *indices = ARENA_ARRAY(choose->arena, int32_t, (size_t) choose->rows);
    for (int64_t i = 0; i < choose->rows; i++) {
        indices[i] = bit_get(choose->validity, i)
                         ? (int32_t) (bases[choose->choice[i]] + choose_row(choose, i))
                         : -1;
    }
    return column_take(choose->arena, all, indices, choose->rows);
}

const struct column *column_choose(struct arena *arena,
                                   const struct type *type,
                                   const struct column *const *columns,
                                   uint32_t count,
                                   const int32_t *choice,
                                   int64_t rows)
{
    struct choose choose = {
        .arena = arena, .type = type, .columns = columns, .choice = choice, .rows = rows};
    int64_t nulls = choose_validity(&choose);
    if (nulls == rows) {
        return column_nulls(arena, type, rows);
    }
    struct column *column = ARENA_NEW(arena, struct column);
    column->type = type;
    column->length = rows;
    column->null_count = nulls;
    column->validity = nulls == 0 ? NULL : choose.validity;
    uint32_t width = type_width(type);
    if (width > 0) {
        choose_fixed(&choose, column, width);
    } else if (type->id == TYPE_BOOLEAN) {
        choose_bool(&choose, column);
    } else if ((type->id != TYPE_STRING && type->id != TYPE_BINARY) ||
               !choose_bytes(&choose, column)) {
        return choose_nested(&choose, count);
    }
    return column;
}
