#include "store/sqlite_internal.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

/* Statements kept for reuse. A store has some tens; more come from texts that are used once. */
#define FREE_STATEMENTS_MAX 64

/* ---- compiled statements are kept --------------------------------------------------------- */

static struct db_statement *take_free(struct db *db, const char *sql, uint64_t hash)
{
    struct db_statement **link = &db->free_statements;
    for (; *link != NULL; link = &(*link)->next) {
        struct db_statement *statement = *link;
        if (statement->hash == hash && strcmp(statement->sql, sql) == 0) {
            *link = statement->next;
            db->free_count--;
            return statement;
        }
    }
    return NULL;
}

static void statement_free(struct db_statement *statement)
{
    (void) sqlite3_finalize(statement->compiled);
    mem_free(statement->sql);
    mem_free(statement);
}

enum status
db_prepare(struct db *db, const char *sql, struct db_statement **ret_statement, struct error *error)
{
    uint64_t hash = hash64(slice_of_string(sql));
    struct db_statement *statement = take_free(db, sql, hash);
    if (statement == NULL) {
        sqlite3_stmt *compiled = NULL;
        const char *rest = NULL;
        int code =
            sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &compiled, &rest);
        if (code != SQLITE_OK) {
            return db_failed(db, code, "prepare a statement on", error);
        }
        ASSERT(compiled != NULL && rest[strspn(rest, " \t\n;")] == '\0'); /* one statement */
        statement = mem_zalloc(sizeof(*statement));
        statement->db = db;
        statement->compiled = compiled;
        statement->sql = mem_strdup(sql);
        statement->hash = hash;
    }
    db->used_count++;
    *ret_statement = statement;
    return STATUS_OK;
}

void statement_release(struct db_statement *statement)
{
    if (statement == NULL) {
        return;
    }
    struct db *db = statement->db;
    statement_reset(statement);
    (void) sqlite3_clear_bindings(statement->compiled);
    db->used_count--;
    statement->next = db->free_statements;
    db->free_statements = statement;
    if (++db->free_count <= FREE_STATEMENTS_MAX) {
        return;
    }
    struct db_statement *before_last = db->free_statements;
    while (before_last->next->next != NULL) {
        before_last = before_last->next;
    }
    statement_free(before_last->next);
    before_last->next = NULL;
    db->free_count--;
}

void statement_release_pointer(struct db_statement **statement)
{
    statement_release(*statement);
}

void db_drop_statements(struct db *db)
{
    while (db->free_statements != NULL) {
        struct db_statement *next = db->free_statements->next;
        statement_free(db->free_statements);
        db->free_statements = next;
    }
    db->free_count = 0;
}

/* ---- parameters --------------------------------------------------------------------------- */

/* An index that does not exist, or a bind in the middle of the rows, is a fault of the caller. */
static void check_bind(struct db_statement *statement, int code)
{
    ASSERT(code != SQLITE_RANGE && code != SQLITE_MISUSE);
    if (code != SQLITE_OK && statement->bind_failed == 0) {
        statement->bind_failed = code;
    }
}

void statement_bind_null(struct db_statement *statement, int index)
{
    check_bind(statement, sqlite3_bind_null(statement->compiled, index));
}

void statement_bind_int(struct db_statement *statement, int index, int64_t value)
{
    check_bind(statement, sqlite3_bind_int64(statement->compiled, index, value));
}

void statement_bind_double(struct db_statement *statement, int index, double value)
{
    check_bind(statement, sqlite3_bind_double(statement->compiled, index, value));
}

void statement_bind_text(struct db_statement *statement, int index, struct slice utf8)
{
    const char *text = utf8.data == NULL ? "" : (const char *) utf8.data;
    check_bind(statement, sqlite3_bind_text64(statement->compiled, index, text, utf8.size,
                                              SQLITE_STATIC, SQLITE_UTF8));
}

void statement_bind_blob(struct db_statement *statement, int index, struct slice bytes)
{
    const void *data = bytes.data == NULL ? "" : (const void *) bytes.data;
    check_bind(statement,
               sqlite3_bind_blob64(statement->compiled, index, data, bytes.size, SQLITE_STATIC));
}

/* ---- rows --------------------------------------------------------------------------------- */

enum status statement_step(struct db_statement *statement, bool *ret_row, struct error *error)
{
    *ret_row = false;
    int code = statement->bind_failed;
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement->compiled);
    }
    if (code == SQLITE_ROW) {
        *ret_row = true;
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE) {
        bool reads = sqlite3_stmt_readonly(statement->compiled) != 0;
        status = db_failed(statement->db, code, reads ? "read from" : "write to", error);
    }
    statement_reset(statement);
    return status;
}

enum status statement_run(struct db_statement *statement, struct error *error)
{
    bool row;
    do {
        TRY(statement_step(statement, &row, error));
    } while (row);
    return STATUS_OK;
}

void statement_reset(struct db_statement *statement)
{
    (void) sqlite3_reset(statement->compiled); /* repeats the error that the step told */
    statement->bind_failed = SQLITE_OK;
}

int statement_column_count(const struct db_statement *statement)
{
    return sqlite3_column_count(statement->compiled);
}

const char *statement_column_name(const struct db_statement *statement, int column)
{
    return sqlite3_column_name(statement->compiled, column);
}

enum db_type statement_column_type(const struct db_statement *statement, int column)
{
    switch (sqlite3_column_type(statement->compiled, column)) {
    case SQLITE_INTEGER:
        return DB_INT;
    case SQLITE_FLOAT:
        return DB_DOUBLE;
    case SQLITE_TEXT:
        return DB_TEXT;
    case SQLITE_BLOB:
        return DB_BLOB;
    default:
        return DB_NULL;
    }
}

int64_t statement_column_int(const struct db_statement *statement, int column)
{
    return sqlite3_column_int64(statement->compiled, column);
}

double statement_column_double(const struct db_statement *statement, int column)
{
    return sqlite3_column_double(statement->compiled, column);
}

struct slice statement_column_text(const struct db_statement *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement->compiled, column);
    return slice_of(text,
                    text == NULL ? 0 : (size_t) sqlite3_column_bytes(statement->compiled, column));
}

struct slice statement_column_blob(const struct db_statement *statement, int column)
{
    if (sqlite3_column_type(statement->compiled, column) == SQLITE_NULL) {
        return SLICE_EMPTY;
    }
    const void *bytes = sqlite3_column_blob(statement->compiled, column);
    size_t size = (size_t) sqlite3_column_bytes(statement->compiled, column);
    return slice_of(bytes == NULL ? "" : bytes, size); /* SQLite gives NULL for an empty blob */
}

enum status db_query_int(struct db *db, const char *sql, int64_t *ret_value, struct error *error)
{
    struct db_statement *statement;
    TRY(db_prepare(db, sql, &statement, error));
    bool row;
    enum status status = statement_step(statement, &row, error);
    if (status == STATUS_OK && !row) {
        status = error_set(error, STATUS_NOT_FOUND, "\"%s\" has no such row", db->path);
    }
    if (status == STATUS_OK) {
        *ret_value = statement_column_int(statement, 0);
    }
    statement_release(statement);
    return status;
}
