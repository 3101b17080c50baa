#include "io/clock.h"

#include "io/crash.h"

#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tells_the_time(void **state)
{
    (void) state;
    int64_t before = (int64_t) time(NULL) * 1000000;
    int64_t now = clock_now_us();
    assert_true(now >= before - 1000000 && now < before + 60 * INT64_C(1000000));
    int64_t one = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= one);
    clock_sleep_us(0);
    clock_sleep_us(-5);
}

static void can_be_simulated(void **state)
{
    (void) state;
    clock_simulate(1000);
    assert_int_equal(clock_now_us(), 1000);
    assert_int_equal(clock_monotonic_us(), 1000);
    clock_advance(500);
    clock_sleep_us(INT64_C(3600) * 1000000); /* at once */
    assert_int_equal(clock_now_us(), INT64_C(3600001500));
    clock_simulate(-1);
    assert_true(clock_now_us() > INT64_C(1700000000000000));
}

static void repeats_from_a_seed(void **state)
{
    (void) state;
    random_seed(42);
    uint64_t first = random_u64();
    uint8_t bytes[13];
    random_bytes(bytes, sizeof(bytes));
    random_seed(42);
    uint8_t again[13];
    assert_int_equal(random_u64(), first);
    random_bytes(again, sizeof(again));
    assert_memory_equal(bytes, again, sizeof(bytes));
    random_seed(0);
    assert_int_not_equal(random_u64(), random_u64());
    random_bytes(NULL, 0);
}

/* The published first outputs of splitmix64 for the seed 1234567. */
static void draws_splitmix64(void **state)
{
    (void) state;
    random_seed(1234567);
    (void) random_u64(); /* of the seed itself, before the first step */
    static const uint64_t expected[] = {UINT64_C(6457827717110365317),
                                        UINT64_C(3203168211198807973),
                                        UINT64_C(9817491932198370423)};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_true(random_u64() == expected[i]);
    }
    random_seed(0);
}

/* How a child ends that passes two places five times each. */
static int end_of_child(const char *setting)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void) setenv("LEAT_CRASH", setting, 1);
        for (int i = 1; i <= 5; i++) {
            crash_point("other");
            crash_point("stage.before_commit");
        }
        _exit(7);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void crashes_where_told(void **state)
{
    (void) state;
    assert_int_equal(end_of_child("stage.before_commit"), -SIGKILL);
    assert_int_equal(end_of_child("stage.before_commit:5"), -SIGKILL);
    assert_int_equal(end_of_child("stage.before_commit:6"), 7);
    assert_int_equal(end_of_child("stage"), 7);
    assert_int_equal(end_of_child(""), 7);
    assert_int_equal(end_of_child("stage.before_commit:x"), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_time),      cmocka_unit_test(can_be_simulated),
        cmocka_unit_test(repeats_from_a_seed), cmocka_unit_test(draws_splitmix64),
        cmocka_unit_test(crashes_where_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
