#include "io/queue.h"

#include "io/notify.h"
#include "io/thread.h"

#include "test.h"

#include <signal.h>
#include <stdatomic.h>

static struct error error;

static void *item(intptr_t number)
{
    return (void *) number;
}

static void keeps_order_and_limits(void **state)
{
    (void) state;
    struct queue *queue = queue_new("test", 3, 100);
    void *items[10];
    assert_int_equal(queue_pop(queue, items, 10, 0), 0);
    assert_int_equal(queue_pop(queue, items, 10, 1000), 0);
    assert_ok(queue_push(queue, item(1), 500, 0, &error), error); /* alone, whatever its weight */
    assert_fails(queue_push(queue, item(2), 1, 0, &error), STATUS_AGAIN, error,
                 "queue \"test\" is full");
    assert_fails(queue_push(queue, item(2), 1, 1000, &error), STATUS_AGAIN, error, "is full");
    assert_int_equal(queue_weight(queue), 500);
    assert_int_equal(queue_pop(queue, items, 10, -1), 1);
    for (int round = 0; round < 5; round++) { /* around the ring */
        assert_ok(queue_push(queue, item(1), 60, 0, &error), error);
        assert_fails(queue_push(queue, item(9), 41, 0, &error), STATUS_AGAIN, error, "full");
        assert_ok(queue_push(queue, item(2), 40, 0, &error), error);
        assert_ok(queue_push(queue, item(3), 0, 0, &error), error);
        assert_fails(queue_push(queue, item(4), 0, 0, &error), STATUS_AGAIN, error, "full");
        assert_int_equal(queue_pop(queue, items, 2, 0), 2);
        assert_ptr_equal(items[0], item(1));
        assert_ptr_equal(items[1], item(2));
        assert_int_equal(queue_size(queue), 1);
        assert_int_equal(queue_pop(queue, items, 2, 0), 1);
        assert_ptr_equal(items[0], item(3));
    }
    queue_free(queue, NULL);
    queue_free(NULL, NULL);
}

static int discarded;

static void discard(void *unused)
{
    (void) unused;
    discarded++;
}

static void closes(void **state)
{
    (void) state;
    struct queue *queue = queue_new("test", 4, 0);
    for (int i = 0; i < 3; i++) {
        assert_ok(queue_push(queue, item(i), 0, 0, &error), error);
    }
    queue_close(queue);
    assert_fails(queue_push(queue, item(4), 0, -1, &error), STATUS_CANCELLED, error, "is closed");
    assert_false(queue_finished(queue));
    void *items[1];
    assert_int_equal(queue_pop(queue, items, 1, -1), 1);
    queue_free(queue, discard);
    assert_int_equal(discarded, 2);

    queue = queue_new("test", 1, 0);
    queue_close(queue);
    assert_true(queue_finished(queue));
    assert_int_equal(queue_pop(queue, items, 1, -1), 0);
    queue_free(queue, discard);
}

#define NUMBERS 20000
#define WRITERS 3
#define READERS 2

struct work {
    struct queue *queue;
    atomic_long sum;
    atomic_long count;
};

static void write_numbers(struct thread *self, void *context)
{
    (void) self;
    struct work *work = context;
    for (intptr_t i = 1; i <= NUMBERS; i++) {
        if (queue_push(work->queue, item(i), (size_t) i % 7, -1, NULL) != STATUS_OK) {
            return;
        }
    }
}

static void read_numbers(struct thread *self, void *context)
{
    (void) self;
    struct work *work = context;
    void *items[64];
    while (!queue_finished(work->queue)) {
        size_t count = queue_pop(work->queue, items, 64, -1);
        for (size_t i = 0; i < count; i++) {
            atomic_fetch_add(&work->sum, (long) (intptr_t) items[i]);
        }
        atomic_fetch_add(&work->count, (long) count);
    }
}

static void loses_nothing_between_threads(void **state)
{
    (void) state;
    struct work work = {.queue = queue_new("test", 100, 300)};
    struct thread *writers[WRITERS];
    struct thread *readers[READERS];
    for (int i = 0; i < WRITERS; i++) {
        assert_ok(thread_start("writer", write_numbers, &work, &writers[i], &error), error);
    }
    for (int i = 0; i < READERS; i++) {
        assert_ok(thread_start("reader", read_numbers, &work, &readers[i], &error), error);
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_ok(thread_join(writers[i], -1, &error), error);
    }
    queue_close(work.queue);
    for (int i = 0; i < READERS; i++) {
        assert_ok(thread_join(readers[i], -1, &error), error);
    }
    assert_int_equal(atomic_load(&work.count), WRITERS * NUMBERS);
    assert_true(atomic_load(&work.sum) == (long) WRITERS * NUMBERS * (NUMBERS + 1) / 2);
    queue_free(work.queue, NULL);
}

static void pause_until_stopped(struct thread *self, void *context)
{
    struct notify *started = context;
    sigset_t blocked;
    (void) pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (sigismember(&blocked, SIGTERM) == 1 && !thread_pause(self, 1000)) {
        notify_ring(started);
    }
    while (!thread_pause(self, INT64_C(3600) * 1000000)) {
    }
}

static void stops_a_thread(void **state)
{
    (void) state;
    struct notify started;
    notify_init(&started);
    struct thread *thread;
    assert_ok(thread_start("a name that is much too long", pause_until_stopped, &started, &thread,
                           &error),
              error);
    assert_true(notify_wait(&started, 0, -1));
    assert_ok(thread_join(thread, -1, &error), error);
    assert_false(notify_wait(&started, 1, 1000));
    notify_deinit(&started);
}

static void wait_for_ring(struct thread *self, void *context)
{
    while (!thread_stopping(self)) {
        (void) thread_pause(self, -1);
    }
    (void) notify_wait(context, 0, -1); /* does not hear the request to stop */
}

static void tells_that_a_thread_goes_on(void **state)
{
    (void) state;
    struct notify bell;
    notify_init(&bell);
    struct thread *thread;
    assert_ok(thread_start("deaf", wait_for_ring, &bell, &thread, &error), error);
    assert_fails(thread_join(thread, 2000, &error), STATUS_AGAIN, error,
                 "thread \"deaf\" has not stopped yet");
    notify_ring(&bell);
    assert_ok(thread_join(thread, -1, &error), error);
    notify_deinit(&bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_limits),        cmocka_unit_test(closes),
        cmocka_unit_test(loses_nothing_between_threads), cmocka_unit_test(stops_a_thread),
        cmocka_unit_test(tells_that_a_thread_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
