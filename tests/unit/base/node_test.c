#include "base/node.h"

#include "base/buffer.h"

#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static struct error error;

static int set_up(void **state)
{
    (void) state;
    arena_init(&arena, 0);
    error_clear(&error);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    arena_deinit(&arena);
    return 0;
}

static struct node *parse(const char *text)
{
    struct node *node = NULL;
    assert_ok(node_parse(slice_of_string(text), "f.yaml", &arena, &node, &error), error);
    return node;
}

static void refuse(struct slice text, const char *message)
{
    struct node *node;
    error_clear(&error);
    enum status status = node_parse(text, "f.yaml", &arena, &node, &error);
    assert_int_equal(status, STATUS_CONFIG);
    if (strstr(error.message, message) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, message);
    }
}

static void assert_place(const struct node *node, int line, int column)
{
    assert_non_null(node);
    assert_int_equal(node->line, line);
    assert_int_equal(node->column, column);
}

static void reads_a_tree_with_places(void **state)
{
    (void) state;
    const struct node *root =
        parse("# comment\n"
              "pipeline: users\n"
              "sources:\n"
              "  \"caf\xc3\xa9\": {url: 'it''s', page: 3, none: , list: [a, 1]}\n"
              "nothing:\n"
              "tilde: ~\n"
              "items:\n"
              "  - \"x\\ty\"\n"
              "  - \n");
    assert_int_equal(root->type, NODE_MAP);
    assert_place(root, 2, 1);
    const struct node *name = node_get(root, "pipeline");
    assert_place(name, 2, 11);
    assert_int_equal(name->key_line, 2);
    assert_int_equal(name->key_column, 1);
    assert_string_equal(name->text, "users");
    assert_false(name->quoted);

    const struct node *url = node_get_path(root, "sources.caf\xc3\xa9.url");
    assert_place(url, 4, 17); /* columns count code points */
    assert_string_equal(url->text, "it's");
    assert_true(url->quoted);
    assert_place(node_get_path(root, "sources.caf\xc3\xa9.page"), 4, 32);
    assert_int_equal(node_get_path(root, "sources.caf\xc3\xa9.none")->type, NODE_NULL);
    const struct node *list = node_get_path(root, "sources.caf\xc3\xa9.list");
    assert_int_equal(list->type, NODE_LIST);
    assert_int_equal(list->count, 2);
    assert_place(list, 4, 49);
    assert_place(list->items[1], 4, 53);

    assert_int_equal(node_get(root, "nothing")->type, NODE_NULL);
    assert_int_equal(node_get(root, "tilde")->type, NODE_NULL);
    const struct node *items = node_get(root, "items");
    assert_string_equal(items->items[0]->text, "x\ty");
    assert_int_equal(items->items[1]->type, NODE_NULL);
    assert_null(node_get(root, "absent"));
    assert_null(node_get(items, "absent"));
    assert_null(node_get_path(root, "pipeline.users"));
}

static void reads_json_and_nothing(void **state)
{
    (void) state;
    const struct node *root = parse("{\"a\": [1, true, null, \"\\u00e9\"], \"b\": {}}");
    assert_string_equal(node_get(root, "a")->items[3]->text, "\xc3\xa9");
    assert_int_equal(node_get(root, "b")->type, NODE_MAP);
    assert_int_equal(parse("")->type, NODE_NULL);
    assert_int_equal(parse("# only a comment\n")->type, NODE_NULL);
    assert_string_equal(node_get(parse("\xef\xbb\xbf"
                                       "a: 1\r\nb: x\r\n"),
                                 "b")
                            ->text,
                        "x");
}

static void shows_line_and_caret(void **state)
{
    (void) state;
    const struct node *root = parse("a:\n  b: {c: \xc3\xa9t\xc3\xa9, d: 7x}\n");
    (void) node_error(&error, node_get_path(root, "a.b.d"), "\"%s\" is no number", "7x");
    assert_int_equal(error.status, STATUS_CONFIG);
    assert_string_equal(error.message, "f.yaml:2:18: \"7x\" is no number\n"
                                       "  b: {c: \xc3\xa9t\xc3\xa9, d: 7x}\n"
                                       "                 ^");
}

