#include "orchestrate/schedule.h"

#include "base/time_text.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>

/* tests/golden/cron/cases.txt holds the answers of croniter, see make.py beside it. */
static void agrees_with_croniter(void **state)
{
    (void) state;
    char path[1024];
    (void) snprintf(path, sizeof(path), "%s/tests/golden/cron/cases.txt",
                    getenv("LEAT_SOURCE_ROOT"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[512];
    int cases = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        char *expression = strsep(&rest, "|");
        struct schedule schedule;
        struct error error;
        assert_ok(schedule_parse(expression, &schedule, &error), error);
        int64_t at_us = strtoll(strsep(&rest, "|"), NULL, 10) * US_PER_SECOND;
        while (rest != NULL) {
            int64_t wanted_us = strtoll(strsep(&rest, "|"), NULL, 10) * US_PER_SECOND;
            at_us = schedule_next(&schedule, at_us);
            if (at_us != wanted_us) {
                fail_msg("%s: %" PRId64 ", croniter says %" PRId64, expression, at_us, wanted_us);
            }
        }
        cases++;
    }
    (void) fclose(file);
    assert_true(cases >= 500);
}

static void knows_periods_and_names(void **state)
{
    (void) state;
    struct schedule schedule;
    struct error error;
    assert_ok(schedule_parse("@every 90s", &schedule, &error), error);
    assert_int_equal(schedule_next(&schedule, 5), 90 * US_PER_SECOND + 5);
    assert_ok(schedule_parse("@once", &schedule, &error), error);
    assert_true(schedule_next(&schedule, 0) == INT64_MAX);
    assert_ok(schedule_parse("@daily", &schedule, &error), error);
    assert_int_equal(schedule_next(&schedule, 1), US_PER_DAY);
    assert_ok(schedule_parse("0 0 30 2 *", &schedule, &error), error);
    assert_true(schedule_next(&schedule, 0) == INT64_MAX);
}

static void refuses_what_it_cannot_read(void **state)
{
    (void) state;
    struct schedule schedule;
    struct error error;
    assert_fails(schedule_parse("61 * * * *", &schedule, &error), STATUS_CONFIG, error, "minute");
    assert_fails(schedule_parse("* * * foo *", &schedule, &error), STATUS_CONFIG, error, "month");
    assert_fails(schedule_parse("* * 0 * *", &schedule, &error), STATUS_CONFIG, error, "day of");
    assert_fails(schedule_parse("5-1 * * * *", &schedule, &error), STATUS_CONFIG, error, "minute");
    assert_fails(schedule_parse("*/0 * * * *", &schedule, &error), STATUS_CONFIG, error, "minute");
    assert_fails(schedule_parse("* * * *", &schedule, &error), STATUS_CONFIG, error, "schedule");
    assert_fails(schedule_parse("* * * * * *", &schedule, &error), STATUS_CONFIG, error, "five");
    assert_fails(schedule_parse("@every 0s", &schedule, &error), STATUS_CONFIG, error, "period");
    assert_fails(schedule_parse("", &schedule, &error), STATUS_CONFIG, error, "schedule");
    assert_fails(schedule_parse("1,,2 * * * *", &schedule, &error), STATUS_CONFIG, error, "1,,2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_croniter),
        cmocka_unit_test(knows_periods_and_names),
        cmocka_unit_test(refuses_what_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
