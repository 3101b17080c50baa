/* From CQL to columns. What a server sends is judged: a value of the wrong size is damage. */

#include "base/utf8.h"
#include "connectors/cassandra/cql_value.h"

#define DATE_EPOCH (INT64_C(1) << 31)

static enum status bad_size(struct slice bytes, const struct cql_type *type, struct error *error)
{
    struct buffer name CLEANUP(buffer_deinit) = BUFFER_INIT;
    cql_type_write(type, &name);
    return error_set(error, STATUS_PROTOCOL, "%zu bytes are no value of type %s", bytes.size,
                     buffer_string(&name));
}

static int64_t get_int(struct slice bytes)
{
    uint64_t value = bytes.size > 0 && bytes.data[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    return (int64_t) value;
}

static double get_float(struct slice bytes)
{
    float value;
    uint32_t bits = (uint32_t) get_int(bytes);
    memcpy(&value, &bits, sizeof(value));
    return (double) value;
}

static double get_double(struct slice bytes)
{
    double value;
    int64_t bits = get_int(bytes);
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* False if it needs more than 128 bits. */
static bool get_varint(struct slice bytes, int128 *ret_value)
{
    uint8_t sign = bytes.size > 0 && bytes.data[0] >= 0x80 ? 0xFF : 0;
    while (bytes.size > 16 && bytes.data[0] == sign) {
        bytes = slice_of(bytes.data + 1, bytes.size - 1);
    }
    if (bytes.size == 0 || bytes.size > 16 ||
        (bytes.size == 16 && bytes.data[0] >> 7 != sign >> 7)) {
        return false;
    }
    uint128 value = sign != 0 ? ~(uint128) 0 : 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    *ret_value = (int128) value;
    return true;
}

/* ---- numbers that may not fit ------------------------------------------------------------------
 */

static enum status
append_decimal(int128 unscaled, int64_t scale, struct column_builder *builder, struct error *error)
{
    const struct type *type = builder->type;
    static const char what[] = "a decimal of scale %lld does not fit into decimal(%d,%d)";
    for (; scale < type->scale && unscaled != 0; scale++) {
        if (__builtin_mul_overflow(unscaled, (int128) 10, &unscaled)) {
            return error_set(error, STATUS_DATA, what, (long long) scale, type->precision,
                             type->scale);
        }
    }
    for (; scale > type->scale && unscaled % 10 == 0 && unscaled != 0; scale--) {
        unscaled /= 10;
    }
    int128 limit = 1;
    for (int i = 0; i < type->precision; i++) {
        limit *= 10;
    }
    if ((unscaled != 0 && scale > type->scale) || unscaled >= limit || unscaled <= -limit) {
        return error_set(error, STATUS_DATA, what, (long long) scale, type->precision, type->scale);
    }
    column_append_decimal(builder, unscaled);
    return STATUS_OK;
}

static enum status
read_number(struct slice bytes, int64_t scale, struct column_builder *builder, struct error *error)
{
    int128 value;
    if (!get_varint(bytes, &value)) {
        return error_set(error, STATUS_DATA, "a number of %zu bytes is too large", bytes.size);
    }
    if (builder->type->id == TYPE_DECIMAL) {
        return append_decimal(value, scale, builder, error);
    }
    if (scale != 0 || value < INT64_MIN || value > INT64_MAX) {
        return error_set(error, STATUS_DATA, "a number does not fit into bigint");
    }
    column_append_int(builder, (int64_t) value);
    return STATUS_OK;
}

static enum status
append_us(int64_t value, int64_t unit, struct column_builder *builder, struct error *error)
{
    int64_t us;
    if (__builtin_mul_overflow(value, unit, &us)) {
        return error_set(error, STATUS_DATA,
                         "a timestamp of %lld ms does not fit into 64 bits of µs",
                         (long long) value);
    }
    column_append_int(builder, us);
    return STATUS_OK;
}

/* ---- what becomes text -------------------------------------------------------------------------
 */

static enum status append_text(struct column_builder *builder, const char *text, size_t size)
{
    column_append_bytes(builder, slice_of(text, size));
    return STATUS_OK;
}

static enum status
append_checked(struct slice text, struct column_builder *builder, struct error *error)
{
    if (!utf8_valid(text.data, text.size)) {
        return error_set(error, STATUS_PROTOCOL, "a text is not UTF-8");
    }
    column_append_bytes(builder, text);
    return STATUS_OK;
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t) (value >> 1 ^ (0 - (value & 1)));
}

static enum status read_duration(struct slice bytes,
                                 const struct cql_type *type,
                                 struct column_builder *builder,
                                 struct error *error)
{
    struct cql_reader reader = cql_reader_of(bytes);
    struct cql_duration duration;
    char text[CQL_TEXT_BYTES];
    duration.months = (int32_t) unzigzag(cql_vint_read(&reader));
    duration.days = (int32_t) unzigzag(cql_vint_read(&reader));
    duration.nanoseconds = unzigzag(cql_vint_read(&reader));
    if (reader.failed) {
        return bad_size(bytes, type, error);
    }
    if (builder->type->id == TYPE_STRING) {
        return append_text(builder, text, cql_duration_text(&duration, text));
    }
    bool months = builder->type->id == TYPE_INTERVAL_MONTHS;
    bool others = months ? duration.days != 0 || duration.nanoseconds != 0
                         : duration.months != 0 || duration.days != 0;
    if (others || duration.nanoseconds % 1000 != 0) {
        (void) cql_duration_text(&duration, text);
        return error_set(error, STATUS_DATA, "the duration %s is no interval of %s", text,
                         months ? "months" : "microseconds");
    }
    column_append_int(builder, months ? duration.months : duration.nanoseconds / 1000);
    return STATUS_OK;
}

static enum status read_uuid(struct slice bytes, struct column_builder *builder)
{
    char text[CQL_TEXT_BYTES];
    if (builder->type->id == TYPE_BINARY) {
        column_append_bytes(builder, bytes);
        return STATUS_OK;
    }
    return append_text(builder, text, cql_uuid_text(bytes.data, text));
}

/* ---- nested ------------------------------------------------------------------------------------
 */

static enum status read_optional(struct cql_reader *reader,
                                 const struct cql_type *type,
                                 struct column_builder *builder,
                                 struct error *error)
{
    struct slice bytes;
    if (!cql_read_bytes(reader, &bytes)) {
        column_append_null(builder);
        return cql_reader_check(reader, "a nested value", error);
    }
    return cql_value_read(bytes, type, builder, error);
}

static enum status read_list(struct slice bytes,
                             const struct cql_type *type,
                             struct column_builder *builder,
                             struct error *error)
{
    struct cql_reader reader = cql_reader_of(bytes);
    uint32_t count = cql_read_count(&reader, cql_read_int(&reader), 4 * type->child_count);
    TRY(cql_reader_check(&reader, "a collection", error));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t child = 0; child < type->child_count; child++) {
            TRY(read_optional(&reader, type->children[child], &builder->children[child], error));
        }
    }
    column_append_list_end(builder);
    return STATUS_OK;
}

