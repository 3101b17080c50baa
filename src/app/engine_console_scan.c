/*
 * A search through a topic, or its live tail: records that match an expression, a key, or anything,
 * as JSON lines, with progress in between:
 *
 *     {"record": {...}}
 *     {"progress": {"read": 20000, "total": 100000, "matched": 3}}
 *     {"end": {"read": ..., "total": ..., "matched": ..., "reason": "done"}}     "limit", or
 * "failed" with "error"
 *
 * The expression is the WHERE of a query that gives partition and offset of each match, run over
 * one read after the other.
 */

#include "app/engine_console_view.h"
#include "app/kafka_tools.h"
#include "app/query_internal.h"
#include "base/memory.h"
#include "base/node.h"
#include "io/clock.h"

#include <stdio.h>
#include <string.h>

#define POLL_RECORDS 5000
#define POLL_US      INT64_C(200000)
#define PIECE_US     INT64_C(500000)
#define SILENCE_US   INT64_C(2000000)

struct scan {
    struct workspace workspace;
    struct arena arena; /* of one read */
    char *topic;
    char *key; /* NULL: any */
    int64_t limit;
    bool follow;
    struct record_writer writer;
    struct log_reader *reader;
    struct log_partition *partitions;
    int64_t *next;
    int32_t count;
    int64_t read, total, matched, silent_us;

    /* The expression; `plan` NULL: none. */
    struct query_catalog *catalog;
    const struct plan *plan;
    struct query_decoder *decoder;
    const struct log_in *records; /* of this read; NULL once the query took them */
    size_t record_count;
    bool *matches; /* one a record */
};

/* ---- the expression ----------------------------------------------------------------------------
 */

static enum status
source_open(void *context, const struct plan *plan, void **ret_reader, struct error *error)
{
    struct scan *scan = context;
    const struct query_item *item = (const struct query_item *) (const void *) plan->relation;
    if (!item->is_topic || strcmp(item->sql.name, scan->topic) != 0) {
        return error_set(error, STATUS_CONFIG, "only columns of topic \"%s\" can stand here",
                         scan->topic);
    }
    if (scan->decoder == NULL) {
        TRY(query_decoder_new(item, plan, &scan->decoder, error));
    }
    *ret_reader = scan;
    return STATUS_OK;
}

static enum status
source_next(void *reader, struct arena *arena, const struct batch **ret_batch, struct error *error)
{
    struct scan *scan = reader;
    *ret_batch = NULL;
    if (scan->records == NULL) {
        return STATUS_OK;
    }
    const struct log_in *records = scan->records;
    scan->records = NULL;
    return query_decoder_run(scan->decoder, records, scan->record_count, &scan->catalog->skipped,
                             arena, ret_batch, error);
}

static void source_close(void *reader)
{
    (void) reader;
}

struct matching {
    struct scan *scan;
    const struct log_in *records;
    size_t at; /* rows come in the order of the records */
};

static enum status take_matches(void *context, const struct batch *batch, struct error *error)
{
    struct matching *matching = context;
    struct scan *scan = matching->scan;
    (void) error;
    for (int64_t row = 0; row < batch->length; row++) {
        int64_t partition = column_int(batch->columns[0], row);
        int64_t offset = column_int(batch->columns[1], row);
        while (matching->at < scan->record_count &&
               (matching->records[matching->at].partition != partition ||
                matching->records[matching->at].offset != offset)) {
            matching->at++;
        }
        if (matching->at < scan->record_count) {
            scan->matches[matching->at++] = true;
        }
    }
    return STATUS_OK;
}

static enum status
match_where(struct scan *scan, const struct log_in *records, size_t count, struct error *error)
{
    struct matching matching = {scan, records, 0};
    const struct batch_options options = {
        {source_open, source_next, source_close, scan}, NULL, clock_now_us()};
    size_t offset = 0;
    scan->records = records;
    scan->record_count = count;
    return batch_run(scan->plan, &options, take_matches, &matching, &offset, error);
}

