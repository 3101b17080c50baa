#pragma once

/*
 * One request on its way through the broker. The connection decodes it, the row of the request
 * table (broker/api_table.h) names its handler, and the handler, now or later, ends it exactly once
 * with one of the request_end functions. Memory that lives as long as the request comes from its
 * arena; the decoded body points into the connection's input, which stays until the request ends.
 */

#include "base/arena.h"
#include "broker/loop.h"
#include "wire/header.h"
#include "wire/kafka_error.h"
#include "wire/messages.h"

struct broker;
struct request;

/* A row of the request table. */
struct api {
    const struct wire_message *message; /* the versions we read and write              */
    int16_t advertised_min;             /* what ApiVersions tells, see api_table.c     */
    void (*handle)(struct request *request);
};

enum request_end {
    REQUEST_ANSWERED, /* send the response                           */
    REQUEST_SILENT,   /* produce with acks=0: nothing is sent        */
    REQUEST_BROKEN,   /* the connection is closed without an answer  */
};

struct request {
    struct broker *broker;
    const struct api *api;
    struct request_header header;
    int16_t version; /* of the response; the request's own unless that is not served */
    struct arena *arena;
    void *body;     /* such as struct fetch_request  */
    void *response; /* such as struct fetch_response; zeroed, filled by the handler */
    const char *client_host;

    /* A handler that parks a request for long sets this; it is called when the client is gone or
     * the broker stops, and must end the request. NULL: it cannot be hurried. */
    void (*cancel)(struct request *request);
    void *context; /* the handler's own */
    struct mail later;

    void (*on_end)(struct request *request, enum request_end end); /* whoever made it */
};

void request_answer(struct request *request);

/* Answers with what the response says now, but from the loop's next turn: for handlers that end
 * other requests while they walk over their own state, as answering may start the next request. */
void request_answer_later(struct request *request);

void request_end_silently(struct request *request);
void request_break(struct request *request);

/* Where its client is told to find the broker: the advertised address; but a client of the same
 * machine, or of the same container, is sent to where the broker listens, since the advertised
 * address may lead there only from outside. */
struct told_address {
    struct slice host;
    int32_t port;
};
struct told_address request_told_address(const struct request *request);

/* A slice that lives as long as the request, of a C string (NULL stays null). */
struct slice request_text(struct request *request, const char *text);

#define REQUEST_NEW(request, type)          ARENA_NEW((request)->arena, type)
#define REQUEST_ARRAY(request, type, count) ARENA_ARRAY((request)->arena, type, (size_t) (count))
