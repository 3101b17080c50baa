/* Every reader of text in values, with random and half-right bytes: none may read past its end (run
 * under ASan), and what is read must read back. */

#include "sql/datetime.h"
#include "sql/datetime_format.h"
#include "sql/decimal.h"
#include "sql/interval_text.h"
#include "sql/json_path.h"
#include "sql/number_text.h"
#include "sql/pattern.h"
#include "test.h"

#include <math.h>

static uint64_t seed = 42;

static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 33;
}

/* A heap copy without room behind it, so that a read past the end is seen. */
static struct slice random_text(const char *alphabet, size_t size_max)
{
    size_t size = next_random() % size_max;
    uint8_t *data = malloc(size == 0 ? 1 : size);
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t) alphabet[next_random() % letters];
    }
    return slice_of(data, size);
}

static void free_text(struct slice text)
{
    free((void *) (uintptr_t) text.data);
}

static void test_random_texts(void **state)
{
    (void) state;
    for (int i = 0; i < 20000; i++) {
        int64_t integer;
        double number;
        int128 decimal;
        struct json_path path;
        struct zone_text zone;
        struct slice text = random_text("0123456789-+:. TZeEINFUTCGM'$[]*a", 24);
        datetime_parse_date(text, &integer);
        datetime_parse_timestamp(text, &integer);
        zone_text_parse(text, &zone);
        number_parse_double(text, &number);
        number_parse_int(text, true, &integer);
        decimal_parse(text, 10, &decimal);
        interval_parse(text, &integer);
        interval_parse_months(text, &integer);
        json_path_parse(text, &path);
        like_match(text, text, '\\', true);
        free_text(text);
    }
}

static void test_random_patterns(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    for (int i = 0; i < 5000; i++) {
        const struct datetime_pattern *pattern;
        struct error error;
        struct slice form = random_text("yyMMddHHmmssSSaEGQDXxzVZO[]'-: T", 14);
        struct slice text = random_text("0123456789-: TZapmJanMon", 24);
        int64_t time_us;
        if (datetime_pattern_compile(form, &arena, &pattern, &error) == STATUS_OK) {
            struct datetime datetime;
            struct buffer target = BUFFER_INIT;
            datetime_from_timestamp((int64_t) next_random() * 1000003, &datetime);
            datetime_pattern_write(pattern, &datetime, &target);
            datetime_pattern_read(pattern, text, &time_us);
            datetime_pattern_read(pattern, buffer_slice(&target), &time_us);
            buffer_deinit(&target);
        }
        free_text(form);
        free_text(text);
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void test_numbers_read_back(void **state)
{
    (void) state;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random() << 33 ^ next_random() << 11 ^ next_random();
        double value;
        double back = 0;
        char text[NUMBER_TEXT_BYTES];
        memcpy(&value, &bits, sizeof value);
        size_t size = number_format_double(value, text);
        assert_true(size < sizeof text);
        assert_true(number_parse_double(slice_of(text, size), &back));
        assert_true(back == value || (isnan(back) && isnan(value)));
        int64_t integer = (int64_t) bits;
        int64_t integer_back = 0;
        size = number_format_int(integer, text);
        assert_true(number_parse_int(slice_of(text, size), false, &integer_back));
        assert_int_equal(integer_back, integer);
    }
}

static void test_decimals_read_back(void **state)
{
    (void) state;
    for (int i = 0; i < 20000; i++) {
        int scale = (int) (next_random() % 39);
        int128 value = (int128) next_random() * (int128) next_random() * (int128) next_random();
        value = next_random() % 2 == 0 ? value : -value;
        char text[DECIMAL_TEXT_BYTES];
        int128 back = 0;
        size_t size = decimal_format(value, scale, text);
        assert_true(decimal_parse(slice_of(text, size), scale, &back));
        assert_true(back == value);
    }
    int128 largest = decimal_power10(38) - 1;
    int128 product;
    assert_false(decimal_multiply(largest, 0, largest, 0, 0, &product));
    assert_true(decimal_multiply(largest, 38, largest, 38, 38, &product));
    assert_true(product == largest - 1); /* (1 - e)^2 = 1 - 2e + e^2 with e = 10^-38 */
    assert_false(decimal_add(largest, 0, 1, 0, 0, &product));
    assert_true(decimal_divide(largest, 0, 3, 0, 0, &product));
    assert_true(product == largest / 3);
}

static void test_dates_read_back(void **state)
{
    (void) state;
    for (int64_t days = -719528; days < 2932897; days += 17) { /* years 0 to 9999 */
        char text[DATETIME_TEXT_BYTES];
        int64_t back = 0;
        size_t size = datetime_format_date(days, text);
        assert_true(datetime_parse_date(slice_of(text, size), &back));
        assert_int_equal(back, days);
    }
}

/* A pattern that backtracks for ever ends, and says so. */
static void test_hard_pattern_ends(void **state)
{
    (void) state;
    struct pattern *pattern;
    struct error error;
    assert_ok(pattern_compile(SLICE("(a+)+$"), &pattern, &error), error);
    struct pattern_match match;
    pattern_match_init(&match, pattern);
    bool too_hard = false;
    struct slice text = SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    assert_false(pattern_find(pattern, text, 0, &match, &too_hard));
    assert_true(too_hard);
    pattern_match_deinit(&match);
    pattern_free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_texts),      cmocka_unit_test(test_random_patterns),
        cmocka_unit_test(test_numbers_read_back), cmocka_unit_test(test_decimals_read_back),
        cmocka_unit_test(test_dates_read_back),   cmocka_unit_test(test_hard_pattern_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
