/* The rows of tables and topics for a query. A table's store pushes its rows, a query pulls them: a
 * worker and a bounded queue stand in between. */

#include "app/query_internal.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "codec/avro.h"
#include "io/queue.h"
#include "io/thread.h"
#include "stream/decode.h"

#include <stdio.h>

#define BATCHES_MAX  4
#define POLL_RECORDS 20000
#define POLL_US      (200 * INT64_C(1000))
#define SILENCE_US   (2000 * INT64_C(1000))

/* A column of the wanted type: structs lose the fields that the query does not use. */
static const struct column *
narrow(struct arena *arena, const struct column *column, const struct type *type)
{
    if (type->id != TYPE_STRUCT) {
        return column;
    }
    const struct column **children = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        int at = type_field_index(column->type, type->fields[i].name);
        ASSERT(at >= 0);
        children[i] = narrow(arena, column->children[at], type->fields[i].type);
    }
    struct column *copy = ARENA_NEW(arena, struct column);
    *copy = *column;
    copy->type = type;
    copy->children = children;
    return copy;
}

/* The columns of `type` out of a batch that has them all. */
static struct batch *choose(struct arena *arena, const struct batch *batch, const struct type *type)
{
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct column *column = batch_column(batch, type->fields[i].name);
        ASSERT(column != NULL);
        columns[i] = narrow(arena, column, type->fields[i].type);
    }
    struct batch *chosen = ARENA_NEW(arena, struct batch);
    *chosen = (struct batch){batch->length, type, columns};
    return chosen;
}

/* ---- tables ------------------------------------------------------------------------------------
 */

struct piece {
    struct arena arena;
    struct batch *batch;
};

struct table_reader {
    struct query_catalog *catalog;
    const struct plan *scan;
    struct store *store; /* its own handle: one thread at a time */
    struct thread *worker;
    struct queue *pieces;
    struct piece *current;
    struct arena arena; /* of the scan */
    struct error failure;
};

static void piece_free(void *opaque)
{
    struct piece *piece = opaque;
    if (piece != NULL) {
        arena_deinit(&piece->arena);
        mem_free(piece);
    }
}

static enum status push_piece(void *context, const struct batch *batch, struct error *error)
{
    struct table_reader *reader = context;
    struct piece *piece = mem_zalloc(sizeof(*piece));
    arena_init(&piece->arena, 0);
    piece->batch = batch_copy(&piece->arena, batch);
    arena_reset(&reader->arena);
    enum status status = queue_push(reader->pieces, piece, 1, -1, error);
    if (status != STATUS_OK) {
        piece_free(piece);
    }
    return status;
}

static void scan_table(struct thread *self, void *context)
{
    struct table_reader *reader = context;
    const struct type *type = reader->scan->type;
    struct error error = {0};
    (void) self;
    const char **columns = mem_calloc(type->field_count + 1, sizeof(*columns));
    for (uint32_t i = 0; i < type->field_count; i++) {
        columns[i] = type->fields[i].name;
    }
    /* A query that wants no column (count(*)) still wants the rows: any column will do. */
    const struct type *all = reader->scan->relation->type;
    size_t count = type->field_count;
    if (count == 0 && all->field_count > 0) {
        columns[count++] = all->fields[0].name;
    }
    enum status status = reader->catalog->workspace->roles.store_ops->scan(
        reader->store, reader->scan->relation->name, columns, count, &reader->arena, push_piece,
        reader, &error);
    if (status != STATUS_OK && status != STATUS_CANCELLED) {
        reader->failure = error;
    }
    queue_close(reader->pieces);
    mem_free(columns);
}

static void table_close(struct table_reader *reader)
{
    queue_close(reader->pieces);
    if (reader->worker != NULL) {
        (void) !thread_join(reader->worker, -1, NULL);
    }
    queue_free(reader->pieces, piece_free);
    piece_free(reader->current);
    if (reader->store != NULL) {
        reader->catalog->workspace->roles.store_ops->close(reader->store);
    }
    arena_deinit(&reader->arena);
    mem_free(reader);
}

