#include "columnar/builder.h"

#include "random_column.h"
#include "test.h"

#include <float.h>
#include <math.h>

static const char *double_text(struct arena *arena, enum type_id id, double value)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(id), 1);
    column_append_double(&builder, value);
    return row_text(column_builder_finish(&builder), 0, arena);
}

static const char *int_text(struct arena *arena, enum type_id id, int64_t value)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(id), 1);
    column_append_int(&builder, value);
    return row_text(column_builder_finish(&builder), 0, arena);
}

static const char *bytes_text(struct arena *arena, enum type_id id, struct slice value)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(id), 1);
    column_append_bytes(&builder, value);
    return row_text(column_builder_finish(&builder), 0, arena);
}

static const char *decimal_text(struct arena *arena, uint8_t scale, int128 value)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_decimal(arena, 38, scale), 1);
    column_append_decimal(&builder, value);
    return row_text(column_builder_finish(&builder), 0, arena);
}

/* Doubles as Python's repr has them. */
static void numbers(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, 0.1), "0.1");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, 1), "1.0");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, -0.0), "-0.0");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, 0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, DBL_MAX), "1.7976931348623157e+308");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, 5e-324), "4.94065645841247e-324");
    assert_string_equal(double_text(&arena, TYPE_FLOAT, 0.1), "0.1");
    assert_string_equal(double_text(&arena, TYPE_FLOAT, 16777216), "16777216.0");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, (double) NAN), "\"NaN\"");
    assert_string_equal(double_text(&arena, TYPE_DOUBLE, -HUGE_VAL), "\"-Infinity\"");
    assert_string_equal(int_text(&arena, TYPE_BIGINT, INT64_MIN), "-9223372036854775808");
    assert_string_equal(decimal_text(&arena, 2, 1230), "12.30");
    assert_string_equal(decimal_text(&arena, 2, -5), "-0.05");
    assert_string_equal(decimal_text(&arena, 0, 0), "0");
    assert_string_equal(decimal_text(&arena, 3, 0), "0.000");
    int128 big = (int128) INT64_MAX * INT64_MAX; /* 2^126 - 2^64 + 1 */
    assert_string_equal(decimal_text(&arena, 0, big), "85070591730234615847396907784232501249");
    assert_string_equal(decimal_text(&arena, 38, -big),
                        "-0.85070591730234615847396907784232501249");
    arena_deinit(&arena);
}

static void times(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(int_text(&arena, TYPE_DATE, 0), "\"1970-01-01\"");
    assert_string_equal(int_text(&arena, TYPE_DATE, -719162), "\"0001-01-01\"");
    assert_string_equal(int_text(&arena, TYPE_TIMESTAMP, INT64_C(1767225600000000)),
                        "\"2026-01-01T00:00:00.000000Z\"");
    assert_string_equal(int_text(&arena, TYPE_INTERVAL, 93784500000),
                        "\"INTERVAL '1 02:03:04.5' DAY TO SECOND\"");
    assert_string_equal(int_text(&arena, TYPE_INTERVAL, -1000000),
                        "\"INTERVAL '-0 00:00:01' DAY TO SECOND\"");
    assert_string_equal(int_text(&arena, TYPE_INTERVAL_MONTHS, -14),
                        "\"INTERVAL '-1-2' YEAR TO MONTH\"");
    arena_deinit(&arena);
}

/* RFC 4648, section 10. */
static void bytes(void **state)
{
    (void) state;
    static const char *const cases[] = {
        "", "\"\"", "f", "\"Zg==\"", "fo", "\"Zm8=\"", "foo", "\"Zm9v\"", "foob", "\"Zm9vYg==\"",
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i += 2) {
        assert_string_equal(bytes_text(&arena, TYPE_BINARY, slice_of_string(cases[i])),
                            cases[i + 1]);
    }
    assert_string_equal(bytes_text(&arena, TYPE_STRING, SLICE("a\"\n\x01ä")),
                        "\"a\\\"\\n\\u0001ä\"");
    arena_deinit(&arena);
}

static void map_keys_are_strings(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    const struct type *type;
    struct error error;
    assert_ok(type_parse(SLICE("map<int,boolean>"), &arena, &type, &error), error);
    struct column_builder builder;
    column_builder_init(&builder, &arena, type, 1);
    for (int i = 1; i < 3; i++) {
        column_append_int(&builder.children[0], i);
        column_append_bool(&builder.children[1], i == 1);
    }
    column_append_list_end(&builder);
    assert_string_equal(row_text(column_builder_finish(&builder), 0, &arena),
                        "{\"1\":true,\"2\":false}");
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(times),
        cmocka_unit_test(bytes),
        cmocka_unit_test(map_keys_are_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
