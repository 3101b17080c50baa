#pragma once

/*
 * From bytes to a running request, and from its answer to bytes: what a connection does with a
 * frame, without the connection.
 */

#include "broker/request.h"

#define FRAME_PREFIX_BYTES 4

/* Decodes the frame behind its length prefix into `request` (of which broker, arena, client_host
 * and on_end are set) and calls the handler, which may end the request at once. An unknown API, a
 * version that is not served or a malformed body is an error, and then the request has not ended:
 * the connection has to go. The frame must stay until the request ends. */
MUST_USE enum status
request_dispatch(struct request *request, struct wire_reader *frame, struct error *error);

/* Appends the answer of a request that ended with REQUEST_ANSWERED, length prefix and header
 * included, to an empty output. */
MUST_USE enum status
response_encode(const struct request *request, struct wire_output *output, struct error *error);
