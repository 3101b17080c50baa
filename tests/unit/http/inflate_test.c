#include "test.h"

#include "http/inflate.h"

/* "hello hello hello hello", packed by Python's zlib and gzip modules. */
#define TEXT "hello hello hello hello"
#define ZLIB "\x78\xda\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\x68\x03\x08\xb1"
#define RAW  "\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01"
#define GZIP                                                                                       \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51"     \
    "\x3d\x8d\x17\x00\x00\x00"

/* Feeds `step` bytes at a time; NULL if it is broken, cut short or too large. */
static char *
inflate_text(const char *encoding, struct slice packed, size_t step, struct buffer *target)
{
    struct inflater *inflater = inflater_new(encoding, 100);
    assert_non_null(inflater);
    enum inflate_result result = INFLATE_OK;
    buffer_clear(target);
    for (size_t at = 0; at < packed.size && result == INFLATE_OK; at += step) {
        size_t size = packed.size - at < step ? packed.size - at : step;
        result = inflater_write(inflater, slice_of(packed.data + at, size), target);
    }
    bool whole = inflater_is_whole(inflater);
    inflater_free(inflater);
    return result == INFLATE_OK && whole ? (char *) (uintptr_t) buffer_string(target) : NULL;
}

static void inflates(void **state)
{
    (void) state;

    static const struct {
        const char *encoding;
        struct slice packed;
        const char *text;
    } rows[] = {
        {"gzip", {(const uint8_t *) GZIP, sizeof(GZIP) - 1}, TEXT},
        {"GZIP", {(const uint8_t *) GZIP GZIP, 2 * (sizeof(GZIP) - 1)}, TEXT TEXT},
        {"deflate", {(const uint8_t *) ZLIB, sizeof(ZLIB) - 1}, TEXT},
        {"deflate", {(const uint8_t *) RAW, sizeof(RAW) - 1}, TEXT},
        {"identity", {(const uint8_t *) TEXT, sizeof(TEXT) - 1}, TEXT},
        {"", {(const uint8_t *) TEXT, sizeof(TEXT) - 1}, TEXT},
        {"gzip", {NULL, 0}, ""},
        {"gzip", {(const uint8_t *) GZIP, sizeof(GZIP) - 2}, NULL},
        {"gzip", {(const uint8_t *) GZIP, 5}, NULL},
        {"gzip", {(const uint8_t *) GZIP "x", sizeof(GZIP)}, NULL},
        {"deflate", {(const uint8_t *) ZLIB "x", sizeof(ZLIB)}, NULL},
        {"deflate", {(const uint8_t *) ZLIB, sizeof(ZLIB) - 3}, NULL},
        {"gzip", {(const uint8_t *) TEXT, sizeof(TEXT) - 1}, NULL},
        {"gzip", {(const uint8_t *) GZIP GZIP GZIP GZIP GZIP, 5 * (sizeof(GZIP) - 1)}, NULL},
    };
    struct buffer target = BUFFER_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t step = 1; step < 150; step += 7) {
            char *text = inflate_text(rows[i].encoding, rows[i].packed, step, &target);
            if ((text == NULL) != (rows[i].text == NULL)) {
                fail_msg("row %zu by %zu bytes: %s", i, step, text == NULL ? "null" : text);
            }
            if (text != NULL) {
                assert_string_equal(text, rows[i].text);
            }
        }
    }
    assert_null(inflater_new("br", 100));
    buffer_deinit(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inflates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
