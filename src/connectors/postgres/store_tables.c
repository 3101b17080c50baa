/* What tables there are, as leat_tables and leat_columns have them. */

#include "base/memory.h"
#include "connectors/postgres/pg_value.h"
#include "connectors/postgres/store_internal.h"

static enum status load_columns(struct store *store,
                                int64_t id,
                                struct arena *arena,
                                struct store_table *table,
                                struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, id);
    size_t rows = pg_send(store->pg,
                          "SELECT name, type, semantic, key_position, is_partition, descending"
                          " FROM leat_columns WHERE table_id = $1 ORDER BY position",
                          &params);
    TRY(pg_wait(store->pg, error));
    const PGresult *found = pg_result(store->pg, rows);
    size_t count = (size_t) pg_rows(store->pg, rows);
    struct store_column *columns = ARENA_ARRAY(arena, struct store_column, count + 1);
    uint32_t *key = ARENA_ARRAY(arena, uint32_t, count + 1);
    bool *descending = ARENA_ARRAY(arena, bool, count + 1);
    for (size_t i = 0; i < count; i++) {
        int row = (int) i;
        columns[i].name = pg_string(found, row, 0, arena);
        columns[i].semantic = pg_int(found, row, 2) == 1 ? STORE_UUID : STORE_PLAIN;
        TRY(type_parse(pg_bytes(found, row, 1), arena, &columns[i].type, error));
        int64_t key_position = pg_int(found, row, 3);
        if (key_position < 0 || key_position > (int64_t) count) {
            return error_set(error, STATUS_CORRUPT, "table \"%s\": its key is damaged",
                             table->name);
        }
        if (key_position > 0) {
            key[key_position - 1] = (uint32_t) i;
            descending[key_position - 1] = pg_int(found, row, 5) != 0;
            table->key_count++;
            table->partition_count += pg_int(found, row, 4) != 0;
        }
    }
    table->columns = columns;
    table->column_count = (uint32_t) count;
    table->key = key;
    table->key_descending = descending;
    return STATUS_OK;
}

enum status pg_store_table_load(struct store *store,
                                const char *name,
                                struct arena *arena,
                                int64_t *ret_id,
                                struct store_table *ret_table,
                                struct error *error)
{
    *ret_id = 0;
    *ret_table = (struct store_table){0};
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_string(&params, name);
    size_t row =
        pg_send(store->pg, "SELECT id, ttl_us, internal FROM leat_tables WHERE name = $1", &params);
    TRY(pg_wait(store->pg, error));
    if (pg_rows(store->pg, row) == 0) {
        return STATUS_OK;
    }
    const PGresult *found = pg_result(store->pg, row);
    ret_table->name = arena_strdup(arena, name);
    ret_table->ttl_us = pg_int(found, 0, 1);
    ret_table->internal = pg_int(found, 0, 2) != 0;
    *ret_id = pg_int(found, 0, 0);
    return load_columns(store, *ret_id, arena, ret_table, error);
}

enum status pg_store_table_describe(struct store *store,
                                    const char *name,
                                    struct arena *arena,
                                    struct store_table *ret_table,
                                    struct error *error)
{
    int64_t id = 0;
    if (!store->empty) {
        enum status status;
        TRY(pg_store_begin(store, PG_READ, error));
        status = pg_store_table_load(store, name, arena, &id, ret_table, error);
        status = status == STATUS_OK ? pg_commit(store->pg, error) : status;
        if (status != STATUS_OK) {
            pg_rollback(store->pg);
            return status;
        }
    }
    return id != 0 ? STATUS_OK
                   : error_set(error, STATUS_NOT_FOUND, "there is no table \"%s\"", name);
}

enum status pg_store_tables_list(struct store *store,
                                 struct arena *arena,
                                 const char ***ret_names,
                                 size_t *ret_count,
                                 struct error *error)
{
    *ret_names = NULL;
    *ret_count = 0;
    if (store->empty) {
        return STATUS_OK;
    }
    enum status status;
    TRY(pg_store_begin(store, PG_READ, error));
    size_t rows = pg_send(
        store->pg, "SELECT name FROM leat_tables WHERE NOT internal ORDER BY name COLLATE \"C\"",
        NULL);
    TRY_OR_FAIL(pg_commit(store->pg, error));
    *ret_count = (size_t) pg_rows(store->pg, rows);
    *ret_names = ARENA_ARRAY(arena, const char *, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_names)[i] = pg_string(pg_result(store->pg, rows), (int) i, 0, arena);
    }
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}

/* The schemas "leat.PIPELINE.TOPIC" beside "leat". */
enum status pg_store_states_list(const char *url,
                                 struct arena *arena,
                                 const char ***ret_names,
                                 size_t *ret_count,
                                 struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    struct pg *pg;
    *ret_names = NULL;
    *ret_count = 0;
    TRY(pg_open(url, "state", &pg, error));
    enum status status;
    TRY_OR_FAIL(pg_begin(pg, PG_READ, error));
    pg_param_text(&params, slice_of_string(arena_printf(arena, "%s.", pg_schema(pg))));
    size_t rows = pg_send(pg,
                          "SELECT substr(nspname, length($1) + 1) FROM pg_namespace"
                          " WHERE starts_with(nspname, $1)"
                          " AND to_regclass(quote_ident(nspname) || '.leat_progress') IS NOT NULL"
                          " ORDER BY nspname",
                          &params);
    TRY_OR_FAIL(pg_commit(pg, error));
    *ret_count = (size_t) pg_rows(pg, rows);
    *ret_names = ARENA_ARRAY(arena, const char *, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_names)[i] = pg_string(pg_result(pg, rows), (int) i, 0, arena);
    }
    status = STATUS_OK;

