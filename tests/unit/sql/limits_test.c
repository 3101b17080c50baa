/* Texts made to hurt: each must be refused, or compiled, in bounded time and memory. */

#include "plans.h"

#include "base/buffer.h"

static char *
repeated(struct plans *plans, const char *before, const char *part, size_t count, const char *after)
{
    struct buffer text = BUFFER_INIT;
    buffer_append_string(&text, before);
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&text, part);
    }
    buffer_append_string(&text, after);
    char *copy = arena_string(&plans->arena, buffer_slice(&text));
    buffer_deinit(&text);
    return copy;
}

static void refused(struct plans *plans, const char *text, const char *part)
{
    struct query *query = NULL;
    enum status status = sql_compile(text, &plans->catalog, &plans->options, &plans->arena, &query,
                                     &plans->offset, &plans->error);
    assert_int_not_equal(status, STATUS_OK);
    if (strstr(plans->error.message, part) == NULL) {
        fail_msg("%.40s...: %s, not %s", text, plans->error.message, part);
    }
    assert_true(plans->offset <= strlen(text));
}

static void nesting_is_bounded(void **state)
{
    struct plans *plans = *state;
    plans->options.batch = true;
    refused(plans, repeated(plans, "SELECT ", "(", 100000, "1"), "nested deeper");
    refused(plans, repeated(plans, "", "(", 100000, "SELECT 1"), "nested deeper");
    refused(plans, repeated(plans, "SELECT ", "NOT ", 100000, "true"), "nested deeper");
    refused(plans, repeated(plans, "SELECT ", "- ", 100000, "a"), "nested deeper");
    refused(plans, repeated(plans, "SELECT ", "CASE WHEN ", 100000, "true"), "nested deeper");
    refused(plans, repeated(plans, "SELECT 1", "::INT", 100000, ""), "deeper");
    refused(plans, repeated(plans, "SELECT a", "[0]", 100000, ""), "deeper");
    refused(plans, repeated(plans, "SELECT 1", " + 1", 100000, ""), "deeper");
    refused(plans, repeated(plans, "SELECT ", "upper(", 100000, ""), "nested deeper");
    refused(plans, repeated(plans, "SELECT 1 FROM t", " JOIN t", 100000, ""), "joins");
    refused(plans, repeated(plans, "SELECT ", "transform(a, x -> ", 10000, ""), "nested deeper");
    refused(plans, repeated(plans, "SELECT CAST(1 AS ", "array<", 100000, ""), "");
    refused(plans, repeated(plans, "SELECT a", ".b", 100000, ""), "parts");
}

static void growth_is_bounded(void **state)
{
    struct plans *plans = *state;
    plans->options.batch = true;
    /* BETWEEN names its first operand twice, each time */
    refused(
        plans,
        repeated(plans, "SELECT ", "(1 = ", 60, repeated(plans, "1", " BETWEEN 0 AND 1)", 60, "")),
        "");
    char *twice = repeated(plans, "SELECT 1 AS a0", "", 0, "");
    for (int i = 1; i < 60; i++) {
        twice = arena_printf(&plans->arena, "%s, a%d + a%d AS a%d", twice, i - 1, i - 1, i);
    }
    refused(plans, twice, "too large");
    char *with = arena_strdup(&plans->arena, "WITH q0 AS (SELECT 1 AS a)");
    for (int i = 1; i < 60; i++) {
        with = arena_printf(&plans->arena, "%s, q%d AS (SELECT x.a FROM q%d x CROSS JOIN q%d y)",
                            with, i, i - 1, i - 1);
    }
    refused(plans, arena_printf(&plans->arena, "%s SELECT * FROM q59", with), "too large");
    refused(plans, repeated(plans, "SELECT 1", ", 1", 5000, ""), "more than 4096 columns");
    refused(plans, repeated(plans, "SELECT ", " ", 1 << 20, "1"), "at most");
}

static void long_lists_are_fine(void **state)
{
    struct plans *plans = *state;
    plans->options.batch = true;
    (void) plans_compile(plans, repeated(plans, "SELECT 1 = 1", " AND 1 = 1", 20000, ""));
    (void) plans_compile(plans, repeated(plans, "SELECT 1 IN (1", ", 2", 20000, ")"));
    (void) plans_compile(plans, repeated(plans, "SELECT 1", " UNION ALL SELECT 2", 2000, ""));
    (void) plans_compile(plans, repeated(plans, "VALUES (1, 'a')", ", (2, 'b')", 5000, ""));
    (void) plans_compile(plans, repeated(plans, "SELECT id + 1 AS a", ", id + 1", 4000,
                                         " FROM spark_streams.people"));
    (void) plans_compile(plans, repeated(plans, "SELECT 'a'", " 'b'", 50000, ""));
    (void) plans_compile(plans, repeated(plans, "SELECT 1", " + 1", 900, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nesting_is_bounded, plans_setup, plans_teardown),
        cmocka_unit_test_setup_teardown(growth_is_bounded, plans_setup, plans_teardown),
        cmocka_unit_test_setup_teardown(long_lists_are_fine, plans_setup, plans_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
