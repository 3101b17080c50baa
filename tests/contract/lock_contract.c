#include "lock_contract.h"

#include "base/memory.h"
#include "io/clock.h"
#include "io/notify.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>

#define SOON_US (20 * INT64_C(1000000))

/* One that wants the lock. */
struct taker {
    const struct lock_contract *contract;
    struct notify bell;
    struct lock *lock;
};

static void rang(void *context)
{
    notify_ring(context);
}

static void
join(struct taker *taker, const struct lock_contract *contract, const char *name, const char *owner)
{
    struct error error = {0};
    *taker = (struct taker){.contract = contract};
    notify_init(&taker->bell);
    assert_ok(
        contract->ops->open(contract->url, name, owner, rang, &taker->bell, &taker->lock, &error),
        error);
}

static void leave(struct taker *taker)
{
    taker->contract->ops->close(taker->lock);
    notify_deinit(&taker->bell);
}

/* Waits for a state, told by the lock's own ring. */
static struct lock_status
wait_for(struct taker *taker, enum lock_state state, int32_t ahead, const char *holder)
{
    int64_t until = clock_monotonic_us() + SOON_US;
    for (;;) {
        uint64_t seen = notify_seen(&taker->bell);
        struct lock_status status;
        taker->contract->ops->status(taker->lock, &status);
        if (status.state == state && status.ahead == ahead &&
            (holder == NULL || strcmp(status.holder, holder) == 0)) {
            return status;
        }
        int64_t left_us = until - clock_monotonic_us();
        if (left_us <= 0) {
            fail_msg("is %s behind \"%s\" with %d ahead, not %s: %s", lock_state_name(status.state),
                     status.holder, (int) status.ahead, lock_state_name(state),
                     status.error.message);
        }
        (void) notify_wait(&taker->bell, seen, left_us);
    }
}

/* A name that no earlier run has used. */
static char *fresh_name(void)
{
    return mem_printf("contract-%016" PRIx64, random_u64());
}

static void one_alone_holds_it(void **state)
{
    const struct lock_contract *contract = *state;
    CLEANUP(mem_free_pointer) char *name = fresh_name();
    struct taker only;
    join(&only, contract, name, "{\"host\":\"a\"}");
    struct lock_status status = wait_for(&only, LOCK_HELD, 0, NULL);
    assert_true(status.fence > 0);
    assert_true(contract->ops->held(only.lock, status.fence));
    assert_false(contract->ops->held(only.lock, status.fence - 1));
    assert_false(contract->ops->held(only.lock, status.fence + 1));
    assert_false(contract->ops->held(only.lock, 0));
    leave(&only);
}

static void the_second_waits_and_takes_over(void **state)
{
    const struct lock_contract *contract = *state;
    CLEANUP(mem_free_pointer) char *name = fresh_name();
    struct taker first, second, third;
    join(&first, contract, name, "first");
    int64_t fence = wait_for(&first, LOCK_HELD, 0, NULL).fence;
    join(&second, contract, name, "second");
    (void) wait_for(&second, LOCK_WAITING, 1, "first");
    join(&third, contract, name, "third \xc3\xa4");
    (void) wait_for(&third, LOCK_WAITING, 2, "first");
    assert_true(contract->ops->held(first.lock, fence));
    leave(&first);
    struct lock_status status = wait_for(&second, LOCK_HELD, 0, NULL);
    assert_true(status.fence > fence);
    assert_false(contract->ops->held(second.lock, fence));
    (void) wait_for(&third, LOCK_WAITING, 1, "second");
    leave(&second);
    assert_true(wait_for(&third, LOCK_HELD, 0, NULL).fence > status.fence);
    leave(&third);
}

static void one_that_waits_may_leave(void **state)
{
    const struct lock_contract *contract = *state;
    CLEANUP(mem_free_pointer) char *name = fresh_name();
    struct taker first, second, third;
    join(&first, contract, name, "first");
    int64_t fence = wait_for(&first, LOCK_HELD, 0, NULL).fence;
    join(&second, contract, name, "second");
    (void) wait_for(&second, LOCK_WAITING, 1, "first");
    join(&third, contract, name, "third");
    (void) wait_for(&third, LOCK_WAITING, 2, "first");
    leave(&second);
    (void) wait_for(&third, LOCK_WAITING, 1, "first");
    assert_true(contract->ops->held(first.lock, fence));
    leave(&third);
    leave(&first);
}

