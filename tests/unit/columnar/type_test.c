#include "columnar/type.h"

#include "test.h"

static void reads_and_writes(void **state)
{
    (void) state;
    /* Left: DDL; right: simpleString as pyspark 3.5 prints it (DataType.simpleString). */
    static const char *const cases[][2] = {
        {"BIGINT", "bigint"},
        {"Long", "bigint"},
        {"integer", "int"},
        {"decimal", "decimal(10,0)"},
        {"DECIMAL( 12 , 2 )", "decimal(12,2)"},
        {"decimal(38)", "decimal(38,0)"},
        {"array<string>", "array<string>"},
        {"MAP<STRING, ARRAY<INT>>", "map<string,array<int>>"},
        {"STRUCT<a: INT NOT NULL, b: STRING>", "struct<a:int,b:string>"},
        {"struct<a INT, `b c` timestamp>", "struct<a:int,`b c`:timestamp>"},
        {"struct<`x``y`:date>", "struct<`x``y`:date>"},
        {"struct<not:int not null>", "struct<not:int>"},
        {"struct<>", "struct<>"},
        {"interval day to second", "interval day to second"},
        {"INTERVAL YEAR TO MONTH", "interval year to month"},
        {"struct<a:struct<b:map<string,decimal(38,38)>>>",
         "struct<a:struct<b:map<string,decimal(38,38)>>>"},
        {"struct<größe:double>", "struct<`größe`:double>"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct type *type;
        assert_ok(type_parse(slice_of_string(cases[i][0]), &arena, &type, &error), error);
        assert_string_equal(type_text(type, &arena), cases[i][1]);
        const struct type *again;
        assert_ok(type_parse(slice_of_string(cases[i][1]), &arena, &again, &error), error);
        assert_true(type_equal(type, again));
        assert_true(type_equal(type, type_copy(&arena, type)));
    }
    arena_deinit(&arena);
}

static void refuses(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"", "unknown type at character 1"},
        {"varchr", "unknown type at character 1"},
        {"int int", "unexpected text at character 5"},
        {"array<int", "expected \">\" at character 10"},
        {"array", "expected \"<\""},
        {"map<int>", "expected \",\""},
        {"struct<a:int,A:int>", "a field name twice"},
        {"struct<:int>", "expected a field name at character 8"},
        {"struct<`a:int>", "expected \"`\""},
        {"struct<``:int>", "empty field name"},
        {"struct<a:int not>", "expected \"NULL\""},
        {"struct<a:int b:int>", "expected \",\" or \">\""},
        {"decimal(39,0)", "number too large"},
        {"decimal(0)", "precision must be 1 to 38"},
        {"decimal(3,4)", "number too large"},
        {"decimal(1x)", "expected a number"},
        {"interval", "interval day to second"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    struct error error;
    const struct type *type;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_fails(type_parse(slice_of_string(cases[i][0]), &arena, &type, &error), STATUS_CONFIG,
                     error, cases[i][1]);
    }
    char deep[6 * 1000];
    for (size_t i = 0; i < sizeof(deep); i++) {
        deep[i] = "array<"[i % 6];
    }
    assert_fails(type_parse(slice_of(deep, sizeof(deep)), &arena, &type, &error), STATUS_CONFIG,
                 error, "nested too deeply");
    arena_deinit(&arena);
}

static void compares(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error error;
    const struct type *a;
    const struct type *b;
    assert_ok(type_parse(SLICE("struct<A:int,b:decimal(3,1)>"), &arena, &a, &error), error);
    assert_ok(type_parse(SLICE("struct<a:int not null,B:decimal(3,1)>"), &arena, &b, &error),
              error);
    assert_true(type_equal(a, b));
    assert_int_equal(type_field_index(a, "B"), 1);
    assert_int_equal(type_field_index(a, "c"), -1);
    assert_ok(type_parse(SLICE("struct<a:int,b:decimal(3,2)>"), &arena, &b, &error), error);
    assert_false(type_equal(a, b));
    assert_ok(type_parse(SLICE("struct<a:int>"), &arena, &b, &error), error);
    assert_false(type_equal(a, b));
    assert_int_equal(type_width(type_decimal(&arena, 3, 1)), 16);
    assert_int_equal(type_width(type_plain(TYPE_STRING)), 0);
    assert_true(type_is_numeric(type_plain(TYPE_DOUBLE)));
    assert_false(type_is_integral(type_plain(TYPE_DATE)));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
