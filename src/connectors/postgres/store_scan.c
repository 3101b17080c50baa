/* A table as batches, read through a cursor: of one snapshot, and never more in memory than a few
 * megabytes. */

#include "connectors/postgres/pg_value.h"
#include "connectors/postgres/store_internal.h"

#include <strings.h>

#define SCAN_ROWS_FIRST 512
#define SCAN_ROWS_MAX   8192
#define SCAN_BYTES      ((size_t) 8 * 1024 * 1024)

struct scan {
    const struct store_column **columns;
    uint32_t count;
    const struct type *type; /* of the batches: uuids as text */
    int rows;                /* asked for at once */
};

/* The columns wanted, in that order; none named: all. */
static enum status choose_columns(struct scan *scan,
                                  const struct store_table *table,
                                  const char *const *names,
                                  size_t name_count,
                                  struct arena *arena,
                                  struct error *error)
{
    scan->count = name_count == 0 ? table->column_count : (uint32_t) name_count;
    scan->columns = ARENA_ARRAY(arena, const struct store_column *, scan->count + 1);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, scan->count + 1);
    for (uint32_t i = 0; i < scan->count; i++) {
        for (uint32_t j = 0; j < table->column_count; j++) {
            if (name_count == 0 ? i == j : strcasecmp(table->columns[j].name, names[i]) == 0) {
                scan->columns[i] = &table->columns[j];
            }
        }
        if (scan->columns[i] == NULL) {
            return error_set(error, STATUS_NOT_FOUND, "table \"%s\" has no column \"%s\"",
                             table->name, names[i]);
        }
        bool uuid = scan->columns[i]->semantic == STORE_UUID;
        fields[i] = (struct type_field){
            .name = scan->columns[i]->name,
            .type = uuid ? type_plain(TYPE_STRING) : scan->columns[i]->type,
            .nullable = true,
        };
    }
    scan->type = type_struct(arena, fields, scan->count);
    return STATUS_OK;
}

/* The visitor may be slow, and the server ends transactions that seem idle. */
static enum status
open_cursor(struct store *store, const struct scan *scan, const char *name, struct error *error)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&sql, "DECLARE leat_scan BINARY NO SCROLL CURSOR FOR SELECT ");
    for (uint32_t i = 0; i < scan->count; i++) {
        buffer_append_string(&sql, i == 0 ? "" : ", ");
        pg_append_name(&sql, scan->columns[i]->name);
    }
    buffer_append_string(&sql, " FROM ");
    TRY(pg_store_table_place(store, name, &sql, error));
    pg_allow_scans(store->pg);
    (void) pg_send(store->pg, "SET LOCAL idle_in_transaction_session_timeout = '1h'", NULL);
    (void) pg_send_once(store->pg, buffer_string(&sql), NULL);
    return pg_wait(store->pg, error);
}

/* The next batch, in the caller's arena; of length 0 at the end. */
static enum status next_batch(struct store *store,
                              struct scan *scan,
                              struct arena *arena,
                              struct batch *batch,
                              struct error *error)
{
    char sql[64];
    (void) snprintf(sql, sizeof(sql), "FETCH FORWARD %d FROM leat_scan", scan->rows);
    size_t statement = pg_send_once(store->pg, sql, NULL);
    TRY(pg_wait(store->pg, error));
    const PGresult *found = pg_result(store->pg, statement);
    int rows = pg_rows(store->pg, statement);
    size_t bytes = 0;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, scan->count + 1);
    for (uint32_t i = 0; i < scan->count; i++) {
        struct column_builder builder;
        column_builder_init(&builder, arena, scan->type->fields[i].type, rows);
        for (int row = 0; row < rows; row++) {
            struct slice value = pg_bytes(found, row, (int) i);
            bytes += value.size;
            TRY(pg_value_read(value, scan->columns[i], &builder, arena, error));
        }
        columns[i] = column_builder_finish(&builder);
    }
    *batch = (struct batch){.length = rows, .type = scan->type, .columns = columns};
    if (bytes > SCAN_BYTES) {
        scan->rows = scan->rows / 2 + 1;
    } else if (bytes < SCAN_BYTES / 4 && scan->rows < SCAN_ROWS_MAX) {
        scan->rows *= 2;
    }
    return STATUS_OK;
}

static enum status
run_scan(struct store *store,
         const char *name,
         const char *const *columns,
         size_t column_count,
         struct arena *arena,
         enum status (*visit)(void *context, const struct batch *batch, struct error *error),
         void *context,
         struct error *error)
{
    struct arena own CLEANUP(arena_deinit); /* outlives resets of the caller's */
    arena_init(&own, 0);
    struct scan scan = {.rows = SCAN_ROWS_FIRST};
    struct store_table table;
    struct batch batch;
    int64_t id = 0;
    if (!store->empty) {
        TRY(pg_store_table_load(store, name, &own, &id, &table, error));
    }
    if (id == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no table \"%s\"", name);
    }
    TRY(choose_columns(&scan, &table, columns, columns == NULL ? 0 : column_count, &own, error));
    TRY(open_cursor(store, &scan, name, error));
    do {
        TRY(next_batch(store, &scan, arena, &batch, error));
        if (batch.length > 0) {
            TRY(visit(context, &batch, error));
        }
    } while (batch.length > 0);
    return STATUS_OK;
}

enum status
pg_store_scan(struct store *store,
              const char *name,
              const char *const *columns,
              size_t column_count,
              struct arena *arena,
              enum status (*visit)(void *context, const struct batch *batch, struct error *error),
              void *context,
              struct error *error)
{
    enum status status;
    TRY(pg_store_begin(store, PG_READ, error));
    TRY_OR_FAIL(run_scan(store, name, columns, column_count, arena, visit, context, error));
    TRY_OR_FAIL(pg_commit(store->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    error_context(error, "table \"%s\"", name);
    return status;
}
