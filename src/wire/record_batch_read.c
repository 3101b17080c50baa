/* The records inside a batch (KIP-82 for their headers):
 *
 *     length | attributes 1 | timestamp delta | offset delta | key | value | headers
 *
 * where numbers are zig-zag varints, and key, value and header values a length (-1: null) and
 * bytes.
 */

#include "compress/compress.h"
#include "wire/record_batch.h"

#define RECORD_BYTES_MIN 7 /* one byte for each field, nothing in any */
#define HEADER_BYTES_MIN 2

/* Reading stops at the first fault: `failed` stays and every further value is 0. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static size_t cursor_left(const struct cursor *cursor)
{
    return (size_t) (cursor->end - cursor->at);
}

static int64_t cursor_zigzag(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (cursor->at == cursor->end) {
            break;
        }
        uint8_t byte = *cursor->at++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
        }
    }
    cursor->failed = true;
    cursor->at = cursor->end;
    return 0;
}

static struct slice cursor_bytes(struct cursor *cursor, int64_t size)
{
    if (size < 0 || (uint64_t) size > cursor_left(cursor)) {
        cursor->failed = true;
        cursor->at = cursor->end;
        return SLICE_EMPTY;
    }
    struct slice bytes = slice_of(cursor->at, (size_t) size);
    cursor->at += size;
    return bytes;
}

static struct slice cursor_nullable(struct cursor *cursor)
{
    int64_t size = cursor_zigzag(cursor);
    return size == -1 ? SLICE_EMPTY : cursor_bytes(cursor, size);
}

static void read_headers(struct cursor *cursor, struct arena *arena, struct record *record)
{
    int64_t count = cursor_zigzag(cursor);
    if (count < 0 || (uint64_t) count > cursor_left(cursor) / HEADER_BYTES_MIN) {
        cursor->failed = true;
        return;
    }
    if (count == 0) {
        return;
    }
    struct record_header *headers = ARENA_ARRAY(arena, struct record_header, (size_t) count);
    for (int64_t i = 0; i < count; i++) {
        headers[i].key = cursor_bytes(cursor, cursor_zigzag(cursor));
        headers[i].value = cursor_nullable(cursor);
    }
    record->headers = headers;
    record->header_count = (int32_t) count;
}

/* Offset deltas rise (gaps are what compaction left) and stay within the batch. */
static bool read_record(struct cursor *cursor,
                        const struct record_batch_header *header,
                        struct arena *arena,
                        int64_t *last_delta,
                        struct record *ret_record)
{
    struct slice body = cursor_bytes(cursor, cursor_zigzag(cursor));
    *ret_record = (struct record){0};
    if (cursor->failed) {
        return false;
    }
    struct cursor inner = {body.data, body.data + body.size, false};
    (void) cursor_bytes(&inner, 1);
    int64_t time_delta = cursor_zigzag(&inner);
    int64_t delta = cursor_zigzag(&inner);
    ret_record->key = cursor_nullable(&inner);
    ret_record->value = cursor_nullable(&inner);
    read_headers(&inner, arena, ret_record);
    if (inner.failed || inner.at != inner.end || delta <= *last_delta ||
        delta > header->last_offset_delta) {
        return false;
    }
    *last_delta = delta;
    ret_record->offset = header->base_offset + delta;
    ret_record->timestamp_ms =
        (header->attributes & RECORD_BATCH_LOG_APPEND_TIME) != 0
            ? header->max_timestamp_ms
            : (int64_t) ((uint64_t) header->base_timestamp_ms + (uint64_t) time_delta);
    return true;
}

static enum status plain_records(struct slice batch,
                                 const struct record_batch_header *header,
                                 size_t bytes_max,
                                 struct arena *arena,
                                 struct slice *ret_plain,
                                 struct error *error)
{
    struct slice body = slice_of(batch.data + RECORD_BATCH_HEADER_BYTES,
                                 record_batch_size(header) - RECORD_BATCH_HEADER_BYTES);
    enum compression codec = (enum compression)(header->attributes & RECORD_BATCH_CODEC_MASK);
    if (codec == COMPRESSION_NONE) {
        *ret_plain = body;
        return STATUS_OK;
    }
    struct buffer plain CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(decompress_append(codec, body, bytes_max, &plain, error));
    *ret_plain = arena_copy(arena, buffer_slice(&plain));
    return STATUS_OK;
}

enum status record_batch_read(struct slice batch,
                              size_t bytes_max,
                              struct arena *arena,
                              struct record **ret_records,
                              int32_t *ret_count,
                              struct error *error)
{
    struct record_batch_header header;
    TRY(record_batch_header_read(batch, &header, error));
    size_t size = record_batch_size(&header);
    if (size < RECORD_BATCH_HEADER_BYTES || size > batch.size) {
        return error_set(error, STATUS_DATA, "a record batch has a wrong length");
    }
    struct slice plain;
    TRY(plain_records(batch, &header, bytes_max, arena, &plain, error));
    if (header.record_count < 0 || (size_t) header.record_count > plain.size / RECORD_BYTES_MIN) {
        return error_set(error, STATUS_DATA,
                         "a record batch says %d records but holds only %zu bytes",
                         (int) header.record_count, plain.size);
    }
    struct record *records = ARENA_ARRAY(arena, struct record, (size_t) header.record_count);
    struct cursor cursor = {plain.data, plain.data + plain.size, false};
    int64_t last_delta = -1;
    for (int32_t i = 0; i < header.record_count; i++) {
        if (!read_record(&cursor, &header, arena, &last_delta, &records[i])) {
            return error_set(error, STATUS_DATA, "record %d of a batch is malformed", (int) i);
        }
    }
    if (cursor.at != cursor.end) {
        return error_set(error, STATUS_DATA, "a record batch has %zu bytes behind its last record",
                         cursor_left(&cursor));
    }
    *ret_records = records;
    *ret_count = header.record_count;
    return STATUS_OK;
}
