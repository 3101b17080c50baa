#include "columnar/builder.h"

#include "random_column.h"
#include "test.h"

#include <math.h>

/* Encoded keys are equal exactly if the values are; equal values hash and compare equal; what was
 * encoded reads back. */
static void keys_of_random_columns(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct random random = {.state = seed};
        const struct type *type = random_type(&random, &arena, 2);
        const struct column *column = random_column(&random, &arena, type, 40);
        uint64_t hashes[40];
        columns_hash(&column, 1, 40, hashes);
        struct buffer keys[40] = {0};
        for (int64_t i = 0; i < 40; i++) {
            column_encode_key(column, i, &keys[i]);
        }
        struct column_builder builder;
        column_builder_init(&builder, &arena, type, 0);
        for (int64_t i = 0; i < 40; i++) {
            for (int64_t j = 0; j < 40; j++) {
                bool same = strcmp(row_text(column, i, &arena), row_text(column, j, &arena)) == 0;
                assert_int_equal(slice_equal(buffer_slice(&keys[i]), buffer_slice(&keys[j])), same);
                assert_int_equal(column_compare(column, i, column, j) == 0, same);
                assert_int_equal(column_compare(column, i, column, j),
                                 -column_compare(column, j, column, i));
                assert_int_equal(hashes[i] == hashes[j], same);
            }
            struct error error;
            for (size_t cut = 0; cut < keys[i].size; cut++) {
                struct slice part = slice_of(keys[i].data, cut);
                assert_fails(column_decode_key(&part, &builder, &error), STATUS_CORRUPT, error,
                             "stored key");
                assert_int_equal(part.size, cut);
            }
            struct slice bytes = buffer_slice(&keys[i]);
            assert_ok(column_decode_key(&bytes, &builder, &error), error);
            assert_int_equal(bytes.size, 0);
        }
        const struct column *again = column_builder_finish(&builder);
        for (int64_t i = 0; i < 40; i++) {
            assert_string_equal(row_text(again, i, &arena), row_text(column, i, &arena));
            buffer_deinit(&keys[i]);
        }
        arena_deinit(&arena);
    }
}

/* NaN = NaN and above all; -0.0 = 0.0 (Spark SQL reference, "NaN Semantics"); nulls first. */
static void floats(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct column_builder builder;
    column_builder_init(&builder, &arena, type_plain(TYPE_DOUBLE), 0);
    column_append_double(&builder, -0.0);
    column_append_double(&builder, 0.0);
    column_append_double(&builder, (double) NAN);
    column_append_double(&builder, -(double) NAN);
    column_append_double(&builder, HUGE_VAL);
    column_append_null(&builder);
    const struct column *column = column_builder_finish(&builder);
    uint64_t hashes[6];
    columns_hash(&column, 1, 6, hashes);
    assert_true(hashes[0] == hashes[1] && hashes[2] == hashes[3]);
    assert_int_equal(column_compare(column, 0, column, 1), 0);
    assert_int_equal(column_compare(column, 2, column, 3), 0);
    assert_int_equal(column_compare(column, 2, column, 4), 1);
    assert_int_equal(column_compare(column, 4, column, 2), -1);
    assert_int_equal(column_compare(column, 5, column, 0), -1);
    assert_int_equal(column_compare(column, 5, column, 5), 0);
    CLEANUP(buffer_deinit) struct buffer a = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer b = BUFFER_INIT;
    column_encode_key(column, 0, &a);
    column_encode_key(column, 2, &a);
    column_encode_key(column, 1, &b);
    column_encode_key(column, 3, &b);
    assert_true(slice_equal(buffer_slice(&a), buffer_slice(&b)));
    arena_deinit(&arena);
}

static void strings_in_byte_order(void **state)
{
    (void) state;
    static const char *const sorted[] = {"", "A", "AA", "B", "a", "ä", "\xf0\x9f\x98\x80"};
    struct arena arena;
    arena_init(&arena, 0);
    struct column_builder builder;
    column_builder_init(&builder, &arena, type_plain(TYPE_STRING), 0);
    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
        column_append_bytes(&builder, slice_of_string(sorted[i]));
    }
    const struct column *column = column_builder_finish(&builder);
    for (int64_t i = 0; i < column->length; i++) {
        for (int64_t j = 0; j < column->length; j++) {
            assert_int_equal(column_compare(column, i, column, j), (i > j) - (i < j));
        }
    }
    arena_deinit(&arena);
}

static void two_columns_hash_in_order(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct column_builder builder;
    column_builder_init(&builder, &arena, type_plain(TYPE_BIGINT), 0);
    for (int64_t i = 0; i < 1000; i++) {
        column_append_int(&builder, i);
    }
    const struct column *up = column_builder_finish(&builder);
    column_builder_init(&builder, &arena, type_plain(TYPE_BIGINT), 0);
    for (int64_t i = 0; i < 1000; i++) {
        column_append_int(&builder, 999 - i);
    }
    const struct column *down = column_builder_finish(&builder);
    const struct column *pair[] = {up, down};
    uint64_t hashes[1000];
    columns_hash(pair, 2, 1000, hashes);
    for (int64_t i = 0; i < 1000; i++) {
        for (int64_t j = i + 1; j < 1000; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_random_columns),
        cmocka_unit_test(floats),
        cmocka_unit_test(strings_in_byte_order),
        cmocka_unit_test(two_columns_hash_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
