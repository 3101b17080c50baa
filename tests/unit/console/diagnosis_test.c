#include "test.h"

#include "console/diagnosis.h"

struct scenario {
    const char *cause;
    const char *title; /* a part of it */
    const char *remedy;
    struct console_snapshot snapshot;
};

#define SOURCE(...)                                                                                \
    .sources = &(const struct console_source){.pipeline = "p", .name = "users", __VA_ARGS__},      \
    .source_count = 1
#define FLOW(...)                                                                                  \
    .flows =                                                                                       \
        &(const struct console_flow){                                                              \
            .pipeline = "p", .topic = "users_created", .running = true, __VA_ARGS__},              \
    .flow_count = 1
#define GROUP(...)                                                                                 \
    .groups = &(const struct console_group){.id = "reports", __VA_ARGS__}, .group_count = 1

/* Messages as the parts write them. */
static const struct scenario scenarios[] = {
    {"process-failed", "leat stopped", "start leat again", {.fault = {"internal", "x", NULL}}},
    {"log-down",
     "log does not answer",
     "start the broker",
     {.log_fault = {"unavailable", "x", NULL}}},
    {"api-down",
     "source users cannot be reached",
     "check its address",
     {SOURCE(.fault = {"unavailable", "could not connect to \"h\"", NULL})}},
    {"api-refuses",
     "users does not answer as it should",
     "by hand",
     {SOURCE(.fault = {"protocol", "answered 500", NULL})}},
    {"schema-broken",
     "schema does not allow what users brings",
     "compatible schema",
     {SOURCE(.fault = {"conflict", "schema of topic \"t\": incompatible", NULL})}},
    {"disk-full", "disk is full, so users pauses", "free space", {SOURCE(.state = "disk-full")}},
    {"disk-full",
     "disk is full",
     "free space",
     {SOURCE(.fault = {"io", "could not write: No space left on device", NULL})}},
    {"source-failed", "users does not go on", "mend", {SOURCE(.fault = {"config", "x", NULL})}},
    {"log-down",
     "log does not answer",
     "start the broker",
     {SOURCE(.capture_fault = {"unavailable", "x", NULL})}},
    {"log-refuses",
     "takes no records of users",
     "broker",
     {SOURCE(.capture_fault = {"limit", "x", NULL})}},
    {"log-refuses",
     "takes no records of users",
     "broker",
     {SOURCE(.lag = 5, .still_us = 60000000)}},
    {"sink-refuses",
     "table does not take the rows",
     "columns",
     {FLOW(.fault = {"conflict", "sink \"a\": table \"b\" has no column", NULL})}},
    {"stream-failed",
     "queries over users_created cannot",
     "leat check",
     {FLOW(.fault = {"config", "x", NULL})}},
    {"stream-stalled", "stand still", "leat doctor", {FLOW(.lag = 5, .still_us = 60000000)}},
    {"records-refused",
     "users_created were refused",
     "dead letters",
     {FLOW(.dead = 2, .dead_still_us = 1000000)}},
    {"consumer-stalled",
     "group reports stand still",
     "cannot process",
     {GROUP(.verdict = "STALL", .member_count = 1)}},
    {"consumer-stopped",
     "reports has no consumer",
     "start its consumer",
     {GROUP(.verdict = "STOP")}},
    {"consumer-rewound", "reports went back", "commit", {GROUP(.verdict = "REWIND")}},
    {"disk-low", "Little disk space", "10 %", {.data = "d", .disk_free = 10, .disk_total = 100}},
};

static void each_cause_is_named_with_its_remedy(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        const struct scenario *scenario = &scenarios[i];
        struct console_problem *problems;
        struct arena arena;
        arena_init(&arena, 0);
        size_t count = console_diagnose(&scenario->snapshot, &arena, &problems);
        if (count != 1 || strcmp(problems[0].cause, scenario->cause) != 0) {
            fail_msg("scenario %zu: %zu problems, the first %s, not %s", i, count,
                     count == 0 ? "none" : problems[0].cause, scenario->cause);
        }
        assert_non_null(strstr(problems[0].title, scenario->title));
        assert_non_null(strstr(problems[0].remedy, scenario->remedy));
        assert_non_null(problems[0].message);
        arena_deinit(&arena);
    }
}

static void what_is_well_is_no_problem(void **state)
{
    (void) state;
    const struct console_snapshot well = {
        SOURCE(.state = "waiting", .lag = 3, .still_us = 1000000),
        FLOW(.lag = 9, .still_us = 1000000, .dead = 3, .dead_still_us = INT64_C(900000000)),
        GROUP(.verdict = "WARN"),
        .disk_free = 50,
        .disk_total = 100,
    };
    struct console_problem *problems;
    struct arena arena;
    arena_init(&arena, 0);
    assert_int_equal(console_diagnose(&well, &arena, &problems), 0);
    assert_int_equal(console_diagnose(&(struct console_snapshot){0}, &arena, &problems), 0);
    arena_deinit(&arena);
}

static void the_part_s_own_hint_comes_first_and_the_worst_on_top(void **state)
{
    (void) state;
    const struct console_snapshot snapshot = {
        SOURCE(.fault = {"unavailable", "x", "set RANDOMUSER_URL"}),
        GROUP(.verdict = "STALL"),
        FLOW(.dead = 2, .dead_still_us = 1000000),
    };
    struct console_problem *problems;
    struct arena arena;
    arena_init(&arena, 0);
    assert_int_equal(console_diagnose(&snapshot, &arena, &problems), 3);
    assert_string_equal(problems[0].cause, "api-down");
    assert_true(problems[0].severe);
    assert_int_equal(strncmp(problems[0].remedy, "set RANDOMUSER_URL; check", 25), 0);
    assert_false(problems[1].severe);
    assert_false(problems[2].severe);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_is_named_with_its_remedy),
        cmocka_unit_test(what_is_well_is_no_problem),
        cmocka_unit_test(the_part_s_own_hint_comes_first_and_the_worst_on_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
