/* x IN (...): constants go into a hash set once a batch, other members are compared row by row. */

#include "sql/kernels.h"

#include <xxhash.h>

/* An open-addressing set of the rows of `members`; slot value 0 is empty. */
struct member_set {
    const struct column *const *members; /* constants, not null */
    uint32_t count;
    uint32_t *slots; /* index of the member + 1 */
    uint64_t slot_mask;
};

static uint64_t value_hash(const struct column *column, int64_t row)
{
    if (column->type->id == TYPE_STRING || column->type->id == TYPE_BINARY) {
        struct slice bytes = column_bytes(column, row);
        return XXH3_64bits(bytes.data, bytes.size);
    }
    return (uint64_t) column_int(column, row) * UINT64_C(0x9e3779b97f4a7c15) >> 17;
}

static bool value_hashable(const struct type *type)
{
    switch (type->id) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_STRING:
    case TYPE_BINARY:
        return true;
    default:
        return false;
    }
}

static void member_set_init(struct member_set *set,
                            struct arena *arena,
                            const struct column *const *members,
                            uint32_t count)
{
    uint64_t slots = 8;
    while (slots < 2 * (uint64_t) count) {
        slots *= 2;
    }
    *set = (struct member_set){.members = members, .count = count, .slot_mask = slots - 1};
    set->slots = ARENA_ARRAY(arena, uint32_t, slots);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = value_hash(members[i], 0) & set->slot_mask;
        while (set->slots[at] != 0) {
            at = (at + 1) & set->slot_mask;
        }
        set->slots[at] = i + 1;
    }
}

static bool member_set_has(const struct member_set *set, const struct column *column, int64_t row)
{
    uint64_t at = value_hash(column, row) & set->slot_mask;
    for (; set->slots[at] != 0; at = (at + 1) & set->slot_mask) {
        if (values_equal(set->members[set->slots[at] - 1], 0, column, row)) {
            return true;
        }
    }
    return false;
}

const struct column *eval_in(struct eval *eval, const struct expression *expression)
{
    int64_t rows = eval->batch->length;
    const struct column *value = eval_expression_compact(eval, expression->arguments[0]);
    uint32_t members = expression->argument_count - 1;
    const struct column **constants = ARENA_ARRAY(eval->arena, const struct column *, members);
    const struct column **others = ARENA_ARRAY(eval->arena, const struct column *, members);
    uint32_t constant_count = 0;
    uint32_t other_count = 0;
    bool null_member = false;
    for (uint32_t i = 0; i < members; i++) {
        const struct column *member = eval_expression_compact(eval, expression->arguments[i + 1]);
        if (member->length != 1 || !value_hashable(value->type)) {
            others[other_count++] = member;
        } else if (member->null_count == 1) {
            null_member = true;
        } else {
            constants[constant_count++] = member;
        }
    }
    struct member_set set;
    member_set_init(&set, eval->arena, constants, constant_count);
    struct output output;
    output_init(&output, eval, expression, &value, 1);
    struct arg arg = arg_of(value, rows);
    for (int64_t i = 0; i < rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        bool found = constant_count > 0 && member_set_has(&set, value, arg_row(arg, i));
        bool unknown = null_member;
        for (uint32_t m = 0; m < other_count && !found; m++) {
            struct arg member = arg_of(others[m], rows);
            if (arg_is_null(member, i)) {
                unknown = true;
            } else {
                found = values_equal(value, arg_row(arg, i), others[m], arg_row(member, i));
            }
        }
        if (found) {
            output_bool(&output, i, true);
        } else if (unknown) {
            output_null(&output, i);
        }
    }
    return output_finish(&output);
}
