#include "batch_support.h"
#include "io/clock.h"

struct place {
    struct scratch scratch;
    struct flusher *flusher;
    struct partition_log_config config;
    struct partition_log *log;
    char path[300];
};

static void place_open(struct place *place)
{
    place->log = log_open_at(place->path, &place->config, place->flusher);
}

static void place_init(struct place *place, enum flush_policy policy)
{
    scratch_make(&place->scratch);
    (void) snprintf(place->path, sizeof(place->path), "%s/t-0", place->scratch.path);
    place->flusher = flusher_make(policy);
    partition_log_config_init(&place->config);
}

static void place_close(struct place *place)
{
    struct error error = {0};
    assert_ok(partition_log_close(place->log, &error), error);
    place->log = NULL;
}

static void place_reopen(struct place *place)
{
    place_close(place);
    place_open(place);
}

static void place_deinit(struct place *place)
{
    place_close(place);
    flusher_free(place->flusher);
    scratch_remove(&place->scratch);
}

static void appends_and_reads(void **state)
{
    (void) state;
    struct place place;
    place_init(&place, FLUSH_ALWAYS);
    place_open(&place);
    struct log_offsets offsets = offsets_of(place.log);
    assert_int_equal(offsets.log_end, 0);
    assert_int_equal(offsets.timestamp_max_ms, -1);
    int64_t end = 0;
    for (int32_t i = 0; i < 200; i++) {
        struct append_result result = append_spec(
            place.log,
            (struct batch_spec){.count = 1 + i % 7, .timestamp_ms = 1000 + i, .value_bytes = 300});
        assert_int_equal(result.kafka_error, 0);
        assert_int_equal(result.base_offset, end);
        assert_int_equal(result.log_append_time_ms, -1);
        end += 1 + i % 7;
    }
    for (int round = 0; round < 2; round++) {
        offsets = offsets_of(place.log);
        assert_int_equal(offsets.log_start, 0);
        assert_int_equal(offsets.high_watermark, end);
        assert_int_equal(offsets.last_stable, end);
        assert_int_equal(offsets.log_end, end);
        assert_int_equal(offsets.leader_epoch, 0);
        assert_int_equal(offsets.timestamp_max_ms, 1199 + 3);
        for (int64_t from = 0; from <= end; from += 13) {
            assert_int_equal(read_through(place.log, from, 1), end);
            assert_int_equal(read_through(place.log, from, 5000), end);
        }
        assert_int_equal(read_through(place.log, 0, 1 << 20), end);
        place_reopen(&place);
    }
    place_deinit(&place);
}

static void reads_by_the_rules(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    struct arena arena;
    struct slice batches;
    arena_init(&arena, 0);
    place_init(&place, FLUSH_ALWAYS);
    place_open(&place);
    (void) append_spec(place.log, (struct batch_spec){.count = 10, .value_bytes = 100});
    (void) append_spec(place.log, (struct batch_spec){.count = 10, .value_bytes = 100});

    assert_fails(partition_log_read(place.log, 21, 100, true, &arena, &batches, &error),
                 STATUS_NOT_FOUND, error, "offset 21 is outside of the log, 0 to 20");
    assert_fails(partition_log_read(place.log, -1, 100, true, &arena, &batches, &error),
                 STATUS_NOT_FOUND, error, "offset -1");
    assert_ok(partition_log_read(place.log, 20, 100, true, &arena, &batches, &error), error);
    assert_int_equal(batches.size, 0);
    assert_ok(partition_log_read(place.log, 0, 100, false, &arena, &batches, &error), error);
    assert_int_equal(batches.size, 0);
    assert_ok(partition_log_read(place.log, 15, 0, true, &arena, &batches, &error), error);
    assert_true(batches.size > 1000); /* one whole batch, from its start */
    struct record_batch_header header;
    assert_ok(record_batch_check(batches, &header, &error), error);
    assert_int_equal(header.base_offset, 10);
    assert_int_equal(header.leader_epoch, 0);
    arena_deinit(&arena);
    place_deinit(&place);
}

