/* The log contract over librdkafka's mock cluster, which is the library's own, and its failures. */

#include "connectors/kafka/kafka_log.h"

#include "log_contract.h"
#include "test.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

static rd_kafka_t *mock_owner;
static rd_kafka_mock_cluster_t *mock;

static void topic_make(void *context, const char *topic, int32_t partitions)
{
    (void) context;
    rd_kafka_mock_topic_create(mock, topic, partitions, 1);
}

static void unreachable(void **state)
{
    (void) state;
    struct log_client *log = NULL;
    struct error error;
    const char *const settings[] = {"socket.connection.setup.timeout.ms", "1000", NULL};
    assert_ok(kafka_log_ops.open("127.0.0.1:1", settings, &log, &error), error);
    int64_t offset = 0;
    struct log_reader *reader = NULL;
    assert_ok(kafka_log_ops.reader_open(log, "t", &offset, 1, &reader, &error), error);
    enum status status = STATUS_OK;
    for (int i = 0; i < 20 && status == STATUS_OK; i++) {
        const struct log_in *records;
        size_t count;
        status = kafka_log_ops.reader_poll(reader, 10, 500000, &records, &count, &error);
    }
    assert_int_equal(status, STATUS_UNAVAILABLE);
    assert_true(error.retriable);
    assert_non_null(strstr(error.message, "refused"));
    kafka_log_ops.reader_close(reader);
    kafka_log_ops.close(log);
}

/* A record that the broker refuses makes the writer unfit; a new one goes on. */
static void send_fails(void **state)
{
    (void) state;
    struct log_client *log = NULL;
    struct error error;
    const char *address = rd_kafka_mock_cluster_bootstraps(mock);
    topic_make(NULL, "refused", 1);
    assert_ok(kafka_log_ops.open(address, NULL, &log, &error), error);
    struct log_writer *writer = NULL;
    assert_ok(kafka_log_ops.writer_open(log, "refused", "p.s", LOG_GAPLESS, &writer, &error),
              error);
    struct log_out out = {.key = SLICE("k"), .value = SLICE("v")};
    rd_kafka_mock_push_request_errors(mock, 0, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_fails(kafka_log_ops.writer_send(writer, &out, 1, &error), STATUS_CONFIG, error,
                 "refused");
    assert_fails(kafka_log_ops.writer_send(writer, &out, 1, &error), STATUS_AGAIN, error, "anew");
    kafka_log_ops.writer_close(writer);
    assert_ok(kafka_log_ops.writer_open(log, "refused", "p.s", LOG_GAPLESS, &writer, &error),
              error);
    assert_ok(kafka_log_ops.writer_send(writer, &out, 1, &error), error);
    kafka_log_ops.writer_close(writer);
    kafka_log_ops.close(log);
}

/* What the broker may recover from is retried inside, in order and once. */
static void send_retries(void **state)
{
    (void) state;
    struct log_client *log = NULL;
    struct error error;
    topic_make(NULL, "retried", 1);
    assert_ok(kafka_log_ops.open(rd_kafka_mock_cluster_bootstraps(mock), NULL, &log, &error),
              error);
    struct log_writer *writer = NULL;
    assert_ok(kafka_log_ops.writer_open(log, "retried", "p.s", LOG_GAPLESS, &writer, &error),
              error);
    struct log_out out = {.key = SLICE("k"), .value = SLICE("v")};
    rd_kafka_mock_push_request_errors(mock, 0, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    assert_ok(kafka_log_ops.writer_send(writer, &out, 1, &error), error);
    kafka_log_ops.writer_close(writer);
    struct arena arena;
    arena_init(&arena, 0);
    struct log_partition *ranges;
    int32_t count;
    assert_ok(kafka_log_ops.topic_offsets(log, "retried", &arena, &ranges, &count, &error), error);
    assert_int_equal(ranges[0].high, 1);
    arena_deinit(&arena);
    kafka_log_ops.close(log);
}

/* As Kafka answers for a topic that it has just made: its leader is known before it serves. */
static void offsets_of_a_leader_that_does_not_serve_yet(void **state)
{
    (void) state;

    enum {
        LIST_OFFSETS = 2
    };
    struct log_client *log = NULL;
    struct error error;
    topic_make(NULL, "young", 1);
    assert_ok(kafka_log_ops.open(rd_kafka_mock_cluster_bootstraps(mock), NULL, &log, &error),
              error);
    struct arena arena;
    arena_init(&arena, 0);
    struct log_partition *ranges;
    int32_t count;
    const rd_kafka_resp_err_t young = RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    rd_kafka_mock_push_request_errors(mock, LIST_OFFSETS, 5, young, young, young, young, young);
    assert_ok(kafka_log_ops.topic_offsets(log, "young", &arena, &ranges, &count, &error), error);
    assert_int_equal(ranges[0].high, 0);
    arena_deinit(&arena);
    kafka_log_ops.close(log);
}

/* What a broker says of every topic for a moment after its start. */
static void an_unknown_topic_may_show_up_again(void **state)
{
    (void) state;
    struct log_client *log = NULL;
    struct error error;
    topic_make(NULL, "hidden", 1);
    assert_ok(kafka_log_ops.open(rd_kafka_mock_cluster_bootstraps(mock), NULL, &log, &error),
              error);
    struct arena arena;
    arena_init(&arena, 0);
    struct log_partition *ranges;
    int32_t count;
    rd_kafka_mock_topic_set_error(mock, "hidden", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_fails(kafka_log_ops.topic_offsets(log, "hidden", &arena, &ranges, &count, &error),
                 STATUS_NOT_FOUND, error, "hidden");
    assert_true(error.retriable);
    rd_kafka_mock_topic_set_error(mock, "hidden", RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_ok(kafka_log_ops.topic_offsets(log, "hidden", &arena, &ranges, &count, &error), error);
    arena_deinit(&arena);
    kafka_log_ops.close(log);
}

int main(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    mock_owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    mock = rd_kafka_mock_cluster_new(mock_owner, 1);
    struct log_contract contract = {
        .ops = &kafka_log_ops,
        .address = rd_kafka_mock_cluster_bootstraps(mock),
        .topic_make = topic_make,
        .makes_on_lookup = true,
    };
    int failures = log_contract(&contract);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unreachable),
        cmocka_unit_test(send_fails),
        cmocka_unit_test(send_retries),
        cmocka_unit_test(an_unknown_topic_may_show_up_again),
        cmocka_unit_test(offsets_of_a_leader_that_does_not_serve_yet),
    };
    failures += cmocka_run_group_tests(tests, NULL, NULL);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(mock_owner);
    return failures;
}
