/* Columns to Avro data. */

#include "codec/avro.h"
#include "codec/avro_value.h"

#include <strings.h>

static enum status encode_value(const struct avro_schema *schema,
                                const struct column *column,
                                int64_t row,
                                struct buffer *target,
                                struct error *error);

static enum status
refuse(const struct avro_schema *schema, const struct type *type, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    type_write(type, &text);
    const char *logical = avro_logical_name(schema->logical);
    return error_set(error, STATUS_CONFIG, "a column of type %s cannot be written as Avro %s",
                     buffer_string(&text),
                     logical == NULL ? avro_kind_name(schema->kind) : logical);
}

static void append_bytes(struct slice bytes, struct buffer *target)
{
    buffer_append_zigzag(target, (int64_t) bytes.size);
    buffer_append_slice(target, bytes);
}

/* ---- Scalars --------------------------------------------------------------------------------- */

static bool is_integer_column(const struct type *type)
{
    return type_is_integral(type) || type->id == TYPE_DATE || type->id == TYPE_TIMESTAMP ||
           type->id == TYPE_INTERVAL || type->id == TYPE_INTERVAL_MONTHS;
}

static enum status encode_integer(const struct avro_schema *schema,
                                  const struct column *column,
                                  int64_t row,
                                  struct buffer *target,
                                  struct error *error)
{
    const struct type *type = column->type;
    bool date = schema->logical == AVRO_DATE;
    bool millis =
        schema->logical == AVRO_TIMESTAMP_MILLIS || schema->logical == AVRO_LOCAL_TIMESTAMP_MILLIS;
    bool time = millis || schema->logical == AVRO_TIMESTAMP_MICROS ||
                schema->logical == AVRO_LOCAL_TIMESTAMP_MICROS;
    if (!is_integer_column(type) || date != (type->id == TYPE_DATE) ||
        time != (type->id == TYPE_TIMESTAMP)) {
        return refuse(schema, type, error);
    }
    int64_t value = column_int(column, row);
    if (millis) {
        value = value / 1000 - (value % 1000 < 0);
    }
    if (schema->kind == AVRO_INT && value != (int32_t) value) {
        return error_set(error, STATUS_DATA, "%lld does not fit an Avro int", (long long) value);
    }
    buffer_append_zigzag(target, value);
    return STATUS_OK;
}

static enum status encode_floating(const struct avro_schema *schema,
                                   const struct column *column,
                                   int64_t row,
                                   struct buffer *target,
                                   struct error *error)
{
    double value;
    if (column->type->id == TYPE_FLOAT ||
        (column->type->id == TYPE_DOUBLE && schema->kind == AVRO_DOUBLE)) {
        value = column_double(column, row);
    } else if (type_is_integral(column->type)) {
        value = (double) column_int(column, row);
    } else {
        return refuse(schema, column->type, error);
    }
    if (schema->kind == AVRO_FLOAT) {
        float single = (float) value;
        buffer_append(target, &single, sizeof(single));
    } else {
        buffer_append(target, &value, sizeof(value));
    }
    return STATUS_OK;
}

static enum status encode_decimal(const struct avro_schema *schema,
                                  const struct column *column,
                                  int64_t row,
                                  struct buffer *target,
                                  struct error *error)
{
    int128 value;
    memcpy(&value, (const uint8_t *) column->values + row * 16, sizeof(value));
    bool fits = schema->scale >= column->type->scale;
    int128 limit = 1;
    for (uint8_t i = column->type->scale; fits && i < schema->scale; i++) {
        fits = !__builtin_mul_overflow(value, (int128) 10, &value);
    }
    for (uint8_t i = 0; i < schema->precision && i < 38; i++) {
        limit *= 10;
    }
    uint8_t bytes[16];
    struct buffer text = {.data = bytes, .capacity = sizeof(bytes)};
    if (!fits || value >= limit || value <= -limit) {
        return error_set(error, STATUS_DATA,
                         "a decimal does not fit %u digits, %u behind the point", schema->precision,
                         schema->scale);
    }
    if (schema->kind == AVRO_FIXED) {
        (void) avro_append_decimal(value, schema->fixed_size,
                                   target); /* fits: its precision does */
        return STATUS_OK;
    }
    (void) avro_append_decimal(value, 0, &text);
    append_bytes(buffer_slice(&text), target);
    return STATUS_OK;
}

static enum status encode_bytes(const struct avro_schema *schema,
                                const struct column *column,
                                int64_t row,
                                struct buffer *target,
                                struct error *error)
{
    enum type_id id = column->type->id;
    if (id == TYPE_DECIMAL && schema->logical == AVRO_DECIMAL) {
        return encode_decimal(schema, column, row, target, error);
    }
    bool text = schema->kind == AVRO_STRING;
    if ((id != TYPE_STRING && id != TYPE_BINARY) || (text && id == TYPE_BINARY) ||
        schema->logical == AVRO_DECIMAL) {
        return refuse(schema, column->type, error);
    }
    struct slice bytes = column_bytes(column, row);
    if (schema->kind != AVRO_FIXED) {
        append_bytes(bytes, target);
        return STATUS_OK;
    }
    if (bytes.size != schema->fixed_size) {
        return error_set(error, STATUS_DATA, "%zu bytes for \"%s\", which has %u", bytes.size,
                         schema->name, schema->fixed_size);
    }
    buffer_append_slice(target, bytes);
    return STATUS_OK;
}