static void refuses_bad_batches(void **state)
{
    (void) state;
    struct place place;
    struct arena arena;
    arena_init(&arena, 0);
    place_init(&place, FLUSH_ALWAYS);
    place.config.message_bytes_max = 2000;
    place_open(&place);
    struct slice good = batch_make(&arena, &(struct batch_spec){.count = 3});

    const struct {
        const char *why;
        struct slice batch;
        int16_t kafka_error;
    } cases[] = {
        {"empty", SLICE(""), 2},
        {"cut", slice_of(good.data, good.size - 1), 2},
        {"too large", batch_make(&arena, &(struct batch_spec){.value_bytes = 3000}), 10},
        {"codec 5", batch_make(&arena, &(struct batch_spec){.attributes = 0}), 76},
        {"control", batch_make(&arena, &(struct batch_spec){.attributes = 0x20}), 87},
        {"no producer", batch_make(&arena, &(struct batch_spec){.attributes = 0x10}), 87},
        {"time", batch_make(&arena, &(struct batch_spec){.timestamp_ms = -5}), 32},
        {"sequence", batch_make(&arena, &(struct batch_spec){.producer_id = 9, .sequence = -1}),
         87},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice batch = arena_copy(&arena, cases[i].batch);
        if (cases[i].kafka_error == 76) { /* the writer refuses that codec itself */
            uint8_t *data = (uint8_t *) (uintptr_t) batch.data;
            data[22] |= 5;
            uint32_t crc = crc32c(0, data + 21, batch.size - 21);
            for (int b = 0; b < 4; b++) {
                data[17 + b] = (uint8_t) (crc >> (24 - 8 * b));
            }
        }
        struct append_result result = append_bytes(place.log, batch, false);
        if (result.kafka_error != cases[i].kafka_error) {
            fail_msg("%s: %d, not %d", cases[i].why, result.kafka_error, cases[i].kafka_error);
        }
    }
    struct slice damaged = arena_copy(&arena, good);
    ((uint8_t *) (uintptr_t) damaged.data)[good.size - 1] ^= 1;
    assert_int_equal(append_bytes(place.log, damaged, false).kafka_error, 2);
    ((uint8_t *) (uintptr_t) damaged.data)[16] = 1; /* an old format */
    assert_int_equal(append_bytes(place.log, damaged, false).kafka_error, 87);
    struct buffer two = BUFFER_INIT;
    buffer_append_slice(&two, good);
    buffer_append_slice(&two, good);
    assert_int_equal(append_bytes(place.log, buffer_slice(&two), false).kafka_error, 87);
    buffer_deinit(&two);
    assert_int_equal(offsets_of(place.log).log_end, 0);
    assert_int_equal(append_bytes(place.log, good, false).kafka_error, 0);

    place.config.compact = true;
    place.config.segment_bytes = 1000;
    partition_log_configure(place.log, &place.config);
    assert_int_equal(append_spec(place.log, (struct batch_spec){.keyless = true}).kafka_error, 87);
    assert_int_equal(append_spec(place.log, (struct batch_spec){.value_bytes = 1500}).kafka_error,
                     18);
    assert_int_equal(append_spec(place.log, (struct batch_spec){0}).kafka_error, 0);
    arena_deinit(&arena);
    place_deinit(&place);
}

static void gives_its_own_time(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    int64_t offset;
    int64_t timestamp_ms;
    place_init(&place, FLUSH_ALWAYS);
    place.config.log_append_time = true;
    place_open(&place);
    clock_simulate(INT64_C(1700000000123456));
    struct append_result result = append_spec(place.log, (struct batch_spec){.timestamp_ms = 5});
    assert_int_equal(result.log_append_time_ms, 1700000000123);
    assert_ok(partition_log_find_time(place.log, 6, &offset, &timestamp_ms, &error), error);
    assert_int_equal(timestamp_ms, 1700000000123);
    clock_simulate(-1);
    place_deinit(&place);
}

