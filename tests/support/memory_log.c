#include "memory_log.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/slice.h"
#include "io/notify.h"

#include <string.h>

#define TOPICS_MAX     16
#define PARTITIONS_MAX 16
#define SCHEMAS_MAX    64

struct memory_partition {
    struct log_in *records;
    int64_t count, capacity, low;
};

struct memory_topic {
    char *name;
    int32_t partition_count;
    struct memory_partition partitions[PARTITIONS_MAX];
};

struct log_client {
    pthread_mutex_t mutex;
    struct notify changed;
    struct arena arena;
    struct memory_topic topics[TOPICS_MAX];
    size_t topic_count;
    int poll_failures;
    enum status poll_status;
};

struct log_writer {
    struct log_client *log;
    char *topic;
};

struct log_reader {
    struct log_client *log;
    struct memory_topic *topic;
    int32_t partition_count;
    int64_t offsets[PARTITIONS_MAX];
    struct log_in *polled;
    bool woken; /* guarded by the log's mutex */
};

struct log_client *memory_log_new(void)
{
    struct log_client *log = mem_zalloc(sizeof(*log));
    pthread_mutex_init(&log->mutex, NULL);
    notify_init(&log->changed);
    arena_init(&log->arena, 0);
    return log;
}

void memory_log_free(struct log_client *log)
{
    for (size_t i = 0; i < log->topic_count; i++) {
        for (int32_t p = 0; p < log->topics[i].partition_count; p++) {
            mem_free(log->topics[i].partitions[p].records);
        }
        mem_free(log->topics[i].name);
    }
    arena_deinit(&log->arena);
    notify_deinit(&log->changed);
    pthread_mutex_destroy(&log->mutex);
    mem_free(log);
}

static struct memory_topic *find_topic(struct log_client *log, const char *name)
{
    for (size_t i = 0; i < log->topic_count; i++) {
        if (strcmp(log->topics[i].name, name) == 0) {
            return &log->topics[i];
        }
    }
    return NULL;
}

void memory_log_topic(struct log_client *log, const char *name, int32_t partitions)
{
    pthread_mutex_lock(&log->mutex);
    struct memory_topic *topic = find_topic(log, name);
    if (topic == NULL) {
        ASSERT(log->topic_count < TOPICS_MAX && partitions <= PARTITIONS_MAX);
        topic = &log->topics[log->topic_count++];
        topic->name = mem_strdup(name);
    }
    if (partitions > topic->partition_count) {
        topic->partition_count = partitions;
    }
    pthread_mutex_unlock(&log->mutex);
}

static struct slice keep(struct log_client *log, struct slice bytes)
{
    return bytes.data == NULL ? bytes : arena_copy(&log->arena, bytes);
}

int64_t memory_log_append(struct log_client *log,
                          const char *topic,
                          int32_t partition,
                          struct log_out record)
{
    pthread_mutex_lock(&log->mutex);
    struct memory_partition *target = &find_topic(log, topic)->partitions[partition];
    if (target->count == target->capacity) {
        target->capacity = target->capacity == 0 ? 64 : target->capacity * 2;
        target->records =
            mem_realloc(target->records, (size_t) target->capacity * sizeof(*target->records));
    }
    int64_t offset = target->count++;
    struct log_in *kept = &target->records[offset];
    *kept = (struct log_in){
        .partition = partition,
        .offset = offset,
        .timestamp_ms = record.timestamp_ms,
        .key = keep(log, record.key),
        .value = keep(log, record.value),
        .identity = record.identity,
    };
    kept->identity.source = keep(log, record.identity.source);
    pthread_mutex_unlock(&log->mutex);
    notify_ring(&log->changed);
    return offset;
}

void memory_log_retain(struct log_client *log, const char *topic, int32_t partition, int64_t low)
{
    pthread_mutex_lock(&log->mutex);
    find_topic(log, topic)->partitions[partition].low = low;
    pthread_mutex_unlock(&log->mutex);
}

void memory_log_fail_polls(struct log_client *log, int count, enum status status)
{
    pthread_mutex_lock(&log->mutex);
    log->poll_failures = count;
    log->poll_status = status;
    pthread_mutex_unlock(&log->mutex);
}

/* ---- the contract ------------------------------------------------------------------------------
 */

static enum status log_open(const char *address,
                            const char *const *settings,
                            struct log_client **ret_log,
                            struct error *error)
{
    (void) address;
    (void) settings;
    (void) error;
    *ret_log = memory_log_new();
    return STATUS_OK;
}

static void log_close(struct log_client *log)
{
    (void) log;
}

static enum status topic_ensure(struct log_client *log,
                                const struct topic_spec *spec,
                                int32_t *ret_partitions,
                                struct error *error)
{
    (void) error;
    memory_log_topic(log, spec->name, spec->partitions == 0 ? 1 : spec->partitions);
    *ret_partitions = find_topic(log, spec->name)->partition_count;
    return STATUS_OK;
}

