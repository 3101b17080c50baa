#pragma once

/*
 * A connection that follows a logical replication slot: PostgreSQL sends what it committed, from a
 * position on, and is told up to where it may forget. Over libpq in copy-both mode; the manual's
 * "Streaming Replication Protocol".
 *
 * The server forgets only what replication_confirm named, so a caller names what it has stored, and
 * nothing else. For one thread.
 */

#include "base/arena.h"
#include "base/error.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct replication;

struct replication_system {
    const char *id;   /* of the cluster: other data, other id */
    int32_t timeline; /* rises when a stand-by is promoted or a backup is restored */
    uint64_t lsn;     /* the end of what is flushed */
};

struct replication_stream {
    const char *slot;
    const char *publication;
    uint64_t lsn; /* transactions that end at or before it are not wanted */
};

enum replication_event {
    REPLICATION_NOTHING,   /* in the time given */
    REPLICATION_MESSAGE,   /* of pgoutput */
    REPLICATION_KEEPALIVE, /* nothing before `end_lsn` is still to come */
};

struct replication_input {
    enum replication_event event;
    struct slice bytes; /* of MESSAGE, valid until the next call */
    uint64_t end_lsn;   /* of KEEPALIVE */
};

/* A statement about slots or streams that failed, with the names of docs/guides/postgresql-cdc.md.
 */
enum status replication_error(const PGresult *result, struct error *error);

/* `url` as libpq takes it; `shown` without secrets, for messages. */
MUST_USE enum status replication_open(const char *url,
                                      const char *shown,
                                      struct replication **ret_replication,
                                      struct error *error);
void replication_close(struct replication *replication); /* NULL is fine */

MUST_USE enum status replication_identify(struct replication *replication,
                                          struct arena *arena,
                                          struct replication_system *ret_system,
                                          struct error *error);

/* Where `timeline` left its predecessor `before`; STATUS_NOT_FOUND if it does not come from it. */
MUST_USE enum status replication_timeline_switch(struct replication *replication,
                                                 int32_t timeline,
                                                 int32_t before,
                                                 uint64_t *ret_lsn,
                                                 struct error *error);

/* Makes a slot. Everything committed before `*ret_lsn`, and nothing after it, is visible in the
 * exported snapshot, which other sessions can take until the next command on this connection. A
 * `temporary` slot goes with the connection. Waits for the transactions that are under way. */
MUST_USE enum status replication_slot_create(struct replication *replication,
                                             const char *slot,
                                             bool temporary,
                                             const atomic_bool *cancelled,
                                             struct arena *arena,
                                             uint64_t *ret_lsn,
                                             const char **ret_snapshot,
                                             struct error *error);

MUST_USE enum status replication_start(struct replication *replication,
                                       const struct replication_stream *stream,
                                       struct error *error);

/* Waits at most `timeout_us` for something to come. Answers the server's questions whether anyone
 * is there. STATUS_CANCELLED when `cancelled` (may be NULL) is set. */
MUST_USE enum status replication_receive(struct replication *replication,
                                         int64_t timeout_us,
                                         const atomic_bool *cancelled,
                                         struct replication_input *ret_input,
                                         struct error *error);

/* Everything before `lsn` is stored. Tells the server at once if `ask`, which then tells how far it
 * is; otherwise soon. Positions only rise. */
MUST_USE enum status
replication_confirm(struct replication *replication, uint64_t lsn, bool ask, struct error *error);
