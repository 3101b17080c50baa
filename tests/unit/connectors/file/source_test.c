/* The file source on real files: formats, cursors, growth, rotation and damage. */

#include "connectors/file/file_source.h"

#include "base/logline.h"
#include "io/file.h"
#include "source_contract.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    struct arena arena;
    struct arena page_arena;
    struct source *source;
    struct source_page page;
    char cursor[512];
    bool has_cursor;
    struct error error;
};

static struct fixture f;

static const char *path_of(const char *name)
{
    return arena_printf(&f.arena, "%s/%s", f.directory, name);
}

static void append_bytes(const char *name, struct slice bytes)
{
    FILE *file = fopen(path_of(name), "a");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
}

static void append(const char *name, const char *text)
{
    append_bytes(name, slice_of_string(text));
}

static void *read_settings(const char *name, const char *more)
{
    struct node *node;
    const char *yaml = arena_printf(&f.arena, "{path: '%s'%s}", path_of(name), more);
    assert_ok(node_parse(slice_of_string(yaml), "test.yaml", &f.arena, &node, &f.error), f.error);
    void *settings = arena_zalloc(&f.arena, file_source_settings.struct_size);
    assert_ok(settings_read(&file_source_settings, node, &f.arena, settings, &f.error), f.error);
    return settings;
}

static enum status open_source(const char *name, const char *more)
{
    void *settings = read_settings(name, more);
    return file_source_ops.open(settings, "test.file", &f.source, &f.error);
}

static enum status fetch(void)
{
    arena_reset(&f.page_arena);
    struct source_request request = {.cursor = f.has_cursor ? f.cursor : NULL};
    int64_t retry_after_us;
    enum status status = file_source_ops.fetch(f.source, &request, &f.page_arena, &f.page,
                                               &retry_after_us, &f.error);
    if (status == STATUS_OK && f.page.cursor != NULL) {
        snprintf(f.cursor, sizeof(f.cursor), "%s", f.page.cursor);
        f.has_cursor = true;
    }
    return status;
}

/* All records up to the end, as "PLACE:LINE RAW" lines; faults in brackets. */
static const char *read_all(void)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (int pages = 0; pages < 1000; pages++) {
        assert_ok(fetch(), f.error);
        for (size_t i = 0; i < f.page.count; i++) {
            const struct source_record *record = &f.page.records[i];
            buffer_printf(&text, record->fault == NULL ? "%s:%u %.*s\n" : "%s:%u [%.*s]\n",
                          f.page.place, record->place, SLICE_FORMAT(record->raw));
        }
        if (f.page.end) {
            return arena_strdup(&f.arena, buffer_string(&text));
        }
    }
    fail_msg("the source has no end");
    return NULL;
}

static int setup(void **state)
{
    (void) state;
    memset(&f, 0, sizeof(f));
    arena_init(&f.arena, 0);
    arena_init(&f.page_arena, 0);
    snprintf(f.directory, sizeof(f.directory), "/tmp/leat-file-XXXXXX");
    assert_non_null(mkdtemp(f.directory));
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    if (f.source != NULL) {
        file_source_ops.close(f.source);
    }
    assert_ok(directory_remove(f.directory, &f.error), f.error);
    arena_deinit(&f.arena);
    arena_deinit(&f.page_arena);
    return 0;
}

static void reopen(const char *name, const char *more)
{
    file_source_ops.close(f.source);
    assert_ok(open_source(name, more), f.error);
}

static void lines(void **state)
{
    (void) state;
    append("a.jsonl", "{\"a\":1}\n\n{\"a\":\n{\"a\":3}");
    assert_ok(open_source("a.jsonl", ", page_bytes: 8"), f.error);
    assert_string_equal(read_all(),
                        "a.jsonl:1 {\"a\":1}\na.jsonl:3 [{\"a\":]\na.jsonl:4 {\"a\":3}\n");
    assert_string_equal(read_all(), "");
    append("a.jsonl", "\n{\"a\":4}\n");
    assert_string_equal(read_all(), "a.jsonl:5 {\"a\":4}\n");
    reopen("a.jsonl", ""); /* the cursor is all that is kept */
    assert_string_equal(read_all(), "");
}

