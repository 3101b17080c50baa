#include "sql/coerce.h"

#include "sql/decimal.h"

const struct type *type_decimal_for(struct arena *arena, const struct type *integral)
{
    switch (integral->id) {
    case TYPE_TINYINT:
        return type_decimal(arena, 3, 0);
    case TYPE_SMALLINT:
        return type_decimal(arena, 5, 0);
    case TYPE_INT:
        return type_decimal(arena, 10, 0);
    case TYPE_BIGINT:
        return type_decimal(arena, 20, 0);
    case TYPE_FLOAT:
        return type_decimal(arena, 14, 7);
    case TYPE_DOUBLE:
        return type_decimal(arena, 30, 15);
    default:
        return integral;
    }
}

static bool is_atomic(const struct type *type)
{
    return type->id >= TYPE_BOOLEAN && type->id <= TYPE_INTERVAL_MONTHS;
}

static bool is_interval(const struct type *type)
{
    return type->id == TYPE_INTERVAL || type->id == TYPE_INTERVAL_MONTHS;
}

static bool is_floating(const struct type *type)
{
    return type->id == TYPE_FLOAT || type->id == TYPE_DOUBLE;
}

static const struct type *
common_decimal(struct arena *arena, const struct type *a, const struct type *b)
{
    a = type_decimal_for(arena, a);
    b = type_decimal_for(arena, b);
    int scale = a->scale > b->scale ? a->scale : b->scale;
    int whole_a = a->precision - a->scale;
    int whole_b = b->precision - b->scale;
    int precision = (whole_a > whole_b ? whole_a : whole_b) + scale;
    return type_decimal(arena,
                        (uint8_t) (precision > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : precision),
                        (uint8_t) scale);
}

static const struct type *
common_numeric(struct arena *arena, const struct type *a, const struct type *b)
{
    if (is_floating(a) || is_floating(b)) {
        return a->id == b->id ? a : type_plain(TYPE_DOUBLE);
    }
    if (a->id == TYPE_DECIMAL || b->id == TYPE_DECIMAL) {
        return common_decimal(arena, a, b);
    }
    return a->id > b->id ? a : b;
}

/* What a string becomes next to another type. */
static const struct type *common_with_string(const struct type *other)
{
    if (type_is_integral(other)) {
        return type_plain(TYPE_BIGINT);
    }
    if (type_is_numeric(other)) {
        return type_plain(TYPE_DOUBLE);
    }
    return is_interval(other) || !is_atomic(other) ? NULL : other;
}

static const struct type *
common_nested(struct arena *arena, const struct type *a, const struct type *b)
{
    if (a->id != b->id || a->field_count != b->field_count) {
        return NULL;
    }
    const struct type *parts[2];
    struct type_field *fields = NULL;
    if (a->id == TYPE_STRUCT) {
        fields = ARENA_ARRAY(arena, struct type_field, a->field_count);
    }
    for (uint32_t i = 0; i < a->field_count; i++) {
        const struct type *part = type_common(arena, a->fields[i].type, b->fields[i].type);
        if (part == NULL) {
            return NULL;
        }
        if (fields != NULL) {
            fields[i] = (struct type_field){a->fields[i].name, part,
                                            a->fields[i].nullable || b->fields[i].nullable};
        } else {
            parts[i] = part;
        }
    }
    bool nullable = a->element_nullable || b->element_nullable;
    switch (a->id) {
    case TYPE_STRUCT:
        return type_struct(arena, fields, a->field_count);
    case TYPE_ARRAY:
        return type_array(arena, parts[0], nullable);
    default:
        return type_map(arena, parts[0], parts[1], nullable);
    }
}

