/* The way into Kafka, from librdkafka's settings to those of the Java client that Spark has. */

#include "base/buffer.h"
#include "cluster/spark/task.h"
#include "io/file.h"

#include <string.h>

#define PEM_BYTES_MAX (256 * 1024)

/* Settings that are the same, or hold the text (or name the file) of a PEM. */
static const struct {
    const char *name;
    const char *java;
    bool is_file;
} known[] = {
    {"security.protocol", "kafka.security.protocol", false},
    {"sasl.mechanism", "kafka.sasl.mechanism", false},
    {"sasl.mechanisms", "kafka.sasl.mechanism", false},
    {"ssl.ca.location", "kafka.ssl.truststore.certificates", true},
    {"ssl.ca.pem", "kafka.ssl.truststore.certificates", false},
    {"ssl.certificate.location", "kafka.ssl.keystore.certificate.chain", true},
    {"ssl.certificate.pem", "kafka.ssl.keystore.certificate.chain", false},
    {"ssl.key.location", "kafka.ssl.keystore.key", true},
    {"ssl.key.pem", "kafka.ssl.keystore.key", false},
    {"ssl.key.password", "kafka.ssl.key.password", false},
};

static const char *value_of(const char *const *settings, const char *name)
{
    for (size_t i = 0; settings[i] != NULL; i += 2) {
        if (strcmp(settings[i], name) == 0) {
            return settings[i + 1];
        }
    }
    return NULL;
}

static void add(struct spark_kafka *kafka, const char *name, const char *value)
{
    if (kafka->count + 2 <= ARRAY_SIZE(kafka->options)) {
        kafka->options[kafka->count++] = name;
        kafka->options[kafka->count++] = value;
    }
}

static bool has(const struct spark_kafka *kafka, const char *prefix)
{
    for (size_t i = 0; i < kafka->count; i += 2) {
        if (strncmp(kafka->options[i], prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

static enum status
load(const char *file, struct arena *arena, const char **ret_text, struct error *error)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (file_load(file, PEM_BYTES_MAX, &text, error) != STATUS_OK) {
        error->status = STATUS_CONFIG;
        error->retriable = false;
        error_context(error, "log_settings, for Spark");
        return STATUS_CONFIG;
    }
    *ret_text = arena_string(arena, buffer_slice(&text));
    return STATUS_OK;
}

/* In JAAS a text stands between double quotes. */
static void append_text(struct buffer *jaas, const char *name, const char *value)
{
    buffer_printf(jaas, " %s=\"", name);
    for (const char *at = value; *at != '\0'; at++) {
        buffer_printf(jaas, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    }
    buffer_append_byte(jaas, '"');
}

static enum status take_password(const char *const *settings,
                                 struct arena *arena,
                                 struct spark_kafka *kafka,
                                 struct error *error)
{
    const char *user = value_of(settings, "sasl.username");
    const char *password = value_of(settings, "sasl.password");
    const char *mechanism = value_of(settings, "sasl.mechanism");
    mechanism = mechanism == NULL ? value_of(settings, "sasl.mechanisms") : mechanism;
    if (mechanism == NULL || user == NULL || password == NULL) {
        return STATUS_OK;
    }
    bool plain = strcmp(mechanism, "PLAIN") == 0;
    if (!plain && strncmp(mechanism, "SCRAM-", 6) != 0) {
        return error_set(error, STATUS_CONFIG,
                         "log_settings: Spark is told of PLAIN and SCRAM, not of sasl.mechanism %s",
                         mechanism);
    }
    struct buffer jaas CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&jaas, "org.apache.kafka.common.security.%s required",
                  plain ? "plain.PlainLoginModule" : "scram.ScramLoginModule");
    append_text(&jaas, "username", user);
    append_text(&jaas, "password", password);
    buffer_append_byte(&jaas, ';');
    add(kafka, "kafka.sasl.jaas.config", arena_string(arena, buffer_slice(&jaas)));
    return STATUS_OK;
}

enum status spark_kafka_take(const char *const *settings,
                             struct arena *arena,
                             struct spark_kafka *ret_kafka,
                             struct error *error)
{
    *ret_kafka = (struct spark_kafka){.count = 0};
    if (settings == NULL) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        const char *value = value_of(settings, known[i].name);
        if (value != NULL && known[i].is_file) {
            TRY(load(value, arena, &value, error));
        }
        if (value != NULL) {
            add(ret_kafka, known[i].java, value);
        }
    }
    if (has(ret_kafka, "kafka.ssl.truststore.")) {
        add(ret_kafka, "kafka.ssl.truststore.type", "PEM");
    }
    if (has(ret_kafka, "kafka.ssl.keystore.")) {
        add(ret_kafka, "kafka.ssl.keystore.type", "PEM");
    }
    const char *names = value_of(settings, "ssl.endpoint.identification.algorithm");
    if (names != NULL) {
        add(ret_kafka, "kafka.ssl.endpoint.identification.algorithm",
            strcmp(names, "none") == 0 ? "" : names);
    }
    return take_password(settings, arena, ret_kafka, error);
}
