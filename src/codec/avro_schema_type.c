/* Avro schemas to column types and back, as Spark has it. */

#include "codec/avro_schema.h"
#include "codec/avro_value.h"

#include <stdio.h>

/* ---- To a type ------------------------------------------------------------------------------- */

/* Records that are being turned into a type: a record inside itself has none. */
struct record_stack {
    const struct record_stack *above;
    const struct avro_schema *record;
};

/* A schema that names records again and again can stand for more columns than fit anywhere. */
#define FIELDS_MAX 65536

struct type_maker {
    struct arena *arena;
    struct error *error;
    uint32_t fields; /* so far */
};

static enum status to_type(struct type_maker *maker,
                           const struct avro_schema *schema,
                           const struct record_stack *stack,
                           const struct type **ret_type,
                           bool *ret_nullable);

static enum status record_type(struct type_maker *maker,
                               const struct avro_schema *schema,
                               const struct record_stack *stack,
                               const struct type **ret_type)
{
    struct record_stack here = {.above = stack, .record = schema};
    for (const struct record_stack *at = stack; at != NULL; at = at->above) {
        if (strcmp(at->record->name, schema->name) == 0) {
            return error_set(maker->error, STATUS_CONFIG,
                             "the record \"%s\" holds itself: it has no column type", schema->name);
        }
    }
    maker->fields += schema->field_count + 1; /* empty records count too */
    if (maker->fields > FIELDS_MAX) {
        return error_set(maker->error, STATUS_CONFIG, "the schema stands for more than %d columns",
                         FIELDS_MAX);
    }
    struct type_field *fields = ARENA_ARRAY(maker->arena, struct type_field, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        fields[i].name = schema->fields[i].name;
        enum status status =
            to_type(maker, schema->fields[i].schema, &here, &fields[i].type, &fields[i].nullable);
        if (status != STATUS_OK) {
            error_context(maker->error, "field \"%s\"", fields[i].name);
            return status;
        }
    }
    *ret_type = type_struct(maker->arena, fields, schema->field_count);
    return STATUS_OK;
}

/* A union of numbers that one of them holds: its kind; else AVRO_UNION. */
static enum avro_kind common_number(const struct avro_schema *schema)
{
    bool kinds[AVRO_FIXED + 1] = {false};
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        kinds[schema->branches[i]->kind] = true;
        bool number = schema->branches[i]->kind >= AVRO_INT &&
                      schema->branches[i]->kind <= AVRO_DOUBLE &&
                      schema->branches[i]->logical == AVRO_LOGICAL_NONE;
        if (!number && schema->branches[i]->kind != AVRO_NULL) {
            return AVRO_UNION;
        }
    }
    bool integral = kinds[AVRO_INT] || kinds[AVRO_LONG];
    bool floating = kinds[AVRO_FLOAT] || kinds[AVRO_DOUBLE];
    if (integral && floating) {
        return AVRO_UNION;
    }
    return integral ? AVRO_LONG : AVRO_DOUBLE;
}

static enum status union_type(struct type_maker *maker,
                              const struct avro_schema *schema,
                              const struct record_stack *stack,
                              const struct type **ret_type,
                              bool *ret_nullable)
{
    const struct avro_schema *plain = avro_schema_plain(schema, ret_nullable);
    bool ignored;
    if (plain != NULL) {
        return to_type(maker, plain, stack, ret_type, &ignored);
    }
    if (schema->mixed) {
        *ret_type = type_plain(TYPE_STRING);
        return STATUS_OK;
    }
    enum avro_kind number = common_number(schema);
    if (number != AVRO_UNION) {
        *ret_type = type_plain(number == AVRO_LONG ? TYPE_BIGINT : TYPE_DOUBLE);
        return STATUS_OK;
    }
    struct type_field *fields = ARENA_ARRAY(maker->arena, struct type_field, schema->branch_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        if (schema->branches[i]->kind == AVRO_NULL) {
            continue;
        }
        TRY(to_type(maker, schema->branches[i], stack, &fields[count].type, &ignored));
        fields[count].name = arena_printf(maker->arena, "member%u", count);
        fields[count].nullable = true;
        count++;
    }
    if (count == 0) { /* ["null"] */
        *ret_type = type_plain(TYPE_NULL);
        return STATUS_OK;
    }
    *ret_type = type_struct(maker->arena, fields, count);
    return STATUS_OK;
}

