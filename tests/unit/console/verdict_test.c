#include "test.h"

#include "console/verdict.h"

/* Looks as "committed/lag", over a whole window. */
struct scenario {
    const char *what;
    int64_t committed[VERDICT_WINDOW];
    int64_t lag[VERDICT_WINDOW];
    bool members;
    enum verdict wanted;
};

/* Rows 2, 4, 5 and 6 are the cases of Burrow's evaluation rules, seen through offsets alone. */
static const struct scenario scenarios[] = {
    {"caught up once",
     {1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
     {9, 9, 9, 0, 9, 9, 9, 9, 9, 9},
     true,
     VERDICT_OK},
    {"moves, lag falls",
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
     {9, 9, 9, 8, 9, 9, 9, 9, 9, 9},
     true,
     VERDICT_OK},
    {"moves, lag grows",
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
     {1, 1, 2, 2, 3, 3, 4, 4, 5, 5},
     true,
     VERDICT_WARN},
    {"moves, lag stays",
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
     {5, 5, 5, 5, 5, 5, 5, 5, 5, 5},
     true,
     VERDICT_WARN},
    {"stands, alive",
     {7, 7, 7, 7, 7, 7, 7, 7, 7, 7},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
     true,
     VERDICT_STALL},
    {"stands, nobody",
     {7, 7, 7, 7, 7, 7, 7, 7, 7, 7},
     {3, 3, 3, 3, 3, 3, 3, 3, 3, 3},
     false,
     VERDICT_STOP},
    {"went back",
     {7, 8, 9, 2, 3, 4, 5, 6, 7, 8},
     {1, 1, 1, 8, 8, 8, 8, 8, 8, 8},
     true,
     VERDICT_REWIND},
    {"never committed",
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     true,
     VERDICT_OK},
    {"end not known",
     {7, 7, 7, 7, 7, 7, 7, 7, 7, 7},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     false,
     VERDICT_OK},
};

static void each_movement_has_its_verdict(void **state)
{
    (void) state;
    for (size_t s = 0; s < sizeof(scenarios) / sizeof(scenarios[0]); s++) {
        const struct scenario *scenario = &scenarios[s];
        struct verdict_window window = {.count = 0};
        for (size_t i = 0; i < VERDICT_WINDOW; i++) {
            assert_int_equal(verdict_of(&window, scenario->members), VERDICT_OK);
            verdict_observe(&window, scenario->committed[i], scenario->lag[i]);
        }
        if (verdict_of(&window, scenario->members) != scenario->wanted) {
            fail_msg("%s: %s, not %s", scenario->what,
                     verdict_name(verdict_of(&window, scenario->members)),
                     verdict_name(scenario->wanted));
        }
    }
}

static void old_looks_leave_the_window(void **state)
{
    (void) state;
    struct verdict_window window = {.count = 0};
    for (int i = 0; i < VERDICT_WINDOW; i++) {
        verdict_observe(&window, 7, 3);
    }
    assert_int_equal(verdict_of(&window, true), VERDICT_STALL);
    verdict_observe(&window, 10, 0);
    for (int i = 0; i < VERDICT_WINDOW - 1; i++) {
        assert_int_equal(verdict_of(&window, true), VERDICT_OK);
        verdict_observe(&window, 10, 1);
    }
    verdict_observe(&window, 10, 1);
    assert_int_equal(verdict_of(&window, true), VERDICT_STALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_movement_has_its_verdict),
        cmocka_unit_test(old_looks_leave_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
