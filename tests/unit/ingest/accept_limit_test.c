#include "ingest/accept_limit.h"

#include "ingest/backoff.h"
#include "io/clock.h"
#include "test.h"

#include <pthread.h>

static void reserves(void **state)
{
    (void) state;
    struct accept_limit limit;
    accept_limit_init(&limit, 10);
    assert_int_equal(accept_limit_reserve(&limit, 6), 6);
    assert_int_equal(accept_limit_reserve(&limit, 6), 4);
    assert_false(accept_limit_reached(&limit)); /* all reserved, but not all used yet */
    accept_limit_settle(&limit, 4, 1);
    assert_int_equal(accept_limit_reserve(&limit, 6), 3);
    accept_limit_settle(&limit, 3, 3);
    accept_limit_settle(&limit, 6, 6);
    assert_true(accept_limit_reached(&limit));
    assert_int_equal(accept_limit_reserve(&limit, 1), 0);
    accept_limit_deinit(&limit);

    accept_limit_init(&limit, -1);
    assert_int_equal(accept_limit_reserve(&limit, 6), -1);
    accept_limit_settle(&limit, -1, 6);
    assert_false(accept_limit_reached(&limit));
    accept_limit_deinit(&limit);

    accept_limit_init(&limit, 0);
    assert_true(accept_limit_reached(&limit));
    accept_limit_deinit(&limit);
}

static int64_t used[4];
static struct accept_limit shared;

/* Wants 7, uses 5 of it, until there is no more. */
static void *use_up(void *context)
{
    int64_t *own = context;
    for (;;) {
        int64_t reserved = accept_limit_reserve(&shared, 7);
        if (reserved == 0) {
            return NULL;
        }
        int64_t taken = reserved < 5 ? reserved : 5;
        *own += taken;
        accept_limit_settle(&shared, reserved, taken);
    }
}

static void shared_exactly(void **state)
{
    (void) state;
    pthread_t threads[4];
    accept_limit_init(&shared, 10003);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_up, &used[i]), 0);
    }
    int64_t total = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        total += used[i];
    }
    assert_int_equal(total, 10003);
    accept_limit_deinit(&shared);
}

/* Waits lie within a bound that doubles up to the maximum, and differ. */
static void backs_off(void **state)
{
    (void) state;
    random_seed(42);
    clock_simulate(1000000);
    struct backoff backoff;
    backoff_init(&backoff, 1000, 16000);
    assert_int_equal(backoff_failing_us(&backoff), 0);
    int64_t bound = 1000;
    int64_t sum = 0;
    for (int i = 0; i < 100; i++) {
        int64_t wait_us = backoff_next(&backoff);
        assert_in_range(wait_us, bound / 10, bound);
        bound = bound * 2 > 16000 ? 16000 : bound * 2;
        sum += wait_us;
    }
    assert_in_range(sum / 100, 6000, 11000); /* the mean of 1,600 to 16,000 is 8,800 */
    clock_advance(500);
    assert_int_equal(backoff_failing_us(&backoff), 500);
    backoff_reset(&backoff);
    assert_int_equal(backoff_failing_us(&backoff), 0);
    assert_in_range(backoff_next(&backoff), 100, 1000);
    clock_simulate(-1);
    random_seed(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserves),
        cmocka_unit_test(shared_exactly),
        cmocka_unit_test(backs_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
