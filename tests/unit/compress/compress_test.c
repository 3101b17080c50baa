#include "compress/compress.h"

#include "base/arena.h"

#include "test.h"

#include <stdio.h>

#define BYTES_MAX ((size_t) 4 << 20)

static struct buffer make_plain(size_t size)
{
    struct buffer plain = BUFFER_INIT;
    uint8_t *data = buffer_reserve(&plain, size + 1);
    uint32_t seed = 3;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t) (i % 100 < 50 ? 'a' : seed >> 24);
    }
    plain.size = size;
    return plain;
}

static void round_trip(enum compression codec, size_t size)
{
    struct error error = {0};
    struct buffer plain = make_plain(size);
    struct buffer packed = BUFFER_INIT;
    struct buffer again = BUFFER_INIT;
    assert_ok(compress_append(codec, buffer_slice(&plain), &packed, &error), error);
    buffer_append_string(&again, "kept");
    assert_ok(decompress_append(codec, buffer_slice(&packed), size, &again, &error), error);
    assert_int_equal(again.size, size + 4);
    assert_memory_equal(again.data, "kept", 4);
    if (size > 0) {
        assert_memory_equal(again.data + 4, plain.data, size);
        assert_fails(decompress_append(codec, buffer_slice(&packed), size - 1, &again, &error),
                     STATUS_LIMIT, error, "grows beyond");
        assert_int_equal(again.size, size + 4);
    }
    buffer_deinit(&plain);
    buffer_deinit(&packed);
    buffer_deinit(&again);
}

static void every_codec_round_trips(void **state)
{
    (void) state;
    const size_t sizes[] = {0, 1, 100, 32767, 32768, 32769, 65536, 1000003};
    for (int codec = COMPRESSION_NONE; codec <= COMPRESSION_ZSTD; codec++) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            round_trip((enum compression) codec, sizes[i]);
        }
    }
}

/* Cut anywhere or with a byte changed: an error or other bytes, never a crash. */
static void damage_is_noticed(void **state)
{
    (void) state;
    struct error error = {0};
    for (int number = COMPRESSION_GZIP; number <= COMPRESSION_ZSTD; number++) {
        enum compression codec = (enum compression) number;
        struct buffer plain = make_plain(3000);
        struct buffer packed = BUFFER_INIT;
        struct buffer again = BUFFER_INIT;
        assert_ok(compress_append(codec, buffer_slice(&plain), &packed, &error), error);
        for (size_t size = 0; size < packed.size; size++) {
            if (codec == COMPRESSION_SNAPPY && size == 16) {
                continue; /* the header alone is a stream of no blocks */
            }
            assert_int_equal(
                decompress_append(codec, slice_of(packed.data, size), BYTES_MAX, &again, &error),
                STATUS_DATA);
            assert_non_null(strstr(error.message, compression_name(codec)));
            assert_int_equal(again.size, 0);
        }
        for (size_t at = 0; at < packed.size; at++) {
            packed.data[at] ^= 0x55;
            (void) !decompress_append(codec, buffer_slice(&packed), BYTES_MAX, &again, &error);
            buffer_clear(&again);
            packed.data[at] ^= 0x55;
        }
        buffer_deinit(&plain);
        buffer_deinit(&packed);
        buffer_deinit(&again);
    }
}

static void frames_after_each_other_are_one_stream(void **state)
{
    (void) state;
    struct error error = {0};
    for (int number = COMPRESSION_GZIP; number <= COMPRESSION_ZSTD; number++) {
        enum compression codec = (enum compression) number;
        struct buffer packed = BUFFER_INIT;
        struct buffer again = BUFFER_INIT;
        assert_ok(compress_append(codec, SLICE("one "), &packed, &error), error);
        assert_ok(compress_append(codec, SLICE("two"), &packed, &error), error);
        assert_ok(decompress_append(codec, buffer_slice(&packed), 7, &again, &error), error);
        assert_string_equal(buffer_string(&again), "one two");
        buffer_append_string(&packed, "rubbish");
        assert_int_equal(decompress_append(codec, buffer_slice(&packed), BYTES_MAX, &again, &error),
                         STATUS_DATA);
        buffer_deinit(&packed);
        buffer_deinit(&again);
    }
}

/* A raw block, as librdkafka writes; a block that claims 1 GiB is refused without taking it. */
static void reads_raw_snappy(void **state)
{
    (void) state;
    struct error error = {0};
    struct buffer again = BUFFER_INIT;
    /* format description 1.1: length 5, then a literal of 5 bytes (tag (5-1)<<2) */
    assert_ok(decompress_append(COMPRESSION_SNAPPY, SLICE("\x05\x10hello"), 5, &again, &error),
              error);
    assert_string_equal(buffer_string(&again), "hello");
    assert_fails(decompress_append(COMPRESSION_SNAPPY, SLICE("\x80\x80\x80\x80\x04\x10hello"),
                                   SIZE_MAX / 4, &again, &error),
                 STATUS_DATA, error, "damaged length");
    buffer_deinit(&again);
}

/* What the programs gzip, lz4 and zstd make of "hello\n", streamed (sizes unknown). */
static void reads_what_the_programs_write(void **state)
{
    (void) state;
    struct error error = {0};

    const struct {
        enum compression codec;
        struct slice bytes;
    } files[] = {
        {COMPRESSION_GZIP, SLICE("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20"
                                 "\x30\x3a\x36\x06\0\0\0")},
        {COMPRESSION_LZ4, SLICE("\x04\"M\x18\x64\x40\xa7\x06\0\0\x80hello\n\0\0\0\0\xf9\x5b\x6b"
                                "\x94")},
        {COMPRESSION_ZSTD, SLICE("\x28\xb5\x2f\xfd\x04\x58\x31\0\0hello\n\x53\x88\xbd\x91")},
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct buffer again = BUFFER_INIT;
        assert_ok(decompress_append(files[i].codec, files[i].bytes, 100, &again, &error), error);
        assert_string_equal(buffer_string(&again), "hello\n");
        buffer_deinit(&again);
    }
}

static void unknown_codecs_are_refused(void **state)
{
    (void) state;
    struct error error = {0};
    struct buffer target = BUFFER_INIT;
    assert_null(compression_name((enum compression) 5));
    assert_string_equal(compression_name(COMPRESSION_ZSTD), "zstd");
    assert_fails(decompress_append((enum compression) 7, SLICE("x"), 10, &target, &error),
                 STATUS_DATA, error, "no compression codec 7");
    assert_fails(compress_append((enum compression) 5, SLICE("x"), &target, &error), STATUS_DATA,
                 error, "no compression codec 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_round_trips),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(frames_after_each_other_are_one_stream),
        cmocka_unit_test(reads_raw_snappy),
        cmocka_unit_test(reads_what_the_programs_write),
        cmocka_unit_test(unknown_codecs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
