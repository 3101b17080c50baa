#include "connect/record_text.h"

#include "test.h"

struct fixture {
    struct arena arena;
    struct json_document document;
    struct source_record *records;
    size_t count;
    struct error error;
};

static struct fixture f;

static int setup(void **state)
{
    (void) state;
    arena_init(&f.arena, 0);
    json_document_init(&f.document);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    json_document_deinit(&f.document);
    arena_deinit(&f.arena);
    return 0;
}

static enum status read_as(struct record_text_options options, const char *text)
{
    options.first_place = options.format == RECORDS_JSON ? 0 : 1;
    return record_text_read(&options, slice_of_string(text), &f.document, &f.arena, &f.records,
                            &f.count, &f.error);
}

static void assert_record(size_t index, const char *raw, const char *fault, uint32_t place)
{
    const struct source_record *record = &f.records[index];
    if (!slice_equal_string(record->raw, raw)) {
        fail_msg("record %zu is %.*s, not %s", index, SLICE_FORMAT(record->raw), raw);
    }
    assert_int_equal(record->place, place);
    assert_int_equal(record->fault == NULL, fault == NULL);
    assert_int_equal(record->value == UINT32_MAX, fault != NULL);
    if (fault == NULL) {
        assert_true(slice_equal_string(json_raw(&f.document, record->value), raw));
    }
}

static void json_document(void **state)
{
    (void) state;
    struct record_text_options options = {.format = RECORDS_JSON, .path = "data.rows"};
    assert_ok(read_as(options, "{\"data\":{\"rows\":[{\"a\":1}, 7 ,null,[1]]}}"), f.error);
    assert_int_equal(f.count, 4);
    assert_record(0, "{\"a\":1}", NULL, 0);
    assert_record(1, "7", NULL, 1);
    assert_record(3, "[1]", NULL, 3);
    assert_ok(read_as(options, "{\"data\":{\"rows\":{\"a\":1}}}"), f.error);
    assert_int_equal(f.count, 1);
    assert_record(0, "{\"a\":1}", NULL, 0);
    assert_ok(read_as(options, "{\"data\":{\"rows\":null}}"), f.error);
    assert_int_equal(f.count, 0);
    assert_fails(read_as(options, "{\"message\":\"no\"}"), STATUS_DATA, f.error, "data.rows");
    assert_non_null(strstr(f.error.hint, "\"message\""));
    assert_fails(read_as(options, "{\"data\":{\"rows\":[{\"a\":1}"), STATUS_DATA, f.error, "");
    assert_fails(read_as(options, "{\"data\":{\"rows\":\"x\"}}"), STATUS_DATA, f.error, "plain");
    options.path = NULL;
    assert_ok(read_as(options, "[]"), f.error);
    assert_int_equal(f.count, 0);
}

static void json_lines(void **state)
{
    (void) state;
    struct record_text_options options = {.format = RECORDS_LINES};
    assert_ok(read_as(options, "{\"a\":1}\r\n\n  {\"a\":2}  \n{\"a\":3}"), f.error);
    assert_int_equal(f.count, 3);
    assert_record(0, "{\"a\":1}", NULL, 1);
    assert_int_equal(f.records[1].place, 3);
    assert_record(2, "{\"a\":3}", NULL, 4);
    assert_ok(read_as(options, "{\"a\":1}\n{\"a\":\n{\"a\":3}\n"), f.error);
    assert_int_equal(f.count, 3);
    assert_record(0, "{\"a\":1}", NULL, 1);
    assert_record(1, "{\"a\":", "cut", 2);
    assert_record(2, "{\"a\":3}", NULL, 3);
    assert_ok(read_as(options, "garbage\n\x01\n"), f.error);
    assert_int_equal(f.count, 2);
    assert_record(0, "garbage", "x", 1);
    assert_ok(read_as(options, ""), f.error);
    assert_int_equal(f.count, 0);
}

/* Lines that are no values each, but together would pass as others. */
static void lines_that_conspire(void **state)
{
    (void) state;
    struct record_text_options options = {.format = RECORDS_LINES};
    assert_ok(read_as(options, "{\"a\":1},{\"b\":2}\n{\"c\":3}\n"), f.error);
    assert_int_equal(f.count, 2);
    assert_record(0, "{\"a\":1},{\"b\":2}", "x", 1);
    assert_record(1, "{\"c\":3}", NULL, 2);
    assert_ok(read_as(options, "1,2\n[3\n4]\n"), f.error);
    assert_int_equal(f.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(f.records[i].fault);
    }
    assert_ok(read_as(options, "1],[2\n"), f.error);
    assert_int_equal(f.count, 1);
    assert_non_null(f.records[0].fault);
}

/* The rows of RFC 4180, section 2, and rows that are none. */
static void csv(void **state)
{
    (void) state;
    struct record_text_options options = {.format = RECORDS_CSV};
    assert_ok(read_as(options, "id,name\r\n1,\"b\"\"b\"\r\n2,\"x\r\ny\"\r\n3,z"), f.error);
    assert_int_equal(f.count, 3);
    assert_record(0, "{\"id\":\"1\",\"name\":\"b\\\"b\"}", NULL, 2);
    assert_record(1, "{\"id\":\"2\",\"name\":\"x\\r\\ny\"}", NULL, 3);
    assert_record(2, "{\"id\":\"3\",\"name\":\"z\"}", NULL, 5);
    assert_ok(read_as(options, "id,name\n1\n2,b\n"), f.error);
    assert_int_equal(f.count, 2);
    assert_non_null(f.records[0].fault);
    assert_record(1, "{\"id\":\"2\",\"name\":\"b\"}", NULL, 3);
    options.separator = ';';
    assert_ok(read_as(options, "id;name\n0123;a,b\n"), f.error);
    assert_record(0, "{\"id\":\"0123\",\"name\":\"a,b\"}", NULL, 2);
    options.header = SLICE("x;y");
    assert_ok(read_as(options, "1;2\n3;4\n"), f.error);
    assert_int_equal(f.count, 2);
    assert_record(0, "{\"x\":\"1\",\"y\":\"2\"}", NULL, 1);
    assert_record(1, "{\"x\":\"3\",\"y\":\"4\"}", NULL, 2);
    options = (struct record_text_options){.format = RECORDS_CSV};
    assert_ok(read_as(options, ""), f.error);
    assert_int_equal(f.count, 0);
    assert_ok(read_as(options, "id\n"), f.error);
    assert_int_equal(f.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_document, setup, teardown),
        cmocka_unit_test_setup_teardown(json_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_that_conspire, setup, teardown),
        cmocka_unit_test_setup_teardown(csv, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
