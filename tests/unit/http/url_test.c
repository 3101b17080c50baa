#include "test.h"

#include "http/url.h"

static void decodes(void **state)
{
    (void) state;

    /* as Python's urllib.parse.unquote and unquote_plus; %00 and, in paths, "%4" are ours */
    static const struct {
        const char *text;
        enum url_decoding decoding;
        const char *wanted;
    } rows[] = {
        {"a%20b+c", URL_PATH, "a b+c"},
        {"a%20b+c", URL_QUERY, "a b c"},
        {"%E2%82%AC%2f", URL_PATH, "\xe2\x82\xac/"},
        {"", URL_PATH, ""},
        {"100%", URL_PATH, NULL},
        {"100%", URL_QUERY, "100%"},
        {"%zz%4", URL_QUERY, "%zz%4"},
        {"a%00b", URL_QUERY, NULL},
        {"%ff", URL_PATH, "\xff"},
        {"%2525", URL_PATH, "%25"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *decoded = url_decode(slice_of_string(rows[i].text), rows[i].decoding, &arena);
        if (rows[i].wanted == NULL) {
            assert_null(decoded);
        } else {
            assert_non_null(decoded);
            assert_string_equal(decoded, rows[i].wanted);
        }
    }
    arena_deinit(&arena);
}

static void encodes(void **state)
{
    (void) state;
    struct buffer text = BUFFER_INIT;
    url_encode(&text, SLICE("a b/c?d=\xc3\xa9&~-._\0"));
    assert_string_equal(buffer_string(&text), "a%20b%2Fc%3Fd%3D%C3%A9%26~-._%00");
    buffer_deinit(&text);
}

static void parses_queries(void **state)
{
    (void) state;
    struct arena arena;
    const struct http_pair *pairs = NULL;
    size_t count = 0;
    arena_init(&arena, 0);
    assert_true(url_query_parse("&a=1&&b&=x&c=d=e&a=2&", 20, &arena, &pairs, &count));
    static const struct http_pair wanted[] = {
        {"a", "1"}, {"b", ""}, {"", "x"}, {"c", "d=e"}, {"a", "2"}};
    assert_int_equal(count, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(pairs[i].name, wanted[i].name);
        assert_string_equal(pairs[i].value, wanted[i].value);
    }
    assert_true(url_query_parse("", 0, &arena, &pairs, &count));
    assert_int_equal(count, 0);
    assert_false(url_query_parse("a&b&c", 2, &arena, &pairs, &count));
    assert_false(url_query_parse("a=%00", 2, &arena, &pairs, &count));
    arena_deinit(&arena);
}

static void hides_secrets(void **state)
{
    (void) state;
    static const char *const rows[][2] = {
        {"https://user:key@host:1/path?token=1#x", "https://host:1/path"},
        {"https://host/a@b?c", "https://host/a@b"},
        {"https://host?token=x", "https://host"},
        {"https://us@er:p@host/", "https://host/"},
        {"user:key@host/path?x", "host/path"},
        {"", ""},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(url_without_secrets(rows[i][0], &arena), rows[i][1]);
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(encodes),
        cmocka_unit_test(parses_queries),
        cmocka_unit_test(hides_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