static void keeps_tabs_and_cuts_long_lines(void **state)
{
    (void) state;
    (void) node_error(&error, node_get(parse("a:\t\tx\n"), "a"), "bad");
    assert_string_equal(error.message, "f.yaml:1:5: bad\na:\t\tx\n  \t\t^");

    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    buffer_append_string(&text, "{a: ");
    for (int i = 0; i < 3000; i++) {
        buffer_append_string(&text, "xy");
    }
    buffer_append_string(&text, ", b: z");
    for (int i = 0; i < 3000; i++) {
        buffer_append_string(&text, "xy");
    }
    buffer_append_byte(&text, '}');
    (void) node_error(&error, node_get(parse(buffer_string(&text)), "b"), "bad");
    assert_non_null(strstr(error.message, "f.yaml:1:6010: bad\n..."));
    assert_true(strlen(error.message) < 300);
    const char *shown = strchr(error.message, '\n') + 1;
    const char *caret_line = strchr(shown, '\n') + 1;
    size_t caret = (size_t) (strchr(caret_line, '^') - caret_line);
    assert_int_equal(shown[caret], 'z');
}

/*
 * Every word of the value that occurs once in the document must be found where strstr finds it
 * there. This needs no knowledge of YAML.
 */
static void check_words(const char *text, const char *key)
{
    const struct node *node = node_get_path(parse(text), key);
    assert_non_null(node);
    size_t checked = 0;
    for (size_t i = 0; i < node->size;) {
        size_t length = strcspn(node->text + i, " \n\"'\\\t");
        char word[64];
        if (length >= 2 && length < sizeof(word)) {
            memcpy(word, node->text + i, length);
            word[length] = '\0';
            const char *found = strstr(text, word);
            if (found != NULL && strstr(found + 1, word) == NULL) {
                int line = 1;
                int column = 1;
                for (const char *c = text; c < found; c++) {
                    column = *c == '\n' ? 1 : column + ((*c & 0xc0) == 0x80 ? 0 : 1);
                    line += *c == '\n';
                }
                char expected[64];
                (void) snprintf(expected, sizeof(expected), "f.yaml:%d:%d: here\n", line, column);
                (void) node_error_at(&error, node, i, "here");
                if (strncmp(error.message, expected, strlen(expected)) != 0) {
                    fail_msg("word \"%s\": expected %s but got %s", word, expected, error.message);
                }
                checked++;
            }
        }
        i += length + 1;
    }
    assert_true(checked > 0);
}

static void finds_places_in_text(void **state)
{
    (void) state;
    check_words("a:\n  sql: |\n    SELECT one,\n      \xc3\xa9 two\n\n    FROM three\n  b: 1\n",
                "a.sql");
    check_words("sql: |2-\n\n    SELECT one\n   two\n", "sql");
    check_words("sql: | # a | b\n\n\n     SELECT one\n       two\n\n", "sql");
    check_words("k: >-\n   folded one\n   two\n\n   three\n     more indented\n   four\n", "k");
    check_words("k: plain one\n  two\n\n  three\n", "k");
    check_words("k: 'it''s one\n  two ''three'' four'\n", "k");
    check_words("k: \"esc\\taped \\u00e9\\x41 one \\\n   two\n  \n  three \\\"four\\\" five\"\n",
                "k");
    check_words("sql: |\r\n    SELECT one\r\n     two\r\nx: 1\r\n", "sql");
    check_words("{\"a\": \"SELECT one \\\"two\\\" FROM three\"}", "a");

    const struct node *block = node_get(parse("x: 1\nsql: &q | # | note\n\n  SELECT\n"), "sql");
    assert_place(block, 2, 9);
    assert_int_equal(block->text_line, 3);
    /* An offset past the end stays inside the document. */
    (void) node_error_at(&error, block, 100000, "end");
    assert_non_null(strstr(error.message, "end"));
    const struct node *empty = node_get(parse("sql: |\nx: 1\n"), "sql");
    (void) node_error_at(&error, empty, 0, "empty");
    assert_non_null(strstr(error.message, "empty"));
}

static void finds_places_after_expansion(void **state)
{
    (void) state;
    assert_int_equal(setenv("LEAT_TEST_A", "much longer than its name\nand two lines", 1), 0);
    struct node *root =
        parse("sql: |\n  SELECT ${LEAT_TEST_A} one,\n    $${two} ${LEAT_TEST_A} three\n");
    assert_ok(node_expand(root, NULL, &arena, &error), error);
    const struct node *sql = node_get(root, "sql");
    assert_string_equal(sql->text, "SELECT much longer than its name\nand two lines one,\n"
                                   "  ${two} much longer than its name\nand two lines three\n");

    static const struct {
        const char *word;
        const char *place;
    } cases[] = {{"one", "f.yaml:2:25:"},
                 {"${two", "f.yaml:3:5:"},
                 {"three", "f.yaml:3:28:"},
                 {"longer", "f.yaml:2:10:"}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t offset = (size_t) (strstr(sql->text, cases[i].word) - sql->text);
        (void) node_error_at(&error, sql, offset, "here");
        assert_memory_equal(error.message, cases[i].place, strlen(cases[i].place));
    }
}

