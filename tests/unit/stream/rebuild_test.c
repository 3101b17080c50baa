/* A changed query: refused with state, for new records without, or its history computed anew. */

#include "stream_fixture.h"

#define ROWS "STRUCT<id: BIGINT, k: STRING>"

static void counting(const char *sql)
{
    fixture_forget_streams();
    fixture_topic(ROWS, 1);
    fixture_stream("s", sql);
    fixture_sink("s", "rows", "k", DELETES_APPLY);
}

static void copying(const char *sql)
{
    fixture_forget_streams();
    fixture_topic(ROWS, 1);
    fixture_stream("s", sql);
    fixture_sink("s", "rows", "id", DELETES_APPLY);
}

static void test_state_of_another_query(void **state)
{
    (void) state;
    counting("SELECT k, count(*) AS n FROM t GROUP BY k");
    fixture_send("1", "{\"id\": 1, \"k\": \"a\"}");
    fixture_send("2", "{\"id\": 2, \"k\": \"a\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"k\":\"a\",\"n\":2}");

    counting("SELECT k, sum(id) AS n FROM t GROUP BY k");
    fixture_run(STATUS_CONFIG);
    assert_non_null(strstr(f.status.last_error.hint, "--rebuild"));

    f.job.rebuild = true;
    fixture_send("3", "{\"id\": 30, \"k\": \"b\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"k\":\"a\",\"n\":3}\n{\"k\":\"b\",\"n\":30}");
    fixture_expect_fates(3, 0, 0, 0);

    /* Asked for again, nothing has changed: nothing is done. */
    fixture_send("4", "{\"id\": 4, \"k\": \"b\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"k\":\"a\",\"n\":3}\n{\"k\":\"b\",\"n\":34}");
    fixture_expect_fates(4, 0, 0, 0);
}

static void test_white_space_is_no_change(void **state)
{
    (void) state;
    counting("SELECT k, count(*) AS n FROM t GROUP BY k");
    fixture_send("1", "{\"id\": 1, \"k\": \"a\"}");
    fixture_run(STATUS_OK);
    counting("select k,\n  count(*) as n\nfrom t group by k");
    fixture_run(STATUS_OK);
}

static void test_stateless(void **state)
{
    (void) state;
    copying("SELECT id, k FROM t");
    fixture_send("1", "{\"id\": 1, \"k\": \"a\"}");
    fixture_run(STATUS_OK);
    copying("SELECT id, upper(k) AS k FROM t");
    fixture_send("2", "{\"id\": 2, \"k\": \"b\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"k\":\"a\"}\n{\"id\":2,\"k\":\"B\"}");

    copying("SELECT id, concat(k, '!') AS k FROM t");
    f.job.rebuild = true;
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"k\":\"a!\"}\n{\"id\":2,\"k\":\"b!\"}");
    fixture_expect_fates(2, 0, 0, 0);
}

/* What retention has taken is not there to be computed anew; the rest is. */
static void test_after_retention(void **state)
{
    (void) state;
    copying("SELECT id, k FROM t");
    fixture_send("1", "{\"id\": 1, \"k\": \"a\"}");
    fixture_send("2", "{\"id\": 2, \"k\": \"b\"}");
    fixture_run(STATUS_OK);
    memory_log_retain(f.log, "t", 0, 1);
    copying("SELECT id, upper(k) AS k FROM t");
    f.job.rebuild = true;
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"k\":\"a\"}\n{\"id\":2,\"k\":\"B\"}");
    fixture_expect_fates(2, 0, 0, 0);
}

/* A rebuild that stops on its way goes on; its dead letters are not written twice. */
static void test_rebuild_is_interrupted(void **state)
{
    (void) state;
    f.job.batch_records = 1;
    counting("SELECT k, count(*) AS n FROM t GROUP BY k");
    fixture_send("1", "{\"id\": 1, \"k\": \"a\"}");
    fixture_send("2", "{\"id\": 2, \"k\":");
    fixture_send("3", "{\"id\": 3, \"k\": \"a\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 0, 0, 1);
    counting("SELECT k, sum(id) AS n FROM t GROUP BY k");
    f.job.rebuild = true;
    f.failure = (struct fixture_failure){"state.db", 2, 1, STATUS_INTERNAL};
    fixture_run(STATUS_INTERNAL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"k\":\"a\",\"n\":4}");
    fixture_expect_fates(2, 0, 0, 1);
    assert_string_equal(fixture_letters("state.db"), "1 process t decode t/0@1 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_state_of_another_query, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_white_space_is_no_change, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stateless, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_after_retention, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rebuild_is_interrupted, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