static enum status read_vector(struct slice bytes,
                               const struct cql_type *type,
                               struct column_builder *builder,
                               struct error *error)
{
    struct cql_reader reader = cql_reader_of(bytes);
    uint32_t width = cql_type_width(type->children[0]);
    for (uint32_t i = 0; i < type->dimension && !reader.failed; i++) {
        uint64_t size = width != 0 ? width : cql_vint_read(&reader);
        struct slice element = cql_read_raw(&reader, size);
        if (!reader.failed) {
            TRY(cql_value_read(element, type->children[0], &builder->children[0], error));
        }
    }
    TRY(cql_reader_check(&reader, "a vector", error));
    column_append_list_end(builder);
    return STATUS_OK;
}

/* Fields that were added to the type later are missing at the end: null. */
static enum status read_fields(struct slice bytes,
                               const struct cql_type *type,
                               struct column_builder *builder,
                               struct error *error)
{
    struct cql_reader reader = cql_reader_of(bytes);
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (reader.left == 0) {
            column_append_null(&builder->children[i]);
        } else {
            TRY(read_optional(&reader, type->children[i], &builder->children[i], error));
        }
    }
    column_append_struct_end(builder);
    return STATUS_OK;
}

/* ---- one value ---------------------------------------------------------------------------------
 */

