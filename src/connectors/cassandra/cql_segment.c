#include "connectors/cassandra/cql_segment.h"

#include "base/assert.h"
#include "connectors/cassandra/cql_wire.h"

#include <lz4.h>
#include <zlib.h>

#define PLAIN_HEADER_BYTES 6
#define LZ4_HEADER_BYTES   8
#define TRAILER_BYTES      4
#define LENGTH_MASK        0x1FFFFu

/* ---- checksums ---------------------------------------------------------------------------------
 */

#define CRC24_INIT 0x875060u
#define CRC24_POLY 0x1974F0Bu

uint32_t cql_crc24(const uint8_t *bytes, size_t size)
{
    uint32_t crc = CRC24_INIT;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t) bytes[i] << 16;
        for (int bit = 0; bit < 8; bit++) {
            crc <<= 1;
            if ((crc & 0x1000000u) != 0) {
                crc ^= CRC24_POLY;
            }
        }
    }
    return crc;
}

/* The zlib polynomial, begun over four fixed bytes. */
uint32_t cql_crc32(struct slice bytes)
{
    static const uint8_t seed[] = {0xFA, 0x2D, 0x55, 0xCA};
    uLong crc = crc32(0, seed, sizeof(seed));
    return (uint32_t) crc32_z(crc, bytes.data, bytes.size);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void put_le(uint8_t *target, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        target[i] = (uint8_t) (value >> (8 * i));
    }
}

static uint64_t get_le(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value |= (uint64_t) bytes[i] << (8 * i);
    }
    return value;
}

static void append_header(struct buffer *target, uint64_t fields, size_t bytes)
{
    uint8_t *at = buffer_reserve(target, bytes + 3);
    put_le(at, fields, bytes);
    put_le(at + bytes, cql_crc24(at, bytes), 3);
    target->size += bytes + 3;
}

static void append_payload(struct buffer *target, struct slice payload)
{
    buffer_append_slice(target, payload);
    put_le(buffer_reserve(target, TRAILER_BYTES), cql_crc32(payload), TRAILER_BYTES);
    target->size += TRAILER_BYTES;
}

static void write_one(struct slice payload, bool whole, bool lz4, struct buffer *target)
{
    if (!lz4) {
        append_header(target, (uint64_t) payload.size | (uint64_t) whole << 17, 3);
        append_payload(target, payload);
        return;
    }
    char packed[LZ4_COMPRESSBOUND(CQL_SEGMENT_BYTES_MAX)];
    int size = LZ4_compress_default((const char *) payload.data, packed, (int) payload.size,
                                    (int) sizeof(packed));
    bool smaller = size > 0 && (size_t) size < payload.size;
    struct slice sent = smaller ? slice_of(packed, (size_t) size) : payload;
    uint64_t plain = smaller ? payload.size : 0;
    append_header(target, (uint64_t) sent.size | plain << 17 | (uint64_t) whole << 34, 5);
    append_payload(target, sent);
}

void cql_segment_write(struct slice payload, bool lz4, struct buffer *target)
{
    bool whole = payload.size <= CQL_SEGMENT_BYTES_MAX;
    while (payload.size > 0) {
        size_t size = payload.size < CQL_SEGMENT_BYTES_MAX ? payload.size : CQL_SEGMENT_BYTES_MAX;
        write_one(slice_of(payload.data, size), whole, lz4, target);
        payload = slice_of(payload.data + size, payload.size - size);
    }
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static enum status
unpack(struct slice packed, size_t plain, struct buffer *target, struct error *error)
{
    char *at = (char *) buffer_reserve(target, plain);
    int size = LZ4_decompress_safe((const char *) packed.data, at, (int) packed.size, (int) plain);
    if (size < 0 || (size_t) size != plain) {
        return error_set(error, STATUS_CORRUPT, "LZ4 data of %zu bytes do not give the %zu said",
                         packed.size, plain);
    }
    target->size += plain;
    return STATUS_OK;
}

enum status cql_segment_read(
    struct slice bytes, bool lz4, struct buffer *target, size_t *ret_used, struct error *error)
{
    size_t header = lz4 ? LZ4_HEADER_BYTES : PLAIN_HEADER_BYTES;
    *ret_used = 0;
    if (bytes.size < header) {
        return STATUS_OK;
    }
    uint64_t fields = get_le(bytes.data, header - 3);
    if (get_le(bytes.data + header - 3, 3) != cql_crc24(bytes.data, header - 3)) {
        return error_set(error, STATUS_CORRUPT, "the checksum of a segment's header is wrong");
    }
    size_t length = fields & LENGTH_MASK;
    if (bytes.size < header + length + TRAILER_BYTES) {
        return STATUS_OK;
    }
    struct slice payload = slice_of(bytes.data + header, length);
    if (get_le(payload.data + length, TRAILER_BYTES) != cql_crc32(payload)) {
        return error_set(error, STATUS_CORRUPT, "the checksum of a segment is wrong");
    }
    size_t plain = lz4 ? (fields >> 17) & LENGTH_MASK : 0;
    if (plain > 0) {
        TRY(unpack(payload, plain, target, error));
    } else {
        buffer_append_slice(target, payload);
    }
    *ret_used = header + length + TRAILER_BYTES;
    return STATUS_OK;
}

/* ---- bodies of v4 ------------------------------------------------------------------------------
 */

void cql_lz4_body_write(struct slice body, struct buffer *target)
{
    ASSERT(body.size <= LZ4_MAX_INPUT_SIZE);
    buffer_append_be32(target, (uint32_t) body.size);
    int most = LZ4_compressBound((int) body.size);
    char *at = (char *) buffer_reserve(target, (size_t) most);
    int size = LZ4_compress_default((const char *) body.data, at, (int) body.size, most);
    ASSERT(size > 0);
    target->size += (size_t) size;
}

enum status cql_lz4_body_read(struct slice body, struct buffer *target, struct error *error)
{
    struct cql_reader reader = cql_reader_of(body);
    uint32_t plain = (uint32_t) cql_read_int(&reader);
    TRY(cql_reader_check(&reader, "a compressed body", error));
    /* LZ4 shrinks 255 times at most: a larger promise is not worth the memory. */
    if (plain > CQL_BODY_BYTES_MAX || plain > 255 * (uint64_t) reader.left) {
        return error_set(error, STATUS_CORRUPT, "%zu bytes of LZ4 data promise %u", reader.left,
                         plain);
    }
    return plain == 0 ? STATUS_OK : unpack(slice_of(reader.at, reader.left), plain, target, error);
}
