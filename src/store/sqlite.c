#include "store/sqlite_internal.h"

#include "base/assert.h"
#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Pages of 8 KiB beat 4 KiB by 5 to 30 % with batches of 460-byte rows, and 16 KiB loses with
 * small commits. The write-ahead log is moved into the file each time it has grown to 16 MiB. */
#define PAGE_BYTES         8192
#define CHECKPOINT_PAGES   2048
#define BUSY_TIMEOUT_US    INT64_C(5000000)
#define CACHE_BYTES        (INT64_C(4) << 20)
#define MAX_PAGE_COUNT_ALL INT64_C(1073741823)

/* ---- errors ------------------------------------------------------------------------------- */

static enum status status_of(int code, int system_errno)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_SCHEMA:
        return STATUS_AGAIN;
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return STATUS_IO;
    case SQLITE_CANTOPEN:
        return system_errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STATUS_CORRUPT;
    case SQLITE_CONSTRAINT:
        return STATUS_CONFLICT;
    case SQLITE_INTERRUPT:
        return STATUS_CANCELLED;
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
        return STATUS_LIMIT;
    default:
        return STATUS_INTERNAL; /* SQL that is wrong, a call out of order */
    }
}

enum status db_failed(const struct db *db, int code, const char *what, struct error *error)
{
    int system_errno = sqlite3_system_errno(db->handle);
    bool full =
        (code & 0xff) == SQLITE_FULL ||
        ((code & 0xff) == SQLITE_IOERR && (system_errno == ENOSPC || system_errno == EDQUOT));
    if (full) {
        return error_set_errno(error, ENOSPC, "could not %s \"%s\"", what, db->path);
    }
    /* A bind fails before SQLite writes a message of its own. */
    bool told = (sqlite3_errcode(db->handle) & 0xff) == (code & 0xff);
    const char *reason = told ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    enum status status = status_of(code, system_errno);
    (void) error_set(error, status, "could not %s \"%s\": %s", what, db->path, reason);
    error_code(error, code);
    if (status == STATUS_CORRUPT) {
        error_hint(error, "restore it from a backup, or move it away and let leat rebuild it");
    } else if (status == STATUS_AGAIN) {
        error_hint(error, "another process writes to it just now");
    }
    return status;
}

bool db_refuses_row(const struct error *error)
{
    int code = error->code & 0xff;
    return code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH;
}

/* ---- opening ------------------------------------------------------------------------------ */

enum status db_exec(struct db *db, const char *sql, struct error *error)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : db_failed(db, code, "run a statement on", error);
}

static enum status
exec_number(struct db *db, const char *pragma, int64_t value, struct error *error)
{
    char sql[96];
    (void) snprintf(sql, sizeof(sql), "PRAGMA %s = %" PRId64, pragma, value);
    return db_exec(db, sql, error);
}

/* Whose file is it? Asked before anything is changed. `ret_fresh`: nobody has written to it yet. */
static enum status check_identity(struct db *db,
                                  const struct db_options *options,
                                  bool *ret_fresh,
                                  struct error *error)
{
    int64_t schema;
    int64_t application_id;
    int64_t version;
    TRY(db_query_int(db, "PRAGMA schema_version", &schema, error));
    TRY(db_query_int(db, "PRAGMA application_id", &application_id, error));
    TRY(db_query_int(db, "PRAGMA user_version", &version, error));
    *ret_fresh = schema == 0 && application_id == 0;
    if (*ret_fresh) {
        return db->read_only ? error_set(error, STATUS_NOT_FOUND, "\"%s\" is empty", db->path)
                             : STATUS_OK;
    }
    if (application_id != options->application_id) {
        (void) error_set(error, STATUS_CONFIG,
                         "\"%s\" is a database of another program (application id 0x%08" PRIx32
                         ", not 0x%08" PRIx32 ")",
                         db->path, (uint32_t) application_id, (uint32_t) options->application_id);
        error_hint(error, "name another file; leat leaves this one as it is");
        return STATUS_CONFIG;
    }
    if (version > options->user_version) {
        (void) error_set(error, STATUS_CONFIG,
                         "\"%s\" has format %" PRId64 ", written by a newer leat; this one knows "
                         "up to %" PRId32,
                         db->path, version, options->user_version);
        error_hint(error, "use the newer leat again, or restore a backup from before");
        return STATUS_CONFIG;
    }
    db->user_version = (int32_t) version;
    return STATUS_OK;
}