static void pattern(void **state)
{
    (void) state;
    append("b.jsonl", "{\"b\":1}\n");
    append("a.jsonl", "{\"a\":1}\n{\"a\":2}\n");
    append("c.txt", "no\n");
    assert_ok(open_source("*.jsonl", ""), f.error);
    assert_string_equal(read_all(),
                        "a.jsonl:1 {\"a\":1}\na.jsonl:2 {\"a\":2}\nb.jsonl:1 {\"b\":1}\n");
    append("c.jsonl", "{\"c\":1}\n");
    assert_string_equal(read_all(), "c.jsonl:1 {\"c\":1}\n");
}

static void csv(void **state)
{
    (void) state;
    append("a.csv", "\xef\xbb\xbfid;text\n1;\"two\nlines\"\n2;x\n");
    assert_ok(open_source("a.csv", ", format: csv, separator: ';', page_bytes: 16"), f.error);
    assert_string_equal(read_all(), "a.csv:2 {\"id\":\"1\",\"text\":\"two\\nlines\"}\n"
                                    "a.csv:4 {\"id\":\"2\",\"text\":\"x\"}\n");
    append("a.csv", "3;y\n");
    reopen("a.csv", ", format: csv, separator: ';'");
    assert_string_equal(read_all(), "a.csv:5 {\"id\":\"3\",\"text\":\"y\"}\n");
}

static void documents(void **state)
{
    (void) state;
    append("a.json", "{\"rows\":[{\"a\":1},{\"a\":2},{\"a\":3}]}");
    append("b.json", "{\"rows\":[{\"b\":1}]}");
    assert_ok(open_source("*.json", ", format: json, records: rows, page_records: 2"), f.error);
    assert_string_equal(read_all(), "a.json:0 {\"a\":1}\na.json:1 {\"a\":2}\na.json:2 {\"a\":3}\n"
                                    "b.json:0 {\"b\":1}\n");
    append("c.json", "{\"rows\":[{\"c\":1}");
    assert_fails(fetch(), STATUS_DATA, f.error, "c.json");
}

/* printf '{"a":1}\n{"a":2}\n' | gzip -n -9 */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab,
                                 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0xe5, 0xaa, 0x06, 0xd1, 0x46,
                                 0xb5, 0x5c, 0x00, 0x66, 0xc0, 0x5a, 0x19, 0x10, 0x00, 0x00, 0x00};

static void gzip(void **state)
{
    (void) state;
    append_bytes("a.jsonl.gz", slice_of(packed, sizeof(packed)));
    assert_ok(open_source("a.jsonl.gz", ", page_bytes: 10"), f.error);
    assert_string_equal(read_all(), "a.jsonl.gz:1 {\"a\":1}\na.jsonl.gz:2 {\"a\":2}\n");
    append_bytes("b.jsonl.gz", slice_of(packed, sizeof(packed) - 9));
    reopen("b.jsonl.gz", "");
    f.has_cursor = false;
    assert_fails(fetch(), STATUS_DATA, f.error, "b.jsonl.gz");
}

static void following(void **state)
{
    (void) state;
    assert_ok(open_source("a.log", ", follow: true"), f.error);
    assert_string_equal(read_all(), ""); /* not there yet */
    append("a.log", "{\"a\":1}\n{\"a\"");
    assert_true(file_source_ops.wait(f.source, 5000000));
    assert_string_equal(read_all(), "a.log:1 {\"a\":1}\n"); /* half a line waits */
    append("a.log", ":2}\n");
    assert_true(file_source_ops.wait(f.source, 5000000));
    assert_string_equal(read_all(), "a.log:2 {\"a\":2}\n");
    assert_false(file_source_ops.wait(f.source, 1));
}

