/* Windows, watermarks and output modes against Spark: tests/golden/stream/windows.txt holds what
 * Spark 3.5 gave for the same batches (spark_windows.py writes it). */

#include "base/time_text.h"
#include "stream_fixture.h"

#include <stdio.h>

struct reading {
    FILE *file;
    char line[1024];
    char name[64], mode[16], key[64], sql[512];
    int64_t delay_us;
    int batches;
};

static bool next_line(struct reading *reading)
{
    if (fgets(reading->line, sizeof(reading->line), reading->file) == NULL) {
        return false;
    }
    reading->line[strcspn(reading->line, "\n")] = '\0';
    return true;
}

static bool begins(const struct reading *reading, const char *word)
{
    size_t size = strlen(word);
    return strncmp(reading->line, word, size) == 0 &&
           (reading->line[size] == ' ' || reading->line[size] == '\0');
}

static void read_head(struct reading *reading)
{
    snprintf(reading->name, sizeof(reading->name), "%.60s", reading->line + strlen("scenario "));
    long long delay_s = 0;
    assert_true(next_line(reading) && sscanf(reading->line, "mode %15s", reading->mode) == 1);
    assert_true(next_line(reading) && sscanf(reading->line, "delay %lld", &delay_s) == 1);
    assert_true(next_line(reading) && sscanf(reading->line, "key %63s", reading->key) == 1);
    assert_true(next_line(reading) && begins(reading, "sql"));
    snprintf(reading->sql, sizeof(reading->sql), "%.500s", reading->line + 4);
    reading->delay_us = delay_s * US_PER_SECOND;
}

static void send_batch(struct reading *reading)
{
    while (next_line(reading) && !begins(reading, "expect")) {
        char k[8];
        char json[64];
        long long v;
        long long at_us;
        assert_int_equal(sscanf(reading->line, "%7s %lld %lld", k, &v, &at_us), 3);
        snprintf(json, sizeof(json), "{\"k\": \"%s\", \"v\": %lld}", k, v);
        f.accepted_us = at_us;
        fixture_send(k, json);
    }
}

/* Leaves the line behind the rows in `reading`. */
static void expect_table(struct reading *reading)
{
    struct buffer wanted CLEANUP(buffer_deinit) = BUFFER_INIT;
    while (next_line(reading) && reading->line[0] == '{') {
        buffer_printf(&wanted, "%s%s", wanted.size == 0 ? "" : "\n", reading->line);
    }
    const char *found = fixture_rows("tables.db", "rows");
    if (strcmp(found, buffer_string(&wanted)) != 0) {
        fail_msg("%s, batch %d: leat has\n%s\nSpark has\n%s", reading->name, reading->batches,
                 found, buffer_string(&wanted));
    }
}

static void run_scenario(struct reading *reading, void **state)
{
    fixture_setup(state);
    fixture_topic("STRUCT<k: STRING, v: BIGINT>", 1);
    fixture_stream_with("s", reading->sql,
                        (struct sql_options){
                            .watermark_column = "_accepted_at",
                            .watermark_delay_us = reading->delay_us,
                            .mode = strcmp(reading->mode, "append") == 0     ? OUTPUT_APPEND
                                    : strcmp(reading->mode, "complete") == 0 ? OUTPUT_COMPLETE
                                                                             : OUTPUT_UPDATE,
                        });
    fixture_sink("s", "rows", reading->key, DELETES_APPLY);
    reading->batches = 0;
    next_line(reading);
    while (begins(reading, "batch")) {
        reading->batches++;
        send_batch(reading);
        fixture_run(STATUS_OK);
        expect_table(reading);
    }
    fixture_teardown(state);
}

static void test_as_spark(void **state)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/golden/stream/windows.txt", getenv("LEAT_SOURCE_ROOT"));
    struct reading reading = {.file = fopen(path, "r")};
    assert_non_null(reading.file);
    int scenarios = 0;
    while (next_line(&reading)) {
        if (begins(&reading, "scenario")) {
            read_head(&reading);
            run_scenario(&reading, state);
            scenarios++;
        }
    }
    fclose(reading.file);
    assert_true(scenarios >= 10);
}

