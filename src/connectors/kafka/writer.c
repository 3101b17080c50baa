#include "base/buffer.h"
#include "base/memory.h"
#include "connectors/kafka/kafka_internal.h"
#include "io/clock.h"
#include "io/crash.h"

#include <string.h>

struct log_writer {
    struct kafka_handle *handle;
    rd_kafka_topic_t *topic;
    char *topic_name;
    /* Written by the delivery callback, which runs in the thread that flushes. */
    size_t undelivered;
    rd_kafka_resp_err_t failure;
    bool unfit;
    bool transactional;
    struct buffer header;
};

/* After a kill, readers of committed records wait for the time-out at most, or until the next
 * writer of the same id opens. */
#define TRANSACTION_TIMEOUT    "transaction.timeout.ms"
#define TRANSACTION_TIMEOUT_MS "60000"

/* No message takes longer, says message.timeout.ms; but where a broker dies while it is asked to
 * take a partition into a transaction, librdkafka 2.0.2 now and then forgets the messages behind
 * it. */
#define DELIVERY_MAX_US (18 * INT64_C(1000000))
#define PURGE_MAX_US    (3 * INT64_C(1000000))

/* `linger.ms` only bounds how long librdkafka waits for more while we enqueue; the flush at the end
 * of a send cuts it short. */
static const char *const writer_settings[] = {
    "enable.idempotence",
    "true",
    "acks",
    "all",
    "partitioner",
    "murmur2_random",
    "linger.ms",
    "50",
    "batch.num.messages",
    "10000",
    "queue.buffering.max.messages",
    "200000",
    "queue.buffering.max.kbytes",
    "262144",
    "message.max.bytes",
    "1048576", /* as topics have it by default, and librdkafka not */
    "message.timeout.ms",
    "15000", /* DELIVERY_MAX_US is more */
    NULL,
};

static void on_delivery(rd_kafka_t *rd, const rd_kafka_message_t *message, void *opaque)
{
    (void) rd;
    (void) opaque;
    struct log_writer *writer = message->_private;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* The first is the cause; purged ones behind it only follow. */
        if (writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
            writer->failure = message->err;
        }
        return;
    }
    writer->undelivered--;
}

void kafka_writer_close(struct log_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->handle != NULL) {
        rd_kafka_purge(writer->handle->rd, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(writer->handle->rd, 1000);
    }
    if (writer->topic != NULL) {
        rd_kafka_topic_destroy(writer->topic);
    }
    kafka_handle_free(writer->handle);
    buffer_deinit(&writer->header);
    mem_free(writer->topic_name);
    mem_free(writer);
}

/* What the profile says of the one setting of writers that it may choose. */
static const char *
profile_setting(const struct log_client *log, const char *name, const char *otherwise)
{
    for (char **at = log->settings; at != NULL && *at != NULL; at += 2) {
        if (strcmp(at[0], name) == 0) {
            return at[1];
        }
    }
    return otherwise;
}

/* The settings above with those of its kind. Gapless: after one message fails, those behind it in
 * its partition fail too, so that what is in the log is always a prefix of what was sent. */
static void settings_of(const struct log_writer *writer,
                        const struct log_client *log,
                        const char *id,
                        const char **settings)
{
    size_t count = 0;
    for (; writer_settings[count] != NULL; count++) {
        settings[count] = writer_settings[count];
    }
    if (writer->transactional) {
        settings[count++] = "transactional.id";
        settings[count++] = id;
        settings[count++] = TRANSACTION_TIMEOUT;
        settings[count++] = profile_setting(log, TRANSACTION_TIMEOUT, TRANSACTION_TIMEOUT_MS);
    } else {
        settings[count++] = "enable.gapless.guarantee";
        settings[count++] = "true";
    }
    settings[count] = NULL;
}

enum status kafka_writer_open(struct log_client *log,
                              const char *topic,
                              const char *writer_id,
                              enum log_writing writing,
                              struct log_writer **ret_writer,
                              struct error *error)
{
    struct log_writer *writer = mem_zalloc(sizeof(*writer));
    writer->topic_name = mem_strdup(topic);
    writer->transactional = writing == LOG_TRANSACTIONAL;
    CLEANUP(mem_free_pointer) char *id = mem_printf("leat.%s", writer_id);
    const char *settings[ARRAY_SIZE(writer_settings) + 4];
    settings_of(writer, log, id, settings);
    enum status status;
    TRY_OR_FAIL(kafka_handle_new(log, RD_KAFKA_PRODUCER, writer_id, settings, on_delivery,
                                 &writer->handle, error));
    if (writer->transactional) {
        TRY_OR_FAIL(kafka_transaction_init(writer->handle, topic, error));
    }
    writer->topic = rd_kafka_topic_new(writer->handle->rd, topic, NULL);
    if (writer->topic == NULL) {
        status = kafka_error(writer->handle, rd_kafka_last_error(), error,
                             "cannot write to topic \"%s\"", topic);
        goto fail;
    }
    *ret_writer = writer;
    return STATUS_OK;

fail:
    kafka_writer_close(writer);
    return status;
}

