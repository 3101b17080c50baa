/* The rows of tables and topics for a query. A table's store pushes its rows, a query pulls them: a
 * worker and a bounded queue stand in between. */

#include "app/query_internal.h"
#include "base/assert.h"
#include "base/memory.h"
#include "io/queue.h"
#include "io/thread.h"

#define BATCHES_MAX  4
#define POLL_RECORDS 20000
#define POLL_US      (200 * INT64_C(1000))
#define SILENCE_US   (2000 * INT64_C(1000))

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
    struct arena own;   /* of the bounds */
    const struct store_bound *bounds;
    size_t bound_count;
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
    const struct store_ops *ops = reader->catalog->workspace->roles.store_ops;
    const char *table = reader->scan->relation->name;
    enum status status =
        ops->scan_where != NULL && reader->bound_count > 0
            ? ops->scan_where(reader->store, table, columns, count, reader->bounds,
                              reader->bound_count, &reader->arena, push_piece, reader, &error)
            : ops->scan(reader->store, table, columns, count, &reader->arena, push_piece, reader,
                        &error);
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
    arena_deinit(&reader->own);
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
    arena_init(&reader->own, 0);
    reader->bound_count = query_bounds(scan, &reader->own, &reader->bounds);
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
        *ret_batch = query_choose(arena, reader->current->batch, reader->scan->type);
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
    struct query_decoder *decoder;
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
    query_decoder_free(reader->decoder);
    arena_deinit(&reader->arena);
    mem_free(reader);
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
    enum status status = query_decoder_new(reader->item, scan, &reader->decoder, error);
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
            taken == 0 ? STATUS_OK
                       : query_decoder_run(reader->decoder, kept, taken, &reader->catalog->skipped,
                                           arena, &batch, error);
        ops->reader_release(reader->reader);
        TRY(status);
        if (batch != NULL) {
            *ret_batch = batch;
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
