#include "orchestrate/timetable.h"

#include "base/memory.h"
#include "base/time_text.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>

/* tests/golden/timetable holds the answers of croniter and Airflow, see make.py there. */

#define LINE_BYTES 512

static FILE *golden(const char *name)
{
    char *path = mem_printf("%s/tests/golden/timetable/%s", getenv("LEAT_SOURCE_ROOT"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    mem_free(path);
    return file;
}

static int64_t next_time(char **rest, const char *until)
{
    char *word = strsep(rest, until);
    assert_non_null(word);
    return strtoll(word, NULL, 10) * US_PER_SECOND;
}

static struct timetable parsed(const char *text, const char *zone_text)
{
    const struct zone *zone;
    struct timetable timetable;
    struct error error;
    assert_ok(zone_find(zone_text, &zone, &error), error);
    assert_ok(timetable_parse(text, zone, &timetable, NULL, &error), error);
    return timetable;
}

static void agrees_with_croniter(void **state)
{
    (void) state;
    FILE *file = golden("cron.txt");
    char line[LINE_BYTES];
    int cases = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        const char *expression = strsep(&rest, "|");
        struct timetable timetable = parsed(expression, "UTC");
        int64_t start_us = next_time(&rest, "|");
        int64_t at_us = start_us;
        for (int i = 0; i < 5; i++) {
            at_us = i == 3 ? start_us : at_us;
            at_us = i < 3 ? timetable_next(&timetable, at_us) : timetable_prev(&timetable, at_us);
            int64_t wanted_us = next_time(&rest, "|");
            if (at_us != wanted_us) {
                fail_msg("%s, case %d, %d: %" PRId64 ", croniter: %" PRId64, expression, cases, i,
                         at_us / US_PER_SECOND, wanted_us / US_PER_SECOND);
            }
        }
        cases++;
    }
    (void) fclose(file);
    assert_true(cases >= 800);
}

static bool same(const struct timetable_interval *found, char **rest)
{
    bool start = found->start_us == next_time(rest, ",");
    return found->end_us == next_time(rest, "|") && start;
}

static void agrees_with_airflow(void **state)
{
    (void) state;
    char *folder = mem_printf("%s/tests/golden/zone/zoneinfo", getenv("LEAT_SOURCE_ROOT"));
    (void) setenv("TZDIR", folder, 1);
    FILE *file = golden("airflow.txt");
    char line[LINE_BYTES];
    char copy[LINE_BYTES];
    int cases = 0;
    int wrong = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        (void) snprintf(copy, sizeof(copy), "%s", line);
        char *rest = line;
        const char *expression = strsep(&rest, "|");
        struct timetable timetable = parsed(expression, strsep(&rest, "|"));
        struct timetable_bounds bounds = {.latest_us = INT64_MAX};
        bounds.now_us = next_time(&rest, "|");
        bounds.earliest_us = next_time(&rest, "|");
        bounds.catch_up_us = next_time(&rest, "|") == 0 ? 0 : INT64_MAX;
        struct timetable_interval last;
        bool fine = true;
        for (int i = 0; i < 3; i++) {
            fine &= timetable_interval_after(&timetable, i == 0 ? NULL : &last, &bounds, &last);
            fine &= same(&last, &rest);
        }
        struct timetable_interval manual = timetable_interval_manual(&timetable, bounds.now_us);
        fine &= same(&manual, &rest);
        if (!fine) {
            print_error("%s", copy);
            wrong++;
        }
        cases++;
    }
    (void) fclose(file);
    (void) unsetenv("TZDIR");
    mem_free(folder);
    assert_int_equal(wrong, 0);
    assert_true(cases >= 750);
}

static void refuses_what_croniter_refuses(void **state)
{
    (void) state;
    FILE *file = golden("refused.txt");
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        struct timetable timetable;
        struct error error;
        if (timetable_parse(line, zone_utc(), &timetable, NULL, &error) == STATUS_OK) {
            fail_msg("\"%s\" is accepted", line);
        }
        assert_int_equal(error.status, STATUS_CONFIG);
    }
    (void) fclose(file);
}

