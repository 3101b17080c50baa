#include "app/file_log.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/queue.h"
#include "io/thread.h"
#include "log/checkpoint.h"
#include "log/partition_log.h"
#include "wire/record_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH_BYTES_MAX ((size_t) 1 << 30)
#define CHUNKS_MAX      4
#define CHUNK_RECORDS   20000

struct log_client {
    char *directory;
};

/* Records of one partition on their way from the worker to the reader. */
struct chunk {
    struct arena arena;
    struct log_in *records;
    size_t count;
};

struct log_reader {
    struct log_client *log;
    char *topic;
    int64_t *offsets;
    int32_t partitions;
    struct thread *worker;
    struct queue *chunks;
    struct chunk *current;
    struct error failure; /* of the worker, once the queue is finished */

    /* the worker's */
    int32_t partition;
    struct chunk *filling;
};

/* ---- folders -----------------------------------------------------------------------------------
 */

static const char *
partition_path(const struct log_client *log, const char *topic, int32_t partition, char path[1400])
{
    (void) snprintf(path, 1400, "%s/%s-%d", log->directory, topic, (int) partition);
    return path;
}

/* How many partitions the topic has: folders TOPIC-0, TOPIC-1, ... */
static int32_t count_partitions(const struct log_client *log, const char *topic)
{
    char path[1400];
    int32_t count = 0;
    while (access(partition_path(log, topic, count, path), F_OK) == 0) {
        count++;
    }
    return count;
}

struct names {
    struct arena *arena;
    const char **items;
    size_t count;
};

static enum status take_topic(void *context, const char *name, struct error *error)
{
    struct names *names = context;
    size_t length = strlen(name);
    (void) error;
    if (length < 3 || strcmp(name + length - 2, "-0") != 0) {
        return STATUS_OK;
    }
    size_t bytes = names->count * sizeof(*names->items);
    names->items = arena_grow(names->arena, names->items, bytes, bytes + sizeof(*names->items));
    names->items[names->count++] = arena_printf(names->arena, "%.*s", (int) length - 2, name);
    return STATUS_OK;
}

enum status file_log_topics(struct log_client *log,
                            struct arena *arena,
                            const char ***ret_names,
                            size_t *ret_count,
                            struct error *error)
{
    struct names names = {.arena = arena};
    if (access(log->directory, F_OK) == 0) {
        TRY(directory_list(log->directory, take_topic, &names, error));
    }
    *ret_names = names.items;
    *ret_count = names.count;
    return STATUS_OK;
}

static enum status file_open_log(const char *address,
                                 const char *const *settings,
                                 struct log_client **ret_log,
                                 struct error *error)
{
    (void) settings;
    (void) error;
    struct log_client *log = mem_zalloc(sizeof(*log));
    log->directory = mem_strdup(address);
    *ret_log = log;
    return STATUS_OK;
}

static void file_close_log(struct log_client *log)
{
    mem_free(log->directory);
    mem_free(log);
}

/* ---- offsets -----------------------------------------------------------------------------------
 */

static enum status measure(void *context, struct slice batch, struct error *error)
{
    struct log_partition *partition = context;
    struct record_batch_header header;
    TRY(record_batch_header_read(batch, &header, error));
    if (partition->high < 0) {
        partition->low = header.base_offset;
    }
    partition->high = header.base_offset + header.last_offset_delta + 1;
    return STATUS_OK;
}

static enum status
partition_offsets(const char *directory, struct log_partition *ret_partition, struct error *error)
{
    struct log_partition partition = {.low = 0, .high = -1};
    TRY(partition_log_scan(directory, measure, &partition, error));
    struct checkpoint checkpoint = {0};
    if (checkpoint_load(directory, &checkpoint, NULL) == STATUS_OK) {
        if (checkpoint.log_start > partition.low) {
            partition.low = checkpoint.log_start;
        }
        mem_free(checkpoint.epochs);
    }
    if (partition.high < partition.low) {
        partition.high = partition.low;
    }
    *ret_partition = partition;
    return STATUS_OK;
}

