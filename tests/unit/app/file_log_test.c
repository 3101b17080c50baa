/* The log's files read without a broker: offsets, identities, control batches, chunks. */

#include "app/file_log.h"

#include "io/file.h"
#include "test.h"
#include "wire/record_batch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char directory[] = "/tmp/leat-file-log-XXXXXX";

static void write_batch(struct buffer *target, int64_t base, int32_t count, int16_t attributes)
{
    struct error error = {0};
    struct record records[4] = {0};
    const struct record_header header = {SLICE("leat"), SLICE("p.s/1/7/0/123")};
    for (int32_t i = 0; i < count; i++) {
        records[i] = (struct record){
            .timestamp_ms = 1000 + i,
            .key = SLICE("k"),
            .value = i == 1 ? SLICE_EMPTY : SLICE("v"),
            .headers = &header,
            .header_count = i == 0,
        };
    }
    const struct record_batch_header batch = {
        .base_offset = base,
        .magic = 2,
        .attributes = attributes,
        .base_timestamp_ms = 1000,
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
    };
    assert_ok(record_batch_write(&batch, records, count, target, &error), error);
}

static int set_up(void **state)
{
    (void) state;
    struct error error = {0};
    char path[256];
    struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
    assert_non_null(mkdtemp(directory));
    (void) snprintf(path, sizeof(path), "%s/t-0", directory);
    assert_ok(directory_make(path, &error), error);
    (void) snprintf(path, sizeof(path), "%s/t-1", directory);
    assert_ok(directory_make(path, &error), error);
    write_batch(&bytes, 5, 3, 0);
    write_batch(&bytes, 8, 1, RECORD_BATCH_CONTROL | RECORD_BATCH_TRANSACTIONAL);
    write_batch(&bytes, 9, 2, 0);
    (void) snprintf(path, sizeof(path), "%s/t-0/00000000000000000005.log", directory);
    assert_ok(file_replace(path, buffer_slice(&bytes), &error), error);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    struct error error;
    return directory_remove(directory, &error) == STATUS_OK ? 0 : 1;
}

static struct log_client *open_log(void)
{
    struct error error = {0};
    struct log_client *log;
    assert_ok(file_log_ops.open(directory, NULL, &log, &error), error);
    return log;
}

static void test_topics_and_offsets(void **state)
{
    (void) state;
    struct error error = {0};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct log_client *log = open_log();
    const char **names;
    size_t count;
    assert_ok(file_log_topics(log, &arena, &names, &count, &error), error);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "t");
    struct log_partition *partitions;
    int32_t partition_count;
    assert_ok(file_log_ops.topic_offsets(log, "t", &arena, &partitions, &partition_count, &error),
              error);
    assert_int_equal(partition_count, 2);
    assert_int_equal(partitions[0].low, 5);
    assert_int_equal(partitions[0].high, 11);
    assert_int_equal(partitions[1].low, 0);
    assert_int_equal(partitions[1].high, 0);
    assert_fails(
        file_log_ops.topic_offsets(log, "u", &arena, &partitions, &partition_count, &error),
        STATUS_NOT_FOUND, error, "\"u\"");
    file_log_ops.close(log);
}

/* From within the first batch: its last record, then those behind the control batch. */
static void test_records(void **state)
{
    (void) state;
    struct error error = {0};
    struct log_client *log = open_log();
    struct log_reader *reader;
    const int64_t offsets[] = {6, 0};
    const int64_t expected[] = {6, 7, 9, 10};
    size_t seen = 0;
    assert_ok(file_log_ops.reader_open(log, "t", offsets, 2, &reader, &error), error);
    for (;;) {
        const struct log_in *records;
        size_t count;
        assert_ok(file_log_ops.reader_poll(reader, 100, 5000000, &records, &count, &error), error);
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++, seen++) {
            assert_true(seen < 4);
            assert_int_equal(records[i].offset, expected[seen]);
            assert_int_equal(records[i].partition, 0);
            bool is_delete = expected[seen] == 6 || expected[seen] == 10;
            assert_int_equal(records[i].value.data == NULL, is_delete);
            bool first_of_batch = expected[seen] == 9;
            assert_int_equal(records[i].identity.position, first_of_batch ? 7 : 0);
        }
        file_log_ops.reader_release(reader);
    }
    assert_int_equal(seen, 4);
    file_log_ops.reader_close(reader);
    file_log_ops.close(log);
}

static void test_closed_early(void **state)
{
    (void) state;
    struct error error = {0};
    struct log_client *log = open_log();
    struct log_reader *reader;
    const int64_t offsets[] = {0, 0};
    assert_ok(file_log_ops.reader_open(log, "t", offsets, 2, &reader, &error), error);
    file_log_ops.reader_close(reader);
    file_log_ops.close(log);
}

static void test_writing_is_refused(void **state)
{
    (void) state;
    struct error error = {0};
    struct log_client *log = open_log();
    struct log_writer *writer;
    int32_t partitions;
    const struct topic_spec spec = {.name = "new"};
    assert_fails(file_log_ops.writer_open(log, "t", "w", LOG_GAPLESS, &writer, &error),
                 STATUS_UNAVAILABLE, error, "read-only");
    assert_fails(file_log_ops.topic_ensure(log, &spec, &partitions, &error), STATUS_UNAVAILABLE,
                 error, "read-only");
    file_log_ops.close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics_and_offsets),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_closed_early),
        cmocka_unit_test(test_writing_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