/* The page size must come before anything is written; it has no effect on an existing file. */
static enum status
set_up_for_writing(struct db *db, const struct db_options *options, bool fresh, struct error *error)
{
    TRY(exec_number(db, "page_size", PAGE_BYTES, error));
    TRY(db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", error));
    TRY(exec_number(db, "wal_autocheckpoint", CHECKPOINT_PAGES, error));
    TRY(exec_number(db, "journal_size_limit", 2 * PAGE_BYTES * CHECKPOINT_PAGES, error));
    if (fresh) {
        TRY(exec_number(db, "application_id", options->application_id, error));
        TRY(db_set_user_version(db, options->user_version, error));
    }
    return STATUS_OK;
}

static enum status set_up(struct db *db, const struct db_options *options, struct error *error)
{
    int64_t cache = options->cache_bytes == 0 ? CACHE_BYTES : options->cache_bytes;
    int64_t timeout = options->busy_timeout_us == 0 ? BUSY_TIMEOUT_US : options->busy_timeout_us;
    (void) sqlite3_busy_timeout(db->handle, (int) (timeout / 1000));
    TRY(exec_number(db, "cache_size", -(cache / 1024), error));
    TRY(db_exec(db, "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF", error));
    bool fresh;
    TRY(check_identity(db, options, &fresh, error));
    return db->read_only ? STATUS_OK : set_up_for_writing(db, options, fresh, error);
}

enum status
db_open(const char *path, const struct db_options *options, struct db **ret_db, struct error *error)
{
    struct db *db = mem_zalloc(sizeof(*db));
    db->path = mem_strdup(path);
    db->read_only = (options->flags & DB_READ_ONLY) != 0;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= (options->flags & DB_CREATE) != 0 && !db->read_only ? SQLITE_OPEN_CREATE : 0;
    enum status status;
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code != SQLITE_OK) {
        status = db_failed(db, code, "open", error);
    } else {
        status = set_up(db, options, error);
    }
    if (status != STATUS_OK) {
        db_close(db);
        return status;
    }
    *ret_db = db;
    return STATUS_OK;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    ASSERT(db->used_count == 0);
    db_rollback(db);
    db_drop_statements(db);
    int code = sqlite3_close(db->handle);
    ASSERT(code == SQLITE_OK);
    mem_free(db->path);
    mem_free(db);
}

const char *db_path(const struct db *db)
{
    return db->path;
}

int32_t db_user_version(const struct db *db)
{
    return db->user_version;
}

enum status db_set_user_version(struct db *db, int32_t version, struct error *error)
{
    TRY(exec_number(db, "user_version", version, error));
    db->user_version = version;
    return STATUS_OK;
}

/* ---- transactions ------------------------------------------------------------------------- */

static enum status run_kept(struct db *db, const char *sql, const char *what, struct error *error)
{
    struct db_statement *statement;
    TRY(db_prepare(db, sql, &statement, error));
    int code = sqlite3_step(statement->compiled);
    enum status status = code == SQLITE_DONE ? STATUS_OK : db_failed(db, code, what, error);
    statement_release(statement);
    return status;
}

enum status db_begin(struct db *db, struct error *error)
{
    return run_kept(db, "BEGIN IMMEDIATE", "begin a transaction on", error);
}

enum status db_begin_read(struct db *db, struct error *error)
{
    return run_kept(db, "BEGIN DEFERRED", "begin to read", error);
}

enum status db_commit(struct db *db, struct error *error)
{
    return run_kept(db, "COMMIT", "commit to", error);
}

void db_rollback(struct db *db)
{
    if (!db_in_transaction(db)) {
        return; /* some errors have rolled back already */
    }
    int code = sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    ASSERT(code == SQLITE_OK || !db_in_transaction(db));
}

bool db_in_transaction(const struct db *db)
{
    return db->handle != NULL && sqlite3_get_autocommit(db->handle) == 0;
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_changes_total(const struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}

int64_t db_last_insert_rowid(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

void db_interrupt(struct db *db)
{
    sqlite3_interrupt(db->handle);
}

/* ---- the file ----------------------------------------------------------------------------- */

enum status db_checkpoint(struct db *db, struct error *error)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : db_failed(db, code, "checkpoint", error);
}

static enum status copy_pages(struct db *from, struct db *to, struct error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (backup == NULL) {
        return db_failed(to, sqlite3_extended_errcode(to->handle), "back up to", error);
    }
    int code = sqlite3_backup_step(backup, -1); /* readers and writers of a WAL go on meanwhile */
    int finished = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE && finished == SQLITE_OK) {
        return STATUS_OK;
    }
    return db_failed(to, code == SQLITE_DONE ? finished : code, "back up to", error);
}

enum status db_backup(struct db *db, const char *path, struct error *error)
{
    CLEANUP(mem_free_pointer) char *new_path = mem_printf("%s.new", path);
    (void) unlink(new_path); /* what a crashed backup left */
    struct db *copy = mem_zalloc(sizeof(*copy));
    copy->path = mem_strdup(new_path);
    int code =
        sqlite3_open_v2(new_path, &copy->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);
    enum status status =
        code == SQLITE_OK ? copy_pages(db, copy, error) : db_failed(copy, code, "open", error);
    db_close(copy);
    if (status == STATUS_OK) {
        status = file_rename(new_path, path, error);
    }
    if (status == STATUS_OK) {
        status = directory_sync_parent(path, error);
    }
    if (status != STATUS_OK) {
        (void) unlink(new_path);
    }
    return status;
}

enum status db_check(struct db *db, struct error *error)
{
    struct db_statement *statement;
    TRY(db_prepare(db, "PRAGMA integrity_check(1)", &statement, error));
    bool row;
    enum status status = statement_step(statement, &row, error);
    if (status == STATUS_OK && row) {
        struct slice text = statement_column_text(statement, 0);
        if (!slice_equal_string(text, "ok")) {
            status = error_set(error, STATUS_CORRUPT, "\"%s\" is damaged: %.*s", db->path,
                               SLICE_FORMAT(text));
        }
    }
    statement_release(statement);
    return status;
}

void db_limit_growth(struct db *db, int64_t pages)
{
    int64_t limit = MAX_PAGE_COUNT_ALL;
    if (pages >= 0) {
        int64_t now;
        enum status status = db_query_int(db, "PRAGMA page_count", &now, NULL);
        ASSERT(status == STATUS_OK);
        limit = now + pages > 0 ? now + pages : 1;
    }
    enum status status = exec_number(db, "max_page_count", limit, NULL);
    ASSERT(status == STATUS_OK);
}
