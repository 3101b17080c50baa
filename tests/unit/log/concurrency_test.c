/* One thread appends without waiting, others read, one lets old segments go. */

#include "batch_support.h"

#include <stdatomic.h>

#define BATCHES 3000
#define READERS 2

struct shared {
    struct partition_log *log;
    struct counter counter;
    _Atomic int64_t acknowledged; /* offsets below it were told to be durable */
    atomic_bool stop;
    atomic_int wrong;
};

static void done(void *context, const struct append_result *result, const struct error *error)
{
    struct shared *shared = context;
    (void) error;
    if (result->kafka_error != 0 ||
        result->base_offset != atomic_load(&shared->acknowledged)) { /* in order */
        atomic_fetch_add(&shared->wrong, 1);
    }
    atomic_store(&shared->acknowledged, result->base_offset + 2);
    counter_add(&shared->counter, result->kafka_error != 0);
}

/* cmocka's asserts are for the main thread: faults are counted. */
static void *read_on(void *argument)
{
    struct shared *shared = argument;
    struct arena arena;
    arena_init(&arena, 0);
    int64_t next = 0;
    while (!atomic_load(&shared->stop) || next < BATCHES * 2) {
        struct slice batches;
        struct record_batch_header header;
        int64_t acknowledged = atomic_load(&shared->acknowledged);
        arena_reset(&arena);
        enum status status =
            partition_log_read(shared->log, next, 3000, true, &arena, &batches, NULL);
        if (status == STATUS_NOT_FOUND) { /* retention overtook us */
            struct log_offsets offsets;
            partition_log_offsets(shared->log, &offsets);
            next = offsets.log_start > next ? offsets.log_start : next;
            continue;
        }
        if (status != STATUS_OK || (batches.size == 0 && next < acknowledged)) {
            atomic_fetch_add(&shared->wrong, 1);
            break;
        }
        while (batches.size > 0) {
            if (record_batch_header_read(batches, &header, NULL) != STATUS_OK ||
                header.base_offset != next) {
                atomic_fetch_add(&shared->wrong, 1);
            }
            next = header.base_offset + header.last_offset_delta + 1;
            size_t size = record_batch_size(&header);
            batches = slice_of(batches.data + size, batches.size - size);
        }
    }
    arena_deinit(&arena);
    return NULL;
}

static void *retain_on(void *argument)
{
    struct shared *shared = argument;
    while (!atomic_load(&shared->stop)) {
        int64_t removed;
        int64_t offset;
        int64_t timestamp_ms;
        if (partition_log_retain(shared->log, &removed, NULL) != STATUS_OK ||
            partition_log_find_time(shared->log, 100, &offset, &timestamp_ms, NULL) != STATUS_OK) {
            atomic_fetch_add(&shared->wrong, 1);
        }
    }
    return NULL;
}

static void append_all(struct shared *shared, struct slice batch)
{
    uint8_t *copy = malloc(batch.size);
    for (int i = 0; i < BATCHES; i++) {
        struct append_result result;
        memcpy(copy, batch.data, batch.size);
        partition_log_append(shared->log, copy, batch.size, false, done, shared, &result);
        assert_int_equal(result.kafka_error, 0);
        assert_int_equal(result.base_offset, i * 2);
    }
    free(copy);
}

static void threads_agree(void **state)
{
    (void) state;
    struct scratch scratch;
    struct partition_log_config config;
    struct error error = {0};
    struct arena arena;
    pthread_t threads[READERS + 1];
    arena_init(&arena, 0);
    scratch_make(&scratch);
    partition_log_config_init(&config);
    config.segment_bytes = 50000;
    config.retention_bytes = 200000;
    config.retention_us = -1;
    struct flusher *flusher = flusher_make(FLUSH_ALWAYS);
    struct shared shared = {.counter = COUNTER_INIT};
    shared.log = log_open_at(scratch.path, &config, flusher);
    for (int i = 0; i <= READERS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < READERS ? read_on : retain_on, &shared), 0);
    }
    append_all(&shared, batch_make(&arena, &(struct batch_spec){.count = 2, .value_bytes = 100}));
    counter_wait(&shared.counter, BATCHES);
    atomic_store(&shared.stop, true);
    for (int i = 0; i <= READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_int_equal(offsets_of(shared.log).high_watermark, BATCHES * 2);
    int64_t removed; /* the thread may have had no turn */
    assert_ok(partition_log_retain(shared.log, &removed, &error), error);
    assert_true(offsets_of(shared.log).log_start > 0);
    assert_ok(partition_log_close(shared.log, &error), error);
    flusher_free(flusher);
    arena_deinit(&arena);
    scratch_remove(&scratch);
}

