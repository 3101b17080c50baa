/* What PostgreSQL's text cannot hold is written otherwise, comes back, and meets nothing else. */

#include "connectors/postgres/pg_text.h"

#include "io/clock.h"
#include "test.h"

#include <stdio.h>

#define SIGN "\xe2\x90\x80"

static void text(void **state)
{
    (void) state;

    const struct {
        struct slice text;
        const char *written;
    } texts[] = {
        {SLICE(""), ""},
        {SLICE("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98"),
         "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98"},
        {SLICE("a\0b"), "a" SIGN "0b"},
        {SLICE("a" SIGN "0b"), "a" SIGN SIGN "0b"},
        {SLICE(SIGN "\0"), SIGN SIGN SIGN "0"},
        {SLICE("\xff"
               "ff"),
         SIGN "xffff"},
        {SLICE("\xed\xa0\x80"), SIGN "xed" SIGN "xa0" SIGN "x80"}, /* half a surrogate pair */
        {SLICE("cut \xe2\x90"), "cut " SIGN "xe2" SIGN "x90"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buffer written CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer read CLEANUP(buffer_deinit) = BUFFER_INIT;
        pg_text_write(texts[i].text, &written);
        assert_string_equal(buffer_string(&written), texts[i].written);
        assert_int_equal(pg_text_is_plain(texts[i].text),
                         slice_equal_string(texts[i].text, texts[i].written));
        pg_text_read(buffer_slice(&written), &read);
        assert_true(slice_equal(buffer_slice(&read), texts[i].text));
    }
}

/* Any bytes come back; what is written has no NUL. The seed is shown when it fails. */
static void any_bytes(void **state)
{
    (void) state;
    static const char pieces[][4] = {"a", "0", "x", "7", SIGN, "\xe2", "\x90", "\xc3\xa4", "\xff"};
    uint64_t seed = random_u64();
    random_seed(seed);
    for (int round = 0; round < 3000; round++) {
        struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer written CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer read CLEANUP(buffer_deinit) = BUFFER_INIT;
        for (uint64_t left = random_u64() % 9; left > 0; left--) {
            size_t piece = (size_t) (random_u64() % (ARRAY_SIZE(pieces) + 1));
            if (piece == ARRAY_SIZE(pieces)) {
                buffer_append_byte(&bytes, 0);
            } else {
                buffer_append_string(&bytes, pieces[piece]);
            }
        }
        pg_text_write(buffer_slice(&bytes), &written);
        pg_text_read(buffer_slice(&written), &read);
        if (!slice_equal(buffer_slice(&read), buffer_slice(&bytes)) ||
            (written.size > 0 && memchr(written.data, 0, written.size) != NULL)) {
            fail_msg("seed %llu, round %d", (unsigned long long) seed, round);
        }
    }
    random_seed(0);
}

static void json(void **state)
{
    (void) state;

    static const struct {
        const char *json, *written;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {"\"a\\u0000b\"", "\"a" SIGN "0b\""},
        {"\"a\\\\u0000b\"", "\"a\\\\u0000b\""}, /* a backslash, then u0000 */
        {"\"\\\\\\u0000\\\"\"", "\"\\\\" SIGN "0\\\"\""},
        {"\"" SIGN "0\"", "\"" SIGN SIGN "0\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buffer written CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer read CLEANUP(buffer_deinit) = BUFFER_INIT;
        pg_json_write(slice_of_string(cases[i].json), &written);
        assert_string_equal(buffer_string(&written), cases[i].written);
        pg_json_read(buffer_slice(&written), &read);
        assert_string_equal(buffer_string(&read), cases[i].json);
    }
}

/* Keys fit into an index whatever they hold, and stay different. */
static void index_keys(void **state)
{
    (void) state;
    static uint8_t bytes[5000];
    struct buffer one CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer other CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (int fill = 0; fill < 256; fill += 51) {
        memset(bytes, fill, sizeof(bytes));
        for (size_t size = 0; size < sizeof(bytes); size += 37) {
            buffer_clear(&one);
            buffer_clear(&other);
            pg_index_text_write(slice_of(bytes, size), &one);
            pg_index_text_write(slice_of(bytes, size + 1), &other);
            assert_true(one.size <= 1100 && other.size <= 1100);
            assert_true(pg_text_is_plain(buffer_slice(&one)) || one.size > 0);
            assert_false(slice_equal(buffer_slice(&one), buffer_slice(&other)));
            buffer_clear(&one);
            buffer_clear(&other);
            pg_index_bytes_write(slice_of(bytes, size), &one);
            pg_index_bytes_write(slice_of(bytes, size + 1), &other);
            assert_true(one.size <= 1100 && other.size <= 1100);
            assert_false(slice_equal(buffer_slice(&one), buffer_slice(&other)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(json),
        cmocka_unit_test(index_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
