/*
 * What a log is after a crash. A crash is simulated on a copy of the directory taken while the log
 * is open: what was synced stays, and behind that the copy is cut or garbled at random. Nothing
 * that was acknowledged may be missing, nothing else may make the log unreadable.
 */

#include "batch_support.h"

#include "base/logline.h"

#include <errno.h>

#define PATH_BYTES 600

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[3 * PATH_BYTES];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void) snprintf(command, sizeof(command), format, a, b);
#pragma GCC diagnostic pop
    assert_int_equal(system(command), 0);
}

static void segment_file(const char *directory, int64_t base, char path[PATH_BYTES])
{
    (void) snprintf(path, PATH_BYTES, "%s/%020lld.log", directory, (long long) base);
}

/* Changes the file from `from` on as an interrupted write-back might. */
static void garble(const char *path, long from, uint64_t *seed)
{
    long size = size_of_file(path);
    if (size <= from) {
        return;
    }
    switch (next_random(seed) % 4) {
    case 0: /* cut */
        assert_int_equal(truncate(path, from + (long) next_random(seed) % (size - from + 1)), 0);
        break;
    case 1: /* one byte */
        flip_byte(path, from + (long) next_random(seed) % (size - from));
        break;
    case 2: { /* zeros from somewhere on: the size was written, the data was not */
        long at = from + (long) next_random(seed) % (size - from + 1);
        assert_int_equal(truncate(path, at), 0);
        assert_int_equal(truncate(path, size), 0);
        break;
    }
    default: /* more than was written */
        assert_int_equal(truncate(path, size + (long) next_random(seed) % 500), 0);
        break;
    }
}

static void crash_once(uint64_t seed)
{
    struct scratch scratch;
    struct partition_log_config config;
    struct error error = {0};
    char live[PATH_BYTES];
    char copy[PATH_BYTES];
    char path[PATH_BYTES];
    uint64_t random = seed;
    scratch_make(&scratch);
    (void) snprintf(live, sizeof(live), "%s/live", scratch.path);
    (void) snprintf(copy, sizeof(copy), "%s/copy", scratch.path);
    partition_log_config_init(&config);
    config.segment_bytes = 2000 + (int64_t) (next_random(&random) % 4000);
    config.index_interval_bytes = 300;
    struct flusher *flusher = flusher_make(FLUSH_ALWAYS);
    struct partition_log *log = log_open_at(live, &config, flusher);
    int64_t sequence = 0;
    uint64_t rounds = next_random(&random) % 30;
    for (uint64_t i = 0; i < rounds; i++) {
        int32_t count = 1 + (int32_t) (next_random(&random) % 5);
        struct append_result result =
            append_spec(log, (struct batch_spec){.count = count,
                                                 .producer_id = 5,
                                                 .sequence = (int32_t) sequence,
                                                 .value_bytes = 1 + next_random(&random) % 300});
        assert_int_equal(result.kafka_error, 0);
        sequence += count;
        if (next_random(&random) % 10 == 0) {
            assert_ok(partition_log_close(log, &error), error);
            log = log_open_at(live, &config, flusher);
        }
    }
    /* The copy has everything acknowledged and, behind it, bytes that never were. */
    shell("cp -a %s %s 2>/dev/null; true", live, copy); /* a *.new may vanish meanwhile */
    int64_t acknowledged = offsets_of(log).high_watermark;
    assert_int_equal(acknowledged, sequence);
    assert_ok(partition_log_close(log, &error), error);
    int64_t base = 0;
    for (int64_t b = acknowledged; b >= 0; b--) {
        segment_file(copy, b, path);
        if (access(path, F_OK) == 0) {
            base = b;
            break;
        }
    }
    segment_file(copy, base, path);
    if (access(path, F_OK) == 0) {
        long durable = size_of_file(path);
        struct arena arena;
        arena_init(&arena, 0);
        FILE *file = fopen(path, "ab");
        assert_non_null(file);
        for (uint64_t i = 0; i < 1 + seed % 3; i++) {
            struct slice batch = batch_make(
                &arena, &(struct batch_spec){
                            .producer_id = 5, .sequence = (int32_t) sequence, .value_bytes = 200});
            record_batch_patch((uint8_t *) (uintptr_t) batch.data, sequence + (int64_t) i, 0);
            assert_int_equal(fwrite(batch.data, 1, batch.size, file), batch.size);
        }
        assert_int_equal(fclose(file), 0);
        arena_deinit(&arena);
        garble(path, durable, &random);
    }
    if (seed % 3 == 0) { /* as after a power loss: no hint, and the caches are rubbish */
        (void) snprintf(path, sizeof(path), "%s/durable", copy);
        (void) unlink(path);
        (void) snprintf(path, sizeof(path), "%s/%020lld.index", copy, (long long) base);
        if (access(path, F_OK) == 0) {
            garble(path, 0, &random);
        }
    }
    log = log_open_at(copy, &config, flusher);
    int64_t end = offsets_of(log).high_watermark;
    assert_true(end >= acknowledged);
    assert_int_equal(read_through(log, 0, 500), end);
    if (end == acknowledged && sequence > 0) { /* the producer goes on where it was acknowledged */
        struct append_result result =
            append_spec(log, (struct batch_spec){.producer_id = 5, .sequence = (int32_t) sequence});
        assert_int_equal(result.kafka_error, 0);
        assert_int_equal(result.base_offset, end);
    }
    assert_ok(partition_log_close(log, &error), error);
    flusher_free(flusher);
    scratch_remove(&scratch);
}

