#include "base/logline.h"

#include "base/metrics.h"

#include "test.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>

static struct buffer lines;

static void collect(void *context, const char *line, size_t size)
{
    buffer_append(context, line, size);
}

static int set_up(void **state)
{
    (void) state;
    buffer_init(&lines);
    logline_set_writer(collect, &lines);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    logline_set_writer(NULL, NULL);
    logline_configure(LOG_INFO, LOG_TEXT);
    buffer_deinit(&lines);
    return 0;
}

/* The line after its 24 bytes of time. */
static void assert_line(const char *wanted)
{
    const char *text = buffer_string(&lines);
    assert_true(strlen(text) > 24);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[19], '.');
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 24, wanted);
    buffer_clear(&lines);
}

static void writes_text(void **state)
{
    (void) state;
    logline(LOG_INFO, "broker", "topic created", LOG_STRING("topic", "users"),
            LOG_INT("partitions", -3), LOG_DOUBLE("ratio", 0.5), LOG_BOOL("compact", true),
            LOG_STRING("none", NULL));
    assert_line(" info  broker: topic created topic=users partitions=-3 ratio=0.5 compact=true "
                "none=null\n");
    logline(LOG_WARN, "x", "plain");
    assert_line(" warn  x: plain\n");
    /* What a client names must not become a second line or a second field. */
    logline(LOG_ERROR, "x", "two\nlines", LOG_STRING("name", "a b=\"c\"\n\x1b[0m"),
            LOG_STRING("empty", ""));
    assert_line(" error x: \"two\\nlines\" name=\"a b=\\\"c\\\"\\n\\u001b[0m\" empty=\"\"\n");
    logline(LOG_DEBUG, "x", "not shown");
    assert_int_equal(lines.size, 0);
    logline_configure(LOG_OFF, LOG_TEXT);
    logline(LOG_ERROR, "x", "not shown");
    logline(LOG_OFF, "x", "not shown");
    assert_int_equal(lines.size, 0);
}

static void writes_json(void **state)
{
    (void) state;
    logline_configure(LOG_DEBUG, LOG_JSON);
    logline(LOG_DEBUG, "sink", "bad \"row\"\n", LOG_STRING("key", "\xff\xc3\xa9"),
            LOG_INT("n", INT64_MIN), LOG_DOUBLE("d", NAN), LOG_BOOL("b", false));
    json_error_t where;
    json_t *line = json_loadb((const char *) lines.data, lines.size, 0, &where);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "debug");
    assert_string_equal(json_string_value(json_object_get(line, "message")), "bad \"row\"\n");
    assert_string_equal(json_string_value(json_object_get(line, "key")), "\xef\xbf\xbd\xc3\xa9");
    assert_true(json_integer_value(json_object_get(line, "n")) == INT64_MIN);
    assert_true(json_is_null(json_object_get(line, "d")));
    assert_true(json_is_false(json_object_get(line, "b")));
    json_decref(line);
}

static void writes_errors(void **state)
{
    (void) state;
    struct error error;
    (void) error_set(&error, STATUS_AGAIN, "disk is full");
    error_hint(&error, "free some");
    error_code(&error, 28);
    logline_error(LOG_WARN, "sink", &error);
    assert_line(" warn  sink: disk is full status=again code=28 hint=\"free some\"\n");
}

static void counts_metrics(void **state)
{
    (void) state;
    struct metric *rows =
        metric_counter("leat_test_rows_total", "Rows.", "sink", "a\"b\\c\nd", NULL);
    assert_ptr_equal(metric_counter("leat_test_rows_total", "Rows.", "sink", "a\"b\\c\nd", NULL),
                     rows);
    struct metric *other =
        metric_counter("leat_test_rows_total", "Rows.", "sink", "x", "topic", "t", NULL);
    metric_add(rows, 1000);
    metric_add(rows, 1);
    metric_add(other, 5);
    assert_int_equal(metric_value(rows), 1001);
    struct metric *gauge = metric_gauge("leat_test_lag_seconds", "Lag.", NULL);
    metric_set(gauge, -0.25);
    struct metric *histogram =
        metric_histogram("leat_test_commit_seconds", "Commits.", "x", "y", NULL);
    static const double seconds[] = {0, 0.00001, 0.0000101, 0.5, 99, 1000, -1, NAN};
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        metric_observe(histogram, seconds[i]);
    }
    buffer_clear(&lines);
    metrics_write(&lines);
    const char *text = buffer_string(&lines);
    static const char *const parts[] = {
        "# HELP leat_test_rows_total Rows.\n# TYPE leat_test_rows_total counter\n"
        "leat_test_rows_total{sink=\"a\\\"b\\\\c\\nd\"} 1001\n"
        "leat_test_rows_total{sink=\"x\",topic=\"t\"} 5\n",
        "# TYPE leat_test_lag_seconds gauge\nleat_test_lag_seconds -0.25\n",
        "leat_test_commit_seconds_bucket{x=\"y\",le=\"1e-05\"} 4\n",
        "leat_test_commit_seconds_bucket{x=\"y\",le=\"2.5e-05\"} 5\n",
        "leat_test_commit_seconds_bucket{x=\"y\",le=\"0.5\"} 6\n",
        "leat_test_commit_seconds_bucket{x=\"y\",le=\"100\"} 7\n",
        "leat_test_commit_seconds_bucket{x=\"y\",le=\"+Inf\"} 8\n",
        "leat_test_commit_seconds_sum{x=\"y\"} 1099.500020",
        "leat_test_commit_seconds_count{x=\"y\"} 8\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (strstr(text, parts[i]) == NULL) {
            fail_msg("no \"%s\" in\n%s", parts[i], text);
        }
    }
}

static void *add_many(void *unused)
{
    (void) unused;
    for (int i = 0; i < 10000; i++) {
        metric_add(metric_counter("leat_test_threads_total", "x", NULL), 1);
    }
    return NULL;
}

static void counts_from_many_threads(void **state)
{
    (void) state;
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(metric_value(metric_counter("leat_test_threads_total", "x", NULL)), 40000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(writes_text),
        TEST(writes_json),
        TEST(writes_errors),
        TEST(counts_metrics),
        TEST(counts_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
