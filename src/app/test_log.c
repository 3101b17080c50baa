#include "app/test_log.h"

#include "base/memory.h"
#include "io/notify.h"

#include <string.h>

/* ---- the log -----------------------------------------------------------------------------------
 */

struct test_topic {
    struct test_topic *next;
    const char *name;
    const struct log_in *records;
    size_t count;
};

struct log_client {
    struct arena *arena;
    struct test_topic *topics;
};

struct log_reader {
    const struct test_topic *topic;
    size_t at;
    struct notify bell;
    uint64_t heard; /* rings up to the end of the last poll: none in between is missed */
};

struct log_client *test_log_new(struct arena *arena)
{
    struct log_client *log = ARENA_NEW(arena, struct log_client);
    log->arena = arena;
    return log;
}

void test_log_add(struct log_client *log,
                  const char *topic,
                  const struct log_in *records,
                  size_t count)
{
    struct test_topic *added = ARENA_NEW(log->arena, struct test_topic);
    *added = (struct test_topic){log->topics, arena_strdup(log->arena, topic), records, count};
    log->topics = added;
}

static enum status find_topic(const struct log_client *log,
                              const char *name,
                              const struct test_topic **ret_topic,
                              struct error *error)
{
    for (const struct test_topic *topic = log->topics; topic != NULL; topic = topic->next) {
        if (strcmp(topic->name, name) == 0) {
            *ret_topic = topic;
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "the test gives nothing to topic \"%s\"", name);
}

static enum status topic_offsets(struct log_client *log,
                                 const char *name,
                                 struct arena *arena,
                                 struct log_partition **ret_partitions,
                                 int32_t *ret_count,
                                 struct error *error)
{
    const struct test_topic *topic = NULL;
    TRY(find_topic(log, name, &topic, error));
    *ret_partitions = ARENA_ARRAY(arena, struct log_partition, 1);
    (*ret_partitions)->high = (int64_t) topic->count;
    *ret_count = 1;
    return STATUS_OK;
}

static enum status reader_open(struct log_client *log,
                               const char *name,
                               const int64_t *offsets,
                               int32_t partitions,
                               struct log_reader **ret_reader,
                               struct error *error)
{
    const struct test_topic *topic = NULL;
    TRY(find_topic(log, name, &topic, error));
    if (partitions != 1 || offsets[0] < 0 || (size_t) offsets[0] > topic->count) {
        return error_set(error, STATUS_NOT_FOUND, "topic \"%s\" has no such offset", name);
    }
    struct log_reader *reader = mem_zalloc(sizeof(*reader));
    reader->topic = topic;
    reader->at = (size_t) offsets[0];
    notify_init(&reader->bell);
    *ret_reader = reader;
    return STATUS_OK;
}

static enum status reader_poll(struct log_reader *reader,
                               size_t count_max,
                               int64_t timeout_us,
                               const struct log_in **ret_records,
                               size_t *ret_count,
                               struct error *error)
{
    (void) error;
    size_t left = reader->topic->count - reader->at;
    *ret_count = left < count_max ? left : count_max;
    *ret_records = reader->topic->records + reader->at;
    reader->at += *ret_count;
    if (*ret_count == 0) {
        (void) notify_wait(&reader->bell, reader->heard, timeout_us);
    }
    reader->heard = notify_seen(&reader->bell);
    return STATUS_OK;
}

static void reader_release(struct log_reader *reader)
{
    (void) reader;
}

static void reader_wake(struct log_reader *reader)
{
    notify_ring(&reader->bell);
}

static void reader_close(struct log_reader *reader)
{
    notify_deinit(&reader->bell);
    mem_free(reader);
}

static enum status refuse(struct error *error)
{
    return error_set(error, STATUS_UNAVAILABLE, "the log of a test can only be read");
}

static enum status log_open(const char *address,
                            const char *const *settings,
                            struct log_client **ret_log,
                            struct error *error)
{
    (void) address;
    (void) settings;
    (void) ret_log;
    return refuse(error);
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
    const struct test_topic *topic = NULL;
    *ret_partitions = 1;
    return find_topic(log, spec->name, &topic, error);
}

static enum status newest_identities(struct log_client *log,
                                     const char *topic,
                                     const char *source,
                                     bool settled,
                                     struct arena *arena,
                                     struct identity **ret_identities,
                                     int32_t *ret_count,
                                     struct error *error)
{
    (void) settled;
    (void) log;
    (void) topic;
    (void) source;
    (void) arena;
    (void) ret_identities;
    (void) ret_count;
    return refuse(error);
}

static enum status writer_open(struct log_client *log,
                               const char *topic,
                               const char *writer_id,
                               enum log_writing writing,
                               struct log_writer **ret_writer,
                               struct error *error)
{
    (void) writing;
    (void) log;
    (void) topic;
    (void) writer_id;
    (void) ret_writer;
    return refuse(error);
}

static enum status writer_send(struct log_writer *writer,
                               const struct log_out *records,
                               size_t count,
                               struct error *error)
{
    (void) writer;
    (void) records;
    (void) count;
    return refuse(error);
}

static void writer_close(struct log_writer *writer)
{
    (void) writer;
}

static int32_t partition_of(struct log_client *log, struct slice key, int32_t partitions)
{
    (void) log;
    (void) key;
    (void) partitions;
    return 0;
}

const struct log_ops test_log_ops = {
    .name = "test",
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

struct test_schema {
    struct test_schema *next; /* newest first */
    const char *subject;
    struct schema_version version;
};

struct schemas {
    struct arena *arena;
    struct test_schema *newest;
};

struct schemas *test_schemas_new(struct arena *arena)
{
    struct schemas *schemas = ARENA_NEW(arena, struct schemas);
    schemas->arena = arena;
    return schemas;
}

static enum status schemas_open(const char *url, struct schemas **ret_schemas, struct error *error)
{
    (void) url;
    (void) ret_schemas;
    return error_set(error, STATUS_UNAVAILABLE, "the schemas of a test have no address");
}

static void schemas_close(struct schemas *schemas)
{
    (void) schemas;
}

static enum status register_schema(struct schemas *schemas,
                                   const char *subject,
                                   const char *text,
                                   int32_t *ret_id,
                                   struct error *error)
{
    (void) error;
    int32_t version = 1;
    for (const struct test_schema *have = schemas->newest; have != NULL; have = have->next) {
        if (strcmp(have->subject, subject) != 0) {
            continue;
        }
        if (strcmp(have->version.text, text) == 0) {
            *ret_id = have->version.id;
            return STATUS_OK;
        }
        version++;
    }
    struct test_schema *added = ARENA_NEW(schemas->arena, struct test_schema);
    added->next = schemas->newest;
    added->subject = arena_strdup(schemas->arena, subject);
    added->version = (struct schema_version){
        .id = schemas->newest == NULL ? 1 : schemas->newest->version.id + 1,
        .version = version,
        .text = arena_strdup(schemas->arena, text),
    };
    schemas->newest = added;
    *ret_id = added->version.id;
    return STATUS_OK;
}

static enum status
check(struct schemas *schemas, const char *subject, const char *text, struct error *error)
{
    (void) schemas;
    (void) subject;
    (void) text;
    (void) error;
    return STATUS_OK;
}

static enum status by_id(struct schemas *schemas,
                         int32_t id,
                         struct arena *arena,
                         const char **ret_text,
                         struct error *error)
{
    for (const struct test_schema *have = schemas->newest; have != NULL; have = have->next) {
        if (have->version.id == id) {
            *ret_text = arena_strdup(arena, have->version.text);
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "there is no schema %d", id);
}

static enum status latest(struct schemas *schemas,
                          const char *subject,
                          struct arena *arena,
                          struct schema_version *ret_version,
                          struct error *error)
{
    for (const struct test_schema *have = schemas->newest; have != NULL; have = have->next) {
        if (strcmp(have->subject, subject) == 0) {
            *ret_version = have->version;
            ret_version->text = arena_strdup(arena, have->version.text);
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "subject \"%s\" has no schema", subject);
}

static enum status set_compatibility(struct schemas *schemas,
                                     const char *subject,
                                     const char *level,
                                     struct error *error)
{
    (void) schemas;
    (void) subject;
    (void) level;
    (void) error;
    return STATUS_OK;
}

const struct schemas_ops test_schemas_ops = {
    .name = "test",
    .open = schemas_open,
    .close = schemas_close,
    .register_schema = register_schema,
    .check = check,
    .by_id = by_id,
    .latest = latest,
    .set_compatibility = set_compatibility,
};
