#pragma once

/* What the parts of avro_encode_json share; not for other folders. */

#include "codec/avro.h"
#include "codec/avro_value.h"
#include "codec/json_text.h"

struct encoder {
    const struct json_document *document;
    struct buffer *target;
    struct arena arena; /* unescaped strings */
    struct drift *drift;
    struct error *error;
    bool strict;
    bool quiet; /* a union branch is tried: no messages */
};

/* Size, then bytes, with one reservation. */
static inline void encoder_bytes(struct buffer *target, struct slice bytes)
{
    uint8_t *to = buffer_reserve(target, bytes.size + 10);
    uint64_t size = (uint64_t) bytes.size << 1;
    while (size >= 0x80) {
        *to++ = (uint8_t) (size | 0x80);
        size >>= 7;
    }
    *to++ = (uint8_t) size;
    if (bytes.size > 0) {
        memcpy(to, bytes.data, bytes.size);
    }
    target->size = (size_t) (to - target->data) + bytes.size;
}

/* Appends one value of a schema that is not nested; false if it does not fit (the target may then
 * have grown). `mixed`: a string takes numbers. */
bool encoder_scalar(struct encoder *encoder,
                    const struct avro_schema *schema,
                    uint32_t index,
                    bool mixed);