static enum status decimal_type(struct type_maker *maker,
                                const struct avro_schema *schema,
                                const struct type **ret_type)
{
    if (schema->precision > 38) {
        return error_set(maker->error, STATUS_CONFIG,
                         "a decimal of %u digits; columns hold up to 38", schema->precision);
    }
    *ret_type = type_decimal(maker->arena, schema->precision, schema->scale);
    return STATUS_OK;
}

static enum type_id plain_type_id(const struct avro_schema *schema)
{
    switch (schema->kind) {
    case AVRO_NULL:
        return TYPE_NULL;
    case AVRO_BOOLEAN:
        return TYPE_BOOLEAN;
    case AVRO_INT:
        return schema->logical == AVRO_DATE ? TYPE_DATE : TYPE_INT;
    case AVRO_LONG:
        return schema->logical >= AVRO_TIMESTAMP_MILLIS &&
                       schema->logical <= AVRO_LOCAL_TIMESTAMP_MICROS
                   ? TYPE_TIMESTAMP
                   : TYPE_BIGINT;
    case AVRO_FLOAT:
        return TYPE_FLOAT;
    case AVRO_DOUBLE:
        return TYPE_DOUBLE;
    case AVRO_BYTES:
    case AVRO_FIXED:
        return TYPE_BINARY;
    default:
        return TYPE_STRING; /* string, enum */
    }
}

static enum status to_type(struct type_maker *maker,
                           const struct avro_schema *schema,
                           const struct record_stack *stack,
                           const struct type **ret_type,
                           bool *ret_nullable)
{
    const struct type *below;
    bool nullable;
    *ret_nullable = schema->kind == AVRO_NULL;
    if (schema->logical == AVRO_DECIMAL) {
        return decimal_type(maker, schema, ret_type);
    }
    switch (schema->kind) {
    case AVRO_RECORD:
        return record_type(maker, schema, stack, ret_type);
    case AVRO_UNION:
        return union_type(maker, schema, stack, ret_type, ret_nullable);
    case AVRO_ARRAY:
        TRY(to_type(maker, schema->branches[0], stack, &below, &nullable));
        *ret_type = type_array(maker->arena, below, nullable);
        return STATUS_OK;
    case AVRO_MAP:
        TRY(to_type(maker, schema->branches[0], stack, &below, &nullable));
        *ret_type = type_map(maker->arena, type_plain(TYPE_STRING), below, nullable);
        return STATUS_OK;
    default:
        *ret_type = type_plain(plain_type_id(schema));
        return STATUS_OK;
    }
}

enum status avro_schema_type(const struct avro_schema *schema,
                             struct arena *arena,
                             const struct type **ret_type,
                             bool *ret_nullable,
                             struct error *error)
{
    struct type_maker maker = {.arena = arena, .error = error};
    bool nullable;
    TRY(to_type(&maker, schema, NULL, ret_type, &nullable));
    if (ret_nullable != NULL) {
        *ret_nullable = nullable;
    }
    return STATUS_OK;
}

/* ---- From a type ----------------------------------------------------------------------------- */

/* `name` is what a record here is called, `records` has the names in use. NULL: no Avro type (the
 * error is set). */
static json_t *
from_type(const struct type *type, const char *name, json_t *records, struct error *error);

static json_t *nullable(json_t *schema, bool may_be_null)
{
    bool null = json_is_string(schema) && strcmp(json_string_value(schema), "null") == 0;
    if (schema == NULL || !may_be_null || null) {
        return schema;
    }
    return json_pack("[s, o]", "null", schema);
}

