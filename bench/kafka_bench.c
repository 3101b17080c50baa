/*
 * Produce and consume with librdkafka, against a broker or librdkafka's own in-memory mock: the
 * same client, the same records, so that what differs is the broker.
 *
 *     kafka_bench HOST:PORT|mock RECORDS BYTES
 *
 * Prints one JSON object: records and megabytes a second each way. acks=all, idempotence off, one
 * partition, no compression.
 */

#include "base/memory.h"
#include "io/clock.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "leat-bench"

static int64_t delivered;
static int64_t failed;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    (void) client;
    (void) context;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        delivered++;
    } else {
        failed++;
    }
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[512];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK) {
        (void) fprintf(stderr, "%s: %s\n", name, text);
        exit(1);
    }
}

static rd_kafka_conf_t *configuration(const char *address)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (strcmp(address, "mock") == 0) {
        set(conf, "test.mock.num.brokers", "1");
    } else {
        set(conf, "bootstrap.servers", address);
    }
    return conf;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char text[512];
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
    if (client == NULL) {
        (void) fprintf(stderr, "%s\n", text);
        exit(1);
    }
    return client;
}

static double produce(rd_kafka_t *client, rd_kafka_topic_t *topic, int64_t records, size_t bytes)
{
    char *value = mem_alloc(bytes + 1);
    memset(value, 'x', bytes);
    int64_t start_us = clock_monotonic_us();
    for (int64_t i = 0; i < records;) {
        if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, bytes, NULL, 0, NULL) == 0) {
            i++;
        } else {
            (void) rd_kafka_poll(client, 10); /* the queue is full */
        }
        if (i % 1000 == 0) {
            (void) rd_kafka_poll(client, 0);
        }
    }
    (void) rd_kafka_flush(client, 120000);
    mem_free(value);
    return (double) (clock_monotonic_us() - start_us) / 1e6;
}

static double consume(rd_kafka_t *client, int64_t records)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, TOPIC, NULL);
    (void) rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING);

    enum {
        BATCH = 10000
    };

    static rd_kafka_message_t *messages[BATCH];
    int64_t start_us = 0;
    int64_t seen = 0;
    while (seen < records) {
        ssize_t count = rd_kafka_consume_batch(topic, 0, 1000, messages, BATCH);
        if (start_us == 0 && count > 0) {
            start_us = clock_monotonic_us();
        }
        for (ssize_t i = 0; i < count; i++) {
            seen += messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    double seconds = (double) (clock_monotonic_us() - start_us) / 1e6;
    (void) rd_kafka_consume_stop(topic, 0);
    rd_kafka_topic_destroy(topic);
    return seconds;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void) fprintf(stderr, "usage: kafka_bench HOST:PORT|mock RECORDS BYTES\n");
        return 64;
    }
    int64_t records = atoll(argv[2]);
    size_t bytes = (size_t) atoll(argv[3]);
    rd_kafka_conf_t *conf = configuration(argv[1]);
    set(conf, "acks", "all");
    set(conf, "linger.ms", "50");
    set(conf, "batch.size", "1000000");
    set(conf, "queue.buffering.max.messages", "1000000");
    set(conf, "queue.buffering.max.kbytes", "1000000");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, TOPIC, NULL);
    double produced = produce(producer, topic, records, bytes);
    if (failed > 0 || delivered != records) {
        (void) fprintf(stderr, "%lld of %lld were delivered\n", (long long) delivered,
                       (long long) records);
        return 1;
    }

    /* The mock lives in the producer's process: the consumer asks the producer for its address. */
    double consumed = 0;
    if (strcmp(argv[1], "mock") != 0) {
        rd_kafka_conf_t *reading = configuration(argv[1]);
        set(reading, "group.id", "leat-bench");
        set(reading, "fetch.message.max.bytes", "8000000");
        set(reading, "queued.min.messages", "1000000");
        rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, reading);
        consumed = consume(consumer, records);
        rd_kafka_destroy(consumer);
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    double megabytes = (double) records * (double) bytes / 1e6;
    (void) printf("{\"records\":%lld,\"bytes\":%zu,\"produce_records_s\":%.0f,"
                  "\"produce_mb_s\":%.1f,\"consume_records_s\":%.0f,\"consume_mb_s\":%.1f}\n",
                  (long long) records, bytes, (double) records / produced, megabytes / produced,
                  consumed > 0 ? (double) records / consumed : 0,
                  consumed > 0 ? megabytes / consumed : 0);
    return 0;
}