/* A failure says which seed to set in LEAT_SEED. */
static uint64_t replay_seed;

static int show_seed(void **state)
{
    (void) state;
    print_message("last seed: LEAT_SEED=%d\n", (int) replay_seed);
    return 0;
}

static void nothing_acknowledged_is_lost(void **state)
{
    (void) state;
    const char *only = getenv("LEAT_SEED");
    for (uint64_t seed = 1; seed <= 150; seed++) {
        if (only == NULL || strtoull(only, NULL, 10) == seed) {
            replay_seed = seed;
            crash_once(seed);
        }
    }
}

struct built {
    struct scratch scratch;
    struct flusher *flusher;
    struct partition_log_config config;
};

/* A closed log of ten batches, 0 to 9, in segments of about three. */
static void build(struct built *built)
{
    struct error error = {0};
    scratch_make(&built->scratch);
    built->flusher = flusher_make(FLUSH_ALWAYS);
    partition_log_config_init(&built->config);
    built->config.segment_bytes = 1500;
    struct partition_log *log = log_open_at(built->scratch.path, &built->config, built->flusher);
    for (int32_t i = 0; i < 10; i++) {
        (void) append_spec(
            log, (struct batch_spec){.producer_id = 3, .sequence = i, .value_bytes = 400});
    }
    assert_ok(partition_log_close(log, &error), error);
}

static void unbuild(struct built *built)
{
    flusher_free(built->flusher);
    scratch_remove(&built->scratch);
}

static enum status try_open(struct built *built, struct error *error)
{
    struct partition_log *log = NULL;
    enum status status =
        partition_log_open(built->scratch.path, &built->config, built->flusher, &log, error);
    if (status == STATUS_OK) {
        assert_ok(partition_log_close(log, error), *error);
    }
    return status;
}

