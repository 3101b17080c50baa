/*
 * One process a pipeline: session locks on a connection that does nothing else. The server lets go
 * of them when the process or its machine is gone, the latter after half a minute.
 *
 * A connection that was lost takes its locks anew. Its session may still stand on the server, as
 * behind a cut link: then it is ended by the one that comes back, which knows its number.
 */

#include "base/logline.h"
#include "base/memory.h"
#include "connectors/postgres/connection.h"
#include "connectors/postgres/connection_internal.h"
#include "connectors/postgres/stage_internal.h"
#include "io/clock.h"
#include "io/thread.h"

#include <inttypes.h>
#include <pthread.h>

/* A killed process's session ends when the server sees it. */
#define WAIT_US  (8000 * INT64_C(1000))
#define PAUSE_US (50 * INT64_C(1000))
#define LOOK_US  (1000 * INT64_C(1000))

struct stage_hold {
    struct pg *pg;
    char **pipelines;
    size_t count;
    int64_t session; /* the server's process that has the locks; 0: none yet */
    struct thread *thread;
    pthread_mutex_t mutex;
    struct error lost; /* under the mutex; status OK: not lost */
};

/* The server's process, and how it watches over a client that may vanish. */
static enum status ask_session(struct pg *pg, int64_t *ret_session, struct error *error)
{
    static const char sql[] = "SELECT pg_backend_pid()::int8,"
                              " set_config('tcp_keepalives_idle', '10', false),"
                              " set_config('tcp_keepalives_interval', '5', false),"
                              " set_config('tcp_keepalives_count', '3', false)";
    TRY(pg_connect(pg, error));
    size_t row = pg_send(pg, sql, NULL);
    TRY(pg_wait(pg, error));
    *ret_session = pg_int(pg_result(pg, row), 0, 0);
    return STATUS_OK;
}

/* Tries once. *ret_owner 0: it is ours; else the session that has it. */
static enum status
try_lock(struct pg *pg, const char *pipeline, int64_t *ret_owner, struct error *error)
{
    static const char sql[] =
        "SELECT CASE WHEN pg_try_advisory_lock($1) THEN 0 ELSE coalesce((SELECT held.pid"
        " FROM pg_locks AS held WHERE held.locktype = 'advisory' AND held.granted"
        " AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND held.classid = (($1::int8 >> 32) & 4294967295)::oid"
        " AND held.objid = ($1::int8 & 4294967295)::oid AND held.objsubid = 1 LIMIT 1), -1)"
        " END::int8";
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    char *kind = mem_printf("hold\n%s", pipeline);
    pg_param_int8(&params, pg_lock_number(pg, kind, 0));
    mem_free(kind);
    size_t row = pg_send(pg, sql, &params);
    TRY(pg_wait(pg, error));
    *ret_owner = pg_int(pg_result(pg, row), 0, 0);
    return STATUS_OK;
}

static enum status end_session(struct pg *pg, int64_t session, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, session);
    (void) pg_send(pg, "SELECT pg_terminate_backend($1::int4)", &params);
    return pg_wait(pg, error);
}

static enum status
refuse(const struct stage_hold *hold, const char *pipeline, int64_t owner, struct error *error)
{
    (void) error_set(
        error, STATUS_AGAIN,
        "staging: another leat runs pipeline \"%s\" on PostgreSQL at %s (session %" PRId64
        " of the server)",
        pipeline, pg_shown(hold->pg), owner);
    error_hint(error,
               "stop that one first (pg_stat_activity says where it is), or let several stand "
               "by for each other with `coordination: zookeeper://HOST:PORT`");
    error->retriable = false;
    return STATUS_AGAIN;
}

static enum status
take_one(struct stage_hold *hold, const char *pipeline, int64_t until_us, struct error *error)
{
    for (;;) {
        int64_t owner;
        TRY(try_lock(hold->pg, pipeline, &owner, error));
        if (owner == 0) {
            return STATUS_OK;
        }
        if (owner == hold->session && owner > 0) { /* our own, of before */
            TRY(end_session(hold->pg, owner, error));
        }
        if (clock_monotonic_us() >= until_us) {
            return refuse(hold, pipeline, owner, error);
        }
        clock_sleep_us(PAUSE_US);
    }
}

/* All locks, unless the session that has them still stands. */
static enum status take(struct stage_hold *hold, struct error *error)
{
    int64_t session = 0;
    TRY(ask_session(hold->pg, &session, error));
    if (session == hold->session) {
        return STATUS_OK;
    }
    int64_t until_us = clock_monotonic_us() + WAIT_US;
    for (size_t i = 0; i < hold->count; i++) {
        TRY(take_one(hold, hold->pipelines[i], until_us, error));
    }
    hold->session = session;
    return STATUS_OK;
}

/* A server that is away lets nobody in: that others look at. */
static void watch(struct thread *self, void *context)
{
    struct stage_hold *hold = context;
    while (!thread_pause(self, LOOK_US)) {
        struct error error = {0};
        if (take(hold, &error) == STATUS_OK || error.retriable) {
            continue;
        }
        logline_error(LOG_ERROR, "staging", &error);
        pthread_mutex_lock(&hold->mutex);
        hold->lost = error;
        pthread_mutex_unlock(&hold->mutex);
        return;
    }
}

void pg_stage_release(struct stage_hold *hold)
{
    struct error error;
    if (hold == NULL) {
        return;
    }
    if (hold->thread != NULL) {
        (void) !thread_join(hold->thread, -1, &error);
    }
    pg_close(hold->pg);
    for (size_t i = 0; i < hold->count; i++) {
        mem_free(hold->pipelines[i]);
    }
    mem_free(hold->pipelines);
    pthread_mutex_destroy(&hold->mutex);
    mem_free(hold);
}

enum status pg_stage_hold(const char *url,
                          const char *const *pipelines,
                          size_t count,
                          struct stage_hold **ret_hold,
                          struct error *error)
{
    struct stage_hold *hold = mem_zalloc(sizeof(*hold));
    pthread_mutex_init(&hold->mutex, NULL);
    hold->pipelines = mem_calloc(count + 1, sizeof(hold->pipelines[0]));
    for (; hold->count < count; hold->count++) {
        hold->pipelines[hold->count] = mem_strdup(pipelines[hold->count]);
    }
    enum status status;
    TRY_OR_FAIL(pg_open(url, "staging", &hold->pg, error));
    TRY_OR_FAIL(take(hold, error));
    TRY_OR_FAIL(thread_start("hold", watch, hold, &hold->thread, error));
    *ret_hold = hold;
    return STATUS_OK;

fail:
    pg_stage_release(hold);
    return status;
}

enum status pg_stage_holds(struct stage_hold *hold, struct error *error)
{
    pthread_mutex_lock(&hold->mutex);
    enum status status = hold->lost.status;
    if (status != STATUS_OK) {
        *error = hold->lost;
    }
    pthread_mutex_unlock(&hold->mutex);
    return status;
}
