#include "cluster/spark/grpc.h"

#include "base/buffer.h"
#include "base/hex.h"
#include "base/memory.h"
#include "http/client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_BYTES     5 /* compressed flag, big-endian length */
#define REPLY_BYTES_MAX ((size_t) 64 << 20)
#define CONNECT_US      (10 * INT64_C(1000000))

struct grpc_channel {
    struct http_client *client;
    struct http_reply reply;
    char *base; /* "http://HOST:PORT" */
    char *bearer;
    const atomic_bool *cancel;
};

enum status grpc_channel_new(const char *address,
                             const char *token,
                             const atomic_bool *cancel,
                             struct grpc_channel **ret_channel,
                             struct error *error)
{
    const struct http_client_config config = {.http2 = true};
    struct grpc_channel *channel = mem_zalloc(sizeof(*channel));
    channel->base = mem_printf("http://%s", address);
    channel->bearer = token == NULL ? NULL : mem_printf("Bearer %s", token);
    channel->cancel = cancel;
    http_reply_init(&channel->reply);
    enum status status = http_client_new(&config, &channel->client, error);
    if (status != STATUS_OK) {
        grpc_channel_free(channel);
        return status;
    }
    *ret_channel = channel;
    return STATUS_OK;
}

void grpc_channel_free(struct grpc_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    http_client_free(channel->client);
    http_reply_deinit(&channel->reply);
    mem_free(channel->base);
    mem_free(channel->bearer);
    mem_free(channel);
}

/* ---- what stands in replies --------------------------------------------------------------------
 */

enum status grpc_messages(struct slice body,
                          struct arena *arena,
                          const struct slice **ret_messages,
                          size_t *ret_count,
                          struct error *error)
{
    struct slice *messages = NULL;
    size_t count = 0;
    for (size_t at = 0; at < body.size;) {
        const uint8_t *frame = body.data + at;
        if (body.size - at < FRAME_BYTES) {
            return error_set(error, STATUS_PROTOCOL, "the reply ends within a message's frame");
        }
        if (frame[0] != 0) {
            return error_set(error, STATUS_PROTOCOL,
                             "a message is compressed, which was not asked");
        }
        size_t size =
            (size_t) frame[1] << 24 | (size_t) frame[2] << 16 | (size_t) frame[3] << 8 | frame[4];
        if (size > body.size - at - FRAME_BYTES) {
            return error_set(error, STATUS_PROTOCOL, "the reply ends within a message");
        }
        messages =
            arena_grow(arena, messages, count * sizeof(*messages), (count + 1) * sizeof(*messages));
        messages[count++] = slice_of(frame + FRAME_BYTES, size);
        at += FRAME_BYTES + size;
    }
    *ret_messages = messages;
    *ret_count = count;
    return STATUS_OK;
}

const char *grpc_message_text(const char *encoded, struct arena *arena)
{
    char *text = arena_alloc(arena, strlen(encoded) + 1);
    size_t size = 0;
    for (const char *at = encoded; *at != '\0'; at++) {
        int high = *at == '%' ? hex_digit_value((uint8_t) at[1]) : -1;
        int low = high < 0 ? -1 : hex_digit_value((uint8_t) at[2]);
        if (low >= 0 && (high | low) != 0) {
            text[size++] = (char) (high << 4 | low);
            at += 2;
        } else {
            text[size++] = *at;
        }
    }
    text[size] = '\0';
    return text;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int) (found - digits);
}

struct slice grpc_binary(const char *text, struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, strlen(text) + 1);
    size_t size = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const char *at = text; *at != '\0' && *at != '='; at++) {
        int digit = base64_digit(*at);
        if (digit < 0) {
            return SLICE_EMPTY;
        }
        bits = bits << 6 | (uint32_t) digit;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[size++] = (uint8_t) (bits >> bit_count);
        }
    }
    return slice_of(bytes, size);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static enum status take_reply(const struct http_reply *http,
                              struct arena *arena,
                              struct grpc_reply *reply,
                              struct error *error)
{
    const char *code = http_reply_value(http, "grpc-status");
    const char *message = http_reply_value(http, "grpc-message");
    const char *details = http_reply_value(http, "grpc-status-details-bin");
    char *end;
    long number = code == NULL ? -1 : strtol(code, &end, 10);
    if (number < 0 || number > INT_MAX || *end != '\0') {
        return error_set(error, STATUS_PROTOCOL, "HTTP status %d and no gRPC status: %s",
                         http->status, "this is no gRPC server, or a proxy before it");
    }
    *reply = (struct grpc_reply){
        .code = (enum grpc_code) number,
        .message = message == NULL ? "" : grpc_message_text(message, arena),
        .details = details == NULL ? SLICE_EMPTY : grpc_binary(details, arena),
    };
    struct slice body = arena_copy(arena, buffer_slice(&http->body));
    return grpc_messages(body, arena, &reply->messages, &reply->count, error);
}

enum status grpc_call(struct grpc_channel *channel,
                      const char *method,
                      struct slice request,
                      int64_t timeout_us,
                      struct arena *arena,
                      struct grpc_reply *ret_reply,
                      struct error *error)
{
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&body, 0);
    buffer_append_be32(&body, (uint32_t) request.size);
    buffer_append_slice(&body, request);
    const struct http_request_header headers[] = {
        {.name = "Content-Type", .value = "application/grpc"},
        {.name = "TE", .value = "trailers"},
        {.name = "grpc-timeout",
         .value = arena_printf(arena, "%lldm", (long long) (timeout_us / 1000))},
        {.name = "Authorization", .value = channel->bearer, .secret = true},
    };
    const struct http_request http = {
        .method = "POST",
        .url = arena_printf(arena, "%s%s", channel->base, method),
        .headers = headers,
        .header_count = channel->bearer == NULL ? 3 : 4,
        .body = buffer_slice(&body),
        .timeouts = {.connect_us = CONNECT_US, .total_us = timeout_us},
        .body_bytes_max = REPLY_BYTES_MAX,
        .inflated_bytes_max = REPLY_BYTES_MAX,
        .cancel = channel->cancel,
    };
    TRY(http_request(channel->client, &http, &channel->reply, error));
    return take_reply(&channel->reply, arena, ret_reply, error);
}
