/* Where transactions begin and end, and what became of one whose end was not heard. */

#include "base/hash.h"
#include "base/logline.h"
#include "connectors/postgres/connection_internal.h"
#include "connectors/postgres/pg_error.h"
#include "connectors/postgres/pg_text.h"
#include "io/clock.h"

#include <inttypes.h>

/* How long the server may take to come back before an outcome stays open. */
#define DECIDE_US      (15 * INT64_C(1000000))
#define PAUSE_FIRST_US (50 * INT64_C(1000))
#define PAUSE_MAX_US   (1000 * INT64_C(1000))

int64_t pg_lock_number(const struct pg *pg, const char *kind, int64_t id)
{
    struct buffer name CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&name, "leat\n%s\n%s\n%" PRId64, pg->place.schema, kind, id);
    return (int64_t) hash64(buffer_slice(&name));
}

void pg_lock(struct pg *pg, const char *kind, int64_t id)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, pg_lock_number(pg, kind, id));
    (void) pg_send(pg, "SELECT pg_advisory_xact_lock($1)", &params);
}

void pg_allow_scans(struct pg *pg)
{
    (void) pg_send(pg, "SET LOCAL enable_seqscan = on", NULL);
}

/* ---- what became of it -------------------------------------------------------------------------
 */

/* The first statement waits for a transaction that is about to write the row for the first time,
 * the second for any other. */
static enum status ask_outcome(struct pg *pg, int64_t *ret_number, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_string(&params, pg->id);
    TRY(pg_connect(pg, error));
    (void) pg_send_once(pg,
                        "INSERT INTO leat_handles(id, number) VALUES ($1, 0)"
                        " ON CONFLICT (id) DO NOTHING",
                        &params);
    TRY(pg_wait(pg, error));
    size_t row =
        pg_send_once(pg, "SELECT number FROM leat_handles WHERE id = $1 FOR UPDATE", &params);
    TRY(pg_wait(pg, error));
    *ret_number = pg_rows(pg, row) == 0 ? 0 : pg_int(pg_result(pg, row), 0, 0);
    return STATUS_OK;
}

/* Finds out within `within_us`. */
static enum status decide(struct pg *pg, int64_t within_us, struct error *error)
{
    int64_t until_us = clock_monotonic_us() + within_us;
    int64_t pause_us = PAUSE_FIRST_US;
    for (;;) {
        int64_t number;
        enum status status = ask_outcome(pg, &number, error);
        if (status == STATUS_OK) {
            pg->in_doubt = false;
            pg->was_committed = number == pg->number;
            logline(LOG_INFO, pg->what, "the outcome of an interrupted commit is known",
                    LOG_STRING("outcome", pg->was_committed ? "committed" : "not committed"));
            return STATUS_OK;
        }
        if (!error->retriable || clock_monotonic_us() + pause_us > until_us) {
            error_context(error, "%s: whether the last commit went through is not known yet",
                          pg->what);
            return status;
        }
        clock_sleep_us(pause_us);
        pause_us = pause_us * 2 > PAUSE_MAX_US ? PAUSE_MAX_US : pause_us * 2;
    }
}

bool pg_was_committed(const struct pg *pg)
{
    return pg->was_committed;
}

/* ---- begin and end -----------------------------------------------------------------------------
 */

/* Held by transactions of holders in common, and alone by the one that claims. */
static void send_fence(struct pg *pg)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, pg_lock_number(pg, pg->fence.scope, 0));
    (void) pg_send(pg, "SELECT pg_advisory_xact_lock_shared($1)", &params);
    pg_params_clear(&params);
    pg_param_string(&params, pg->fence.scope);
    pg->fence_result = pg_send(pg, "SELECT number FROM leat_fences WHERE scope = $1", &params);
    pg->round_is_fenced = true;
}

enum status pg_fence_check(struct pg *pg, struct error *error)
{
    if (!pg->round_is_fenced) {
        return STATUS_OK;
    }
    pg->round_is_fenced = false;
    int64_t newest =
        pg_rows(pg, pg->fence_result) == 0 ? 0 : pg_int(pg_result(pg, pg->fence_result), 0, 0);
    return newest > pg->fence.number ? fence_refused(error, pg->what, &pg->fence, newest)
                                     : STATUS_OK;
}

static void send_number(struct pg *pg)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg->number++;
    pg_param_string(&params, pg->id);
    pg_param_int8(&params, pg->number);
    (void) pg_send(pg,
                   "INSERT INTO leat_handles(id, number) VALUES ($1, $2) ON CONFLICT (id)"
                   " DO UPDATE SET number = excluded.number, at = now()",
                   &params);
}

