#include "codec/csv.h"

#include "codec/json.h"

#include "test.h"

#include <stdio.h>

/* All records, one a line; errors as "! message". The input comes in pieces of `piece` bytes. */
static void
read_all(struct slice text, const struct csv_options *options, size_t piece, struct buffer *target)
{
    struct csv_reader reader;
    csv_reader_init(&reader, options);
    size_t start = 0;
    size_t end = 0;
    enum csv_event event = CSV_MORE;
    while (event != CSV_END) {
        if (event == CSV_MORE) {
            end = end + piece < text.size ? end + piece : text.size;
        }
        size_t size;
        struct error error = {0};
        enum status status = csv_read(&reader, slice_of(text.data + start, end - start),
                                      end == text.size, target, &size, &event, &error);
        start += size;
        if (status != STATUS_OK) {
            buffer_printf(target, "! %s\n", error.message);
            event = CSV_RECORD;
            if (status == STATUS_CONFIG) {
                break;
            }
        } else if (event == CSV_RECORD) {
            buffer_append_byte(target, '\n');
        }
    }
    csv_reader_deinit(&reader);
}

/* Whatever the pieces, the result is the same. */
static void assert_reads(struct slice text, const struct csv_options *options, const char *wanted)
{
    for (size_t piece = 1; piece <= text.size + 1; piece++) {
        CLEANUP(buffer_deinit) struct buffer actual = BUFFER_INIT;
        read_all(text, options, piece, &actual);
        assert_string_equal(buffer_string(&actual), wanted);
    }
}

static void rfc_4180(void **state)
{
    (void) state;
    static const struct csv_options options = {0};
    assert_reads(SLICE("a,b,c\r\naaa,bbb,ccc\r\nzzz,yyy,xxx"), &options,
                 "{\"a\":\"aaa\",\"b\":\"bbb\",\"c\":\"ccc\"}\n"
                 "{\"a\":\"zzz\",\"b\":\"yyy\",\"c\":\"xxx\"}\n");
    assert_reads(SLICE("a,b,c\n\"aaa\",\"b \r\nbb\",\"ccc\"\r\nzzz,yyy,xxx\n"), &options,
                 "{\"a\":\"aaa\",\"b\":\"b \\r\\nbb\",\"c\":\"ccc\"}\n"
                 "{\"a\":\"zzz\",\"b\":\"yyy\",\"c\":\"xxx\"}\n");
    assert_reads(SLICE("a,b,c\r\"aaa\",\"b\"\"bb\",\"ccc\"\r"), &options,
                 "{\"a\":\"aaa\",\"b\":\"b\\\"bb\",\"c\":\"ccc\"}\n");
    assert_reads(SLICE("\xef\xbb\xbf\"ä \"\"x\"\"\"\n\n\n1\n\n"), &options,
                 "{\"ä \\\"x\\\"\":\"1\"}\n");
    assert_reads(SLICE(""), &options, "");
    assert_reads(SLICE("a,b\n"), &options, "");
    assert_reads(SLICE("a,b\n,\n\"\",x"), &options,
                 "{\"a\":\"\",\"b\":\"\"}\n{\"a\":\"\",\"b\":\"x\"}\n");
}

static void options_apply(void **state)
{
    (void) state;
    static const struct csv_options null = {.empty_is_null = true};
    assert_reads(SLICE("a,b\n,\"\"\n"), &null, "{\"a\":null,\"b\":\"\"}\n");
    static const struct csv_options other = {.delimiter = ';', .quote = '\''};
    assert_reads(SLICE("a;b\n'x;''y';1,5\n"), &other, "{\"a\":\"x;'y\",\"b\":\"1,5\"}\n");
    static const struct csv_options tab = {.delimiter = '\t'};
    assert_reads(SLICE("a\tb\nx, y\t\n"), &tab, "{\"a\":\"x, y\",\"b\":\"\"}\n");
}

static void numbers_only_where_wanted(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct csv_options options = {0};
    struct error error;
    assert_ok(avro_schema_parse(
                  SLICE("{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                        "{\"name\":\"n\",\"type\":\"long\"},{\"name\":\"s\",\"type\":\"string\"},"
                        "{\"name\":\"b\",\"type\":[\"null\",\"boolean\"],\"aliases\":[\"the b\"]},"
                        "{\"name\":\"d\",\"type\":[\"null\",{\"type\":\"bytes\",\"logicalType\":"
                        "\"decimal\",\"precision\":9,\"scale\":2}]}]}"),
                  &arena, &options.schema, &error),
              error);
    assert_reads(SLICE("n,s,the b,d,other\n1,1,true,1.50,1\n007,x,yes,-0.5e1,\n"), &options,
                 "{\"n\":1,\"s\":\"1\",\"the b\":true,\"d\":1.50,\"other\":\"1\"}\n"
                 "{\"n\":\"007\",\"s\":\"x\",\"the b\":\"yes\",\"d\":-0.5e1,\"other\":\"\"}\n");
    avro_schema_release(options.schema);
    arena_deinit(&arena);
}

static void bad_records_name_their_line(void **state)
{
    (void) state;
    static const struct csv_options options = {0};
    assert_reads(
        SLICE("a,b\n1,2\n3\n\n4,5,6\n\"x\ny\",7\n8,\"9\"z\n1\"0,11\n12,13\n14,\xff\n15,\"16\n"),
        &options,
        "{\"a\":\"1\",\"b\":\"2\"}\n"
        "! line 3: fewer cells than the header has\n"
        "! line 5: more cells than the header has\n"
        "{\"a\":\"x\\ny\",\"b\":\"7\"}\n"
        "! line 8: text behind a closing quote\n"
        "! line 9: a quote inside a cell that does not start with one\n"
        "{\"a\":\"12\",\"b\":\"13\"}\n"
        "! line 11: text that is not UTF-8\n"
        "! line 12: a quote that is not closed\n");
    assert_reads(SLICE("a,a\n1,2\n"), &options,
                 "! line 1: the header has a column name that stands twice\n");
    assert_reads(SLICE("\n\na,,b\n"), &options,
                 "! line 3: the header has a column without a name\n");
    assert_reads(SLICE("a,\"b\n"), &options,
                 "! line 1: the header has a quote that is not closed\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4180),
        cmocka_unit_test(options_apply),
        cmocka_unit_test(numbers_only_where_wanted),
        cmocka_unit_test(bad_records_name_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
