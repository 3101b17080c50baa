/* Idempotence and transactions, by the rules of Kafka 3.9 (ProducerAppendInfo, KIP-98,
 * KAFKA-15591). */

#include "batch_support.h"

#include "io/clock.h"

struct place {
    struct scratch scratch;
    struct flusher *flusher;
    struct partition_log_config config;
    struct partition_log *log;
};

static void place_init(struct place *place)
{
    scratch_make(&place->scratch);
    place->flusher = flusher_make(FLUSH_ALWAYS);
    partition_log_config_init(&place->config);
    place->log = log_open_at(place->scratch.path, &place->config, place->flusher);
}

static void place_reopen(struct place *place)
{
    struct error error = {0};
    assert_ok(partition_log_close(place->log, &error), error);
    place->log = log_open_at(place->scratch.path, &place->config, place->flusher);
}

/* As after kill -9: all but the log files is lost. */
static void place_reopen_bare(struct place *place)
{
    struct error error = {0};
    assert_ok(partition_log_close(place->log, &error), error);
    const char *names[] = {"checkpoint", "producers", "durable", "00000000000000000000.index"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_int_equal(unlink(scratch_path(&place->scratch, names[i])), 0);
    }
    place->log = log_open_at(place->scratch.path, &place->config, place->flusher);
}

static void place_deinit(struct place *place)
{
    struct error error = {0};
    assert_ok(partition_log_close(place->log, &error), error);
    flusher_free(place->flusher);
    scratch_remove(&place->scratch);
}

static struct append_result
send(struct place *place, int64_t producer_id, int16_t epoch, int32_t sequence, int32_t count)
{
    return append_spec(place->log, (struct batch_spec){.producer_id = producer_id,
                                                       .epoch = epoch,
                                                       .sequence = sequence,
                                                       .count = count});
}

static void
assert_stored(struct place *place, int64_t id, int32_t sequence, int32_t count, int64_t offset)
{
    struct append_result result = send(place, id, 0, sequence, count);
    assert_int_equal(result.kafka_error, 0);
    assert_false(result.duplicate);
    assert_int_equal(result.base_offset, offset);
}

static void
assert_repeat(struct place *place, int64_t id, int32_t sequence, int32_t count, int64_t offset)
{
    int64_t end = offsets_of(place->log).log_end;
    struct append_result result = send(place, id, 0, sequence, count);
    assert_int_equal(result.kafka_error, 0);
    assert_true(result.duplicate);
    assert_int_equal(result.base_offset, offset);
    assert_int_equal(offsets_of(place->log).log_end, end);
}

static void repeats_are_answered_as_before(void **state)
{
    (void) state;
    struct place place;
    place_init(&place);
    for (int32_t i = 0; i < 8; i++) {
        assert_stored(&place, 5, i * 2, 2, i * 2);
    }
    for (int round = 0; round < 4; round++) {
        for (int32_t i = 3; i < 8; i++) {
            assert_repeat(&place, 5, i * 2, 2, i * 2);
        }
        assert_int_equal(send(&place, 5, 0, 4, 2).kafka_error, 45);  /* older than five batches */
        assert_int_equal(send(&place, 5, 0, 14, 1).kafka_error, 45); /* other bounds */
        assert_int_equal(send(&place, 5, 0, 17, 1).kafka_error, 45); /* a gap */
        if (round == 2) {
            place_reopen_bare(&place);
        } else {
            place_reopen(&place);
        }
    }
    assert_stored(&place, 5, 16, 1, 16);
    place_deinit(&place);
}

static void epochs_fence(void **state)
{
    (void) state;
    struct place place;
    place_init(&place);
    assert_int_equal(send(&place, 5, 3, 0, 1).kafka_error, 0);
    assert_int_equal(send(&place, 5, 2, 1, 1).kafka_error, 47);
    assert_int_equal(send(&place, 5, 4, 1, 1).kafka_error, 45);
    assert_int_equal(send(&place, 5, 4, 0, 1).kafka_error, 0);
    place_reopen(&place);
    assert_int_equal(send(&place, 5, 3, 1, 1).kafka_error, 47);
    assert_int_equal(send(&place, 5, 4, 1, 1).kafka_error, 0);
    place_deinit(&place);
}

static void first_batches(void **state)
{
    (void) state;
    struct place place;
    place_init(&place);
    assert_int_equal(send(&place, 5, 0, 7, 1).kafka_error, 45); /* the partition is empty */
    assert_stored(&place, 5, 0, 1, 0);
    assert_stored(&place, 6, 7, 1, 1); /* its state may have expired */
    assert_int_equal(send(&place, 6, 0, 7, 1).duplicate, true);
    place_deinit(&place);
}

static void sequences_wrap(void **state)
{
    (void) state;
    struct place place;
    place_init(&place);
    assert_stored(&place, 5, 0, 1, 0);
    assert_stored(&place, 6, INT32_MAX - 1, 4, 1); /* 2147483646, 2147483647, 0, 1 */
    assert_stored(&place, 6, 2, 1, 5);
    assert_repeat(&place, 6, INT32_MAX - 1, 4, 1);
    assert_stored(&place, 7, INT32_MAX, 1, 6);
    assert_stored(&place, 7, 0, 1, 7);
    place_deinit(&place);
}

