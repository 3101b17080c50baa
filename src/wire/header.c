#include "wire/header.h"

enum status request_header_decode(struct wire_reader *reader,
                                  struct request_header *ret_header,
                                  struct error *error)
{
    int64_t key;
    int64_t version;
    int64_t correlation_id;
    int64_t length;
    if (!wire_read_int(reader, 2, &key) || !wire_read_int(reader, 2, &version) ||
        !wire_read_int(reader, 4, &correlation_id) || !wire_read_int(reader, 2, &length) ||
        length < -1 || length > reader->end - reader->at) {
        return error_set(error, STATUS_PROTOCOL, "the request header is cut short");
    }
    *ret_header = (struct request_header){
        .api_key = (int16_t) key,
        .api_version = (int16_t) version,
        .correlation_id = (int32_t) correlation_id,
    };
    if (length >= 0) {
        ret_header->client_id = slice_of(reader->at, (size_t) length);
        reader->at += length;
    }
    return STATUS_OK;
}

void response_header_encode(int32_t correlation_id, bool flexible, struct buffer *target)
{
    buffer_append_be32(target, (uint32_t) correlation_id);
    if (flexible) {
        buffer_append_byte(target, 0);
    }
}
