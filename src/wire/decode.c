#include "wire/codec.h"

#include "base/assert.h"

struct decoder {
    struct wire_reader *reader;
    int16_t version;
    bool flexible;
    struct arena *arena;
    size_t bytes_left; /* of the arena that arrays may still take */
    struct error *error;
};

static enum status
decode_struct(struct decoder *decoder, const struct wire_type *type, uint8_t *target);

bool wire_read_int(struct wire_reader *reader, unsigned bytes, int64_t *ret_value)
{
    if ((size_t) (reader->end - reader->at) < bytes) {
        return false;
    }
    uint64_t value = (reader->at[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | reader->at[i];
    }
    reader->at += bytes;
    *ret_value = (int64_t) value;
    return true;
}

bool wire_read_uvarint(struct wire_reader *reader, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        if (shift == 28 && byte > 0x0f) {
            return false; /* does not fit 32 bits */
        }
        value |= (uint32_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool wire_read_tags(struct wire_reader *reader)
{
    uint32_t count;
    if (!wire_read_uvarint(reader, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tag;
        uint32_t size;
        if (!wire_read_uvarint(reader, &tag) || !wire_read_uvarint(reader, &size) ||
            size > (size_t) (reader->end - reader->at)) {
            return false;
        }
        reader->at += size;
    }
    return true;
}

static enum status cut_short(struct decoder *decoder)
{
    return error_set(decoder->error, STATUS_PROTOCOL, "the message is cut short");
}

static unsigned int_bytes(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_BOOL:
    case WIRE_INT8:
        return 1;
    case WIRE_INT16:
        return 2;
    case WIRE_INT32:
        return 4;
    default:
        ASSERT(kind == WIRE_INT64);
        return 8;
    }
}

static void store_int(enum wire_kind kind, int64_t value, uint8_t *target)
{
    switch (kind) {
    case WIRE_BOOL:
        *(bool *) target = value != 0;
        return;
    case WIRE_INT8:
        *(int8_t *) target = (int8_t) value;
        return;
    case WIRE_INT16:
        *(int16_t *) target = (int16_t) value;
        return;
    case WIRE_INT32:
        *(int32_t *) target = (int32_t) value;
        return;
    default:
        *(int64_t *) target = value;
        return;
    }
}

/* A length or count; -1 is null. `narrow`: strings of the old encoding have two bytes. */
static enum status
decode_length(struct decoder *decoder, bool narrow, bool nullable, int64_t *ret_length)
{
    if (decoder->flexible) {
        uint32_t value;
        if (!wire_read_uvarint(decoder->reader, &value)) {
            return cut_short(decoder);
        }
        *ret_length = (int64_t) value - 1;
    } else if (!wire_read_int(decoder->reader, narrow ? 2 : 4, ret_length)) {
        return cut_short(decoder);
    }
    if (*ret_length < -1) {
        return error_set(decoder->error, STATUS_PROTOCOL, "length %lld is impossible",
                         (long long) *ret_length);
    }
    if (*ret_length == -1 && !nullable) {
        return error_set(decoder->error, STATUS_PROTOCOL, "null is not allowed here");
    }
    return STATUS_OK;
}

static enum status
decode_bytes(struct decoder *decoder, enum wire_kind kind, bool nullable, struct slice *ret_bytes)
{
    int64_t length;
    TRY(decode_length(decoder, kind == WIRE_STRING, nullable, &length));
    if (length == -1) {
        *ret_bytes = SLICE_EMPTY;
        return STATUS_OK;
    }
    if (length > decoder->reader->end - decoder->reader->at) {
        return cut_short(decoder);
    }
    *ret_bytes = slice_of(decoder->reader->at, (size_t) length);
    decoder->reader->at += length;
    return STATUS_OK;
}

static enum status
decode_value(struct decoder *decoder, enum wire_kind kind, bool nullable, uint8_t *target)
{
    if (kind == WIRE_STRING || kind == WIRE_BYTES || kind == WIRE_RECORDS) {
        return decode_bytes(decoder, kind, nullable, (struct slice *) target);
    }
    if (kind == WIRE_UUID) {
        if (decoder->reader->end - decoder->reader->at < (ptrdiff_t) sizeof(struct uuid)) {
            return cut_short(decoder);
        }
        memcpy(target, decoder->reader->at, sizeof(struct uuid));
        decoder->reader->at += sizeof(struct uuid);
        return STATUS_OK;
    }
    int64_t value;
    if (!wire_read_int(decoder->reader, int_bytes(kind), &value)) {
        return cut_short(decoder);
    }
    store_int(kind, value, target);
    return STATUS_OK;
}

static size_t value_size(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_STRING:
    case WIRE_BYTES:
    case WIRE_RECORDS:
        return sizeof(struct slice);
    case WIRE_UUID:
        return sizeof(struct uuid);
    default:
        return int_bytes(kind);
    }
}

/* Every element takes at least one byte, so a count above the rest of the input is a lie. */
static enum status
decode_array(struct decoder *decoder, const struct wire_field *field, uint8_t *target)
{
    int64_t count;
    TRY(decode_length(decoder, false, decoder->version >= field->null_from, &count));
    if (count > decoder->reader->end - decoder->reader->at) {
        return error_set(decoder->error, STATUS_PROTOCOL,
                         "%lld elements do not fit the rest of the message", (long long) count);
    }
    *(int32_t *) (target + field->count_offset) = (int32_t) count;
    if (count <= 0) {
        return STATUS_OK;
    }
    bool structs = field->element == WIRE_STRUCT;
    size_t size = structs ? field->type->size : value_size(field->element);
    if ((size_t) count > decoder->bytes_left / size) {
        return error_set(decoder->error, STATUS_LIMIT,
                         "%lld elements take more memory than a message may", (long long) count);
    }
    decoder->bytes_left -= (size_t) count * size;
    uint8_t *items = arena_calloc(decoder->arena, (size_t) count, size);
    *(void **) (target + field->offset) = items;
    for (int64_t i = 0; i < count; i++, items += size) {
        TRY(structs ? decode_struct(decoder, field->type, items)
                    : decode_value(decoder, field->element, false, items));
    }
    return STATUS_OK;
}

static void decode_absent(const struct wire_field *field, uint8_t *target)
{
    if (field->kind < WIRE_UUID) {
        store_int(field->kind, field->absent, target + field->offset);
    }
}

static enum status
decode_struct(struct decoder *decoder, const struct wire_type *type, uint8_t *target)
{
    for (int i = 0; i < type->field_count; i++) {
        const struct wire_field *field = &type->fields[i];
        if (decoder->version < field->first || decoder->version > field->last) {
            decode_absent(field, target);
            continue;
        }
        bool nullable = decoder->version >= field->null_from;
        enum status status =
            field->kind == WIRE_ARRAY
                ? decode_array(decoder, field, target)
                : decode_value(decoder, field->kind, nullable, target + field->offset);
        if (status != STATUS_OK) {
            error_context(decoder->error, "%s", field->name);
            return status;
        }
    }
    if (decoder->flexible && !wire_read_tags(decoder->reader)) {
        return error_set(decoder->error, STATUS_PROTOCOL, "the tagged fields are malformed");
    }
    return STATUS_OK;
}

enum status wire_decode(const struct wire_type *type,
                        int16_t version,
                        bool flexible,
                        struct wire_reader *reader,
                        size_t bytes_max,
                        struct arena *arena,
                        void *ret_struct,
                        struct error *error)
{
    struct decoder decoder = {reader, version, flexible, arena, bytes_max, error};
    memset(ret_struct, 0, type->size);
    return decode_struct(&decoder, type, ret_struct);
}
