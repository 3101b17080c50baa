#include "connectors/postgres/pg_params.h"

#include "base/assert.h"
#include "connectors/postgres/pg_text.h"

#define EPOCH_2000_US INT64_C(946684800000000)       /* 2000-01-01 */
#define TIME_MIN      (-INT64_C(211813488000000000)) /* 4714-11-24 BC, since 2000 */

static const struct pg_type_facts facts[] = {
    [PG_BOOL] = {16, 1000, "boolean"},        [PG_INT2] = {21, 1005, "smallint"},
    [PG_INT4] = {23, 1007, "integer"},        [PG_INT8] = {20, 1016, "bigint"},
    [PG_FLOAT4] = {700, 1021, "real"},        [PG_FLOAT8] = {701, 1022, "double precision"},
    [PG_NUMERIC] = {1700, 1231, "numeric"},   [PG_TEXT] = {25, 1009, "text"},
    [PG_BYTEA] = {17, 1001, "bytea"},         [PG_UUID] = {2950, 2951, "uuid"},
    [PG_DATE] = {1082, 1182, "date"},         [PG_TIMESTAMPTZ] = {1184, 1185, "timestamptz"},
    [PG_INTERVAL] = {1186, 1187, "interval"}, [PG_JSONB] = {3802, 3807, "jsonb"},
};

const struct pg_type_facts *pg_type_facts(enum pg_type type)
{
    return &facts[type];
}

void pg_params_deinit(struct pg_params *params)
{
    mem_free(params->items);
    buffer_deinit(&params->bytes);
    *params = PG_PARAMS_INIT;
}

void pg_params_clear(struct pg_params *params)
{
    params->count = 0;
    buffer_clear(&params->bytes);
}

static struct pg_param *add(struct pg_params *params, uint32_t oid)
{
    if (params->count == params->capacity) {
        params->capacity = params->capacity == 0 ? 16 : 2 * params->capacity;
        params->items = mem_realloc(params->items, params->capacity * sizeof(params->items[0]));
    }
    struct pg_param *param = &params->items[params->count++];
    *param = (struct pg_param){.oid = oid, .offset = params->bytes.size};
    return param;
}

static void finish(struct pg_params *params)
{
    struct pg_param *param = &params->items[params->count - 1];
    param->size = params->bytes.size - param->offset;
}

void pg_param_null(struct pg_params *params, enum pg_type type)
{
    add(params, facts[type].oid)->null = true;
}

void pg_param_bool(struct pg_params *params, bool value)
{
    add(params, facts[PG_BOOL].oid);
    buffer_append_byte(&params->bytes, value);
    finish(params);
}

void pg_param_int4(struct pg_params *params, int32_t value)
{
    add(params, facts[PG_INT4].oid);
    buffer_append_be32(&params->bytes, (uint32_t) value);
    finish(params);
}

void pg_param_int8(struct pg_params *params, int64_t value)
{
    add(params, facts[PG_INT8].oid);
    buffer_append_be64(&params->bytes, (uint64_t) value);
    finish(params);
}

void pg_param_text(struct pg_params *params, struct slice text)
{
    add(params, facts[PG_TEXT].oid);
    pg_text_write(text, &params->bytes);
    finish(params);
}

void pg_param_string(struct pg_params *params, const char *text)
{
    if (text == NULL) {
        pg_param_null(params, PG_TEXT);
    } else {
        pg_param_text(params, slice_of_string(text));
    }
}

void pg_param_bytes(struct pg_params *params, struct slice bytes)
{
    struct pg_param *param = add(params, facts[PG_BYTEA].oid);
    param->null = bytes.data == NULL;
    buffer_append_slice(&params->bytes, bytes);
    finish(params);
}

void pg_param_time(struct pg_params *params, int64_t time_us)
{
    add(params, facts[PG_TIMESTAMPTZ].oid);
    buffer_append_be64(&params->bytes, (uint64_t) pg_time_of(time_us));
    finish(params);
}

/* ---- arrays: dimensions, has nulls, type, length, first index; then length and bytes of each ----
 */

static void put_be32(struct pg_params *params, size_t offset, uint32_t value)
{
    uint8_t *target = params->bytes.data + offset;
    target[0] = (uint8_t) (value >> 24);
    target[1] = (uint8_t) (value >> 16);
    target[2] = (uint8_t) (value >> 8);
    target[3] = (uint8_t) value;
}

void pg_array_begin(struct pg_params *params, enum pg_type type)
{
    add(params, facts[type].array_oid);
    params->array_offset = params->bytes.size;
    params->array_count = 0;
    buffer_append_be32(&params->bytes, 1);
    buffer_append_be32(&params->bytes, 0);
    buffer_append_be32(&params->bytes, facts[type].oid);
    buffer_append_be32(&params->bytes, 0);
    buffer_append_be32(&params->bytes, 1);
}

void pg_array_end(struct pg_params *params)
{
    if (params->array_count == 0) { /* an empty one has no dimension */
        put_be32(params, params->array_offset, 0);
        params->bytes.size = params->array_offset + 12;
    } else {
        put_be32(params, params->array_offset + 12, params->array_count);
    }
    finish(params);
}

void pg_array_null(struct pg_params *params)
{
    put_be32(params, params->array_offset + 4, 1);
    buffer_append_be32(&params->bytes, UINT32_MAX);
    params->array_count++;
}

void pg_array_int2(struct pg_params *params, int16_t value)
{
    buffer_append_be32(&params->bytes, 2);
    buffer_append_be16(&params->bytes, (uint16_t) value);
    params->array_count++;
}

void pg_array_int4(struct pg_params *params, int32_t value)
{
    buffer_append_be32(&params->bytes, 4);
    buffer_append_be32(&params->bytes, (uint32_t) value);
    params->array_count++;
}

void pg_array_int8(struct pg_params *params, int64_t value)
{
    buffer_append_be32(&params->bytes, 8);
    buffer_append_be64(&params->bytes, (uint64_t) value);
    params->array_count++;
}

void pg_array_text(struct pg_params *params, struct slice text)
{
    pg_text_write(text, pg_array_open(params));
    pg_array_shut(params);
}

void pg_array_bytes(struct pg_params *params, struct slice bytes)
{
    buffer_append_be32(&params->bytes, (uint32_t) bytes.size);
    buffer_append_slice(&params->bytes, bytes);
    params->array_count++;
}

struct buffer *pg_array_open(struct pg_params *params)
{
    params->element_offset = params->bytes.size;
    buffer_append_be32(&params->bytes, 0);
    return &params->bytes;
}

void pg_array_shut(struct pg_params *params)
{
    size_t size = params->bytes.size - params->element_offset - 4;
    ASSERT(size <= INT32_MAX);
    put_be32(params, params->element_offset, (uint32_t) size);
    params->array_count++;
}

/* ---- time --------------------------------------------------------------------------------------
 */

int64_t pg_time_of(int64_t time_us)
{
    return time_us < TIME_MIN + EPOCH_2000_US ? INT64_MIN : time_us - EPOCH_2000_US;
}

int64_t pg_time_read(int64_t pg_time)
{
    return pg_time == INT64_MIN || pg_time > INT64_MAX - EPOCH_2000_US ? pg_time
                                                                       : pg_time + EPOCH_2000_US;
}
