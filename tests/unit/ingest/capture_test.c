/* The capture worker between staging in SQLite and librdkafka's mock cluster, with each step made
 * to fail: what is in the topic is always each change once, in order. */

#include "ingest/capture.h"

#include "base/logline.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/sqlite/sqlite_stage.h"
#include "io/clock.h"
#include "io/file.h"
#include "test.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

#define SOURCE "users.people"

static rd_kafka_t *mock_owner;
static rd_kafka_mock_cluster_t *mock;

struct fixture {
    char directory[64];
    char url[96];
    char topic[32];
    struct stage *stage;
    struct log_client *log;
    struct capture_job job;
    struct notify bell;
    struct notify progress;
    struct arena arena;
    struct error error;
    int64_t staged;
    int64_t accepted_us;
};

static struct fixture f;
static int topic_count;

/* Staging and a log whose calls fail when a test says so. */
static int confirm_failures;
static int send_failures; /* after the records were written: the answer is lost */
static struct stage_ops failing_stage;
static struct log_ops failing_log;

static enum status
confirm(struct stage *stage, const char *source, int64_t position, struct error *error)
{
    if (confirm_failures > 0) {
        confirm_failures--;
        return error_set(error, STATUS_AGAIN, "the disk is full");
    }
    return sqlite_stage_ops.changes_confirm(stage, source, position, error);
}

static enum status send_records(struct log_writer *writer,
                                const struct log_out *records,
                                size_t count,
                                struct error *error)
{
    /* Half of it arrives, and nobody knows. */
    size_t part = send_failures > 0 ? count / 2 : count;
    TRY(kafka_log_ops.writer_send(writer, records, part, error));
    if (send_failures > 0) {
        send_failures--;
        return error_set(error, STATUS_UNAVAILABLE, "the connection is lost");
    }
    return STATUS_OK;
}

static int setup(void **state)
{
    (void) state;
    memset(&f, 0, sizeof(f));
    snprintf(f.directory, sizeof(f.directory), "/tmp/leat-capture-XXXXXX");
    assert_non_null(mkdtemp(f.directory));
    snprintf(f.url, sizeof(f.url), "%s/staging.db", f.directory);
    snprintf(f.topic, sizeof(f.topic), "people-%d", topic_count++);
    rd_kafka_mock_topic_create(mock, f.topic, 3, 1);
    notify_init(&f.bell);
    notify_init(&f.progress);
    arena_init(&f.arena, 0);
    failing_stage = sqlite_stage_ops;
    failing_stage.changes_confirm = confirm;
    failing_log = kafka_log_ops;
    failing_log.writer_send = send_records;
    confirm_failures = send_failures = 0;
    assert_ok(sqlite_stage_ops.open(f.url, &f.stage, &f.error), f.error);
    assert_ok(kafka_log_ops.open(rd_kafka_mock_cluster_bootstraps(mock), NULL, &f.log, &f.error),
              f.error);
    f.accepted_us = 1763837823123456;
    f.job = (struct capture_job){
        .source = SOURCE,
        .topic = {.name = f.topic, .partitions = 3},
        .stage_ops = &failing_stage,
        .stage_url = f.url,
        .log_ops = &failing_log,
        .log = f.log,
        .bell = &f.bell,
        .progress = &f.progress,
        .idle_us = 10000,
    };
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    kafka_log_ops.close(f.log);
    sqlite_stage_ops.close(f.stage);
    notify_deinit(&f.bell);
    notify_deinit(&f.progress);
    arena_deinit(&f.arena);
    assert_ok(directory_remove(f.directory, &f.error), f.error);
    return 0;
}

/* Stages `count` more rows, each with its number as key, every tenth followed by its delete. */
static void stage_rows(int count)
{
    struct stage_row *rows = ARENA_ARRAY(&f.arena, struct stage_row, (size_t) count);
    for (int i = 0; i < count; i++) {
        int number = (int) f.staged + i;
        bool deletes = number % 10 == 9;
        rows[i] = (struct stage_row){
            .op = deletes ? STAGE_DELETE : STAGE_UPSERT,
            .key = slice_of_string(arena_printf(&f.arena, "k%d", deletes ? number - 1 : number)),
            .json = SLICE("{}"),
            .value = SLICE("value"),
        };
        memcpy(rows[i].hash, &number, sizeof(number));
    }
    struct stage_page page = {
        .rows = rows, .count = (size_t) count, .accept_max = -1, .now_us = f.accepted_us};
    struct stage_result result;
    assert_ok(sqlite_stage_ops.page_commit(f.stage, SOURCE, &page, &result, &f.error), f.error);
    assert_int_equal(result.accepted, count);
    f.staged += count;
}

