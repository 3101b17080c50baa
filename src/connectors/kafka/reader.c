#include "base/memory.h"
#include "connectors/kafka/kafka_internal.h"

#include <inttypes.h>
#include <stdatomic.h>

/*
 * All partitions feed one queue. It is read in two steps: wait for the first message, then take
 * what else is there, as librdkafka's batch call waits until the batch is full.
 *
 * `auto.offset.reset=error`: an offset that retention took away must stop the reader.
 *
 * When the queue is full librdkafka stops fetching, and looks again only when the thread of a
 * connection wakes for another reason: up to a second later, without work for the reader. A request
 * to the leaders wakes them; it is sent each time a quarter of the queue was taken.
 */
#define QUEUE_RECORDS 100000
#define QUEUE_KB      32768
#define TEXT(number)  TEXT_OF(number)
#define TEXT_OF(text) #text
#define REFILL_MS     500

struct log_reader {
    struct kafka_handle *handle;
    rd_kafka_topic_t *topic;
    char *topic_name;
    rd_kafka_queue_t *queue;
    int32_t partitions;
    int32_t started;
    rd_kafka_message_t **messages; /* of the last poll, until released */
    size_t message_count;
    size_t message_capacity;
    struct log_in *records;
    size_t taken_records; /* since the leaders were woken */
    size_t taken_bytes;
    int64_t *positions; /* one a partition; -1: not known */
    const struct log_client *log;
    struct kafka_group *group; /* NULL: nothing was shown yet */
    atomic_bool woken;
};

static const char *const reader_settings[] = {
    "auto.offset.reset",
    "error",
    "enable.partition.eof",
    "true", /* tells the end where the last offset is a marker */
    "fetch.wait.max.ms",
    "500",
    "fetch.min.bytes",
    "1",
    "fetch.error.backoff.ms",
    "5",
    "queued.min.messages",
    TEXT(QUEUE_RECORDS),
    "queued.max.messages.kbytes",
    TEXT(QUEUE_KB),
    "fetch.message.max.bytes",
    "4194304",
    NULL,
};

void kafka_reader_close(struct log_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    kafka_reader_release(reader);
    kafka_group_free(reader->group);
    for (int32_t i = 0; i < reader->started; i++) {
        rd_kafka_consume_stop(reader->topic, i);
    }
    if (reader->queue != NULL) {
        rd_kafka_queue_destroy(reader->queue);
    }
    if (reader->topic != NULL) {
        rd_kafka_topic_destroy(reader->topic);
    }
    kafka_handle_free(reader->handle);
    mem_free(reader->messages);
    mem_free(reader->records);
    mem_free(reader->positions);
    mem_free(reader->topic_name);
    mem_free(reader);
}

enum status kafka_reader_open(struct log_client *log,
                              const char *topic,
                              const int64_t *offsets,
                              int32_t partitions,
                              struct log_reader **ret_reader,
                              struct error *error)
{
    struct log_reader *reader = mem_zalloc(sizeof(*reader));
    reader->topic_name = mem_strdup(topic);
    reader->partitions = partitions;
    reader->log = log;
    reader->positions = mem_calloc((size_t) partitions + 1, sizeof(reader->positions[0]));
    for (int32_t i = 0; i < partitions; i++) {
        reader->positions[i] = -1;
    }
    enum status status;
    TRY_OR_FAIL(kafka_handle_new(log, RD_KAFKA_CONSUMER, "leat", reader_settings, NULL,
                                 &reader->handle, error));
    reader->topic = rd_kafka_topic_new(reader->handle->rd, topic, NULL);
    reader->queue = rd_kafka_queue_new(reader->handle->rd);
    if (reader->topic == NULL) {
        status = kafka_error(reader->handle, rd_kafka_last_error(), error,
                             "cannot read topic \"%s\"", topic);
        goto fail;
    }
    for (int32_t i = 0; i < partitions; i++) {
        if (rd_kafka_consume_start_queue(reader->topic, i, offsets[i], reader->queue) != 0) {
            status = kafka_error(reader->handle, rd_kafka_last_error(), error,
                                 "cannot read partition %d of topic \"%s\"", (int) i, topic);
            goto fail;
        }
        reader->started++;
    }
    *ret_reader = reader;
    return STATUS_OK;

fail:
    kafka_reader_close(reader);
    return status;
}

struct identity kafka_identity(const rd_kafka_message_t *message)
{
    struct identity identity = {0};
    rd_kafka_headers_t *headers;
    const void *text;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, IDENTITY_HEADER, &text, &size) ==
            RD_KAFKA_RESP_ERR_NO_ERROR &&
        text != NULL && !identity_read(slice_of(text, size), &identity)) {
        identity = (struct identity){0};
    }
    return identity;
}

static struct log_in record_of(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    return (struct log_in){
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .key = slice_of(message->key, message->key_len),
        .value = slice_of(message->payload, message->len),
        .identity = kafka_identity(message),
        .origin = message,
    };
}

