#include "test.h"

#include "connectors/generate/fault.h"

static void takes_counts_in_order(void **state)
{
    (void) state;

    static const enum fault_kind expected[] = {FAULT_503,  FAULT_503,  FAULT_429, FAULT_SLOW,
                                               FAULT_SLOW, FAULT_NONE, FAULT_NONE};
    struct fault_plan plan;
    struct error error = {0};
    assert_ok(fault_plan_read(&plan, "503:2,429,slow:2s:2", 1, &error), error);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct fault_row *row = fault_plan_next(&plan);
        assert_int_equal(row == NULL ? FAULT_NONE : row->kind, expected[i]);
        if (row != NULL && row->kind == FAULT_SLOW) {
            assert_int_equal(row->delay_us, 2000000);
        }
    }
}

static void draws_from_the_seed(void **state)
{
    (void) state;
    struct fault_plan one;
    struct fault_plan two;
    struct error error = {0};
    size_t count = 0;
    assert_ok(fault_plan_read(&one, "html@0.1,slow:1ms@0.05", 7, &error), error);
    assert_ok(fault_plan_read(&two, "html@0.1,slow:1ms@0.05", 7, &error), error);
    for (int i = 0; i < 10000; i++) {
        const struct fault_row *a = fault_plan_next(&one);
        const struct fault_row *b = fault_plan_next(&two);
        assert_int_equal(a == NULL ? FAULT_NONE : a->kind, b == NULL ? FAULT_NONE : b->kind);
        count += a != NULL;
    }
    assert_in_range(count, 1300, 1600); /* 0.1 + 0.9 * 0.05 = 14.5 % */
}

static void refuses_nonsense(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "504",       "503:x", "503:-1",    "503@0",          "503@1.5", "503@x",   "slow",
        "slow:fast", "503@",  "503:2@0.1", "503:9999999999", ",,",      "503,,429"};
    struct fault_plan plan;
    struct error error = {0};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (fault_plan_read(&plan, texts[i], 0, &error) != STATUS_USAGE) {
            fail_msg("\"%s\" was accepted", texts[i]);
        }
        assert_non_null(strstr(error.hint, "KIND"));
    }
    assert_ok(fault_plan_read(&plan, NULL, 0, &error), error);
    assert_null(fault_plan_next(&plan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_counts_in_order),
        cmocka_unit_test(draws_from_the_seed),
        cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
