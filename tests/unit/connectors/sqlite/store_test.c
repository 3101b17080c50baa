/* The store contract over SQLite, and what only a file can do: be full. */

#include "connectors/sqlite/sqlite_store.h"

#include "connectors/sqlite/store_internal.h"
#include "io/file.h"
#include "store_contract.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

static char directory[64];

static const char *make(void *context)
{
    (void) context;
    static char path[96];
    snprintf(directory, sizeof(directory), "/tmp/leat-store-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/tables.db", directory);
    return path;
}

static void take_away(void *context, const char *url)
{
    (void) context;
    (void) url;
    struct error error;
    assert_ok(directory_remove(directory, &error), error);
}

static void guard(void *context, const char *url)
{
    const struct db_options options = {.application_id = 0x6c656102, .user_version = 1000};
    struct error error;
    struct db *db;
    (void) context;
    assert_ok(db_open(url, &options, &db, &error), error);
    assert_ok(db_exec(db,
                      "CREATE TRIGGER guard BEFORE INSERT ON \"space.pairs\" WHEN NEW.content ="
                      " 'r\xc3\xb6"
                      "d' BEGIN SELECT RAISE(ABORT, 'not wanted here'); END",
                      &error),
              error);
    db_close(db);
}

/* The disk is full after 0, 1, 2, ... more pages: rows, progress and dead letter stay together. */
static void full_disk(void **state)
{
    (void) state;

    enum {
        ROWS = 100
    };
    struct error error;
    const char *url = make(NULL);
    struct store *store;
    struct arena arena;
    arena_init(&arena, 0);
    assert_ok(sqlite_store_ops.open(url, false, &store, &error), error);
    const struct store_column columns[] = {{"id", type_plain(TYPE_BIGINT), STORE_PLAIN},
                                           {"text", type_plain(TYPE_STRING), STORE_PLAIN}};
    static const uint32_t key[] = {0};
    const struct store_table table = {.name = "t",
                                      .columns = columns,
                                      .column_count = 2,
                                      .key = key,
                                      .key_count = 1,
                                      .partition_count = 1};
    assert_ok(sqlite_store_ops.table_ensure(store, &table, &error), error);
    struct column_builder id, text;
    column_builder_init(&id, &arena, columns[0].type, ROWS);
    column_builder_init(&text, &arena, columns[1].type, ROWS);
    char body[2000];
    memset(body, 'x', sizeof(body));
    int64_t versions[ROWS];
    for (int i = 0; i < ROWS; i++) {
        column_append_int(&id, i);
        column_append_bytes(&text, slice_of(body, sizeof(body)));
        versions[i] = 1;
    }
    const struct type_field fields[] = {{"id", columns[0].type, false},
                                        {"text", columns[1].type, false}};
    const struct column *const built[] = {column_builder_finish(&id), column_builder_finish(&text)};
    struct batch batch = {ROWS, type_struct(&arena, fields, 2), built};
    struct store_write write = {&table, &batch, NULL, versions};
    struct store_progress progress = {"task", 1, SLICE("x")};
    struct dead_letter letter = {.pipeline = "p", .name = "s", .reason = "cast"};
    struct store_commit commit = {&write, 1, &progress, &letter, 1, NULL, 0, NULL};
    int failed = 0;
    enum status status = STATUS_AGAIN;
    for (int64_t pages = 0; status != STATUS_OK; pages++) {
        db_limit_growth(store->db, pages);
        status = sqlite_store_ops.commit(store, &commit, &error);
        db_limit_growth(store->db, -1);
        bool done = status == STATUS_OK;
        assert_true(done || status == STATUS_AGAIN);
        failed += !done;
        int64_t rows, letters;
        assert_ok(db_query_int(store->db, "SELECT count(*) FROM t", &rows, &error), error);
        assert_ok(db_query_int(store->db, "SELECT count(*) FROM leat_dead", &letters, &error),
                  error);
        struct store_progress found;
        enum status has = sqlite_store_ops.progress_load(store, "task", &arena, &found, &error);
        assert_int_equal(rows, done ? ROWS : 0);
        assert_int_equal(letters, done ? 1 : 0);
        assert_int_equal(has, done ? STATUS_OK : STATUS_NOT_FOUND);
    }
    assert_true(failed > 10);
    assert_ok(db_check(store->db, &error), error);
    sqlite_store_ops.close(store);
    arena_deinit(&arena);
    take_away(NULL, url);
}

int main(void)
{
    struct store_contract contract = {
        .ops = &sqlite_store_ops, .make = make, .remove = take_away, .guard = guard};
    int failures = store_contract(&contract);
    const struct CMUnitTest tests[] = {cmocka_unit_test(full_disk)};
    return failures + cmocka_run_group_tests(tests, NULL, NULL);
}
