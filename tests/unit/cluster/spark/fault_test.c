#include "test.h"

#include "cluster/spark/fault.h"

#include <string.h>

/* Texts as Spark 3.5.7 sends them. */
static const char unresolved[] =
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter with name `idd` cannot be "
    "resolved. Did you mean one of the following? [`id`].; line 2 pos 7;\n'Project ['idd]\n";
static const char syntax[] = "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'FORM'.(line 1, pos "
                             "9)\n\n== SQL ==\nSELECT id FORM t\n---------^^^\n";

static void the_analysers_place(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_fault fault = spark_fault_read(unresolved, &arena);
    assert_int_equal(fault.line, 2);
    assert_int_equal(fault.column, 7);
    assert_string_equal(fault.message,
                        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter with "
                        "name `idd` cannot be resolved. Did you mean one of the following? [`id`]");
    static const char sql[] = "-- é\nSELECT idd FROM t";
    assert_string_equal(sql + spark_fault_offset(&fault, sql), "idd FROM t");
}

static void the_parsers_place(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_fault fault = spark_fault_read(syntax, &arena);
    assert_int_equal(fault.line, 1);
    assert_int_equal(fault.column, 9);
    assert_string_equal(fault.message, "[PARSE_SYNTAX_ERROR] Syntax error at or near 'FORM'");
}

static void places_count_as_java_does(void **state)
{
    (void) state;
    const struct spark_fault fault = {.message = "", .line = 1, .column = 4};
    static const char sql[] = "'\U0001F600' x"; /* two units, four bytes */
    assert_string_equal(sql + spark_fault_offset(&fault, sql), " x");
    const struct spark_fault beyond = {.message = "", .line = 9, .column = 9};
    assert_int_equal(spark_fault_offset(&beyond, sql), strlen(sql));
}

static void texts_without_a_place(void **state)
{
    (void) state;
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "line",
                                        "line x pos 3",
                                        "line 1 pos",
                                        "line 0 pos 1",
                                        "line 99999999999999999999 pos 1"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        assert_int_equal(spark_fault_read(texts[i], &arena).line, 0);
    }
}

static void unknown_schemas(void **state)
{
    (void) state;
    assert_int_equal(spark_fault_schema_id("x: leat: unknown schema id 17 at 0@4"), 17);
    assert_int_equal(spark_fault_schema_id("leat: unknown schema id -1 at 0@4"), -1);
    assert_int_equal(spark_fault_schema_id("leat: unknown schema id "), -1);
    assert_int_equal(spark_fault_schema_id("leat: unknown schema id 4294967296 at"), -1);
    assert_int_equal(spark_fault_schema_id("[CAST_INVALID_INPUT] 17"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_analysers_place),       cmocka_unit_test(the_parsers_place),
        cmocka_unit_test(places_count_as_java_does), cmocka_unit_test(texts_without_a_place),
        cmocka_unit_test(unknown_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
