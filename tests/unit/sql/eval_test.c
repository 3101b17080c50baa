#include "sql/eval.h"

#include "expressions.h"

static struct arena arena;

static int setup(void **state)
{
    (void) state;
    arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    arena_deinit(&arena);
    return 0;
}

static struct batch *batch_of(struct column **columns, uint32_t count)
{
    struct type_field *fields = ARENA_ARRAY(&arena, struct type_field, count);
    const struct column **all = ARENA_ARRAY(&arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = (struct type_field){arena_printf(&arena, "c%u", i), columns[i]->type, true};
        all[i] = columns[i];
    }
    struct batch *batch = ARENA_NEW(&arena, struct batch);
    batch->type = type_struct(&arena, fields, count);
    batch->length = count == 0 ? 0 : columns[0]->length;
    batch->columns = all;
    return batch;
}

#define ARGUMENTS(...)                                                                             \
    (const struct expression *const[])                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void test_division_fails_its_row_only(void **state)
{
    (void) state;
    const int64_t a[] = {10, 7, INT_NULL, 1};
    const int64_t b[] = {2, 0, 0, 4};
    struct column *columns[] = {integers(&arena, TYPE_INT, a, 4), integers(&arena, TYPE_INT, b, 4)};
    struct batch *batch = batch_of(columns, 2);
    struct eval eval;
    eval_init(&eval, &arena, batch, 0);
    const struct expression *x = column_expression(&arena, type_plain(TYPE_INT), 0);
    const struct expression *y = column_expression(&arena, type_plain(TYPE_INT), 1);
    const struct expression *call = call_expression(&arena, "/", ARGUMENTS(x, y), 2);
    const struct column *result = eval_expression(&eval, call);
    assert_int_equal(result->type->id, TYPE_DOUBLE);
    assert_true(column_double(result, 0) == 5.0);
    assert_true(column_double(result, 3) == 0.25);
    assert_true(column_is_null(result, 1) && column_is_null(result, 2));
    assert_int_equal(eval.error_count, 1);
    assert_int_equal(eval.errors[0].row, 1);
    assert_string_equal(eval.errors[0].message, "division by zero");
}

/* CASE WHEN b <> 0 THEN a div b ELSE -1 END: the division does not see zeros. */
static void test_case_hides_errors(void **state)
{
    (void) state;
    const int64_t a[] = {10, 7, 9};
    const int64_t b[] = {2, 0, 3};
    struct column *columns[] = {integers(&arena, TYPE_BIGINT, a, 3),
                                integers(&arena, TYPE_BIGINT, b, 3)};
    struct eval eval;
    eval_init(&eval, &arena, batch_of(columns, 2), 0);
    const struct type *bigint = type_plain(TYPE_BIGINT);
    const struct expression *x = column_expression(&arena, bigint, 0);
    const struct expression *y = column_expression(&arena, bigint, 1);
    const int64_t minus_one = -1;
    const struct expression *otherwise =
        literal_of(&arena, integers(&arena, TYPE_BIGINT, &minus_one, 1));
    const struct expression *test =
        call_expression(&arena, "<>", ARGUMENTS(y, int_literal(&arena, 0)), 2);
    const struct expression *quotient = call_expression(&arena, "div", ARGUMENTS(x, y), 2);
    struct expression *choice = (struct expression *) (uintptr_t) kind_expression(
        &arena, EXPR_CASE, bigint, ARGUMENTS(test, quotient, otherwise), 3);
    choice->has_else = true;
    const struct column *result = eval_expression(&eval, choice);
    assert_int_equal(eval.error_count, 0);
    assert_int_equal(column_int(result, 0), 5);
    assert_int_equal(column_int(result, 1), -1);
    assert_int_equal(column_int(result, 2), 3);

    /* b <> 0 AND a div b > 3 */
    const struct expression *large =
        call_expression(&arena, ">", ARGUMENTS(quotient, int_literal(&arena, 3)), 2);
    const struct expression *both =
        kind_expression(&arena, EXPR_AND, type_plain(TYPE_BOOLEAN), ARGUMENTS(test, large), 2);
    result = eval_expression(&eval, both);
    assert_int_equal(eval.error_count, 0);
    assert_true(column_bool(result, 0));
    assert_false(column_bool(result, 1));
    assert_false(column_bool(result, 2));
}

