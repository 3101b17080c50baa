#include "wire/record_batch.h"

#include "base/assert.h"
#include "compress/compress.h"

#include <inttypes.h>

#define CRC_AT        17
#define CRC_FROM      21 /* the CRC covers from here to the end */
#define ATTRIBUTES_AT 21
#define MAX_TIME_AT   35
#define MAGIC         2

static uint64_t load_be(const uint8_t *data, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

static void store_be(uint8_t *target, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        target[i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
    }
}

enum status record_batch_header_read(struct slice bytes,
                                     struct record_batch_header *ret_header,
                                     struct error *error)
{
    const uint8_t *data = bytes.data;
    *ret_header = (struct record_batch_header){.producer_id = -1, .magic = -1};
    if (bytes.size > CRC_AT) {
        ret_header->base_offset = (int64_t) load_be(data, 8);
        ret_header->batch_length = (int32_t) load_be(data + 8, 4);
        ret_header->leader_epoch = (int32_t) load_be(data + 12, 4);
        ret_header->magic = (int8_t) data[16];
    }
    if (bytes.size < RECORD_BATCH_HEADER_BYTES) {
        return error_set(error, STATUS_DATA,
                         "a record batch header has %d bytes, here are only %zu",
                         RECORD_BATCH_HEADER_BYTES, bytes.size);
    }
    if (ret_header->magic != MAGIC) {
        return error_set(error, STATUS_DATA, "record batch format %d is not supported, only %d",
                         ret_header->magic, MAGIC);
    }
    ret_header->crc = (uint32_t) load_be(data + CRC_AT, 4);
    ret_header->attributes = (int16_t) load_be(data + ATTRIBUTES_AT, 2);
    ret_header->last_offset_delta = (int32_t) load_be(data + 23, 4);
    ret_header->base_timestamp_ms = (int64_t) load_be(data + 27, 8);
    ret_header->max_timestamp_ms = (int64_t) load_be(data + MAX_TIME_AT, 8);
    ret_header->producer_id = (int64_t) load_be(data + 43, 8);
    ret_header->producer_epoch = (int16_t) load_be(data + 51, 2);
    ret_header->base_sequence = (int32_t) load_be(data + 53, 4);
    ret_header->record_count = (int32_t) load_be(data + 57, 4);
    return STATUS_OK;
}

size_t record_batch_size(const struct record_batch_header *header)
{
    return header->batch_length < 0 ? 0 : (size_t) header->batch_length + RECORD_BATCH_LENGTH_AT;
}

enum status
record_batch_check(struct slice batch, struct record_batch_header *ret_header, struct error *error)
{
    struct record_batch_header header;
    enum status status = record_batch_header_read(batch, &header, error);
    *ret_header = header;
    if (status != STATUS_OK) {
        return error_set(error, STATUS_CORRUPT,
                         batch.size < RECORD_BATCH_HEADER_BYTES
                             ? "a record batch ends within its header"
                             : "a record batch has an unknown format");
    }
    if (record_batch_size(&header) != batch.size) {
        return error_set(error, STATUS_CORRUPT,
                         "the record batch at offset %" PRId64 " says %zu bytes and has %zu",
                         header.base_offset, record_batch_size(&header), batch.size);
    }
    uint32_t crc = crc32c(0, batch.data + CRC_FROM, batch.size - CRC_FROM);
    if (crc != header.crc) {
        return error_set(error, STATUS_CORRUPT,
                         "the record batch at offset %" PRId64 " fails its checksum: %08" PRIx32
                         " instead of %08" PRIx32,
                         header.base_offset, crc, header.crc);
    }
    /* A compacted batch may hold fewer records than offsets, even none. */
    if (header.record_count < 0 || header.last_offset_delta < 0 ||
        header.record_count - 1 > header.last_offset_delta) {
        return error_set(error, STATUS_CORRUPT,
                         "the record batch at offset %" PRId64 " says %" PRId32
                         " records in %" PRId64 " offsets",
                         header.base_offset, header.record_count,
                         (int64_t) header.last_offset_delta + 1);
    }
    return STATUS_OK;
}

void record_batch_patch(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    store_be(batch, (uint64_t) base_offset, 8);
    store_be(batch + 12, (uint32_t) leader_epoch, 4);
}

void record_batch_patch_time(uint8_t *batch, size_t size, int64_t append_time_ms)
{
    ASSERT(size >= RECORD_BATCH_HEADER_BYTES);
    batch[ATTRIBUTES_AT + 1] |= RECORD_BATCH_LOG_APPEND_TIME;
    store_be(batch + MAX_TIME_AT, (uint64_t) append_time_ms, 8);
    store_be(batch + CRC_AT, crc32c(0, batch + CRC_FROM, size - CRC_FROM), 4);
}

/* ---- writing ---- */

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t) value << 1) ^ (uint64_t) (value >> 63);
}

static size_t zigzag_size(int64_t value)
{
    uint64_t bits = zigzag(value) | 1;
    return (size_t) (63 - __builtin_clzll(bits)) / 7 + 1;
}