const struct type *type_common(struct arena *arena, const struct type *a, const struct type *b)
{
    if (b->id == TYPE_NULL || (a->id == b->id && is_atomic(a) && a->id != TYPE_DECIMAL)) {
        return a;
    }
    if (a->id == TYPE_NULL) {
        return b;
    }
    if (type_is_numeric(a) && type_is_numeric(b)) {
        return common_numeric(arena, a, b);
    }
    if (a->id == TYPE_STRING) {
        return common_with_string(b);
    }
    if (b->id == TYPE_STRING) {
        return common_with_string(a);
    }
    if ((a->id == TYPE_DATE && b->id == TYPE_TIMESTAMP) ||
        (a->id == TYPE_TIMESTAMP && b->id == TYPE_DATE)) {
        return type_plain(TYPE_TIMESTAMP);
    }
    return common_nested(arena, a, b);
}

const struct type *
type_common_all(struct arena *arena, const struct type *const *types, uint32_t count)
{
    const struct type *common = type_plain(TYPE_NULL);
    for (uint32_t i = 0; i < count && common != NULL; i++) {
        common = type_common(arena, common, types[i]);
    }
    return common;
}

static bool cast_exists_nested(const struct type *from, const struct type *to)
{
    if (from->id != to->id || from->field_count != to->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < from->field_count; i++) {
        if (!type_cast_exists(from->fields[i].type, to->fields[i].type)) {
            return false;
        }
    }
    return true;
}

bool type_cast_exists(const struct type *from, const struct type *to)
{
    if (from->id == TYPE_NULL || to->id == TYPE_STRING || (from->id == to->id && is_atomic(from))) {
        return true;
    }
    switch (to->id) {
    case TYPE_BOOLEAN:
        return type_is_numeric(from) || from->id == TYPE_STRING;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        return type_is_numeric(from) || from->id == TYPE_STRING || from->id == TYPE_BOOLEAN ||
               from->id == TYPE_TIMESTAMP || is_interval(from);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return type_is_numeric(from) || from->id == TYPE_STRING || from->id == TYPE_BOOLEAN ||
               from->id == TYPE_TIMESTAMP || (to->id == TYPE_DECIMAL && is_interval(from));
    case TYPE_BINARY:
        return from->id == TYPE_STRING;
    case TYPE_DATE:
        return from->id == TYPE_STRING || from->id == TYPE_TIMESTAMP;
    case TYPE_TIMESTAMP:
        return from->id == TYPE_STRING || from->id == TYPE_DATE || type_is_numeric(from);
    case TYPE_INTERVAL:
    case TYPE_INTERVAL_MONTHS:
        return from->id == TYPE_STRING || type_is_integral(from);
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        return cast_exists_nested(from, to);
    default:
        return false;
    }
}

bool type_cast_implicit(const struct type *from, const struct type *to)
{
    if (from->id == TYPE_NULL || type_equal(from, to)) {
        return true;
    }
    if (from->id == TYPE_STRING) {
        return is_atomic(to) && !is_interval(to);
    }
    if (to->id == TYPE_STRING) {
        return is_atomic(from) && from->id != TYPE_BINARY;
    }
    if (type_is_numeric(from) && type_is_numeric(to)) {
        if (from->id == TYPE_DECIMAL) {
            return is_floating(to) || (to->id == TYPE_DECIMAL && to->scale >= from->scale &&
                                       to->precision - to->scale >= from->precision - from->scale);
        }
        return to->id == TYPE_DECIMAL ? type_is_integral(from) : from->id < to->id;
    }
    if (from->id == TYPE_DATE || from->id == TYPE_TIMESTAMP) {
        return to->id == TYPE_DATE || to->id == TYPE_TIMESTAMP;
    }
    if (from->id == to->id && from->field_count == to->field_count && from->field_count > 0) {
        for (uint32_t i = 0; i < from->field_count; i++) {
            if (!type_cast_implicit(from->fields[i].type, to->fields[i].type)) {
                return false;
            }
        }
        return true;
    }
    return false;
}

bool type_is_orderable(const struct type *type)
{
    if (type->id == TYPE_MAP) {
        return false;
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (!type_is_orderable(type->fields[i].type)) {
            return false;
        }
    }
    return true;
}
