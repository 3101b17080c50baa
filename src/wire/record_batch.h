#pragma once

/*
 * Kafka record batches, format v2 (KIP-98; https://kafka.apache.org/documentation/#recordbatch).
 *
 *     0  base offset            8     21  attributes            2     43  producer id      8
 *     8  batch length           4     23  last offset delta     4     51  producer epoch   2
 *    12  partition leader epoch 4     27  base timestamp (ms)   8     53  base sequence    4
 *    16  magic (2)              1     35  max timestamp (ms)    8     57  record count     4
 *    17  CRC-32C of 21..end     4                                     61  records
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "wire/crc32c.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_BATCH_HEADER_BYTES 61
#define RECORD_BATCH_LENGTH_AT    12 /* bytes before those that the length counts */

enum record_batch_attributes {
    RECORD_BATCH_CODEC_MASK = 0x07,
    RECORD_BATCH_LOG_APPEND_TIME = 0x08,
    RECORD_BATCH_TRANSACTIONAL = 0x10,
    RECORD_BATCH_CONTROL = 0x20,
};

struct record_batch_header {
    int64_t base_offset;
    int32_t batch_length; /* without the first 12 bytes */
    int32_t leader_epoch;
    int8_t magic;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp_ms;
    int64_t max_timestamp_ms;
    int64_t producer_id; /* -1: none */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;
};

struct record_header {
    struct slice key;
    struct slice value; /* data NULL: null */
};

struct record {
    int64_t offset;
    int64_t timestamp_ms;
    struct slice key;   /* data NULL: null */
    struct slice value; /* data NULL: null */
    const struct record_header *headers;
    int32_t header_count;
};

/* Reads the header at the start of `bytes`. STATUS_DATA if there are fewer than 61 bytes or the
 * magic is not 2 (the header is then filled as far as it goes). */
MUST_USE enum status record_batch_header_read(struct slice bytes,
                                              struct record_batch_header *ret_header,
                                              struct error *error);

/* Bytes of the whole batch as its length field says. */
size_t record_batch_size(const struct record_batch_header *header);

/* Length, CRC and counts of one whole batch. STATUS_CORRUPT with the reason. Records are not read.
 */
MUST_USE enum status
record_batch_check(struct slice batch, struct record_batch_header *ret_header, struct error *error);

/* Decompresses and reads all records; memory from the arena, but keys and values of an uncompressed
 * batch point into `batch`. The CRC is not checked again. STATUS_DATA if malformed, STATUS_LIMIT
 * above `bytes_max`. */
MUST_USE enum status record_batch_read(struct slice batch,
                                       size_t bytes_max, /* of the decompressed records */
                                       struct arena *arena,
                                       struct record **ret_records,
                                       int32_t *ret_count,
                                       struct error *error);

/* Writes the fields that stand outside the CRC, and which a log gives, into a batch in place. */
void record_batch_patch(uint8_t *batch, int64_t base_offset, int32_t leader_epoch);

/* Turns a batch in place into one with the log's time: attribute, max timestamp and CRC. */
void record_batch_patch_time(uint8_t *batch, size_t size, int64_t append_time_ms);

/* Appends one batch of at least one record: header fields other than lengths, counts, CRC and max
 * timestamp come from `header` (with the attribute LOG_APPEND_TIME also that); record offsets are
 * base + index. STATUS_LIMIT if a record or the batch would pass 2 GiB. */
MUST_USE enum status record_batch_write(const struct record_batch_header *header,
                                        const struct record *records,
                                        int32_t count,
                                        struct buffer *target,
                                        struct error *error);
