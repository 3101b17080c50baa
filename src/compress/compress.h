#pragma once

/* The codecs of Kafka record batches and of files, behind one pair of functions. */

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Numbers as in the record batch attributes. */
enum compression {
    COMPRESSION_NONE = 0,
    COMPRESSION_GZIP = 1,
    COMPRESSION_SNAPPY = 2, /* writes the xerial framing that Java uses; reads it and raw */
    COMPRESSION_LZ4 = 3,    /* LZ4 frame */
    COMPRESSION_ZSTD = 4,
};

/* "none", "gzip", "snappy", "lz4", "zstd"; NULL if unknown. */
const char *compression_name(enum compression codec);

/* Appends the compressed form of `bytes` to `target`. */
MUST_USE enum status compress_append(enum compression codec,
                                     struct slice bytes,
                                     struct buffer *target,
                                     struct error *error);

/* Appends the plain form; STATUS_LIMIT above `bytes_max`, STATUS_DATA if it is damaged. Several
 * gzip members, zstd or lz4 frames after each other are one stream. */
MUST_USE enum status decompress_append(enum compression codec,
                                       struct slice bytes,
                                       size_t bytes_max,
                                       struct buffer *target,
                                       struct error *error);
