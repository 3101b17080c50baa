#pragma once

/*
 * What stands in front of every message: a four-byte length, then a header.
 *
 *     request  v1   api key 2, version 2, correlation id 4, client id (two-byte length, nullable)
 *              v2   the same, then tagged fields; used from the API's first flexible version on
 *     response v0   correlation id 4
 *              v1   the same, then tagged fields; used from the first flexible version on, but
 * never for ApiVersions, whose reader cannot know yet what the server speaks
 */

#include "wire/codec.h"

struct request_header {
    int16_t api_key;
    int16_t api_version;
    int32_t correlation_id;
    struct slice client_id; /* data NULL: null */
};

/* Reads the part that all versions share: api key, version, correlation id, client id. */
MUST_USE enum status request_header_decode(struct wire_reader *reader,
                                           struct request_header *ret_header,
                                           struct error *error);

void response_header_encode(int32_t correlation_id, bool flexible, struct buffer *target);
