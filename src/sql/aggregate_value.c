#include "sql/aggregate_internal.h"

#include "base/assert.h"

void agg_value_set(struct agg_value *value, const struct column *column, int64_t row)
{
    value->set = true;
    value->null = column_is_null(column, row) || column->type->id == TYPE_NULL;
    buffer_clear(&value->bytes);
    column_encode_key(column, row, &value->bytes);
}

void agg_value_append(const struct agg_value *value, struct column_builder *target)
{
    if (!value->set || value->null) {
        column_append_null(target);
        return;
    }
    struct slice bytes = buffer_slice(&value->bytes);
    struct error error;
    enum status status = column_decode_key(&bytes, target, &error);
    ASSERT(status == STATUS_OK); /* written by agg_value_set, or checked when it was read */
}

void agg_value_write(const struct agg_value *value, struct buffer *target)
{
    buffer_append_byte(target, (uint8_t) (value->set | value->null << 1));
    buffer_append_be32(target, (uint32_t) value->bytes.size);
    buffer_append_slice(target, buffer_slice(&value->bytes));
}

static enum status too_short(struct error *error)
{
    return error_set(error, STATUS_CORRUPT, "the state of an aggregate is cut short");
}

enum status agg_value_read(struct slice *bytes, struct agg_value *value, struct error *error)
{
    if (bytes->size < 5) {
        return too_short(error);
    }
    const uint8_t *data = bytes->data;
    size_t size = (size_t) data[1] << 24 | (size_t) data[2] << 16 | (size_t) data[3] << 8 | data[4];
    if (bytes->size - 5 < size) {
        return too_short(error);
    }
    value->set = data[0] & 1;
    value->null = (data[0] & 2) != 0;
    buffer_clear(&value->bytes);
    buffer_append(&value->bytes, data + 5, size);
    *bytes = slice_of(data + 5 + size, bytes->size - 5 - size);
    return STATUS_OK;
}

void agg_value_free(struct agg_value *value)
{
    buffer_deinit(&value->bytes);
}

int agg_value_compare(struct arena *arena,
                      const struct agg_value *value,
                      const struct column *column,
                      int64_t row)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, column->type, 1);
    agg_value_append(value, &builder);
    return column_compare(column, row, column_builder_finish(&builder), 0);
}

int32_t *best_rows(struct eval *eval,
                   const struct column *column,
                   const int32_t *group_of_row,
                   int direction,
                   int32_t *ret_groups)
{
    int32_t groups = 0;
    for (int64_t i = 0; i < eval->batch->length; i++) {
        groups = group_of_row[i] >= groups ? group_of_row[i] + 1 : groups;
    }
    size_t bytes = (size_t) groups * sizeof(int32_t);
    int32_t *best = arena_alloc(eval->arena, bytes);
    memset(best, 0xff, bytes);
    for (int64_t i = 0; i < eval->batch->length; i++) {
        int32_t group = group_of_row[i];
        if (group >= 0 && !column_is_null(column, i) &&
            (best[group] < 0 || column_compare(column, i, column, best[group]) * direction > 0)) {
            best[group] = (int32_t) i;
        }
    }
    *ret_groups = groups;
    return best;
}

enum status read_word(struct slice *bytes, uint64_t *ret_word, struct error *error)
{
    if (bytes->size < 8) {
        return too_short(error);
    }
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) {
        word = word << 8 | bytes->data[i];
    }
    *ret_word = word;
    *bytes = slice_of(bytes->data + 8, bytes->size - 8);
    return STATUS_OK;
}

enum status read_rest_is_empty(struct slice bytes, struct error *error)
{
    if (bytes.size > 0) {
        return error_set(error, STATUS_CORRUPT, "the state of an aggregate has %zu bytes too many",
                         bytes.size);
    }
    return STATUS_OK;
}