/* Segments of two batches or so, over restarts. */
static void rolls_and_finds_by_time(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    place_init(&place, FLUSH_ALWAYS);
    place.config.segment_bytes = 1500;
    place.config.index_interval_bytes = 100;
    place_open(&place);
    for (int32_t i = 0; i < 60; i++) {
        /* each third batch is from the past; codecs take turns */
        int64_t timestamp_ms = i % 3 == 2 ? 5 : 1000 + i * 10;
        struct append_result result =
            append_spec(place.log, (struct batch_spec){.count = 4,
                                                       .timestamp_ms = timestamp_ms,
                                                       .attributes = (int16_t) (i % 5),
                                                       .value_bytes = 100});
        assert_int_equal(result.base_offset, i * 4);
        if (i % 25 == 24) {
            place_reopen(&place);
        }
    }
    for (int round = 0; round < 2; round++) {
        for (int64_t from = 0; from <= 240; from++) {
            assert_int_equal(read_through(place.log, from, 700), 240);
        }
        int64_t offset;
        int64_t timestamp_ms;
        assert_ok(partition_log_find_time(place.log, 1102, &offset, &timestamp_ms, &error), error);
        assert_int_equal(offset, 42); /* in the middle of batch 10 */
        assert_int_equal(timestamp_ms, 1102);
        assert_ok(partition_log_find_time(place.log, 1104, &offset, &timestamp_ms, &error), error);
        assert_int_equal(offset, 48); /* batch 11 is from the past */
        assert_int_equal(timestamp_ms, 1120);
        assert_ok(partition_log_find_time(place.log, 0, &offset, &timestamp_ms, &error), error);
        assert_int_equal(offset, 0);
        assert_ok(partition_log_find_time(place.log, 9999, &offset, &timestamp_ms, &error), error);
        assert_int_equal(offset, -1);
        assert_int_equal(timestamp_ms, -1);
        assert_ok(partition_log_find_max_time(place.log, &offset, &timestamp_ms, &error), error);
        assert_int_equal(offset, 58 * 4 + 3);
        assert_int_equal(timestamp_ms, 1000 + 58 * 10 + 3);
        place_reopen(&place);
    }
    place_deinit(&place);
}

static void keeps_what_retention_allows(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    int64_t removed;
    int64_t start;
    place_init(&place, FLUSH_ALWAYS);
    place.config.segment_bytes = 1500;
    clock_simulate(INT64_C(1000000000));
    place_open(&place);
    for (int32_t i = 0; i < 20; i++) {
        (void) append_spec(
            place.log,
            (struct batch_spec){.count = 5, .timestamp_ms = i * 1000, .value_bytes = 100});
    }
    int64_t size = offsets_of(place.log).size_bytes;
    assert_ok(partition_log_retain(place.log, &removed, &error), error);
    assert_int_equal(removed, 0);

    assert_ok(partition_log_delete_records(place.log, 7, &start, &error), error);
    assert_int_equal(start, 7);
    assert_ok(partition_log_delete_records(place.log, 3, &start, &error), error);
    assert_int_equal(start, 7);
    assert_fails(partition_log_delete_records(place.log, 101, &start, &error), STATUS_NOT_FOUND,
                 error, "above the high watermark 100");
    place_reopen(&place);
    assert_int_equal(offsets_of(place.log).log_start, 7);
    assert_int_equal(read_through(place.log, 7, 1000), 100);

    place.config.retention_bytes = 3000;
    partition_log_configure(place.log, &place.config);
    assert_ok(partition_log_retain(place.log, &removed, &error), error);
    assert_true(removed > size / 2);
    int64_t left = offsets_of(place.log).size_bytes;
    assert_true(left >= 3000 && left < 3000 + 1500);
    start = offsets_of(place.log).log_start;
    place_reopen(&place);
    assert_int_equal(offsets_of(place.log).log_start, start);
    assert_int_equal(read_through(place.log, start, 1000), 100);

    place.config.retention_us = 60 * INT64_C(1000000);
    partition_log_configure(place.log, &place.config);
    assert_ok(partition_log_retain(place.log, &removed, &error), error);
    assert_int_equal(removed, left); /* all are older than a minute, the active one too */
    assert_int_equal(offsets_of(place.log).log_start, 100);
    assert_int_equal(offsets_of(place.log).size_bytes, 0);
    place_reopen(&place);
    assert_int_equal(offsets_of(place.log).log_start, 100);
    assert_int_equal(append_spec(place.log, (struct batch_spec){.count = 2}).base_offset, 100);
    assert_ok(partition_log_delete_records(place.log, -1, &start, &error), error);
    assert_int_equal(start, 102);
    place_reopen(&place);
    assert_int_equal(offsets_of(place.log).log_end, 102);
    assert_int_equal(read_through(place.log, 102, 1000), 102);
    clock_simulate(-1);
    place_deinit(&place);
}