static enum status encode_enum(const struct avro_schema *schema,
                               const struct column *column,
                               int64_t row,
                               struct buffer *target,
                               struct error *error)
{
    if (column->type->id != TYPE_STRING) {
        return refuse(schema, column->type, error);
    }
    struct slice text = column_bytes(column, row);
    for (uint32_t i = 0; i < schema->symbol_count; i++) {
        if (slice_equal_string(text, schema->symbols[i])) {
            buffer_append_zigzag(target, i);
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_DATA, "\"%.*s\" is not a symbol of \"%s\"", SLICE_FORMAT(text),
                     schema->name);
}

/* ---- Nested values --------------------------------------------------------------------------- */

/* The column for a field: at its place in schemas made from the type, else by name or alias. */
static int column_of(const struct type *type, const struct avro_field *field, uint32_t place)
{
    if (place < type->field_count && strcasecmp(type->fields[place].name, field->name) == 0) {
        return (int) place;
    }
    int found = type_field_index(type, field->name);
    for (uint32_t i = 0; found < 0 && i < field->alias_count; i++) {
        found = type_field_index(type, field->aliases[i]);
    }
    return found;
}

static enum status encode_fields(const struct avro_schema *schema,
                                 const struct type *type,
                                 const struct column *const *columns,
                                 int64_t row,
                                 struct buffer *target,
                                 struct error *error)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct avro_field *field = &schema->fields[i];
        int at = column_of(type, field, i);
        enum status status = STATUS_OK;
        if (at >= 0) {
            status = encode_value(field->schema, columns[at], row, target, error);
        } else if (field->default_value == NULL ||
                   !avro_encode_default(field->schema, field->default_value, target)) {
            status = error_set(error, STATUS_CONFIG, "there is no column for it, and no default");
        }
        if (status != STATUS_OK) {
            error_context(error, "field \"%s\"", field->name);
            return status;
        }
    }
    return STATUS_OK;
}

static enum status encode_list(const struct avro_schema *schema,
                               const struct column *column,
                               int64_t row,
                               struct buffer *target,
                               struct error *error)
{
    bool map = schema->kind == AVRO_MAP;
    if (column->type->id != (map ? TYPE_MAP : TYPE_ARRAY) ||
        (map && column->type->fields[0].type->id != TYPE_STRING)) {
        return refuse(schema, column->type, error);
    }
    int32_t from = column->offsets[row];
    int32_t to = column->offsets[row + 1];
    if (to > from) {
        buffer_append_zigzag(target, to - from);
    }
    for (int32_t i = from; i < to; i++) {
        if (map) {
            if (column_is_null(column->children[0], i)) {
                return error_set(error, STATUS_DATA, "a map with a null key");
            }
            append_bytes(column_bytes(column->children[0], i), target);
        }
        TRY(encode_value(schema->branches[0], column->children[map ? 1 : 0], i, target, error));
    }
    buffer_append_byte(target, 0);
    return STATUS_OK;
}

static enum status encode_union(const struct avro_schema *schema,
                                const struct column *column,
                                int64_t row,
                                struct buffer *target,
                                struct error *error)
{
    bool null = column->type->id == TYPE_NULL || column_is_null(column, row);
    size_t before = target->size;
    bool tried = false;
    enum status status = STATUS_DATA;
    for (uint32_t i = 0; i < schema->branch_count && status != STATUS_OK; i++) {
        if ((schema->branches[i]->kind == AVRO_NULL) == null) {
            tried = true;
            target->size = before;
            buffer_append_zigzag(target, i);
            status = encode_value(schema->branches[i], column, row, target, error);
        }
    }
    if (!tried) {
        return error_set(error, STATUS_DATA,
                         null ? "a null, which the schema does not allow"
                              : "a value, where the schema allows only null");
    }
    return status;
}

static enum status encode_value(const struct avro_schema *schema,
                                const struct column *column,
                                int64_t row,
                                struct buffer *target,
                                struct error *error)
{
    if (schema->kind == AVRO_UNION) {
        return encode_union(schema, column, row, target, error);
    }
    bool null = column->type->id == TYPE_NULL || column_is_null(column, row);
    if (null != (schema->kind == AVRO_NULL)) {
        return null ? error_set(error, STATUS_DATA, "a null, which the schema does not allow")
                    : refuse(schema, column->type, error);
    }
    switch (schema->kind) {
    case AVRO_NULL:
        return STATUS_OK;
    case AVRO_BOOLEAN:
        if (column->type->id != TYPE_BOOLEAN) {
            return refuse(schema, column->type, error);
        }
        buffer_append_byte(target, column_bool(column, row));
        return STATUS_OK;
    case AVRO_INT:
    case AVRO_LONG:
        return encode_integer(schema, column, row, target, error);
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return encode_floating(schema, column, row, target, error);
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_FIXED:
        return encode_bytes(schema, column, row, target, error);
    case AVRO_ENUM:
        return encode_enum(schema, column, row, target, error);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return encode_list(schema, column, row, target, error);
    default: /* AVRO_RECORD; unions went before */
        if (column->type->id != TYPE_STRUCT) {
            return refuse(schema, column->type, error);
        }
        return encode_fields(schema, column->type, column->children, row, target, error);
    }
}

enum status avro_encode_row(const struct avro_schema *schema,
                            const struct batch *batch,
                            int64_t row,
                            struct buffer *target,
                            struct error *error)
{
    if (schema->kind != AVRO_RECORD) {
        return error_set(error, STATUS_CONFIG, "the schema is a %s; rows need a record",
                         avro_kind_name(schema->kind));
    }
    size_t before = target->size;
    enum status status = encode_fields(schema, batch->type, batch->columns, row, target, error);
    if (status != STATUS_OK) {
        target->size = before;
    }
    return status;
}
