/* Changes as records: the messages of the stream, one after the other. */

#include "base/memory.h"
#include "connectors/postgres/source_internal.h"
#include "io/clock.h"

#include <inttypes.h>

#define LOOK_US 100000 /* how long fetch waits for a message before it looks around */
#define ASK_US  500000 /* how often the server is asked how far it is */

void source_stream_clear(struct source *source)
{
    source_relations_clear(source);
    source->input_pending = false;
    source->in_transaction = false;
    source->skip_transaction = false;
    source->skip_seq = 0;
    source->target = 0;
    source->truncated_index = 0;
    source->staged_after = SLICE_EMPTY;
}

/* ---- changes -----------------------------------------------------------------------------------
 */

static const char *append_row(struct source *source,
                              const struct shape *shape,
                              const struct pgoutput_tuple *tuple,
                              bool keys_only,
                              struct buffer *target,
                              size_t *ret_missing)
{
    return shape_append(shape, &source->shape_context, tuple, keys_only, source->page.arena, target,
                        ret_missing);
}

static void
add_delete(struct source *source, const struct shape *shape, const struct pgoutput_tuple *tuple)
{
    page_record_begin(&source->page);
    const char *fault = append_row(source, shape, tuple, true, &source->page.text, NULL);
    page_record_end(&source->page, true, fault);
}

/* The pipeline's key of a row. False if it has none: it will be a dead letter. */
static bool key_of(struct source *source, struct slice json, struct slice *ret_key)
{
    const struct source_staged *staged = source->page.staged;
    return staged->key(staged->context, json, source->page.arena, ret_key, NULL) == STATUS_OK;
}

static bool same_identity(const struct shape *shape,
                          const struct pgoutput_tuple *before,
                          const struct pgoutput_tuple *after)
{
    for (size_t i = 0; i < shape->column_count && i < before->count && i < after->count; i++) {
        const struct pgoutput_cell *b = &before->cells[i];
        const struct pgoutput_cell *a = &after->cells[i];
        if (shape->columns[i].key && a->kind != PGOUTPUT_UNCHANGED &&
            (a->kind != b->kind || !slice_equal(a->bytes, b->bytes))) {
            return false;
        }
    }
    return true;
}

/* Does the update give the row another key? By the pipeline's key where staging tells it. */
static bool key_changed(struct source *source,
                        const struct shape *shape,
                        const struct pgoutput_tuple *before,
                        const struct pgoutput_tuple *after)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct slice old_key;
    struct slice new_key;
    if (same_identity(shape, before, after)) {
        return false;
    }
    if (source->page.staged == NULL) {
        return true;
    }
    (void) append_row(source, shape, before, true, &json, NULL);
    if (!key_of(source, buffer_slice(&json), &old_key)) {
        return false;
    }
    buffer_clear(&json);
    (void) append_row(source, shape, after, false, &json, NULL);
    return !key_of(source, buffer_slice(&json), &new_key) || !slice_equal(old_key, new_key);
}

/* Values that were left out because they did not change, from the row as it was before. The record
 * stands at the end of the page's text. NULL, or why it cannot be completed. */
static const char *complete(struct source *source,
                            const struct shape *shape,
                            const struct pgoutput_tuple *tuple,
                            struct slice previous)
{
    struct buffer *text = &source->page.text;
    struct json_document document;
    const char *fault = NULL;
    json_document_init(&document);
    if (previous.size == 0 || json_parse(&document, previous, 0, NULL) != STATUS_OK) {
        fault = "the row is not known";
    }
    text->size--; /* the brace */
    for (size_t i = 0; fault == NULL && i < shape->column_count && i < tuple->count; i++) {
        if (tuple->cells[i].kind != PGOUTPUT_UNCHANGED) {
            continue;
        }
        struct slice name = slice_of_string(shape->columns[i].name);
        uint32_t value = json_member(&document, 0, name);
        if (value == UINT32_MAX) {
            fault = arena_printf(source->page.arena, "column \"%s\" is not known",
                                 shape->columns[i].name);
            break;
        }
        buffer_append_string(text, text->data[text->size - 1] == '{' ? "" : ",");
        buffer_append_json(text, name);
        buffer_append_byte(text, ':');
        buffer_append_slice(text, json_raw(&document, value));
    }
    buffer_append_byte(text, '}');
    json_document_deinit(&document);
    return fault == NULL
               ? NULL
               : arena_printf(source->page.arena,
                              "an update of \"%s\" leaves out values that did not change, "
                              "and %s: REPLICA IDENTITY FULL sends them",
                              shape->table, fault);
}

