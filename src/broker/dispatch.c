#include "broker/dispatch.h"

#include "broker/api_table.h"
#include "broker/versions.h"

#define DECODE_BYTES_MAX ((size_t) 256 << 20) /* arrays of one request */

enum status
request_dispatch(struct request *request, struct wire_reader *frame, struct error *error)
{
    struct request_header *header = &request->header;
    TRY(request_header_decode(frame, header, error));
    const struct api *api = api_find(header->api_key);
    if (api == NULL) {
        return error_set(error, STATUS_PROTOCOL, "requests with key %d are not served",
                         header->api_key);
    }
    const struct wire_message *message = api->message;
    bool known =
        header->api_version >= message->version_min && header->api_version <= message->version_max;
    if (!known && message->key != API_API_VERSIONS) {
        return error_set(error, STATUS_PROTOCOL, "%s version %d is not served", message->name,
                         header->api_version);
    }
    request->api = api;
    request->version = header->api_version;
    request->body = arena_zalloc(request->arena, message->request->size);
    request->response = arena_zalloc(request->arena, message->response->size);
    if (!known) {
        versions_unsupported(request);
        return STATUS_OK;
    }
    bool flexible = wire_is_flexible(message, request->version);
    if (flexible && !wire_read_tags(frame)) {
        return error_set(error, STATUS_PROTOCOL, "the header's tagged fields are malformed");
    }
    enum status status = wire_decode(message->request, request->version, flexible, frame,
                                     DECODE_BYTES_MAX, request->arena, request->body, error);
    if (status != STATUS_OK) {
        error_context(error, "%s version %d", message->name, request->version);
        return status;
    }
    api->handle(request);
    return STATUS_OK;
}

enum status
response_encode(const struct request *request, struct wire_output *output, struct error *error)
{
    const struct wire_message *message = request->api->message;
    bool flexible = wire_is_flexible(message, request->version);
    bool flexible_header = flexible && message->key != API_API_VERSIONS;
    buffer_append_be32(&output->bytes, 0);
    response_header_encode(request->header.correlation_id, flexible_header, &output->bytes);
    TRY(wire_encode(message->response, request->version, flexible, request->response, output,
                    error));
    size_t size = wire_output_size(output) - FRAME_PREFIX_BYTES;
    if (size > INT32_MAX) {
        return error_set(error, STATUS_LIMIT, "a response of %zu bytes is too large", size);
    }
    for (int i = 0; i < FRAME_PREFIX_BYTES; i++) {
        output->bytes.data[i] = (uint8_t) (size >> (24 - 8 * i));
    }
    return STATUS_OK;
}