static void tells_epochs(void **state)
{
    (void) state;
    struct place place;
    int32_t epoch;
    int64_t end;
    place_init(&place, FLUSH_ALWAYS);
    place_open(&place);
    (void) append_spec(place.log, (struct batch_spec){.count = 5});
    partition_log_epoch_end(place.log, 0, &epoch, &end);
    assert_int_equal(epoch, 0);
    assert_int_equal(end, 5);
    partition_log_epoch_end(place.log, 7, &epoch, &end);
    assert_int_equal(epoch, 0);
    assert_int_equal(end, 5);
    partition_log_epoch_end(place.log, -1, &epoch, &end);
    assert_int_equal(epoch, -1);
    assert_int_equal(end, -1);
    place_deinit(&place);
}

/* Without waiting for the disk the answer comes before the call returns. */
static void answers_at_once_without_sync(void **state)
{
    (void) state;

    const enum flush_policy policies[] = {FLUSH_NEVER, FLUSH_INTERVAL};

    for (size_t i = 0; i < 2; i++) {
        struct place place;
        struct arena arena;
        place_init(&place, policies[i]);
        place.config.segment_bytes = 1500;
        place_open(&place);
        arena_init(&arena, 0);
        for (int b = 0; b < 50; b++) {
            struct slice batch = batch_make(&arena, &(struct batch_spec){.value_bytes = 200});
            struct told told = {.counter = COUNTER_INIT};
            struct append_result result;
            partition_log_append(place.log, (uint8_t *) (uintptr_t) batch.data, batch.size, false,
                                 told_done, &told, &result);
            assert_int_equal(told.counter.count, 1);
            assert_int_equal(offsets_of(place.log).high_watermark, b + 1);
        }
        assert_int_equal(read_through(place.log, 0, 400), 50);
        place_reopen(&place);
        assert_int_equal(read_through(place.log, 0, 400), 50);
        arena_deinit(&arena);
        place_deinit(&place);
    }
}

static void is_deleted(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    place_init(&place, FLUSH_ALWAYS);
    place_open(&place);
    (void) append_spec(place.log, (struct batch_spec){0});
    struct arena arena;
    arena_init(&arena, 0);
    struct slice batch = batch_make(&arena, &(struct batch_spec){0});
    struct told told = {.counter = COUNTER_INIT};
    struct append_result result;
    partition_log_append(place.log, (uint8_t *) (uintptr_t) batch.data, batch.size, false,
                         told_done, &told, &result);
    assert_ok(partition_log_delete(place.log, &error), error);
    assert_int_equal(told.counter.count, 1); /* told, one way or the other */
    assert_int_equal(access(place.path, F_OK), -1);
    place_open(&place);
    assert_int_equal(offsets_of(place.log).log_end, 0);
    arena_deinit(&arena);
    place_deinit(&place);
}

static enum status count_batch(void *context, struct slice batch, struct error *error)
{
    struct record_batch_header header;
    TRY(record_batch_check(batch, &header, error));
    *(int *) context += 1;
    return STATUS_OK;
}

static void is_scanned_as_it_is(void **state)
{
    (void) state;
    struct place place;
    struct error error = {0};
    place_init(&place, FLUSH_ALWAYS);
    place.config.segment_bytes = 1500;
    place_open(&place);
    for (int i = 0; i < 20; i++) {
        (void) append_spec(place.log, (struct batch_spec){.value_bytes = 400});
    }
    int count = 0;
    assert_ok(partition_log_scan(place.path, count_batch, &count, &error), error);
    assert_int_equal(count, 20);
    char path[400];
    (void) snprintf(path, sizeof(path), "%s/00000000000000000000.log", place.path);
    flip_byte(path, 200);
    assert_fails(partition_log_scan(place.path, count_batch, &count, &error), STATUS_CORRUPT, error,
                 "00000000000000000000.log\" at byte 0: the record batch at offset 0 fails its "
                 "checksum");
    flip_byte(path, 200);
    place_deinit(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_reads),
        cmocka_unit_test(reads_by_the_rules),
        cmocka_unit_test(refuses_bad_batches),
        cmocka_unit_test(gives_its_own_time),
        cmocka_unit_test(rolls_and_finds_by_time),
        cmocka_unit_test(keeps_what_retention_allows),
        cmocka_unit_test(tells_epochs),
        cmocka_unit_test(answers_at_once_without_sync),
        cmocka_unit_test(is_deleted),
        cmocka_unit_test(is_scanned_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