static void expire_when_idle(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    int64_t removed;
    place_init(&place);
    clock_simulate(INT64_C(1000000000000));
    assert_stored(&place, 5, 0, 1, 0);
    clock_advance(place.config.producer_expire_us / 2);
    assert_stored(&place, 6, 0, 1, 1);
    clock_advance(place.config.producer_expire_us / 2 + 1);
    place.config.retention_us = -1;
    partition_log_configure(place.log, &place.config);
    assert_ok(partition_log_retain(place.log, &removed, &error), error);
    assert_repeat(&place, 6, 0, 1, 1);
    assert_stored(&place, 5, 9, 1, 2); /* forgotten: any sequence may come */
    clock_simulate(-1);
    place_deinit(&place);
}

static void many_producers(void **state)
{
    (void) state;
    struct place place;
    place_init(&place);
    for (int64_t id = 1; id <= 500; id++) {
        assert_stored(&place, id * 1000, 0, 1, id - 1);
    }
    place_reopen(&place);
    for (int64_t id = 1; id <= 500; id++) {
        assert_repeat(&place, id * 1000, 0, 1, id - 1);
    }
    place_deinit(&place);
}

/* ---- transactions ---- */

static struct append_result send_txn(struct place *place, int64_t id, int32_t sequence)
{
    return append_spec(place->log, (struct batch_spec){.producer_id = id,
                                                       .sequence = sequence,
                                                       .attributes = RECORD_BATCH_TRANSACTIONAL});
}

static void end_txn(struct place *place, int64_t id, bool commit)
{
    struct error error = {0};
    struct buffer buffer = BUFFER_INIT;
    const uint8_t key[] = {0, 0, 0, commit};
    const uint8_t value[] = {0, 0, 0, 0, 0, 1};
    struct record record = {.key = slice_of(key, 4), .value = slice_of(value, 6)};
    struct record_batch_header header = {
        .attributes = RECORD_BATCH_TRANSACTIONAL | RECORD_BATCH_CONTROL,
        .producer_id = id,
        .base_sequence = -1,
    };
    assert_ok(record_batch_write(&header, &record, 1, &buffer, &error), error);
    assert_int_equal(append_bytes(place->log, buffer_slice(&buffer), true).kafka_error, 0);
    buffer_deinit(&buffer);
}

static void transactions_bound_what_is_stable(void **state)
{
    (void) state;
    struct place place;
    place_init(&place);
    assert_stored(&place, 9, 0, 1, 0);
    assert_int_equal(send_txn(&place, 5, 0).base_offset, 1);
    assert_int_equal(send_txn(&place, 6, 0).base_offset, 2);
    assert_int_equal(send_txn(&place, 5, 1).base_offset, 3);
    assert_int_equal(send(&place, 5, 0, 2, 1).kafka_error, 48); /* outside of its transaction */
    for (int round = 0; round < 2; round++) {
        assert_int_equal(offsets_of(place.log).last_stable, 1);
        assert_int_equal(offsets_of(place.log).high_watermark, 4);
        if (round == 0) {
            place_reopen(&place);
        } else {
            place_reopen_bare(&place);
        }
    }
    end_txn(&place, 5, false); /* offset 4 */
    assert_int_equal(offsets_of(place.log).last_stable, 2);
    end_txn(&place, 6, true); /* offset 5 */
    assert_int_equal(offsets_of(place.log).last_stable, 6);
    struct arena arena;
    arena_init(&arena, 0);
    for (int round = 0; round < 3; round++) {
        struct aborted_txn *aborted;
        assert_int_equal(partition_log_aborted(place.log, 0, 6, &arena, &aborted), 1);
        assert_int_equal(aborted[0].producer_id, 5);
        assert_int_equal(aborted[0].first_offset, 1);
        assert_int_equal(partition_log_aborted(place.log, 4, 6, &arena, &aborted), 1);
        assert_int_equal(partition_log_aborted(place.log, 5, 6, &arena, &aborted), 0);
        assert_int_equal(partition_log_aborted(place.log, 0, 1, &arena, &aborted), 0);
        assert_int_equal(offsets_of(place.log).last_stable, 6);
        if (round == 0) {
            place_reopen(&place);
        } else {
            place_reopen_bare(&place);
        }
    }
    assert_int_equal(send_txn(&place, 5, 2).base_offset, 6); /* sequences go on */
    arena_deinit(&arena);
    place_deinit(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_are_answered_as_before),
        cmocka_unit_test(epochs_fence),
        cmocka_unit_test(first_batches),
        cmocka_unit_test(sequences_wrap),
        cmocka_unit_test(expire_when_idle),
        cmocka_unit_test(many_producers),
        cmocka_unit_test(transactions_bound_what_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
