/* Names of dead letters. */

#include "app/dead.h"

#include "test.h"

static void test_names(void **state)
{
    (void) state;
    struct error error = {0};
    struct dead_selection selection;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    assert_ok(dead_name_parse("staging:3", &arena, &selection, &error), error);
    assert_string_equal(selection.store, "staging");
    assert_int_equal(selection.id, 3);
    assert_ok(dead_name_parse("state/users.users_created:12", &arena, &selection, &error), error);
    assert_string_equal(selection.store, "state/users.users_created");
    assert_int_equal(selection.id, 12);
}

static void test_what_is_no_name(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "", "3", ":3", "staging", "staging:", "staging:0", "staging:-1", "staging:3x", "staging:x"};
    struct error error = {0};
    struct dead_selection selection;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_fails(dead_name_parse(wrong[i], &arena, &selection, &error), STATUS_USAGE, error,
                     "no name of a dead letter");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