/* A caret belongs under what the person wrote, not under the query that we made of it. */
static enum status compile(struct scan *scan, const char *where, struct error *error)
{
    struct arena *arena = &scan->workspace.arena;
    TRY(query_catalog_new(&scan->workspace, &scan->catalog, error));
    const struct sql_catalog names = query_catalog_names(scan->catalog);
    const struct sql_options options = {.batch = true};
    const char *head =
        arena_printf(arena, "SELECT _partition, _offset FROM `%s` WHERE (", scan->topic);
    const char *text = arena_printf(arena, "%s%s\n)", head, where);
    struct query *query;
    size_t offset = 0;
    enum status status = sql_compile(text, &names, &options, arena, &query, &offset, error);
    if (status == STATUS_OK) {
        scan->plan = query->plan;
        return STATUS_OK;
    }
    if (query_catalog_failure(scan->catalog) != NULL) {
        *error = *query_catalog_failure(scan->catalog);
        return error->status;
    }
    size_t at = offset > strlen(head) ? offset - strlen(head) : 0;
    struct error plain = *error;
    struct node *node = node_of_text(slice_of_string(where), "where", arena);
    (void) node_error_at(error, node, at < strlen(where) ? at : strlen(where), "%s", plain.message);
    error->status = status;
    error_hint(error, "%s", plain.hint);
    return status;
}

/* ---- opening and closing -----------------------------------------------------------------------
 */

void engine_scan_close(void *opaque)
{
    struct scan *scan = opaque;
    if (scan->reader != NULL) {
        scan->workspace.log_ops->reader_close(scan->reader);
    }
    query_decoder_free(scan->decoder);
    query_catalog_free(scan->catalog);
    record_view_free(scan->writer.view);
    engine_give_back(&scan->workspace);
    arena_deinit(&scan->arena);
    mem_free(scan->topic);
    mem_free(scan->key);
    mem_free(scan);
}

static enum status begin(struct scan *scan, const struct console_scan *request, struct error *error)
{
    struct workspace *workspace = &scan->workspace;
    const struct log_ops *ops = workspace->log_ops;
    const char *from = request->from != NULL ? request->from
                       : request->follow     ? "end"
                                             : "beginning";
    TRY(kafka_tools_partitions(workspace, scan->topic, &workspace->arena, &scan->partitions,
                               &scan->count, error));
    scan->next = ARENA_ARRAY(&workspace->arena, int64_t, (size_t) scan->count);
    TRY(record_starts(workspace, scan->topic, from, request->partition, scan->partitions,
                      scan->count, scan->next, error));
    if (request->where != NULL) {
        TRY(compile(scan, request->where, error));
    }
    for (int32_t i = 0; i < scan->count; i++) {
        scan->total += scan->partitions[i].high - scan->next[i];
    }
    return ops->reader_open(workspace->log, scan->topic, scan->next, scan->count, &scan->reader,
                            error);
}

enum status engine_scan_open(void *context,
                             const char *topic,
                             const struct console_scan *request,
                             void **ret_scan,
                             struct error *error)
{
    struct scan *scan = mem_zalloc(sizeof(*scan));
    engine_borrow(context, &scan->workspace);
    arena_init(&scan->arena, 0);
    scan->topic = mem_strdup(topic);
    scan->key = mem_strdup(request->key);
    scan->limit = request->limit;
    scan->follow = request->follow;
    scan->writer = (struct record_writer){
        .view = record_view_new(&scan->workspace),
        .log_ops = scan->workspace.log_ops,
        .form = (enum console_form) request->form,
        .bytes_max = (size_t) request->value_bytes,
    };
    enum status status = begin(scan, request, error);
    if (status != STATUS_OK) {
        engine_scan_close(scan);
        return status;
    }
    *ret_scan = scan;
    return STATUS_OK;
}

/* ---- pieces ------------------------------------------------------------------------------------
 */

static void write_counts(const struct scan *scan, struct json_writer *json)
{
    json_writer_int(json, "read", scan->read);
    json_writer_int(json, "total", scan->total);
    json_writer_int(json, "matched", scan->matched);
}