static enum status no_topic(const char *topic, struct error *error)
{
    return error_set(error, STATUS_NOT_FOUND, "there is no topic \"%s\"", topic);
}

static enum status topic_offsets(struct log_client *log,
                                 const char *name,
                                 struct arena *arena,
                                 struct log_partition **ret_partitions,
                                 int32_t *ret_count,
                                 struct error *error)
{
    pthread_mutex_lock(&log->mutex);
    struct memory_topic *topic = find_topic(log, name);
    *ret_count = topic == NULL ? 0 : topic->partition_count;
    *ret_partitions = ARENA_ARRAY(arena, struct log_partition, PARTITIONS_MAX);
    for (int32_t i = 0; i < *ret_count; i++) {
        (*ret_partitions)[i].low = topic->partitions[i].low;
        (*ret_partitions)[i].high = topic->partitions[i].count;
    }
    pthread_mutex_unlock(&log->mutex);
    return topic == NULL ? no_topic(name, error) : STATUS_OK;
}

static enum status newest_identities(struct log_client *log,
                                     const char *name,
                                     const char *source,
                                     bool settled,
                                     struct arena *arena,
                                     struct identity **ret_identities,
                                     int32_t *ret_count,
                                     struct error *error)
{
    (void) settled;
    pthread_mutex_lock(&log->mutex);
    struct memory_topic *topic = find_topic(log, name);
    *ret_count = topic == NULL ? 0 : topic->partition_count;
    *ret_identities = ARENA_ARRAY(arena, struct identity, PARTITIONS_MAX);
    for (int32_t p = 0; p < *ret_count; p++) {
        struct identity *newest = &(*ret_identities)[p];
        newest->position = -1;
        for (int64_t i = 0; i < topic->partitions[p].count; i++) {
            const struct identity *identity = &topic->partitions[p].records[i].identity;
            if (slice_equal_string(identity->source, source) &&
                identity_compare(identity, newest) > 0) {
                *newest = *identity;
            }
        }
    }
    pthread_mutex_unlock(&log->mutex);
    return topic == NULL ? no_topic(name, error) : STATUS_OK;
}

static enum status writer_open(struct log_client *log,
                               const char *topic,
                               const char *writer_id,
                               enum log_writing writing,
                               struct log_writer **ret_writer,
                               struct error *error)
{
    (void) writing;
    (void) writer_id;
    (void) error;
    *ret_writer = mem_zalloc(sizeof(**ret_writer));
    (*ret_writer)->log = log;
    (*ret_writer)->topic = mem_strdup(topic);
    return STATUS_OK;
}

/* Any spreading will do here: equal keys to equal partitions. */
static int32_t partition_of(struct log_client *log, struct slice key, int32_t partitions)
{
    (void) log;
    uint32_t hash = 0;
    for (size_t i = 0; i < key.size; i++) {
        hash = hash * 31 + key.data[i];
    }
    return (int32_t) (hash % (uint32_t) partitions);
}

static enum status writer_send(struct log_writer *writer,
                               const struct log_out *records,
                               size_t count,
                               struct error *error)
{
    (void) error;
    int32_t partitions = find_topic(writer->log, writer->topic)->partition_count;
    for (size_t i = 0; i < count; i++) {
        memory_log_append(writer->log, writer->topic,
                          partition_of(writer->log, records[i].key, partitions), records[i]);
    }
    return STATUS_OK;
}

static void writer_close(struct log_writer *writer)
{
    mem_free(writer->topic);
    mem_free(writer);
}

static enum status reader_open(struct log_client *log,
                               const char *name,
                               const int64_t *offsets,
                               int32_t partitions,
                               struct log_reader **ret_reader,
                               struct error *error)
{
    struct memory_topic *topic = find_topic(log, name);
    if (topic == NULL) {
        return no_topic(name, error);
    }
    struct log_reader *reader = mem_zalloc(sizeof(*reader));
    reader->log = log;
    reader->topic = topic;
    reader->partition_count = partitions;
    memcpy(reader->offsets, offsets, (size_t) partitions * sizeof(*offsets));
    *ret_reader = reader;
    return STATUS_OK;
}

/* Under the lock: what is there, partition after partition. */
static enum status
take(struct log_reader *reader, size_t count_max, size_t *ret_count, struct error *error)
{
    size_t count = 0;
    for (int32_t p = 0; p < reader->partition_count; p++) {
        struct memory_partition *partition = &reader->topic->partitions[p];
        if (reader->offsets[p] < partition->low || reader->offsets[p] > partition->count) {
            return error_set(error, STATUS_NOT_FOUND, "offset %lld is not in \"%s\"/%d",
                             (long long) reader->offsets[p], reader->topic->name, p);
        }
        while (count < count_max && reader->offsets[p] < partition->count) {
            reader->polled = mem_realloc(reader->polled, (count + 1) * sizeof(*reader->polled));
            reader->polled[count++] = partition->records[reader->offsets[p]++];
        }
    }
    *ret_count = count;
    return STATUS_OK;
}

