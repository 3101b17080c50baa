/* Tombstones: a null value deletes the row whose key follows from the topic's key. */

#include "stream_fixture.h"

#define ROWS "STRUCT<id: STRING, part: BIGINT, name: STRING>"
#define ADA  "7d793037-a076-4d3c-9a4f-6c4bd46a2f01"
#define BO   "00000000-0000-4000-8000-00000000000B"

static void keyed_by(const char *const *paths, size_t count)
{
    fixture_topic(ROWS, 1);
    f.job.key_paths = paths;
    f.job.key_path_count = count;
}

static const char *const by_id[] = {"id"};
static const char *const by_both[] = {"id", "part"};

static void test_apply(void **state)
{
    (void) state;
    keyed_by(by_id, 1);
    fixture_stream("s", "SELECT id, name FROM t WHERE part > 0");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
    fixture_send("a", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_send("b", "{\"id\": \"b\", \"part\": 1, \"name\": \"Bo\"}");
    fixture_send("a", NULL);
    fixture_send("never", NULL); /* of a row that is not there: applied all the same */
    fixture_send("b", NULL);
    fixture_send("b", "{\"id\": \"b\", \"part\": 1, \"name\": \"again\"}");
    fixture_run(STATUS_OK);
    /* Within a batch, too, the newest record of a key wins. */
    fixture_expect_rows("rows", "{\"id\":\"b\",\"name\":\"again\"}");
    fixture_expect_fates(6, 0, 0, 0);
}

static void test_apply_over_batches(void **state)
{
    (void) state;
    keyed_by(by_id, 1);
    fixture_stream("s", "SELECT id, name FROM t");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
    fixture_send("a", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_run(STATUS_OK);
    fixture_send("a", NULL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "");
    fixture_send("a", "{\"id\": \"a\", \"part\": 1, \"name\": \"back\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":\"a\",\"name\":\"back\"}");
    fixture_expect_fates(3, 0, 0, 0);
}

static void test_mark(void **state)
{
    (void) state;
    keyed_by(by_id, 1);
    fixture_stream("s", "SELECT id, name FROM t");
    fixture_sink("s", "rows", "id", DELETES_MARK);
    fixture_send("a", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_send("b", "{\"id\": \"b\", \"part\": 1, \"name\": \"Bo\"}");
    fixture_run(STATUS_OK);
    fixture_send("a", NULL);
    fixture_run(STATUS_OK);
    const char *rows = fixture_rows("tables.db", "rows");
    assert_non_null(strstr(rows, "{\"id\":\"b\",\"name\":\"Bo\",\"_deleted_at\":null}"));
    assert_non_null(strstr(rows, "{\"id\":\"a\",\"name\":null,\"_deleted_at\":\"20"));
    fixture_expect_fates(3, 0, 0, 0);
}

static void test_ignore(void **state)
{
    (void) state;
    keyed_by(by_id, 1);
    fixture_stream("s", "SELECT id, name FROM t");
    fixture_sink("s", "rows", "id", DELETES_IGNORE);
    fixture_send("a", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_send("a", NULL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":\"a\",\"name\":\"Ada\"}");
    fixture_expect_fates(1, 1, 0, 0);
}

static void test_composite_key(void **state)
{
    (void) state;
    keyed_by(by_both, 2);
    fixture_stream("s", "SELECT part AS p, id AS i, name FROM t");
    fixture_sink("s", "rows", "i,p", DELETES_APPLY);
    fixture_send("[\"a\",1]", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_send("[\"a\",2]", "{\"id\": \"a\", \"part\": 2, \"name\": \"Bo\"}");
    fixture_run(STATUS_OK);
    fixture_send("[\"a\",1]", NULL);
    fixture_send("[\"a\",3", NULL);                     /* no JSON */
    fixture_send("a", NULL);                            /* no array */
    fixture_send("[\"a\"]", NULL);                      /* too short */
    fixture_send("[\"a\",2,3]", NULL);                  /* too long */
    fixture_send("[\"a\",\"two\"]", NULL);              /* no number */
    fixture_send("[\"a\",99999999999999999999]", NULL); /* too large */
    fixture_send(NULL, NULL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"p\":2,\"i\":\"a\",\"name\":\"Bo\"}");
    fixture_expect_fates(3, 7, 0, 0);
}

static void test_uuid_key(void **state)
{
    (void) state;
    keyed_by(by_id, 1);
    fixture_stream("s", "SELECT id, name FROM t");
    fixture_sink_in("tables.db", "s", "rows", "id", "id", DELETES_APPLY);
    fixture_send(ADA, "{\"id\": \"" ADA "\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_send(BO, "{\"id\": \"" BO "\", \"part\": 1, \"name\": \"Bo\"}");
    fixture_send("x", "{\"id\": \"7d793037\", \"part\": 1, \"name\": \"Cy\"}");
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 0, 0, 1);
    assert_string_equal(fixture_letters("tables.db"), "1 sink to_rows type t/0@2 0");
    fixture_send(ADA, NULL);
    fixture_send("x", NULL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows",
                        "{\"id\":\"00000000-0000-4000-8000-00000000000b\",\"name\":\"Bo\"}");
    fixture_expect_fates(3, 1, 0, 1);
}

static void test_key_that_does_not_derive(void **state)
{
    (void) state;
    keyed_by(by_id, 1);
    fixture_stream("s", "SELECT upper(id) AS id, name FROM t");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
    fixture_send("a", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_send("a", NULL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":\"A\",\"name\":\"Ada\"}");
    fixture_expect_fates(1, 1, 0, 0);
}

static void test_whole_key(void **state)
{
    (void) state;
    keyed_by(by_both, 2);
    fixture_stream("s", "SELECT _key AS k, name FROM t");
    fixture_sink("s", "rows", "k", DELETES_APPLY);
    fixture_send("[\"a\",1]", "{\"id\": \"a\", \"part\": 1, \"name\": \"Ada\"}");
    fixture_run(STATUS_OK);
    fixture_send("[\"a\",1]", NULL);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_apply, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_apply_over_batches, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_mark, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ignore, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_composite_key, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_uuid_key, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_key_that_does_not_derive, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_whole_key, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
