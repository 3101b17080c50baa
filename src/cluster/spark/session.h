#pragma once

/*
 * A session with a Spark Connect server: settings, views, analysis, streaming queries. Queries
 * belong to the session and go on while we are away, until the server lets the session expire.
 *
 * For one thread at a time. Relations are messages of connect.proto (cluster/spark/message.h).
 */

#include "base/arena.h"
#include "base/error.h"
#include "cluster/spark/connect.pb-c.h"

#include <stdatomic.h>
#include <stdbool.h>

#define SPARK_SESSION_ID_BYTES 37

struct spark_session;

/* `url` is spark://HOST:PORT[?token=TOKEN]; `id` a UUID as text. Nothing is asked yet. */
MUST_USE enum status spark_session_open(const char *url,
                                        const char *id,
                                        const atomic_bool *cancel,
                                        struct spark_session **ret_session,
                                        struct error *error);
void spark_session_close(struct spark_session *session); /* queries go on */

/* A fresh session id. */
void spark_session_id(char ret_id[SPARK_SESSION_ID_BYTES]);

/* True if the last call failed because the server no longer has the session: its queries have
 * ended, and another id is needed. */
bool spark_session_is_gone(const struct spark_session *session);

/* What Spark said of the last failure, as it came; "" if none. Lives until the next call. */
const char *spark_session_fault(const struct spark_session *session);

/* The version of the server, in the arena. */
MUST_USE enum status spark_version(struct spark_session *session,
                                   struct arena *arena,
                                   const char **ret_version,
                                   struct error *error);

/* Settings of the session: name, value, ..., NULL. */
MUST_USE enum status
spark_configure(struct spark_session *session, const char *const *settings, struct error *error);

/* Makes or replaces a temporary view. */
MUST_USE enum status spark_view(struct spark_session *session,
                                const char *name,
                                Connect__Relation *relation,
                                struct error *error);

/* Analyses; the names of the columns that it would give. A refusal of the SQL is STATUS_CONFIG. */
MUST_USE enum status spark_columns(struct spark_session *session,
                                   Connect__Relation *relation,
                                   struct arena *arena,
                                   const char *const **ret_names,
                                   size_t *ret_count,
                                   struct error *error);

/* ---- streaming queries ---- */

struct spark_query {
    const char *id; /* stays with the checkpoint */
    const char *run_id;
};

struct spark_query_state {
    bool active;
    bool idle;             /* it has seen that there is nothing to do, and does nothing */
    const char *exception; /* why it ended; NULL if it did not, or was stopped */
};

/* Starts; strings of the result live in the arena. */
MUST_USE enum status spark_query_start(struct spark_session *session,
                                       Connect__Command__StartQuery *start,
                                       struct arena *arena,
                                       struct spark_query *ret_query,
                                       struct error *error);

/* STATUS_NOT_FOUND if the server knows no such query (any more). */
MUST_USE enum status spark_query_state(struct spark_session *session,
                                       const struct spark_query *query,
                                       struct arena *arena,
                                       struct spark_query_state *ret_state,
                                       struct error *error);

/* The newest progress as JSON; NULL if there is none yet. */
MUST_USE enum status spark_query_progress(struct spark_session *session,
                                          const struct spark_query *query,
                                          struct arena *arena,
                                          const char **ret_json,
                                          struct error *error);

MUST_USE enum status spark_query_stop(struct spark_session *session,
                                      const struct spark_query *query,
                                      struct error *error);
