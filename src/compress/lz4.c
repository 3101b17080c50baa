/* LZ4 frames (the frame format specification 1.6). Blocks are independent: Java reads no others. */

#include "compress/compress_internal.h"

#include <lz4frame.h>

static enum status lz4_compress(struct slice bytes, struct buffer *target, struct error *error)
{
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent},
    };
    size_t room = LZ4F_compressFrameBound(bytes.size, &preferences);
    size_t size = LZ4F_compressFrame(buffer_reserve(target, room), room, bytes.data, bytes.size,
                                     &preferences);
    if (LZ4F_isError(size)) {
        return error_set(error, STATUS_INTERNAL, "could not write lz4: %s",
                         LZ4F_getErrorName(size));
    }
    target->size += size;
    return STATUS_OK;
}

static enum status read_frames(LZ4F_dctx *context,
                               struct slice bytes,
                               struct plain_output *output,
                               struct error *error)
{
    size_t wanted = 1; /* bytes that the frame still needs; 0 at its end */
    while (bytes.size > 0 || wanted != 0) {
        size_t room;
        uint8_t *plain = plain_output_room(output, 4 * bytes.size, &room);
        size_t taken = bytes.size;
        wanted = LZ4F_decompress(context, plain, &room, bytes.data, &taken, NULL);
        if (LZ4F_isError(wanted)) {
            return error_set(error, STATUS_DATA, "%s", LZ4F_getErrorName(wanted));
        }
        TRY(plain_output_add(output, room, error));
        bytes = slice_of(bytes.data + taken, bytes.size - taken);
        if (taken == 0 && room == 0) {
            return error_set(error, STATUS_DATA, "it is cut short");
        }
    }
    return STATUS_OK;
}

static enum status
lz4_decompress(struct slice bytes, size_t bytes_max, struct buffer *target, struct error *error)
{
    if (bytes.size == 0) {
        return error_set(error, STATUS_DATA, "it is cut short");
    }
    LZ4F_dctx *context;
    size_t result = LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
    if (LZ4F_isError(result)) {
        return error_set(error, STATUS_LIMIT, "could not start lz4: %s", LZ4F_getErrorName(result));
    }
    struct plain_output output = {target, target->size, bytes_max};
    enum status status = read_frames(context, bytes, &output, error);
    (void) LZ4F_freeDecompressionContext(context);
    return status;
}

const struct codec codec_lz4 = {"lz4", lz4_compress, lz4_decompress};
