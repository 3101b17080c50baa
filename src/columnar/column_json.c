/* Values as JSON text, for people and for connectors that speak JSON. */

#include "columnar/column.h"
#include "columnar/json_write.h"

#include <stdio.h>

static void append_string(struct buffer *target, const char *text)
{
    buffer_append_json(target, slice_of_string(text));
}

/* Spark's text: INTERVAL '1 02:03:04.5' DAY TO SECOND. */
static void write_interval(int64_t interval_us, struct buffer *target)
{
    uint64_t rest = interval_us < 0 ? -(uint64_t) interval_us : (uint64_t) interval_us;
    uint64_t seconds = rest / 1000000;
    buffer_printf(target, "\"INTERVAL '%s%llu %02llu:%02llu:%02llu", interval_us < 0 ? "-" : "",
                  (unsigned long long) (seconds / 86400),
                  (unsigned long long) (seconds / 3600 % 24),
                  (unsigned long long) (seconds / 60 % 60), (unsigned long long) (seconds % 60));
    unsigned fraction = (unsigned) (rest % 1000000);
    if (fraction != 0) {
        char text[8];
        (void) snprintf(text, sizeof(text), ".%06u", fraction);
        for (size_t size = strlen(text); text[size - 1] == '0'; size--) {
            text[size - 1] = '\0';
        }
        buffer_append_string(target, text);
    }
    buffer_append_string(target, "' DAY TO SECOND\"");
}

static void write_months(int64_t months, struct buffer *target)
{
    long long positive = months < 0 ? -months : months;
    buffer_printf(target, "\"INTERVAL '%s%lld-%lld' YEAR TO MONTH\"", months < 0 ? "-" : "",
                  positive / 12, positive % 12);
}

/* Object keys are strings: other values are written as JSON and put into quotes. */
static void write_map_key(const struct column *keys, int64_t row, struct buffer *target)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    column_write_json(keys, row, &text);
    if (text.size > 0 && text.data[0] == '"') {
        buffer_append_slice(target, buffer_slice(&text));
    } else {
        buffer_append_json(target, buffer_slice(&text));
    }
}

static void write_list(const struct column *column, int64_t row, struct buffer *target)
{
    bool map = column->type->id == TYPE_MAP;
    buffer_append_byte(target, map ? '{' : '[');
    for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++) {
        if (i > column->offsets[row]) {
            buffer_append_byte(target, ',');
        }
        if (map) {
            write_map_key(column->children[0], i, target);
            buffer_append_byte(target, ':');
        }
        column_write_json(column->children[map ? 1 : 0], i, target);
    }
    buffer_append_byte(target, map ? '}' : ']');
}

static void write_object(const struct type *type,
                         const struct column *const *columns,
                         int64_t row,
                         struct buffer *target)
{
    buffer_append_byte(target, '{');
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (i > 0) {
            buffer_append_byte(target, ',');
        }
        append_string(target, type->fields[i].name);
        buffer_append_byte(target, ':');
        column_write_json(columns[i], row, target);
    }
    buffer_append_byte(target, '}');
}

void column_write_json(const struct column *column, int64_t row, struct buffer *target)
{
    if (column->type->id == TYPE_NULL || column_is_null(column, row)) {
        buffer_append_string(target, "null");
        return;
    }
    int128 decimal;
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        buffer_append_string(target, column_bool(column, row) ? "true" : "false");
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        json_write_double(column_double(column, row), column->type->id == TYPE_FLOAT, target);
        break;
    case TYPE_DECIMAL:
        memcpy(&decimal, (const uint8_t *) column->values + row * 16, sizeof(decimal));
        json_write_decimal(decimal, column->type->scale, target);
        break;
    case TYPE_STRING:
        buffer_append_json(target, column_bytes(column, row));
        break;
    case TYPE_BINARY:
        json_write_base64(column_bytes(column, row), target);
        break;
    case TYPE_DATE:
        json_write_date(column_int(column, row), target);
        break;
    case TYPE_TIMESTAMP:
        json_write_timestamp(column_int(column, row), target);
        break;
    case TYPE_INTERVAL:
        write_interval(column_int(column, row), target);
        break;
    case TYPE_INTERVAL_MONTHS:
        write_months(column_int(column, row), target);
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        write_list(column, row, target);
        break;
    case TYPE_STRUCT:
        write_object(column->type, column->children, row, target);
        break;
    default:
        buffer_printf(target, "%lld", (long long) column_int(column, row));
        break;
    }
}

void batch_write_json(const struct batch *batch, int64_t row, struct buffer *target)
{
    write_object(batch->type, batch->columns, row, target);
}
