/* Zstandard frames (RFC 8878). */

#include "compress/compress_internal.h"

#include <zstd.h>

#define LEVEL 3 /* the default of Kafka clients and of zstd itself */

static enum status zstd_compress(struct slice bytes, struct buffer *target, struct error *error)
{
    size_t room = ZSTD_compressBound(bytes.size);
    size_t size = ZSTD_compress(buffer_reserve(target, room), room, bytes.data, bytes.size, LEVEL);
    if (ZSTD_isError(size)) {
        return error_set(error, STATUS_INTERNAL, "could not write zstd: %s",
                         ZSTD_getErrorName(size));
    }
    target->size += size;
    return STATUS_OK;
}

/* A frame that tells its size goes straight to its place. */
static enum status read_sized_frame(ZSTD_DCtx *context,
                                    struct slice frame,
                                    uint64_t size,
                                    struct plain_output *output,
                                    struct error *error)
{
    TRY(plain_output_check(output, size, error));
    uint8_t *room = buffer_reserve(output->target, (size_t) size + 1);
    size_t written = ZSTD_decompressDCtx(context, room, (size_t) size, frame.data, frame.size);
    if (ZSTD_isError(written)) {
        return error_set(error, STATUS_DATA, "%s", ZSTD_getErrorName(written));
    }
    return plain_output_add(output, written, error);
}

static enum status read_streamed_frame(ZSTD_DCtx *context,
                                       struct slice frame,
                                       struct plain_output *output,
                                       struct error *error)
{
    ZSTD_inBuffer in = {frame.data, frame.size, 0};
    size_t wanted;
    (void) ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    do {
        size_t room;
        uint8_t *plain = plain_output_room(output, ZSTD_DStreamOutSize(), &room);
        ZSTD_outBuffer out = {plain, room, 0};
        wanted = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(wanted)) {
            return error_set(error, STATUS_DATA, "%s", ZSTD_getErrorName(wanted));
        }
        TRY(plain_output_add(output, out.pos, error));
        if (wanted != 0 && in.pos == in.size && out.pos < out.size) {
            return error_set(error, STATUS_DATA, "it is cut short");
        }
    } while (wanted != 0);
    return STATUS_OK;
}

static enum status read_frames(ZSTD_DCtx *context,
                               struct slice bytes,
                               struct plain_output *output,
                               struct error *error)
{
    do {
        size_t frame_bytes = ZSTD_findFrameCompressedSize(bytes.data, bytes.size);
        if (ZSTD_isError(frame_bytes)) {
            return error_set(error, STATUS_DATA, "%s", ZSTD_getErrorName(frame_bytes));
        }
        struct slice frame = slice_of(bytes.data, frame_bytes);
        unsigned long long size = ZSTD_getFrameContentSize(frame.data, frame.size);
        if (size == ZSTD_CONTENTSIZE_ERROR) {
            return error_set(error, STATUS_DATA, "a frame header is damaged");
        }
        if (size == ZSTD_CONTENTSIZE_UNKNOWN) {
            TRY(read_streamed_frame(context, frame, output, error));
        } else {
            TRY(read_sized_frame(context, frame, size, output, error));
        }
        bytes = slice_of(bytes.data + frame_bytes, bytes.size - frame_bytes);
    } while (bytes.size > 0);
    return STATUS_OK;
}

static enum status
zstd_decompress(struct slice bytes, size_t bytes_max, struct buffer *target, struct error *error)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL) {
        return error_set(error, STATUS_LIMIT, "could not start zstd: out of memory");
    }
    struct plain_output output = {target, target->size, bytes_max};
    enum status status = read_frames(context, bytes, &output, error);
    (void) ZSTD_freeDCtx(context);
    return status;
}

const struct codec codec_zstd = {"zstd", zstd_compress, zstd_decompress};
