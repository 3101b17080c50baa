#include "base/arena.h"

#include "base/budget.h"

#include "test.h"

#include <pthread.h>

static void gives_aligned_separate_memory(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 128);
    assert_null(arena.blocks); /* nothing is taken before the first use */
    uint8_t *pieces[300];
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t) pieces[i] % 16, 0);
        memset(pieces[i], (int) (i & 0xff), i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], i & 0xff);
        }
    }
    const uint8_t *zeroed = arena_calloc(&arena, 100, 7);
    for (size_t i = 0; i < 700; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    arena_deinit(&arena);
    arena_deinit(&arena);
}

static void grows_in_place_at_the_end(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 4096);
    char *text = arena_grow(&arena, NULL, 0, 10);
    memcpy(text, "123456789", 10);
    char *grown = arena_grow(&arena, text, 10, 1000);
    assert_ptr_equal(grown, text);
    (void) arena_alloc(&arena, 1);
    char *moved = arena_grow(&arena, grown, 1000, 2000);
    assert_ptr_not_equal(moved, grown);
    assert_string_equal(moved, "123456789");
    char *large = arena_grow(&arena, moved, 2000, 100000); /* larger than a block */
    assert_string_equal(large, "123456789");
    memset(large, 'x', 100000);
    arena_deinit(&arena);
}

static void copies_text(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_null(arena_strdup(&arena, NULL));
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_string_equal(arena_string(&arena, SLICE("abc")), "abc");
    assert_string_equal(arena_string(&arena, SLICE_EMPTY), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 5), "x-5");
    struct slice copy = arena_copy(&arena, SLICE("a\0b"));
    assert_true(slice_equal(copy, SLICE("a\0b")));
    arena_deinit(&arena);
}

static void reset_keeps_one_block(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 64);
    for (int i = 0; i < 100; i++) {
        (void) arena_alloc(&arena, 100);
    }
    const void *large = arena_alloc(&arena, 50000);
    arena_reset(&arena);
    assert_int_equal(arena.bytes_used, 0);
    assert_ptr_equal(arena_alloc(&arena, 50000), large);
    arena_deinit(&arena);
}

static struct budget shared;

static void *take_and_give(void *taken)
{
    for (int i = 0; i < 20000; i++) {
        if (budget_take(&shared, 7, NULL) == STATUS_OK) {
            ++*(int64_t *) taken;
            budget_give(&shared, 7);
        }
    }
    return NULL;
}

static void budget_refuses_what_passes_it(void **state)
{
    (void) state;
    struct error error;
    budget_init(&shared, "fetch page", 100);
    assert_ok(budget_take(&shared, 100, &error), error);
    assert_ok(budget_take(&shared, 0, &error), error);
    assert_fails(budget_take(&shared, 1, &error), STATUS_LIMIT, error,
                 "fetch page would need 1 bytes more than its limit of 100");
    assert_fails(budget_take(&shared, SIZE_MAX, &error), STATUS_LIMIT, error, "fetch page");
    budget_give(&shared, 100);
    assert_fails(budget_take(&shared, 101, &error), STATUS_LIMIT, error, "1 bytes more");

    pthread_t threads[4];
    int64_t taken[4] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &taken[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(taken[i] > 0);
    }
    assert_int_equal(atomic_load(&shared.bytes_used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_separate_memory),
        cmocka_unit_test(grows_in_place_at_the_end),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(reset_keeps_one_block),
        cmocka_unit_test(budget_refuses_what_passes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
