#include "base/buffer.h"

#include "test.h"

static void escapes_json(void **state)
{
    (void) state;
    struct buffer buffer = BUFFER_INIT;
    buffer_append_json(&buffer, SLICE("a\"\\\n\x01\0é\xff"));
    assert_string_equal(buffer_string(&buffer), "\"a\\\"\\\\\\n\\u0001\\u0000é\xef\xbf\xbd\"");
    buffer_deinit(&buffer);
}

static void writes_numbers(void **state)
{
    (void) state;
    struct buffer buffer = BUFFER_INIT;
    buffer_append_be32(&buffer, 0x01020304);
    buffer_append_zigzag(&buffer, -1);
    buffer_append_zigzag(&buffer, 64);
    const uint8_t expected[] = {1, 2, 3, 4, 0x01, 0x80, 0x01};
    assert_int_equal(buffer.size, sizeof(expected));
    assert_memory_equal(buffer.data, expected, sizeof(expected));
    buffer_deinit(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_json),
        cmocka_unit_test(writes_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
