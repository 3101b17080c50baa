#include "connectors/kafka/kafka_log.h"

#include "base/memory.h"
#include "connectors/kafka/kafka_internal.h"

static void free_settings(char **settings)
{
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++) {
        mem_free(settings[i]);
    }
    mem_free(settings);
}

static char **copy_settings(const char *const *settings)
{
    size_t count = 0;
    while (settings != NULL && settings[count] != NULL) {
        count++;
    }
    char **copy = mem_calloc(count + 1, sizeof(copy[0]));
    for (size_t i = 0; i < count; i++) {
        copy[i] = mem_strdup(settings[i]);
    }
    return copy;
}

static void log_close(struct log_client *log)
{
    if (log == NULL) {
        return;
    }
    kafka_handle_free(log->handle);
    free_settings(log->settings);
    mem_free(log->address);
    mem_free(log);
}

static enum status log_open(const char *address,
                            const char *const *settings,
                            struct log_client **ret_log,
                            struct error *error)
{
    struct log_client *log = mem_zalloc(sizeof(*log));
    log->address = mem_strdup(address);
    log->settings = copy_settings(settings);
    /* A consumer, since a producer's look at a topic may make it. */
    enum status status =
        kafka_handle_new(log, RD_KAFKA_CONSUMER, "leat", NULL, NULL, &log->handle, error);
    if (status != STATUS_OK) {
        log_close(log);
        return status;
    }
    *ret_log = log;
    return STATUS_OK;
}

const struct log_ops kafka_log_ops = {
    .name = "kafka",
    .open = log_open,
    .close = log_close,
    .topic_ensure = kafka_topic_ensure,
    .topic_offsets = kafka_topic_offsets,
    .topic_ends = kafka_topic_ends,
    .newest_identities = kafka_newest_identities,
    .writer_open = kafka_writer_open,
    .writer_send = kafka_writer_send,
    .writer_close = kafka_writer_close,
    .partition_of = kafka_partition_of,
    .reader_open = kafka_reader_open,
    .reader_poll = kafka_reader_poll,
    .reader_release = kafka_reader_release,
    .reader_position = kafka_reader_position,
    .reader_show = kafka_reader_show,
    .record_headers = kafka_record_headers,
    .reader_wake = kafka_reader_wake,
    .reader_close = kafka_reader_close,
};
