#include "http/inflate.h"

#include "base/memory.h"

#include <strings.h>
#include <zlib.h>

#define PIECE_BYTES     ((size_t) 64 << 10)
#define WINDOW_AUTO     (MAX_WBITS + 32) /* gzip or zlib, by the header */
#define WINDOW_RAW      (-MAX_WBITS)
#define PIECE_BYTES_MAX ((size_t) 1 << 30) /* zlib counts in 32 bits */

enum inflater_kind {
    KIND_PLAIN,
    KIND_GZIP,
    KIND_DEFLATE
};

struct inflater {
    enum inflater_kind kind;
    size_t bytes_max;
    size_t bytes_out;
    z_stream z;
    bool begun;
    bool ended; /* at the end of a member; another may follow in gzip */
};

struct inflater *inflater_new(const char *encoding, size_t bytes_max)
{
    enum inflater_kind kind;
    if (strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0) {
        kind = KIND_GZIP;
    } else if (strcasecmp(encoding, "deflate") == 0) {
        kind = KIND_DEFLATE;
    } else if (encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0) {
        kind = KIND_PLAIN;
    } else {
        return NULL;
    }
    struct inflater *inflater = mem_zalloc(sizeof(*inflater));
    inflater->kind = kind;
    inflater->bytes_max = bytes_max;
    return inflater;
}

void inflater_free(struct inflater *inflater)
{
    if (inflater != NULL) {
        if (inflater->begun && inflater->kind != KIND_PLAIN) {
            (void) inflateEnd(&inflater->z);
        }
        mem_free(inflater);
    }
}

/* "deflate" should be zlib's format (RFC 9110, 8.4.1.2), but some send it without the header; the
 * low half of the first byte of that header is 8, which no first block of deflate in use has. */
static bool begin(struct inflater *inflater, uint8_t first)
{
    bool raw = inflater->kind == KIND_DEFLATE && (first & 15) != 8;
    inflater->begun = true;
    return inflateInit2(&inflater->z, raw ? WINDOW_RAW : WINDOW_AUTO) == Z_OK;
}

static enum inflate_result
write_plain(struct inflater *inflater, struct slice piece, struct buffer *target)
{
    inflater->begun = true;
    inflater->ended = true;
    if (piece.size > inflater->bytes_max - inflater->bytes_out) {
        return INFLATE_TOO_LARGE;
    }
    buffer_append_slice(target, piece);
    inflater->bytes_out += piece.size;
    return INFLATE_OK;
}

/* Inflates until the input is used up or the member ends. */
static enum inflate_result run(struct inflater *inflater, struct buffer *target)
{
    z_stream *z = &inflater->z;
    for (;;) {
        z->next_out = buffer_reserve(target, PIECE_BYTES);
        z->avail_out = PIECE_BYTES;
        int result = inflate(z, Z_NO_FLUSH);
        size_t made = PIECE_BYTES - z->avail_out;
        if (made > inflater->bytes_max - inflater->bytes_out) {
            return INFLATE_TOO_LARGE;
        }
        target->size += made;
        inflater->bytes_out += made;
        inflater->ended = result == Z_STREAM_END;
        if (inflater->ended || result == Z_BUF_ERROR) {
            return INFLATE_OK;
        }
        if (result != Z_OK) {
            return INFLATE_BROKEN;
        }
        if (z->avail_in == 0 && z->avail_out > 0) {
            return INFLATE_OK;
        }
    }
}

enum inflate_result
inflater_write(struct inflater *inflater, struct slice piece, struct buffer *target)
{
    if (piece.size == 0) {
        return INFLATE_OK;
    }
    if (inflater->kind == KIND_PLAIN) {
        return write_plain(inflater, piece, target);
    }
    if (!inflater->begun && !begin(inflater, piece.data[0])) {
        return INFLATE_BROKEN;
    }
    z_stream *z = &inflater->z;
    if (piece.size > PIECE_BYTES_MAX) {
        return INFLATE_TOO_LARGE;
    }
    z->next_in = (Bytef *) (uintptr_t) piece.data;
    z->avail_in = (uInt) piece.size;
    while (z->avail_in > 0) {
        if (inflater->ended) {
            if (inflater->kind != KIND_GZIP || inflateReset(z) != Z_OK) {
                return INFLATE_BROKEN;
            }
            inflater->ended = false;
        }
        enum inflate_result result = run(inflater, target);
        if (result != INFLATE_OK) {
            return result;
        }
    }
    return INFLATE_OK;
}

bool inflater_is_whole(const struct inflater *inflater)
{
    return !inflater->begun || inflater->ended;
}
