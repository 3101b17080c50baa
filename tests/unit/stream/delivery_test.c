/* Records that another engine stores: `stored` counts them once it has. */

#include "io/clock.h"
#include "stream/delivery.h"
#include "stream/processor.h"
#include "stream_fixture.h"

#include <unistd.h>

#define PATIENCE_US (60 * INT64_C(1000000))

/* ---- what waits --------------------------------------------------------------------------------
 */

static void defer_at(struct progress *progress, int32_t partition, int64_t end, int64_t stored)
{
    progress->counted[partition] = end;
    delivery_defer(progress, partition, stored, 1);
}

static void test_nothing_waits(void **state)
{
    (void) state;
    struct progress progress;
    progress_init(&progress);
    assert_false(delivery_confirm(&progress, NULL, 0));
    progress_grow(&progress, 1);
    const int64_t offsets[] = {7};
    assert_false(delivery_confirm(&progress, offsets, 1));
    defer_at(&progress, 0, 3, 3);
    assert_false(delivery_confirm(&progress, NULL, 0));
    progress_deinit(&progress);
}

static void test_each_partition_by_itself(void **state)
{
    (void) state;
    struct progress progress;
    progress_init(&progress);
    progress_grow(&progress, 2);
    defer_at(&progress, 0, 10, 8);
    defer_at(&progress, 1, 5, 5);
    defer_at(&progress, 0, 20, 9);
    const int64_t first[] = {19, 4};
    assert_true(delivery_confirm(&progress, first, 2));
    assert_int_equal(progress.counts.stored, 8);
    assert_int_equal(progress.counts.foreign, 1);
    assert_false(delivery_confirm(&progress, first, 2));
    const int64_t all[] = {20, 5};
    assert_true(delivery_confirm(&progress, all, 2));
    assert_int_equal(progress.counts.stored, 22);
    assert_int_equal(progress.waiting_count, 0);
    progress_deinit(&progress);
}

static void test_what_waits_is_bounded_and_kept(void **state)
{
    (void) state;
    struct progress progress;
    struct progress read;
    struct error error;
    struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
    progress_init(&progress);
    progress_grow(&progress, 2);
    for (int64_t i = 1; i <= 1000; i++) {
        defer_at(&progress, 1, i * 10, 10);
    }
    assert_in_range(progress.waiting_count, 2, 100);
    progress_write(&progress, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_fails(progress_read(slice_of(bytes.data, size), &read, &error), STATUS_CORRUPT,
                     error, "cannot be read");
    }
    assert_ok(progress_read(buffer_slice(&bytes), &read, &error), error);
    const int64_t offsets[] = {0, 10000};
    assert_true(delivery_confirm(&read, offsets, 2));
    assert_int_equal(read.counts.stored, 10000);
    assert_int_equal(read.counts.foreign, 1000);
    progress_deinit(&read);
    progress_deinit(&progress);
}

/* ---- a task ------------------------------------------------------------------------------------
 */

static void people(void)
{
    fixture_topic("STRUCT<id: BIGINT, age: STRING>", 2);
    fixture_stream("adults",
                   "SELECT id, CAST(age AS INT) AS age FROM t WHERE CAST(age AS INT) > 17");
    fixture_sink("adults", "adults", "id", DELETES_APPLY);
    f.job.awaits_delivery = true;
    fixture_send_to(0, "1", "{\"id\": 1, \"age\": \"36\"}", 1);
    fixture_send_to(0, "2", "{\"id\": 2, \"age\": \"3\"}", 2);
    fixture_send_to(1, "3", "{\"id\": 3, \"age\": \"40\"}", 3);
    fixture_send_to(1, "4", "{\"id\": 4, \"age\": \"old\"}", 4);
}

static void await_position(int64_t position)
{
    int64_t deadline_us = clock_monotonic_us() + PATIENCE_US;
    do {
        assert_true(clock_monotonic_us() < deadline_us);
        usleep(1000);
        embedded_processor.status(f.processor, &f.status);
    } while (f.status.position < position);
}

static void test_stored_waits_for_delivery(void **state)
{
    (void) state;
    const int64_t half[] = {2, 1};
    const int64_t all[] = {2, 2};
    people();
    fixture_open();
    await_position(4);
    fixture_expect_fates(0, 1, 0, 1);
    assert_true(processor_has(f.processor, all, 2));
    processor_delivered(f.processor, half, 2);
    processor_delivered(f.processor, all, 2);
    fixture_drain(STATUS_OK);
    fixture_expect_fates(2, 1, 0, 1);
    fixture_close();
}

/* What waited is known after a restart, and is delivered then. */
static void test_what_waits_outlives_the_task(void **state)
{
    (void) state;
    const int64_t all[] = {2, 2};
    people();
    fixture_open();
    await_position(4);
    fixture_close();
    fixture_open();
    embedded_processor.status(f.processor, &f.status);
    assert_int_equal(f.status.counts.stored, 0);
    assert_false(processor_has(f.processor, (const int64_t[]){3, 2}, 2));
    processor_delivered(f.processor, all, 2);
    fixture_drain(STATUS_OK);
    fixture_expect_fates(2, 1, 0, 1);
    fixture_close();
    f.job.awaits_delivery = false;
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 1, 0, 1);
}

/* `batch: N records`: a batch that fills slowly does not keep the counts of those before. */
static void test_fixed_batches(void **state)
{
    (void) state;
    const int64_t all[] = {2, 2};
    people();
    f.job.batch_records = 3;
    fixture_open();
    await_position(3);
    processor_delivered(f.processor, all, 2);
    fixture_drain(STATUS_OK);
    fixture_expect_fates(2, 1, 0, 1);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_waits),
        cmocka_unit_test(test_each_partition_by_itself),
        cmocka_unit_test(test_what_waits_is_bounded_and_kept),
        cmocka_unit_test_setup_teardown(test_stored_waits_for_delivery, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_waits_outlives_the_task, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_fixed_batches, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
