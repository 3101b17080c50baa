#include "codec/avro.h"
#include "connectors/sqlite/store_internal.h"

#include <math.h>

/* Decimals and nested values as text that lives as long as the arena. */
static struct slice text_of(const struct column *column, int64_t row, struct arena *arena)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    column_write_json(column, row, &text);
    return arena_copy(arena, buffer_slice(&text));
}

void store_bind(struct db_statement *statement,
                int index,
                const struct column *column,
                int64_t row,
                struct arena *arena)
{
    if (column_is_null(column, row)) {
        statement_bind_null(statement, index);
        return;
    }
    switch (column->type->id) {
    case TYPE_NULL:
        statement_bind_null(statement, index);
        break;
    case TYPE_BOOLEAN:
        statement_bind_int(statement, index, column_bool(column, row));
        break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
    case TYPE_INTERVAL_MONTHS:
        statement_bind_int(statement, index, column_int(column, row));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE: {
        double value = column_double(column, row);
        if (isnan(value)) {
            statement_bind_text(statement, index, SLICE("NaN"));
        } else {
            statement_bind_double(statement, index, value);
        }
        break;
    }
    case TYPE_STRING:
        statement_bind_text(statement, index, column_bytes(column, row));
        break;
    case TYPE_BINARY:
        statement_bind_blob(statement, index, column_bytes(column, row));
        break;
    case TYPE_DECIMAL:
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        statement_bind_text(statement, index, text_of(column, row, arena));
        break;
    }
}

/* "-12.30" with scale 2 is -1230. As written by us, so anything else is damage. */
static enum status
decimal_read(struct slice text, int scale, int128 *ret_unscaled, struct error *error)
{
    size_t at = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    bool fraction = false;
    int digits = 0;
    int decimals = 0;
    int128 unscaled = 0;
    for (; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9' && digits < 39) {
            unscaled = unscaled * 10 + (c - '0');
            digits++;
            decimals += fraction;
        } else {
            break;
        }
    }
    if (at < text.size || digits == 0 || decimals > scale) {
        return error_set(error, STATUS_CORRUPT, "\"%.*s\" is no decimal of scale %d",
                         SLICE_FORMAT(text), scale);
    }
    for (; decimals < scale; decimals++) {
        unscaled *= 10;
    }
    *ret_unscaled = text.data[0] == '-' ? -unscaled : unscaled;
    return STATUS_OK;
}

static enum status
uuid_append(struct slice bytes, struct column_builder *builder, struct error *error)
{
    if (bytes.size != 16) {
        return error_set(error, STATUS_CORRUPT, "a uuid has %zu bytes, not 16", bytes.size);
    }
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
    return STATUS_OK;
}

/* The decoder reads objects into the columns of a struct, so the value is put into one. */
static enum status nested_read(struct slice text,
                               const struct type *type,
                               struct column_builder *builder,
                               struct arena *arena,
                               struct error *error)
{
    struct type_field field = {.name = "v", .type = type, .nullable = true};
    const struct type *row = type_struct(arena, &field, 1);
    struct json_document document;
    struct buffer object CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&object, "{\"v\":");
    buffer_append_slice(&object, text);
    buffer_append_byte(&object, '}');
    json_document_init(&document);
    enum status status = json_parse(&document, buffer_slice(&object), 0, error);
    if (status == STATUS_OK) {
        status = json_decode(&document, 0, row, builder, error);
    }
    json_document_deinit(&document);
    return status;
}

enum status store_read(struct db_statement *row,
                       int index,
                       const struct store_column *column,
                       bool uuid_text,
                       struct column_builder *builder,
                       struct arena *arena,
                       struct error *error)
{
    if (statement_column_type(row, index) == DB_NULL) {
        column_append_null(builder);
        return STATUS_OK;
    }
    switch (column->type->id) {
    case TYPE_NULL:
        column_append_null(builder);
        break;
    case TYPE_BOOLEAN:
        column_append_bool(builder, statement_column_int(row, index) != 0);
        break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
    case TYPE_INTERVAL_MONTHS:
        column_append_int(builder, statement_column_int(row, index));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        column_append_double(builder, statement_column_type(row, index) == DB_TEXT
                                          ? (double) NAN
                                          : statement_column_double(row, index));
        break;
    case TYPE_STRING:
        column_append_bytes(builder, statement_column_text(row, index));
        break;
    case TYPE_BINARY:
        if (column->semantic == STORE_UUID && uuid_text) {
            return uuid_append(statement_column_blob(row, index), builder, error);
        }
        column_append_bytes(builder, statement_column_blob(row, index));
        break;
    case TYPE_DECIMAL: {
        int128 unscaled = 0;
        TRY(decimal_read(statement_column_text(row, index), column->type->scale, &unscaled, error));
        column_append_decimal(builder, unscaled);
        break;
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        return nested_read(statement_column_text(row, index), column->type, builder, arena, error);
    }
    return STATUS_OK;
}
