#include "wire/crc32c.h"

#include "test.h"

/* RFC 3720, appendix B.4. */
static void matches_the_rfc(void **state)
{
    (void) state;
    uint8_t data[32] = {0};
    assert_int_equal(crc32c(0, data, 32), 0x8a9136aa);
    memset(data, 0xff, 32);
    assert_int_equal(crc32c(0, data, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        data[i] = (uint8_t) i;
    }
    assert_int_equal(crc32c(0, data, 32), 0x46dd794e);
    assert_int_equal(crc32c_portable(0, data, 32), 0x46dd794e);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
}

static void both_ways_agree_at_every_size(void **state)
{
    (void) state;
    static uint8_t data[10000];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(data); i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t) (seed >> 24);
    }
    for (size_t size = 0; size < sizeof(data) - 8; size += size < 64 ? 1 : 61) {
        size_t from = size % 8;
        assert_int_equal(crc32c(7, data + from, size), crc32c_portable(7, data + from, size));
    }
}

static void continues(void **state)
{
    (void) state;
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    assert_int_equal(crc32c(5, "", 0), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_rfc),
        cmocka_unit_test(both_ways_agree_at_every_size),
        cmocka_unit_test(continues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
