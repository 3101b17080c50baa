/* Avro values: schemas that are unknown, wrong or cannot be had now. */

#include "base/buffer.h"
#include "stream_fixture.h"

static const char first[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                            "{\"name\":\"id\",\"type\":\"long\"}]}";
static const char second[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                             "{\"name\":\"name\",\"type\":\"string\"},"
                             "{\"name\":\"id\",\"type\":\"int\"}]}";
static const char reader[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                             "{\"name\":\"id\",\"type\":\"long\"},"
                             "{\"name\":\"name\",\"type\":\"string\",\"default\":\"?\"}]}";

static void avro_topic(void)
{
    fixture_topic("STRUCT<id: BIGINT, name: STRING>", 1);
    f.job.format = VALUE_AVRO;
    f.job.reader_schema = reader;
    assert_int_equal(memory_schemas_add(f.schemas, first), 1);
    assert_int_equal(memory_schemas_add(f.schemas, second), 2);
    fixture_stream("s", "SELECT id, name FROM t");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
}

static void send(const void *value, size_t size)
{
    memory_log_append(f.log, "t", 0,
                      (struct log_out){
                          .value = slice_of(value, size),
                          .timestamp_ms = 1,
                          .identity = {SLICE("p.s"), 1, ++f.position, 0, 1000},
                      });
}

static void test_writers_of_several_schemas(void **state)
{
    (void) state;
    avro_topic();
    send("\0\0\0\0\1\2", 6);     /* id 1 */
    send("\0\0\0\0\2\4Bo\4", 9); /* name "Bo", id 2 */
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"name\":\"?\"}\n{\"id\":2,\"name\":\"Bo\"}");
    fixture_expect_fates(2, 0, 0, 0);
}

static void test_bad_values(void **state)
{
    (void) state;
    avro_topic();
    send("\0\0\0\0\7\2", 6);   /* a schema id that nobody has */
    send("\1\0\0\0\1\2", 6);   /* another magic byte */
    send("\0\0\0", 3);         /* cut short */
    send("", 0);               /* empty is not null */
    send("\0\0\0\0\1", 5);     /* no datum */
    send("\0\0\0\0\1\2\2", 7); /* bytes behind the datum */
    send("\0\0\0\0\2\4Bo\4", 9);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":2,\"name\":\"Bo\"}");
    fixture_expect_fates(1, 0, 0, 6);
    const char *letters = fixture_letters("tables.db");
    assert_non_null(strstr(letters, "1 process t decode t/0@0 0"));
    assert_non_null(strstr(letters, "6 process t decode t/0@5 0"));
}

static void test_schemas_that_cannot_be_had_now(void **state)
{
    (void) state;
    avro_topic();
    send("\0\0\0\0\1\2", 6);
    send("\0\0\0\0\2\4Bo\4", 9);
    memory_schemas_fail(f.schemas, 2, STATUS_UNAVAILABLE);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"name\":\"?\"}\n{\"id\":2,\"name\":\"Bo\"}");
    fixture_expect_fates(2, 0, 0, 0);
    assert_string_equal(fixture_letters("tables.db"), "");
}

/* What was known before the failure is still known after it: the query that made the rows. */
static void test_change_after_a_failure(void **state)
{
    (void) state;
    avro_topic();
    send("\0\0\0\0\1\2", 6);
    memory_schemas_fail(f.schemas, 1, STATUS_UNAVAILABLE);
    fixture_run(STATUS_OK);
    fixture_forget_streams();
    fixture_stream("s", "SELECT id, upper(concat(name, 'x')) AS name FROM t");
    fixture_sink("s", "rows", "id", DELETES_APPLY);
    f.job.rebuild = true;
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"id\":1,\"name\":\"?X\"}");
    fixture_expect_fates(1, 0, 0, 0);
}

static void test_registry_that_refuses(void **state)
{
    (void) state;
    avro_topic();
    send("\0\0\0\0\1\2", 6);
    memory_schemas_fail(f.schemas, 1, STATUS_CONFIG);
    fixture_run(STATUS_CONFIG);
    fixture_run(STATUS_OK);
    fixture_expect_fates(1, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writers_of_several_schemas, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bad_values, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_schemas_that_cannot_be_had_now, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_change_after_a_failure, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_that_refuses, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