static json_t *
from_struct(const struct type *type, const char *name, json_t *records, struct error *error)
{
    struct arena arena;
    arena_init(&arena, 1024);
    const char *first_name = name;
    for (unsigned number = 2; json_object_get(records, name) != NULL; number++) {
        name = arena_printf(&arena, "%s_%u", first_name, number);
    }
    (void) json_object_set_new(records, name, json_true());
    json_t *fields = json_array();
    json_t *taken = json_object();
    for (uint32_t i = 0; i < type->field_count; i++) {
        avro_keep_name(slice_of_string(type->fields[i].name), taken);
    }
    for (uint32_t i = 0; i < type->field_count && fields != NULL; i++) {
        const struct type_field *field = &type->fields[i];
        const char *field_name = avro_field_name(slice_of_string(field->name), taken, &arena);
        const char *below = arena_printf(&arena, "%s_%s", name, field_name);
        json_t *schema = nullable(from_type(field->type, below, records, error), field->nullable);
        if (schema == NULL) {
            error_context(error, "column \"%s\"", field->name);
            json_decref(fields);
            fields = NULL;
            break;
        }
        json_t *json = json_pack("{s:s, s:o}", "name", field_name, "type", schema);
        if (field->nullable) {
            (void) json_object_set_new(json, "default", json_null());
        }
        if (strcmp(field_name, field->name) != 0) {
            (void) json_object_set_new(json, "aliases", json_pack("[s]", field->name));
        }
        (void) json_array_append_new(fields, json);
    }
    json_decref(taken);
    json_t *json = fields == NULL ? NULL
                                  : json_pack("{s:s, s:s, s:o}", "type", "record", "name", name,
                                              "fields", fields);
    arena_deinit(&arena);
    return json;
}

static json_t *
from_list(const struct type *type, const char *name, json_t *records, struct error *error)
{
    bool map = type->id == TYPE_MAP;
    if (map && type->fields[0].type->id != TYPE_STRING) {
        (void) error_set(error, STATUS_CONFIG, "Avro has maps with string keys only");
        error_hint(error, "cast the keys to STRING");
        return NULL;
    }
    json_t *below = nullable(from_type(type->fields[map ? 1 : 0].type, name, records, error),
                             type->element_nullable);
    if (below == NULL) {
        return NULL;
    }
    return map ? json_pack("{s:s, s:o}", "type", "map", "values", below)
               : json_pack("{s:s, s:o}", "type", "array", "items", below);
}

static json_t *
from_type(const struct type *type, const char *name, json_t *records, struct error *error)
{
    switch (type->id) {
    case TYPE_NULL:
        return json_string("null");
    case TYPE_BOOLEAN:
        return json_string("boolean");
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_INTERVAL_MONTHS:
        return json_string("int");
    case TYPE_BIGINT:
    case TYPE_INTERVAL:
        return json_string("long");
    case TYPE_FLOAT:
        return json_string("float");
    case TYPE_DOUBLE:
        return json_string("double");
    case TYPE_DECIMAL:
        return json_pack("{s:s, s:s, s:i, s:i}", "type", "bytes", "logicalType", "decimal",
                         "precision", type->precision, "scale", type->scale);
    case TYPE_STRING:
        return json_string("string");
    case TYPE_BINARY:
        return json_string("bytes");
    case TYPE_DATE:
        return json_pack("{s:s, s:s}", "type", "int", "logicalType", "date");
    case TYPE_TIMESTAMP:
        return json_pack("{s:s, s:s}", "type", "long", "logicalType", "timestamp-micros");
    case TYPE_ARRAY:
    case TYPE_MAP:
        return from_list(type, name, records, error);
    case TYPE_STRUCT:
        return from_struct(type, name, records, error);
    }
    return NULL;
}

enum status avro_schema_from_type(const struct type *type,
                                  const char *name,
                                  struct arena *arena,
                                  const struct avro_schema **ret_schema,
                                  struct error *error)
{
    json_t *records = json_object();
    json_t *json = from_type(type, name, records, error);
    json_decref(records);
    if (json == NULL) {
        return STATUS_CONFIG;
    }
    return avro_schema_from_json_take(json, arena, ret_schema, error);
}
