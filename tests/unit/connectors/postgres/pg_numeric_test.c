/* Numerics in binary, against what PostgreSQL 15 sends: SELECT encode(numeric_send(x), 'hex'). */

#include "connectors/postgres/pg_numeric.h"

#include "test.h"

#include <stdio.h>

static const struct {
    const char *digits; /* unscaled */
    int scale;
    const char *sent;
} numbers[] = {
    {"0", 2, "0000000000000002"},
    {"1", 0, "00010000000000000001"},
    {"-15", 1, "000200004000000100011388"},
    {"12345", 2, "0002000000000002007b1194"},
    {"1", 4, "0001ffff000000040001"},
    {"1", 5, "0001fffe0000000503e8"},
    {"10000", 0, "00010001000000000001"},
    {"100000000", 0, "00010002000000000001"},
    {"10000000100", 6, "0003000100000006000100000001"},
    {"12345678901234567890123456789012345678", 0,
     "000a000900000000000c0d801ed204d2162e23340d801ed204d2162e"},
    {"-1", 38, "0001fff6400000260064"},
    {"99999999999999999999999999999999999999", 3,
     "000a00080000000303e7270f270f270f270f270f270f270f270f2706"},
    {"12345678901234567890123456789012345678", 38,
     "000affff0000002604d2162e23340d801ed204d2162e23340d801e78"},
};

static int128 number_of(const char *digits)
{
    int128 number = 0;
    for (const char *at = digits + (digits[0] == '-'); *at != '\0'; at++) {
        number = number * 10 + (*at - '0');
    }
    return digits[0] == '-' ? -number : number;
}

static void writes_what_postgresql_sends(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer hex CLEANUP(buffer_deinit) = BUFFER_INIT;
        pg_numeric_write(number_of(numbers[i].digits), numbers[i].scale, &bytes);
        for (size_t b = 0; b < bytes.size; b++) {
            buffer_printf(&hex, "%02x", bytes.data[b]);
        }
        assert_string_equal(buffer_string(&hex), numbers[i].sent);
    }
}

static struct slice bytes_of(const char *hex, uint8_t *bytes)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (uint8_t) byte;
    }
    return slice_of(bytes, size);
}

static void reads_it_back(void **state)
{
    (void) state;
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uint8_t bytes[64];
        int128 number;
        assert_ok(
            pg_numeric_read(bytes_of(numbers[i].sent, bytes), numbers[i].scale, &number, &error),
            error);
        assert_true(number == number_of(numbers[i].digits));
    }
}

static void refuses_what_is_no_decimal(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "",                         /* cut */
        "000100000000",             /* cut */
        "00020000000000000001",     /* a group is missing */
        "00000000c0000000",         /* NaN */
        "00000000d0000000",         /* infinity */
        "0002000000000002007b11c6", /* 123.4550, with scale 2 */
        "ffff0000000000000001",     /* too many groups */
    };
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint8_t bytes[64];
        int128 number;
        assert_int_equal(pg_numeric_read(bytes_of(wrong[i], bytes), 2, &number, &error),
                         STATUS_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_postgresql_sends),
        cmocka_unit_test(reads_it_back),
        cmocka_unit_test(refuses_what_is_no_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