/* The one place where transactions begin. */
enum status pg_begin(struct pg *pg, enum pg_access access, struct error *error)
{
    pg->was_committed = false;
    pg->round_is_fenced = false;
    if (pg->in_doubt) {
        TRY(decide(pg, 0, error));
    }
    TRY(pg_connect(pg, error));
    pg->in_transaction = true;
    /* Not repeatable read: its snapshot would be of before the wait for a lock. */
    (void) pg_send(pg,
                   access == PG_READ ? "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
                                     : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                   NULL);
    if (pg->fence.number > 0) {
        send_fence(pg);
    }
    pg->access = access;
    if (access == PG_WRITE) {
        send_number(pg);
    }
    return STATUS_OK;
}

enum status pg_commit(struct pg *pg, struct error *error)
{
    if (pg->pending_count > 0 && pg->access != PG_READ) {
        TRY(pg_wait(pg, error)); /* the fence is judged before anything is committed */
    }
    size_t commit = pg_send(pg, "COMMIT", NULL);
    enum status status = pg_wait(pg, error);
    if (status == STATUS_OK) {
        pg->in_transaction = false;
        /* A transaction that failed before answers so. */
        return strcmp(PQcmdStatus((PGresult *) (uintptr_t) pg_result(pg, commit)), "COMMIT") == 0
                   ? STATUS_OK
                   : error_set(error, STATUS_INTERNAL, "%s: the server rolled the transaction back",
                               pg->what);
    }
    if (pg->connection != NULL || pg->access != PG_WRITE) {
        return status; /* refused, and that is sure; or nothing was at stake */
    }
    pg->in_doubt = true;
    TRY(decide(pg, DECIDE_US, error));
    if (!pg->was_committed) {
        return error_set(error, STATUS_UNAVAILABLE,
                         "%s: the connection to PostgreSQL at %s was lost before the commit",
                         pg->what, pg->place.shown);
    }
    return STATUS_OK;
}

void pg_rollback(struct pg *pg)
{
    struct error error;
    pg->round_is_fenced = false;
    if (pg->connection == NULL || !pg->in_transaction) {
        return;
    }
    if (pg->pending_count > 0 || pg->send_failed) {
        (void) !pg_wait(pg, &error);
        pg->round_is_fenced = false;
    }
    if (pg->connection != NULL) {
        (void) pg_send(pg, "ROLLBACK", NULL);
        (void) !pg_wait(pg, &error); /* else it is lost, and rolled back too */
    }
    pg->in_transaction = false;
}

/* ---- claims ------------------------------------------------------------------------------------
 */

/* A holder that was paused in the middle of a transaction keeps the lock in common, with a
 * connection that the kernel keeps alive: nothing of the server's own ends it. So the sessions of
 * older holders are ended by who takes over. Those of the same fence number are this process's own.
 */
static void send_end_of_older(struct pg *pg, const struct fence *fence)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, pg_lock_number(pg, fence->scope, 0));
    pg_param_string(&params, fence->scope);
    pg_param_int8(&params, fence->number);
    (void) pg_send(pg,
                   "SELECT pg_terminate_backend(held.pid) FROM pg_locks AS held"
                   " JOIN pg_stat_activity AS session USING (pid)"
                   " WHERE held.locktype = 'advisory' AND held.granted AND held.mode = 'ShareLock'"
                   " AND held.database = (SELECT oid FROM pg_database"
                   " WHERE datname = current_database())"
                   " AND held.classid = (($1::int8 >> 32) & 4294967295)::oid"
                   " AND held.objid = ($1::int8 & 4294967295)::oid AND held.objsubid = 1"
                   " AND session.usename = current_user"
                   " AND (SELECT number FROM leat_fences WHERE scope = $2) < $3",
                   &params);
}

enum status pg_fence(struct pg *pg, const struct fence *fence, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg->fence = (struct fence){0}; /* the transaction that claims is not yet under it */
    TRY(pg_begin(pg, PG_WRITE, error));
    send_end_of_older(pg, fence);
    pg_param_int8(&params, pg_lock_number(pg, fence->scope, 0));
    (void) pg_send(pg, "SELECT pg_advisory_xact_lock($1)", &params);
    pg_params_clear(&params);
    pg_param_string(&params, fence->scope);
    pg_param_int8(&params, fence->number);
    size_t claim = pg_send(pg,
                           "INSERT INTO leat_fences(scope, number) VALUES ($1, $2)"
                           " ON CONFLICT (scope) DO UPDATE"
                           " SET number = greatest(leat_fences.number, excluded.number)"
                           " RETURNING number",
                           &params);
    TRY_OR_FAIL(pg_wait(pg, error));
    int64_t newest = pg_int(pg_result(pg, claim), 0, 0);
    if (newest > fence->number) {
        status = fence_refused(error, pg->what, fence, newest);
        goto fail;
    }
    TRY_OR_FAIL(pg_commit(pg, error));
    pg->fence = (struct fence){arena_strdup(&pg->arena, fence->scope), fence->number};
    return STATUS_OK;

fail:
    pg_rollback(pg);
    return status;
}