static void refuses_what_is_ambiguous(void **state)
{
    (void) state;
    refuse(SLICE("a: 1\nb: 2\na: 3\n"),
           "f.yaml:3:1: duplicate key \"a\"; it stands at line 1 already");
    refuse(SLICE("{x: {\"k\": 1, k: 2}}"), "f.yaml:1:14: duplicate key");
    refuse(SLICE("a: !!int 1\n"), "f.yaml:1:4: tags");
    refuse(SLICE("? [x, y]\n: 1\n"), "a key must be plain text");
    refuse(SLICE("a: &x 1\n*x : 2\n"), "an alias cannot be a key");
    refuse(SLICE(": 1\n"), "a key is missing");
    refuse(SLICE("a: 1\n---\nb: 1\n"), "f.yaml:2:1: a second document");
    refuse(SLICE("a: *x\n"), "no anchor \"&x\"");
    refuse(SLICE("a: [1, 2\nb: 3\n"), "f.yaml:");
    refuse(SLICE("a:\n\tb: 1\n"), "f.yaml:2:1: ");
    refuse(SLICE("@x: 2\n"), "f.yaml:1:1: ");
}

static void refuses_bad_bytes(void **state)
{
    (void) state;
    refuse(SLICE("a: \xff\n"), "f.yaml:1:4: byte 0xff is not valid UTF-8");
    refuse(SLICE("ok: 1\n\xc3\xa9: \xed\xa0\x80\n"), "f.yaml:2:4: byte 0xed");
    refuse(SLICE("a: x\0y\n"), "f.yaml:1:5: control character 0x00");
    refuse(SLICE("a: \x1b[31m\n"), "control character 0x1b");
    refuse(SLICE("a: b\n? a:\t:\t\n"), "f.yaml:2:4: two colons with a tab");
    refuse(SLICE("? a:\t:version\n"), "f.yaml:1:4: two colons with a tab");
    refuse(SLICE("?  a\t:\t\t>:a:\t\t"), "f.yaml:1:6: a tab behind a colon");
    refuse(SLICE("x:\n  ? a:\t|x\n"), "f.yaml:2:6: a tab behind a colon");
    refuse(SLICE("?\n  a: \t- b\n"), "f.yaml:2:4: a tab behind a colon");
    assert_string_equal(node_get(parse("a:\t>\n  b\n"), "a")->text, "b\n");
    refuse(SLICE("a: \"x\\0y\"\n"), "cannot hold a NUL");
    refuse(SLICE("\"x\\0y\": 1\n"), "cannot hold a NUL");
    refuse(SLICE("\xff\xfe"
                 "a\0:\0"),
           "not valid UTF-8"); /* UTF-16 */
    /* An escape can make what the text itself may not hold; a message must not pass it on. */
    (void) node_error(&error, parse("k: 1\n"), "unknown \"%s\"", "\x1b[31m");
    assert_null(strchr(error.message, 0x1b));
}

static void deep(struct buffer *text, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        buffer_append_byte(text, '[');
    }
    for (size_t i = 0; i < depth; i++) {
        buffer_append_byte(text, ']');
    }
}

static void limits_depth(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    deep(&text, 60);
    (void) parse(buffer_string(&text));
    buffer_clear(&text);
    deep(&text, 100000);
    refuse(buffer_slice(&text), "f.yaml:1:");
    buffer_clear(&text);
    for (int i = 0; i < 200; i++) {
        buffer_printf(&text, "%*sa:\n", i, "");
    }
    refuse(buffer_slice(&text), "f.yaml:65:65: nested more than 64 levels");
    buffer_clear(&text);
    /* Each anchor holds the one before, twenty levels deeper. */
    buffer_append_string(&text, "a0: &a0 x\n");
    for (int i = 1; i < 6; i++) {
        buffer_printf(&text, "a%d: &a%d [[[[[[[[[[[[[[[[[[[[*a%d]]]]]]]]]]]]]]]]]]]]\n", i, i,
                      i - 1);
    }
    refuse(buffer_slice(&text), "f.yaml:5:29: nested more than 64 levels");
}

static void limits_aliases(void **state)
{
    (void) state;
    const struct node *root = parse("base: &b {x: [1, 2]}\nuse: *b\nalso: *b\n");
    const struct node *use = node_get_path(root, "use.x");
    assert_int_equal(use->count, 2);
    assert_ptr_not_equal(use, node_get_path(root, "also.x"));
    assert_int_equal(node_get(root, "use")->key_line, 2);

    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    buffer_append_string(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        buffer_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            buffer_printf(&text, "%s*a%d", j == 0 ? "" : ", ", i - 1);
        }
        buffer_append_string(&text, "]\n");
    }
    refuse(buffer_slice(&text), "holds more than 262144 values");
    refuse(SLICE("a: &x [1, *x]\n"), "f.yaml:1:11: alias \"*x\" stands inside its own anchor");
}

