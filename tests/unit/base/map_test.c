#include "base/map.h"

#include "test.h"

#include <stdio.h>

static void put_get_remove(void **state)
{
    (void) state;
    struct map map;
    map_init(&map);
    static int values[5000];
    char key[32];
    for (int i = 0; i < 5000; i++) {
        (void) snprintf(key, sizeof(key), "key-%d", i);
        assert_null(map_put_string(&map, key, &values[i]));
    }
    for (int i = 0; i < 5000; i += 2) {
        (void) snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_remove(&map, slice_of_string(key)), &values[i]);
    }
    assert_int_equal(map.size, 2500);
    for (int i = 0; i < 5000; i++) {
        (void) snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_get_string(&map, key), i % 2 == 0 ? NULL : &values[i]);
    }
    map_deinit(&map);
}

static void walks_in_insertion_order_after_churn(void **state)
{
    (void) state;
    struct map map;
    map_init(&map);
    char key[32];
    for (int round = 0; round < 100; round++) { /* the same slots are removed and taken again */
        for (int i = 0; i < 40; i++) {
            (void) snprintf(key, sizeof(key), "%d", i);
            (void) map_put_string(&map, key, (void *) (intptr_t) (i + 1));
        }
        for (int i = 0; i < 40; i += 3) {
            (void) snprintf(key, sizeof(key), "%d", i);
            (void) map_remove(&map, slice_of_string(key));
        }
    }
    size_t position = 0;
    intptr_t count = 0;
    for (struct map_entry *e; (e = map_next(&map, &position)) != NULL;) {
        count++;
        assert_true((intptr_t) e->value % 3 != 1);
    }
    assert_int_equal(count, 26);
    map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_get_remove),
        cmocka_unit_test(walks_in_insertion_order_after_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
