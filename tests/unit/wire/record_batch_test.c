/*
 * Goldens in tests/golden/record_batch were made by kafka-python and librdkafka (make.py there).
 * With `--write DIR` this program writes the same records in every codec instead, for make.py to
 * read with kafka-python.
 */

#include "wire/record_batch.h"

#include "compress/compress.h"

#include "test.h"

#include <stdio.h>

#define RECORDS         40
#define FIRST_TIMESTAMP 1700000000000
#define BYTES_MAX       ((size_t) 1 << 20)

/* records() of make.py. */
static struct record *make_records(struct arena *arena)
{
    static const struct record_header two[] = {
        {{(const uint8_t *) "trace", 5}, {(const uint8_t *) "\0\1", 2}},
        {{(const uint8_t *) "null", 4}, {NULL, 0}},
    };
    static const struct record_header one[] = {
        {{(const uint8_t *) "empty", 5}, {(const uint8_t *) "", 0}},
    };
    struct record *records = ARENA_ARRAY(arena, struct record, RECORDS);
    for (int i = 0; i < RECORDS; i++) {
        struct record *record = &records[i];
        record->offset = i;
        record->timestamp_ms = FIRST_TIMESTAMP + i * 37 % 11 * 1000;
        if (i % 3 != 0) {
            record->key = slice_of_string(arena_printf(arena, "key-%d", i));
        }
        if (i % 7 != 6) {
            char xs[201] = {0};
            memset(xs, 'x', (size_t) (i * 13 % 200));
            record->value = i % 7 == 5
                                ? SLICE("")
                                : slice_of_string(arena_printf(arena, "v\xc3\xa4rde-%d-%s", i, xs));
        }
        if (i % 4 == 1) {
            record->headers = two;
            record->header_count = 2;
        } else if (i % 4 == 2) {
            record->headers = one;
            record->header_count = 1;
        }
    }
    return records;
}

static void assert_field(struct slice found, struct slice wanted)
{
    assert_int_equal(found.data == NULL, wanted.data == NULL);
    assert_true(slice_equal(found, wanted));
}

static void assert_records(const struct record *found, const struct record *wanted, int64_t base)
{
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(found[i].offset, base + i);
        assert_int_equal(found[i].timestamp_ms, wanted[i].timestamp_ms);
        assert_field(found[i].key, wanted[i].key);
        assert_field(found[i].value, wanted[i].value);
        assert_int_equal(found[i].header_count, wanted[i].header_count);
        for (int h = 0; h < wanted[i].header_count; h++) {
            assert_field(found[i].headers[h].key, wanted[i].headers[h].key);
            assert_field(found[i].headers[h].value, wanted[i].headers[h].value);
        }
    }
}

static struct slice load_golden(struct arena *arena, const char *maker, const char *codec)
{
    const char *root = getenv("LEAT_SOURCE_ROOT");
    const char *path = arena_printf(arena, "%s/tests/golden/record_batch/%s-%s.bin",
                                    root == NULL ? "." : root, maker, codec);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    uint8_t *data = arena_alloc(arena, 65536);
    size_t size = fread(data, 1, 65536, file);
    (void) fclose(file);
    return slice_of(data, size);
}

/* The header that make.py gives kafka-python's builder. */
static struct record_batch_header python_header(enum compression codec)
{
    return (struct record_batch_header){
        .leader_epoch = 0,
        .attributes = (int16_t) codec,
        .base_timestamp_ms = FIRST_TIMESTAMP,
        .producer_id = 4000,
        .producer_epoch = 3,
        .base_sequence = 17,
    };
}

static void reads_goldens(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error error = {0};
    const struct record *wanted = make_records(&arena);
    const char *makers[] = {"python", "librdkafka"};
    for (size_t maker = 0; maker < 2; maker++) {
        for (int codec = 0; codec <= COMPRESSION_ZSTD; codec++) {
            struct slice batch =
                load_golden(&arena, makers[maker], compression_name((enum compression) codec));
            struct record_batch_header header;
            assert_ok(record_batch_check(batch, &header, &error), error);
            assert_int_equal(header.attributes & RECORD_BATCH_CODEC_MASK, codec);
            assert_int_equal(header.record_count, RECORDS);
            assert_int_equal(header.last_offset_delta, RECORDS - 1);
            assert_int_equal(header.base_timestamp_ms, FIRST_TIMESTAMP);
            assert_int_equal(header.max_timestamp_ms, FIRST_TIMESTAMP + 10000);
            assert_int_equal(header.producer_id, maker == 0 ? 4000 : -1);
            assert_int_equal(header.producer_epoch, maker == 0 ? 3 : -1);
            assert_int_equal(header.base_sequence, maker == 0 ? 17 : -1);
            struct record *records;
            int32_t count;
            assert_ok(record_batch_read(batch, BYTES_MAX, &arena, &records, &count, &error), error);
            assert_int_equal(count, RECORDS);
            assert_records(records, wanted, 0);
        }
    }
    arena_deinit(&arena);
}