static void rotation(void **state)
{
    (void) state;
    assert_ok(open_source("a.log", ", follow: true"), f.error);
    append("a.log", "{\"a\":1}\n");
    assert_string_equal(read_all(), "a.log:1 {\"a\":1}\n");
    append("a.log", "{\"a\":2}\n"); /* not read yet when it is renamed */
    assert_int_equal(rename(path_of("a.log"), path_of("a.log.1")), 0);
    append("a.log", "{\"b\":1}\n");
    assert_true(file_source_ops.wait(f.source, 5000000));
    assert_string_equal(read_all(), "a.log.1:2 {\"a\":2}\na.log:1 {\"b\":1}\n");
    /* Cut and written anew under the same name. */
    FILE *file = fopen(path_of("a.log"), "w");
    fputs("{}\n", file);
    fclose(file);
    assert_string_equal(read_all(), "a.log:1 {}\n");
    /* Removed before it was read to its end: the successor goes on. */
    append("a.log", "{\"lost\":1}\n");
    append("new.log", "{\"c\":1}\n");
    assert_int_equal(rename(path_of("new.log"), path_of("a.log")), 0);
    assert_string_equal(read_all(), "a.log:1 {\"c\":1}\n");
}

static void refusals(void **state)
{
    (void) state;
    assert_ok(open_source("none.jsonl", ""), f.error);
    assert_fails(fetch(), STATUS_UNAVAILABLE, f.error, "none.jsonl");
    assert_true(f.error.retriable);
    file_source_ops.close(f.source);
    f.source = NULL;
    assert_fails(open_source("a", ", format: json, follow: true"), STATUS_CONFIG, f.error,
                 "followed");
    assert_fails(open_source("a", ", format: csv, separator: ab"), STATUS_CONFIG, f.error, "one");
    f.source = NULL;
    append("long.jsonl", "{\"a\":\"0123456789012345678901234567890123456789\"}\n");
    assert_ok(open_source("long.jsonl", ", line_max: 16, page_bytes: 4"), f.error);
    assert_fails(fetch(), STATUS_CONFIG, f.error, "longer");
    snprintf(f.cursor, sizeof(f.cursor), "{\"file\":1}");
    f.has_cursor = true;
    assert_fails(fetch(), STATUS_CORRUPT, f.error, "cursor");
}

/* The contract over each format: lines of two files, a table, a document. */
static int contracts(void)
{
    static const char *const records[] = {"{\"a\":\"1\"}", "{\"a\":\"2\"}", "{\"a\":\"3\"}"};

    static const struct {
        const char *name, *more;
    } cases[] = {
        {"*.jsonl", ", page_bytes: 9"},
        {"t.csv", ", format: csv, page_bytes: 4"},
        {"d.json", ", format: json, page_records: 2"},
    };

    setup(NULL);
    append("1.jsonl", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n");
    append("2.jsonl", "{\"a\":\"3\"}\n");
    append("t.csv", "a\n1\n2\n3\n");
    append("d.json", "[{\"a\":\"1\"},{\"a\":\"2\"},{\"a\":\"3\"}]");
    int failures = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct source_contract contract = {
            .ops = &file_source_ops,
            .settings = read_settings(cases[i].name, cases[i].more),
            .records = records,
            .record_count = 3,
        };
        failures += source_contract(&contract);
    }
    teardown(NULL);
    return failures;
}

int main(void)
{
    logline_configure(LOG_OFF, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, setup, teardown),
        cmocka_unit_test_setup_teardown(pattern, setup, teardown),
        cmocka_unit_test_setup_teardown(csv, setup, teardown),
        cmocka_unit_test_setup_teardown(documents, setup, teardown),
        cmocka_unit_test_setup_teardown(gzip, setup, teardown),
        cmocka_unit_test_setup_teardown(following, setup, teardown),
        cmocka_unit_test_setup_teardown(rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) + contracts();
}
