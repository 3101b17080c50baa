/* From columns to CQL. */

#include "base/assert.h"
#include "base/utf8.h"
#include "connectors/cassandra/cql_value.h"

#define DATE_EPOCH (INT64_C(1) << 31)

static void put_be(struct buffer *target, uint64_t value, size_t bytes)
{
    uint8_t *at = buffer_reserve(target, bytes);
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
    }
    target->size += bytes;
}

/* [bytes] of an integer of that many bytes. */
static void put_int(struct buffer *target, int64_t value, uint32_t bytes)
{
    buffer_append_be32(target, bytes);
    put_be(target, (uint64_t) value, bytes);
}

static void put_float(struct buffer *target, double value)
{
    float narrow = (float) value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    put_int(target, bits, 4);
}

static void put_double(struct buffer *target, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_int(target, (int64_t) bits, 8);
}

/* The size is known once the value is written: room for it first. */
static size_t open_bytes(struct buffer *target)
{
    buffer_append_be32(target, 0);
    return target->size;
}

static void close_bytes(struct buffer *target, size_t start)
{
    size_t size = target->size - start;
    uint8_t *at = target->data + start - 4;
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t) (size >> (24 - 8 * i));
    }
}

static void put_varint(struct buffer *target, int128 value)
{
    size_t bytes = 1;
    while (bytes < 16 && (value >> (8 * bytes - 1)) != 0 && (value >> (8 * bytes - 1)) != -1) {
        bytes++;
    }
    for (size_t i = bytes; i-- > 0;) {
        buffer_append_byte(target, (uint8_t) ((uint128) value >> (8 * i)));
    }
}

static int128 wide_value(const struct column *column, int64_t row)
{
    return column->type->id == TYPE_DECIMAL ? ((const int128 *) column->values)[row]
                                            : column_int(column, row);
}

static enum status
refuse(const struct column *column, int64_t row, const struct cql_type *type, struct error *error)
{
    struct buffer value CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer name CLEANUP(buffer_deinit) = BUFFER_INIT;
    column_write_json(column, row, &value);
    cql_type_write(type, &name);
    return error_set(error, STATUS_DATA, "%.200s is no value of type %s", buffer_string(&value),
                     buffer_string(&name));
}

/* ---- the plain ones ----------------------------------------------------------------------------
 */

static bool all_ascii(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] > 127) {
            return false;
        }
    }
    return true;
}

static bool put_uuid(const struct column *column, int64_t row, bool time, struct buffer *target)
{
    uint8_t bytes[16];
    struct slice value = column_bytes(column, row);
    if (column->type->id == TYPE_BINARY) {
        if (value.size != 16) {
            return false;
        }
        memcpy(bytes, value.data, 16);
    } else if (!cql_uuid_parse(value, bytes)) {
        return false;
    }
    if (time && bytes[6] >> 4 != 1) {
        return false;
    }
    cql_write_long_string(target, slice_of(bytes, 16));
    return true;
}

static bool put_inet(struct slice text, struct buffer *target)
{
    uint8_t bytes[16];
    size_t size = cql_inet_parse(text, bytes);
    cql_write_long_string(target, slice_of(bytes, size));
    return size > 0;
}

static bool put_time(struct slice text, struct buffer *target)
{
    int64_t nanoseconds = 0;
    bool good = cql_time_parse(text, &nanoseconds);
    put_int(target, nanoseconds, 8);
    return good;
}

static uint64_t zigzag(int64_t value)
{
    return (uint64_t) value << 1 ^ (uint64_t) (value >> 63);
}

static bool put_duration(const struct column *column, int64_t row, struct buffer *target)
{
    struct cql_duration duration = {0};
    bool good = true;
    if (column->type->id == TYPE_STRING) {
        good = cql_duration_parse(column_bytes(column, row), &duration);
    } else if (column->type->id == TYPE_INTERVAL_MONTHS) {
        duration.months = (int32_t) column_int(column, row);
    } else {
        good = !__builtin_mul_overflow(column_int(column, row), 1000, &duration.nanoseconds);
    }
    size_t start = open_bytes(target);
    cql_vint_write(target, zigzag(duration.months));
    cql_vint_write(target, zigzag(duration.days));
    cql_vint_write(target, zigzag(duration.nanoseconds));
    close_bytes(target, start);
    return good;
}

static void put_decimal(const struct column *column, int64_t row, struct buffer *target)
{
    size_t start = open_bytes(target);
    buffer_append_be32(target, column->type->id == TYPE_DECIMAL ? column->type->scale : 0);
    put_varint(target, wide_value(column, row));
    close_bytes(target, start);
}

static int64_t floor_ms(int64_t us)
{
    return us >= 0 ? us / 1000 : -((999 - us) / 1000);
}

/* ---- nested ------------------------------------------------------------------------------------
 */

/* Types whose values may be empty: that is how a null stands in a collection. */
static bool may_be_empty(const struct cql_type *type)
{
    switch (type->id) {
    case CQL_TYPE_BIGINT:
    case CQL_TYPE_BOOLEAN:
    case CQL_TYPE_DECIMAL:
    case CQL_TYPE_DOUBLE:
    case CQL_TYPE_FLOAT:
    case CQL_TYPE_INT:
    case CQL_TYPE_TIMESTAMP:
    case CQL_TYPE_UUID:
    case CQL_TYPE_TIMEUUID:
    case CQL_TYPE_VARINT:
    case CQL_TYPE_INET:
        return true;
    default:
        return false;
    }
}

