#include "columnar/column.h"

#include "random_column.h"
#include "test.h"

#define ROWS 100

static void check_exact(const struct column *column)
{
    int64_t nulls = 0;
    for (int64_t i = 0; i < column->length; i++) {
        nulls += column_is_null(column, i);
    }
    assert_int_equal(nulls, column->null_count);
    assert_true(column->null_count > 0 || column->validity == NULL);
}

static void take_filter_concat_repeat(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct random random = {.state = seed};
        const struct type *type = random_type(&random, &arena, 3);
        const struct column *column = random_column(&random, &arena, type, ROWS);

        int32_t indices[150];
        for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
            indices[i] = (int32_t) random_below(&random, ROWS + 10) - 10;
            indices[i] = indices[i] < 0 ? -1 : indices[i];
        }
        const struct column *taken = column_take(&arena, column, indices, ARRAY_SIZE(indices));
        check_exact(taken);
        for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
            assert_string_equal(row_text(taken, (int64_t) i, &arena),
                                indices[i] < 0 ? "null" : row_text(column, indices[i], &arena));
        }

        uint8_t selection[ROWS / 8 + 1];
        int64_t selected = 0;
        for (size_t i = 0; i < sizeof(selection); i++) {
            selection[i] = (uint8_t) random_below(&random, 256); /* bits behind the end too */
        }
        for (int64_t i = 0; i < ROWS; i++) {
            selected += bit_get(selection, i);
        }
        const struct column *kept = column_filter(&arena, column, selection, selected);
        check_exact(kept);
        for (int64_t i = 0, at = 0; i < ROWS; i++) {
            if (bit_get(selection, i)) {
                assert_string_equal(row_text(kept, at++, &arena), row_text(column, i, &arena));
            }
        }

        const struct column *parts[] = {column, column_nulls(&arena, type, 3), kept,
                                        column_nulls(&arena, type, 0), taken};
        const struct column *all = column_concat(&arena, parts, ARRAY_SIZE(parts));
        check_exact(all);
        for (size_t i = 0, row = 0; i < ARRAY_SIZE(parts); i++) {
            for (int64_t j = 0; j < parts[i]->length; j++, row++) {
                assert_string_equal(row_text(all, (int64_t) row, &arena),
                                    row_text(parts[i], j, &arena));
            }
        }

        const struct column *same = column_repeat(&arena, column, 5, 9);
        for (int64_t i = 0; i < 9; i++) {
            assert_string_equal(row_text(same, i, &arena), row_text(column, 5, &arena));
        }
        arena_deinit(&arena);
    }
}

static void batches(void **state)
{
    (void) state;
    struct arena arena;
    struct arena other;
    arena_init(&arena, 0);
    arena_init(&other, 0);
    struct random random = {.state = 77};
    struct type_field fields[4];
    const struct column *columns[4];
    const char *const names[] = {"a", "B", "c", "d"};
    for (int i = 0; i < 4; i++) {
        fields[i] = (struct type_field){.name = names[i], .type = random_type(&random, &arena, 3)};
        columns[i] = random_column(&random, &arena, fields[i].type, 50);
    }
    struct batch batch = {.length = 50, .type = type_struct(&arena, fields, 4), .columns = columns};
    assert_ptr_equal(batch_column(&batch, "b"), columns[1]);
    assert_null(batch_column(&batch, "e"));

    const uint8_t selection[7] = {0x10, 0, 0xff, 0, 0, 0, 0xfe};
    struct batch *kept = batch_copy(&other, batch_filter(&arena, &batch, selection, 10));
    CLEANUP(buffer_deinit) struct buffer before = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer after = BUFFER_INIT;
    for (int64_t i = 0; i < 50; i++) {
        if (bit_get(selection, i)) {
            batch_write_json(&batch, i, &before);
        }
    }
    arena_deinit(&arena); /* the copy must not need it */
    for (int64_t i = 0; i < kept->length; i++) {
        batch_write_json(kept, i, &after);
    }
    assert_int_equal(kept->length, 10);
    assert_string_equal(buffer_string(&before), buffer_string(&after));
    arena_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_filter_concat_repeat),
        cmocka_unit_test(batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