/* What once took time that grows with the square of the size; a second each is far too much. */
static void takes_linear_time(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    buffer_append_string(&text, "a: |\n");
    for (int i = 0; i < 100000; i++) {
        buffer_append_string(&text, i % 2 == 0 ? "\n" : " \n");
    }
    refuse(buffer_slice(&text), "more than 1000 blank lines in a row");
    buffer_clear(&text);
    buffer_append_byte(&text, '[');
    for (int i = 0; i < 100000; i++) { /* one line */
        buffer_append_string(&text, "{k: v},");
    }
    buffer_append_byte(&text, ']');
    const struct node *list = parse(buffer_string(&text));
    assert_place(list->items[99999]->items[0], 1, 2 + 99999 * 7 + 4);
}

static void limits_size(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    for (int i = 0; i < 300000; i++) {
        buffer_append_string(&text, "- x\n");
    }
    refuse(buffer_slice(&text), "f.yaml:262144:3: the document holds more than");
    buffer_clear(&text);
    memset(buffer_reserve(&text, 17u << 20), ' ', 17u << 20);
    text.size = 17u << 20;
    refuse(buffer_slice(&text), "f.yaml: larger than 16 MiB");
}

static void sets_paths(void **state)
{
    (void) state;
    struct node *root = parse("sources:\n  users: {pages: 1}\nempty:\n");
    assert_ok(node_set_path(root, "sources.users.pages", "7", &arena, &error), error);
    assert_string_equal(node_get_path(root, "sources.users.pages")->text, "7");
    assert_ok(node_set_path(root, "sources.users.http.headers", "{A: b}", &arena, &error), error);
    assert_string_equal(node_get_path(root, "sources.users.http.headers.A")->text, "b");
    assert_ok(node_set_path(root, "empty.x", "'1'", &arena, &error), error);
    assert_true(node_get_path(root, "empty.x")->quoted);
    assert_ok(node_set_path(root, "new", "", &arena, &error), error);
    assert_ok(node_set_path(root, "when", "@every 1m", &arena, &error), error);
    assert_string_equal(node_get_path(root, "when")->text, "@every 1m");
    assert_int_equal(node_get_path(root, "new")->type, NODE_NULL);

    assert_fails(node_set_path(root, "sources.users.pages.x", "1", &arena, &error), STATUS_CONFIG,
                 error, "pages is not a map");
    assert_fails(node_set_path(root, "a", "[1", &arena, &error), STATUS_CONFIG, error,
                 "<command line>:1:");
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_fails(node_set_path(root, bad[i], "1", &arena, &error), STATUS_CONFIG, error,
                     "is not a setting's path");
    }
    /* A profile's value keeps its own place. */
    struct node *profile = parse("set:\n  sources.users.schedule: \"@every 1m\"\n");
    struct node *value = node_get(profile, "set")->items[0];
    assert_ok(node_put_path(root, value->key, value, &arena, &error), error);
    assert_place(node_get_path(root, "sources.users.schedule"), 2, 27);
    assert_string_equal(node_get_path(root, "sources.users.schedule")->key, "schedule");
}

