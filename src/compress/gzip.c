/* gzip (RFC 1952) over zlib. Reading also takes the zlib wrapper (RFC 1950). */

#include "compress/compress_internal.h"

#include <limits.h>
#include <zlib.h>

#define WINDOW_BITS 15
#define WRITE_GZIP  16 /* added to the window bits: see deflateInit2 */
#define READ_EITHER 32

static uInt clamp(size_t size)
{
    return size > UINT_MAX ? UINT_MAX : (uInt) size;
}

static enum status gzip_compress(struct slice bytes, struct buffer *target, struct error *error)
{
    z_stream stream = {0};
    int result = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + WRITE_GZIP,
                              8, Z_DEFAULT_STRATEGY);
    if (result != Z_OK) {
        return error_set(error, STATUS_LIMIT, "could not start gzip: zlib error %d", result);
    }
    size_t left = bytes.size;
    stream.next_in = (Bytef *) (uintptr_t) bytes.data; /* zlib does not write through it */
    do {
        if (stream.avail_in == 0) {
            stream.avail_in = clamp(left);
            left -= stream.avail_in;
        }
        size_t room = deflateBound(&stream, stream.avail_in);
        stream.next_out = buffer_reserve(target, room);
        stream.avail_out = clamp(room);
        uInt given = stream.avail_out;
        result = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
        target->size += given - stream.avail_out;
    } while (result == Z_OK || result == Z_BUF_ERROR);
    (void) deflateEnd(&stream);
    if (result != Z_STREAM_END) {
        return error_set(error, STATUS_INTERNAL, "could not write gzip: zlib error %d", result);
    }
    return STATUS_OK;
}

static enum status
read_members(z_stream *stream, struct slice bytes, struct plain_output *output, struct error *error)
{
    size_t left = bytes.size;
    stream->next_in = (Bytef *) (uintptr_t) bytes.data;
    for (;;) {
        if (stream->avail_in == 0) {
            stream->avail_in = clamp(left);
            left -= stream->avail_in;
        }
        size_t room;
        stream->next_out = plain_output_room(output, 4 * (size_t) stream->avail_in, &room);
        stream->avail_out = clamp(room);
        uInt given = stream->avail_out;
        int result = inflate(stream, Z_NO_FLUSH);
        TRY(plain_output_add(output, given - stream->avail_out, error));
        if (result == Z_STREAM_END) {
            if (stream->avail_in == 0 && left == 0) {
                return STATUS_OK;
            }
            (void) inflateReset(stream); /* another member follows */
        } else if (result == Z_BUF_ERROR || (result == Z_OK && stream->avail_in == 0 && left == 0 &&
                                             stream->avail_out > 0)) {
            return error_set(error, STATUS_DATA, "it is cut short");
        } else if (result != Z_OK) {
            return error_set(error, STATUS_DATA, "%s",
                             stream->msg != NULL ? stream->msg : "it is damaged");
        }
    }
}

static enum status
gzip_decompress(struct slice bytes, size_t bytes_max, struct buffer *target, struct error *error)
{
    z_stream stream = {0};
    int result = inflateInit2(&stream, WINDOW_BITS + READ_EITHER);
    if (result != Z_OK) {
        return error_set(error, STATUS_LIMIT, "could not start gzip: zlib error %d", result);
    }
    struct plain_output output = {target, target->size, bytes_max};
    enum status status = read_members(&stream, bytes, &output, error);
    (void) inflateEnd(&stream);
    return status;
}

const struct codec codec_gzip = {"gzip", gzip_compress, gzip_decompress};
