#include "store/sqlite.h"

#include "base/buffer.h"
#include "io/file.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define APPLICATION_ID 0x6c656174

static char directory[64];
static char path[128];
static struct error error;
static const struct db_options make = {.flags = DB_CREATE,
                                       .application_id = APPLICATION_ID,
                                       .user_version = 3,
                                       .busy_timeout_us = 20000};
static const struct db_options look = {
    .flags = DB_READ_ONLY, .application_id = APPLICATION_ID, .user_version = 3};

static int set_up(void **state)
{
    (void) state;
    (void) strcpy(directory, "/tmp/leat-test-XXXXXX");
    (void) snprintf(path, sizeof(path), "%s/t.db", mkdtemp(directory));
    error_clear(&error);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    return directory_remove(directory, NULL) == STATUS_OK ? 0 : -1;
}

static struct db *open_with(const struct db_options *options)
{
    struct db *db = NULL;
    assert_ok(db_open(path, options, &db, &error), error);
    return db;
}

static struct db *open_new(void)
{
    struct db *db = open_with(&make);
    assert_ok(
        db_exec(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE, n)", &error),
        error);
    return db;
}

static enum status insert(struct db *db, int64_t id, const char *body)
{
    struct db_statement *statement;
    TRY(db_prepare(db, "INSERT INTO t(id, body) VALUES (?1, ?2)", &statement, &error));
    statement_bind_int(statement, 1, id);
    statement_bind_text(statement, 2, slice_of_string(body));
    enum status status = statement_run(statement, &error);
    statement_release(statement);
    return status;
}

static int64_t count(struct db *db)
{
    int64_t value = -1;
    assert_ok(db_query_int(db, "SELECT count(*) FROM t", &value, &error), error);
    return value;
}

/* What Python's sqlite3 says about the file. */
static void assert_python_says(const char *sql, const char *expected)
{
    char command[512];
    (void) snprintf(
        command, sizeof(command),
        "python3 -c \"import sqlite3,sys; "
        "print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])\" '%s' \"%s\"",
        path, sql);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char answer[256] = "";
    assert_non_null(fgets(answer, sizeof(answer), pipe));
    assert_int_equal(pclose(pipe), 0);
    answer[strcspn(answer, "\n")] = '\0';
    assert_string_equal(answer, expected);
}

