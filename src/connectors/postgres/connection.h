#pragma once

/*
 * A connection to PostgreSQL that comes back: statements go through libpq's pipeline mode, many to
 * a round trip, and each transaction begins and ends here.
 *
 *     TRY(pg_begin(pg, PG_WRITE, error));            connects if it must
 *     size_t rows = pg_send(pg, sql, &params);       any number of times
 *     TRY_OR_FAIL(pg_wait(pg, error));               all of them; the first failure
 *     ... pg_result(pg, rows) ...                    until the next pg_send
 *     TRY_OR_FAIL(pg_commit(pg, error));
 *     return STATUS_OK;
 *   fail:
 *     pg_rollback(pg);
 *
 * A commit whose answer is lost is decided, not guessed: each handle has a row in leat_handles, in
 * which each of its transactions writes its number. After the connection is back that row, locked,
 * says whether the transaction is there; the lock waits for one that still runs. If the server does
 * not come back soon the outcome stays open, pg_commit fails as retriable, and the next pg_begin
 * asks first.
 *
 * A fence (connect/lock.h) is checked in each transaction, reads included, under a shared lock that
 * a newer claim waits for.
 *
 * For one thread at a time.
 */

#include "base/error.h"
#include "connect/lock.h"
#include "connectors/postgres/pg_params.h"
#include "connectors/postgres/pg_place.h"

#include <libpq-fe.h>

struct pg;

enum pg_access {
    PG_READ,
    PG_WRITE,
    PG_REPEATABLE /* writes what may be written twice: its outcome is never asked for */
};

/* What is asked of the server: older ones lack what leat uses. */
#define PG_VERSION_MIN 130000

/* Connects. `what` is for messages: "staging". The place is copied. */
MUST_USE enum status
pg_open(const char *url, const char *what, struct pg **ret_pg, struct error *error);
void pg_close(struct pg *pg); /* NULL is fine */

const char *pg_schema(const struct pg *pg); /* of leat's own tables; not quoted */
const char *pg_shown(const struct pg *pg);  /* where, for messages */
int pg_version(const struct pg *pg);        /* as PQserverVersion */

/* Begins a transaction. What is queued by it travels with the first pg_wait. */
MUST_USE enum status pg_begin(struct pg *pg, enum pg_access access, struct error *error);

/* Queues a statement; the same text is prepared once. Returns which one it is, for pg_result.
 * `params` may be NULL; it is not needed afterwards. Failures show at pg_wait. */
size_t pg_send(struct pg *pg, const char *sql, const struct pg_params *params);

/* The same for a text that is used once. */
size_t pg_send_once(struct pg *pg, const char *sql, const struct pg_params *params);

/* Sends what is queued and waits for all of it. On a failure the transaction is lost. */
MUST_USE enum status pg_wait(struct pg *pg, struct error *error);
const PGresult *pg_result(const struct pg *pg, size_t statement);

/* Ends the transaction: waits for what is still queued, then commits. Of a reading one the results
 * that were queued since the last pg_wait can be read afterwards: it takes one round trip. */
MUST_USE enum status pg_commit(struct pg *pg, struct error *error);
void pg_rollback(struct pg *pg); /* also after a failed pg_commit, and without a transaction */

/* Whether the transaction whose outcome stayed open was committed: since the last pg_begin, which
 * found out. False if there was none. */
bool pg_was_committed(const struct pg *pg);

/* Claims leat's schema for a holder of coordination, as connect/stage.h says of `fence`. */
MUST_USE enum status pg_fence(struct pg *pg, const struct fence *fence, struct error *error);

/* Inside a transaction: from here on whole tables may be read without their index. */
void pg_allow_scans(struct pg *pg);

/* Inside a transaction: waits for others who lock the same thing, until it ends. */
void pg_lock(struct pg *pg, const char *kind, int64_t id);

/* ---- values of a result, in binary ------------------------------------------------------------
 */

int pg_rows(const struct pg *pg, size_t statement);
int64_t pg_affected(const struct pg *pg, size_t statement); /* rows that it changed */
bool pg_null(const PGresult *result, int row, int column);
int64_t pg_int(const PGresult *result, int row, int column); /* of 1, 2, 4 or 8 bytes; null: 0 */
struct slice pg_bytes(const PGresult *result, int row, int column); /* null: data NULL */

/* Text as pg_text.h wrote it, in the arena; NULL if null. */
const char *pg_string(const PGresult *result, int row, int column, struct arena *arena);
