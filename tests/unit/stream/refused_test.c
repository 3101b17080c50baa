/* Rows that a store refuses: SQLite, with a trigger that somebody gave the table. */

#include "store/sqlite.h"
#include "stream/processor.h"
#include "stream_fixture.h"

static void execute(const char *database, const char *sql)
{
    struct db *db;
    const char *path = arena_printf(&f.arena, "%s/%s", f.directory, database);
    const struct db_options options = {.application_id = 0x6c656102, .user_version = 1000};
    assert_ok(db_open(path, &options, &db, &f.error), f.error);
    assert_ok(db_exec(db, sql, &f.error), f.error);
    db_close(db);
}

static void guard(const char *database, const char *table)
{
    execute(database, arena_printf(&f.arena,
                                   "CREATE TRIGGER guard BEFORE INSERT ON %s WHEN NEW.v LIKE "
                                   "'bad%%' BEGIN SELECT RAISE(ABORT, 'not wanted here'); END",
                                   table));
}

static void send_four(void)
{
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_send("2", "{\"id\": 2, \"v\": \"bad\"}");
    fixture_send("3", "{\"id\": 3, \"v\": \"three\"}");
    fixture_send("4", "{\"id\": 4, \"v\": \"bad too\"}");
}

static const char good_rows[] = "{\"id\":0,\"v\":\"zero\"}\n{\"id\":1,\"v\":\"one\"}\n"
                                "{\"id\":3,\"v\":\"three\"}";
static const char all_rows[] = "{\"id\":0,\"v\":\"zero\"}\n{\"id\":1,\"v\":\"one\"}\n"
                               "{\"id\":2,\"v\":\"bad\"}\n{\"id\":3,\"v\":\"three\"}\n"
                               "{\"id\":4,\"v\":\"bad too\"}";

static void retry(int64_t id, bool resolves)
{
    bool resolved = !resolves;
    fixture_open();
    assert_ok(fixture_retry(id, &resolved), f.error);
    assert_int_equal(resolved, resolves);
    fixture_drain(STATUS_OK);
    fixture_close();
}

/* The rows in one transaction with progress. */
static void direct(void)
{
    fixture_topic("STRUCT<id: BIGINT, v: STRING>", 1);
    fixture_stream("s", "SELECT id, v FROM t");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
    fixture_send("0", "{\"id\": 0, \"v\": \"zero\"}");
    fixture_run(STATUS_OK);
    guard("tables.db", "rows");
}

static void test_direct(void **state)
{
    (void) state;
    direct();
    send_four();
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", good_rows);
    fixture_expect_fates(3, 0, 0, 2);
    assert_string_equal(fixture_letters("tables.db"),
                        "1 sink to_rows store t/0@2 0\n2 sink to_rows store t/0@4 0");
    fixture_run(STATUS_OK);
    fixture_expect_fates(3, 0, 0, 2);

    retry(1, false);
    fixture_expect_fates(3, 0, 0, 2);
    assert_string_equal(fixture_letters("tables.db"),
                        "2 sink to_rows store t/0@4 0\n3 sink to_rows store t/0@2 1");
    execute("tables.db", "DROP TRIGGER guard");
    retry(2, true);
    retry(3, true);
    fixture_expect_fates(5, 0, 0, 0);
    fixture_expect_rows("rows", all_rows);
    assert_string_equal(fixture_letters("tables.db"), "");
}

/* Two stores: progress and letters in the state, rows by its outbox. */
static void by_outbox(void)
{
    fixture_topic("STRUCT<id: BIGINT, v: STRING>", 1);
    fixture_stream("s", "SELECT id, v FROM t");
    fixture_sink_in("one.db", "s", "first", "id", NULL, DELETES_APPLY);
    fixture_sink_in("two.db", "s", "second", "id", NULL, DELETES_APPLY);
    fixture_send("0", "{\"id\": 0, \"v\": \"zero\"}");
    fixture_run(STATUS_OK);
    guard("one.db", "first");
    guard("two.db", "second");
}

static const char both_letters[] = "3 sink to_first,to_second store t/0@2 0\n"
                                   "4 sink to_first,to_second store t/0@4 0";

static void expect_both(void)
{
    assert_string_equal(fixture_rows("one.db", "first"), good_rows);
    assert_string_equal(fixture_rows("two.db", "second"), good_rows);
    fixture_expect_fates(3, 0, 0, 2);
}

static void test_by_outbox(void **state)
{
    (void) state;
    by_outbox();
    send_four();
    fixture_run(STATUS_OK);
    expect_both();
    assert_string_equal(fixture_letters("state.db"), both_letters);

    execute("one.db", "DROP TRIGGER guard");
    retry(3, false); /* the other still refuses it */
    fixture_expect_fates(3, 0, 0, 2);
    execute("two.db", "DROP TRIGGER guard");
    retry(4, true);
    retry(5, true);
    fixture_expect_fates(5, 0, 0, 0);
    assert_string_equal(fixture_rows("one.db", "first"), all_rows);
    assert_string_equal(fixture_rows("two.db", "second"), all_rows);
}

/* The task ends at each of the commits once: what is refused is kept once all the same. */
static void test_ends_in_between(void **state)
{
    static const struct {
        const char *store;
        int after;
    } ends[] = {
        {"state.db", 0}, /* the batch */
        {"one.db", 0},   /* its rows */
        {"state.db", 1}, /* what the first store refused */
        {"one.db", 1},   /* the rows that are left */
        {"two.db", 0},   {"state.db", 2}, {"two.db", 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        assert_int_equal(fixture_teardown(state), 0);
        assert_int_equal(fixture_setup(state), 0);
        by_outbox();
        send_four();
        f.failure = (struct fixture_failure){ends[i].store, ends[i].after, 1, STATUS_INTERNAL};
        fixture_run(STATUS_INTERNAL);
        fixture_run(STATUS_OK);
        expect_both();
    }
}

/* A record that a query refused has one letter, with the store's reason beside. */
static void test_refused_twice(void **state)
{
    (void) state;
    direct();
    fixture_forget_streams();
    fixture_stream("s", "SELECT id, v FROM t");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
    fixture_stream("strict",
                   "SELECT id, CAST(substr(v, 9) AS INT) AS n FROM t WHERE v LIKE 'bad %'");
    fixture_sink("strict", "numbers", "id", DELETES_APPLY);
    fixture_send("1", "{\"id\": 1, \"v\": \"bad two\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 1);
    assert_string_equal(fixture_letters("tables.db"), "1 process strict,to_rows cast t/0@1 0");
}

/* A row of a group has no record: the letter holds the row, and nothing is counted otherwise. */
static void test_from_state(void **state)
{
    (void) state;
    fixture_topic("STRUCT<id: BIGINT, v: STRING>", 1);
    fixture_stream("counts", "SELECT v, count(*) AS n FROM t GROUP BY v");
    fixture_sink("counts", "counts", "v", DELETES_APPLY);
    fixture_send("0", "{\"id\": 0, \"v\": \"zero\"}");
    fixture_run(STATUS_OK);
    guard("tables.db", "counts");
    fixture_send("1", "{\"id\": 1, \"v\": \"bad\"}");
    fixture_send("2", "{\"id\": 2, \"v\": \"good\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("counts", "{\"v\":\"good\",\"n\":1}\n{\"v\":\"zero\",\"n\":1}");
    fixture_expect_fates(3, 0, 0, 0); /* the record counts in its group */
    assert_non_null(strstr(fixture_letters("state.db"), "sink to_counts store"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_direct, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_by_outbox, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ends_in_between, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused_twice, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_from_state, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
