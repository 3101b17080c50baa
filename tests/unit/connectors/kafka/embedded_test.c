/* The log contract over leat's own broker, and what it must keep when it goes and comes back. */

#include "connectors/kafka/kafka_log.h"

#include "broker/broker.h"
#include "io/file.h"
#include "log_contract.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static char directory[64];
static struct broker *broker;

static enum status start(int port, struct error *error)
{
    struct broker_config config;
    broker_config_init(&config);
    config.directory = directory;
    config.host = "127.0.0.1";
    config.port = port;
    config.auto_create = true; /* a look at a topic may still not make it */
    return broker_open(&config, &broker, error);
}

/* A writer that is idle while the broker restarts goes on, and nothing is lost. */
static void restart(void **state)
{
    (void) state;
    struct log_client *log = NULL;
    struct error error;
    char address[64];
    snprintf(address, sizeof(address), "%s", broker_address(broker));
    assert_ok(kafka_log_ops.open(address, NULL, &log, &error), error);
    struct topic_spec spec = {.name = "restart", .partitions = 1};
    int32_t count;
    assert_ok(kafka_log_ops.topic_ensure(log, &spec, &count, &error), error);
    struct log_writer *writer = NULL;
    assert_ok(kafka_log_ops.writer_open(log, "restart", "p.s", LOG_GAPLESS, &writer, &error),
              error);
    struct log_out out = {.key = SLICE("k"),
                          .value = SLICE("v"),
                          .identity = {.source = SLICE("p.s"), .epoch = 1, .position = 1}};
    assert_ok(kafka_log_ops.writer_send(writer, &out, 1, &error), error);
    broker_free(broker);
    assert_ok(start(atoi(strrchr(address, ':') + 1), &error), error);
    out.identity.position = 2;
    assert_ok(kafka_log_ops.writer_send(writer, &out, 1, &error), error);
    kafka_log_ops.writer_close(writer);
    struct arena arena;
    arena_init(&arena, 0);
    struct identity *newest;
    assert_ok(kafka_log_ops.newest_identities(log, "restart", "p.s", false, &arena, &newest, &count,
                                              &error),
              error);
    assert_int_equal(newest[0].position, 2);
    struct log_partition *ranges;
    assert_ok(kafka_log_ops.topic_offsets(log, "restart", &arena, &ranges, &count, &error), error);
    assert_int_equal(ranges[0].high, 2);
    arena_deinit(&arena);
    kafka_log_ops.close(log);
}

int main(void)
{
    struct error error;
    snprintf(directory, sizeof(directory), "/tmp/leat-broker-XXXXXX");
    if (mkdtemp(directory) == NULL || start(0, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct log_contract contract = {.ops = &kafka_log_ops, .address = broker_address(broker)};
    int failures = log_contract(&contract);
    const struct CMUnitTest tests[] = {cmocka_unit_test(restart)};
    failures += cmocka_run_group_tests(tests, NULL, NULL);
    broker_free(broker);
    if (directory_remove(directory, &error) != STATUS_OK) {
        failures++;
    }
    return failures;
}
