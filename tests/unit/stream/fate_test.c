/* Each record ends once: stored, filtered, late or dead; in direct mode and with a state store. */

#include "stream_fixture.h"

#define PEOPLE "STRUCT<id: BIGINT, name: STRING, age: STRING>"

/* A stream that stores adults; "age" may be no number. */
static const char adults[] =
    "SELECT id, name, CAST(age AS INT) AS age FROM t WHERE CAST(age AS INT) >= 18";

static void one_stream(void)
{
    fixture_topic(PEOPLE, 2);
    fixture_stream("adults", adults);
    fixture_sink("adults", "adults", "id", DELETES_APPLY);
}

/* The same with a second store: progress then stands in the state store. */
static void two_stores(void)
{
    one_stream();
    fixture_stream("names", "SELECT id, upper(name) AS name FROM t");
    fixture_sink_in("other.db", "names", "names", "id", NULL, DELETES_APPLY);
}

static void test_direct(void **state)
{
    (void) state;
    one_stream();
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_send("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"3\"}");
    fixture_send("3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"old\"}");
    fixture_send("4", "{\"id\": 4, \"name\": null, \"age\": null}");
    fixture_send("5", "{\"id\": 5, \"name\":");
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada L.\", \"age\": \"37\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("adults", "{\"id\":1,\"name\":\"Ada L.\",\"age\":37}");
    fixture_expect_fates(2, 2, 0, 2);
    assert_int_equal(f.status.counts.foreign, 0);
    assert_int_equal(f.status.committed, 6);
    assert_string_equal(fixture_letters("tables.db"), "1 process t decode t/0@4 0\n"
                                                      "2 process adults cast t/0@2 0");
}

static void test_null_key_is_dead_in_the_sink(void **state)
{
    (void) state;
    one_stream();
    fixture_send("1", "{\"id\": null, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("adults", "");
    fixture_expect_fates(0, 0, 0, 1);
    assert_string_equal(fixture_letters("tables.db"), "1 sink to_adults key t/0@0 0");
}

static void test_two_stores(void **state)
{
    (void) state;
    two_stores();
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_send("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"3\"}");
    fixture_send("3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"old\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("adults", "{\"id\":1,\"name\":\"Ada\",\"age\":36}");
    assert_string_equal(fixture_rows("other.db", "names"), "{\"id\":1,\"name\":\"ADA\"}\n"
                                                           "{\"id\":2,\"name\":\"BO\"}\n"
                                                           "{\"id\":3,\"name\":\"CY\"}");
    fixture_expect_fates(2, 0, 0, 1);
    assert_string_equal(fixture_letters("state.db"), "1 process adults cast t/0@2 0");
}

static void test_one_letter_a_record(void **state)
{
    (void) state;
    one_stream();
    fixture_stream("ages", "SELECT id, CAST(age AS BIGINT) AS age FROM t");
    fixture_sink("ages", "ages", "id", DELETES_APPLY);
    fixture_stream("names", "SELECT id, name FROM t");
    fixture_sink("names", "names", "id", DELETES_APPLY);
    fixture_send("3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"old\"}");
    fixture_send("4", "{\"id\": 4, \"name\": \"Di\", \"age\": \"20\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 1);
    assert_string_equal(fixture_letters("tables.db"), "1 process adults,ages cast t/0@0 0");
    assert_string_equal(fixture_letters_of("tables.db", "ages"), fixture_letters("tables.db"));
    assert_string_equal(fixture_letters_of("tables.db", "age"), "");
    fixture_expect_rows("names", "{\"id\":3,\"name\":\"Cy\"}\n{\"id\":4,\"name\":\"Di\"}");
}

static void test_repeats_are_dropped(void **state)
{
    (void) state;
    one_stream();
    fixture_send_to(0, "1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}", 7);
    fixture_send_to(0, "1", "{\"id\": 1, \"name\": \"repeated\", \"age\": \"36\"}", 7);
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 0);
    /* Also over a restart; another partition counts for itself, and gaps are no error. */
    fixture_send_to(0, "1", "{\"id\": 1, \"name\": \"older\", \"age\": \"36\"}", 6);
    fixture_send_to(1, "2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"40\"}", 5);
    fixture_send_to(0, "3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"50\"}", 90);
    fixture_run(STATUS_OK);
    fixture_expect_fates(3, 0, 0, 0);
    fixture_expect_rows("adults", "{\"id\":1,\"name\":\"Ada\",\"age\":36}\n"
                                  "{\"id\":2,\"name\":\"Bo\",\"age\":40}\n"
                                  "{\"id\":3,\"name\":\"Cy\",\"age\":50}");
}

static void test_foreign_records(void **state)
{
    (void) state;
    one_stream();
    fixture_send_foreign("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_send_foreign("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_send_foreign("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"x\"}");
    fixture_send("3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"3\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 1, 0, 1);
    assert_int_equal(f.status.counts.foreign, 3);
}

static void test_metadata_columns(void **state)
{
    (void) state;
    fixture_topic(PEOPLE, 2);
    fixture_stream("m", "SELECT id, _key, _op, _accepted_at, _partition, _offset FROM t");
    fixture_sink("m", "m", "id", DELETES_APPLY);
    fixture_send("k", "{\"id\": 1}");
    fixture_send_to(1, NULL, "{\"id\": 2}", 1);
    fixture_run(STATUS_OK);
    fixture_expect_rows("m", "{\"id\":1,\"_key\":\"k\",\"_op\":\"upsert\",\"_accepted_at\":"
                             "\"2025-11-22T18:57:03.000000Z\",\"_partition\":0,\"_offset\":0}\n"
                             "{\"id\":2,\"_key\":null,\"_op\":\"upsert\",\"_accepted_at\":"
                             "\"2025-11-22T18:57:04.000000Z\",\"_partition\":1,\"_offset\":0}");
}

static void test_generated_rows(void **state)
{
    (void) state;
    fixture_topic("STRUCT<id: BIGINT, tags: ARRAY<STRING>>", 1);
    fixture_stream("tags", "SELECT id, explode(tags) AS tag FROM t");
    fixture_sink("tags", "tags", "id,tag", DELETES_APPLY);
    fixture_send("1", "{\"id\": 1, \"tags\": [\"a\", \"b\"]}");
    fixture_send("2", "{\"id\": 2, \"tags\": []}");
    fixture_send("3", "{\"id\": 3, \"tags\": [\"c\", null]}"); /* one of its rows has no key */
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 1, 0, 1);
    fixture_expect_rows(
        "tags", "{\"id\":1,\"tag\":\"a\"}\n{\"id\":1,\"tag\":\"b\"}\n{\"id\":3,\"tag\":\"c\"}");
}

static void test_polls_that_fail(void **state)
{
    (void) state;
    one_stream();
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    memory_log_fail_polls(f.log, 2, STATUS_UNAVAILABLE);
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 0);
    fixture_send("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"40\"}");
    memory_log_fail_polls(f.log, 1, STATUS_CONFIG);
    fixture_run(STATUS_CONFIG);
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 0, 0, 0);
}

