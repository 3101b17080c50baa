/* Commits that fail, once for a while or for good, at every place: after it, each record counts
 * once and each row stands once. */

#include "stream_fixture.h"

#include <stdio.h>

#define RECORDS 12

/* Counts in state, copies in two stores: state.db, tables.db and other.db commit. */
static void three_stores(void)
{
    fixture_topic("STRUCT<id: BIGINT, k: STRING>", 1);
    f.job.batch_records = 3;
    fixture_stream("counts", "SELECT k, count(*) AS n, sum(id) AS s FROM t GROUP BY k");
    fixture_sink("counts", "counts", "k", DELETES_APPLY);
    fixture_stream("copies", "SELECT id, k FROM t");
    fixture_sink_in("other.db", "copies", "copies", "id", NULL, DELETES_APPLY);
}

static void one_store(void)
{
    fixture_topic("STRUCT<id: BIGINT, k: STRING>", 1);
    f.job.batch_records = 3;
    fixture_stream("copies", "SELECT id, k FROM t");
    fixture_sink("copies", "copies", "id", DELETES_APPLY);
}

static void send_all(void)
{
    for (int i = 0; i < RECORDS; i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"id\": %d, \"k\": \"%c\"}", i, "ab"[i % 2]);
        fixture_send("k", json);
    }
}

static size_t line_count(const char *text)
{
    size_t count = *text != '\0';
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void expect_all(void)
{
    fixture_expect_fates(RECORDS, 0, 0, 0);
    /* 0 + 2 + ... + 10 and 1 + 3 + ... + 11 */
    fixture_expect_rows("counts", "{\"k\":\"a\",\"n\":6,\"s\":30}\n{\"k\":\"b\",\"n\":6,\"s\":36}");
    assert_int_equal(line_count(fixture_rows("other.db", "copies")), RECORDS);
}

static const char *const databases[] = {"state.db", "tables.db", "other.db"};

static void test_failures_that_pass(void **state)
{
    for (size_t d = 0; d < 3; d++) {
        for (int after = 0; after < 5; after++) {
            fixture_setup(state);
            three_stores();
            send_all();
            f.failure = (struct fixture_failure){databases[d], after, 1, STATUS_AGAIN};
            fixture_run(STATUS_OK);
            expect_all();
            fixture_teardown(state);
        }
    }
}

static void test_failures_for_good(void **state)
{
    for (size_t d = 0; d < 3; d++) {
        for (int after = 0; after < 4; after++) {
            fixture_setup(state);
            three_stores();
            send_all();
            f.failure = (struct fixture_failure){databases[d], after, 1, STATUS_INTERNAL};
            fixture_run(STATUS_INTERNAL);
            fixture_run(STATUS_OK);
            expect_all();
            fixture_run(STATUS_OK); /* nothing more comes */
            expect_all();
            fixture_teardown(state);
        }
    }
}

/* The state is committed, the delivery fails, and so it does at every start: rows wait, and are all
 * there once the store takes them. */
static void test_store_that_stays_away(void **state)
{
    fixture_setup(state);
    three_stores();
    send_all();
    f.failure = (struct fixture_failure){"other.db", 1, 3, STATUS_INTERNAL};
    fixture_run(STATUS_INTERNAL);
    fixture_run(STATUS_INTERNAL); /* already when it opens */
    fixture_run(STATUS_INTERNAL);
    fixture_run(STATUS_OK);
    expect_all();
    fixture_teardown(state);
}

static void test_direct(void **state)
{
    static const enum status statuses[] = {STATUS_AGAIN, STATUS_INTERNAL};

    for (size_t s = 0; s < 2; s++) {
        for (int after = 0; after < 4; after++) {
            fixture_setup(state);
            one_store();
            send_all();
            f.failure = (struct fixture_failure){"tables.db", after, 1, statuses[s]};
            fixture_run(s == 0 ? STATUS_OK : STATUS_INTERNAL);
            fixture_run(STATUS_OK);
            fixture_expect_fates(RECORDS, 0, 0, 0);
            assert_int_equal(line_count(fixture_rows("tables.db", "copies")), RECORDS);
            fixture_teardown(state);
        }
    }
}

static void test_state_that_is_older_than_the_tables(void **state)
{
    fixture_setup(state);
    three_stores();
    send_all();
    fixture_run(STATUS_OK);
    f.job.state_url = arena_printf(&f.arena, "%s/lost.db", f.directory);
    fixture_run(STATUS_CORRUPT);
    assert_non_null(strstr(f.status.last_error.message, "older than the tables"));
    fixture_teardown(state);
}

/* The columns of a sink may change once its rows are delivered, though the entry still stands. */
static void test_columns_change(void **state)
{
    fixture_setup(state);
    three_stores();
    send_all();
    fixture_run(STATUS_OK);
    fixture_forget_streams();
    fixture_stream("counts", "SELECT k, count(*) AS n, sum(id) AS s FROM t GROUP BY k");
    fixture_sink("counts", "counts", "k", DELETES_APPLY);
    fixture_stream("copies", "SELECT id, k, upper(k) AS upper FROM t");
    fixture_sink_in("other.db", "copies", "copies", "id", NULL, DELETES_APPLY);
    fixture_send("k", "{\"id\": 100, \"k\": \"z\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(RECORDS + 1, 0, 0, 0);
    assert_non_null(
        strstr(fixture_rows("other.db", "copies"), "{\"id\":100,\"k\":\"z\",\"upper\":\"Z\"}"));
    fixture_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_that_pass),
        cmocka_unit_test(test_failures_for_good),
        cmocka_unit_test(test_store_that_stays_away),
        cmocka_unit_test(test_direct),
        cmocka_unit_test(test_state_that_is_older_than_the_tables),
        cmocka_unit_test(test_columns_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
