#pragma once

/* One row of the codec table. Each codec lives in its own file and knows nothing of the others. */

#include "compress/compress.h"

struct codec {
    const char *name;
    enum status (*compress)(struct slice bytes, struct buffer *target, struct error *error);
    enum status (*decompress)(struct slice bytes,
                              size_t bytes_max,
                              struct buffer *target,
                              struct error *error);
};

extern const struct codec codec_gzip;
extern const struct codec codec_snappy;
extern const struct codec codec_lz4;
extern const struct codec codec_zstd;

/* Where a decompressor writes: the target buffer, watched for the maximum. */
struct plain_output {
    struct buffer *target;
    size_t start;     /* size of the target before */
    size_t bytes_max; /* of what is added          */
};

/* Room to write into: at least one byte, at most one byte more than is allowed, so that one too
 * many is noticed. `hint` is how much the caller would like. */
uint8_t *plain_output_room(struct plain_output *output, size_t hint, size_t *ret_size);

/* `size` bytes were written into the room. STATUS_LIMIT if that is one too many. */
MUST_USE enum status
plain_output_add(struct plain_output *output, size_t size, struct error *error);

/* STATUS_LIMIT if `size` more bytes would be too many. */
MUST_USE enum status
plain_output_check(const struct plain_output *output, uint64_t size, struct error *error);
