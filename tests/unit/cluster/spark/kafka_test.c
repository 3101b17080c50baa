/* librdkafka's settings as those of Kafka's Java client; names as in Kafka's documentation. */

#include "cluster/spark/task.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *option(const struct spark_kafka *kafka, const char *name)
{
    for (size_t i = 0; i < kafka->count; i += 2) {
        if (strcmp(kafka->options[i], name) == 0) {
            return kafka->options[i + 1];
        }
    }
    return NULL;
}

static void a_plain_log_needs_nothing(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct error error;
    struct spark_kafka kafka;
    static const char *const none[] = {NULL};
    assert_ok(spark_kafka_take(NULL, &arena, &kafka, &error), error);
    assert_int_equal(kafka.count, 0);
    assert_ok(spark_kafka_take(none, &arena, &kafka, &error), error);
    assert_int_equal(kafka.count, 0);
}

static void passwords_stand_in_jaas(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct error error;
    struct spark_kafka kafka;
    static const char *const scram[] = {"security.protocol",
                                        "SASL_PLAINTEXT",
                                        "sasl.mechanism",
                                        "SCRAM-SHA-512",
                                        "sasl.username",
                                        "leat",
                                        "sasl.password",
                                        "a \"b\" \\c; d=e",
                                        "linger.ms",
                                        "5",
                                        NULL};
    assert_ok(spark_kafka_take(scram, &arena, &kafka, &error), error);
    assert_string_equal(option(&kafka, "kafka.security.protocol"), "SASL_PLAINTEXT");
    assert_string_equal(option(&kafka, "kafka.sasl.mechanism"), "SCRAM-SHA-512");
    assert_string_equal(option(&kafka, "kafka.sasl.jaas.config"),
                        "org.apache.kafka.common.security.scram.ScramLoginModule required "
                        "username=\"leat\" password=\"a \\\"b\\\" \\\\c; d=e\";");
    assert_null(option(&kafka, "kafka.linger.ms"));
    static const char *const other[] = {
        "sasl.mechanism", "GSSAPI", "sasl.username", "a", "sasl.password", "b", NULL};
    assert_fails(spark_kafka_take(other, &arena, &kafka, &error), STATUS_CONFIG, error, "GSSAPI");
}

static void certificates_travel_as_text(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct error error;
    struct spark_kafka kafka;
    char file[] = "/tmp/leat-kafka-test-XXXXXX";
    int handle = mkstemp(file);
    assert_true(handle >= 0);
    assert_int_equal(write(handle, "-----BEGIN", 10), 10);
    (void) close(handle);
    const char *const tls[] = {"security.protocol",
                               "SSL",
                               "ssl.ca.location",
                               file,
                               "ssl.key.pem",
                               "key",
                               "ssl.endpoint.identification.algorithm",
                               "none",
                               NULL};
    assert_ok(spark_kafka_take(tls, &arena, &kafka, &error), error);
    assert_string_equal(option(&kafka, "kafka.ssl.truststore.type"), "PEM");
    assert_string_equal(option(&kafka, "kafka.ssl.truststore.certificates"), "-----BEGIN");
    assert_string_equal(option(&kafka, "kafka.ssl.keystore.type"), "PEM");
    assert_string_equal(option(&kafka, "kafka.ssl.endpoint.identification.algorithm"), "");
    (void) unlink(file);
    assert_fails(spark_kafka_take(tls, &arena, &kafka, &error), STATUS_CONFIG, error, file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_log_needs_nothing),
        cmocka_unit_test(passwords_stand_in_jaas),
        cmocka_unit_test(certificates_travel_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
