/* A table as batches: page after page, the next one under way while this one is looked at. */

#include "connectors/cassandra/store_internal.h"

#include <strings.h>

#define FIRST_ROWS 100           /* until it is known how large rows are */
#define PAGE_BYTES (1024 * 1024) /* aimed at */

struct page {
    struct cql_request request;
    struct buffer body;
    struct error failure;
    bool done;
};

struct scan {
    struct store *store;
    const char *cql;
    struct buffer values; /* of its WHERE */
    uint16_t value_count;
    const struct store_column *columns; /* wanted, in that order */
    const char **types;                 /* of them, as CQL has it */
    uint32_t count;
    const struct type *type; /* of the batches: uuids as text */
    int64_t page_rows;
    struct page pages[2];
};

static void
on_page(struct cql_request *request, const struct cql_answer *answer, const struct error *failure)
{
    struct page *page = request->context;
    page->done = true;
    if (failure != NULL) {
        page->failure = *failure;
    } else {
        buffer_append_slice(&page->body, answer->body);
    }
}

static void ask(struct scan *scan, struct page *page, struct slice state)
{
    struct cql_session *session = scan->store->session;
    struct buffer body = page->request.body;
    buffer_clear(&body);
    buffer_clear(&page->body);
    error_clear(&page->failure);
    page->done = false;
    cql_write_long_string(&body, slice_of_string(scan->cql));
    cql_write_params(session, scan->value_count, true, state.data != NULL, &body);
    buffer_append_slice(&body, buffer_slice(&scan->values));
    buffer_append_be32(&body, (uint32_t) scan->page_rows);
    if (state.data != NULL) {
        cql_write_long_string(&body, state);
    }
    page->request =
        (struct cql_request){.opcode = CQL_QUERY, .body = body, .done = on_page, .context = page};
    cql_session_submit(session, &page->request);
}

/* Rows of about PAGE_BYTES from now on. */
static void adapt(struct scan *scan, const struct cql_rows *rows, size_t bytes)
{
    int64_t most = cql_session_settings(scan->store->session)->page_rows;
    if (rows->count > 0 && bytes > 0) {
        int64_t wanted = (int64_t) ((uint64_t) rows->count * PAGE_BYTES / bytes);
        scan->page_rows = wanted < 1 ? 1 : wanted > most ? most : wanted;
    }
}

static enum status read_batch(struct scan *scan,
                              struct cql_rows *rows,
                              struct arena *arena,
                              struct batch *ret_batch,
                              struct error *error)
{
    const struct cql_metadata *metadata = &rows->metadata;
    struct column_builder *builders = ARENA_ARRAY(arena, struct column_builder, scan->count);
    if (metadata->columns == NULL || metadata->column_count != scan->count) {
        return error_set(error, STATUS_PROTOCOL, "%u columns came, not the %u asked for",
                         metadata->column_count, scan->count);
    }
    for (uint32_t i = 0; i < scan->count; i++) {
        if (strcmp(cql_type_text(metadata->columns[i].type, arena), scan->types[i]) != 0) {
            return error_set(error, STATUS_CONFLICT, "column \"%s\" has changed its type",
                             scan->columns[i].name);
        }
        column_builder_init(&builders[i], arena, scan->type->fields[i].type, rows->count);
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        for (uint32_t i = 0; i < scan->count; i++) {
            struct slice bytes;
            if (!cql_read_bytes(&rows->cells, &bytes)) {
                column_append_null(&builders[i]);
                continue;
            }
            enum status status =
                cql_value_read(bytes, metadata->columns[i].type, &builders[i], error);
            if (status != STATUS_OK) {
                error_context(error, "column \"%s\"", scan->columns[i].name);
                return status;
            }
        }
    }
    TRY(cql_reader_check(&rows->cells, "a page", error));
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, scan->count);
    for (uint32_t i = 0; i < scan->count; i++) {
        columns[i] = column_builder_finish(&builders[i]);
    }
    *ret_batch = (struct batch){rows->count, scan->type, columns};
    return STATUS_OK;
}

static enum status wait_for(struct scan *scan, struct page *page, struct error *error)
{
    while (!page->done) {
        cql_session_pump(scan->store->session, -1);
    }
    if (page->failure.status != STATUS_OK && error != NULL) {
        *error = page->failure;
    }
    return page->failure.status;
}

typedef enum status (*visit_batch)(void *context, const struct batch *batch, struct error *error);

