#include "wire/codec.h"

#include "base/assert.h"
#include "base/memory.h"

struct encoder {
    struct wire_output *output;
    int16_t version;
    bool flexible;
    struct error *error;
};

static enum status
encode_struct(struct encoder *encoder, const struct wire_type *type, const uint8_t *source);

void wire_output_init(struct wire_output *output, size_t reference_min)
{
    *output = (struct wire_output){.reference_min = reference_min};
}

void wire_output_deinit(struct wire_output *output)
{
    buffer_deinit(&output->bytes);
    mem_free(output->references);
    *output = (struct wire_output){.reference_min = output->reference_min};
}

void wire_output_clear(struct wire_output *output)
{
    buffer_clear(&output->bytes);
    output->reference_count = 0;
    output->referenced_bytes = 0;
}

size_t wire_output_size(const struct wire_output *output)
{
    return output->bytes.size + output->referenced_bytes;
}

static void add_reference(struct wire_output *output, struct slice bytes)
{
    if (output->reference_count == output->reference_capacity) {
        output->reference_capacity = output->reference_capacity * 2 + 8;
        output->references = mem_realloc(output->references,
                                         output->reference_capacity * sizeof(*output->references));
    }
    output->references[output->reference_count++] =
        (struct wire_reference){output->bytes.size, bytes};
    output->referenced_bytes += bytes.size;
}

static void encode_int(struct encoder *encoder, enum wire_kind kind, const uint8_t *source)
{
    struct buffer *bytes = &encoder->output->bytes;
    switch (kind) {
    case WIRE_BOOL:
        buffer_append_byte(bytes, *(const bool *) source ? 1 : 0);
        return;
    case WIRE_INT8:
        buffer_append_byte(bytes, (uint8_t) * (const int8_t *) source);
        return;
    case WIRE_INT16:
        buffer_append_be16(bytes, (uint16_t) * (const int16_t *) source);
        return;
    case WIRE_INT32:
        buffer_append_be32(bytes, (uint32_t) * (const int32_t *) source);
        return;
    default:
        ASSERT(kind == WIRE_INT64);
        buffer_append_be64(bytes, (uint64_t) * (const int64_t *) source);
        return;
    }
}

/* `length` -1 is null. `narrow`: strings of the old encoding have two bytes. */
static enum status encode_length(struct encoder *encoder, bool narrow, int64_t length)
{
    struct buffer *bytes = &encoder->output->bytes;
    if (length > (narrow && !encoder->flexible ? INT16_MAX : INT32_MAX - 1)) {
        return error_set(encoder->error, STATUS_LIMIT,
                         "%lld bytes or elements are more than the encoding can say",
                         (long long) length);
    }
    if (encoder->flexible) {
        buffer_append_varint(bytes, (uint64_t) (length + 1));
    } else if (narrow) {
        buffer_append_be16(bytes, (uint16_t) length);
    } else {
        buffer_append_be32(bytes, (uint32_t) length);
    }
    return STATUS_OK;
}

static enum status
encode_bytes(struct encoder *encoder, enum wire_kind kind, bool nullable, struct slice value)
{
    bool null = value.data == NULL && nullable;
    TRY(encode_length(encoder, kind == WIRE_STRING, null ? -1 : (int64_t) value.size));
    size_t reference_min = encoder->output->reference_min;
    if (kind == WIRE_RECORDS && reference_min > 0 && value.size >= reference_min) {
        add_reference(encoder->output, value);
    } else {
        buffer_append_slice(&encoder->output->bytes, value);
    }
    return STATUS_OK;
}

static enum status
encode_value(struct encoder *encoder, enum wire_kind kind, bool nullable, const uint8_t *source)
{
    switch (kind) {
    case WIRE_STRING:
    case WIRE_BYTES:
    case WIRE_RECORDS:
        return encode_bytes(encoder, kind, nullable, *(const struct slice *) source);
    case WIRE_UUID:
        buffer_append(&encoder->output->bytes, source, sizeof(struct uuid));
        return STATUS_OK;
    default:
        encode_int(encoder, kind, source);
        return STATUS_OK;
    }
}

static size_t element_size(const struct wire_field *field)
{
    switch (field->element) {
    case WIRE_STRUCT:
        return field->type->size;
    case WIRE_STRING:
    case WIRE_BYTES:
    case WIRE_RECORDS:
        return sizeof(struct slice);
    case WIRE_UUID:
        return sizeof(struct uuid);
    case WIRE_INT64:
        return 8;
    case WIRE_INT32:
        return 4;
    case WIRE_INT16:
        return 2;
    default:
        return 1;
    }
}

static enum status
encode_array(struct encoder *encoder, const struct wire_field *field, const uint8_t *source)
{
    int32_t count = *(const int32_t *) (source + field->count_offset);
    ASSERT(count >= -1);
    if (count == -1 && encoder->version < field->null_from) {
        count = 0;
    }
    TRY(encode_length(encoder, false, count));
    const uint8_t *items = *(const uint8_t *const *) (source + field->offset);
    size_t size = element_size(field);
    for (int32_t i = 0; i < count; i++, items += size) {
        TRY(field->element == WIRE_STRUCT ? encode_struct(encoder, field->type, items)
                                          : encode_value(encoder, field->element, false, items));
    }
    return STATUS_OK;
}

static enum status
encode_struct(struct encoder *encoder, const struct wire_type *type, const uint8_t *source)
{
    for (int i = 0; i < type->field_count; i++) {
        const struct wire_field *field = &type->fields[i];
        if (encoder->version < field->first || encoder->version > field->last) {
            continue;
        }
        bool nullable = encoder->version >= field->null_from;
        enum status status =
            field->kind == WIRE_ARRAY
                ? encode_array(encoder, field, source)
                : encode_value(encoder, field->kind, nullable, source + field->offset);
        if (status != STATUS_OK) {
            error_context(encoder->error, "%s", field->name);
            return status;
        }
    }
    if (encoder->flexible) {
        buffer_append_byte(&encoder->output->bytes, 0); /* no tagged fields */
    }
    return STATUS_OK;
}

enum status wire_encode(const struct wire_type *type,
                        int16_t version,
                        bool flexible,
                        const void *source,
                        struct wire_output *output,
                        struct error *error)
{
    struct encoder encoder = {output, version, flexible, error};
    return encode_struct(&encoder, type, source);
}