static const char counts[] = "SELECT window.start AS start, count(*) AS n FROM t "
                             "GROUP BY window(_accepted_at, '10 seconds')";

static void windowed(enum output_mode mode)
{
    fixture_topic("STRUCT<k: STRING, v: STRING>", 1);
    fixture_stream_with("s", counts,
                        (struct sql_options){.watermark_column = "_accepted_at", .mode = mode});
    fixture_sink("s", "rows", "start", DELETES_APPLY);
}

static void send_at(int64_t second)
{
    f.accepted_us = second * US_PER_SECOND;
    fixture_send("k", "{\"k\": \"a\", \"v\": \"1\"}");
}

/* One record each but for the boundary, which belongs to the next window. */
static void test_late_records_are_counted(void **state)
{
    (void) state;
    windowed(OUTPUT_APPEND);
    send_at(100);
    send_at(109);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "");
    send_at(110); /* closes [100, 110) at the end of its batch; 101 is not late in this one */
    send_at(101);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"start\":\"1970-01-01T00:01:40.000000Z\",\"n\":3}");
    send_at(109);
    send_at(111);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"start\":\"1970-01-01T00:01:40.000000Z\",\"n\":3}");
    fixture_expect_fates(5, 0, 1, 0);
    assert_int_equal(f.status.watermark_us, 111 * US_PER_SECOND);
}

/* The same records with other boundaries give other answers, and `batch: N records` fixes them. */
static void test_batch_records(void **state)
{
    static const int64_t seconds[] = {100, 125, 101, 126, 102, 127};
    static const int64_t sizes[] = {1, 2, 3, 6};
    static const int64_t late[] = {2, 2, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        fixture_setup(state);
        windowed(OUTPUT_UPDATE);
        f.job.batch_records = sizes[i];
        for (size_t s = 0; s < 6; s++) {
            send_at(seconds[s]);
        }
        fixture_run(STATUS_OK);
        fixture_expect_fates(6 - late[i], 0, late[i], 0);
        fixture_teardown(state);
    }
}

/* Flushing closes what is open, and no more: newer records are in time afterwards. */
static void test_flush_windows(void **state)
{
    (void) state;
    windowed(OUTPUT_APPEND);
    send_at(100);
    f.job.flush_windows = true;
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"start\":\"1970-01-01T00:01:40.000000Z\",\"n\":1}");
    send_at(112);
    send_at(105);
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 0, 1, 0);
    fixture_expect_rows("rows", "{\"start\":\"1970-01-01T00:01:40.000000Z\",\"n\":1}\n"
                                "{\"start\":\"1970-01-01T00:01:50.000000Z\",\"n\":1}");
}

/* Each stream has its own watermark, whatever other streams of the batch see. */
static void test_watermarks_are_a_streams_own(void **state)
{
    (void) state;
    windowed(OUTPUT_APPEND);
    fixture_stream_with("slow",
                        "SELECT window.start AS start, count(*) AS n FROM t GROUP BY "
                        "window(_accepted_at, '10 seconds')",
                        (struct sql_options){.watermark_column = "_accepted_at",
                                             .watermark_delay_us = 100 * US_PER_SECOND,
                                             .mode = OUTPUT_APPEND});
    fixture_sink("slow", "slow", "start", DELETES_APPLY);
    send_at(100);
    send_at(150);
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"start\":\"1970-01-01T00:01:40.000000Z\",\"n\":1}");
    fixture_expect_rows("slow", "");
    send_at(120);
    fixture_run(STATUS_OK);
    fixture_expect_fates(2, 0, 1, 0); /* late in one, in time in the other: late */
}