static enum status
run(struct scan *scan, struct arena *arena, visit_batch visit, void *context, struct error *error)
{
    struct arena own CLEANUP(arena_deinit); /* types and states of the pages */
    arena_init(&own, 0);
    ask(scan, &scan->pages[0], SLICE_EMPTY);
    for (int turn = 0;; turn = 1 - turn) {
        struct page *page = &scan->pages[turn];
        struct cql_rows rows;
        struct batch batch;
        TRY(wait_for(scan, page, error));
        arena_reset(&own);
        TRY(cql_rows_read(buffer_slice(&page->body), &own, &rows, error));
        adapt(scan, &rows, page->body.size);
        bool more = rows.metadata.paging_state.data != NULL;
        if (more) {
            ask(scan, &scan->pages[1 - turn], rows.metadata.paging_state);
            cql_session_pump(scan->store->session, 0);
        }
        if (rows.count > 0) {
            TRY(read_batch(scan, &rows, arena, &batch, error));
            TRY(visit(context, &batch, error));
        }
        if (!more) {
            return STATUS_OK;
        }
    }
}

/* ---- the columns -------------------------------------------------------------------------------
 */

static enum status choose_columns(struct scan *scan,
                                  const struct cass_table *there,
                                  const char *const *names,
                                  size_t name_count,
                                  struct arena *arena,
                                  struct error *error)
{
    const struct store_table *table = &there->table;
    scan->count = name_count == 0 ? table->column_count : (uint32_t) name_count;
    struct store_column *columns = ARENA_ARRAY(arena, struct store_column, scan->count);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, scan->count);
    scan->types = ARENA_ARRAY(arena, const char *, scan->count);
    for (uint32_t i = 0; i < scan->count; i++) {
        uint32_t at = i;
        for (at = name_count == 0 ? i : 0; name_count > 0 && at < table->column_count; at++) {
            if (strcasecmp(table->columns[at].name, names[i]) == 0) {
                break;
            }
        }
        if (at == table->column_count) {
            return error_set(error, STATUS_NOT_FOUND, "table \"%s\" has no column \"%s\"",
                             table->name, names[i]);
        }
        columns[i] = table->columns[at];
        scan->types[i] = there->types[at];
        fields[i] = (struct type_field){
            .name = columns[i].name,
            .type = columns[i].semantic == STORE_UUID ? type_plain(TYPE_STRING) : columns[i].type,
            .nullable = true,
        };
    }
    scan->columns = columns;
    scan->type = type_struct(arena, fields, scan->count);
    return STATUS_OK;
}

static const char *select_text(struct scan *scan,
                               const struct cass_table *table,
                               const struct store_bound *bounds,
                               size_t bound_count,
                               struct arena *arena)
{
    struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&cql, "SELECT ");
    for (uint32_t i = 0; i < scan->count; i++) {
        buffer_append_string(&cql, i == 0 ? "" : ", ");
        cass_append_name(&cql, scan->columns[i].name);
    }
    buffer_printf(&cql, " FROM %s", table->name.quoted);
    scan->value_count = cass_where(table, bounds, bound_count, &cql, &scan->values);
    return arena_string(arena, buffer_slice(&cql));
}

enum status cass_scan(struct store *store,
                      const char *name,
                      const char *const *columns,
                      size_t column_count,
                      struct arena *arena,
                      visit_batch visit,
                      void *context,
                      struct error *error)
{
    return cass_scan_where(store, name, columns, column_count, NULL, 0, arena, visit, context,
                           error);
}

enum status cass_scan_where(struct store *store,
                            const char *name,
                            const char *const *columns,
                            size_t column_count,
                            const struct store_bound *bounds,
                            size_t bound_count,
                            struct arena *arena,
                            visit_batch visit,
                            void *context,
                            struct error *error)
{
    struct arena own CLEANUP(arena_deinit); /* outlives resets of the caller's */
    struct cass_table table;
    struct scan scan = {.store = store, .page_rows = FIRST_ROWS};
    arena_init(&own, 0);
    TRY(cass_table_load(store, name, &own, &table, error));
    TRY(choose_columns(&scan, &table, columns, columns == NULL ? 0 : column_count, &own, error));
    scan.cql = select_text(&scan, &table, bounds, bound_count, &own);
    scan.pages[0].done = scan.pages[1].done = true;
    enum status status = run(&scan, arena, visit, context, error);
    if (status != STATUS_OK) {
        error_context(error, "table \"%s\"", name);
    }
    buffer_deinit(&scan.values);
    for (int i = 0; i < 2; i++) {
        while (!scan.pages[i].done) { /* a page that was asked for in advance */
            cql_session_pump(store->session, -1);
        }
        buffer_deinit(&scan.pages[i].body);
        buffer_deinit(&scan.pages[i].request.body);
    }
    return status;
}