static void expands_variables(void **state)
{
    (void) state;
    assert_int_equal(setenv("LEAT_TEST_A", "va:l}ue", 1), 0);
    assert_int_equal(setenv("LEAT_TEST_EMPTY", "", 1), 0);
    assert_int_equal(unsetenv("LEAT_TEST_NONE"), 0);

    static const struct {
        const char *yaml;
        const char *text;
    } cases[] = {
        {"${LEAT_TEST_A}", "va:l}ue"},
        {"x-${LEAT_TEST_A}-${LEAT_TEST_A}", "x-va:l}ue-va:l}ue"},
        {"${LEAT_TEST_NONE:-http://host:80/a?b=c}", "http://host:80/a?b=c"},
        {"${LEAT_TEST_EMPTY:-d}", "d"},
        {"x${LEAT_TEST_EMPTY}y", "xy"},
        {"x${LEAT_TEST_NONE:-}y", "xy"},
        {"$${LEAT_TEST_A}", "${LEAT_TEST_A}"},
        {"a $ b $$ c $5", "a $ b $$ c $5"},
        {"${interval.start} ${LEAT_TEST_A}", "${interval.start} va:l}ue"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
        buffer_printf(&text, "list: ['%s']", cases[i].yaml);
        struct node *root = parse(buffer_string(&text));
        assert_ok(node_expand(root, NULL, &arena, &error), error);
        assert_string_equal(node_get(root, "list")->items[0]->text, cases[i].text);
        assert_int_equal(node_get(root, "list")->items[0]->size, strlen(cases[i].text));
    }
    struct node *number = parse("{pages: \"${LEAT_TEST_NONE:-5}\", s: \"0${LEAT_TEST_NONE:-5}\"}");
    assert_ok(node_expand(number, NULL, &arena, &error), error);
    assert_false(node_get(number, "pages")->quoted);
    assert_true(node_get(number, "s")->quoted);
}

static void expands_what_is_known(void **state)
{
    (void) state;
    assert_int_equal(setenv("LEAT_TEST_A", "va:l}ue", 1), 0);

    struct node *root =
        parse("{a: \"${LEAT_TEST_NONE:-5}\", b: \"x${LEAT_TEST_NONE}${LEAT_TEST_A}\", "
              "c: \"${secret:nope}\", d: \"$${e}\"}");
    assert_ok(node_expand_known(root, &arena, &error), error);
    assert_string_equal(node_get(root, "a")->text, "5");
    assert_string_equal(node_get(root, "b")->text, "x${LEAT_TEST_NONE}va:l}ue");
    assert_string_equal(node_get(root, "c")->text, "${secret:nope}");
    assert_string_equal(node_get(root, "d")->text, "${e}");
    assert_fails(node_expand_known(parse("a: ${"), &arena, &error), STATUS_CONFIG, error,
                 "without its");
}

static void refuses_bad_variables(void **state)
{
    (void) state;

    static const struct {
        const char *yaml;
        const char *message;
    } cases[] = {
        {"a: x ${LEAT_TEST_NONE}",
         "f.yaml:1:6: environment variable \"LEAT_TEST_NONE\" is not set"},
        {"a: ${", "without its \"}\""},
        {"a: ${}", "names no environment variable"},
        {"a: ${1x}", "names no environment variable"},
        {"a: ${a b}", "names no environment variable"},
        {"a: ${A:-${B}}", "a default cannot hold another"},
        {"a: ${secret:../../etc/passwd}", "is not a secret's name"},
        {"a: ${secret:nope}", "secret \"nope\" is not set"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_fails(node_expand(parse(cases[i].yaml), NULL, &arena, &error), STATUS_CONFIG, error,
                     cases[i].message);
    }
}

static void reads_secrets(void **state)
{
    (void) state;
    char directory[] = "/tmp/leat-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char path[128];
    (void) snprintf(path, sizeof(path), "%s/api-token", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void) fputs("s3cr3t\n", file);
    (void) fclose(file);
    assert_int_equal(setenv("LEAT_SECRET_OTHER_ONE", "from env", 1), 0);

    struct node *root = parse("a: Bearer ${secret:api-token}\nb: ${secret:other-one}\n");
    assert_ok(node_expand(root, directory, &arena, &error), error);
    assert_string_equal(node_get(root, "a")->text, "Bearer s3cr3t");
    assert_true(node_get(root, "a")->secret);
    assert_string_equal(node_get(root, "b")->text, "from env");
    (void) node_error(&error, node_get(root, "a"), "bad header");
    assert_null(strstr(error.message, "s3cr3t"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void loads_files(void **state)
{
    (void) state;
    struct node *root;
    assert_fails(node_load("/nonexistent/x.yaml", &arena, &root, &error), STATUS_CONFIG, error,
                 "cannot open \"/nonexistent/x.yaml\": No such file");
    assert_fails(node_load("/tmp", &arena, &root, &error), STATUS_CONFIG, error,
                 "cannot read \"/tmp\"");
    assert_ok(node_load("/dev/null", &arena, &root, &error), error);
    assert_int_equal(root->type, NODE_NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reads_a_tree_with_places),
        TEST(reads_json_and_nothing),
        TEST(shows_line_and_caret),
        TEST(keeps_tabs_and_cuts_long_lines),
        TEST(finds_places_in_text),
        TEST(finds_places_after_expansion),
        TEST(refuses_what_is_ambiguous),
        TEST(refuses_bad_bytes),
        TEST(limits_depth),
        TEST(limits_aliases),
        TEST(takes_linear_time),
        TEST(limits_size),
        TEST(sets_paths),
        TEST(expands_what_is_known),
        TEST(expands_variables),
        TEST(refuses_bad_variables),
        TEST(reads_secrets),
        TEST(loads_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
