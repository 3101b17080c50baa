/* The rows that tables have, as pages. */

#include "connectors/postgres/source_internal.h"

static const struct catalog_table *table_named(const struct source *source, const char *full)
{
    for (size_t i = 0; i < source->table_count; i++) {
        if (strcmp(source->tables[i].full, full) == 0) {
            return &source->tables[i];
        }
    }
    return NULL;
}

/* A table is done, or gone: on with the next. */
static void next_table(struct source *source)
{
    struct place *place = &source->place;
    place->todo++;
    place->todo_count--;
    place->after = NULL;
    place->after_count = 0;
    source->reading = false;
}

/* The key of the row, so that reading can go on behind it. */
static void remember_row(struct source *source,
                         const struct catalog_table *table,
                         const struct pgoutput_tuple *tuple)
{
    struct place *place = &source->place;
    struct arena *arena = source->page.arena;
    if (table->order_count == 0) {
        return;
    }
    place->after = ARENA_ARRAY(arena, const char *, table->order_count);
    place->after_count = table->order_count;
    for (size_t i = 0; i < table->order_count; i++) {
        for (size_t j = 0; j < table->column_count; j++) {
            if (strcmp(table->columns[j].name, table->order[i]) == 0) {
                place->after[i] = arena_string(arena, tuple->cells[j].bytes);
            }
        }
    }
}

static struct shape *shape_new(const struct catalog_table *table, struct arena *arena)
{
    struct shape *shape = ARENA_NEW(arena, struct shape);
    shape->oid = table->oid;
    shape->table = table->full;
    shape->wanted = true;
    shape->identity = table->identity;
    shape->column_count = table->column_count;
    shape->columns = ARENA_ARRAY(arena, struct shape_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        shape->columns[i] = (struct shape_column){.name = table->columns[i].name,
                                                  .type = table->columns[i].type,
                                                  .key = table->columns[i].key};
    }
    return shape;
}

/* Rows of the table until the page is full. `*ret_done`: that was the last. */
static enum status read_rows(struct source *source,
                             const struct catalog_table *table,
                             const atomic_bool *cancelled,
                             bool *ret_done,
                             struct error *error)
{
    struct page_builder *page = &source->page;
    const struct shape *shape = shape_new(table, page->arena);
    struct pgoutput_tuple tuple = {0};
    *ret_done = false;
    source->shape_context.lsn = source->place.lsn;
    source->shape_context.committed_us = 0;
    while (!page_is_full(page)) {
        TRY(snapshot_row(source->snapshot, cancelled, &tuple, error));
        if (tuple.cells == NULL) {
            *ret_done = true;
            return STATUS_OK;
        }
        page_record_begin(page);
        const char *fault = shape_append(shape, &source->shape_context, &tuple, false, page->arena,
                                         &page->text, NULL);
        page_record_end(page, false, fault);
    }
    remember_row(source, table, &tuple);
    return STATUS_OK;
}

enum status
source_read_tables(struct source *source, const struct source_request *request, struct error *error)
{
    struct place *place = &source->place;
    while (place->todo_count > 0 && !page_is_full(&source->page)) {
        const struct catalog_table *table = table_named(source, place->todo[0]);
        if (table == NULL) {
            next_table(source);
            continue;
        }
        if (!source->reading) {
            TRY(snapshot_table(source->snapshot, table, place->after, place->after_count, error));
            source->reading = true;
        }
        bool done;
        TRY(read_rows(source, table, request->cancelled, &done, error));
        if (done) {
            next_table(source);
        }
    }
    if (place->todo_count == 0 && place->sweep_count == 0) {
        snapshot_close(source->snapshot);
        source->snapshot = NULL;
    }
    return STATUS_OK;
}

/* ---- rows that are gone ------------------------------------------------------------------------
 */

#define SWEEP_ROWS 1000 /* looked for at once */

/* The text that PostgreSQL takes for a value of a staged row. */
static const char *
key_text(const struct json_document *document, const char *column, struct arena *arena)
{
    uint32_t value = json_member(document, 0, slice_of_string(column));
    if (value == UINT32_MAX || json_at(document, value)->kind == JSON_KIND_NULL) {
        return NULL;
    }
    bool text = json_at(document, value)->kind == JSON_KIND_STRING;
    return arena_string(arena,
                        text ? json_text(document, value, arena) : json_raw(document, value));
}

/* Deletes of those of the rows that belong to the table and are not in it. */
static enum status sweep_rows(struct source *source,
                              const struct catalog_table *table,
                              const struct source_staged_row *rows,
                              size_t count,
                              struct error *error)
{
    struct arena *arena = source->page.arena;
    struct json_document document CLEANUP(json_document_deinit);
    const char **keys = ARENA_ARRAY(arena, const char *, count * table->order_count);
    size_t *asked = ARENA_ARRAY(arena, size_t, count);
    bool *there = ARENA_ARRAY(arena, bool, count);
    size_t asked_count = 0;
    json_document_init(&document);
    for (size_t i = 0; i < count; i++) {
        const char **key = keys + asked_count * table->order_count;
        bool whole = source_row_belongs(source, &document, rows[i].json, table->full);
        for (size_t j = 0; whole && j < table->order_count; j++) {
            key[j] = key_text(&document, table->order[j], arena);
            whole = key[j] != NULL;
        }
        if (whole) {
            asked[asked_count++] = i;
        }
    }
    TRY(snapshot_look(source->snapshot, table, keys, asked_count, there, error));
    for (size_t i = 0; i < asked_count; i++) {
        if (!there[i]) {
            page_record_begin(&source->page);
            buffer_append_slice(&source->page.text, rows[asked[i]].json);
            page_record_end(&source->page, true, NULL);
        }
    }
    return STATUS_OK;
}

static void next_sweep(struct source *source)
{
    source->place.sweep++;
    source->place.sweep_count--;
    source->staged_after = SLICE_EMPTY;
    arena_reset(&source->staged_arena);
}

enum status source_sweep(struct source *source, struct error *error)
{
    struct place *place = &source->place;
    const struct source_staged *staged = source->page.staged;
    struct source_staged_row *rows;
    size_t count;
    while (place->sweep_count > 0 && source->page.count == 0) {
        const struct catalog_table *table = table_named(source, place->sweep[0]);
        if (table == NULL || staged == NULL) {
            next_sweep(source);
            continue;
        }
        if (table->order_count == 0) {
            (void) error_set(error, STATUS_CONFIG,
                             "table \"%s\" has no primary key, so rows that are gone cannot be "
                             "found",
                             table->full);
            error_hint(error, "ALTER TABLE %s ADD PRIMARY KEY ...", table->full);
            return STATUS_CONFIG;
        }
        TRY(staged->rows(staged->context, source->staged_after, SWEEP_ROWS, source->page.bytes_max,
                         source->page.arena, &rows, &count, error));
        if (count == 0) {
            next_sweep(source);
            continue;
        }
        TRY(sweep_rows(source, table, rows, count, error));
        source->staged_after = arena_copy(&source->staged_arena, rows[count - 1].key);
    }
    if (place->sweep_count == 0) {
        snapshot_close(source->snapshot);
        source->snapshot = NULL;
    }
    return STATUS_OK;
}
