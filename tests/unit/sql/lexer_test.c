#include "sql/lexer.h"

#include "test.h"

static struct token *lex(const char *text, struct arena *arena, size_t *count)
{
    struct token *tokens = NULL;
    struct error error;
    size_t offset = 0;
    assert_ok(sql_lex(slice_of_string(text), arena, &tokens, count, &offset, &error), error);
    return tokens;
}

static void value_is(const char *text, enum token_kind kind, const char *value)
{
    struct arena arena;
    size_t count = 0;
    arena_init(&arena, 0);
    const struct token *tokens = lex(text, &arena, &count);
    assert_int_equal(count, 2);
    assert_int_equal(tokens[0].kind, kind);
    assert_int_equal(tokens[0].value.size, strlen(value));
    assert_memory_equal(tokens[0].value.data, value, strlen(value));
    assert_int_equal(tokens[1].kind, TOKEN_END);
    arena_deinit(&arena);
}

/* Values as Spark 3.5.7 prints them. */
static void strings_and_names(void **state)
{
    (void) state;
    value_is("'it\\'s'", TOKEN_STRING, "it's");
    value_is("\"a'b\"", TOKEN_STRING, "a'b");
    value_is("'a\\nb\\t\\\\'", TOKEN_STRING, "a\nb\t\\");
    value_is("'\\u00e9\\101'", TOKEN_STRING, "\xc3\xa9\x41");
    value_is("'\\%\\_\\q'", TOKEN_STRING, "\\%\\_q");
    value_is("r'a\\n'", TOKEN_STRING, "a\\n");
    value_is("`a``b`", TOKEN_QUOTED, "a`b");
    value_is("`select`", TOKEN_QUOTED, "select");
    value_is("x'4a4B'", TOKEN_BINARY, "JK");
    value_is("X'123'", TOKEN_BINARY, "\x01\x23");
    value_is("caf\xc3\xa9", TOKEN_WORD, "caf\xc3\xa9");
    value_is("/* a /* b */ c */ 1.5 -- d", TOKEN_NUMBER, "1.5");
}

static void numbers_and_suffixes(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        enum number_suffix suffix;
    } cases[] = {
        {"1", SUFFIX_NONE},       {"1L", SUFFIX_BIGINT},  {"1y", SUFFIX_TINYINT},
        {"1S", SUFFIX_SMALLINT},  {"1.5F", SUFFIX_FLOAT}, {"1e3D", SUFFIX_DOUBLE},
        {".5bd", SUFFIX_DECIMAL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena;
        size_t count = 0;
        arena_init(&arena, 0);
        const struct token *tokens = lex(cases[i].text, &arena, &count);
        assert_int_equal(count, 2);
        assert_int_equal(tokens[0].suffix, cases[i].suffix);
        arena_deinit(&arena);
    }
}

static void faults_have_places(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        size_t offset;
        const char *message;
    } cases[] = {
        {"a 'b", 2, "string is not closed"},    {"a `b", 2, "name is not closed"},
        {"a /* b", 6, "comment is not closed"}, {"a ``", 2, "backquotes is empty"},
        {"1 2abc", 2, "neither a number nor"},  {"a # b", 2, "means nothing"},
        {"a \x01", 2, "control character"},     {"a \xff", 2, "not valid UTF-8"},
        {"'\xff'", 0, "not valid UTF-8"},       {"x'0g'", 3, "not a hex digit"},
        {"'a''b'", 3, "mean different things"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena;
        struct error error;
        struct token *tokens = NULL;
        size_t count = 0, offset = 0;
        arena_init(&arena, 0);
        assert_fails(
            sql_lex(slice_of_string(cases[i].text), &arena, &tokens, &count, &offset, &error),
            STATUS_CONFIG, error, cases[i].message);
        assert_int_equal(offset, cases[i].offset);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_and_names),
        cmocka_unit_test(numbers_and_suffixes),
        cmocka_unit_test(faults_have_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