static void damage_is_never_cut(void **state)
{
    (void) state;
    struct built built;
    struct error error = {0};
    build(&built);
    const char *first = "00000000000000000000.log";
    const char *last = "00000000000000000009.log";

    /* a batch in the middle of what was acknowledged: found when it is read */
    flip_byte(scratch_path(&built.scratch, first), 600);
    struct partition_log *log = log_open_at(built.scratch.path, &built.config, built.flusher);
    struct arena arena;
    struct slice batches;
    arena_init(&arena, 0);
    assert_ok(partition_log_read(log, 0, 100, true, &arena, &batches, &error), error);
    assert_fails(partition_log_read(log, 1, 100, true, &arena, &batches, &error), STATUS_CORRUPT,
                 error, "fails its checksum");
    assert_non_null(strstr(error.message, "00000000000000000000.log\" is damaged at byte"));
    assert_ok(partition_log_read(log, 5, 100, true, &arena, &batches, &error), error);
    assert_ok(partition_log_close(log, &error), error);

    /* and at the start, when the index has to be made again */
    assert_int_equal(unlink(scratch_path(&built.scratch, "00000000000000000000.index")), 0);
    assert_fails(try_open(&built, &error), STATUS_CORRUPT, error, "is damaged at byte 4");
    assert_non_null(strstr(error.hint, "backup"));
    flip_byte(scratch_path(&built.scratch, first), 600);
    assert_ok(try_open(&built, &error), error);

    long size = size_of_file(scratch_path(&built.scratch, last));
    assert_int_equal(truncate(scratch_path(&built.scratch, last), size - 1), 0);
    assert_fails(try_open(&built, &error), STATUS_CORRUPT, error, "it ends before byte");
    assert_int_equal(truncate(scratch_path(&built.scratch, last), 0), 0);
    assert_fails(try_open(&built, &error), STATUS_CORRUPT, error, "it ends before byte");
    assert_int_equal(unlink(scratch_path(&built.scratch, last)), 0);
    assert_fails(try_open(&built, &error), STATUS_CORRUPT, error, "was on disk up to 10");
    arena_deinit(&arena);
    unbuild(&built);
}

static void missing_pieces(void **state)
{
    (void) state;
    struct built built;
    struct error error = {0};
    build(&built);
    /* caches may go */
    shell("rm %s/*.index%s", built.scratch.path, "");
    shell("rm %s/producers%s", built.scratch.path, "");
    struct partition_log *log = log_open_at(built.scratch.path, &built.config, built.flusher);
    assert_int_equal(read_through(log, 0, 100), 10);
    assert_true(
        append_spec(log, (struct batch_spec){.producer_id = 3, .sequence = 7, .value_bytes = 400})
            .duplicate);
    assert_ok(partition_log_close(log, &error), error);
    /* the checkpoint may not be wrong, but missing */
    flip_byte(scratch_path(&built.scratch, "checkpoint"), 20);
    assert_fails(try_open(&built, &error), STATUS_CORRUPT, error, "/checkpoint\" is damaged");
    assert_int_equal(unlink(scratch_path(&built.scratch, "checkpoint")), 0);
    assert_ok(try_open(&built, &error), error);
    /* nor a segment between others */
    assert_int_equal(unlink(scratch_path(&built.scratch, "00000000000000000003.log")), 0);
    assert_fails(try_open(&built, &error), STATUS_CORRUPT, error, "should begin at offset 3");
    unbuild(&built);
}

/* After kill -9 the hint tells a damaged acknowledged batch from a torn one, with no checkpoint. */
static void hint_vouches_for_acknowledged_batches(void **state)
{
    (void) state;
    struct scratch scratch;
    struct partition_log_config config;
    struct error error = {0};
    char copy[PATH_BYTES];
    char path[PATH_BYTES];
    scratch_make(&scratch);
    (void) snprintf(copy, sizeof(copy), "%s/copy", scratch.path);
    char live[PATH_BYTES];
    (void) snprintf(live, sizeof(live), "%s/live", scratch.path);
    partition_log_config_init(&config);
    struct flusher *flusher = flusher_make(FLUSH_ALWAYS);
    struct partition_log *log = log_open_at(live, &config, flusher);
    for (int i = 0; i < 3; i++) {
        (void) append_spec(log, (struct batch_spec){0});
    }
    shell("cp -a %s %s", live, copy);
    assert_ok(partition_log_close(log, &error), error);
    segment_file(copy, 0, path);
    flip_byte(path, 150);
    assert_fails(partition_log_open(copy, &config, flusher, &log, &error), STATUS_CORRUPT, error,
                 "is damaged at byte");
    (void) snprintf(path, sizeof(path), "%s/durable", copy);
    assert_int_equal(unlink(path), 0);
    log = log_open_at(copy, &config, flusher);
    assert_int_equal(offsets_of(log).log_end, 1);
    assert_ok(partition_log_close(log, &error), error);
    flusher_free(flusher);
    scratch_remove(&scratch);
}