fail:
    pg_close(pg);
    return status;
}

enum status pg_store_table_place(const struct store *store,
                                 const char *name,
                                 struct buffer *target,
                                 struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const char *schema;
    const char *table;
    TRY(pg_table_split(name, &arena, &schema, &table, error));
    pg_append_name(target, schema == NULL ? pg_schema(store->pg) : schema);
    buffer_append_byte(target, '.');
    pg_append_name(target, table);
    return STATUS_OK;
}

/* ---- statements -------------------------------------------------------------------------------
 */

void pg_sink_table_free(struct sink_table *table)
{
    if (table != NULL) {
        mem_free(table->upsert);
        mem_free(table->remove);
        mem_free(table);
    }
}

static bool is_key(const struct store_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->key[i] == column) {
            return true;
        }
    }
    return false;
}

/* "a", "b", leat_version */
static void append_columns(struct buffer *sql, const struct store_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        pg_append_name(sql, table->columns[i].name);
        buffer_append_string(sql, ", ");
    }
    buffer_append_string(sql, "leat_version");
}

static void append_placeholders(struct buffer *sql, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_printf(sql, i == 0 ? "$%u" : ", $%u", i + 1);
    }
}

/* Parameters: an array a column, of versions, and of encoded keys. */
static char *upsert_sql(const char *place, int64_t id, const struct store_table *table)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    const char *own_key = table->internal ? ", leat_key" : "";
    buffer_printf(&sql, "INSERT INTO %s AS there (", place);
    append_columns(&sql, table);
    buffer_printf(&sql, "%s) SELECT ", own_key);
    append_columns(&sql, table);
    buffer_printf(&sql, "%s FROM unnest(", own_key);
    append_placeholders(&sql, table->column_count + 2);
    buffer_append_string(&sql, ") AS made(");
    append_columns(&sql, table);
    buffer_append_string(&sql, ", leat_key)");
    if (!table->internal) {
        buffer_printf(&sql,
                      " WHERE NOT EXISTS (SELECT FROM leat_gone AS gone"
                      " WHERE gone.table_id = %lld AND gone.key = made.leat_key"
                      " AND gone.version > made.leat_version)",
                      (long long) id);
    }
    buffer_append_string(&sql, " ON CONFLICT (");
    for (uint32_t i = 0; i < table->key_count && !table->internal; i++) {
        buffer_append_string(&sql, i == 0 ? "" : ", ");
        pg_append_name(&sql, table->columns[table->key[i]].name);
    }
    buffer_printf(&sql, "%s) DO UPDATE SET ", table->internal ? "leat_key" : "");
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!is_key(table, i)) {
            pg_append_name(&sql, table->columns[i].name);
            buffer_append_string(&sql, " = excluded.");
            pg_append_name(&sql, table->columns[i].name);
            buffer_append_string(&sql, ", ");
        }
    }
    buffer_append_string(&sql, "leat_version = excluded.leat_version"
                               " WHERE there.leat_version < excluded.leat_version");
    return mem_strdup(buffer_string(&sql));
}

/* Parameters: an array a key column, or of encoded keys if it is internal; and of versions. */
static char *remove_sql(const char *place, const struct store_table *table)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (table->internal) {
        return mem_printf(
            "DELETE FROM %s AS there USING unnest($1, $2) AS made(leat_key, leat_version)"
            " WHERE there.leat_version < made.leat_version"
            " AND there.leat_key = made.leat_key",
            place);
    }
    buffer_printf(&sql, "DELETE FROM %s AS there USING unnest(", place);
    append_placeholders(&sql, table->key_count + 1);
    buffer_append_string(&sql, ") AS made(");
    for (uint32_t i = 0; i < table->key_count; i++) {
        pg_append_name(&sql, table->columns[table->key[i]].name);
        buffer_append_string(&sql, ", ");
    }
    buffer_append_string(&sql, "leat_version) WHERE there.leat_version < made.leat_version");
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(&sql, " AND there.");
        pg_append_name(&sql, table->columns[table->key[i]].name);
        buffer_append_string(&sql, " = made.");
        pg_append_name(&sql, table->columns[table->key[i]].name);
    }
    return mem_strdup(buffer_string(&sql));
}

enum status pg_store_table_writer(struct store *store,
                                  const struct store_table *table,
                                  struct sink_table **ret_table,
                                  struct error *error)
{
    struct sink_table *writer = map_get_string(&store->tables, table->name);
    if (writer == NULL) {
        struct arena arena CLEANUP(arena_deinit);
        struct buffer place CLEANUP(buffer_deinit) = BUFFER_INIT;
        arena_init(&arena, 0);
        int64_t id;
        struct store_table made;
        TRY(pg_store_table_load(store, table->name, &arena, &id, &made, error));
        if (id == 0) {
            return error_set(error, STATUS_NOT_FOUND, "there is no table \"%s\"", table->name);
        }
        TRY(pg_store_table_place(store, table->name, &place, error));
        writer = mem_zalloc(sizeof(*writer));
        writer->id = id;
        writer->upsert = upsert_sql(buffer_string(&place), id, table);
        writer->remove = remove_sql(buffer_string(&place), table);
        map_put_string(&store->tables, table->name, writer);
    }
    *ret_table = writer;
    return STATUS_OK;
}