static void what_a_holder_says_of_itself_is_seen(void **state)
{
    const struct lock_contract *contract = *state;
    CLEANUP(mem_free_pointer) char *name = fresh_name();
    struct taker first, second;
    join(&first, contract, name, "early");
    (void) wait_for(&first, LOCK_HELD, 0, NULL);
    join(&second, contract, name, "second");
    (void) wait_for(&second, LOCK_WAITING, 1, NULL);
    contract->ops->describe(first.lock, "late");
    (void) wait_for(&second, LOCK_WAITING, 1, "late");
    leave(&second);
    leave(&first);
}

static void names_do_not_disturb_each_other(void **state)
{
    const struct lock_contract *contract = *state;
    CLEANUP(mem_free_pointer) char *name = fresh_name();
    CLEANUP(mem_free_pointer) char *other_name = mem_printf("%s.b", name);
    struct taker one, other;
    join(&one, contract, name, "one");
    join(&other, contract, other_name, "other");
    (void) wait_for(&one, LOCK_HELD, 0, NULL);
    (void) wait_for(&other, LOCK_HELD, 0, NULL);
    leave(&one);
    leave(&other);
}

struct listed {
    char text[256];
    int64_t fence;
};

static enum status
note_one(void *context, const char *owner, int64_t fence, bool holds, struct error *error)
{
    (void) error;
    struct listed *listed = context;
    size_t size = strlen(listed->text);
    (void) snprintf(listed->text + size, sizeof(listed->text) - size, "%s%s ", owner,
                    holds ? "*" : "");
    listed->fence = holds ? fence : listed->fence;
    return STATUS_OK;
}

static void the_row_can_be_looked_at(void **state)
{
    const struct lock_contract *contract = *state;
    CLEANUP(mem_free_pointer) char *name = fresh_name();
    struct error error = {0};
    struct listed listed = {0};
    struct taker first, second;
    assert_ok(contract->ops->list(contract->url, name, note_one, &listed, &error), error);
    assert_string_equal(listed.text, "");
    join(&first, contract, name, "first");
    int64_t fence = wait_for(&first, LOCK_HELD, 0, NULL).fence;
    join(&second, contract, name, "second");
    (void) wait_for(&second, LOCK_WAITING, 1, NULL);
    assert_ok(contract->ops->list(contract->url, name, note_one, &listed, &error), error);
    assert_string_equal(listed.text, "first* second ");
    assert_int_equal(listed.fence, fence);
    leave(&second);
    leave(&first);
}

static void a_wrong_url_is_refused_at_once(void **state)
{
    const struct lock_contract *contract = *state;
    struct error error = {0};
    struct lock *lock;
    assert_fails(
        contract->ops->open(contract->wrong_url, "name", "owner", rang, NULL, &lock, &error),
        STATUS_CONFIG, error, "coordination");
    assert_fails(contract->ops->list(contract->wrong_url, "name", note_one, NULL, &error),
                 STATUS_CONFIG, error, "coordination");
}

static const struct lock_contract *given;

static int give(void **state)
{
    *state = (void *) (uintptr_t) given;
    return 0;
}

int lock_contract(const struct lock_contract *contract)
{
    given = contract;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_alone_holds_it, give),
        cmocka_unit_test_setup(the_second_waits_and_takes_over, give),
        cmocka_unit_test_setup(one_that_waits_may_leave, give),
        cmocka_unit_test_setup(what_a_holder_says_of_itself_is_seen, give),
        cmocka_unit_test_setup(names_do_not_disturb_each_other, give),
        cmocka_unit_test_setup(the_row_can_be_looked_at, give),
        cmocka_unit_test_setup(a_wrong_url_is_refused_at_once, give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
