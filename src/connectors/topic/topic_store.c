#include "connectors/topic/topic_store.h"

#include "base/memory.h"
#include "codec/avro.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/registry/confluent_schemas.h"
#include "connectors/topic/topic_url.h"
#include "io/clock.h"

#include <stdio.h>

/* One topic that rows go to. */
struct topic_sink {
    const struct store_table *table;
    const struct avro_schema *schema;
    int32_t schema_id;
    struct log_writer *writer;
    char *task;              /* whose identities `newest` are; NULL: not read yet */
    struct identity *newest; /* a partition */
    int32_t partitions;
    struct arena arena;
};

struct store {
    struct log_client *log;
    enum log_writing writing;
    struct schemas *schemas;
    struct topic_sink *sinks;
    size_t sink_count;
};

/* ---- life --------------------------------------------------------------------------------------
 */

static enum status
topic_open(const char *url, bool read_only, struct store **ret_store, struct error *error)
{
    (void) read_only;
    struct arena arena;
    struct topic_url parts;
    arena_init(&arena, 0);
    struct store *store = mem_zalloc(sizeof(*store));
    enum status status = topic_url_read(url, &arena, &parts, error);
    if (status == STATUS_OK) {
        store->writing = parts.transactions ? LOG_TRANSACTIONAL : LOG_GAPLESS;
        status = kafka_log_ops.open(parts.address, parts.settings, &store->log, error);
    }
    if (status == STATUS_OK) {
        status = confluent_schemas_ops.open(parts.registry, &store->schemas, error);
    }
    arena_deinit(&arena);
    if (status != STATUS_OK) {
        topic_store_ops.close(store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

static void sink_forget(struct topic_sink *sink)
{
    if (sink->writer != NULL) {
        kafka_log_ops.writer_close(sink->writer);
    }
    mem_free(sink->task);
    sink->writer = NULL;
    sink->task = NULL;
}

static void topic_close(struct store *store)
{
    for (size_t i = 0; i < store->sink_count; i++) {
        sink_forget(&store->sinks[i]);
        avro_schema_release(store->sinks[i].schema);
        arena_deinit(&store->sinks[i].arena);
    }
    if (store->schemas != NULL) {
        confluent_schemas_ops.close(store->schemas);
    }
    if (store->log != NULL) {
        kafka_log_ops.close(store->log);
    }
    mem_free(store->sinks);
    mem_free(store);
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static struct topic_sink *sink_of(struct store *store, const char *topic)
{
    for (size_t i = 0; i < store->sink_count; i++) {
        if (strcmp(store->sinks[i].table->name, topic) == 0) {
            return &store->sinks[i];
        }
    }
    return NULL;
}

static enum status make_schema(const struct store_table *table,
                               struct arena *arena,
                               const struct avro_schema **ret_schema,
                               struct error *error)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fields[i] = (struct type_field){table->columns[i].name, table->columns[i].type, true};
    }
    const struct type *type = type_struct(arena, fields, table->column_count);
    char *name = arena_strdup(arena, table->name);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '-' || *c == '.' ? '_' : *c; /* Avro names know neither */
    }
    return avro_schema_from_type(type, name, arena, ret_schema, error);
}

static enum status
topic_table_ensure(struct store *store, const struct store_table *table, struct error *error)
{
    if (sink_of(store, table->name) != NULL) {
        return STATUS_OK;
    }
    struct topic_sink sink = {.table = table};
    arena_init(&sink.arena, 0);
    struct buffer text = BUFFER_INIT;
    enum status status = make_schema(table, &sink.arena, &sink.schema, error);
    if (status == STATUS_OK) {
        avro_schema_write(sink.schema, &text);
        status = confluent_schemas_ops.register_schema(
            store->schemas, arena_printf(&sink.arena, "%s-value", table->name),
            buffer_string(&text), &sink.schema_id, error);
    }
    buffer_deinit(&text);
    if (status != STATUS_OK) {
        arena_deinit(&sink.arena);
        return status;
    }
    store->sinks = mem_realloc(store->sinks, (store->sink_count + 1) * sizeof(sink));
    store->sinks[store->sink_count++] = sink;
    return STATUS_OK;
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* The key column's text, or a JSON array of several. */
static void append_key(const struct store_write *write, int64_t row, struct buffer *target)
{
    const struct store_table *table = write->table;
    bool single = table->key_count == 1;
    const struct column *first = write->batch->columns[table->key[0]];
    if (single && first->type->id == TYPE_STRING) {
        buffer_append_slice(target, column_bytes(first, row));
        return;
    }
    for (uint32_t k = 0; k < table->key_count; k++) {
        buffer_append_string(target, single ? "" : k == 0 ? "[" : ",");
        column_write_json(write->batch->columns[table->key[k]], row, target);
    }
    buffer_append_string(target, single ? "" : "]");
}

/* Ends of each row's key and value within one buffer: slices would move while it grows. */
struct encoded {
    size_t key_end, value_end;
};

static enum status encode_rows(const struct topic_sink *sink,
                               const struct store_write *write,
                               struct buffer *bytes,
                               struct encoded *rows,
                               struct error *error)
{
    for (int64_t row = 0; row < write->batch->length; row++) {
        if (write->table->key_count > 0) {
            append_key(write, row, bytes);
        }
        rows[row].key_end = bytes->size;
        if (write->ops == NULL || write->ops[row] == STORE_UPSERT) {
            buffer_append_byte(bytes, 0);
            buffer_append_be32(bytes, (uint32_t) sink->schema_id);
            TRY(avro_encode_row(sink->schema, write->batch, row, bytes, error));
        }
        rows[row].value_end = bytes->size;
    }
    return STATUS_OK;
}

/* What the partitions hold of this task already, and a writer. */
static enum status
sink_prepare(struct store *store, struct topic_sink *sink, const char *task, struct error *error)
{
    if (sink->task != NULL && strcmp(sink->task, task) == 0) {
        return STATUS_OK;
    }
    sink_forget(sink);
    /* A writer a topic: two with one id would fence each other. */
    CLEANUP(mem_free_pointer) char *id = mem_printf("%s.%s", task, sink->table->name);
    bool settled = store->writing == LOG_TRANSACTIONAL; /* what older writers began is ended then */
    TRY(kafka_log_ops.writer_open(store->log, sink->table->name, id, store->writing, &sink->writer,
                                  error));
    TRY(kafka_log_ops.newest_identities(store->log, sink->table->name, task, settled, &sink->arena,
                                        &sink->newest, &sink->partitions, error));
    sink->task = mem_strdup(task);
    return STATUS_OK;
}

static size_t fill_records(struct store *store,
                           struct topic_sink *sink,
                           const struct store_write *write,
                           int64_t number,
                           int32_t seq_first,
                           const struct buffer *bytes,
                           const struct encoded *rows,
                           struct log_out *records)
{
    size_t count = 0;
    size_t start = 0;
    int64_t now_us = clock_now_us();
    for (int64_t row = 0; row < write->batch->length; row++) {
        struct log_out record = {
            .key = {bytes->data + start, rows[row].key_end - start},
            .value = {bytes->data + rows[row].key_end, rows[row].value_end - rows[row].key_end},
            .timestamp_ms = now_us / 1000,
            .identity = {.source = slice_of_string(sink->task),
                         .epoch = 1,
                         .position = number,
                         .seq = seq_first + (int32_t) row,
                         .accepted_us = now_us},
        };
        record.key.data = write->table->key_count == 0 ? NULL : record.key.data;
        record.value.data = record.value.size == 0 ? NULL : record.value.data;
        start = rows[row].value_end;
        int32_t partition = kafka_log_ops.partition_of(store->log, record.key, sink->partitions);
        bool there = partition >= 0 && partition < sink->partitions &&
                     sink->newest[partition].position >= 0 &&
                     identity_compare(&record.identity, &sink->newest[partition]) <= 0;
        if (!there) {
            records[count++] = record;
        }
    }
    return count;
}

static enum status write_rows(struct store *store,
                              const struct store_write *write,
                              const struct store_progress *progress,
                              int32_t seq_first,
                              struct error *error)
{
    struct topic_sink *sink = sink_of(store, write->table->name);
    size_t length = (size_t) write->batch->length;
    TRY(sink_prepare(store, sink, progress->task, error));
    CLEANUP(buffer_deinit) struct buffer bytes = BUFFER_INIT;
    struct encoded *rows = mem_calloc(length + 1, sizeof(*rows));
    struct log_out *records = mem_calloc(length + 1, sizeof(*records));
    enum status status = encode_rows(sink, write, &bytes, rows, error);
    if (status == STATUS_OK) {
        size_t count =
            fill_records(store, sink, write, progress->number, seq_first, &bytes, rows, records);
        status =
            count == 0 ? STATUS_OK : kafka_log_ops.writer_send(sink->writer, records, count, error);
    }
    if (status != STATUS_OK) {
        sink_forget(sink); /* some may be there: read back before the next try */
    }
    mem_free(rows);
    mem_free(records);
    return status;
}

static enum status
topic_commit(struct store *store, const struct store_commit *commit, struct error *error)
{
    int32_t seq = 0; /* runs through all writes, so that no two rows of a commit share it */
    for (size_t i = 0; i < commit->write_count; i++) {
        TRY(write_rows(store, &commit->writes[i], commit->progress, seq, error));
        seq += (int32_t) commit->writes[i].batch->length;
    }
    return STATUS_OK;
}

/* How far a task has come here is seen record by record, when rows come again. */
static enum status topic_progress_load(struct store *store,
                                       const char *task,
                                       struct arena *arena,
                                       struct store_progress *ret_progress,
                                       struct error *error)
{
    (void) store;
    (void) arena;
    (void) ret_progress;
    return error_set(error, STATUS_NOT_FOUND, "a topic keeps no progress of \"%s\"", task);
}

const struct store_ops topic_store_ops = {
    .name = "topic",
    .atomic = false,
    .open = topic_open,
    .close = topic_close,
    .table_ensure = topic_table_ensure,
    .commit = topic_commit,
    .progress_load = topic_progress_load,
};