/* The sizes that a value of the type can have; 0: any. */
static uint32_t fixed_size(const struct cql_type *type)
{
    switch (type->id) {
    case CQL_TYPE_BOOLEAN:
    case CQL_TYPE_TINYINT:
        return 1;
    case CQL_TYPE_SMALLINT:
        return 2;
    case CQL_TYPE_INT:
    case CQL_TYPE_FLOAT:
    case CQL_TYPE_DATE:
        return 4;
    case CQL_TYPE_BIGINT:
    case CQL_TYPE_COUNTER:
    case CQL_TYPE_DOUBLE:
    case CQL_TYPE_TIMESTAMP:
    case CQL_TYPE_TIME:
        return 8;
    case CQL_TYPE_UUID:
    case CQL_TYPE_TIMEUUID:
        return 16;
    default:
        return 0;
    }
}

static bool empty_is_null(const struct cql_type *type)
{
    return type->id != CQL_TYPE_TEXT && type->id != CQL_TYPE_ASCII && type->id != CQL_TYPE_BLOB &&
           type->id != CQL_TYPE_CUSTOM && type->id != CQL_TYPE_TUPLE && type->id != CQL_TYPE_UDT;
}

static enum status read_plain(struct slice bytes,
                              const struct cql_type *type,
                              struct column_builder *builder,
                              struct error *error)
{
    char text[CQL_TEXT_BYTES];
    switch (type->id) {
    case CQL_TYPE_BOOLEAN:
        column_append_bool(builder, bytes.data[0] != 0);
        return STATUS_OK;
    case CQL_TYPE_FLOAT:
        column_append_double(builder, get_float(bytes));
        return STATUS_OK;
    case CQL_TYPE_DOUBLE:
        column_append_double(builder, get_double(bytes));
        return STATUS_OK;
    case CQL_TYPE_TIMESTAMP:
        return append_us(get_int(bytes), 1000, builder, error);
    case CQL_TYPE_DATE:
        column_append_int(builder, (int64_t) (uint32_t) get_int(bytes) - DATE_EPOCH);
        return STATUS_OK;
    case CQL_TYPE_TIME:
        return append_text(builder, text, cql_time_text(get_int(bytes), text));
    case CQL_TYPE_UUID:
    case CQL_TYPE_TIMEUUID:
        return read_uuid(bytes, builder);
    default: /* integers */
        column_append_int(builder, get_int(bytes));
        return STATUS_OK;
    }
}

enum status cql_value_read(struct slice bytes,
                           const struct cql_type *type,
                           struct column_builder *builder,
                           struct error *error)
{
    uint32_t size = fixed_size(type);
    if (bytes.size == 0 && empty_is_null(type)) {
        column_append_null(builder);
        return STATUS_OK;
    }
    if (size != 0) {
        return bytes.size == size ? read_plain(bytes, type, builder, error)
                                  : bad_size(bytes, type, error);
    }
    switch (type->id) {
    case CQL_TYPE_TEXT:
    case CQL_TYPE_ASCII:
        return append_checked(bytes, builder, error);
    case CQL_TYPE_INET: {
        char text[CQL_TEXT_BYTES];
        size_t length = cql_inet_text(bytes, text);
        return length == 0 ? bad_size(bytes, type, error) : append_text(builder, text, length);
    }
    case CQL_TYPE_DURATION:
        return read_duration(bytes, type, builder, error);
    case CQL_TYPE_VARINT:
        return read_number(bytes, 0, builder, error);
    case CQL_TYPE_DECIMAL:
        return bytes.size < 5 ? bad_size(bytes, type, error)
                              : read_number(slice_of(bytes.data + 4, bytes.size - 4),
                                            get_int(slice_of(bytes.data, 4)), builder, error);
    case CQL_TYPE_LIST:
    case CQL_TYPE_SET:
    case CQL_TYPE_MAP:
        return read_list(bytes, type, builder, error);
    case CQL_TYPE_VECTOR:
        return read_vector(bytes, type, builder, error);
    case CQL_TYPE_TUPLE:
    case CQL_TYPE_UDT:
        return read_fields(bytes, type, builder, error);
    default:
        column_append_bytes(builder, bytes);
        return STATUS_OK;
    }
}
