/* What stream/ stores as bytes: written and read back, cut at every place, and with every byte
 * changed: either it can be read or it is STATUS_CORRUPT. */

#include "base/memory.h"
#include "columnar/builder.h"
#include "stream/batch_bytes.h"
#include "stream/outbox.h"
#include "stream/progress.h"
#include "test.h"

static struct error error;

static void fill_progress(struct progress *progress)
{
    progress_init(progress);
    progress->number = 42;
    progress->version_last = 1763837823123456;
    progress->counts = (struct fate_counts){1, 2, 3, 4, 5};
    progress_grow(progress, 3);
    progress->offsets[0] = 17;
    progress->offsets[2] = INT64_MAX;
    progress->counted[1] = 9;
    struct identity identity = {SLICE("users.people"), 2, 4711, 1, 99};
    assert_true(progress_observe(progress, 1, &identity));
    assert_false(progress_observe(progress, 1, &identity));
    progress_stream_of(progress, "a")->plan_hash = UINT64_MAX;
    progress_stream_of(progress, "a")->watermark_us = 5;
    (void) progress_stream_of(progress, "\xc3\xa4");
}

static void test_progress(void **state)
{
    (void) state;
    struct progress progress;
    struct progress read;
    struct buffer first CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer second CLEANUP(buffer_deinit) = BUFFER_INIT;
    fill_progress(&progress);
    progress_write(&progress, &first);
    assert_ok(progress_read(buffer_slice(&first), &read, &error), error);
    progress_write(&read, &second);
    assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    assert_int_equal(read.offsets[1], PROGRESS_START);
    assert_int_equal(read.counts.foreign, 5);
    assert_int_equal(progress_stream_of(&read, "a")->watermark_us, 5);
    assert_int_equal(progress_stream_of(&read, "\xc3\xa4")->watermark_us, INT64_MIN);
    struct identity older = {SLICE("users.people"), 2, 4710, 7, 99};
    struct identity newer = {SLICE("users.people"), 2, 4711, 2, 99};
    assert_false(progress_observe(&read, 1, &older));
    assert_true(progress_observe(&read, 2, &older));
    assert_true(progress_observe(&read, 1, &newer));
    progress_deinit(&read);
    progress_deinit(&progress);
}

static void test_progress_that_is_damaged(void **state)
{
    (void) state;
    struct progress progress;
    struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
    fill_progress(&progress);
    progress_write(&progress, &bytes);
    progress_deinit(&progress);
    struct progress read;
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *exact = mem_alloc(size + 1); /* so that reading over the end is seen */
        memcpy(exact, bytes.data, size);
        assert_fails(progress_read(slice_of(exact, size), &read, &error), STATUS_CORRUPT, error,
                     "cannot be read");
        mem_free(exact);
    }
    for (size_t i = 0; i < bytes.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] ^= (uint8_t) (1 << bit);
            if (progress_read(buffer_slice(&bytes), &read, &error) == STATUS_OK) {
                progress_deinit(&read);
            } else {
                assert_int_equal(error.status, STATUS_CORRUPT);
            }
            bytes.data[i] ^= (uint8_t) (1 << bit);
        }
    }
}

static const char wide[] =
    "STRUCT<b: BOOLEAN, i: INT, l: BIGINT, d: DOUBLE, s: STRING, y: BINARY, t: TIMESTAMP,"
    " a: ARRAY<STRING>, m: MAP<STRING, BIGINT>, r: STRUCT<x: INT, y: STRING>, e: DECIMAL(20, 3)>";

/* Rows of every kind, each third one with nulls. */
static struct batch *make_batch(struct arena *arena, const struct type *type, int64_t length)
{
    struct column_builder builders[16];
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t c = 0; c < type->field_count; c++) {
        struct column_builder *builder = &builders[c];
        column_builder_init(builder, arena, type->fields[c].type, 4);
        for (int64_t row = 0; row < length; row++) {
            if (row % 3 == 2) {
                column_append_null(builder);
                continue;
            }
            switch (type->fields[c].type->id) {
            case TYPE_BOOLEAN:
                column_append_bool(builder, row % 2 == 0);
                break;
            case TYPE_DOUBLE:
                column_append_double(builder, 0.5 * (double) row);
                break;
            case TYPE_DECIMAL:
                column_append_decimal(builder, -(int128) row);
                break;
            case TYPE_STRING:
            case TYPE_BINARY:
                column_append_bytes(builder, SLICE("text\0more"));
                break;
            case TYPE_ARRAY:
                column_append_bytes(&builder->children[0], SLICE("x"));
                column_append_null(&builder->children[0]);
                column_append_list_end(builder);
                break;
            case TYPE_MAP:
                column_append_bytes(&builder->children[0], SLICE("k"));
                column_append_int(&builder->children[1], row);
                column_append_list_end(builder);
                break;
            case TYPE_STRUCT:
                column_append_int(&builder->children[0], row);
                column_append_null(&builder->children[1]);
                column_append_struct_end(builder);
                break;
            default:
                column_append_int(builder, row - 1);
            }
        }
        columns[c] = column_builder_finish(builder);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){length, type, columns};
    return batch;
}

