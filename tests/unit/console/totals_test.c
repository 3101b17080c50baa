#include "test.h"

#include "console/snapshot.h"

static void the_sum_is_over_all_and_leaves_derived_topics_out(void **state)
{
    (void) state;
    const struct console_source sources[] = {
        {.fetched = 10, .accepted = 7, .unchanged = 2, .dead = 1, .lag = 3},
        {.fetched = 5, .accepted = 5},
    };
    const struct console_flow flows[] = {
        {.stored = 4, .filtered = 1, .late = 1, .dead = 1, .foreign = 2},
        {.stored = 100, .derived = true},
    };
    const struct console_snapshot snapshot = {
        .sources = sources, .source_count = 2, .flows = flows, .flow_count = 2};
    struct console_totals totals;
    console_totals_of(&snapshot, &totals);
    assert_int_equal(totals.fetched, 15);
    assert_int_equal(totals.fetched, totals.accepted - totals.foreign + totals.unchanged + 1);
    assert_int_equal(totals.refused, 1);
    assert_int_equal(totals.accepted, 14);
    assert_int_equal(totals.stored, 4);
    assert_int_equal(totals.staged, 3);
    assert_int_equal(totals.in_flight, 7);
}

static void ends_read_late_make_no_negative_number(void **state)
{
    (void) state;
    const struct console_flow flow = {.stored = 3};
    const struct console_snapshot snapshot = {.flows = &flow, .flow_count = 1};
    struct console_totals totals;
    console_totals_of(&snapshot, &totals);
    assert_int_equal(totals.in_flight, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_over_all_and_leaves_derived_topics_out),
        cmocka_unit_test(ends_read_late_make_no_negative_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
