#include "connectors/postgres/pg_value.h"

#include "codec/avro.h"
#include "codec/json.h"
#include "connectors/postgres/pg_numeric.h"
#include "connectors/postgres/pg_text.h"

#include <string.h>

#define EPOCH_2000_DAYS 10957
#define DATE_MIN        (-2451545) /* 4714-11-24 BC, since 2000 */
#define DATE_END        2145031949
#define JSONB_VERSION   1

enum pg_type pg_value_type(const struct store_column *column)
{
    static const enum pg_type types[] = {
        [TYPE_NULL] = PG_TEXT,
        [TYPE_BOOLEAN] = PG_BOOL,
        [TYPE_TINYINT] = PG_INT2,
        [TYPE_SMALLINT] = PG_INT2,
        [TYPE_INT] = PG_INT4,
        [TYPE_BIGINT] = PG_INT8,
        [TYPE_FLOAT] = PG_FLOAT4,
        [TYPE_DOUBLE] = PG_FLOAT8,
        [TYPE_DECIMAL] = PG_NUMERIC,
        [TYPE_STRING] = PG_TEXT,
        [TYPE_BINARY] = PG_BYTEA,
        [TYPE_DATE] = PG_DATE,
        [TYPE_TIMESTAMP] = PG_TIMESTAMPTZ,
        [TYPE_INTERVAL] = PG_INTERVAL,
        [TYPE_INTERVAL_MONTHS] = PG_INTERVAL,
        [TYPE_ARRAY] = PG_JSONB,
        [TYPE_MAP] = PG_JSONB,
        [TYPE_STRUCT] = PG_JSONB,
    };

    return column->semantic == STORE_UUID ? PG_UUID : types[column->type->id];
}

void pg_value_declare(const struct store_column *column, bool in_key, struct buffer *target)
{
    enum pg_type type = pg_value_type(column);
    buffer_append_string(target, pg_type_facts(type)->name);
    if (type == PG_NUMERIC) {
        buffer_printf(target, "(%d, %d)", column->type->precision, column->type->scale);
    } else if (type == PG_TEXT && in_key) {
        buffer_append_string(target, " COLLATE \"C\"");
    }
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static int32_t pg_date_of(int64_t days)
{
    int64_t date = days - EPOCH_2000_DAYS;
    return date < DATE_MIN ? INT32_MIN : date >= DATE_END ? INT32_MAX : (int32_t) date;
}

static void write_double(struct pg_params *params, const struct column *column, int64_t row)
{
    double value = column_double(column, row);
    if (column->type->id == TYPE_FLOAT) {
        float narrow = (float) value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof(bits));
        pg_array_int4(params, (int32_t) bits);
    } else {
        uint64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        pg_array_int8(params, (int64_t) bits);
    }
}

static void write_interval(struct pg_params *params, int64_t time_us, int32_t months)
{
    struct buffer *target = pg_array_open(params);
    buffer_append_be64(target, (uint64_t) time_us);
    buffer_append_be32(target, 0);
    buffer_append_be32(target, (uint32_t) months);
    pg_array_shut(params);
}

static void write_nested(struct pg_params *params,
                         const struct column *column,
                         int64_t row,
                         struct buffer *scratch)
{
    buffer_clear(scratch);
    column_write_json(column, row, scratch);
    struct buffer *target = pg_array_open(params);
    buffer_append_byte(target, JSONB_VERSION);
    pg_json_write(buffer_slice(scratch), target);
    pg_array_shut(params);
}

static void write_decimal(struct pg_params *params, const struct column *column, int64_t row)
{
    int128 unscaled;
    memcpy(&unscaled, (const uint8_t *) column->values + (size_t) row * sizeof(unscaled),
           sizeof(unscaled));
    pg_numeric_write(unscaled, column->type->scale, pg_array_open(params));
    pg_array_shut(params);
}

void pg_value_write(struct pg_params *params,
                    const struct store_column *description,
                    const struct column *column,
                    int64_t row,
                    struct buffer *scratch)
{
    if (column_is_null(column, row) || description->type->id == TYPE_NULL) {
        pg_array_null(params);
        return;
    }
    switch (pg_value_type(description)) {
    case PG_BOOL:
        buffer_append_byte(pg_array_open(params), column_bool(column, row));
        pg_array_shut(params);
        break;
    case PG_INT2:
        pg_array_int2(params, (int16_t) column_int(column, row));
        break;
    case PG_INT4:
        pg_array_int4(params, (int32_t) column_int(column, row));
        break;
    case PG_INT8:
        pg_array_int8(params, column_int(column, row));
        break;
    case PG_FLOAT4:
    case PG_FLOAT8:
        write_double(params, column, row);
        break;
    case PG_NUMERIC:
        write_decimal(params, column, row);
        break;
    case PG_TEXT:
        pg_array_text(params, column_bytes(column, row));
        break;
    case PG_BYTEA:
    case PG_UUID:
        pg_array_bytes(params, column_bytes(column, row));
        break;
    case PG_DATE:
        pg_array_int4(params, pg_date_of(column_int(column, row)));
        break;
    case PG_TIMESTAMPTZ:
        pg_array_int8(params, pg_time_of(column_int(column, row)));
        break;
    case PG_INTERVAL:
        if (column->type->id == TYPE_INTERVAL) {
            write_interval(params, column_int(column, row), 0);
        } else {
            write_interval(params, 0, (int32_t) column_int(column, row));
        }
        break;
    case PG_JSONB:
        write_nested(params, column, row, scratch);
        break;
    }
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static uint64_t be(struct slice value, size_t from, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | value.data[from + i];
    }
    return number;
}

