#pragma once

/*
 * A ZooKeeper session: the handle of its C client, and its failures as ours. The client reconnects
 * by itself; a session that the ensemble has expired is dead, and another must be opened.
 *
 * Calls block until the answer, or until the connection is lost. One thread opens, calls and
 * closes; the client's threads only ring `bell`.
 */

#include "base/error.h"
#include "cluster/address.h"
#include "io/notify.h"

#include <stdbool.h>
#include <stdint.h>
#define THREADED 1 /* declares the blocking calls, which libzookeeper_mt has */
#include <zookeeper/zookeeper.h>

struct keeper {
    const struct zookeeper_address *address;
    struct notify *bell; /* rung when the connection or a watched node changes */
    zhandle_t *handle;   /* NULL: closed */
    const struct ACL_vector *acl;
};

/* Begins to connect. */
MUST_USE enum status keeper_open(struct keeper *keeper,
                                 const struct zookeeper_address *address,
                                 struct notify *bell,
                                 struct error *error);

/* Gives the session up: its ephemeral nodes go at once. */
void keeper_close(struct keeper *keeper);

/* Waits until it is connected, at most `timeout_us`. */
MUST_USE enum status keeper_wait(struct keeper *keeper, int64_t timeout_us, struct error *error);

bool keeper_is_connected(const struct keeper *keeper);

/* Expired, or its credentials were refused. */
bool keeper_is_dead(const struct keeper *keeper);

int64_t keeper_id(const struct keeper *keeper);

/* How long the ensemble waits for us before it expires the session, as agreed. */
int64_t keeper_timeout_us(const struct keeper *keeper);

/* A watcher for nodes: rings the bell that is its context. */
void keeper_watch(zhandle_t *handle, int type, int state, const char *path, void *bell);

/* "could not <what>: <ZooKeeper's text>". */
enum status keeper_error(int code, struct error *error, const char *format, ...) PRINTF(3, 4);

/* Makes a persistent node and those above it, where they are missing. */
MUST_USE enum status keeper_make_path(struct keeper *keeper, const char *path, struct error *error);