static enum status file_topic_offsets(struct log_client *log,
                                      const char *topic,
                                      struct arena *arena,
                                      struct log_partition **ret_partitions,
                                      int32_t *ret_count,
                                      struct error *error)
{
    char path[1400];
    int32_t count = count_partitions(log, topic);
    if (count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no topic \"%s\"", topic);
    }
    struct log_partition *partitions = ARENA_ARRAY(arena, struct log_partition, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        TRY(partition_offsets(partition_path(log, topic, i, path), &partitions[i], error));
    }
    *ret_partitions = partitions;
    *ret_count = count;
    return STATUS_OK;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void chunk_free(void *opaque)
{
    struct chunk *chunk = opaque;
    if (chunk != NULL) {
        arena_deinit(&chunk->arena);
        mem_free(chunk);
    }
}

static enum status hand_over(struct log_reader *reader, struct error *error)
{
    struct chunk *chunk = reader->filling;
    if (chunk == NULL) {
        return STATUS_OK;
    }
    TRY(queue_push(reader->chunks, chunk, chunk->count, -1, error));
    reader->filling = NULL;
    return STATUS_OK;
}

static struct identity identity_of(const struct record *record)
{
    struct identity identity = {0};
    for (int32_t i = 0; i < record->header_count; i++) {
        const struct record_header *header = &record->headers[i];
        if (slice_equal(header->key, SLICE(IDENTITY_HEADER)) && header->value.data != NULL &&
            !identity_read(header->value, &identity)) {
            identity = (struct identity){0};
        }
    }
    return identity;
}

static enum status read_batch(void *context, struct slice batch, struct error *error)
{
    struct log_reader *reader = context;
    struct record_batch_header header;
    TRY(record_batch_header_read(batch, &header, error));
    bool control = (header.attributes & RECORD_BATCH_CONTROL) != 0;
    if (control ||
        header.base_offset + header.last_offset_delta < reader->offsets[reader->partition]) {
        return STATUS_OK;
    }
    if (reader->filling == NULL) {
        reader->filling = mem_zalloc(sizeof(*reader->filling));
        arena_init(&reader->filling->arena, (size_t) 1 << 20);
    }
    struct chunk *chunk = reader->filling;
    struct record *records;
    int32_t count;
    struct slice own = arena_copy(&chunk->arena, batch); /* keys and values point into it */
    TRY(record_batch_read(own, BATCH_BYTES_MAX, &chunk->arena, &records, &count, error));
    size_t bytes = chunk->count * sizeof(*chunk->records);
    chunk->records = arena_grow(&chunk->arena, chunk->records, bytes,
                                bytes + (size_t) count * sizeof(*chunk->records));
    for (int32_t i = 0; i < count; i++) {
        if (records[i].offset < reader->offsets[reader->partition]) {
            continue;
        }
        chunk->records[chunk->count++] = (struct log_in){
            .partition = reader->partition,
            .offset = records[i].offset,
            .timestamp_ms = records[i].timestamp_ms,
            .key = records[i].key,
            .value = records[i].value,
            .identity = identity_of(&records[i]),
            .origin = &records[i],
        };
    }
    return chunk->count < CHUNK_RECORDS ? STATUS_OK : hand_over(reader, error);
}

static void work(struct thread *self, void *context)
{
    struct log_reader *reader = context;
    struct error error = {0};
    enum status status = STATUS_OK;
    char path[1400];
    for (int32_t i = 0; i < reader->partitions && status == STATUS_OK; i++) {
        reader->partition = i;
        status = partition_log_scan(partition_path(reader->log, reader->topic, i, path), read_batch,
                                    reader, &error);
        if (status == STATUS_OK) {
            status = hand_over(reader, &error);
        }
    }
    if (status != STATUS_OK && !thread_stopping(self)) {
        reader->failure = error;
    }
    queue_close(reader->chunks);
}

static void file_reader_close(struct log_reader *reader)
{
    queue_close(reader->chunks);
    if (reader->worker != NULL) {
        (void) !thread_join(reader->worker, -1, NULL);
    }
    queue_free(reader->chunks, chunk_free);
    chunk_free(reader->filling);
    chunk_free(reader->current);
    mem_free(reader->offsets);
    mem_free(reader->topic);
    mem_free(reader);
}

