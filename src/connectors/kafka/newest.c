#include "base/memory.h"
#include "connectors/kafka/kafka_internal.h"

#include <inttypes.h>

/*
 * Exact capture reads back what of a source is in the log: for each partition the newest identity.
 * From the end backwards, in windows that grow tenfold and do not overlap, so that the usual case
 * reads a few records and the worst case the topic once.
 */
#define FIRST_WINDOW 500
#define WINDOW_MAX   5000000

static const char *const newest_settings[] = {
    "auto.offset.reset",
    "error",
    "enable.partition.eof",
    "true",
    "fetch.wait.max.ms",
    "10",
    "fetch.error.backoff.ms",
    "5",
    "queued.max.messages.kbytes",
    "16384",
    NULL,
};

/* Marks the end of the source in one window of a partition: offsets in [from, to). */
static enum status scan_window(struct kafka_handle *handle,
                               rd_kafka_topic_t *topic,
                               int32_t partition,
                               int64_t from,
                               int64_t to,
                               struct slice source,
                               struct identity *newest,
                               struct error *error)
{
    if (rd_kafka_consume_start(topic, partition, from) != 0) {
        return kafka_error(handle, rd_kafka_last_error(), error, "cannot read back partition %d",
                           (int) partition);
    }
    enum status status = STATUS_OK;
    bool done = false;
    while (!done) {
        rd_kafka_message_t *message = rd_kafka_consume(topic, partition, KAFKA_REQUEST_MS);
        if (message == NULL) {
            status = kafka_error(handle, RD_KAFKA_RESP_ERR__TIMED_OUT, error,
                                 "could not read back partition %d of topic \"%s\"",
                                 (int) partition, rd_kafka_topic_name(topic));
            break;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            done = true;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            status = kafka_error(handle, message->err, error,
                                 "could not read back partition %d of topic \"%s\"",
                                 (int) partition, rd_kafka_topic_name(topic));
            done = true;
        } else {
            struct identity identity = kafka_identity(message);
            if (message->offset < to && slice_equal(identity.source, source) &&
                identity_compare(&identity, newest) > 0) {
                *newest = identity;
                newest->source = source;
            }
            done = message->offset + 1 >= to;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(topic, partition);
    return status;
}

static enum status scan_partition(struct kafka_handle *handle,
                                  rd_kafka_topic_t *topic,
                                  int32_t partition,
                                  struct log_partition range,
                                  struct slice source,
                                  struct identity *newest,
                                  struct error *error)
{
    int64_t window = FIRST_WINDOW;
    int64_t to = range.high;
    while (to > range.low && newest->position < 0) {
        int64_t from = to - range.low > window ? to - window : range.low;
        TRY(scan_window(handle, topic, partition, from, to, source, newest, error));
        to = from;
        window = window * 10 > WINDOW_MAX ? WINDOW_MAX : window * 10;
    }
    return STATUS_OK;
}

/* Where an open transaction stands in front of them, records that are committed cannot be read yet:
 * ours may be among them, and would be sent again. A transaction of ours is none of these: the
 * writer that was opened before has ended it. */
static enum status check_settled(struct log_client *log,
                                 const char *topic,
                                 const struct log_partition *ranges,
                                 struct arena *arena,
                                 struct error *error)
{
    int64_t *ends;
    int32_t count;
    TRY(kafka_topic_ends(log, topic, arena, &ends, &count, error));
    for (int32_t i = 0; i < count; i++) {
        if (ranges[i].high < ends[i]) {
            (void) error_set(error, STATUS_AGAIN,
                             "partition %d of topic \"%s\" has an open transaction", (int) i,
                             topic);
            error_hint(error, "Kafka ends it at its time-out, 15 minutes at most; its own "
                              "kafka-transactions.sh shows whose it is");
            return STATUS_AGAIN;
        }
    }
    return STATUS_OK;
}

enum status kafka_newest_identities(struct log_client *log,
                                    const char *topic,
                                    const char *source,
                                    bool settled,
                                    struct arena *arena,
                                    struct identity **ret_identities,
                                    int32_t *ret_count,
                                    struct error *error)
{
    struct log_partition *ranges;
    int32_t count;
    TRY(kafka_topic_offsets(log, topic, arena, &ranges, &count, error));
    struct identity *identities = ARENA_ARRAY(arena, struct identity, (size_t) count);
    struct slice name = slice_of_string(arena_strdup(arena, source));
    bool empty = true;
    for (int32_t i = 0; i < count; i++) {
        identities[i] = (struct identity){.source = name, .position = -1};
        empty = empty && ranges[i].low == ranges[i].high;
    }
    *ret_identities = identities;
    *ret_count = count;
    if (settled) {
        TRY(check_settled(log, topic, ranges, arena, error));
    }
    if (empty) {
        return STATUS_OK;
    }
    struct kafka_handle *handle;
    TRY(kafka_handle_new(log, RD_KAFKA_CONSUMER, source, newest_settings, NULL, &handle, error));
    enum status status = STATUS_OK;
    rd_kafka_topic_t *reading = rd_kafka_topic_new(handle->rd, topic, NULL);
    if (reading == NULL) {
        status =
            kafka_error(handle, rd_kafka_last_error(), error, "cannot read topic \"%s\"", topic);
    }
    for (int32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = scan_partition(handle, reading, i, ranges[i], name, &identities[i], error);
    }
    if (reading != NULL) {
        rd_kafka_topic_destroy(reading);
    }
    kafka_handle_free(handle);
    return status;
}