static size_t field_size(struct slice field)
{
    return field.data == NULL ? 1 : zigzag_size((int64_t) field.size) + field.size;
}

static void append_field(struct buffer *target, struct slice field)
{
    buffer_append_zigzag(target, field.data == NULL ? -1 : (int64_t) field.size);
    buffer_append_slice(target, field);
}

/* What stands behind the length of a record. */
static size_t record_body_size(const struct record *record, int64_t time_delta, int32_t index)
{
    size_t size = 1 + zigzag_size(time_delta) + zigzag_size(index) + field_size(record->key) +
                  field_size(record->value) + zigzag_size(record->header_count);
    for (int32_t i = 0; i < record->header_count; i++) {
        size += zigzag_size((int64_t) record->headers[i].key.size) + record->headers[i].key.size +
                field_size(record->headers[i].value);
    }
    return size;
}

static enum status append_record(struct buffer *target,
                                 const struct record *record,
                                 int64_t base_timestamp_ms,
                                 int32_t index,
                                 struct error *error)
{
    int64_t time_delta = (int64_t) ((uint64_t) record->timestamp_ms - (uint64_t) base_timestamp_ms);
    size_t size = record_body_size(record, time_delta, index);
    if (size > INT32_MAX || target->size > INT32_MAX) {
        return error_set(error, STATUS_LIMIT, "a record batch may not pass 2 GiB");
    }
    buffer_append_zigzag(target, (int64_t) size);
    buffer_append_byte(target, 0);
    buffer_append_zigzag(target, time_delta);
    buffer_append_zigzag(target, index);
    append_field(target, record->key);
    append_field(target, record->value);
    buffer_append_zigzag(target, record->header_count);
    for (int32_t i = 0; i < record->header_count; i++) {
        buffer_append_zigzag(target, (int64_t) record->headers[i].key.size);
        buffer_append_slice(target, record->headers[i].key);
        append_field(target, record->headers[i].value);
    }
    return STATUS_OK;
}

static enum status append_records(const struct record_batch_header *header,
                                  const struct record *records,
                                  int32_t count,
                                  struct buffer *target,
                                  struct error *error)
{
    enum compression codec = (enum compression)(header->attributes & RECORD_BATCH_CODEC_MASK);
    struct buffer plain CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer *body = codec == COMPRESSION_NONE ? target : &plain;
    for (int32_t i = 0; i < count; i++) {
        TRY(append_record(body, &records[i], header->base_timestamp_ms, i, error));
    }
    if (codec == COMPRESSION_NONE) {
        return STATUS_OK;
    }
    return compress_append(codec, buffer_slice(&plain), target, error);
}

static int64_t
max_timestamp(const struct record_batch_header *header, const struct record *records, int32_t count)
{
    if ((header->attributes & RECORD_BATCH_LOG_APPEND_TIME) != 0) {
        return header->max_timestamp_ms;
    }
    int64_t max = records[0].timestamp_ms;
    for (int32_t i = 1; i < count; i++) {
        max = records[i].timestamp_ms > max ? records[i].timestamp_ms : max;
    }
    return max;
}

enum status record_batch_write(const struct record_batch_header *header,
                               const struct record *records,
                               int32_t count,
                               struct buffer *target,
                               struct error *error)
{
    if (count < 1) {
        return error_set(error, STATUS_DATA, "a record batch must hold a record");
    }
    size_t start = target->size;
    memset(buffer_reserve(target, RECORD_BATCH_HEADER_BYTES), 0, RECORD_BATCH_HEADER_BYTES);
    target->size += RECORD_BATCH_HEADER_BYTES;
    enum status status = append_records(header, records, count, target, error);
    size_t size = target->size - start;
    if (status == STATUS_OK && size > INT32_MAX) {
        status = error_set(error, STATUS_LIMIT, "a record batch may not pass 2 GiB");
    }
    if (status != STATUS_OK) {
        target->size = start;
        return status;
    }
    uint8_t *batch = target->data + start;
    record_batch_patch(batch, header->base_offset, header->leader_epoch);
    store_be(batch + 8, size - RECORD_BATCH_LENGTH_AT, 4);
    batch[16] = MAGIC;
    store_be(batch + ATTRIBUTES_AT, (uint16_t) header->attributes, 2);
    store_be(batch + 23, (uint32_t) (count - 1), 4);
    store_be(batch + 27, (uint64_t) header->base_timestamp_ms, 8);
    store_be(batch + MAX_TIME_AT, (uint64_t) max_timestamp(header, records, count), 8);
    store_be(batch + 43, (uint64_t) header->producer_id, 8);
    store_be(batch + 51, (uint16_t) header->producer_epoch, 2);
    store_be(batch + 53, (uint32_t) header->base_sequence, 4);
    store_be(batch + 57, (uint32_t) count, 4);
    store_be(batch + CRC_AT, crc32c(0, batch + CRC_FROM, size - CRC_FROM), 4);
    return STATUS_OK;
}
