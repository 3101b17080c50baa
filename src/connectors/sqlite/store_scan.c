#include "connectors/sqlite/store_internal.h"

#include <strings.h>

#define SCAN_ROWS 8192

struct scan {
    struct db_statement *select;
    const struct store_column **columns;
    uint32_t count;
    const struct type *type; /* of the batches: uuids as text */
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
    scan->columns = ARENA_ARRAY(arena, const struct store_column *, scan->count);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, scan->count);
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

static enum status prepare(struct scan *scan,
                           struct store *store,
                           const struct store_table *table,
                           struct error *error)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&sql, "SELECT ");
    for (uint32_t i = 0; i < scan->count; i++) {
        buffer_append_string(&sql, i == 0 ? "" : ", ");
        db_append_name(&sql, scan->columns[i]->name);
    }
    if (scan->count == 0) {
        buffer_append_string(&sql, "1");
    }
    buffer_append_string(&sql, " FROM ");
    db_append_name(&sql, table->name);
    return db_prepare(store->db, buffer_string(&sql), &scan->select, error);
}

/* The next batch, in the caller's arena; of length 0 at the end. */
static enum status next_batch(
    struct scan *scan, bool *found, struct arena *arena, struct batch *batch, struct error *error)
{
    struct column_builder *builders = ARENA_ARRAY(arena, struct column_builder, scan->count);
    for (uint32_t i = 0; i < scan->count; i++) {
        column_builder_init(&builders[i], arena, scan->type->fields[i].type, 256);
    }
    int64_t length = 0;
    while (*found && length < SCAN_ROWS) {
        for (uint32_t i = 0; i < scan->count; i++) {
            TRY(store_read(scan->select, (int) i, scan->columns[i], true, &builders[i], arena,
                           error));
        }
        length++;
        TRY(statement_step(scan->select, found, error));
    }
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, scan->count);
    for (uint32_t i = 0; i < scan->count; i++) {
        columns[i] = column_builder_finish(&builders[i]);
    }
    *batch = (struct batch){.length = length, .type = scan->type, .columns = columns};
    return STATUS_OK;
}

enum status
store_scan(struct store *store,
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
    struct store_table table;
    TRY(store_table_describe(store, name, &own, &table, error));
    struct scan scan = {0};
    TRY(choose_columns(&scan, &table, columns, columns == NULL ? 0 : column_count, &own, error));
    TRY(prepare(&scan, store, &table, error));
    bool found;
    enum status status = statement_step(scan.select, &found, error);
    while (status == STATUS_OK && found) {
        struct batch batch;
        status = next_batch(&scan, &found, arena, &batch, error);
        if (status == STATUS_OK) {
            status = visit(context, &batch, error);
        }
    }
    statement_release(scan.select);
    if (status != STATUS_OK) {
        error_context(error, "table \"%s\"", name);
    }
    return status;
}