/* ---- faults ---- */

#define FAULT_APPENDS 25

/* One life of a log with the n-th call failing; returns how many calls it made. Each append is told
 * one truth: stored ones are there in order afterwards, failed ones are not. */
static int64_t live_with_fault(int64_t nth, int error_number)
{
    struct scratch scratch;
    struct partition_log_config config;
    struct error error = {0};
    scratch_make(&scratch);
    partition_log_config_init(&config);
    config.segment_bytes = 1200;
    struct flusher *flusher = flusher_make(FLUSH_ALWAYS);
    struct partition_log *log = NULL;
    int64_t acknowledged = 0;
    int32_t sequence = 0;
    int failures = 0;
    int64_t start = 0;
    file_fault(nth, error_number);
    bool opened = partition_log_open(scratch.path, &config, flusher, &log, &error) == STATUS_OK;
    for (int i = 0; opened && i < FAULT_APPENDS; i++) {
        struct append_result result = append_spec(
            log, (struct batch_spec){.producer_id = 5, .sequence = sequence, .value_bytes = 300});
        if (result.kafka_error == 0) {
            assert_int_equal(result.base_offset, acknowledged);
            assert_false(result.duplicate);
            acknowledged++;
            sequence++;
        } else {
            assert_int_equal(result.kafka_error, 56);
            failures++;
        }
        assert_int_equal(offsets_of(log).high_watermark, acknowledged);
        if (i == 12 && partition_log_delete_records(log, 5, &start, &error) != STATUS_OK) {
            failures++;
        }
    }
    bool closed = opened && partition_log_close(log, &error) == STATUS_OK;
    int64_t calls = file_fault_calls();
    file_fault(-1, 0);
    log = log_open_at(scratch.path, &config, flusher);
    assert_int_equal(offsets_of(log).high_watermark, acknowledged);
    start = offsets_of(log).log_start;
    assert_true(start == 0 || start == 5);
    assert_int_equal(read_through(log, start, 100), acknowledged);
    if (acknowledged > 0) {
        assert_true(append_spec(log, (struct batch_spec){.producer_id = 5,
                                                         .sequence = sequence - 1,
                                                         .value_bytes = 300})
                        .duplicate);
    }
    assert_ok(partition_log_close(log, &error), error);
    flusher_free(flusher);
    scratch_remove(&scratch);
    assert_true(!opened || !closed || nth < 0 || acknowledged + failures >= FAULT_APPENDS);
    return calls;
}

static void tells_the_truth_under_every_fault(void **state)
{
    (void) state;
    int64_t calls = live_with_fault(-1, 0);
    assert_true(calls > 100);
    for (int64_t nth = 0; nth < calls; nth++) {
        (void) live_with_fault(nth, nth % 2 == 0 ? EIO : ENOSPC);
    }
}

int main(void)
{
    logline_configure(LOG_OFF, LOG_TEXT); /* the faults are ours */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_acknowledged_is_lost, show_seed),
        cmocka_unit_test(damage_is_never_cut),
        cmocka_unit_test(missing_pieces),
        cmocka_unit_test(hint_vouches_for_acknowledged_batches),
        cmocka_unit_test(tells_the_truth_under_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
