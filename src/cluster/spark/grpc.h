#pragma once

/*
 * gRPC over HTTP/2: calls with one request message and any number of reply messages (unary and
 * server streaming), a deadline, and the status with its details. For one thread at a time.
 *
 * The wire is described in the gRPC project's PROTOCOL-HTTP2: each message goes behind five bytes,
 * a flag and its length; the status comes as trailers.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

struct grpc_channel;

/* Codes that callers tell apart; the others are numbered in gRPC's statuscodes page. */
enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

struct grpc_reply {
    const struct slice *messages; /* in the arena given */
    size_t count;
    enum grpc_code code;
    const char *message;  /* decoded; "" if there is none */
    struct slice details; /* of grpc-status-details-bin: a google.rpc.Status; data NULL: none */
};

/* `address` is HOST:PORT; nothing is connected yet. `token` (NULL: none) goes along as a bearer
 * token. Setting `cancel` ends a call that waits. */
MUST_USE enum status grpc_channel_new(const char *address,
                                      const char *token,
                                      const atomic_bool *cancel,
                                      struct grpc_channel **ret_channel,
                                      struct error *error);
void grpc_channel_free(struct grpc_channel *channel);

/* Calls "/SERVICE/METHOD". A status that is not OK is a reply like others, with its code; an error
 * means that no status came (UNAVAILABLE, CANCELLED) or that the peer does not speak gRPC
 * (PROTOCOL). */
MUST_USE enum status grpc_call(struct grpc_channel *channel,
                               const char *method,
                               struct slice request,
                               int64_t timeout_us,
                               struct arena *arena,
                               struct grpc_reply *ret_reply,
                               struct error *error);

/* The messages of a reply's body; exposed for tests. STATUS_PROTOCOL if it is cut or compressed. */
MUST_USE enum status grpc_messages(struct slice body,
                                   struct arena *arena,
                                   const struct slice **ret_messages,
                                   size_t *ret_count,
                                   struct error *error);

/* Text of grpc-message: percent-encoded UTF-8; what is not such an escape stays. */
const char *grpc_message_text(const char *encoded, struct arena *arena);

/* Bytes of a "-bin" header, base64 with or without padding; data NULL if it is none. */
struct slice grpc_binary(const char *text, struct arena *arena);
