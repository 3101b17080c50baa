#include "columnar/builder.h"

#include "random_column.h"
#include "test.h"

static void layout_is_arrow(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    struct column_builder builder;
    column_builder_init(&builder, &arena, type_plain(TYPE_STRING), 0);
    column_append_bytes(&builder, SLICE("joe"));
    column_append_null(&builder);
    column_append_bytes(&builder, SLICE_EMPTY);
    column_append_bytes(&builder, SLICE("mark"));
    struct column *column = column_builder_finish(&builder);
    /* The example of the Arrow specification, "Variable-size Binary Layout", with "" put in. */
    static const int32_t offsets[] = {0, 3, 3, 3, 7};
    assert_int_equal(column->length, 4);
    assert_int_equal(column->null_count, 1);
    assert_memory_equal(column->offsets, offsets, sizeof(offsets));
    assert_memory_equal(column->values, "joemark", 7);
    assert_int_equal(column->validity[0], 0x0d);

    column_builder_init(&builder, &arena, type_plain(TYPE_BOOLEAN), 0);
    for (int i = 0; i < 11; i++) {
        column_append_bool(&builder, i % 3 == 0);
    }
    column = column_builder_finish(&builder);
    assert_null(column->validity);
    assert_int_equal(((const uint8_t *) column->values)[0], 0x49);
    assert_int_equal(((const uint8_t *) column->values)[1], 0x02);
    arena_deinit(&arena);
}

static void nested(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    const struct type *type;
    struct error error;
    assert_ok(type_parse(SLICE("array<struct<x:int,y:string>>"), &arena, &type, &error), error);
    struct column_builder builder;
    column_builder_init(&builder, &arena, type, 0);
    column_append_list_end(&builder);
    column_append_int(&builder.children[0].children[0], 1);
    column_append_bytes(&builder.children[0].children[1], SLICE("one"));
    column_append_struct_end(&builder.children[0]);
    column_append_null(&builder.children[0]);
    column_append_list_end(&builder);
    column_append_null(&builder);
    struct column *column = column_builder_finish(&builder);
    assert_string_equal(row_text(column, 0, &arena), "[]");
    assert_string_equal(row_text(column, 1, &arena), "[{\"x\":1,\"y\":\"one\"},null]");
    assert_string_equal(row_text(column, 2, &arena), "null");
    assert_int_equal(column->children[0]->length, 2);
    assert_int_equal(column->children[0]->null_count, 1);
    arena_deinit(&arena);
}

static void extremes(void **state)
{
    (void) state;

    static const struct {
        enum type_id id;
        int64_t min, max;
    } cases[] = {
        {TYPE_TINYINT, INT8_MIN, INT8_MAX}, {TYPE_SMALLINT, INT16_MIN, INT16_MAX},
        {TYPE_INT, INT32_MIN, INT32_MAX},   {TYPE_BIGINT, INT64_MIN, INT64_MAX},
        {TYPE_DATE, INT32_MIN, INT32_MAX},  {TYPE_TIMESTAMP, INT64_MIN, INT64_MAX},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct column_builder builder;
        column_builder_init(&builder, &arena, type_plain(cases[i].id), 1);
        for (int round = 0; round < 100; round++) {
            column_append_int(&builder, cases[i].min);
            column_append_int(&builder, cases[i].max);
        }
        struct column *column = column_builder_finish(&builder);
        assert_int_equal(column_int(column, 198), cases[i].min);
        assert_int_equal(column_int(column, 199), cases[i].max);
    }
    arena_deinit(&arena);
}

/* Appends rows, cuts half of them and a half-made row away, appends again: the same as without. */
static void truncate_undoes(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct random random = {.state = seed};
        const struct type *type = random_type(&random, &arena, 3);
        const struct column *source = random_column(&random, &arena, type, 60);
        struct column_builder builder;
        column_builder_init(&builder, &arena, type, 0);
        for (int64_t i = 0; i < 60; i++) {
            column_append_value(&builder, source, (i * 7) % 60);
        }
        for (uint32_t i = 0; i < type->field_count; i++) {
            random_append(&random, &builder.children[i]);
        }
        column_builder_truncate(&builder, 23);
        for (int64_t i = 23; i < 60; i++) {
            column_append_value(&builder, source, (i * 7) % 60);
        }
        const struct column *result = column_builder_finish(&builder);
        int64_t nulls = 0;
        for (int64_t i = 0; i < 60; i++) {
            assert_string_equal(row_text(result, i, &arena),
                                row_text(source, (i * 7) % 60, &arena));
            nulls += column_is_null(result, i);
        }
        assert_int_equal(nulls, result->null_count);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_arrow),
        cmocka_unit_test(nested),
        cmocka_unit_test(extremes),
        cmocka_unit_test(truncate_undoes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
