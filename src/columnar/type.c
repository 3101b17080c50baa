#include "columnar/type.h"

#include "base/assert.h"

#include <strings.h>

const struct type *type_plain(enum type_id id)
{
    static const struct type plain[] = {
        [TYPE_NULL] = {.id = TYPE_NULL},
        [TYPE_BOOLEAN] = {.id = TYPE_BOOLEAN},
        [TYPE_TINYINT] = {.id = TYPE_TINYINT},
        [TYPE_SMALLINT] = {.id = TYPE_SMALLINT},
        [TYPE_INT] = {.id = TYPE_INT},
        [TYPE_BIGINT] = {.id = TYPE_BIGINT},
        [TYPE_FLOAT] = {.id = TYPE_FLOAT},
        [TYPE_DOUBLE] = {.id = TYPE_DOUBLE},
        [TYPE_STRING] = {.id = TYPE_STRING},
        [TYPE_BINARY] = {.id = TYPE_BINARY},
        [TYPE_DATE] = {.id = TYPE_DATE},
        [TYPE_TIMESTAMP] = {.id = TYPE_TIMESTAMP},
        [TYPE_INTERVAL] = {.id = TYPE_INTERVAL},
        [TYPE_INTERVAL_MONTHS] = {.id = TYPE_INTERVAL_MONTHS},
    };
    ASSERT((size_t) id < ARRAY_SIZE(plain) && plain[id].id == id);
    return &plain[id];
}

const struct type *type_decimal(struct arena *arena, uint8_t precision, uint8_t scale)
{
    ASSERT(precision >= 1 && precision <= 38 && scale <= precision);
    struct type *type = ARENA_NEW(arena, struct type);
    *type = (struct type){.id = TYPE_DECIMAL, .precision = precision, .scale = scale};
    return type;
}

const struct type *type_array(struct arena *arena, const struct type *element, bool nullable)
{
    struct type_field *field = ARENA_NEW(arena, struct type_field);
    *field = (struct type_field){.name = "element", .type = element, .nullable = nullable};
    struct type *type = ARENA_NEW(arena, struct type);
    *type = (struct type){
        .id = TYPE_ARRAY, .element_nullable = nullable, .fields = field, .field_count = 1};
    return type;
}

const struct type *
type_map(struct arena *arena, const struct type *key, const struct type *value, bool nullable)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 2);
    fields[0] = (struct type_field){.name = "key", .type = key, .nullable = false};
    fields[1] = (struct type_field){.name = "value", .type = value, .nullable = nullable};
    struct type *type = ARENA_NEW(arena, struct type);
    *type = (struct type){
        .id = TYPE_MAP, .element_nullable = nullable, .fields = fields, .field_count = 2};
    return type;
}

const struct type *type_struct(struct arena *arena, const struct type_field *fields, uint32_t count)
{
    struct type_field *copies = ARENA_ARRAY(arena, struct type_field, count);
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = fields[i];
        copies[i].name = arena_strdup(arena, fields[i].name);
    }
    struct type *type = ARENA_NEW(arena, struct type);
    *type = (struct type){.id = TYPE_STRUCT, .fields = copies, .field_count = count};
    return type;
}

bool type_equal(const struct type *a, const struct type *b)
{
    if (a == b) {
        return true;
    }
    if (a->id != b->id || a->precision != b->precision || a->scale != b->scale ||
        a->field_count != b->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->field_count; i++) {
        if (!type_equal(a->fields[i].type, b->fields[i].type) ||
            (a->id == TYPE_STRUCT && strcasecmp(a->fields[i].name, b->fields[i].name) != 0)) {
            return false;
        }
    }
    return true;
}

int type_field_index(const struct type *type, const char *name)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (strcasecmp(type->fields[i].name, name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

const struct type *type_copy(struct arena *arena, const struct type *type)
{
    if (type->field_count == 0 && type->id < TYPE_ARRAY && type->id != TYPE_DECIMAL) {
        return type_plain(type->id);
    }
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        fields[i] = (struct type_field){
            .name = arena_strdup(arena, type->fields[i].name),
            .type = type_copy(arena, type->fields[i].type),
            .nullable = type->fields[i].nullable,
        };
    }
    struct type *copy = ARENA_NEW(arena, struct type);
    *copy = *type;
    copy->fields = fields;
    return copy;
}

uint32_t type_width(const struct type *type)
{
    static const uint8_t widths[] = {
        [TYPE_TINYINT] = 1,
        [TYPE_SMALLINT] = 2,
        [TYPE_INT] = 4,
        [TYPE_BIGINT] = 8,
        [TYPE_FLOAT] = 4,
        [TYPE_DOUBLE] = 8,
        [TYPE_DECIMAL] = 16,
        [TYPE_DATE] = 4,
        [TYPE_TIMESTAMP] = 8,
        [TYPE_INTERVAL] = 8,
        [TYPE_INTERVAL_MONTHS] = 4,
        [TYPE_STRUCT] = 0, /* the last one: sizes the table */
    };
    return widths[type->id];
}

bool type_is_integral(const struct type *type)
{
    return type->id >= TYPE_TINYINT && type->id <= TYPE_BIGINT;
}

bool type_is_numeric(const struct type *type)
{
    return type->id >= TYPE_TINYINT && type->id <= TYPE_DECIMAL;
}
