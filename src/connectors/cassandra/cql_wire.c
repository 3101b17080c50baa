#include "connectors/cassandra/cql_wire.h"

#include "base/assert.h"

#include <strings.h>

/* ---- envelopes ---------------------------------------------------------------------------------
 */

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

enum status
cql_header_read(const uint8_t *bytes, struct cql_header *ret_header, struct error *error)
{
    *ret_header = (struct cql_header){
        .version = bytes[0] & (uint8_t) ~CQL_ANSWER,
        .answer = (bytes[0] & CQL_ANSWER) != 0,
        .flags = bytes[1],
        .stream = (int16_t) ((uint16_t) bytes[2] << 8 | bytes[3]),
        .opcode = bytes[4],
        .length = be32(bytes + 5),
    };
    if (ret_header->length > CQL_BODY_BYTES_MAX) {
        return error_set(error, STATUS_PROTOCOL,
                         "an envelope of %u bytes is announced, the most is %u", ret_header->length,
                         CQL_BODY_BYTES_MAX);
    }
    return STATUS_OK;
}

void cql_header_write(const struct cql_header *header, uint8_t target[CQL_HEADER_BYTES])
{
    uint16_t stream = (uint16_t) header->stream;
    target[0] = (uint8_t) (header->version | (header->answer ? CQL_ANSWER : 0));
    target[1] = header->flags;
    target[2] = (uint8_t) (stream >> 8);
    target[3] = (uint8_t) stream;
    target[4] = header->opcode;
    for (int i = 0; i < 4; i++) {
        target[5 + i] = (uint8_t) (header->length >> (24 - 8 * i));
    }
}

/* ---- reading -----------------------------------------------------------------------------------
 */

struct slice cql_read_raw(struct cql_reader *reader, size_t size)
{
    if (reader->failed || size > reader->left) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    struct slice bytes = slice_of(reader->at, size);
    reader->at += size;
    reader->left -= size;
    return bytes;
}

uint8_t cql_read_byte(struct cql_reader *reader)
{
    struct slice bytes = cql_read_raw(reader, 1);
    return reader->failed ? 0 : bytes.data[0];
}

uint16_t cql_read_short(struct cql_reader *reader)
{
    struct slice bytes = cql_read_raw(reader, 2);
    return reader->failed ? 0 : (uint16_t) ((uint16_t) bytes.data[0] << 8 | bytes.data[1]);
}

int32_t cql_read_int(struct cql_reader *reader)
{
    struct slice bytes = cql_read_raw(reader, 4);
    return reader->failed ? 0 : (int32_t) be32(bytes.data);
}

int64_t cql_read_long(struct cql_reader *reader)
{
    struct slice bytes = cql_read_raw(reader, 8);
    if (reader->failed) {
        return 0;
    }
    return (int64_t) ((uint64_t) be32(bytes.data) << 32 | be32(bytes.data + 4));
}

struct slice cql_read_string(struct cql_reader *reader)
{
    return cql_read_raw(reader, cql_read_short(reader));
}

struct slice cql_read_short_bytes(struct cql_reader *reader)
{
    return cql_read_raw(reader, cql_read_short(reader));
}

bool cql_read_bytes(struct cql_reader *reader, struct slice *ret_bytes)
{
    int32_t size = cql_read_int(reader);
    *ret_bytes = SLICE_EMPTY;
    if (reader->failed || size < 0) {
        return false;
    }
    *ret_bytes = cql_read_raw(reader, (size_t) size);
    return !reader->failed;
}

uint32_t cql_read_count(struct cql_reader *reader, int64_t count, size_t size_min)
{
    if (reader->failed || count < 0 || count > INT32_MAX ||
        (uint64_t) count * size_min > reader->left) {
        reader->failed = true;
        return 0;
    }
    return (uint32_t) count;
}

enum status cql_reader_check(const struct cql_reader *reader, const char *what, struct error *error)
{
    if (!reader->failed) {
        return STATUS_OK;
    }
    return error_set(error, STATUS_PROTOCOL, "%s is cut short or contradicts itself", what);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

void cql_write_string(struct buffer *target, struct slice text)
{
    ASSERT(text.size <= UINT16_MAX);
    buffer_append_be16(target, (uint16_t) text.size);
    buffer_append_slice(target, text);
}

void cql_write_long_string(struct buffer *target, struct slice text)
{
    ASSERT(text.size <= INT32_MAX);
    buffer_append_be32(target, (uint32_t) text.size);
    buffer_append_slice(target, text);
}

void cql_write_null(struct buffer *target)
{
    buffer_append_be32(target, UINT32_MAX);
}

/* ---- consistency -------------------------------------------------------------------------------
 */

static const char *const consistency_names[] = {
    "ANY",          "ONE",         "TWO",    "THREE",        "QUORUM",    "ALL",
    "LOCAL_QUORUM", "EACH_QUORUM", "SERIAL", "LOCAL_SERIAL", "LOCAL_ONE",
};

const char *cql_consistency_name(uint16_t consistency)
{
    return consistency < ARRAY_SIZE(consistency_names) ? consistency_names[consistency] : "?";
}

bool cql_consistency_parse(struct slice name, uint16_t *ret_value)
{
    for (size_t i = 0; i < ARRAY_SIZE(consistency_names); i++) {
        const char *known = consistency_names[i];
        if (name.size == strlen(known) &&
            strncasecmp((const char *) name.data, known, name.size) == 0) {
            *ret_value = (uint16_t) i;
            return true;
        }
    }
    return false;
}