/* How many bytes a value of fixed width has; 0: any number. */
static size_t width_of(enum pg_type type)
{
    static const size_t widths[] = {
        [PG_BOOL] = 1,        [PG_INT2] = 2,      [PG_INT4] = 4,  [PG_INT8] = 8,
        [PG_FLOAT4] = 4,      [PG_FLOAT8] = 8,    [PG_UUID] = 16, [PG_DATE] = 4,
        [PG_TIMESTAMPTZ] = 8, [PG_INTERVAL] = 16, [PG_JSONB] = 0,
    };
    return widths[type];
}

static void read_uuid(struct slice bytes, struct column_builder *builder)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t text[36];
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        text[at++] = (uint8_t) digits[bytes.data[i] >> 4];
        text[at++] = (uint8_t) digits[bytes.data[i] & 15];
    }
    column_append_bytes(builder, slice_of(text, sizeof(text)));
}

static void read_double(struct slice value, struct column_builder *builder)
{
    if (value.size == 4) {
        uint32_t bits = (uint32_t) be(value, 0, 4);
        float number;
        memcpy(&number, &bits, sizeof(number));
        column_append_double(builder, (double) number);
    } else {
        uint64_t bits = be(value, 0, 8);
        double number;
        memcpy(&number, &bits, sizeof(number));
        column_append_double(builder, number);
    }
}

static void read_text(struct slice value, struct column_builder *builder)
{
    if (pg_text_is_plain(value)) {
        column_append_bytes(builder, value);
        return;
    }
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    pg_text_read(value, &text);
    column_append_bytes(builder, buffer_slice(&text));
}

/* The decoder reads objects into the columns of a struct, so the value is put into one. */
static enum status read_nested(struct slice value,
                               const struct type *type,
                               struct column_builder *builder,
                               struct arena *arena,
                               struct error *error)
{
    if (value.size < 2 || value.data[0] != JSONB_VERSION) {
        return error_set(error, STATUS_CORRUPT, "a jsonb value is not of version %d",
                         JSONB_VERSION);
    }
    struct type_field field = {.name = "v", .type = type, .nullable = true};
    const struct type *row = type_struct(arena, &field, 1);
    struct buffer object CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&object, "{\"v\":");
    pg_json_read(slice_of(value.data + 1, value.size - 1), &object);
    buffer_append_byte(&object, '}');
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, buffer_slice(&object), 0, error);
    if (status == STATUS_OK) {
        status = json_decode(&document, 0, row, builder, error);
    }
    json_document_deinit(&document);
    return status;
}

static void
read_interval(struct slice value, const struct type *type, struct column_builder *builder)
{
    column_append_int(builder, type->id == TYPE_INTERVAL ? (int64_t) be(value, 0, 8)
                                                         : (int32_t) be(value, 12, 4));
}

static void read_date(struct slice value, struct column_builder *builder)
{
    int32_t date = (int32_t) be(value, 0, 4);
    bool infinite = date == INT32_MIN || date > INT32_MAX - EPOCH_2000_DAYS;
    column_append_int(builder, infinite ? date : date + EPOCH_2000_DAYS);
}

enum status pg_value_read(struct slice value,
                          const struct store_column *column,
                          struct column_builder *builder,
                          struct arena *arena,
                          struct error *error)
{
    enum pg_type type = pg_value_type(column);
    if (value.data == NULL || column->type->id == TYPE_NULL) {
        column_append_null(builder);
        return STATUS_OK;
    }
    size_t width = width_of(type);
    if (width != 0 && value.size != width) {
        return error_set(error, STATUS_CORRUPT, "column \"%s\" is no %s: %zu bytes", column->name,
                         pg_type_facts(type)->name, value.size);
    }
    switch (type) {
    case PG_BOOL:
        column_append_bool(builder, value.data[0] != 0);
        break;
    case PG_INT2:
        column_append_int(builder, (int16_t) be(value, 0, 2));
        break;
    case PG_INT4:
        column_append_int(builder, (int32_t) be(value, 0, 4));
        break;
    case PG_INT8:
        column_append_int(builder, (int64_t) be(value, 0, 8));
        break;
    case PG_FLOAT4:
    case PG_FLOAT8:
        read_double(value, builder);
        break;
    case PG_NUMERIC: {
        int128 unscaled = 0;
        TRY(pg_numeric_read(value, column->type->scale, &unscaled, error));
        column_append_decimal(builder, unscaled);
        break;
    }
    case PG_TEXT:
        read_text(value, builder);
        break;
    case PG_BYTEA:
        column_append_bytes(builder, value);
        break;
    case PG_UUID:
        read_uuid(value, builder);
        break;
    case PG_DATE:
        read_date(value, builder);
        break;
    case PG_TIMESTAMPTZ:
        column_append_int(builder, pg_time_read((int64_t) be(value, 0, 8)));
        break;
    case PG_INTERVAL:
        read_interval(value, column->type, builder);
        break;
    case PG_JSONB:
        return read_nested(value, column->type, builder, arena, error);
    }
    return STATUS_OK;
}
