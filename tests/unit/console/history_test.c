#include "test.h"

#include "console/history.h"
#include "io/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define START INT64_C(1800000000000000)

struct place {
    char directory[64], path[96];
};

static int place_make(void **state)
{
    static struct place place;
    (void) snprintf(place.directory, sizeof(place.directory), "/tmp/leat-history-XXXXXX");
    assert_non_null(mkdtemp(place.directory));
    (void) snprintf(place.path, sizeof(place.path), "%s/history", place.directory);
    *state = place.path;
    return 0;
}

static int place_remove(void **state)
{
    char *directory = *state;
    *strrchr(directory, '/') = '\0';
    struct error error;
    assert_ok(directory_remove(directory, &error), error);
    return 0;
}

static json_t *written(const struct history *history, const char *prefix, int64_t now, int64_t span)
{
    struct buffer text = BUFFER_INIT;
    history_write(history, prefix, now, span, &text);
    json_t *json = json_loadb((const char *) text.data, text.size, 0, NULL);
    buffer_deinit(&text);
    assert_non_null(json);
    return json;
}

static json_t *values_of(json_t *json, const char *name)
{
    return json_object_get(json_object_get(json, "series"), name);
}

static void a_step_is_a_mean_and_silence_a_gap(void **state)
{
    (void) state;
    struct history *history = history_new();
    history_put(history, "a", START, 1);
    history_put(history, "a", START + 3000000, 3);
    history_put(history, "a", START + 20000000, 10);
    history_put(history, "a", START + 20000000, NAN);
    json_t *json = written(history, NULL, START + 25000000, 60000000);
    json_t *values = values_of(json, "a");
    assert_int_equal(json_integer_value(json_object_get(json, "step_us")), HISTORY_FINE_US);
    assert_int_equal(json_array_size(values), 6);
    assert_true(json_is_null(json_array_get(values, 2)));
    assert_true(json_number_value(json_array_get(values, 3)) == 2);
    assert_true(json_is_null(json_array_get(values, 4)));
    assert_true(json_number_value(json_array_get(values, 5)) == 10);
    json_decref(json);
    history_free(history);
}

static void long_spans_come_in_minutes(void **state)
{
    (void) state;
    struct history *history = history_new();
    for (int i = 0; i < 7200; i++) {
        history_put(history, "a", START + i * INT64_C(1000000), i / 60);
    }
    json_t *json = written(history, "a", START + INT64_C(7199000000), INT64_C(7200000000));
    json_t *values = values_of(json, "a");
    assert_int_equal(json_array_size(values), 120);
    for (size_t i = 0; i < 120; i++) {
        assert_true(json_number_value(json_array_get(values, i)) == (double) i);
    }
    json_decref(json);
    json = written(history, "b", START + INT64_C(7199000000), INT64_C(7200000000));
    assert_null(values_of(json, "a"));
    json_decref(json);
    history_free(history);
}

static void the_rings_turn_over_and_old_steps_are_gone(void **state)
{
    (void) state;
    struct history *history = history_new();
    int64_t end = START + 3 * HISTORY_FINE_SLOTS * HISTORY_FINE_US;
    history_put(history, "a", START, 1);
    history_put(history, "a", end, 7);
    json_t *json = written(history, NULL, end, HISTORY_FINE_SLOTS * HISTORY_FINE_US);
    json_t *values = values_of(json, "a");
    assert_int_equal(json_array_size(values), HISTORY_FINE_SLOTS);
    for (size_t i = 0; i + 1 < HISTORY_FINE_SLOTS; i++) {
        assert_true(json_is_null(json_array_get(values, i)));
    }
    assert_true(json_number_value(json_array_get(values, HISTORY_FINE_SLOTS - 1)) == 7);
    json_decref(json);
    history_put(history, "a", START, 9); /* the clock was set back */
    history_put(history, "a", -1, 9);
    history_free(history);
}

static void the_longest_silent_gives_way(void **state)
{
    (void) state;
    struct history *history = history_new();
    char name[32];
    for (int i = 0; i <= HISTORY_SERIES_MAX; i++) {
        (void) snprintf(name, sizeof(name), "s%d", i);
        history_put(history, name, START + i * HISTORY_COARSE_US, 1);
    }
    json_t *json = written(history, NULL, START, HISTORY_FINE_US);
    assert_int_equal(json_object_size(json_object_get(json, "series")), HISTORY_SERIES_MAX);
    assert_null(values_of(json, "s0"));
    assert_non_null(values_of(json, name));
    json_decref(json);
    history_free(history);
}

static void it_comes_back_from_its_file(void **state)
{
    const char *path = *state;
    struct error error;
    struct history *history = history_new();
    assert_int_equal(history_load(history, path, &error), STATUS_OK); /* missing: empty */
    history_put(history, "\xff<name>", START, 5);
    assert_int_equal(history_save(history, path, &error), STATUS_OK);
    history_free(history);
    history = history_new();
    assert_int_equal(history_load(history, path, &error), STATUS_OK);
    json_t *json = written(history, "\xff", START, HISTORY_FINE_US);
    assert_int_equal(json_object_size(json_object_get(json, "series")), 1);
    json_decref(json);
    history_free(history);
}

/* Every byte of the file, changed or cut off: refused, and nothing of it is kept. */
static void a_damaged_file_is_refused(void **state)
{
    const char *path = *state;
    struct error error;
    struct buffer text = BUFFER_INIT;
    struct history *history = history_new();
    history_put(history, "a", START, 5);
    assert_int_equal(history_save(history, path, &error), STATUS_OK);
    assert_int_equal(file_load(path, 1 << 20, &text, &error), STATUS_OK);
    for (size_t i = 0; i < text.size; i += 97) {
        struct history *other = history_new();
        text.data[i] ^= 1;
        assert_int_equal(file_replace(path, buffer_slice(&text), &error), STATUS_OK);
        assert_int_equal(history_load(other, path, &error), STATUS_CORRUPT);
        text.data[i] ^= 1;
        assert_int_equal(file_replace(path, slice_of(text.data, i), &error), STATUS_OK);
        assert_int_equal(history_load(other, path, &error), STATUS_CORRUPT);
        json_t *json = written(other, NULL, START, HISTORY_FINE_US);
        assert_int_equal(json_object_size(json_object_get(json, "series")), 0);
        json_decref(json);
        history_free(other);
    }
    buffer_deinit(&text);
    history_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_a_mean_and_silence_a_gap),
        cmocka_unit_test(long_spans_come_in_minutes),
        cmocka_unit_test(the_rings_turn_over_and_old_steps_are_gone),
        cmocka_unit_test(the_longest_silent_gives_way),
        cmocka_unit_test_setup_teardown(it_comes_back_from_its_file, place_make, place_remove),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