static void test_three_valued_logic(void **state)
{
    (void) state;
    /* true, false, null against each other */
    const struct type *boolean = type_plain(TYPE_BOOLEAN);
    struct column_builder left;
    struct column_builder right;
    column_builder_init(&left, &arena, boolean, 9);
    column_builder_init(&right, &arena, boolean, 9);
    for (int i = 0; i < 9; i++) {
        struct column_builder *builders[] = {&left, &right};
        int kinds[] = {i / 3, i % 3};
        for (int side = 0; side < 2; side++) {
            if (kinds[side] == 2) {
                column_append_null(builders[side]);
            } else {
                column_append_bool(builders[side], kinds[side] == 0);
            }
        }
    }
    struct column *columns[] = {column_builder_finish(&left), column_builder_finish(&right)};
    struct eval eval;
    eval_init(&eval, &arena, batch_of(columns, 2), 0);
    const struct expression *x = column_expression(&arena, boolean, 0);
    const struct expression *y = column_expression(&arena, boolean, 1);
    const struct column *and =
        eval_expression(&eval, kind_expression(&arena, EXPR_AND, boolean, ARGUMENTS(x, y), 2));
    const struct column * or
        = eval_expression(&eval, kind_expression(&arena, EXPR_OR, boolean, ARGUMENTS(x, y), 2));
    /* SQL:2016, truth tables; t, f, ? */
    const char *and_wanted = "tf?fff?f?";
    const char *or_wanted = "ttttf?t??";
    for (int i = 0; i < 9; i++) {
        assert_int_equal(column_is_null(and, i) ? '?'
                         : column_bool(and, i)  ? 't'
                                                : 'f',
                         and_wanted[i]);
        assert_int_equal(column_is_null(or, i) ? '?'
                         : column_bool(or, i)  ? 't'
                                               : 'f',
                         or_wanted[i]);
    }
}

static void test_concat_with_constants(void **state)
{
    (void) state;
    const char *const names[] = {"a", NULL, "\xc3\xbc", ""};
    struct column *columns[] = {strings(&arena, names, 4)};
    struct eval eval;
    eval_init(&eval, &arena, batch_of(columns, 1), 0);
    const struct expression *x = column_expression(&arena, type_plain(TYPE_STRING), 0);
    const struct expression *call = call_expression(
        &arena, "concat", ARGUMENTS(text_literal(&arena, "<"), x, int_literal(&arena, 7)), 3);
    const struct column *result = eval_expression(&eval, call);
    assert_true(slice_equal_string(column_bytes(result, 0), "<a7"));
    assert_true(column_is_null(result, 1));
    assert_true(slice_equal_string(column_bytes(result, 2), "<\xc3\xbc"
                                                            "7"));
    assert_true(slice_equal_string(column_bytes(result, 3), "<7"));
    assert_int_equal(result->null_count, 1);
}

static void test_failing_constant_fails_every_row(void **state)
{
    (void) state;
    const int64_t a[] = {1, 2, 3};
    struct column *columns[] = {integers(&arena, TYPE_INT, a, 3)};
    struct eval eval;
    eval_init(&eval, &arena, batch_of(columns, 1), 0);
    const struct expression *cast =
        cast_expression(&arena, text_literal(&arena, "abc"), type_plain(TYPE_INT), false);
    const struct column *result = eval_expression(&eval, cast);
    assert_int_equal(result->length, 3);
    assert_int_equal(result->null_count, 3);
    assert_int_equal(eval.error_count, 3);
    assert_string_equal(eval.errors[0].message, "cannot cast 'abc' to int");
}

static void test_empty_batch(void **state)
{
    (void) state;
    struct column *columns[] = {integers(&arena, TYPE_INT, NULL, 0), strings(&arena, NULL, 0)};
    struct eval eval;
    eval_init(&eval, &arena, batch_of(columns, 2), 0);
    const struct expression *x = column_expression(&arena, type_plain(TYPE_INT), 0);
    const struct expression *s = column_expression(&arena, type_plain(TYPE_STRING), 1);
    const char *const names[] = {"+", "=", "div", "%"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct expression *call =
            call_expression(&arena, names[i], ARGUMENTS(x, int_literal(&arena, 2)), 2);
        assert_int_equal(eval_expression(&eval, call)->length, 0);
    }
    const struct expression *call =
        call_expression(&arena, "concat", ARGUMENTS(s, text_literal(&arena, "x")), 2);
    assert_int_equal(eval_expression(&eval, call)->length, 0);
    assert_int_equal(eval_expression(&eval, int_literal(&arena, 1))->length, 0);
}

static void test_in(void **state)
{
    (void) state;
    const char *const values[] = {"a", "b", NULL, "d"};
    struct column *columns[] = {strings(&arena, values, 4)};
    struct eval eval;
    eval_init(&eval, &arena, batch_of(columns, 1), 0);
    const struct expression *x = column_expression(&arena, type_plain(TYPE_STRING), 0);
    const struct type *boolean = type_plain(TYPE_BOOLEAN);
    const struct column *result = eval_expression(
        &eval,
        kind_expression(&arena, EXPR_IN, boolean,
                        ARGUMENTS(x, text_literal(&arena, "a"), text_literal(&arena, "d")), 3));
    assert_true(column_bool(result, 0));
    assert_false(column_bool(result, 1));
    assert_true(column_is_null(result, 2));
    assert_true(column_bool(result, 3));
    result = eval_expression(
        &eval,
        kind_expression(&arena, EXPR_IN, boolean,
                        ARGUMENTS(x, text_literal(&arena, "a"), text_literal(&arena, NULL)), 3));
    assert_true(column_bool(result, 0));
    assert_true(column_is_null(result, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_division_fails_its_row_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_case_hides_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_three_valued_logic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_concat_with_constants, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_constant_fails_every_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