static enum status add_row(struct source *source,
                           const struct shape *shape,
                           const struct pgoutput_tuple *row,
                           const struct pgoutput_tuple *key_before,
                           struct error *error)
{
    size_t missing;
    struct slice previous = SLICE_EMPTY;
    page_record_begin(&source->page);
    size_t start = source->page.text.size;
    const char *fault = append_row(source, shape, row, false, &source->page.text, &missing);
    if (missing > 0 && fault == NULL) {
        struct buffer old CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct slice json =
            slice_of(source->page.text.data + start, source->page.text.size - start);
        struct slice key;
        if (key_before != NULL) {
            (void) append_row(source, shape, key_before, true, &old, NULL);
            json = buffer_slice(&old);
        }
        if (source->page.staged != NULL && key_of(source, json, &key)) {
            TRY(page_previous(&source->page, key, &previous, error));
        }
        fault = complete(source, shape, row, previous);
    }
    page_record_end(&source->page, false, fault);
    return STATUS_OK;
}

static enum status
take_change(struct source *source, struct pgoutput_message *message, struct error *error)
{
    const struct shape *shape;
    TRY(source_shape_of(source, message->change.relation_oid, &shape, error));
    if (!shape->wanted) {
        return STATUS_OK;
    }
    struct pgoutput_tuple *before =
        message->change.old.cells != NULL ? &message->change.old : &message->change.key;
    if (message->kind == PGOUTPUT_DELETE) {
        add_delete(source, shape, before);
        return STATUS_OK;
    }
    struct pgoutput_tuple *row = &message->change.row;
    bool moved = false;
    for (size_t i = 0; message->change.old.cells != NULL && i < row->count && i < before->count;
         i++) {
        if (row->cells[i].kind == PGOUTPUT_UNCHANGED) {
            row->cells[i] = before->cells[i];
        }
    }
    if (message->kind == PGOUTPUT_UPDATE && before->cells != NULL) {
        moved = key_changed(source, shape, before, row);
    }
    /* The row first: the values that are left out are those of the row under the old key. */
    TRY(add_row(source, shape, row, moved ? before : NULL, error));
    if (moved) {
        add_delete(source, shape, before);
    }
    return STATUS_OK;
}

/* ---- truncate ----------------------------------------------------------------------------------
 */

bool source_row_belongs(struct source *source,
                        struct json_document *document,
                        struct slice json,
                        const char *table)
{
    if (json_parse(document, json, 0, NULL) != STATUS_OK) {
        return false;
    }
    if (!source->shape_context.with_table) {
        return true;
    }
    uint32_t name = json_member(document, 0, SLICE("_table"));
    return name != UINT32_MAX &&
           slice_equal_string(json_text(document, name, source->page.arena), table);
}