/* A row that fails in one aggregate counts in none. */
static void test_failed_rows_do_not_count(void **state)
{
    (void) state;
    fixture_topic("STRUCT<k: STRING, v: STRING>", 1);
    fixture_stream("s", "SELECT k, count(*) AS n, sum(CAST(v AS INT)) AS v, "
                        "sum(CAST(v AS INT)) FILTER (WHERE v <> 'x') AS w FROM t GROUP BY k");
    fixture_sink("s", "rows", "k", DELETES_APPLY);
    fixture_send("k", "{\"k\": \"a\", \"v\": \"1\"}");
    fixture_send("k", "{\"k\": \"a\", \"v\": \"two\"}");
    fixture_send("k", "{\"k\": \"b\", \"v\": \"three\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"k\":\"a\",\"n\":1,\"v\":1,\"w\":1}");
    fixture_expect_fates(1, 0, 0, 2);
}

static void test_filter_keeps_from_failing(void **state)
{
    (void) state;
    fixture_topic("STRUCT<k: STRING, v: STRING>", 1);
    fixture_stream("s", "SELECT k, count(*) AS n, "
                        "sum(CAST(v AS INT)) FILTER (WHERE v <> 'x') AS w FROM t GROUP BY k");
    fixture_sink("s", "rows", "k", DELETES_APPLY);
    fixture_send("k", "{\"k\": \"a\", \"v\": \"1\"}");
    fixture_send("k", "{\"k\": \"a\", \"v\": \"x\"}");
    fixture_run(STATUS_OK);
    fixture_expect_rows("rows", "{\"k\":\"a\",\"n\":2,\"w\":1}");
    fixture_expect_fates(2, 0, 0, 0);
}

static void test_state_budget(void **state)
{
    (void) state;
    fixture_topic("STRUCT<k: STRING, v: STRING>", 1);
    f.job.state_bytes_max = 4000;
    fixture_stream("s", "SELECT k, count(*) AS n FROM t GROUP BY k");
    fixture_sink("s", "rows", "k", DELETES_APPLY);
    for (int i = 0; i < 100; i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"k\": \"%d\", \"v\": \"1\"}", i);
        fixture_send("k", json);
    }
    fixture_run(STATUS_LIMIT);
    assert_non_null(strstr(f.status.last_error.message, "stream \"s\""));
    f.job.state_bytes_max = 0;
    fixture_run(STATUS_OK);
    fixture_expect_fates(100, 0, 0, 0);
    assert_int_equal(f.status.groups, 100);
}

/* One group, but its accumulator holds all that came; also after a restart. */
static void test_state_budget_of_lists(void **state)
{
    static const char *const functions[] = {"collect_list(v)", "collect_set(v)",
                                            "percentile(CAST(k AS DOUBLE), 0.5)"};
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        fixture_setup(state);
        char sql[96];
        snprintf(sql, sizeof(sql), "SELECT 1 AS one, %s AS v FROM t GROUP BY 1", functions[i]);
        fixture_topic("STRUCT<k: STRING, v: STRING>", 1);
        f.job.state_bytes_max = 4000;
        fixture_stream("s", sql);
        for (int row = 0; row < 1000; row++) {
            char json[64];
            snprintf(json, sizeof(json), "{\"k\": \"%d\", \"v\": \"value %d\"}", row, row);
            fixture_send("k", json);
        }
        fixture_run(STATUS_LIMIT);
        assert_non_null(strstr(f.status.last_error.hint, "keep every value"));
        f.job.state_bytes_max = 0;
        fixture_run(STATUS_OK);
        int64_t bytes = f.status.state_bytes;
        assert_true(bytes > 1000 * 8);
        fixture_run(STATUS_OK);
        assert_true(f.status.state_bytes > 1000 * 8 && f.status.state_bytes <= bytes);
        fixture_teardown(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_spark),
        cmocka_unit_test_setup_teardown(test_late_records_are_counted, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_batch_records),
        cmocka_unit_test_setup_teardown(test_flush_windows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_watermarks_are_a_streams_own, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failed_rows_do_not_count, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_filter_keeps_from_failing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_state_budget, fixture_setup, fixture_teardown),
        cmocka_unit_test(test_state_budget_of_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
