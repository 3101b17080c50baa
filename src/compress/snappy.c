/*
 * Snappy, in two shapes. Java clients (and we) write the framing of the xerial library, others such
 * as librdkafka write one raw block:
 *
 *     82 'S' 'N' 'A' 'P' 'P' 'Y' 00 | version 4 | compatible 4 | { size 4 | raw block }...
 */

#include "compress/compress_internal.h"

#include <snappy-c.h>

#define HEADER_BYTES      16
#define CHUNK_PLAIN_BYTES ((size_t) 32 * 1024) /* as Java writes */
#define RATIO_MAX         22                   /* the densest element makes 64 bytes out of 3 */

static const uint8_t xerial_header[HEADER_BYTES] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                                    0,    0,   0,   1,   0,   0,   0,   1};

#define MAGIC_BYTES 8

static bool has_header(struct slice bytes)
{
    return bytes.size >= HEADER_BYTES && memcmp(bytes.data, xerial_header, MAGIC_BYTES) == 0;
}

static enum status
snappy_compress_chunks(struct slice bytes, struct buffer *target, struct error *error)
{
    buffer_append(target, xerial_header, HEADER_BYTES);
    for (size_t at = 0; at < bytes.size; at += CHUNK_PLAIN_BYTES) {
        size_t plain = bytes.size - at < CHUNK_PLAIN_BYTES ? bytes.size - at : CHUNK_PLAIN_BYTES;
        size_t size = snappy_max_compressed_length(plain);
        size_t frame_at = target->size;
        buffer_append_be32(target, 0);
        uint8_t *room = buffer_reserve(target, size);
        if (snappy_compress((const char *) bytes.data + at, plain, (char *) room, &size) !=
            SNAPPY_OK) {
            return error_set(error, STATUS_INTERNAL, "could not write snappy");
        }
        target->size = frame_at;
        buffer_append_be32(target, (uint32_t) size);
        target->size += size;
    }
    return STATUS_OK;
}

static enum status read_block(struct slice block, struct plain_output *output, struct error *error)
{
    size_t size = 0;
    const char *data = (const char *) block.data;
    if (block.size == 0 || snappy_uncompressed_length(data, block.size, &size) != SNAPPY_OK ||
        size / RATIO_MAX > block.size) {
        return error_set(error, STATUS_DATA, "a block has a damaged length");
    }
    TRY(plain_output_check(output, size, error));
    char *room = (char *) buffer_reserve(output->target, size + 1);
    if (snappy_uncompress(data, block.size, room, &size) != SNAPPY_OK) {
        return error_set(error, STATUS_DATA, "a block is damaged");
    }
    return plain_output_add(output, size, error);
}

static enum status snappy_decompress_either(struct slice bytes,
                                            size_t bytes_max,
                                            struct buffer *target,
                                            struct error *error)
{
    struct plain_output output = {target, target->size, bytes_max};
    if (!has_header(bytes)) {
        return read_block(bytes, &output, error);
    }
    while (bytes.size > 0) {
        if (has_header(bytes)) { /* the first, or another stream after it */
            bytes = slice_of(bytes.data + HEADER_BYTES, bytes.size - HEADER_BYTES);
            continue;
        }
        if (bytes.size < 4) {
            return error_set(error, STATUS_DATA, "it is cut short");
        }
        size_t size = (size_t) bytes.data[0] << 24 | (size_t) bytes.data[1] << 16 |
                      (size_t) bytes.data[2] << 8 | bytes.data[3];
        if (size > bytes.size - 4) {
            return error_set(error, STATUS_DATA, "it is cut short");
        }
        TRY(read_block(slice_of(bytes.data + 4, size), &output, error));
        bytes = slice_of(bytes.data + 4 + size, bytes.size - 4 - size);
    }
    return STATUS_OK;
}

const struct codec codec_snappy = {"snappy", snappy_compress_chunks, snappy_decompress_either};