static enum status reader_poll(struct log_reader *reader,
                               size_t count_max,
                               int64_t timeout_us,
                               const struct log_in **ret_records,
                               size_t *ret_count,
                               struct error *error)
{
    struct log_client *log = reader->log;
    enum status status = STATUS_OK;
    bool waited = false;
    *ret_count = 0;
    for (;;) {
        uint64_t seen = notify_seen(&log->changed);
        pthread_mutex_lock(&log->mutex);
        bool woken = reader->woken;
        reader->woken = false;
        if (log->poll_failures > 0) {
            log->poll_failures--;
            status = error_set(error, log->poll_status, "the log does not answer");
        } else {
            status = take(reader, count_max, ret_count, error);
        }
        pthread_mutex_unlock(&log->mutex);
        if (status != STATUS_OK || *ret_count > 0 || woken || waited) {
            break;
        }
        waited = !notify_wait(&log->changed, seen, timeout_us);
    }
    *ret_records = reader->polled;
    return status;
}

/* What was polled becomes poison, so that who keeps it is found. */
static void reader_release(struct log_reader *reader)
{
    mem_free(reader->polled);
    reader->polled = NULL;
}

static void reader_wake(struct log_reader *reader)
{
    pthread_mutex_lock(&reader->log->mutex);
    reader->woken = true;
    pthread_mutex_unlock(&reader->log->mutex);
    notify_ring(&reader->log->changed);
}

static void reader_close(struct log_reader *reader)
{
    mem_free(reader->polled);
    mem_free(reader);
}

const struct log_ops memory_log_ops = {
    .name = "memory",
    .open = log_open,
    .close = log_close,
    .topic_ensure = topic_ensure,
    .topic_offsets = topic_offsets,
    .newest_identities = newest_identities,
    .writer_open = writer_open,
    .writer_send = writer_send,
    .writer_close = writer_close,
    .partition_of = partition_of,
    .reader_open = reader_open,
    .reader_poll = reader_poll,
    .reader_release = reader_release,
    .reader_wake = reader_wake,
    .reader_close = reader_close,
};

/* ---- schemas -----------------------------------------------------------------------------------
 */

struct schemas {
    pthread_mutex_t mutex;
    char *texts[SCHEMAS_MAX];
    int32_t count;
    int failures;
    enum status failure;
};

struct schemas *memory_schemas_new(void)
{
    struct schemas *schemas = mem_zalloc(sizeof(*schemas));
    pthread_mutex_init(&schemas->mutex, NULL);
    return schemas;
}

void memory_schemas_free(struct schemas *schemas)
{
    for (int32_t i = 0; i < schemas->count; i++) {
        mem_free(schemas->texts[i]);
    }
    pthread_mutex_destroy(&schemas->mutex);
    mem_free(schemas);
}

int32_t memory_schemas_add(struct schemas *schemas, const char *text)
{
    pthread_mutex_lock(&schemas->mutex);
    ASSERT(schemas->count < SCHEMAS_MAX);
    schemas->texts[schemas->count++] = mem_strdup(text);
    int32_t id = schemas->count;
    pthread_mutex_unlock(&schemas->mutex);
    return id;
}

void memory_schemas_fail(struct schemas *schemas, int count, enum status status)
{
    pthread_mutex_lock(&schemas->mutex);
    schemas->failures = count;
    schemas->failure = status;
    pthread_mutex_unlock(&schemas->mutex);
}

static enum status schemas_open(const char *url, struct schemas **ret_schemas, struct error *error)
{
    (void) url;
    (void) error;
    *ret_schemas = memory_schemas_new();
    return STATUS_OK;
}

static void schemas_close(struct schemas *schemas)
{
    (void) schemas;
}

static enum status by_id(struct schemas *schemas,
                         int32_t id,
                         struct arena *arena,
                         const char **ret_text,
                         struct error *error)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&schemas->mutex);
    if (schemas->failures > 0) {
        schemas->failures--;
        status = error_set(error, schemas->failure, "the registry does not answer");
    } else if (id < 1 || id > schemas->count) {
        status = error_set(error, STATUS_NOT_FOUND, "there is no schema %d", id);
    } else {
        *ret_text = arena_strdup(arena, schemas->texts[id - 1]);
    }
    pthread_mutex_unlock(&schemas->mutex);
    return status;
}

/* Readers of topics only ask for schemas by id. */
const struct schemas_ops memory_schemas_ops = {
    .name = "memory",
    .open = schemas_open,
    .close = schemas_close,
    .by_id = by_id,
};