static void wait_until_ended(struct capture *capture)
{
    int64_t deadline_us = clock_monotonic_us() + 30000000;
    for (;;) {
        uint64_t seen = notify_seen(&f.progress);
        if (capture_ended(capture)) {
            return;
        }
        assert_true(clock_monotonic_us() < deadline_us);
        notify_wait(&f.progress, seen, 10000);
    }
}

/* Runs a capture until the outbox is empty. */
static struct capture_status drain(void)
{
    struct capture *capture;
    assert_ok(capture_start(&f.job, &capture, &f.error), f.error);
    capture_drain(capture);
    wait_until_ended(capture);
    struct capture_status status;
    capture_status(capture, &status);
    capture_free(capture);
    return status;
}

/* The topic holds positions 1 to f.staged, each once, in order within a partition. */
static void assert_exact(void)
{
    struct log_reader *reader;
    int64_t offsets[3] = {0};
    int64_t last[3] = {0};
    assert_ok(kafka_log_ops.reader_open(f.log, f.topic, offsets, 3, &reader, &f.error), f.error);
    struct log_partition *ranges;
    int32_t partitions;
    assert_ok(kafka_log_ops.topic_offsets(f.log, f.topic, &f.arena, &ranges, &partitions, &f.error),
              f.error);
    int64_t total = ranges[0].high + ranges[1].high + ranges[2].high;
    assert_int_equal(total, f.staged);
    bool *seen = ARENA_ARRAY(&f.arena, bool, (size_t) f.staged + 1);
    int64_t got = 0;
    int64_t deadline_us = clock_monotonic_us() + 60000000;
    while (got < total) {
        const struct log_in *records;
        size_t count;
        assert_ok(kafka_log_ops.reader_poll(reader, 1000, 5000000, &records, &count, &f.error),
                  f.error);
        /* A poll may bring nothing but the news that a partition has ended. */
        assert_true(count > 0 || clock_monotonic_us() < deadline_us);
        for (size_t i = 0; i < count; i++, got++) {
            const struct log_in *in = &records[i];
            int64_t position = in->identity.position;
            assert_in_range(position, 1, f.staged);
            assert_false(seen[position]);
            seen[position] = true;
            assert_true(position > last[in->partition]);
            last[in->partition] = position;
            assert_true(slice_equal_string(in->identity.source, SOURCE));
            assert_int_equal(in->identity.accepted_us, 1763837823123456);
            assert_int_equal(in->timestamp_ms, 1763837823123);
            bool deletes = (position - 1) % 10 == 9;
            assert_int_equal(in->value.data == NULL, deletes);
            char key[32];
            snprintf(key, sizeof(key), "k%d", (int) position - (deletes ? 2 : 1));
            assert_true(slice_equal_string(in->key, key));
        }
    }
    kafka_log_ops.reader_close(reader);
    int64_t confirmed;
    assert_ok(sqlite_stage_ops.changes_confirmed(f.stage, SOURCE, &confirmed, &f.error), f.error);
    assert_int_equal(confirmed, f.staged);
}

static void all_goes_through(void **state)
{
    (void) state;
    stage_rows(1000);
    struct capture_status status = drain();
    assert_int_equal(status.sent, 1000);
    assert_int_equal(status.lag, 0);
    assert_int_equal(status.partitions, 3);
    assert_exact();
    assert_int_equal(drain().sent, 0);
    stage_rows(50);
    assert_int_equal(drain().sent, 50);
    assert_exact();
}

/* As if it had been killed between the log's answer and the confirmation. */
static void confirmation_lost(void **state)
{
    (void) state;
    stage_rows(300);
    confirm_failures = 2;
    struct capture_status status = drain();
    assert_int_equal(status.sent, 0); /* of the batches that were counted */
    assert_int_equal(status.skipped, 300);
    assert_exact();
}

/* Some of a batch is in the log, some not, and the answer is lost. */
static void answer_lost(void **state)
{
    (void) state;
    stage_rows(301);
    send_failures = 3;
    struct capture_status status = drain();
    assert_true(status.skipped > 0);
    assert_exact();
}