static void write_progress(const struct scan *scan, struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_open(&json, "progress", '{');
    write_counts(scan, &json);
    json_writer_close(&json, '}');
    json_writer_close(&json, '}');
    buffer_append_byte(target, '\n');
}

static void write_end(const struct scan *scan,
                      const char *reason,
                      const struct error *error,
                      struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_open(&json, "end", '{');
    write_counts(scan, &json);
    json_writer_text(&json, "reason", reason);
    if (error != NULL) {
        json_writer_text(&json, "error", error->message);
    }
    json_writer_close(&json, '}');
    json_writer_close(&json, '}');
    buffer_append_byte(target, '\n');
}

static bool key_matches(const struct scan *scan, const struct log_in *record)
{
    return scan->key == NULL ||
           (record->key.data != NULL && slice_equal_string(record->key, scan->key));
}

static void
write_matches(struct scan *scan, const struct log_in *records, size_t count, struct buffer *target)
{
    for (size_t i = 0; i < count && scan->matched < scan->limit; i++) {
        if ((scan->plan != NULL && !scan->matches[i]) || !key_matches(scan, &records[i])) {
            continue;
        }
        struct json_writer json = {.target = target};
        buffer_append_string(target, "{\"record\":");
        record_write(&scan->writer, &records[i], &scan->arena, &json);
        buffer_append_string(target, "}\n");
        scan->matched++;
    }
}

/* Those that were there when the search began, or all if it goes on. */
static size_t keep(struct scan *scan, const struct log_in *from, size_t count, struct log_in *kept)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        if (scan->follow || from[i].offset < scan->partitions[from[i].partition].high) {
            kept[taken++] = from[i];
        }
        scan->next[from[i].partition] = from[i].offset + 1;
    }
    return taken;
}

static bool at_end(const struct scan *scan)
{
    for (int32_t i = 0; i < scan->count; i++) {
        if (scan->next[i] < scan->partitions[i].high) {
            return scan->silent_us >= SILENCE_US;
        }
    }
    return !scan->follow;
}

static enum status read_some(struct scan *scan, struct buffer *target, struct error *error)
{
    const struct log_ops *ops = scan->workspace.log_ops;
    const struct log_in *records;
    size_t count;
    TRY(ops->reader_poll(scan->reader, POLL_RECORDS, POLL_US, &records, &count, error));
    scan->silent_us = count > 0 || scan->follow ? 0 : scan->silent_us + POLL_US;
    if (count == 0) {
        return STATUS_OK;
    }
    arena_reset(&scan->arena);
    struct log_in *kept = ARENA_ARRAY(&scan->arena, struct log_in, count);
    size_t taken = keep(scan, records, count, kept);
    scan->matches = ARENA_ARRAY(&scan->arena, bool, count);
    scan->read += (int64_t) taken;
    scan->total = scan->read > scan->total ? scan->read : scan->total;
    enum status status = STATUS_OK;
    if (scan->plan != NULL && taken > 0) {
        status = match_where(scan, kept, taken, error);
    }
    if (status == STATUS_OK) {
        write_matches(scan, kept, taken, target);
    }
    ops->reader_release(scan->reader);
    return status;
}

void engine_scan_next(void *opaque, struct buffer *target, bool *ret_end)
{
    struct scan *scan = opaque;
    struct error error;
    int64_t until_us = clock_monotonic_us() + PIECE_US;
    do {
        if (at_end(scan) || scan->matched >= scan->limit) {
            bool limit = scan->matched >= scan->limit;
            /* Offsets may have gaps, and end in what is no record. */
            scan->total = limit ? scan->total : scan->read;
            write_end(scan, limit ? "limit" : "done", NULL, target);
            *ret_end = true;
            return;
        }
        if (read_some(scan, target, &error) != STATUS_OK) {
            write_end(scan, "failed", &error, target);
            *ret_end = true;
            return;
        }
    } while (clock_monotonic_us() < until_us && target->size < 65536);
    write_progress(scan, target);
}
