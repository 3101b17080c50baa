#pragma once

/*
 * Fetch sessions (KIP-227): the broker remembers which partitions a client fetches and from where,
 * so that a request names only what changed, and an answer only what is new.
 *
 *     session id, epoch    0, -1   no session           ID, -1   close the session
 *                          0, 0    make a session       ID, N    the N-th request of the session
 *
 * Loop thread only.
 */

#include "broker/fetch_read.h"

struct fetch_sessions;

/* What one request has to do with a session. */
struct fetch_session_use {
    int32_t session_id; /* for the answer; 0: none */
    bool incremental;   /* the answer leaves out what has not changed */
};

struct fetch_sessions *fetch_sessions_new(int sessions_max);
void fetch_sessions_free(struct fetch_sessions *sessions);

/* Fills plan->items with what the request means. Returns 0 or a Kafka error. */
int16_t fetch_session_begin(struct fetch_sessions *sessions,
                            struct request *request,
                            struct fetch_plan *plan,
                            struct fetch_session_use *ret_use);

/* Before the answer: notes what the client will know, marks the items to leave out. The session may
 * be gone by now. */
void fetch_session_end(struct fetch_sessions *sessions,
                       const struct fetch_session_use *use,
                       struct fetch_plan *plan);
