/*
 * Any bytes as a message of the Kafka protocol: header (api key, version, correlation id, client
 * id), then the body. With the key's top bit set the body is read as the answer. What decodes can
 * be encoded; that decodes again to its end, and encodes to the same bytes.
 */

#include "base/assert.h"
#include "wire/header.h"
#include "wire/messages.h"

#include "fuzz.h"

#define ARRAYS_BYTES_MAX ((size_t) 16 << 20)

static const struct wire_message *message_of(int key)
{
    for (size_t i = 0; i < ARRAY_SIZE(messages_all); i++) {
        if (messages_all[i]->key == key) {
            return messages_all[i];
        }
    }
    return NULL;
}

struct form {
    const struct wire_type *type;
    int16_t version;
    bool flexible;
};

static void *decode(const struct form *form, struct wire_reader *reader, struct arena *arena)
{
    struct error error = {0};
    void *body = arena_zalloc(arena, form->type->size);
    enum status status = wire_decode(form->type, form->version, form->flexible, reader,
                                     ARRAYS_BYTES_MAX, arena, body, &error);
    ASSERT(status == STATUS_OK || error.message[0] != '\0');
    return status == STATUS_OK ? body : NULL;
}

static void encode(const struct form *form, const void *body, struct buffer *target)
{
    struct wire_output output;
    wire_output_init(&output, 0);
    enum status status =
        wire_encode(form->type, form->version, form->flexible, body, &output, NULL);
    ASSERT(status == STATUS_OK);
    buffer_append_slice(target, buffer_slice(&output.bytes));
    wire_output_deinit(&output);
}

static void go_round(const struct form *form, struct wire_reader *reader, struct arena *arena)
{
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;
    void *body = decode(form, reader, arena);
    if (body != NULL) {
        encode(form, body, &first);
        struct wire_reader again = {first.data, first.data + first.size};
        body = decode(form, &again, arena);
        ASSERT(body != NULL && again.at == again.end);
        encode(form, body, &second);
        ASSERT(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    }
    buffer_deinit(&first);
    buffer_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_reader reader = {data, data + size};
    struct request_header header;
    if (request_header_decode(&reader, &header, NULL) != STATUS_OK) {
        return 0;
    }
    const struct wire_message *message = message_of(header.api_key & INT16_MAX);
    int16_t version = header.api_version;
    if (message == NULL || version < message->version_min || version > message->version_max) {
        return 0;
    }
    struct form form = {
        .type = header.api_key < 0 ? message->response : message->request,
        .version = version,
        .flexible = wire_is_flexible(message, version),
    };
    if (form.flexible && !wire_read_tags(&reader)) {
        return 0;
    }
    struct arena arena;
    arena_init(&arena, 0);
    go_round(&form, &reader, &arena);
    arena_deinit(&arena);
    return 0;
}