static enum status file_reader_open(struct log_client *log,
                                    const char *topic,
                                    const int64_t *offsets,
                                    int32_t partitions,
                                    struct log_reader **ret_reader,
                                    struct error *error)
{
    struct log_reader *reader = mem_zalloc(sizeof(*reader));
    reader->log = log;
    reader->topic = mem_strdup(topic);
    reader->partitions = partitions;
    reader->offsets = mem_calloc((size_t) partitions + 1, sizeof(*offsets));
    memcpy(reader->offsets, offsets, (size_t) partitions * sizeof(*offsets));
    reader->chunks = queue_new("file log", CHUNKS_MAX, 0);
    enum status status = thread_start("file log", work, reader, &reader->worker, error);
    if (status != STATUS_OK) {
        file_reader_close(reader);
        return status;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

static void file_reader_release(struct log_reader *reader)
{
    chunk_free(reader->current);
    reader->current = NULL;
}

/* A chunk is given out whole: `count_max` only bounds what a network would bring. */
static enum status file_reader_poll(struct log_reader *reader,
                                    size_t count_max,
                                    int64_t timeout_us,
                                    const struct log_in **ret_records,
                                    size_t *ret_count,
                                    struct error *error)
{
    (void) count_max;
    file_reader_release(reader);
    void *item = NULL;
    *ret_records = NULL;
    *ret_count = 0;
    if (queue_pop(reader->chunks, &item, 1, timeout_us) == 1) {
        reader->current = item;
        *ret_records = reader->current->records;
        *ret_count = reader->current->count;
        return STATUS_OK;
    }
    if (queue_finished(reader->chunks) && reader->failure.status != STATUS_OK) {
        *error = reader->failure;
        return error->status;
    }
    return STATUS_OK;
}

static void file_record_headers(const struct log_in *record,
                                struct arena *arena,
                                struct log_header **ret_headers,
                                size_t *ret_count)
{
    const struct record *origin = record->origin;
    size_t count = origin->header_count < 0 ? 0 : (size_t) origin->header_count;
    *ret_headers = ARENA_ARRAY(arena, struct log_header, count);
    *ret_count = count;
    for (size_t i = 0; i < count; i++) {
        (*ret_headers)[i] = (struct log_header){origin->headers[i].key, origin->headers[i].value};
    }
}

static void file_reader_wake(struct log_reader *reader)
{
    queue_close(reader->chunks);
}

/* ---- what needs a broker -----------------------------------------------------------------------
 */

static enum status refuse(struct error *error)
{
    (void) error_set(error, STATUS_UNAVAILABLE, "the log is open read-only: no leat runs on it");
    error_hint(error, "start one with `leat up FILE`");
    return STATUS_UNAVAILABLE;
}

static enum status file_topic_ensure(struct log_client *log,
                                     const struct topic_spec *spec,
                                     int32_t *ret_partitions,
                                     struct error *error)
{
    *ret_partitions = count_partitions(log, spec->name);
    return *ret_partitions > 0 ? STATUS_OK : refuse(error);
}

static enum status file_newest_identities(struct log_client *log,
                                          const char *topic,
                                          const char *source,
                                          bool settled,
                                          struct arena *arena,
                                          struct identity **ret_identities,
                                          int32_t *ret_count,
                                          struct error *error)
{
    (void) settled;
    (void) log, (void) topic, (void) source, (void) arena, (void) ret_identities, (void) ret_count;
    return refuse(error);
}

static enum status file_writer_open(struct log_client *log,
                                    const char *topic,
                                    const char *writer_id,
                                    enum log_writing writing,
                                    struct log_writer **ret_writer,
                                    struct error *error)
{
    (void) writing;
    (void) log, (void) topic, (void) writer_id, (void) ret_writer;
    return refuse(error);
}

static enum status file_writer_send(struct log_writer *writer,
                                    const struct log_out *records,
                                    size_t count,
                                    struct error *error)
{
    (void) writer, (void) records, (void) count;
    return refuse(error);
}

static void file_writer_close(struct log_writer *writer)
{
    (void) writer;
}

static int32_t file_partition_of(struct log_client *log, struct slice key, int32_t partitions)
{
    (void) log, (void) key, (void) partitions;
    return -1;
}

const struct log_ops file_log_ops = {
    .name = "file",
    .open = file_open_log,
    .close = file_close_log,
    .topic_ensure = file_topic_ensure,
    .topic_offsets = file_topic_offsets,
    .newest_identities = file_newest_identities,
    .writer_open = file_writer_open,
    .writer_send = file_writer_send,
    .writer_close = file_writer_close,
    .partition_of = file_partition_of,
    .reader_open = file_reader_open,
    .reader_poll = file_reader_poll,
    .reader_release = file_reader_release,
    .record_headers = file_record_headers,
    .reader_wake = file_reader_wake,
    .reader_close = file_reader_close,
};
