#include "connectors/cassandra/cql_result.h"

enum metadata_flag {
    GLOBAL_TABLE = 1, /* keyspace and table once for all columns */
    MORE_PAGES = 2,
    NO_METADATA = 4,
    CHANGED = 8, /* v5: a new id of the metadata */
};

int32_t cql_result_kind(struct slice body)
{
    struct cql_reader reader = cql_reader_of(body);
    return cql_read_int(&reader);
}

static void read_columns(struct cql_reader *reader,
                         int32_t flags,
                         struct arena *arena,
                         struct cql_metadata *metadata)
{
    bool global = (flags & GLOBAL_TABLE) != 0;
    uint32_t count = cql_read_count(reader, metadata->column_count, 4);
    metadata->columns = ARENA_ARRAY(arena, struct cql_column, count);
    if (global) {
        (void) cql_read_string(reader);
        (void) cql_read_string(reader);
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        if (!global) {
            (void) cql_read_string(reader);
            (void) cql_read_string(reader);
        }
        metadata->columns[i].name = arena_string(arena, cql_read_string(reader));
        metadata->columns[i].type = cql_type_read(reader, arena);
    }
}

static void
read_metadata(struct cql_reader *reader, struct arena *arena, struct cql_metadata *metadata)
{
    int32_t flags = cql_read_int(reader);
    *metadata = (struct cql_metadata){0};
    metadata->column_count = cql_read_count(reader, cql_read_int(reader), 0);
    struct slice state;
    if ((flags & MORE_PAGES) != 0 && cql_read_bytes(reader, &state)) {
        metadata->paging_state = arena_copy(arena, state);
    }
    if ((flags & CHANGED) != 0) {
        (void) cql_read_short_bytes(reader);
    }
    if ((flags & NO_METADATA) == 0) {
        read_columns(reader, flags, arena, metadata);
    }
}

static enum status wrong_kind(int32_t kind, const char *wanted, struct error *error)
{
    return error_set(error, STATUS_PROTOCOL, "a result of kind %d came, not %s", (int) kind,
                     wanted);
}

enum status cql_rows_read(struct slice body,
                          struct arena *arena,
                          struct cql_rows *ret_rows,
                          struct error *error)
{
    struct cql_reader reader = cql_reader_of(body);
    int32_t kind = cql_read_int(&reader);
    *ret_rows = (struct cql_rows){0};
    if (kind != CQL_RESULT_ROWS) {
        return wrong_kind(kind, "rows", error);
    }
    read_metadata(&reader, arena, &ret_rows->metadata);
    int32_t count = cql_read_int(&reader);
    ret_rows->count = cql_read_count(&reader, count, 4 * (size_t) ret_rows->metadata.column_count);
    ret_rows->cells = reader;
    return cql_reader_check(&reader, "a result", error);
}

enum status cql_prepared_read(struct slice body,
                              uint8_t version,
                              struct arena *arena,
                              struct cql_prepared *ret_prepared,
                              struct error *error)
{
    struct cql_reader reader = cql_reader_of(body);
    int32_t kind = cql_read_int(&reader);
    *ret_prepared = (struct cql_prepared){0};
    if (kind != CQL_RESULT_PREPARED) {
        return wrong_kind(kind, "a prepared statement", error);
    }
    ret_prepared->id = arena_copy(arena, cql_read_short_bytes(&reader));
    if (version >= CQL_V5) {
        ret_prepared->result_id = arena_copy(arena, cql_read_short_bytes(&reader));
    }
    int32_t flags = cql_read_int(&reader);
    struct cql_metadata *bound = &ret_prepared->bound;
    bound->column_count = cql_read_count(&reader, cql_read_int(&reader), 0);
    uint32_t keys = cql_read_count(&reader, cql_read_int(&reader), 2);
    uint16_t *key = ARENA_ARRAY(arena, uint16_t, keys);
    for (uint32_t i = 0; i < keys; i++) {
        key[i] = cql_read_short(&reader);
    }
    ret_prepared->key = key;
    ret_prepared->key_count = keys;
    if (bound->column_count > 0) {
        read_columns(&reader, flags, arena, bound);
    }
    read_metadata(&reader, arena, &ret_prepared->result);
    return cql_reader_check(&reader, "a prepared statement", error);
}

enum status cql_table_read(struct slice body,
                           struct arena *arena,
                           struct cql_table *ret_table,
                           struct error *error)
{
    struct cql_rows rows;
    TRY(cql_rows_read(arena_copy(arena, body), arena, &rows, error));
    size_t count = (size_t) rows.count * rows.metadata.column_count;
    struct slice *cells = ARENA_ARRAY(arena, struct slice, count);
    for (size_t i = 0; i < count; i++) {
        static const uint8_t nothing;
        if (cql_read_bytes(&rows.cells, &cells[i]) && cells[i].data == NULL) {
            cells[i].data = &nothing;
        }
    }
    *ret_table = (struct cql_table){rows.metadata, rows.count, cells};
    return cql_reader_check(&rows.cells, "a result", error);
}

struct slice cql_table_cell(const struct cql_table *table, uint32_t row, const char *column)
{
    for (uint32_t i = 0; table->metadata.columns != NULL && i < table->metadata.column_count; i++) {
        if (strcmp(table->metadata.columns[i].name, column) == 0) {
            return table->cells[(size_t) row * table->metadata.column_count + i];
        }
    }
    return SLICE_EMPTY;
}