static enum status put_element(const struct column *column,
                               int64_t row,
                               const struct cql_type *type,
                               struct buffer *target,
                               struct error *error)
{
    if (!column_is_null(column, row)) {
        return cql_value_write(column, row, type, target, error);
    }
    if (may_be_empty(type)) {
        cql_write_long_string(target, SLICE_EMPTY);
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_DATA, "a collection of Cassandra holds no null");
    error_hint(error, "take nulls out in the query: filter(list, x -> x IS NOT NULL)");
    return STATUS_DATA;
}

static enum status put_list(const struct column *column,
                            int64_t row,
                            const struct cql_type *type,
                            struct buffer *target,
                            struct error *error)
{
    int32_t first = column->offsets[row];
    int32_t end = column->offsets[row + 1];
    size_t start = open_bytes(target);
    buffer_append_be32(target, (uint32_t) (end - first));
    for (int32_t i = first; i < end; i++) {
        for (uint32_t child = 0; child < type->child_count; child++) { /* a map's have two */
            TRY(put_element(column->children[child], i, type->children[child], target, error));
        }
    }
    close_bytes(target, start);
    return STATUS_OK;
}

static enum status put_vector(const struct column *column,
                              int64_t row,
                              const struct cql_type *type,
                              struct buffer *target,
                              struct error *error)
{
    int32_t first = column->offsets[row];
    int32_t end = column->offsets[row + 1];
    uint32_t width = cql_type_width(type->children[0]);
    size_t start = open_bytes(target);
    if (end - first != (int32_t) type->dimension) {
        return refuse(column, row, type, error);
    }
    for (int32_t i = first; i < end; i++) {
        struct buffer element CLEANUP(buffer_deinit) = BUFFER_INIT;
        if (column_is_null(column->children[0], i)) {
            return refuse(column, row, type, error);
        }
        TRY(cql_value_write(column->children[0], i, type->children[0], &element, error));
        if (width == 0) {
            cql_vint_write(target, element.size - 4);
        }
        buffer_append(target, element.data + 4, element.size - 4);
    }
    close_bytes(target, start);
    return STATUS_OK;
}

static enum status put_fields(const struct column *column,
                              int64_t row,
                              const struct cql_type *type,
                              struct buffer *target,
                              struct error *error)
{
    size_t start = open_bytes(target);
    for (uint32_t i = 0; i < type->child_count; i++) {
        TRY(cql_value_write(column->children[i], row, type->children[i], target, error));
    }
    close_bytes(target, start);
    return STATUS_OK;
}

enum status cql_value_write(const struct column *column,
                            int64_t row,
                            const struct cql_type *type,
                            struct buffer *target,
                            struct error *error)
{
    bool good = true;
    if (column_is_null(column, row) || column->type->id == TYPE_NULL) {
        cql_write_null(target);
        return STATUS_OK;
    }
    switch (type->id) {
    case CQL_TYPE_TEXT:
    case CQL_TYPE_BLOB:
        cql_write_long_string(target, column_bytes(column, row));
        break;
    case CQL_TYPE_ASCII:
        cql_write_long_string(target, column_bytes(column, row));
        good = all_ascii(column_bytes(column, row));
        break;
    case CQL_TYPE_UUID:
    case CQL_TYPE_TIMEUUID:
        good = put_uuid(column, row, type->id == CQL_TYPE_TIMEUUID, target);
        break;
    case CQL_TYPE_BOOLEAN:
        put_int(target, column_bool(column, row), 1);
        break;
    case CQL_TYPE_TINYINT:
        put_int(target, column_int(column, row), 1);
        break;
    case CQL_TYPE_SMALLINT:
        put_int(target, column_int(column, row), 2);
        break;
    case CQL_TYPE_INT:
        put_int(target, column_int(column, row), 4);
        break;
    case CQL_TYPE_BIGINT:
        put_int(target, column_int(column, row), 8);
        break;
    case CQL_TYPE_FLOAT:
        put_float(target, column_double(column, row));
        break;
    case CQL_TYPE_DOUBLE:
        put_double(target, column_double(column, row));
        break;
    case CQL_TYPE_TIMESTAMP:
        put_int(target, floor_ms(column_int(column, row)), 8);
        break;
    case CQL_TYPE_DATE:
        put_int(target, column_int(column, row) + DATE_EPOCH, 4);
        break;
    case CQL_TYPE_TIME:
        good = put_time(column_bytes(column, row), target);
        break;
    case CQL_TYPE_INET:
        good = put_inet(column_bytes(column, row), target);
        break;
    case CQL_TYPE_DURATION:
        good = put_duration(column, row, target);
        break;
    case CQL_TYPE_DECIMAL:
        put_decimal(column, row, target);
        break;
    case CQL_TYPE_VARINT: {
        size_t start = open_bytes(target);
        put_varint(target, wide_value(column, row));
        close_bytes(target, start);
        break;
    }
    case CQL_TYPE_LIST:
    case CQL_TYPE_SET:
    case CQL_TYPE_MAP:
        return put_list(column, row, type, target, error);
    case CQL_TYPE_VECTOR:
        return put_vector(column, row, type, target, error);
    case CQL_TYPE_TUPLE:
    case CQL_TYPE_UDT:
        return put_fields(column, row, type, target, error);
    case CQL_TYPE_COUNTER:
    case CQL_TYPE_CUSTOM:
        good = false;
        break;
    }
    return good ? STATUS_OK : refuse(column, row, type, error);
}