static void writes_the_same_bytes_as_kafka_python(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error error = {0};
    struct buffer buffer = BUFFER_INIT;
    struct record_batch_header header = python_header(COMPRESSION_NONE);
    assert_ok(record_batch_write(&header, make_records(&arena), RECORDS, &buffer, &error), error);
    struct slice golden = load_golden(&arena, "python", "none");
    /* kafka-python leaves the leader epoch at 0; it is a log's to give */
    assert_int_equal(buffer.size, golden.size);
    assert_memory_equal(buffer.data, golden.data, golden.size);
    buffer_deinit(&buffer);
    arena_deinit(&arena);
}

static void reads_what_it_wrote(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error error = {0};
    const struct record *wanted = make_records(&arena);
    for (int codec = 0; codec <= COMPRESSION_ZSTD; codec++) {
        struct buffer buffer = BUFFER_INIT;
        buffer_append_string(&buffer, "before");
        struct record_batch_header header = python_header((enum compression) codec);
        assert_ok(record_batch_write(&header, wanted, RECORDS, &buffer, &error), error);
        uint8_t *batch = buffer.data + 6;
        size_t size = buffer.size - 6;
        record_batch_patch(batch, INT64_C(0x7123456789abcdef), 9);
        struct record *records;
        int32_t count;
        assert_ok(record_batch_check(slice_of(batch, size), &header, &error), error);
        assert_int_equal(header.leader_epoch, 9);
        assert_ok(
            record_batch_read(slice_of(batch, size), BYTES_MAX, &arena, &records, &count, &error),
            error);
        assert_records(records, wanted, INT64_C(0x7123456789abcdef));

        record_batch_patch_time(batch, size, 1234567890123);
        assert_ok(record_batch_check(slice_of(batch, size), &header, &error), error);
        assert_int_equal(header.max_timestamp_ms, 1234567890123);
        assert_ok(
            record_batch_read(slice_of(batch, size), BYTES_MAX, &arena, &records, &count, &error),
            error);
        assert_int_equal(records[3].timestamp_ms, 1234567890123);
        buffer_deinit(&buffer);
    }
    arena_deinit(&arena);
}

static void refuses_what_is_damaged(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error error = {0};
    struct record_batch_header header;
    struct record *records;
    int32_t count;
    struct slice golden = load_golden(&arena, "python", "none");

    assert_fails(record_batch_check(slice_of(golden.data, 60), &header, &error), STATUS_CORRUPT,
                 error, "ends within its header");
    assert_fails(record_batch_check(slice_of(golden.data, golden.size - 1), &header, &error),
                 STATUS_CORRUPT, error, "says 3692 bytes and has 3691");
    for (size_t at = 8; at < golden.size; at++) {
        if (at == 12) {
            at = 16; /* a log may change the leader epoch */
        }
        struct slice copy = arena_copy(&arena, golden);
        uint8_t *data = (uint8_t *) (uintptr_t) copy.data;
        data[at] ^= 0x10;
        assert_int_equal(record_batch_check(copy, &header, &error), STATUS_CORRUPT);
        /* reading does not look at the checksum: it must be safe, whatever it finds */
        (void) !record_batch_read(copy, BYTES_MAX, &arena, &records, &count, &error);
        arena_reset(&arena);
        golden = load_golden(&arena, "python", "none");
    }
    arena_deinit(&arena);
}

static void bounds_what_it_decompresses(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct error error = {0};
    struct record record = {.value = slice_of(arena_zalloc(&arena, BYTES_MAX), BYTES_MAX)};
    for (int codec = COMPRESSION_GZIP; codec <= COMPRESSION_ZSTD; codec++) {
        struct buffer buffer = BUFFER_INIT;
        struct record_batch_header header = python_header((enum compression) codec);
        assert_ok(record_batch_write(&header, &record, 1, &buffer, &error), error);
        struct record *records;
        int32_t count;
        assert_fails(
            record_batch_read(buffer_slice(&buffer), BYTES_MAX, &arena, &records, &count, &error),
            STATUS_LIMIT, error, "grows beyond 1048576 bytes");
        buffer_deinit(&buffer);
    }
    struct buffer buffer = BUFFER_INIT;
    struct record_batch_header header = python_header(COMPRESSION_NONE);
    assert_fails(record_batch_write(&header, &record, 0, &buffer, &error), STATUS_DATA, error,
                 "must hold a record");
    buffer_deinit(&buffer);
    arena_deinit(&arena);
}

static int write_all(const char *directory)
{
    struct arena arena;
    arena_init(&arena, 0);
    for (int codec = 0; codec <= COMPRESSION_ZSTD; codec++) {
        struct buffer buffer = BUFFER_INIT;
        struct record_batch_header header = python_header((enum compression) codec);
        if (record_batch_write(&header, make_records(&arena), RECORDS, &buffer, NULL) !=
            STATUS_OK) {
            return 1;
        }
        FILE *file = fopen(arena_printf(&arena, "%s/leat-%s.bin", directory,
                                        compression_name((enum compression) codec)),
                           "wb");
        if (file == NULL || fwrite(buffer.data, 1, buffer.size, file) != buffer.size ||
            fclose(file) != 0) {
            return 1;
        }
        buffer_deinit(&buffer);
    }
    arena_deinit(&arena);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        return write_all(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_goldens),
        cmocka_unit_test(writes_the_same_bytes_as_kafka_python),
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(refuses_what_is_damaged),
        cmocka_unit_test(bounds_what_it_decompresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