static rd_kafka_resp_err_t enqueue(struct log_writer *writer, const struct log_out *record)
{
    /* librdkafka takes both by non-const pointers but only reads them. An empty value that is there
     * differs from a delete by its pointer alone. */
    union {
        const void *in;
        void *out;
    } key = {.in = record->key.data}, value = {.in = record->value.data};

    rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = writer->topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {key.out, record->key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {value.out, record->value.size}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = writer},
        {.vtype = RD_KAFKA_VTYPE_HEADER}, /* the last, as foreign records have none */
    };
    size_t count = ARRAY_SIZE(fields);
    if (record->identity.source.size == 0) {
        count--;
    } else {
        buffer_clear(&writer->header);
        identity_write(&record->identity, &writer->header);
        fields[count - 1].u.header.name = IDENTITY_HEADER;
        fields[count - 1].u.header.val = writer->header.data;
        fields[count - 1].u.header.size = (ssize_t) writer->header.size;
    }
    rd_kafka_error_t *failure = rd_kafka_produceva(writer->handle->rd, fields, count);
    if (failure == NULL) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(failure);
    rd_kafka_error_destroy(failure);
    return code;
}

/* False if librdkafka holds on to messages. */
static bool purge(struct log_writer *writer)
{
    rd_kafka_t *rd = writer->handle->rd;
    int64_t until_us = clock_monotonic_us() + PURGE_MAX_US;
    do {
        rd_kafka_purge(rd, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        for (int i = 0; i < 10 && rd_kafka_outq_len(rd) > 0; i++) {
            rd_kafka_poll(rd, 10);
        }
    } while (rd_kafka_outq_len(rd) > 0 && clock_monotonic_us() < until_us);
    return rd_kafka_outq_len(rd) == 0;
}

/* After a failure nothing of this send may stay behind: the caller's memory goes. */
static void abandon(struct log_writer *writer)
{
    writer->unfit = true;
    if (!purge(writer)) {
        rd_kafka_topic_destroy(writer->topic);
        kafka_handle_free(writer->handle); /* its transaction ends when the next writer opens */
        writer->topic = NULL;
        writer->handle = NULL;
    } else if (writer->transactional) {
        kafka_transaction_abort(writer->handle);
    }
}

/* Enqueues all and waits until all are delivered, or one has failed. */
static enum status
produce(struct log_writer *writer, const struct log_out *records, size_t count, struct error *error)
{
    writer->undelivered = count;
    writer->failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; i < count && writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rd_kafka_resp_err_t code = enqueue(writer, &records[i]);
        while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
               writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_poll(writer->handle->rd, 10);
            code = enqueue(writer, &records[i]);
        }
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
            writer->failure = code;
        }
    }
    if (writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        int64_t until_us = clock_monotonic_us() + DELIVERY_MAX_US;
        while (rd_kafka_flush(writer->handle->rd, 1000) == RD_KAFKA_RESP_ERR__TIMED_OUT &&
               writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (clock_monotonic_us() >= until_us) {
                writer->failure = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
            }
        }
    }
    if (writer->failure == RD_KAFKA_RESP_ERR_NO_ERROR && writer->undelivered == 0) {
        return STATUS_OK;
    }
    if (kafka_code_is_fencing(writer->handle, writer->failure)) {
        return kafka_fenced(writer->topic_name, error);
    }
    return kafka_error(writer->handle, writer->failure, error,
                       "could not write %zu records to topic \"%s\"", count, writer->topic_name);
}

static enum status send_transaction(struct log_writer *writer,
                                    const struct log_out *records,
                                    size_t count,
                                    struct error *error)
{
    TRY(kafka_transaction_begin(writer->handle, writer->topic_name, error));
    TRY(produce(writer, records, count, error));
    crash_point("kafka.before_commit");
    TRY(kafka_transaction_commit(writer->handle, writer->topic_name, error));
    crash_point("kafka.after_commit");
    return STATUS_OK;
}

enum status kafka_writer_send(struct log_writer *writer,
                              const struct log_out *records,
                              size_t count,
                              struct error *error)
{
    if (writer->unfit) {
        return error_set(error, STATUS_AGAIN,
                         "log: the writer of topic \"%s\" failed before and must be opened anew",
                         writer->topic_name);
    }
    if (count == 0) {
        return STATUS_OK; /* a transaction with nothing in it would still be written */
    }
    enum status status = writer->transactional ? send_transaction(writer, records, count, error)
                                               : produce(writer, records, count, error);
    if (status != STATUS_OK) {
        abandon(writer);
    }
    return status;
}

int32_t kafka_partition_of(struct log_client *log, struct slice key, int32_t partitions)
{
    (void) log;
    return rd_kafka_msg_partitioner_murmur2(NULL, key.data, key.size, partitions, NULL, NULL);
}