static enum status table_open(struct query_catalog *catalog,
                              const struct plan *scan,
                              struct table_reader **ret_reader,
                              struct error *error)
{
    struct table_reader *reader = mem_zalloc(sizeof(*reader));
    reader->catalog = catalog;
    reader->scan = scan;
    reader->pieces = queue_new("query", BATCHES_MAX, 0);
    arena_init(&reader->arena, 0);
    enum status status = workspace_tables(catalog->workspace, &reader->store, error);
    if (status == STATUS_OK) {
        status = thread_start("query", scan_table, reader, &reader->worker, error);
    }
    if (status != STATUS_OK) {
        table_close(reader);
        return status;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

static enum status table_next(struct table_reader *reader,
                              struct arena *arena,
                              const struct batch **ret_batch,
                              struct error *error)
{
    void *item = NULL;
    *ret_batch = NULL;
    piece_free(reader->current);
    reader->current = NULL;
    if (queue_pop(reader->pieces, &item, 1, -1) == 1) {
        reader->current = item;
        *ret_batch = choose(arena, reader->current->batch, reader->scan->type);
        return STATUS_OK;
    }
    if (reader->failure.status != STATUS_OK) {
        *error = reader->failure;
        return error->status;
    }
    return STATUS_OK;
}

/* ---- topics ------------------------------------------------------------------------------------
 */

struct topic_reader {
    struct query_catalog *catalog;
    const struct query_item *item;
    const struct plan *scan;
    struct decoder *decoder; /* NULL: values as they are */
    struct log_reader *reader;
    struct arena arena;
    int64_t *next; /* offset a partition */
    struct log_partition *ends;
    int32_t partitions;
    int64_t silent_us;
};

static void topic_close(struct topic_reader *reader)
{
    if (reader->reader != NULL) {
        reader->catalog->workspace->log_ops->reader_close(reader->reader);
    }
    decoder_free(reader->decoder);
    arena_deinit(&reader->arena);
    mem_free(reader);
}

/* The columns that the scan wants without the metadata ones. */
static const struct type *wanted_columns(struct arena *arena, const struct plan *scan)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, scan->type->field_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < scan->type->field_count; i++) {
        if (type_field_index(scan->relation->type, scan->type->fields[i].name) >= 0) {
            fields[count++] = scan->type->fields[i];
        }
    }
    return type_struct(arena, fields, count);
}

static enum status open_partitions(struct topic_reader *reader, struct error *error)
{
    const struct log_ops *ops = reader->catalog->workspace->log_ops;
    struct log_client *log = reader->catalog->workspace->log;
    const char *topic = reader->item->sql.name;
    TRY(ops->topic_offsets(log, topic, &reader->arena, &reader->ends, &reader->partitions, error));
    reader->next = ARENA_ARRAY(&reader->arena, int64_t, (size_t) reader->partitions);
    for (int32_t i = 0; i < reader->partitions; i++) {
        reader->next[i] = reader->ends[i].low;
    }
    return ops->reader_open(log, topic, reader->next, reader->partitions, &reader->reader, error);
}

static enum status topic_open(struct query_catalog *catalog,
                              const struct plan *scan,
                              struct topic_reader **ret_reader,
                              struct error *error)
{
    struct topic_reader *reader = mem_zalloc(sizeof(*reader));
    reader->catalog = catalog;
    reader->scan = scan;
    reader->item = (const struct query_item *) (const void *) scan->relation; /* first member */
    arena_init(&reader->arena, 0);
    enum status status = STATUS_OK;
    if (reader->item->job.format != VALUE_STRING) {
        status = decoder_new(&reader->item->job, wanted_columns(&reader->arena, scan),
                             &reader->decoder, error);
    }
    if (status == STATUS_OK) {
        status = open_partitions(reader, error);
    }
    if (status != STATUS_OK) {
        topic_close(reader);
        return status;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

static bool at_end(const struct topic_reader *reader)
{
    for (int32_t i = 0; i < reader->partitions; i++) {
        if (reader->next[i] < reader->ends[i].high) {
            return false;
        }
    }
    return true;
}

/* Values as text, for topics without a schema. */
static const struct batch *
plain_batch(const struct log_in *records, size_t count, int64_t *deletes, struct arena *arena)
{
    enum {
        VALUE,
        META
    };
    struct type_field fields[META + ARRAY_SIZE(sql_metadata_columns)];
    struct column_builder builders[ARRAY_SIZE(fields)];
    fields[VALUE] = (struct type_field){"value", type_plain(TYPE_STRING), true};
    memcpy(&fields[META], sql_metadata_columns, sizeof(sql_metadata_columns));
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        column_builder_init(&builders[i], arena, fields[i].type, (int64_t) count);
    }
    int64_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct log_in *record = &records[i];
        if (record->value.data == NULL) {
            ++*deletes;
            continue;
        }
        if (!utf8_valid(record->value.data, record->value.size)) {
            column_append_null(&builders[VALUE]); /* bytes, not text */
        } else {
            column_append_bytes(&builders[VALUE], record->value);
        }
        if (record->key.data == NULL) {
            column_append_null(&builders[META]);
        } else {
            column_append_bytes(&builders[META], record->key);
        }
        column_append_bytes(&builders[META + 1], SLICE("upsert"));
        bool foreign = record->identity.source.size == 0;
        column_append_int(&builders[META + 2],
                          foreign ? record->timestamp_ms * 1000 : record->identity.accepted_us);
        column_append_int(&builders[META + 3], record->partition);
        column_append_int(&builders[META + 4], record->offset);
        length++;
    }
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, ARRAY_SIZE(builders));
    for (size_t i = 0; i < ARRAY_SIZE(builders); i++) {
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){length, type_struct(arena, fields, ARRAY_SIZE(fields)), columns};
    return batch;
}