static void test_batches(void **state)
{
    (void) state;
    static const int64_t lengths[] = {0, 1, 2, 3, 9, 100};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const struct type *type;
    assert_ok(type_parse(slice_of_string(wide), &arena, &type, &error), error);
    for (size_t i = 0; i < 6; i++) {
        struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct batch *batch = make_batch(&arena, type, lengths[i]);
        batch_write_bytes(batch, &bytes);
        buffer_append_string(&bytes, "rest");
        struct slice slice = buffer_slice(&bytes);
        struct batch *read;
        assert_ok(batch_read_bytes(&slice, type, &arena, &read, &error), error);
        assert_true(slice_equal_string(slice, "rest"));
        assert_int_equal(read->length, batch->length);
        for (int64_t row = 0; row < batch->length; row++) {
            struct buffer wanted CLEANUP(buffer_deinit) = BUFFER_INIT;
            struct buffer found CLEANUP(buffer_deinit) = BUFFER_INIT;
            batch_write_json(batch, row, &wanted);
            batch_write_json(read, row, &found);
            assert_string_equal(buffer_string(&found), buffer_string(&wanted));
        }
    }
}

static void test_batches_that_are_damaged(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const struct type *type;
    struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
    assert_ok(type_parse(slice_of_string(wide), &arena, &type, &error), error);
    batch_write_bytes(make_batch(&arena, type, 4), &bytes);
    struct batch *read;
    for (size_t size = 0; size < bytes.size; size++) {
        struct slice slice = slice_of(bytes.data, size);
        assert_fails(batch_read_bytes(&slice, type, &arena, &read, &error), STATUS_CORRUPT, error,
                     "do not fit");
    }
    for (size_t i = 0; i < bytes.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct arena scratch CLEANUP(arena_deinit);
            arena_init(&scratch, 0);
            bytes.data[i] ^= (uint8_t) (1 << bit);
            struct slice slice = buffer_slice(&bytes);
            if (batch_read_bytes(&slice, type, &scratch, &read, &error) == STATUS_OK) {
                /* Whatever it holds now can be looked at. */
                struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
                for (int64_t row = 0; row < read->length; row++) {
                    batch_write_json(read, row, &text);
                }
            } else {
                assert_int_equal(error.status, STATUS_CORRUPT);
            }
            bytes.data[i] ^= (uint8_t) (1 << bit);
        }
    }
}

/* An entry for one sink; `task` holds just what the outbox looks at. */
static void test_outbox(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const struct type *type;
    assert_ok(type_parse(SLICE("STRUCT<id: BIGINT, name: STRING>"), &arena, &type, &error), error);
    const struct store_column columns[] = {{"id", type->fields[0].type, STORE_PLAIN},
                                           {"name", type->fields[1].type, STORE_PLAIN}};
    const struct store_table table = {.name = "rows", .columns = columns, .column_count = 2};
    const struct processor_sink spec = {.name = "to_rows", .table = &table};
    struct task_store store = {.delivered = 6};
    struct task_sink sink = {.spec = &spec, .store = &store};
    struct task_stream stream = {.sinks = &sink, .sink_count = 1};
    struct processor task = {.streams = &stream, .stream_count = 1};
    static const uint8_t ops[] = {STORE_UPSERT, STORE_DELETE, STORE_UPSERT};
    static const int64_t versions[] = {7, INT64_MAX, 9};
    struct task_output output = {0};
    output_add_write(&arena, &output,
                     (struct task_write){
                         .sink = &sink,
                         .rows = {&table, make_batch(&arena, type, 3), ops, versions},
                     });
    struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
    outbox_write(&output, &bytes);

    struct task_output read;
    assert_ok(outbox_read(&task, 7, buffer_slice(&bytes), &arena, &read, &error), error);
    assert_int_equal(read.write_count, 1);
    assert_ptr_equal(read.writes[0].sink, &sink);
    assert_memory_equal(read.writes[0].rows.ops, ops, sizeof(ops));
    assert_memory_equal(read.writes[0].rows.versions, versions, sizeof(versions));
    assert_int_equal(read.writes[0].rows.batch->length, 3);
    /* What the store has is passed over. */
    assert_ok(outbox_read(&task, 6, buffer_slice(&bytes), &arena, &read, &error), error);
    assert_int_equal(read.write_count, 0);

    for (size_t size = 1; size < bytes.size; size++) {
        assert_int_equal(outbox_read(&task, 7, slice_of(bytes.data, size), &arena, &read, &error),
                         STATUS_CORRUPT);
    }
    for (size_t i = 0; i < bytes.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] ^= (uint8_t) (1 << bit);
            enum status status = outbox_read(&task, 7, buffer_slice(&bytes), &arena, &read, &error);
            assert_true(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_CONFIG);
            bytes.data[i] ^= (uint8_t) (1 << bit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress), cmocka_unit_test(test_progress_that_is_damaged),
        cmocka_unit_test(test_batches),  cmocka_unit_test(test_batches_that_are_damaged),
        cmocka_unit_test(test_outbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
