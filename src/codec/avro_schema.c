/* The schema model: names of kinds and logical types, access. avro_schema_parse.c reads text. */

#include "codec/avro_schema.h"
#include "codec/avro_value.h"

#include <stdio.h>

static const char *const kind_names[] = {
    [AVRO_NULL] = "null",   [AVRO_BOOLEAN] = "boolean", [AVRO_INT] = "int",
    [AVRO_LONG] = "long",   [AVRO_FLOAT] = "float",     [AVRO_DOUBLE] = "double",
    [AVRO_BYTES] = "bytes", [AVRO_STRING] = "string",   [AVRO_RECORD] = "record",
    [AVRO_ENUM] = "enum",   [AVRO_ARRAY] = "array",     [AVRO_MAP] = "map",
    [AVRO_UNION] = "union", [AVRO_FIXED] = "fixed",
};

const char *avro_kind_name(enum avro_kind kind)
{
    return kind_names[kind];
}

int avro_kind_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++) {
        if (i != AVRO_UNION && strcmp(kind_names[i], name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

bool avro_name_valid(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
        if (!letter && (i == 0 || byte < '0' || byte > '9')) {
            return false;
        }
    }
    return name.size > 0;
}

const char *avro_unique_name(struct slice name, json_t *taken, struct arena *arena)
{
    char *clean = arena_alloc(arena, name.size + 16);
    size_t size = 0;
    if (name.size == 0 || (name.data[0] >= '0' && name.data[0] <= '9')) {
        clean[size++] = '_';
    }
    for (size_t i = 0; i < name.size; i++) {
        const uint8_t inside[2] = {'_', name.data[i]}; /* a digit is fine behind another byte */
        clean[size++] = avro_name_valid(slice_of(inside, 2)) ? (char) name.data[i] : '_';
    }
    clean[size] = '\0';
    for (unsigned number = 2; json_object_get(taken, clean) != NULL; number++) {
        (void) snprintf(clean + size, 15, "_%u", number);
    }
    (void) json_object_set_new(taken, clean, json_true());
    return clean;
}

void avro_keep_name(struct slice name, json_t *taken)
{
    if (avro_name_valid(name)) {
        (void) json_object_setn_new(taken, (const char *) name.data, name.size, json_true());
    }
}

const char *avro_field_name(struct slice name, json_t *taken, struct arena *arena)
{
    return avro_name_valid(name) ? arena_string(arena, name) : avro_unique_name(name, taken, arena);
}

/* ---- Logical types --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum avro_logical logical;
    enum avro_kind kind;
    uint32_t size; /* FIXED */
} logicals[] = {
    {"decimal", AVRO_DECIMAL, AVRO_BYTES, 0},
    {"decimal", AVRO_DECIMAL, AVRO_FIXED, 0},
    {"uuid", AVRO_UUID, AVRO_STRING, 0},
    {"date", AVRO_DATE, AVRO_INT, 0},
    {"time-millis", AVRO_TIME_MILLIS, AVRO_INT, 0},
    {"time-micros", AVRO_TIME_MICROS, AVRO_LONG, 0},
    {"timestamp-millis", AVRO_TIMESTAMP_MILLIS, AVRO_LONG, 0},
    {"timestamp-micros", AVRO_TIMESTAMP_MICROS, AVRO_LONG, 0},
    {"local-timestamp-millis", AVRO_LOCAL_TIMESTAMP_MILLIS, AVRO_LONG, 0},
    {"local-timestamp-micros", AVRO_LOCAL_TIMESTAMP_MICROS, AVRO_LONG, 0},
    {"duration", AVRO_DURATION, AVRO_FIXED, 12},
};

const char *avro_logical_name(enum avro_logical logical)
{
    for (size_t i = 0; i < ARRAY_SIZE(logicals); i++) {
        if (logicals[i].logical == logical) {
            return logicals[i].name;
        }
    }
    return NULL;
}

/* Digits that a two's complement number of so many bytes can hold. */
static unsigned fixed_digits(uint32_t bytes)
{
    return bytes >= 100 ? 240 : (unsigned) ((double) (8 * bytes - 1) * 0.30102999566398120);
}

static bool parse_decimal(const json_t *json, struct avro_schema *schema)
{
    const json_t *precision = json_object_get(json, "precision");
    const json_t *scale = json_object_get(json, "scale");
    if (!json_is_integer(precision) || (scale != NULL && !json_is_integer(scale))) {
        return false;
    }
    json_int_t digits = json_integer_value(precision);
    json_int_t behind = scale == NULL ? 0 : json_integer_value(scale);
    json_int_t digits_max = UINT8_MAX;
    if (schema->kind == AVRO_FIXED) {
        digits_max = schema->fixed_size == 0 ? 0 : fixed_digits(schema->fixed_size);
    }
    if (digits < 1 || digits > digits_max || behind < 0 || behind > digits) {
        return false;
    }
    schema->precision = (uint8_t) digits;
    schema->scale = (uint8_t) behind;
    return true;
}

void avro_parse_logical(const json_t *json, struct avro_schema *schema)
{
    const char *name = json_string_value(json_object_get(json, "logicalType"));
    for (size_t i = 0; name != NULL && i < ARRAY_SIZE(logicals); i++) {
        if (logicals[i].kind != schema->kind || strcmp(logicals[i].name, name) != 0 ||
            (logicals[i].size != 0 && logicals[i].size != schema->fixed_size) ||
            (logicals[i].logical == AVRO_DECIMAL && !parse_decimal(json, schema))) {
            continue;
        }
        schema->logical = logicals[i].logical;
        return;
    }
}

/* ---- Access ---------------------------------------------------------------------------------- */

void avro_schema_release(const struct avro_schema *schema)
{
    if (schema != NULL) {
        json_decref(schema->document);
    }
}

const struct avro_schema *avro_schema_plain(const struct avro_schema *schema, bool *ret_nullable)
{
    if (ret_nullable != NULL) {
        *ret_nullable = schema->kind == AVRO_NULL;
    }
    if (schema->kind != AVRO_UNION) {
        return schema;
    }
    const struct avro_schema *plain = NULL;
    unsigned others = 0;
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        if (schema->branches[i]->kind != AVRO_NULL) {
            plain = schema->branches[i];
            others++;
        } else if (ret_nullable != NULL) {
            *ret_nullable = true;
        }
    }
    return others == 1 ? plain : NULL;
}

int avro_field_index(const struct avro_schema *record, struct slice name)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].name_size == name.size &&
            memcmp(record->fields[i].name, name.data, name.size) == 0) {
            return (int) i;
        }
    }
    return -1;
}
