#include "compress/compress.h"

#include "compress/compress_internal.h"

#define ROOM_BYTES_MIN ((size_t) 16 * 1024)

static enum status none_compress(struct slice bytes, struct buffer *target, struct error *error)
{
    (void) error;
    buffer_append_slice(target, bytes);
    return STATUS_OK;
}

static enum status
none_decompress(struct slice bytes, size_t bytes_max, struct buffer *target, struct error *error)
{
    struct plain_output output = {target, target->size, bytes_max};
    TRY(plain_output_check(&output, bytes.size, error));
    buffer_append_slice(target, bytes);
    return STATUS_OK;
}

static const struct codec codec_none = {"none", none_compress, none_decompress};

static const struct codec *const codecs[] = {
    [COMPRESSION_NONE] = &codec_none,     [COMPRESSION_GZIP] = &codec_gzip,
    [COMPRESSION_SNAPPY] = &codec_snappy, [COMPRESSION_LZ4] = &codec_lz4,
    [COMPRESSION_ZSTD] = &codec_zstd,
};

static const struct codec *codec_find(enum compression codec)
{
    return (size_t) codec < ARRAY_SIZE(codecs) ? codecs[codec] : NULL;
}

const char *compression_name(enum compression codec)
{
    const struct codec *found = codec_find(codec);
    return found == NULL ? NULL : found->name;
}

enum status compress_append(enum compression codec,
                            struct slice bytes,
                            struct buffer *target,
                            struct error *error)
{
    const struct codec *found = codec_find(codec);
    if (found == NULL) {
        return error_set(error, STATUS_DATA, "there is no compression codec %d", (int) codec);
    }
    size_t start = target->size;
    enum status status = found->compress(bytes, target, error);
    if (status != STATUS_OK) {
        target->size = start;
    }
    return status;
}

enum status decompress_append(enum compression codec,
                              struct slice bytes,
                              size_t bytes_max,
                              struct buffer *target,
                              struct error *error)
{
    const struct codec *found = codec_find(codec);
    if (found == NULL) {
        return error_set(error, STATUS_DATA, "there is no compression codec %d", (int) codec);
    }
    size_t start = target->size;
    enum status status = found->decompress(bytes, bytes_max, target, error);
    if (status != STATUS_OK) {
        target->size = start;
        error_context(error, "could not read %s data", found->name);
    }
    return status;
}

uint8_t *plain_output_room(struct plain_output *output, size_t hint, size_t *ret_size)
{
    size_t used = output->target->size - output->start;
    size_t left = output->bytes_max - used;
    size_t wanted = hint < ROOM_BYTES_MIN ? ROOM_BYTES_MIN : hint;
    size_t size = left < wanted ? left + 1 : wanted;
    uint8_t *room = buffer_reserve(output->target, size);
    *ret_size = size;
    return room;
}

enum status
plain_output_check(const struct plain_output *output, uint64_t size, struct error *error)
{
    size_t used = output->target->size - output->start;
    if (size > output->bytes_max - used) {
        return error_set(error, STATUS_LIMIT, "it grows beyond %zu bytes when decompressed",
                         output->bytes_max);
    }
    return STATUS_OK;
}

enum status plain_output_add(struct plain_output *output, size_t size, struct error *error)
{
    TRY(plain_output_check(output, size, error));
    output->target->size += size;
    return STATUS_OK;
}
