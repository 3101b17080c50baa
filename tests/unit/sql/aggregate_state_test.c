/* States of aggregates go to a store and come back as they were; damaged ones are refused. */

#include "columnar/builder.h"
#include "expressions.h"
#include "sql/query.h"

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

struct fixture {
    struct plan_aggregate aggregate;
    const struct column *arguments[2];
    struct batch batch;
    struct eval eval;
};

/* An aggregate over the columns (5, 3, null, 9) and ("b", "a", "c", null). */
static void fixture_init(struct fixture *fixture, const char *name, bool text_first, uint32_t count)
{
    static const int64_t numbers[] = {5, 3, INT_NULL, 9};
    static const char *const texts[] = {"b", "a", "c", NULL};
    const struct column *columns[] = {integers(&arena, TYPE_BIGINT, numbers, 4),
                                      strings(&arena, texts, 4)};
    const struct expression **arguments = ARENA_ARRAY(&arena, const struct expression *, 2);
    const struct type *types[2];
    for (uint32_t i = 0; i < 2; i++) {
        fixture->arguments[i] = columns[text_first ? 1 - i : i];
        types[i] = fixture->arguments[i]->type;
        arguments[i] = column_expression(&arena, types[i], i);
    }
    struct error error;
    const struct sql_function *function = sql_function_find(name);
    assert_non_null(function);
    fixture->aggregate = (struct plan_aggregate){
        .function = function, .arguments = arguments, .argument_count = count};
    assert_ok(sql_function_resolve(function, arguments, types, count, &arena,
                                   &fixture->aggregate.type, &error),
              error);
    fixture->batch = (struct batch){.length = 4};
    eval_init(&fixture->eval, &arena, &fixture->batch, 0);
    for (uint32_t i = 0; i < count; i++) {
        if (!type_equal(types[i], fixture->arguments[i]->type)) {
            struct batch row = {.length = 4, .columns = fixture->arguments};
            struct eval eval;
            eval_init(&eval, &arena, &row, 0);
            fixture->arguments[i] =
                eval_expression(&eval, cast_expression(&arena, arguments[i], types[i], false));
        }
    }
}

static void update(struct fixture *fixture, void *state)
{
    static const int32_t groups[] = {0, 0, 0, 0};
    fixture->aggregate.function->aggregate.update(&fixture->eval, &fixture->aggregate,
                                                  fixture->arguments, groups, &state);
}

static const char *result_of(struct fixture *fixture, const void *state)
{
    struct column_builder builder;
    column_builder_init(&builder, &arena, fixture->aggregate.type, 1);
    fixture->aggregate.function->aggregate.result(&fixture->aggregate, state, &builder);
    struct buffer text = BUFFER_INIT;
    column_write_json(column_builder_finish(&builder), 0, &text);
    const char *copy = arena_strdup(&arena, buffer_string(&text));
    buffer_deinit(&text);
    return copy;
}

static void
write_state(const struct sql_function *function, const void *state, struct buffer *target)
{
    if (function->aggregate.write != NULL) {
        function->aggregate.write(state, target);
    } else {
        buffer_append(target, state, function->aggregate.state_bytes);
    }
}

static void free_state(const struct sql_function *function, void *state)
{
    if (function->aggregate.free != NULL) {
        function->aggregate.free(state);
    }
}

/* Update, write, read, update again: the same as updating twice without a store between. */
static void
check(const char *name, bool text_first, uint32_t count, const char *once, const char *twice)
{
    struct fixture fixture;
    struct error error;
    fixture_init(&fixture, name, text_first, count);
    const struct sql_function *function = fixture.aggregate.function;
    void *state = arena_zalloc(&arena, function->aggregate.state_bytes);
    void *restored = arena_zalloc(&arena, function->aggregate.state_bytes);
    update(&fixture, state);
    assert_string_equal(result_of(&fixture, state), once);
    struct buffer bytes = BUFFER_INIT;
    write_state(function, state, &bytes);
    if (function->aggregate.read != NULL) {
        assert_ok(function->aggregate.read(buffer_slice(&bytes), restored, &error), error);
    } else {
        memcpy(restored, bytes.data, bytes.size);
    }
    assert_string_equal(result_of(&fixture, restored), once);
    update(&fixture, restored);
    assert_string_equal(result_of(&fixture, restored), twice);
    free_state(function, restored);
    free_state(function, state);
    buffer_deinit(&bytes);
}

static void test_round_trips(void **state)
{
    (void) state;
    check("count", false, 1, "3", "6");
    check("sum", false, 1, "17", "34");
    check("avg", false, 1, "5.666666666666667", "5.666666666666667");
    check("min", false, 1, "3", "3");
    check("max", true, 1, "\"c\"", "\"c\"");
    check("min", true, 1, "\"a\"", "\"a\"");
    check("first", true, 1, "\"b\"", "\"b\"");
    check("last", true, 1, "null", "null");
    check("max_by", true, 2, "null", "null");
    check("min_by", true, 2, "\"a\"", "\"a\"");
    check("collect_list", false, 1, "[5,3,9]", "[5,3,9,5,3,9]");
    check("collect_set", true, 1, "[\"b\",\"a\",\"c\"]", "[\"b\",\"a\",\"c\"]");
    check("median", false, 1, "5.0", "5.0");
    check("approx_count_distinct", false, 1, "3", "3");
    check("bit_or", false, 1, "15", "15");
}

static void test_damaged_states_are_refused(void **state)
{
    (void) state;
    static const char *const names[] = {"max", "first", "collect_set", "median"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct fixture fixture;
        struct error error;
        fixture_init(&fixture, names[i], false, 1);
        const struct sql_function *function = fixture.aggregate.function;
        void *whole = arena_zalloc(&arena, function->aggregate.state_bytes);
        update(&fixture, whole);
        struct buffer bytes = BUFFER_INIT;
        write_state(function, whole, &bytes);
        void *cut = arena_zalloc(&arena, function->aggregate.state_bytes);
        assert_fails(function->aggregate.read(slice_of(bytes.data, bytes.size - 1), cut, &error),
                     STATUS_CORRUPT, error, "cut short");
        free_state(function, cut);
        free_state(function, whole);
        buffer_deinit(&bytes);
    }
}

/* A row that makes a sum overflow fails and leaves the sum as it was. */
static void test_overflowing_row_fails(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_init(&fixture, "sum", false, 1);
    const int64_t values[] = {INT64_MAX, 1, -5, INT_NULL};
    fixture.arguments[0] = integers(&arena, TYPE_BIGINT, values, 4);
    void *sum = arena_zalloc(&arena, fixture.aggregate.function->aggregate.state_bytes);
    update(&fixture, sum);
    assert_int_equal(fixture.eval.error_count, 1);
    assert_int_equal(fixture.eval.errors[0].row, 1);
    assert_string_equal(result_of(&fixture, sum), "9223372036854775802");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_states_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overflowing_row_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
