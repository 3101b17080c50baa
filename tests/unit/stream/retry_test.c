/* Dead letters tried again: with a corrected query, without, and against newer rows. */

#include "stream/processor.h"
#include "stream_fixture.h"

static const char strict[] = "SELECT id, CAST(v AS INT) AS v FROM t";
static const char lenient[] = "SELECT id, TRY_CAST(v AS INT) AS v FROM t";

static void stream_of(const char *sql)
{
    fixture_forget_streams();
    fixture_topic("STRUCT<id: BIGINT, v: STRING>", 1);
    fixture_stream("s", sql);
    fixture_sink("s", "rows", "id", DELETES_APPLY);
}

static void retry(int64_t id, enum status wanted, bool resolves)
{
    bool resolved = !resolves;
    fixture_open();
    enum status status = fixture_retry(id, &resolved);
    if (status != wanted) {
        fail_msg("%s: %s", status_name(status), f.error.message);
    }
    assert_true(status != STATUS_OK || resolved == resolves);
    fixture_drain(STATUS_OK);
    fixture_close();
}

static void test_passes(void **state)
{
    (void) state;
    stream_of(strict);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_send("2", "{\"id\": 2, \"v\": \"2\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 1);

    retry(1, STATUS_OK, false);
    retry(1, STATUS_OK, false);
    fixture_expect_fates(1, 0, 0, 1);
    assert_string_equal(fixture_letters("tables.db"), "1 process s cast t/0@0 2");

    stream_of(lenient);
    retry(1, STATUS_OK, true);
    fixture_expect_fates(2, 0, 0, 0);
    fixture_expect_rows("rows", "{\"id\":1,\"v\":null}\n{\"id\":2,\"v\":2}");
    assert_string_equal(fixture_letters("tables.db"), "");
}

/* Also a newer row of the same batch, and a delete. */
static void test_loses_to_newer_rows(void **state)
{
    (void) state;
    static const char *const paths[] = {"id"};
    stream_of(strict);
    f.job.key_paths = paths;
    f.job.key_path_count = 1;
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_send("1", "{\"id\": 1, \"v\": \"10\"}");
    fixture_send("2", "{\"id\": 2, \"v\": \"two\"}");
    fixture_send("2", NULL);
    fixture_send("3", "{\"id\": 3, \"v\": \"3\"}");
    fixture_send("3", "{\"id\": 3, \"v\": \"three\"}"); /* newer than the row: it wins */
    fixture_run(STATUS_OK);
    fixture_expect_fates(3, 0, 0, 3);
    stream_of(lenient);
    retry(1, STATUS_OK, true);
    retry(2, STATUS_OK, true);
    retry(3, STATUS_OK, true);
    fixture_expect_fates(6, 0, 0, 0);
    fixture_expect_rows("rows", "{\"id\":1,\"v\":10}\n{\"id\":3,\"v\":null}");
}

static void two_streams(const char *copies)
{
    fixture_forget_streams();
    fixture_topic("STRUCT<id: BIGINT, v: STRING>", 1);
    fixture_stream("counts", "SELECT length(v) AS size, count(*) AS n FROM t GROUP BY length(v)");
    fixture_sink("counts", "counts", "size", DELETES_APPLY);
    fixture_stream("s", copies);
    fixture_sink("s", "rows", "id", DELETES_APPLY);
}

/* A letter of one stream does not count again in the other, where the record was fine. */
static void test_other_streams_are_left_alone(void **state)
{
    (void) state;
    two_streams(strict);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("counts", "{\"size\":3,\"n\":1}");
    two_streams(lenient);
    retry(1, STATUS_OK, true);
    fixture_expect_rows("counts", "{\"size\":3,\"n\":1}");
    fixture_expect_rows("rows", "{\"id\":1,\"v\":null}");
}

/* A record that no stream could read comes again to all of them. The one that groups takes it, the
 * other refuses it: it must not stay in the groups, to be counted again at the next try. */
static void test_groups_are_as_before_a_failed_retry(void **state)
{
    (void) state;
    static const char schema[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                                 "{\"name\":\"id\",\"type\":\"long\"},"
                                 "{\"name\":\"v\",\"type\":\"string\"}]}";
    two_streams(strict);
    f.job.format = VALUE_AVRO;
    f.job.reader_schema = schema;
    memory_log_append(f.log, "t", 0,
                      (struct log_out){
                          .value = SLICE("\0\0\0\0\1\2\6one"),
                          .identity = {SLICE("p.s"), 1, 1, 0, 1000},
                      });
    fixture_run(STATUS_OK); /* the schema is not known yet */
    assert_string_equal(fixture_letters("state.db"), "1 process t decode t/0@0 0");
    memory_schemas_add(f.schemas, schema);
    retry(1, STATUS_OK, false);
    retry(1, STATUS_OK, false);
    two_streams(lenient);
    retry(1, STATUS_OK, true);
    fixture_expect_rows("counts", "{\"size\":3,\"n\":1}");
    fixture_expect_rows("rows", "{\"id\":1,\"v\":null}");
    fixture_expect_fates(1, 0, 0, 0);
}

/* Groups that changed since are newer; the record counts in them all the same. */
static void test_groups_go_on(void **state)
{
    (void) state;
    static const char sums[] = "SELECT id, sum(CAST(v AS INT)) AS v FROM t GROUP BY id";
    stream_of(sums);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_send("1", "{\"id\": 1, \"v\": \"5\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"v\":5}");
    retry(1, STATUS_OK, false);
    fixture_send("1", "{\"id\": 1, \"v\": \"6\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"v\":11}");
    fixture_expect_fates(2, 0, 0, 1);
}

static void test_stream_is_no_more(void **state)
{
    (void) state;
    stream_of(strict);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_run(STATUS_OK);
    fixture_forget_streams();
    fixture_stream("renamed", lenient);
    fixture_sink("renamed", "other", "id", DELETES_APPLY);
    retry(1, STATUS_CONFIG, false);
    assert_string_equal(fixture_letters("tables.db"), "1 process s cast t/0@0 0");
    fixture_expect_fates(0, 0, 0, 1);
}

/* A retry whose commit fails for good ends the task: nothing after it may build on it. */
static void test_commit_fails_for_good(void **state)
{
    (void) state;
    two_streams(strict);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_run(STATUS_OK);
    two_streams(lenient);
    f.failure = (struct fixture_failure){"tables.db", 0, 1, STATUS_INTERNAL};
    fixture_open();
    bool resolved;
    assert_int_equal(fixture_retry(1, &resolved), STATUS_INTERNAL);
    fixture_drain(STATUS_INTERNAL);
    fixture_close();
    fixture_send("2", "{\"id\": 2, \"v\": \"2\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"v\":null}\n{\"id\":2,\"v\":2}");
    fixture_expect_fates(2, 0, 0, 0);
}

/* Letters of another store may have the same numbers. */
static void test_another_letter(void **state)
{
    (void) state;
    stream_of(strict);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_run(STATUS_OK);
    struct dead_letter other = {.id = 1, .name = "s", .partition = 0, .offset = 77};
    bool resolved;
    fixture_open();
    assert_int_equal(embedded_processor.dead_retry(f.processor, &other, &resolved, &f.error),
                     STATUS_NOT_FOUND);
    fixture_drain(STATUS_OK);
    fixture_close();
    fixture_expect_fates(0, 0, 0, 1);
}

/* Letters from before a task kept state stay in the tables. */
static void test_a_letter_from_before_there_was_state(void **state)
{
    (void) state;
    stream_of(strict);
    fixture_send("1", "{\"id\": 1, \"v\": \"one\"}");
    fixture_run(STATUS_OK);
    two_streams(lenient);
    bool resolved;
    fixture_open();
    assert_int_equal(fixture_retry_from("tables.db", 1, &resolved), STATUS_CONFIG);
    assert_non_null(strstr(f.error.message, "from before topic \"t\" had a stream with state"));
    fixture_drain(STATUS_OK);
    fixture_close();
    fixture_expect_fates(0, 0, 0, 1);
    assert_string_equal(fixture_letters("tables.db"), "1 process s cast t/0@0 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_loses_to_newer_rows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_other_streams_are_left_alone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_groups_are_as_before_a_failed_retry, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_groups_go_on, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stream_is_no_more, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_commit_fails_for_good, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_letter, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_letter_from_before_there_was_state, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
