#pragma once

/* Pieces of Avro data that several files of codec/ share; not for other folders. */

#include "base/buffer.h"
#include "codec/avro_schema.h"

/* [A-Za-z_][A-Za-z0-9_]* */
bool avro_name_valid(struct slice name);

/* The kind of a built-in name; -1 for others. */
int avro_kind_by_name(const char *name);

/* Reads "logicalType" and what belongs to it. One that is unknown or does not fit is ignored, as
 * the specification asks. */
void avro_parse_logical(const json_t *json, struct avro_schema *schema);

/* Names as Avro wants them, for those that it may refuse: "a-b" gives "a_b", and "a_b_2" if that is
 * taken; what is given is a member of `taken` from then on. */
const char *avro_unique_name(struct slice name, json_t *taken, struct arena *arena);

/* The same for the fields of one record. A name that is valid stays, whatever comes before it:
 * first call avro_keep_name for all of them, then avro_field_name for each. */
void avro_keep_name(struct slice name, json_t *taken);
const char *avro_field_name(struct slice name, json_t *taken, struct arena *arena);

/* "timestamp-micros"; NULL for none. */
const char *avro_logical_name(enum avro_logical logical);

/* Changes to make while a schema is written (avro_evolve.c). */
enum avro_patch_kind {
    AVRO_PATCH_FIELD,        /* at a record: one more field, `text` */
    AVRO_PATCH_BRANCH,       /* at any schema: one more branch, `text` */
    AVRO_PATCH_REPLACE,      /* at any schema: `text` in its place */
    AVRO_PATCH_NULLABLE,     /* at any schema: null is a branch, the first */
    AVRO_PATCH_DEFAULT_NULL, /* at a field: its default */
};

struct avro_patch {
    struct avro_patch *next;
    const void *at; /* struct avro_schema or struct avro_field */
    enum avro_patch_kind kind;
    struct slice name; /* FIELD: as the document has it */
    const char *text;
};

void avro_schema_write_patched(const struct avro_schema *schema,
                               const struct avro_patch *patches,
                               struct buffer *target);

/* Appends the datum of a field's default (JSON as the specification has it for defaults: bytes as
 * code points 0 to 255, unions as their first branch that fits). False if it does not fit; the
 * target may then have grown. */
bool avro_encode_default(const struct avro_schema *schema,
                         const json_t *value,
                         struct buffer *target);

/* Appends a decimal as the shortest two's complement, or as just `size` bytes if not 0 (false if
 * it does not fit). */
bool avro_append_decimal(int128 unscaled, uint32_t size, struct buffer *target);

/* The other way; false for more than 16 significant bytes. */
bool avro_read_decimal(struct slice bytes, int128 *ret_unscaled);

/* A JSON number's text as an unscaled decimal, exactly; false if digits would be lost. */
bool avro_decimal_from_text(struct slice text,
                            uint8_t precision,
                            uint8_t scale,
                            int128 *ret_unscaled);

/* Base64 text to bytes (RFC 4648, padded, nothing else); appends. False if it is not that. */
bool avro_append_base64(struct slice text, struct buffer *target);

/* ---- Reading --------------------------------------------------------------------------------- */

struct avro_reader {
    const uint8_t *at;
    const uint8_t *end;
    const char *fault; /* set by the one that returns false */
    uint32_t empties;  /* items and records so far that took no bytes */
};

static inline bool avro_fail(struct avro_reader *reader, const char *fault)
{
    reader->fault = fault;
    return false;
}

static inline bool avro_read_long(struct avro_reader *reader, int64_t *ret_value)
{
    const uint8_t *at = reader->at;
    if (__builtin_expect(at < reader->end && *at < 0x80, 1)) {
        *ret_value = (*at >> 1) ^ -(*at & 1);
        reader->at = at + 1;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at < reader->end; shift += 7) {
        uint8_t byte = *at++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
            reader->at = at;
            return true;
        }
    }
    return avro_fail(reader, at == reader->end ? "it ends early" : "a number is too long");
}

static inline bool avro_read_int(struct avro_reader *reader, int64_t *ret_value)
{
    if (!avro_read_long(reader, ret_value)) {
        return false;
    }
    if (*ret_value != (int32_t) *ret_value) {
        return avro_fail(reader, "an int does not fit 32 bits");
    }
    return true;
}

static inline bool avro_read_raw(struct avro_reader *reader, size_t size, struct slice *ret_bytes)
{
    if ((size_t) (reader->end - reader->at) < size) {
        return avro_fail(reader, "it ends early");
    }
    *ret_bytes = slice_of(reader->at, size);
    reader->at += size;
    return true;
}

static inline bool avro_read_bytes(struct avro_reader *reader, struct slice *ret_bytes)
{
    int64_t size;
    if (!avro_read_long(reader, &size)) {
        return false;
    }
    if (size < 0) {
        return avro_fail(reader, "a negative size");
    }
    return avro_read_raw(reader, (size_t) size, ret_bytes);
}

/* The next block of an array or map: items in it (0: the end) and its bytes if said, else -1. */
static inline bool
avro_read_block(struct avro_reader *reader, int64_t *ret_count, int64_t *ret_bytes)
{
    *ret_bytes = -1;
    if (!avro_read_long(reader, ret_count)) {
        return false;
    }
    if (*ret_count >= 0) {
        return true;
    }
    if (*ret_count == INT64_MIN) {
        return avro_fail(reader, "a block of too many items");
    }
    *ret_count = -*ret_count;
    if (!avro_read_long(reader, ret_bytes)) {
        return false;
    }
    if (*ret_bytes < 0 || *ret_bytes > reader->end - reader->at) {
        return avro_fail(reader, "a block that ends behind the datum");
    }
    return true;
}

/* Items and records that take no bytes are limited in a datum, as nothing else limits them: a
 * schema of 40 lines can ask for 2^40 empty records. */
#define AVRO_EMPTY_ITEMS_MAX 65536

/* Data may nest as deeply as this through schemas that hold themselves. */
#define AVRO_DEPTH_MAX 256

/* Call behind each item and record, with where it began. */
static inline bool avro_count_empty(struct avro_reader *reader, const uint8_t *item)
{
    if (__builtin_expect(reader->at == item, 0) && ++reader->empties > AVRO_EMPTY_ITEMS_MAX) {
        return avro_fail(reader, "too many items without bytes");
    }
    return true;
}

/* Steps over one value. */
bool avro_skip(struct avro_reader *reader, const struct avro_schema *schema, unsigned depth);