/* The rows that staging has of a table, as deletes: a page of them. */
static enum status
remove_rows(struct source *source, const char *table, bool *ret_more, struct error *error)
{
    const struct source_staged *staged = source->page.staged;
    struct source_staged_row *rows;
    struct json_document document CLEANUP(json_document_deinit);
    size_t count;
    json_document_init(&document);
    if (staged == NULL) {
        return error_set(error, STATUS_INTERNAL, "a truncate needs what staging has");
    }
    TRY(staged->rows(staged->context, source->staged_after, source->page.count_max,
                     source->page.bytes_max, source->page.arena, &rows, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (source_row_belongs(source, &document, rows[i].json, table)) {
            page_record_begin(&source->page);
            buffer_append_slice(&source->page.text, rows[i].json);
            page_record_end(&source->page, true, NULL);
        }
    }
    *ret_more = count > 0;
    if (count > 0) {
        source->staged_after = arena_copy(&source->staged_arena, rows[count - 1].key);
    }
    return STATUS_OK;
}

/* `*ret_done` false: the page is over, and the message is to be looked at again. What is staged
 * before it must be known, so it begins with an empty page. */
static enum status take_truncate(struct source *source,
                                 const struct pgoutput_message *message,
                                 bool *ret_done,
                                 struct error *error)
{
    *ret_done = false;
    while (source->truncated_index < message->truncate.count) {
        const struct shape *shape;
        bool more = false;
        if (source->page.count > 0) {
            return STATUS_OK;
        }
        TRY(source_shape_of(source, message->truncate.relation_oids[source->truncated_index],
                            &shape, error));
        if (shape->wanted) {
            TRY(remove_rows(source, shape->table, &more, error));
        }
        if (!more) {
            source->truncated_index++;
            source->staged_after = SLICE_EMPTY;
            arena_reset(&source->staged_arena);
        }
    }
    if (source->page.count > 0) {
        return STATUS_OK; /* stored first, so that its place is known to be behind all of it */
    }
    source->truncated_index = 0;
    *ret_done = true;
    return STATUS_OK;
}

/* ---- transactions ------------------------------------------------------------------------------
 */

static enum status
take_begin(struct source *source, const struct pgoutput_message *message, struct error *error)
{
    struct place *place = &source->place;
    uint64_t lsn = message->transaction.commit_lsn;
    source->in_transaction = true;
    source->transaction_lsn = lsn;
    /* A commit record that begins before `lsn` ends at or before it. */
    source->skip_transaction = lsn < place->lsn;
    source->skip_seq = 0;
    if (!source->skip_transaction && place->commit != 0) {
        if (lsn != place->commit) {
            char text[LSN_TEXT_BYTES];
            (void) error_set(error, STATUS_CONFLICT,
                             "stream-gap: the transaction at %s, of which a part is staged, does "
                             "not come again",
                             lsn_format(place->commit, text));
            error_hint(error, "`snapshot: when_lost` begins anew with the rows there are");
            return STATUS_CONFLICT;
        }
        source->skip_seq = place->seq;
    }
    if (!source->skip_transaction) {
        place->commit = lsn;
        place->seq = 0;
    }
    source->shape_context.lsn = lsn;
    source->shape_context.committed_us = message->transaction.time_us;
    return STATUS_OK;
}

static void take_commit(struct source *source, const struct pgoutput_message *message)
{
    struct place *place = &source->place;
    if (!source->skip_transaction) {
        place->commit = 0;
        place->seq = 0;
    }
    if (message->transaction.end_lsn > place->lsn) {
        place->lsn = message->transaction.end_lsn;
    }
    source->in_transaction = false;
}

/* `*ret_done` false: the page is over, and the message is to be looked at again. */
static enum status take_data(struct source *source,
                             struct pgoutput_message *message,
                             bool *ret_done,
                             struct error *error)
{
    struct place *place = &source->place;
    *ret_done = true;
    if (!source->in_transaction) {
        return error_set(error, STATUS_PROTOCOL,
                         "PostgreSQL sent a change outside of a transaction");
    }
    if (source->skip_transaction) {
        return STATUS_OK;
    }
    if (place->seq >= source->skip_seq) {
        if (message->kind == PGOUTPUT_TRUNCATE) {
            TRY(take_truncate(source, message, ret_done, error));
        } else {
            TRY(take_change(source, message, error));
        }
    }
    place->seq += *ret_done;
    return STATUS_OK;
}

static enum status take_message(struct source *source, bool *ret_done, struct error *error)
{
    struct pgoutput_message message;
    arena_reset(&source->message_arena);
    *ret_done = true;
    TRY(pgoutput_decode(source->input.bytes, false, &source->message_arena, &message, error));
    switch (message.kind) {
    case PGOUTPUT_BEGIN:
        return take_begin(source, &message, error);
    case PGOUTPUT_COMMIT:
        take_commit(source, &message);
        return STATUS_OK;
    case PGOUTPUT_RELATION:
        return source_take_relation(source, &message.relation, error);
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
    case PGOUTPUT_TRUNCATE:
        return take_data(source, &message, ret_done, error);
    case PGOUTPUT_ORIGIN:
    case PGOUTPUT_TYPE: /* types are asked for in the catalog */
    case PGOUTPUT_MESSAGE:
        return STATUS_OK;
    default:
        return error_set(error, STATUS_PROTOCOL,
                         "PostgreSQL sent a \"%s\", which was not asked for",
                         pgoutput_kind_name(message.kind));
    }
}

/* ---- a page ------------------------------------------------------------------------------------
 */

/* The next thing that the server says. */
static enum status next_input(struct source *source,
                              const struct source_request *request,
                              int64_t timeout_us,
                              struct error *error)
{
    if (!source->input_pending) {
        TRY(replication_receive(source->replication, timeout_us, request->cancelled, &source->input,
                                error));
        source->input_pending = source->input.event != REPLICATION_NOTHING;
    }
    return STATUS_OK;
}

void source_take_keepalive(struct source *source)
{
    source->input_pending = false;
    if (!source->in_transaction && source->input.end_lsn > source->place.lsn) {
        source->place.lsn = source->input.end_lsn;
    }
}

enum status source_read_stream(struct source *source,
                               const struct source_request *request,
                               bool *ret_end,
                               struct error *error)
{
    int64_t ask_us = clock_monotonic_us() + LOOK_US;
    *ret_end = false;
    if (source->target == 0) {
        TRY(catalog_flushed(source->catalog, &source->target, error));
    }
    while (!page_is_full(&source->page)) {
        bool partial = source->page.count > 0 && !source->in_transaction;
        bool reached = !source->in_transaction && source->place.lsn >= source->target;
        TRY(next_input(source, request, partial || reached ? 0 : LOOK_US, error));
        if (source->input_pending && source->input.event == REPLICATION_MESSAGE) {
            bool done;
            TRY(take_message(source, &done, error));
            source->input_pending = !done;
            if (!done) {
                return STATUS_OK;
            }
            continue;
        }
        if (source->input_pending) {
            source_take_keepalive(source);
        } else if (partial) {
            return STATUS_OK; /* what came is not held back for more */
        }
        if (!source->in_transaction && source->place.lsn >= source->target) {
            *ret_end = source->page.count == 0;
            source->target = *ret_end ? 0 : source->target;
            return STATUS_OK;
        }
        if (clock_monotonic_us() >= ask_us) {
            ask_us = clock_monotonic_us() + ASK_US;
            TRY(replication_confirm(source->replication, source->stored, true, error));
        }
    }
    return STATUS_OK;
}
