/*
 * The index file: blocks, each
 *
 *     "LTIX" 4 | version 2 | reserved 2 | number of the first entry 4 | entries 4
 *     covered bytes 8 | next offset 8 | max timestamp 8 | its position 4 | reserved 4
 *     created 8 | appended 8 | CRC-32C of all but itself 4 | reserved 4
 *     entries: relative offset 4 | position 4 | running max timestamp 8
 *
 * Blocks follow each other; the last sound one says what the segment holds.
 */

#include "base/buffer.h"
#include "base/memory.h"
#include "io/file.h"
#include "log/bytes_internal.h"
#include "log/segment.h"

#include <fcntl.h>

#define BLOCK_MAGIC        0x4c544958u
#define BLOCK_VERSION      1
#define BLOCK_HEADER_BYTES 72
#define BLOCK_CRC_AT       64
#define ENTRY_BYTES        16
#define FILE_BYTES_MAX     ((size_t) 256 << 20)

struct index_block segment_index_take(struct segment *segment)
{
    size_t count = segment->index_count - segment->index_saved;
    struct index_block block = {
        .base_offset = segment->base_offset,
        .extent = segment->extent,
        .created_us = segment->created_us,
        .appended_us = segment->appended_us,
        .entries = mem_alloc(count * sizeof(struct index_entry) + 1),
        .first = segment->index_saved,
        .count = count,
        .file_position = segment->index_bytes,
    };
    if (count > 0) {
        memcpy(block.entries, segment->index + segment->index_saved,
               count * sizeof(struct index_entry));
    }
    return block;
}

void index_block_deinit(struct index_block *block)
{
    mem_free(block->entries);
    block->entries = NULL;
}

static uint32_t block_crc(const uint8_t *block, size_t count)
{
    uint32_t crc = crc32c(0, block, BLOCK_CRC_AT);
    return crc32c(crc, block + BLOCK_HEADER_BYTES, count * ENTRY_BYTES);
}

static void encode(const struct index_block *block, struct buffer *target)
{
    buffer_append_be32(target, BLOCK_MAGIC);
    buffer_append_be16(target, BLOCK_VERSION);
    buffer_append_be16(target, 0);
    buffer_append_be32(target, (uint32_t) block->first);
    buffer_append_be32(target, (uint32_t) block->count);
    buffer_append_be64(target, block->extent.size);
    buffer_append_be64(target, (uint64_t) block->extent.next_offset);
    buffer_append_be64(target, (uint64_t) block->extent.timestamp_max);
    buffer_append_be32(target, block->extent.timestamp_max_position);
    buffer_append_be32(target, 0);
    buffer_append_be64(target, (uint64_t) block->created_us);
    buffer_append_be64(target, (uint64_t) block->appended_us);
    buffer_append_be64(target, 0); /* CRC and reserved */
    for (size_t i = 0; i < block->count; i++) {
        buffer_append_be32(target, block->entries[i].offset);
        buffer_append_be32(target, block->entries[i].position);
        buffer_append_be64(target, (uint64_t) block->entries[i].timestamp_max);
    }
    uint32_t crc = block_crc(target->data, block->count);
    for (unsigned i = 0; i < 4; i++) {
        target->data[BLOCK_CRC_AT + i] = (uint8_t) (crc >> (24 - 8 * i));
    }
}

enum status index_block_write(const struct index_block *block,
                              const char *directory,
                              uint64_t *ret_file_size,
                              struct error *error)
{
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    encode(block, &buffer);
    char path[PATH_MAX];
    segment_path(directory, block->base_offset, "index", path);
    int fd;
    int fresh = block->file_position == 0 ? O_TRUNC : 0; /* no old blocks behind the first one */
    TRY(file_open(path, O_WRONLY | O_CREAT | fresh, 0644, &fd, error));
    enum status status = file_write_at(fd, buffer_slice(&buffer), block->file_position, error);
    file_close(fd);
    *ret_file_size = block->file_position + buffer.size;
    return status;
}

/* Adds the block at the start of `rest` to the segment; returns its size, 0 if it is not sound. */
static size_t load_block(struct segment *segment, struct slice rest, uint64_t size_max)
{
    if (rest.size < BLOCK_HEADER_BYTES || bytes_be32(rest.data) != BLOCK_MAGIC ||
        bytes_be16(rest.data + 4) != BLOCK_VERSION) {
        return 0;
    }
    size_t count = bytes_be32(rest.data + 12);
    struct segment_extent extent = {
        .size = bytes_be64(rest.data + 16),
        .next_offset = (int64_t) bytes_be64(rest.data + 24),
        .timestamp_max = (int64_t) bytes_be64(rest.data + 32),
        .timestamp_max_position = bytes_be32(rest.data + 40),
    };
    if (count > (rest.size - BLOCK_HEADER_BYTES) / ENTRY_BYTES ||
        bytes_be32(rest.data + 8) != segment->index_count || extent.size > size_max ||
        block_crc(rest.data, count) != bytes_be32(rest.data + BLOCK_CRC_AT)) {
        return 0;
    }
    segment->extent = extent;
    segment->created_us = (int64_t) bytes_be64(rest.data + 48);
    segment->appended_us = (int64_t) bytes_be64(rest.data + 56);
    size_t needed = segment->index_count + count;
    segment->index = mem_realloc(segment->index, (needed + 1) * sizeof(*segment->index));
    segment->index_capacity = needed + 1;
    const uint8_t *data = rest.data + BLOCK_HEADER_BYTES;
    for (size_t i = 0; i < count; i++, data += ENTRY_BYTES) {
        segment->index[segment->index_count++] = (struct index_entry){
            bytes_be32(data), bytes_be32(data + 4), (int64_t) bytes_be64(data + 8)};
    }
    return BLOCK_HEADER_BYTES + count * ENTRY_BYTES;
}

void segment_index_load(struct segment *segment, const char *directory, uint64_t size_max)
{
    char path[PATH_MAX];
    segment_path(directory, segment->base_offset, "index", path);
    segment_index_drop(segment);
    segment->extent =
        (struct segment_extent){.next_offset = segment->base_offset, .timestamp_max = -1};
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    size_t at = 0;
    if (file_load(path, FILE_BYTES_MAX, &buffer, NULL) == STATUS_OK) {
        size_t size;
        do {
            size = load_block(segment, slice_of(buffer.data + at, buffer.size - at), size_max);
            at += size;
        } while (size > 0);
    }
    segment->index_saved = segment->index_count;
    segment->index_bytes = at;
    segment->index_loaded = true;
}