static void keeps_every_type(void **state)
{
    (void) state;
    struct db *db = open_with(&make);
    assert_ok(db_exec(db, "CREATE TABLE v(a, b, c, d, e, f, g)", &error), error);
    struct db_statement *statement;
    assert_ok(
        db_prepare(db, "INSERT INTO v VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &statement, &error),
        error);
    statement_bind_null(statement, 1);
    statement_bind_int(statement, 2, INT64_MIN);
    statement_bind_double(statement, 3, 0.1);
    statement_bind_text(statement, 4, SLICE("\xc3\xa9\xf0\x9f\x98\x80"));
    statement_bind_blob(statement, 5, SLICE("a\0\xff"));
    statement_bind_text(statement, 6, SLICE_EMPTY);
    statement_bind_blob(statement, 7, SLICE_EMPTY);
    assert_ok(statement_run(statement, &error), error);
    assert_int_equal(db_changes(db), 1);
    assert_int_equal(db_last_insert_rowid(db), 1);
    statement_release(statement);

    bool row;
    assert_ok(db_prepare(db, "SELECT * FROM v", &statement, &error), error);
    assert_ok(statement_step(statement, &row, &error), error);
    assert_true(row);
    assert_int_equal(statement_column_count(statement), 7);
    assert_string_equal(statement_column_name(statement, 1), "b");

    static const enum db_type types[] = {DB_NULL, DB_INT,  DB_DOUBLE, DB_TEXT,
                                         DB_BLOB, DB_TEXT, DB_BLOB};

    for (int i = 0; i < 7; i++) {
        assert_int_equal(statement_column_type(statement, i), types[i]);
    }
    assert_null(statement_column_text(statement, 0).data);
    assert_null(statement_column_blob(statement, 0).data);
    assert_true(statement_column_int(statement, 1) == INT64_MIN);
    assert_true(statement_column_double(statement, 2) == 0.1);
    assert_true(
        slice_equal(statement_column_text(statement, 3), SLICE("\xc3\xa9\xf0\x9f\x98\x80")));
    assert_true(slice_equal(statement_column_blob(statement, 4), SLICE("a\0\xff")));
    assert_non_null(statement_column_text(statement, 5).data);
    assert_non_null(statement_column_blob(statement, 6).data);
    assert_ok(statement_step(statement, &row, &error), error);
    assert_false(row);
    statement_release(statement);
    db_close(db);
    assert_python_says("SELECT hex(e) || length(d) || typeof(f) FROM v", "6100FF2text");
    assert_python_says("PRAGMA page_size", "8192");
    assert_python_says("PRAGMA journal_mode", "wal");
    assert_python_says("PRAGMA application_id", "1818583412");
}

static void commits_and_rolls_back(void **state)
{
    (void) state;
    struct db *db = open_new();
    assert_ok(db_begin(db, &error), error);
    assert_true(db_in_transaction(db));
    for (int i = 0; i < 1000; i++) {
        char body[32];
        (void) snprintf(body, sizeof(body), "row %d", i);
        assert_ok(insert(db, i, body), error);
    }
    struct db *reader = open_with(&look);
    assert_int_equal(count(reader), 0); /* not before the commit */
    assert_ok(db_commit(db, &error), error);
    assert_int_equal(count(reader), 1000);
    assert_ok(db_begin(db, &error), error);
    assert_ok(insert(db, 5000, "gone"), error);
    db_rollback(db);
    db_rollback(db);
    assert_int_equal(count(db), 1000);
    assert_fails(insert(db, 1, "other"), STATUS_CONFLICT, error, "UNIQUE constraint failed: t.id");
    assert_fails(insert(reader, 7000, "x"), STATUS_IO, error, "readonly");
    db_close(reader);
    db_close(db);
}

static void keeps_statements(void **state)
{
    (void) state;
    struct db *db = open_new();
    struct db_statement *first;
    struct db_statement *second;
    assert_ok(db_prepare(db, "SELECT 1", &first, &error), error);
    assert_ok(db_prepare(db, "SELECT 1", &second, &error), error);
    assert_ptr_not_equal(first, second); /* both are in use */
    statement_release(first);
    statement_release(second);
    struct db_statement *again;
    assert_ok(db_prepare(db, "SELECT 1", &again, &error), error);
    assert_ptr_equal(again, second);
    statement_release(again);
    statement_release(NULL);
    for (int i = 0; i < 500; i++) { /* more texts than are kept */
        char sql[64];
        (void) snprintf(sql, sizeof(sql), "SELECT %d", i);
        int64_t value;
        assert_ok(db_query_int(db, sql, &value, &error), error);
        assert_int_equal(value, i);
    }
    assert_fails(db_prepare(db, "SELEC 1", &again, &error), STATUS_INTERNAL, error, "syntax error");
    int64_t value;
    assert_fails(db_query_int(db, "SELECT 1 WHERE 0", &value, &error), STATUS_NOT_FOUND, error,
                 "no such row");
    db_close(db);
    db_close(NULL);
}

static void refuses_foreign_files(void **state)
{
    (void) state;
    struct db *db;
    struct db_options must_exist = make;
    must_exist.flags = 0;
    assert_fails(db_open(path, &must_exist, &db, &error), STATUS_NOT_FOUND, error,
                 "could not open");
    assert_fails(db_open(path, &look, &db, &error), STATUS_NOT_FOUND, error, "could not open");
    db_close(open_new());

    struct db_options other = make;
    other.application_id = 1;
    assert_fails(db_open(path, &other, &db, &error), STATUS_CONFIG, error,
                 "a database of another program");
    struct db_options older = make;
    older.user_version = 2;
    assert_fails(db_open(path, &older, &db, &error), STATUS_CONFIG, error,
                 "has format 3, written by a newer leat; this one knows up to 2");
    struct db_options newer = make;
    newer.user_version = 4;
    db = open_with(&newer);
    assert_int_equal(db_user_version(db), 3);
    assert_ok(db_set_user_version(db, 4, &error), error);
    db_close(db);
    assert_python_says("PRAGMA user_version", "4");

    char command[256];
    (void) snprintf(command, sizeof(command),
                    "rm '%s'; python3 -c \"import sqlite3; c = sqlite3.connect('%s'); "
                    "c.execute('create table x(y)'); c.commit()\"",
                    path, path);
    assert_int_equal(system(command), 0);
    assert_fails(db_open(path, &make, &db, &error), STATUS_CONFIG, error,
                 "a database of another program");
    assert_python_says("PRAGMA journal_mode", "delete"); /* left as it was */
}

static void overwrite(int64_t offset, struct slice bytes)
{
    int fd;
    assert_ok(file_open(path, O_RDWR | O_CREAT, 0600, &fd, &error), error);
    assert_ok(file_write_at(fd, bytes, (uint64_t) offset, &error), error);
    file_close(fd);
}

static void finds_damage(void **state)
{
    (void) state;
    struct db *db = open_new();
    assert_ok(db_begin(db, &error), error);
    for (int i = 0; i < 3000; i++) {
        char body[64];
        (void) snprintf(body, sizeof(body), "some text that fills pages %d", i);
        assert_ok(insert(db, i, body), error);
    }
    assert_ok(db_commit(db, &error), error);
    assert_ok(db_check(db, &error), error);
    db_close(db);
    overwrite(8192, SLICE("rubbish rubbish rubbish rubbish")); /* the root page of t */
    db = open_with(&make);
    assert_fails(db_check(db, &error), STATUS_CORRUPT, error, "");
    struct db_statement *scan;
    assert_ok(db_prepare(db, "SELECT max(n) FROM t", &scan, &error), error);
    bool row;
    assert_fails(statement_step(scan, &row, &error), STATUS_CORRUPT, error, "malformed");
    assert_non_null(strstr(error.hint, "backup"));
    statement_release(scan);
    db_close(db);

    overwrite(0, SLICE("this is no database at all, but it is long enough"));
    assert_fails(db_open(path, &make, &db, &error), STATUS_CORRUPT, error, "not a database");
    (void) snprintf(path, sizeof(path), "%s", directory);
    assert_int_not_equal(db_open(path, &make, &db, &error), STATUS_OK);
}

static void survives_a_full_disk(void **state)
{
    (void) state;
    struct db *db = open_new();
    assert_ok(insert(db, -1, "before"), error);
    db_limit_growth(db, 4);
    enum status status = STATUS_OK;
    assert_ok(db_begin(db, &error), error);
    char body[2048];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    for (int i = 0; i < 1000 && status == STATUS_OK; i++) {
        (void) snprintf(body, 8, "%06d", i);
        body[6] = 'x';
        status = insert(db, i, body);
    }
    assert_int_equal(status, STATUS_AGAIN);
    assert_non_null(strstr(error.message, "disk is full"));
    assert_true(error.retriable);
    assert_non_null(strstr(error.hint, "free some space"));
    db_rollback(db);
    assert_int_equal(count(db), 1);
    db_limit_growth(db, -1);
    assert_ok(insert(db, 1, body), error);
    assert_int_equal(count(db), 2);
    db_close(db);
    assert_python_says("PRAGMA integrity_check", "ok");
}

static void waits_for_locks_only_so_long(void **state)
{
    (void) state;
    struct db *one = open_new();
    struct db *two = open_with(&make);
    assert_ok(db_begin(one, &error), error);
    assert_fails(db_begin(two, &error), STATUS_AGAIN, error, "database is locked");
    assert_ok(insert(one, 1, "x"), error);
    assert_ok(db_commit(one, &error), error);
    assert_ok(db_begin(two, &error), error);
    assert_int_equal(count(two), 1);
    assert_ok(db_commit(two, &error), error);

    assert_ok(db_begin_read(two, &error), error);
    assert_int_equal(count(two), 1);
    assert_ok(insert(one, 2, "y"), error);
    assert_int_equal(count(two), 1); /* its snapshot */
    assert_fails(db_checkpoint(one, &error), STATUS_AGAIN, error, "could not checkpoint");
    assert_ok(db_commit(two, &error), error);
    assert_int_equal(count(two), 2);
    assert_ok(db_checkpoint(one, &error), error);
    db_close(two);
    db_close(one);
}

/* A child is killed after a commit and in the middle of the next transaction. */
static void survives_kill(void **state)
{
    (void) state;
    db_close(open_new());
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct db *db;
        bool good = db_open(path, &make, &db, NULL) == STATUS_OK && db_begin(db, NULL) == STATUS_OK;
        for (int i = 0; good && i < 100; i++) {
            char body[16];
            (void) snprintf(body, sizeof(body), "%d", i);
            good = insert(db, i, body) == STATUS_OK;
        }
        good = good && db_commit(db, NULL) == STATUS_OK && db_begin(db, NULL) == STATUS_OK &&
               insert(db, 1000, "lost") == STATUS_OK;
        (void) kill(getpid(), good ? SIGKILL : SIGTERM);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct db *db = open_with(&make);
    assert_int_equal(count(db), 100);
    assert_ok(db_check(db, &error), error);
    db_close(db);
}

static void backs_up(void **state)
{
    (void) state;
    struct db *db = open_new();
    for (int i = 0; i < 50; i++) {
        char body[16];
        (void) snprintf(body, sizeof(body), "%d", i);
        assert_ok(insert(db, i, body), error);
    }
    char copy[160];
    (void) snprintf(copy, sizeof(copy), "%s/copy.db", directory);
    assert_ok(db_backup(db, copy, &error), error);
    assert_ok(insert(db, 100, "later"), error);
    assert_ok(db_backup(db, copy, &error), error); /* replaces */
    file_fault(0, EIO);
    assert_fails(db_backup(db, copy, &error), STATUS_IO, error, "could not rename");
    file_fault(-1, 0);
    assert_fails(db_backup(db, "/nonexistent/x.db", &error), STATUS_NOT_FOUND, error,
                 "could not open");
    db_close(db);
    (void) snprintf(path, sizeof(path), "%s", copy);
    db = open_with(&look);
    assert_int_equal(count(db), 51);
    db_close(db);
}

struct seen {
    char text[256];
};

static enum status see_table(void *context, const char *table, struct error *unused)
{
    (void) unused;
    struct seen *seen = context;
    (void) strcat(strcat(seen->text, table), ";");
    return STATUS_OK;
}

static enum status see_column(void *context, const struct db_column *column, struct error *unused)
{
    (void) unused;
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    (void) snprintf(seen->text + used, sizeof(seen->text) - used, "%s %s %d %d;", column->name,
                    column->type, column->not_null, column->key_position);
    return STATUS_OK;
}

static void lists_the_schema(void **state)
{
    (void) state;
    struct db *db = open_new();
    CLEANUP(buffer_deinit) struct buffer sql = BUFFER_INIT;
    buffer_append_string(&sql, "CREATE TABLE ");
    db_append_name(&sql, "odd \"name\"; drop");
    buffer_append_string(&sql, "(x)");
    assert_ok(db_exec(db, buffer_string(&sql), &error), error);
    struct seen seen = {""};
    assert_ok(db_tables(db, see_table, &seen, &error), error);
    assert_string_equal(seen.text, "t;odd \"name\"; drop;");
    seen.text[0] = '\0';
    assert_ok(db_columns(db, "t", see_column, &seen, &error), error);
    assert_string_equal(seen.text, "id INTEGER 0 1;body TEXT 1 0;n  0 0;");
    seen.text[0] = '\0';
    assert_ok(db_columns(db, "none", see_column, &seen, &error), error);
    assert_string_equal(seen.text, "");
    bool exists;
    assert_ok(db_has_table(db, "odd \"name\"; drop", &exists, &error), error);
    assert_true(exists);
    assert_ok(db_has_table(db, "none", &exists, &error), error);
    assert_false(exists);
    db_close(db);
}

static void *interrupt(void *context)
{
    db_interrupt(context);
    return NULL;
}

static enum status interrupt_from_elsewhere(void *context, const char *table, struct error *unused)
{
    (void) table;
    (void) unused;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt, context), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return STATUS_OK;
}

static void can_be_interrupted(void **state)
{
    (void) state;
    struct db *db = open_new();
    assert_fails(db_tables(db, interrupt_from_elsewhere, db, &error), STATUS_CANCELLED, error,
                 "interrupted");
    assert_int_equal(count(db), 0); /* and goes on */
    db_close(db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(keeps_every_type),
        TEST(commits_and_rolls_back),
        TEST(keeps_statements),
        TEST(refuses_foreign_files),
        TEST(finds_damage),
        TEST(survives_a_full_disk),
        TEST(waits_for_locks_only_so_long),
        TEST(survives_kill),
        TEST(backs_up),
        TEST(lists_the_schema),
        TEST(can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