static enum status decode(struct topic_reader *reader,
                          const struct log_in *records,
                          size_t count,
                          struct arena *arena,
                          const struct batch **ret_batch,
                          struct error *error)
{
    struct query_skipped *skipped = &reader->catalog->skipped;
    if (reader->decoder == NULL) {
        *ret_batch = plain_batch(records, count, &skipped->deletes, arena);
        return STATUS_OK;
    }
    struct decoded decoded;
    TRY(decoder_run(reader->decoder, records, count, arena, &decoded, error));
    if (decoded.failure_count > 0 && skipped->undecodable == 0) {
        const struct log_in *record = &records[decoded.failures[0].record];
        (void) snprintf(skipped->first, sizeof(skipped->first), "%s/%d@%lld: %s",
                        reader->item->sql.name, (int) record->partition, (long long) record->offset,
                        decoded.failures[0].message);
    }
    skipped->undecodable += (int64_t) decoded.failure_count;
    skipped->deletes += (int64_t) decoded.delete_count;
    *ret_batch = decoded.batch;
    return STATUS_OK;
}

/* Keeps the records that were there when the query began; moves on. */
static size_t take_records(struct topic_reader *reader,
                           const struct log_in *from,
                           size_t count,
                           struct log_in *kept)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        if (from[i].offset < reader->ends[from[i].partition].high) {
            kept[taken++] = from[i];
        }
        reader->next[from[i].partition] = from[i].offset + 1;
    }
    return taken;
}

static enum status topic_next(struct topic_reader *reader,
                              struct arena *arena,
                              const struct batch **ret_batch,
                              struct error *error)
{
    const struct log_ops *ops = reader->catalog->workspace->log_ops;
    *ret_batch = NULL;
    while (!at_end(reader)) {
        const struct log_in *records;
        size_t count;
        TRY(ops->reader_poll(reader->reader, POLL_RECORDS, POLL_US, &records, &count, error));
        /* Offsets may end in what no reader sees, such as a transaction's marker. */
        reader->silent_us = count > 0 ? 0 : reader->silent_us + POLL_US;
        if (reader->silent_us >= SILENCE_US) {
            return STATUS_OK;
        }
        struct log_in *kept = ARENA_ARRAY(arena, struct log_in, count);
        size_t taken = take_records(reader, records, count, kept);
        const struct batch *batch = NULL;
        enum status status =
            taken == 0 ? STATUS_OK : decode(reader, kept, taken, arena, &batch, error);
        ops->reader_release(reader->reader);
        TRY(status);
        if (batch != NULL) {
            *ret_batch = choose(arena, batch, reader->scan->type);
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

/* ---- both --------------------------------------------------------------------------------------
 */

struct reader {
    struct table_reader *table;
    struct topic_reader *topic;
};

static enum status
open_reader(void *context, const struct plan *scan, void **ret_reader, struct error *error)
{
    struct query_catalog *catalog = context;
    const struct query_item *item = (const struct query_item *) (const void *) scan->relation;
    struct reader *reader = mem_zalloc(sizeof(*reader));
    enum status status = item->is_topic ? topic_open(catalog, scan, &reader->topic, error)
                                        : table_open(catalog, scan, &reader->table, error);
    if (status != STATUS_OK) {
        mem_free(reader);
        return status;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

static enum status
next_rows(void *opaque, struct arena *arena, const struct batch **ret_batch, struct error *error)
{
    struct reader *reader = opaque;
    return reader->table != NULL ? table_next(reader->table, arena, ret_batch, error)
                                 : topic_next(reader->topic, arena, ret_batch, error);
}

static void close_reader(void *opaque)
{
    struct reader *reader = opaque;
    if (reader->table != NULL) {
        table_close(reader->table);
    }
    if (reader->topic != NULL) {
        topic_close(reader->topic);
    }
    mem_free(reader);
}

struct batch_source query_catalog_source(struct query_catalog *catalog)
{
    return (struct batch_source){open_reader, next_rows, close_reader, catalog};
}