/* The message, and the byte that the caret stands under. */
static void says_what_is_wrong(void **state)
{
    (void) state;

    static const struct {
        const char *text, *message;
        size_t at;
    } cases[] = {
        {"61 * * * *", "\"61\" is no minute (0 to 59)", 0},
        {"* * * foo *", "\"foo\" is no month (1 to 12)", 6},
        {"0 6 1,32 * *", "\"1,32\" is no day of month", 6},
        {"*/0 * * * *", "a step is a number from 1 on", 2},
        {"*/60 * * * *", "the step is larger than the field", 2},
        {"0 0 30 2 *", "there is no such day in any of these months", 4},
        {"0 0 31 2,4,6,9,11 *", "there is no such day in any of these months", 4},
        {"5-5 * * * *", "write the value alone", 0},
        {"0 6 * * MON-MON", "write the value alone", 8},
        {"* 23/2 * * *", "write the value alone", 2},
        {"*,5 * * * *", "* stands alone", 0},
        {"0 6 * * MON#6", "1 to 5", 12},
        {"0 6 13 * FRI#1", "this must be *", 4},
        {"0 6 * * MON,FRI#1", "all written with # or L, or none", 8},
        {"0 6 15W * *", "\"15W\" is no day of month", 6},
        {"0 6 * * * 2026", "has more than five fields", 10},
        {"* * * *", "is no schedule", 0},
        {"@every 0s", "the period must be above zero", 0},
        {"@reboot", "is no schedule", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct timetable timetable;
        struct error error;
        size_t at = SIZE_MAX;
        assert_fails(timetable_parse(cases[i].text, zone_utc(), &timetable, &at, &error),
                     STATUS_CONFIG, error, cases[i].message);
        assert_int_equal(at, cases[i].at);
    }
}

static void knows_periods_and_once(void **state)
{
    (void) state;
    struct timetable timetable = parsed("@every 90s", "UTC");
    assert_int_equal(timetable_next(&timetable, 5), 90 * US_PER_SECOND + 5);
    assert_int_equal(timetable_prev(&timetable, 5), 5 - 90 * US_PER_SECOND);
    assert_true(timetable_next(&timetable, INT64_MAX - 1) == TIMETABLE_NEVER);
    timetable = parsed("@once", "UTC");
    assert_true(timetable_next(&timetable, 0) == TIMETABLE_NEVER);
    struct timetable_bounds bounds = {
        .earliest_us = INT64_MIN, .latest_us = INT64_MAX, .now_us = 7};
    struct timetable_interval interval;
    assert_true(timetable_interval_after(&timetable, NULL, &bounds, &interval));
    assert_int_equal(interval.start_us, 7);
    assert_int_equal(interval.end_us, 7);
    assert_false(timetable_interval_after(&timetable, &interval, &bounds, &interval));
}

static int64_t at(const char *text)
{
    int64_t time_us;
    struct error error;
    assert_ok(time_parse(slice_of_string(text), &time_us, &error), error);
    return time_us;
}

static void catches_up_within_a_window(void **state)
{
    (void) state;
    struct timetable timetable = parsed("0 6 * * *", "Europe/Berlin");
    struct timetable_bounds bounds = {
        .earliest_us = at("2024-01-01T00:00:00+01:00"),
        .latest_us = at("2024-02-05T00:00:00Z"),
        .now_us = at("2024-02-01T12:00:00+01:00"),
        .catch_up_us = 2 * US_PER_DAY,
    };
    struct timetable_interval interval;
    /* Ended on 31 January and 1 February; the one of 30 January is too old by six hours. */
    assert_true(timetable_interval_after(&timetable, NULL, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-01-31T06:00:00+01:00"));
    assert_true(timetable_interval_after(&timetable, &interval, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-02-01T06:00:00+01:00"));
    assert_true(timetable_interval_after(&timetable, &interval, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-02-02T06:00:00+01:00")); /* not due yet */
    /* Down for a week: what is older than two days is left out. */
    bounds.now_us = at("2024-02-04T12:00:00+01:00");
    assert_true(timetable_interval_after(&timetable, &interval, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-02-03T06:00:00+01:00"));
    /* A window shorter than an interval still has the last one. */
    bounds.catch_up_us = US_PER_MINUTE;
    assert_true(timetable_interval_after(&timetable, NULL, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-02-04T06:00:00+01:00"));
    /* And none begins after the end date. */
    bounds.now_us = at("2024-02-09T12:00:00+01:00");
    assert_false(timetable_interval_after(&timetable, &interval, &bounds, &interval));
}

static void begins_without_a_start_date(void **state)
{
    (void) state;
    struct timetable timetable = parsed("@every 1h", "UTC");
    struct timetable_bounds bounds = {.earliest_us = INT64_MIN,
                                      .latest_us = INT64_MAX,
                                      .now_us = at("2024-02-01T12:20:00Z"),
                                      .catch_up_us = INT64_MAX};
    struct timetable_interval interval;
    assert_true(timetable_interval_after(&timetable, NULL, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-02-01T12:00:00Z"));
    bounds.catch_up_us = 3 * US_PER_HOUR;
    assert_true(timetable_interval_after(&timetable, NULL, &bounds, &interval));
    assert_int_equal(interval.end_us, at("2024-02-01T10:00:00Z"));
}

static void fills_a_range(void **state)
{
    (void) state;
    struct timetable timetable = parsed("0 0 29 2 *", "UTC");
    struct timetable_interval interval;
    assert_true(timetable_interval_from(&timetable, at("2096-02-29"), &interval));
    assert_int_equal(interval.start_us, at("2096-02-29"));
    assert_int_equal(interval.end_us, at("2104-02-29"));
    assert_true(timetable_interval_from(&timetable, interval.end_us, &interval));
    assert_int_equal(interval.start_us, at("2104-02-29"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_croniter),
        cmocka_unit_test(agrees_with_airflow),
        cmocka_unit_test(refuses_what_croniter_refuses),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(knows_periods_and_once),
        cmocka_unit_test(catches_up_within_a_window),
        cmocka_unit_test(begins_without_a_start_date),
        cmocka_unit_test(fills_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