void kafka_record_headers(const struct log_in *record,
                          struct arena *arena,
                          struct log_header **ret_headers,
                          size_t *ret_count)
{
    rd_kafka_headers_t *headers;
    *ret_headers = NULL;
    *ret_count = 0;
    if (rd_kafka_message_headers(record->origin, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    size_t count = rd_kafka_header_cnt(headers);
    *ret_headers = ARENA_ARRAY(arena, struct log_header, count);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t size;
        if (rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            (*ret_headers)[(*ret_count)++] =
                (struct log_header){slice_of_string(name), slice_of(value, size)};
        }
    }
}

static void reserve(struct log_reader *reader, size_t count)
{
    if (count > reader->message_capacity) {
        reader->messages = mem_realloc(reader->messages, count * sizeof(reader->messages[0]));
        reader->records = mem_realloc(reader->records, count * sizeof(reader->records[0]));
        reader->message_capacity = count;
    }
}

/* Turns an error that came in place of a message into ours. */
static enum status
message_error(struct log_reader *reader, const rd_kafka_message_t *message, struct error *error)
{
    rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        kafka_error(reader->handle, code, error,
                    "partition %d of topic \"%s\" has no offset %" PRId64 " any more",
                    (int) message->partition, reader->topic_name, message->offset);
        error_hint(error, "retention removed records that were not read yet, or the topic was made "
                          "anew; \"leat rebuild\" starts from what is there");
        return STATUS_NOT_FOUND;
    }
    return kafka_error(reader->handle, code, error, "could not read partition %d of topic \"%s\"",
                       (int) message->partition, reader->topic_name);
}

/* Waits for one message in slices, as a wake-up of the queue may come a moment before the wait. */
static ssize_t take_first(struct log_reader *reader, int64_t timeout_us)
{
    int timeout_ms = (int) ((timeout_us + 999) / 1000);
    do {
        int slice_ms = timeout_ms < 100 ? timeout_ms : 100;
        ssize_t got = rd_kafka_consume_batch_queue(reader->queue, slice_ms, reader->messages, 1);
        if (got != 0) {
            return got;
        }
        timeout_ms -= slice_ms;
    } while (timeout_ms > 0 && !atomic_load(&reader->woken));
    return 0;
}

/* Asks for offsets that nobody needs: what counts is that the connections' threads wake. */
static void refill(struct log_reader *reader)
{
    if (reader->taken_records < QUEUE_RECORDS / 4 &&
        reader->taken_bytes < (size_t) QUEUE_KB * 1024 / 4) {
        return;
    }
    reader->taken_records = reader->taken_bytes = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(reader->partitions);
    for (int32_t i = 0; i < reader->partitions; i++) {
        rd_kafka_topic_partition_list_add(list, reader->topic_name, i)->offset =
            RD_KAFKA_OFFSET_END;
    }
    (void) rd_kafka_offsets_for_times(reader->handle->rd, list, REFILL_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

enum status kafka_reader_poll(struct log_reader *reader,
                              size_t count_max,
                              int64_t timeout_us,
                              const struct log_in **ret_records,
                              size_t *ret_count,
                              struct error *error)
{
    *ret_records = NULL;
    *ret_count = 0;
    kafka_reader_release(reader);
    reserve(reader, count_max);
    rd_kafka_poll(reader->handle->rd, 0);
    ssize_t got = count_max == 0 ? 0 : take_first(reader, timeout_us);
    atomic_store(&reader->woken, false);
    if (got == 1 && count_max > 1) {
        ssize_t more =
            rd_kafka_consume_batch_queue(reader->queue, 0, reader->messages + 1, count_max - 1);
        got += more > 0 ? more : 0;
    }
    if (got < 0) {
        return kafka_error(reader->handle, rd_kafka_last_error(), error,
                           "could not read topic \"%s\"", reader->topic_name);
    }
    reader->message_count = (size_t) got;
    size_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < reader->message_count; i++) {
        const rd_kafka_message_t *message = reader->messages[i];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            reader->records[count++] = record_of(message);
            reader->taken_bytes += message->len + message->key_len;
            reader->positions[message->partition] = message->offset + 1;
        } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            reader->positions[message->partition] = message->offset;
        } else if (status == STATUS_OK) {
            status = message_error(reader, message, error);
        }
    }
    TRY(status);
    if (count == 0 && atomic_exchange(&reader->handle->down, false)) {
        return kafka_error(reader->handle, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, error,
                           "could not read topic \"%s\"", reader->topic_name);
    }
    reader->taken_records += count;
    refill(reader);
    *ret_records = reader->records;
    *ret_count = count;
    return STATUS_OK;
}

void kafka_reader_release(struct log_reader *reader)
{
    for (size_t i = 0; i < reader->message_count; i++) {
        rd_kafka_message_destroy(reader->messages[i]);
    }
    reader->message_count = 0;
}

void kafka_reader_show(struct log_reader *reader,
                       const char *group,
                       const int64_t *offsets,
                       int32_t count)
{
    struct error error;
    if (reader->group == NULL &&
        kafka_group_new(reader->log, group, &reader->group, &error) != STATUS_OK) {
        return;
    }
    kafka_group_show(reader->group, reader->topic_name, offsets, count);
}

int64_t kafka_reader_position(const struct log_reader *reader, int32_t partition)
{
    return partition < reader->partitions ? reader->positions[partition] : -1;
}

void kafka_reader_wake(struct log_reader *reader)
{
    atomic_store(&reader->woken, true);
    rd_kafka_queue_yield(reader->queue);
}
