#include "codec/json.h"

#include "golden.h"
#include "test.h"

#include <locale.h>
#include <math.h>

/* A copy in a block of exactly its size: a read past the end is found by the sanitizer. */
static struct slice tight(struct slice text)
{
    uint8_t *copy = malloc(text.size == 0 ? 1 : text.size);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return slice_of(copy, text.size);
}

static void free_slice(struct slice text)
{
    free((void *) (uintptr_t) text.data);
}

static void same_as_python(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer file = golden_load("json/cases.txt");
    struct slice rest = buffer_slice(&file);
    struct slice line;
    struct json_document document;
    json_document_init(&document);
    size_t cases = 0;
    for (; golden_line(&rest, &line); cases++) {
        bool ok = slice_equal_string(golden_word(&line), "ok");
        CLEANUP(buffer_deinit) struct buffer hex = golden_hex(golden_word(&line));
        CLEANUP(buffer_deinit) struct buffer wanted = golden_hex(golden_word(&line));
        struct slice text = tight(buffer_slice(&hex));
        struct error error = {0};
        enum status status = json_parse(&document, text, 0, &error);
        if ((status == STATUS_OK) != ok) {
            fail_msg("%.*s: %s", SLICE_FORMAT(text), ok ? error.message : "should be refused");
        }
        if (ok) {
            CLEANUP(buffer_deinit) struct buffer canonical = BUFFER_INIT;
            json_canonical(&document, 0, NULL, 0, &canonical);
            assert_string_equal(buffer_string(&canonical), buffer_string(&wanted));
            assert_int_equal(json_at(&document, 0)->next, document.tape_size);
        } else {
            assert_non_null(strstr(error.message, "line "));
            assert_int_equal(document.tape_size, 0);
        }
        free_slice(text);
    }
    assert_true(cases > 400);
    json_document_deinit(&document);
}

static void says_where(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"", "unexpected end at line 1, column 1"},
        {"{\n  \"a\": 1,\n  b: 2\n}", "expected a member name in quotes at line 3, column 3"},
        {"[\"äö\" 1]", "expected \",\" or \"]\" at line 1, column 7"},
        {"{\"a\" 1}", "expected \":\" at line 1, column 6"},
        {"[1, 01]", "a number with a leading zero at line 1, column 5"},
        {"[1.]", "a number without digits behind the point at line 1, column 4"},
        {"[\"a\\x\"]", "an unknown escape at line 1, column 4"},
        {"[\"a\nb\"]", "a control character in a string at line 1, column 4"},
        {"[\"ab", "a string without end at line 1, column 5"},
        {"[\"a\xff\"]", "invalid UTF-8 at line 1, column 4"},
        {"[] []", "text behind the value at line 1, column 4"},
    };
    struct json_document document;
    json_document_init(&document);
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_fails(json_parse(&document, slice_of_string(cases[i][0]), 0, &error), STATUS_DATA,
                     error, cases[i][1]);
    }
    assert_fails(json_parse(&document, SLICE("[[[1]]]"), 2, &error), STATUS_DATA, error,
                 "nested too deeply at line 1, column 3");
    assert_ok(json_parse(&document, SLICE("[[[1]]]"), 3, &error), error);
    assert_fails(json_parse(&document, slice_of("", (size_t) 1 << 31), 0, &error), STATUS_LIMIT,
                 error, "2 GiB");
    assert_fails(json_parse(&document, SLICE("\xef\xbb\xbf{}"), 0, &error), STATUS_DATA, error, "");
    assert_non_null(strstr(error.hint, "byte order mark"));
    json_document_deinit(&document);
}

static void deep_and_wide(void **state)
{
    (void) state;

    enum {
        DEPTH = 1000000
    };
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    for (int i = 0; i < DEPTH; i++) {
        buffer_append_byte(&text, '[');
    }
    for (int i = 0; i < DEPTH; i++) {
        buffer_append_byte(&text, ']');
    }
    struct json_document document;
    json_document_init(&document);
    struct error error;
    assert_ok(json_parse(&document, buffer_slice(&text), DEPTH, &error), error);
    assert_int_equal(document.tape_size, DEPTH);
    assert_int_equal(json_at(&document, DEPTH - 1)->size, 2);
    assert_int_equal(json_at(&document, 0)->count, 1);

    buffer_clear(&text);
    buffer_append_byte(&text, '{');
    for (int i = 0; i < 100000; i++) {
        buffer_printf(&text, "%s\"k%d\":%d", i == 0 ? "" : ",", 99999 - i, i);
    }
    buffer_append_byte(&text, '}');
    assert_ok(json_parse(&document, buffer_slice(&text), 0, &error), error);
    assert_int_equal(json_at(&document, 0)->count, 100000);
    int64_t number;
    assert_true(json_int64(&document, json_path(&document, 0, "k5"), &number));
    assert_int_equal(number, 99994);
    CLEANUP(buffer_deinit) struct buffer canonical = BUFFER_INIT;
    json_canonical(&document, 0, NULL, 0, &canonical);
    assert_int_equal(canonical.size, text.size);
    assert_memory_equal(canonical.data, "{\"k0\":99999,\"k1\":99998,\"k10\":99989,", 35);
    json_document_deinit(&document);
}

static void prefixes(void **state)
{
    (void) state;
    struct slice text = SLICE("{\"a\":1}\n [2]3 \"x\"");
    static const size_t sizes[] = {7, 5, 1, 4};
    struct json_document document;
    json_document_init(&document);
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t size;
        assert_ok(json_parse_prefix(&document, text, 0, &size, &error), error);
        assert_int_equal(size, sizes[i]);
        text = slice_of(text.data + size, text.size - size);
    }
    assert_int_equal(text.size, 0);
    json_document_deinit(&document);
}

