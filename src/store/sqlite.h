#pragma once

/*
 * The embedded stores' database: SQLite in WAL mode, committed to disk before a commit returns
 * (synchronous = FULL). Only this folder sees sqlite3.h.
 *
 * A struct db belongs to one thread at a time, and its calls block: use it from a worker thread.
 * Other connections and processes may read at the same time, one may write. Never open the file of
 * an open database by other means: closing it would drop SQLite's locks (a rule of POSIX).
 *
 * Errors: AGAIN when the disk is full or another holds the lock, CORRUPT for a damaged file,
 * CONFLICT for a broken constraint, NOT_FOUND for a missing file, CONFIG for a foreign or newer
 * one, LIMIT, CANCELLED, IO, and INTERNAL for SQL that SQLite does not take. After a failure inside
 * a transaction the caller rolls back.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct db_statement;

enum db_flags {
    DB_READ_ONLY = 1, /* the file must exist; nothing is changed */
    DB_CREATE = 2,    /* makes the file if it does not exist     */
};

struct db_options {
    unsigned flags;
    int32_t application_id;  /* says whose file it is; a new file gets it, another is refused */
    int32_t user_version;    /* of the schema: a new file gets it, a newer one is refused      */
    int64_t busy_timeout_us; /* how long to wait for another's lock; 0: 5 s                    */
    int64_t cache_bytes;     /* of pages, for this connection; 0: 4 MiB                        */
};

MUST_USE enum status db_open(const char *path,
                             const struct db_options *options,
                             struct db **ret_db,
                             struct error *error);

/* Ends an open transaction by a rollback. All statements must be released. NULL is fine. */
void db_close(struct db *db);

const char *db_path(const struct db *db);

/* The version that the file has: lower than asked for if it was written by an older leat. Whoever
 * owns the schema then makes its additive changes and raises it, in one transaction. */
int32_t db_user_version(const struct db *db);
MUST_USE enum status db_set_user_version(struct db *db, int32_t version, struct error *error);

/* Runs one or more statements without parameters and results. */
MUST_USE enum status db_exec(struct db *db, const char *sql, struct error *error);

/* ---- transactions ----------------------------------------------------------------------------
 * BEGIN IMMEDIATE takes the write lock at once, so that a commit never fails for a lock. Rollback
 * is fine at any time, also outside of a transaction. */
MUST_USE enum status db_begin(struct db *db, struct error *error);
MUST_USE enum status db_begin_read(struct db *db, struct error *error); /* one snapshot */
MUST_USE enum status db_commit(struct db *db, struct error *error);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* ---- statements ------------------------------------------------------------------------------
 *     struct db_statement *insert;
 *     TRY(db_prepare(db, "INSERT INTO t(id, body) VALUES (?1, ?2)", &insert, error));
 *     for (...) {
 *         statement_bind_int(insert, 1, id);
 *         statement_bind_text(insert, 2, body);
 *         TRY_OR_FAIL(statement_run(insert, error));
 *     }
 *     fail: statement_release(insert);
 *
 * Compiled statements are kept: preparing the same text again costs a look-up. Each prepared
 * statement is released when its user is done; then its memory belongs to the db. */
MUST_USE enum status db_prepare(struct db *db,
                                const char *sql,
                                struct db_statement **ret_statement,
                                struct error *error);
void statement_release(struct db_statement *statement);          /* NULL is fine */
void statement_release_pointer(struct db_statement **statement); /* for CLEANUP(...) */

/* Parameters count from 1. Text and bytes are borrowed until the statement is reset, run or bound
 * anew; a NULL slice is empty, not null. A parameter that is too large fails the next step. */
void statement_bind_null(struct db_statement *statement, int index);
void statement_bind_int(struct db_statement *statement, int index, int64_t value);
void statement_bind_double(struct db_statement *statement, int index, double value);
void statement_bind_text(struct db_statement *statement, int index, struct slice utf8);
void statement_bind_blob(struct db_statement *statement, int index, struct slice bytes);

/* The next row (*ret_row true), or the end (false; the statement is reset). */
MUST_USE enum status
statement_step(struct db_statement *statement, bool *ret_row, struct error *error);

/* Runs to the end, ignoring rows, and resets: INSERT, UPDATE, DELETE. */
MUST_USE enum status statement_run(struct db_statement *statement, struct error *error);

/* Back to before the first row; parameters keep their values. */
void statement_reset(struct db_statement *statement);

/* Columns of the row count from 0. Text and bytes are valid until the next step, reset or release;
 * null gives 0, 0.0 or a slice with NULL data (empty text does not). */
enum db_type {
    DB_NULL,
    DB_INT,
    DB_DOUBLE,
    DB_TEXT,
    DB_BLOB
};

int statement_column_count(const struct db_statement *statement);
const char *statement_column_name(const struct db_statement *statement, int column);
enum db_type statement_column_type(const struct db_statement *statement, int column);
int64_t statement_column_int(const struct db_statement *statement, int column);
double statement_column_double(const struct db_statement *statement, int column);
struct slice statement_column_text(const struct db_statement *statement, int column);
struct slice statement_column_blob(const struct db_statement *statement, int column);

/* True for the failure of a statement that SQLite refuses for its values: a constraint or a
 * trigger, a value that is too large. It left no trace, and its transaction goes on. */
bool db_refuses_row(const struct error *error);

/* Rows that the last INSERT, UPDATE or DELETE changed, and all since db_open. */
int64_t db_changes(const struct db *db);
int64_t db_changes_total(const struct db *db);
int64_t db_last_insert_rowid(const struct db *db);

/* The first column of the first row: SELECT count(*) ... NOT_FOUND without a row. */
MUST_USE enum status
db_query_int(struct db *db, const char *sql, int64_t *ret_value, struct error *error);

/* ---- the schema ------------------------------------------------------------------------------ */

struct db_column {
    const char *name;
    const char *type; /* as declared; "" if not */
    bool not_null;
    int key_position; /* from 1 within the primary key; 0: not in it */
};

/* Tables and columns in their order; nothing is called for a table that does not exist. What is
 * passed is valid during the call. The visitor may not change the schema. */
MUST_USE enum status
db_tables(struct db *db,
          enum status (*visit)(void *context, const char *table, struct error *error),
          void *context,
          struct error *error);
MUST_USE enum status
db_columns(struct db *db,
           const char *table,
           enum status (*visit)(void *context, const struct db_column *column, struct error *error),
           void *context,
           struct error *error);
MUST_USE enum status
db_has_table(struct db *db, const char *table, bool *ret_exists, struct error *error);

/* A name as SQL writes it: in double quotes, inner ones doubled. No NUL inside. */
void db_append_name(struct buffer *sql, const char *name);

/* ---- the file -------------------------------------------------------------------------------- */

/* Moves the write-ahead log into the database file and empties it. AGAIN while readers hold it. */
MUST_USE enum status db_checkpoint(struct db *db, struct error *error);

/* A consistent copy, also while others write; complete or not there. Replaces `path`. */
MUST_USE enum status db_backup(struct db *db, const char *path, struct error *error);

/* Reads the whole file and checks it against itself. CORRUPT with the first fault. */
MUST_USE enum status db_check(struct db *db, struct error *error);

/* Ends what runs on this db with CANCELLED. The one call that another thread may make. */
void db_interrupt(struct db *db);

/* Tests only: the file may grow by `pages` (of 8 KiB) more, then the disk is "full"; -1: as ever.
 */
void db_limit_growth(struct db *db, int64_t pages);
