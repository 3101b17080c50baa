#include "test.h"

#include "cluster/candidates.h"

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static void the_lowest_sequence_is_first(void **state)
{
    (void) state;
    static const char *const names[] = {
        "n_00000000000000ff-0000000010",
        "n_8000000000000001-0000000002",
        "n_00000000000000aa-0000000009",
    };
    struct candidate row[COUNT(names)];
    assert_int_equal(candidates_read(names, COUNT(names), row), 3);
    assert_string_equal(row[0].name, names[1]);
    assert_string_equal(row[1].name, names[2]);
    assert_string_equal(row[2].name, names[0]);
    assert_int_equal(row[0].session, INT64_MIN + 1);
    assert_int_equal(candidates_find(row, 3, 0xff), 2);
    assert_int_equal(candidates_find(row, 3, INT64_MIN + 1), 0);
    assert_int_equal(candidates_find(row, 3, 0xfe), 3);
}

static void names_that_others_made_are_left_out(void **state)
{
    (void) state;
    static const char *const names[] = {
        "n_00000000000000ff",
        "n_00000000000000ff-",
        "n_00000000000000ff-12x",
        "n_00000000000000fg-0000000001",
        "m_00000000000000ff-0000000001",
        "n_00000000000000ff_0000000001",
        "",
        "n_",
        "n_00000000000000ff-00000000000000000000000000000000000000001",
        "lock-0000000001",
        "n_00000000000000ff-0000000003",
    };
    struct candidate row[COUNT(names)];
    assert_int_equal(candidates_read(names, COUNT(names), row), 1);
    assert_int_equal(row[0].sequence, 3);
    assert_int_equal(candidates_read(names, 0, row), 0);
}

static void a_prefix_is_read_back(void **state)
{
    (void) state;
    static const int64_t sessions[] = {0, 1, INT64_MAX, INT64_MIN, -1};
    for (size_t i = 0; i < COUNT(sessions); i++) {
        char name[2 * CANDIDATE_NAME_BYTES];
        candidate_prefix(sessions[i], name);
        strcat(name, "0000000007");
        const char *names[] = {name};
        struct candidate row[1];
        assert_int_equal(candidates_read(names, 1, row), 1);
        assert_int_equal(row[0].session, sessions[i]);
        assert_int_equal(row[0].sequence, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lowest_sequence_is_first),
        cmocka_unit_test(names_that_others_made_are_left_out),
        cmocka_unit_test(a_prefix_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