static void test_gap_is_not_skipped(void **state)
{
    (void) state;
    one_stream();
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_run(STATUS_OK);
    fixture_send("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"40\"}");
    fixture_send("3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"40\"}");
    memory_log_retain(f.log, "t", 0, 2);
    fixture_run(STATUS_NOT_FOUND);
}

static void test_first_run_begins_at_what_is_there(void **state)
{
    (void) state;
    one_stream();
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_send("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"40\"}");
    memory_log_retain(f.log, "t", 0, 1);
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 0);
}

/* Adding a stream that needs the state store, and taking it away again, keeps the place. */
static void test_modes_change(void **state)
{
    (void) state;
    one_stream();
    fixture_send("1", "{\"id\": 1, \"name\": \"Ada\", \"age\": \"36\"}");
    fixture_run(STATUS_OK);

    fixture_forget_streams();
    two_stores();
    fixture_send("2", "{\"id\": 2, \"name\": \"Bo\", \"age\": \"3\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 0, 0, 0);
    assert_string_equal(fixture_rows("other.db", "names"), "{\"id\":2,\"name\":\"BO\"}");

    fixture_forget_streams();
    one_stream();
    fixture_send("3", "{\"id\": 3, \"name\": \"Cy\", \"age\": \"33\"}");
    fixture_send("4", "{\"id\": 4, \"name\": \"Di\", \"age\": \"3\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(3, 1, 0, 0);
    fixture_expect_rows("adults", "{\"id\":1,\"name\":\"Ada\",\"age\":36}\n"
                                  "{\"id\":3,\"name\":\"Cy\",\"age\":33}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_direct, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_null_key_is_dead_in_the_sink, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_two_stores, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_one_letter_a_record, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_repeats_are_dropped, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_foreign_records, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_metadata_columns, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_generated_rows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_polls_that_fail, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_gap_is_not_skipped, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_first_run_begins_at_what_is_there, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modes_change, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
