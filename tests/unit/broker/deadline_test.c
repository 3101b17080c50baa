#include "test.h"

#include "base/attr.h"
#include "broker/deadline.h"

struct owner {
    struct deadline deadline;
    int number;
    struct deadlines *deadlines;
};

static int order[2000];
static int expired;

static void note(struct deadline *deadline)
{
    order[expired++] = ((struct owner *) (void *) deadline)->number;
}

static void they_come_in_the_order_of_time(void **state)
{
    (void) state;
    struct deadlines deadlines;
    deadlines_init(&deadlines);
    static struct owner owners[1000];
    expired = 0;
    for (int i = 0; i < 1000; i++) {
        owners[i] = (struct owner){.deadline = {.expire = note}, .number = i * 7919 % 1000};
        deadline_set(&deadlines, &owners[i].deadline, owners[i].number);
    }
    assert_int_equal(deadlines_next(&deadlines), 0);
    deadlines_run(&deadlines, 499);
    assert_int_equal(expired, 500);
    assert_int_equal(deadlines_next(&deadlines), 500);
    deadlines_run(&deadlines, 5000);
    assert_int_equal(expired, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(order[i], i);
    }
    assert_int_equal(deadlines_next(&deadlines), INT64_MAX);
    deadlines_deinit(&deadlines);
}

static void moved_and_cleared(void **state)
{
    (void) state;
    struct deadlines deadlines;
    deadlines_init(&deadlines);
    struct owner owners[5];
    expired = 0;
    for (int i = 0; i < 5; i++) {
        owners[i] = (struct owner){.deadline = {.expire = note}, .number = i};
        deadline_set(&deadlines, &owners[i].deadline, 10 * i);
    }
    deadline_set(&deadlines, &owners[0].deadline, 35); /* later   */
    deadline_set(&deadlines, &owners[4].deadline, 5);  /* earlier */
    deadline_clear(&deadlines, &owners[2].deadline);
    deadline_clear(&deadlines, &owners[2].deadline);
    deadlines_run(&deadlines, 100);
    assert_int_equal(expired, 4);
    static const int wanted[] = {4, 1, 3, 0};
    assert_memory_equal(order, wanted, sizeof(wanted));
    deadlines_deinit(&deadlines);
}

static void set_again(struct deadline *deadline)
{
    struct owner *owner = (struct owner *) (void *) deadline;
    if (++expired < 3) {
        deadline_set(owner->deadlines, deadline, deadline->at_us + 10);
    }
}

static void one_may_set_itself_again(void **state)
{
    (void) state;
    struct deadlines deadlines;
    deadlines_init(&deadlines);
    struct owner owner = {.deadline = {.expire = set_again}, .deadlines = &deadlines};
    expired = 0;
    deadline_set(&deadlines, &owner.deadline, 10);
    deadlines_run(&deadlines, 20);
    assert_int_equal(expired, 2);
    deadlines_run(&deadlines, 30);
    assert_int_equal(expired, 3);
    deadlines_deinit(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_in_the_order_of_time),
        cmocka_unit_test(moved_and_cleared),
        cmocka_unit_test(one_may_set_itself_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