/* What another capture of the same source wrote, whose confirmation never came, counts too. */
static void restart_over_foreign_records(void **state)
{
    (void) state;
    stage_rows(20);
    drain();
    struct log_writer *writer;
    assert_ok(kafka_log_ops.writer_open(f.log, f.topic, "other", LOG_GAPLESS, &writer, &f.error),
              f.error);
    struct log_out foreign = {.key = SLICE("x"), .value = SLICE("y")};
    assert_ok(kafka_log_ops.writer_send(writer, &foreign, 1, &f.error), f.error);
    kafka_log_ops.writer_close(writer);
    stage_rows(20);
    assert_int_equal(drain().sent, 20);
}

/* A topic that outlived its data directory: another staging must not take its records for its own.
 */
static void topic_of_another_staging(void **state)
{
    (void) state;
    stage_rows(20);
    drain();
    sqlite_stage_ops.close(f.stage);
    snprintf(f.url, sizeof(f.url), "%s/another.db", f.directory);
    assert_ok(sqlite_stage_ops.open(f.url, &f.stage, &f.error), f.error);
    /* Empty; with fewer changes than the topic has; with more, accepted at another time. */
    for (int64_t now_us = 1; now_us <= 3; now_us++) {
        struct capture *capture;
        assert_ok(capture_start(&f.job, &capture, &f.error), f.error);
        struct capture_status status;
        int64_t deadline_us = clock_monotonic_us() + 30000000;
        do {
            notify_wait(&f.progress, notify_seen(&f.progress), 5000);
            capture_status(capture, &status);
            assert_true(clock_monotonic_us() < deadline_us);
        } while (status.state != CAPTURE_RETRYING);
        assert_int_equal(status.last_error.status, STATUS_CONFIG);
        assert_false(status.last_error.retriable);
        assert_non_null(strstr(status.last_error.message, "did not write"));
        assert_int_equal(status.sent + status.skipped, 0);
        capture_free(capture);
        f.accepted_us = now_us;
        stage_rows(15);
    }
}

static void broker_errors(void **state)
{
    (void) state;
    stage_rows(100);
    rd_kafka_mock_push_request_errors(mock, 0, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
                                      RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    drain();
    assert_exact();
}

/* Runs on until it is stopped; a ring brings new rows at once. */
static void keeps_running(void **state)
{
    (void) state;
    f.job.idle_us = 60000000;
    struct capture *capture;
    assert_ok(capture_start(&f.job, &capture, &f.error), f.error);
    struct capture_status status;
    for (int round = 1; round <= 3; round++) {
        stage_rows(10);
        notify_ring(&f.bell);
        int64_t deadline_us = clock_monotonic_us() + 20000000;
        do {
            uint64_t seen = notify_seen(&f.progress);
            notify_wait(&f.progress, seen, 5000);
            capture_status(capture, &status);
            assert_true(clock_monotonic_us() < deadline_us);
        } while (status.confirmed < f.staged);
    }
    assert_false(capture_ended(capture));
    capture_free(capture);
    assert_exact();
}

static void nobody_there(void **state)
{
    (void) state;
    struct log_client *log;
    assert_ok(kafka_log_ops.open("127.0.0.1:1", NULL, &log, &f.error), f.error);
    f.job.log = log;
    struct capture *capture;
    assert_ok(capture_start(&f.job, &capture, &f.error), f.error);
    struct capture_status status;
    int64_t deadline_us = clock_monotonic_us() + 30000000;
    do {
        notify_wait(&f.progress, notify_seen(&f.progress), 5000);
        capture_status(capture, &status);
        assert_true(clock_monotonic_us() < deadline_us);
    } while (status.state != CAPTURE_RETRYING);
    assert_int_equal(status.last_error.status, STATUS_UNAVAILABLE);
    assert_non_null(strstr(status.last_error.message, "127.0.0.1:1"));
    capture_free(capture);
    kafka_log_ops.close(log);
}

int main(void)
{
    logline_configure(LOG_OFF, LOG_TEXT);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    mock_owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    mock = rd_kafka_mock_cluster_new(mock_owner, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_goes_through, setup, teardown),
        cmocka_unit_test_setup_teardown(confirmation_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(answer_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(restart_over_foreign_records, setup, teardown),
        cmocka_unit_test_setup_teardown(topic_of_another_staging, setup, teardown),
        cmocka_unit_test_setup_teardown(broker_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_running, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(mock_owner);
    return failures;
}
