#pragma once

/* What the handlers of requests reach through `request->broker`. */

#include "broker/broker.h"
#include "broker/loop.h"
#include "broker/server.h"
#include "broker/state.h"
#include "broker/topics.h"

#include <stdatomic.h>

#define CLUSTER_ID_BYTES 24 /* 16 random bytes as URL-safe base64, terminated */

struct groups;
struct producer_ids;
struct fetch_sessions;

struct broker {
    struct broker_config config; /* its strings are owned */
    struct flusher *flusher;
    struct loop loop;
    bool loop_ready;
    struct server server;
    bool server_ready;
    struct state *state;
    struct topics *topics;
    struct groups *groups;
    struct producer_ids *producer_ids;
    struct fetch_sessions *sessions;
    struct deadline retention;
    char cluster_id[CLUSTER_ID_BYTES];
    char *address;
    char *near_host; /* where it listens, for clients of the same machine */
    int near_port;
    bool stopping;
    bool stopped;
    _Atomic int64_t append_failure_us; /* when one was logged last, monotonic; 0: never */
};