/* ---- one sync of a log at a time ---------------------------------------------------------------
 */

#define WRITERS        3
#define WRITER_BATCHES 1500

struct turns {
    struct partition_log *log;
    struct counter counter;
    struct slice batch;
    int64_t next; /* offset; on purpose without a lock: callbacks come one at a time */
    atomic_int inside;
    atomic_bool stop;
    atomic_int wrong;
};

static void take_turn(void *context, const struct append_result *result, const struct error *error)
{
    struct turns *turns = context;
    (void) error;
    bool alone = atomic_fetch_add(&turns->inside, 1) == 0;
    if (!alone || result->kafka_error != 0 || result->base_offset != turns->next) {
        atomic_fetch_add(&turns->wrong, 1);
    }
    turns->next++;
    atomic_fetch_sub(&turns->inside, 1);
    counter_add(&turns->counter, result->kafka_error != 0);
}

static void *write_on(void *argument)
{
    struct turns *turns = argument;
    uint8_t *copy = malloc(turns->batch.size);
    for (int i = 0; i < WRITER_BATCHES; i++) {
        struct append_result result;
        memcpy(copy, turns->batch.data, turns->batch.size);
        partition_log_append(turns->log, copy, turns->batch.size, false, take_turn, turns, &result);
        if (result.kafka_error != 0) {
            atomic_fetch_add(&turns->wrong, 1);
        }
    }
    free(copy);
    return NULL;
}

/* Letting a segment go syncs first, beside the flusher. */
static void *let_go(void *argument)
{
    struct turns *turns = argument;
    int64_t seen = 0;
    while (!atomic_load(&turns->stop)) {
        int64_t removed;
        struct log_offsets offsets;
        if (partition_log_retain(turns->log, &removed, NULL) != STATUS_OK) {
            atomic_fetch_add(&turns->wrong, 1);
        }
        partition_log_offsets(turns->log, &offsets);
        if (offsets.high_watermark < seen) { /* what was readable stays it */
            atomic_fetch_add(&turns->wrong, 1);
        }
        seen = offsets.high_watermark;
    }
    return NULL;
}

static void one_sync_at_a_time(void **state)
{
    (void) state;
    struct scratch scratch;
    struct partition_log_config config;
    struct error error = {0};
    struct arena arena;
    pthread_t threads[WRITERS + 1];
    arena_init(&arena, 0);
    scratch_make(&scratch);
    partition_log_config_init(&config);
    config.segment_bytes = 2000;
    config.retention_bytes = 1;
    config.retention_us = -1;
    struct flusher *flusher = flusher_make(FLUSH_ALWAYS);
    struct turns turns = {.counter = COUNTER_INIT,
                          .batch = batch_make(&arena, &(struct batch_spec){0})};
    turns.log = log_open_at(scratch.path, &config, flusher);
    for (int i = 0; i <= WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_on : let_go, &turns),
                         0);
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    counter_wait(&turns.counter, WRITERS * WRITER_BATCHES);
    atomic_store(&turns.stop, true);
    assert_int_equal(pthread_join(threads[WRITERS], NULL), 0);
    assert_int_equal(atomic_load(&turns.wrong), 0);
    assert_int_equal(offsets_of(turns.log).high_watermark, WRITERS * WRITER_BATCHES);
    assert_ok(partition_log_close(turns.log, &error), error);
    flusher_free(flusher);
    arena_deinit(&arena);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(one_sync_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
