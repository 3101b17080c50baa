/* Any bytes as a record batch: reading is safe, and what was read can be written and read again. */

#include "wire/record_batch.h"

#include "base/assert.h"

#include "fuzz.h"

#define PLAIN_BYTES_MAX ((size_t) 1 << 20)

static void assert_same(const struct record *a, const struct record *b)
{
    ASSERT(a->timestamp_ms == b->timestamp_ms && a->header_count == b->header_count);
    ASSERT(slice_equal(a->key, b->key) && (a->key.data == NULL) == (b->key.data == NULL));
    ASSERT(slice_equal(a->value, b->value) && (a->value.data == NULL) == (b->value.data == NULL));
    for (int32_t i = 0; i < a->header_count; i++) {
        ASSERT(slice_equal(a->headers[i].key, b->headers[i].key));
        ASSERT(slice_equal(a->headers[i].value, b->headers[i].value));
    }
}

static void write_again(struct record_batch_header header,
                        const struct record *records,
                        int32_t count,
                        struct arena *arena)
{
    struct buffer buffer = BUFFER_INIT;
    struct record *again = NULL;
    int32_t again_count = 0;
    header.attributes &= RECORD_BATCH_LOG_APPEND_TIME; /* no codec */
    enum status status = record_batch_write(&header, records, count, &buffer, NULL);
    ASSERT(status == STATUS_OK);
    status = record_batch_check(buffer_slice(&buffer), &header, NULL);
    ASSERT(status == STATUS_OK);
    status = record_batch_read(buffer_slice(&buffer), PLAIN_BYTES_MAX, arena, &again, &again_count,
                               NULL);
    ASSERT(status == STATUS_OK && again_count == count);
    for (int32_t i = 0; i < count; i++) {
        assert_same(&records[i], &again[i]);
    }
    buffer_deinit(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice batch = slice_of(data, size);
    struct record_batch_header header;
    struct arena arena;
    struct record *records = NULL;
    int32_t count = 0;
    struct error error;
    arena_init(&arena, 0);
    (void) !record_batch_check(batch, &header, &error);
    if (record_batch_header_read(batch, &header, &error) == STATUS_OK &&
        record_batch_read(batch, PLAIN_BYTES_MAX, &arena, &records, &count, &error) == STATUS_OK &&
        count > 0) {
        write_again(header, records, count, &arena);
    }
    arena_deinit(&arena);
    return 0;
}