static void paths_and_members(void **state)
{
    (void) state;
    struct json_document document;
    json_document_init(&document);
    struct error error;
    struct slice text = SLICE("{\"a\":{\"b\":[10,{\"c d\":1},[30]],\"x.y\":2,\"\":3},\"a2\":4,"
                              "\"\\u00e9\\n\":5,\"d\":6,\"d\":7}");
    assert_ok(json_parse(&document, text, 0, &error), error);

    static const struct {
        const char *path;
        const char *raw;
    } cases[] = {
        {"a.b.0", "10"},
        {"a.b.1.c d", "1"},
        {"a.b.2.0", "30"},
        {"a.b.2", "[30]"},
        {"a.\"x.y\"", "2"},
        {"\"a\".\"b\".0", "10"},
        {"a.\"\"", "3"},
        {"a2", "4"},
        {"é\n", "5"},
        {"d", "7"},
        {"a.b.3", NULL},
        {"a.b.x", NULL},
        {"a.b.99999999999999999999", NULL},
        {"b", NULL},
        {"a2.b", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t index = json_path(&document, 0, cases[i].path);
        if (cases[i].raw == NULL) {
            assert_int_equal(index, UINT32_MAX);
            continue;
        }
        assert_int_not_equal(index, UINT32_MAX);
        assert_true(slice_equal_string(json_raw(&document, index), cases[i].raw));
    }
    assert_int_equal(json_path(&document, 0, ""), 0);
    json_document_deinit(&document);
}

static void numbers(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        bool integral;
        int64_t integer;
        double number;
    } cases[] = {
        {"0", true, 0, 0},
        {"-0", true, 0, -0.0},
        {"-9223372036854775808", true, INT64_MIN, -0x1p63},
        {"9223372036854775807", true, INT64_MAX, 0x1p63},
        {"9223372036854775808", false, 0, 0x1p63},
        {"-9223372036854775809", false, 0, -0x1p63},
        {"123456789012345678901234567890", false, 0, 123456789012345678901234567890.0},
        {"1.0", false, 0, 1},
        {"1e3", false, 0, 1000},
        {"0.1", false, 0, 0.1},
        {"-12.50", false, 0, -12.5},
        {"999999999999999", true, 999999999999999, 999999999999999.0},
        {"0.000000000000001", false, 0, 1e-15},
        {"1.7976931348623157e308", false, 0, 1.7976931348623157e308},
        {"1e400", false, 0, HUGE_VAL},
        {"5e-324", false, 0, 5e-324},
        {"9007199254740993", true, 9007199254740993, 9007199254740992.0},
        {"2.2250738585072011e-308", false, 0, 2.2250738585072011e-308},
    };

    (void) setlocale(LC_ALL, "de_DE.UTF-8"); /* a comma for the point, where it is installed */
    struct json_document document;
    json_document_init(&document);
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice text = tight(slice_of_string(cases[i].text));
        assert_ok(json_parse(&document, text, 0, &error), error);
        int64_t integer = 0;
        assert_int_equal(json_int64(&document, 0, &integer), cases[i].integral);
        assert_int_equal(integer, cases[i].integer);
        double number = json_double(&document, 0);
        assert_memory_equal(&number, &cases[i].number, sizeof(number));
        free_slice(text);
    }
    json_document_deinit(&document);
}

static void leaves_out_paths(void **state)
{
    (void) state;
    struct json_document document;
    json_document_init(&document);
    struct error error;
    struct slice text =
        SLICE("{\"dob\":{\"age\":3,\"date\":\"x\"},\"age\":1,\"list\":[{\"n\":1,\"m\":2},5],"
              "\"x.y\":{\"z\":1},\"do\":4}");
    static const char *const paths[] = {"dob.age", "list.0.m", "list.1", "\"x.y\".z",
                                        "none.at.all"};
    assert_ok(json_parse(&document, text, 0, &error), error);
    CLEANUP(buffer_deinit) struct buffer canonical = BUFFER_INIT;
    json_canonical(&document, 0, paths, ARRAY_SIZE(paths), &canonical);
    assert_string_equal(
        buffer_string(&canonical),
        "{\"age\":1,\"do\":4,\"dob\":{\"date\":\"x\"},\"list\":[{\"n\":1}],\"x.y\":{}}");
    json_document_deinit(&document);
}

static void text_of_strings(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct json_document document;
    json_document_init(&document);
    struct error error;
    struct slice text = SLICE("[\"plain\",\"\\ud83d\\ude00\\u0000\\\"\"]");
    assert_ok(json_parse(&document, text, 0, &error), error);
    struct slice plain = json_text(&document, 1, &arena);
    assert_ptr_equal(plain.data, text.data + 2); /* borrowed */
    assert_int_equal(arena.bytes_used, 0);
    struct slice escaped = json_text(&document, 2, &arena);
    assert_int_equal(escaped.size, 6);
    assert_memory_equal(escaped.data, "\xf0\x9f\x98\x80\0\"", 6);
    arena_deinit(&arena);
    json_document_deinit(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_python),    cmocka_unit_test(says_where),
        cmocka_unit_test(deep_and_wide),     cmocka_unit_test(prefixes),
        cmocka_unit_test(paths_and_members), cmocka_unit_test(numbers),
        cmocka_unit_test(leaves_out_paths),  cmocka_unit_test(text_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
