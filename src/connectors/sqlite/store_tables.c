#include "base/memory.h"
#include "connectors/sqlite/store_internal.h"

#include <inttypes.h>
#include <strings.h>

void sink_table_free(struct sink_table *table)
{
    if (table != NULL) {
        mem_free(table->upsert);
        mem_free(table->remove);
        mem_free(table->gone_select);
        mem_free(table->gone_upsert);
        mem_free(table);
    }
}

/* ---- reading what there is --------------------------------------------------------------------
 */

static enum status load_columns(struct store *store,
                                int64_t id,
                                struct arena *arena,
                                struct store_table *table,
                                struct error *error)
{
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db,
                   "SELECT name, type, semantic, key_position, is_partition, descending,"
                   " (SELECT count(*) FROM leat_columns WHERE table_id = ?1)"
                   " FROM leat_columns WHERE table_id = ?1 ORDER BY position",
                   &select, error));
    statement_bind_int(select, 1, id);
    struct store_column *columns = NULL;
    uint32_t *key = NULL;
    bool *descending = NULL;
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        if (columns == NULL) {
            size_t count = (size_t) statement_column_int(select, 6);
            columns = ARENA_ARRAY(arena, struct store_column, count);
            key = ARENA_ARRAY(arena, uint32_t, count);
            descending = ARENA_ARRAY(arena, bool, count);
        }
        struct store_column *column = &columns[table->column_count];
        column->name = arena_string(arena, statement_column_text(select, 0));
        column->semantic = statement_column_int(select, 2) == 1 ? STORE_UUID : STORE_PLAIN;
        TRY(type_parse(statement_column_text(select, 1), arena, &column->type, error));
        int64_t key_position = statement_column_int(select, 3);
        if (key_position > 0) {
            key[key_position - 1] = table->column_count;
            descending[key_position - 1] = statement_column_int(select, 5) != 0;
            table->key_count++;
            table->partition_count += statement_column_int(select, 4) != 0;
        }
        table->column_count++;
        TRY(statement_step(select, &found, error));
    }
    table->columns = columns;
    table->key = key;
    table->key_descending = descending;
    return STATUS_OK;
}

enum status store_table_load(struct store *store,
                             const char *name,
                             struct arena *arena,
                             int64_t *ret_id,
                             struct store_table *ret_table,
                             struct error *error)
{
    *ret_id = 0;
    *ret_table = (struct store_table){0};
    if (store->empty) {
        return STATUS_OK;
    }
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "SELECT id, ttl_us, internal FROM leat_tables WHERE name = ?1",
                   &select, error));
    statement_bind_text(select, 1, slice_of_string(name));
    bool found;
    TRY(statement_step(select, &found, error));
    if (!found) {
        return STATUS_OK;
    }
    ret_table->name = arena_strdup(arena, name);
    ret_table->ttl_us = statement_column_int(select, 1);
    ret_table->internal = statement_column_int(select, 2) != 0;
    *ret_id = statement_column_int(select, 0);
    return load_columns(store, *ret_id, arena, ret_table, error);
}

enum status store_table_describe(struct store *store,
                                 const char *name,
                                 struct arena *arena,
                                 struct store_table *ret_table,
                                 struct error *error)
{
    int64_t id;
    TRY(store_table_load(store, name, arena, &id, ret_table, error));
    if (id == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no table \"%s\"", name);
    }
    return STATUS_OK;
}

enum status store_tables_list(struct store *store,
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
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "SELECT name FROM leat_tables WHERE NOT internal ORDER BY name",
                   &select, error));
    size_t capacity = 0;
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        if (*ret_count == capacity) {
            size_t grown = capacity == 0 ? 16 : 2 * capacity;
            *ret_names =
                arena_grow(arena, *ret_names, capacity * sizeof(char *), grown * sizeof(char *));
            capacity = grown;
        }
        (*ret_names)[(*ret_count)++] = arena_string(arena, statement_column_text(select, 0));
        TRY(statement_step(select, &found, error));
    }
    return STATUS_OK;
}

/* ---- making, and growing ----------------------------------------------------------------------
 */

void store_declared_type(const struct store_column *column, struct buffer *target)
{
    if (column->semantic == STORE_UUID) {
        buffer_append_string(target, "UUID");
        return;
    }
    switch (column->type->id) {
    case TYPE_STRING:
        buffer_append_string(target, "TEXT");
        break;
    case TYPE_BINARY:
        buffer_append_string(target, "BLOB");
        break;
    case TYPE_DECIMAL: /* TEXT in the name keeps SQLite from making it a floating-point number */
        buffer_printf(target, "DECIMAL TEXT(%d, %d)", column->type->precision, column->type->scale);
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT: {
        struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
        type_write(column->type, &text);
        db_append_name(target, buffer_string(&text));
        break;
    }
    default: {
        struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
        type_write(column->type, &text);
        for (size_t i = 0; i < text.size; i++) {
            uint8_t c = text.data[i];
            buffer_append_byte(target, c >= 'a' && c <= 'z' ? (uint8_t) (c - 32) : c);
        }
        break;
    }
    }
}

static int64_t key_position(const struct store_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->key[i] == column) {
            return i + 1;
        }
    }
    return 0;
}

static enum status insert_column(struct store *store,
                                 int64_t id,
                                 const struct store_table *table,
                                 uint32_t index,
                                 int64_t position,
                                 struct error *error)
{
    struct buffer type CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct db_statement *insert CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "INSERT INTO leat_columns VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   &insert, error));
    const struct store_column *column = &table->columns[index];
    int64_t in_key = key_position(table, index);
    type_write(column->type, &type);
    statement_bind_int(insert, 1, id);
    statement_bind_int(insert, 2, position);
    statement_bind_text(insert, 3, slice_of_string(column->name));
    statement_bind_text(insert, 4, buffer_slice(&type));
    statement_bind_int(insert, 5, column->semantic == STORE_UUID);
    statement_bind_int(insert, 6, in_key);
    statement_bind_int(insert, 7, in_key > 0 && in_key <= table->partition_count);
    statement_bind_int(insert, 8,
                       in_key > 0 && table->key_descending != NULL &&
                           table->key_descending[in_key - 1]);
    return statement_run(insert, error);
}

static void append_columns(struct buffer *sql, const struct store_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        buffer_append_string(sql, i == 0 ? "" : ", ");
        db_append_name(sql, table->columns[i].name);
        buffer_append_byte(sql, ' ');
        store_declared_type(&table->columns[i], sql);
        if (key_position(table, i) > 0) {
            buffer_append_string(sql, " NOT NULL");
        }
    }
}

static void append_key(struct buffer *sql, const struct store_table *table, bool with_order)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(sql, i == 0 ? "" : ", ");
        db_append_name(sql, table->columns[table->key[i]].name);
        if (with_order && table->key_descending != NULL && table->key_descending[i]) {
            buffer_append_string(sql, " DESC");
        }
    }
}

static enum status
create_table(struct store *store, const struct store_table *table, struct error *error)
{
    struct db_statement *insert CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "INSERT INTO leat_tables(name, ttl_us, internal) VALUES (?1, ?2, ?3)",
                   &insert, error));
    statement_bind_text(insert, 1, slice_of_string(table->name));
    statement_bind_int(insert, 2, table->ttl_us);
    statement_bind_int(insert, 3, table->internal);
    TRY(statement_run(insert, error));
    int64_t id = db_last_insert_rowid(store->db);
    for (uint32_t i = 0; i < table->column_count; i++) {
        TRY(insert_column(store, id, table, i, i, error));
    }
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&sql, "CREATE TABLE ");
    db_append_name(&sql, table->name);
    buffer_append_string(&sql, " (");
    append_columns(&sql, table);
    buffer_printf(
        &sql, ", leat_version INTEGER NOT NULL); CREATE UNIQUE INDEX leat_key_%" PRId64 " ON ", id);
    db_append_name(&sql, table->name);
    buffer_append_byte(&sql, '(');
    append_key(&sql, table, true);
    buffer_append_byte(&sql, ')');
    if (!table->internal) {
        buffer_printf(&sql,
                      "; CREATE TABLE leat_gone_%" PRId64
                      " (key BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID",
                      id);
    }
    return db_exec(store->db, buffer_string(&sql), error);
}

static const char rebuild_hint[] =
    "\"leat rebuild\" makes the table anew from the topic; or give the sink another table";

static enum status
differs(const struct store_table *table, const char *column, const char *how, struct error *error)
{
    error_set(error, STATUS_CONFLICT, "table \"%s\": column \"%s\" %s", table->name, column, how);
    error_hint(error, "%s", rebuild_hint);
    return STATUS_CONFLICT;
}

static int find_column(const struct store_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcasecmp(table->columns[i].name, name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

static enum status
compare_key(const struct store_table *old, const struct store_table *table, struct error *error)
{
    bool same =
        old->key_count == table->key_count && old->partition_count == table->partition_count;
    for (uint32_t i = 0; same && i < table->key_count; i++) {
        bool descending = table->key_descending != NULL && table->key_descending[i];
        same =
            strcasecmp(old->columns[old->key[i]].name, table->columns[table->key[i]].name) == 0 &&
            old->key_descending[i] == descending;
    }
    if (!same) {
        error_set(error, STATUS_CONFLICT, "table \"%s\" has another key than the sink asks for",
                  table->name);
        error_hint(error, "%s", rebuild_hint);
        return STATUS_CONFLICT;
    }
    return STATUS_OK;
}

/* Adds what is new; all else must be as it was. */
static enum status grow_table(struct store *store,
                              int64_t id,
                              const struct store_table *old,
                              const struct store_table *table,
                              struct error *error)
{
    TRY(compare_key(old, table, error));
    for (uint32_t i = 0; i < old->column_count; i++) {
        if (find_column(table, old->columns[i].name) < 0) {
            return differs(table, old->columns[i].name, "is no more among the sink's", error);
        }
    }
    int64_t added = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct store_column *column = &table->columns[i];
        int at = find_column(old, column->name);
        if (at >= 0) {
            if (!type_equal(old->columns[at].type, column->type) ||
                old->columns[at].semantic != column->semantic) {
                struct arena arena CLEANUP(arena_deinit);
                arena_init(&arena, 0);
                return differs(table, column->name,
                               arena_printf(&arena, "is %s there and %s now",
                                            type_text(old->columns[at].type, &arena),
                                            type_text(column->type, &arena)),
                               error);
            }
            continue;
        }
        struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
        buffer_append_string(&sql, "ALTER TABLE ");
        db_append_name(&sql, table->name);
        buffer_append_string(&sql, " ADD COLUMN ");
        db_append_name(&sql, column->name);
        buffer_append_byte(&sql, ' ');
        store_declared_type(column, &sql);
        TRY(db_exec(store->db, buffer_string(&sql), error));
        TRY(insert_column(store, id, table, i, old->column_count + added++, error));
    }
    struct db_statement *update CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "UPDATE leat_tables SET ttl_us = ?2 WHERE id = ?1", &update, error));
    statement_bind_int(update, 1, id);
    statement_bind_int(update, 2, table->ttl_us);
    return statement_run(update, error);
}

static enum status check_table(const struct store_table *table, struct error *error)
{
    if (table->key_count == 0) {
        return error_set(error, STATUS_CONFIG, "table \"%s\" has no key", table->name);
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        if (strcasecmp(name, "leat_version") == 0) {
            return error_set(error, STATUS_CONFIG,
                             "table \"%s\": \"%s\" is leat's own column; call yours otherwise",
                             table->name, name);
        }
        if (find_column(table, name) != (int) i) {
            return error_set(error, STATUS_CONFIG, "table \"%s\" has column \"%s\" twice",
                             table->name, name);
        }
    }
    return STATUS_OK;
}

enum status
store_table_ensure(struct store *store, const struct store_table *table, struct error *error)
{
    TRY(check_table(table, error));
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    int64_t id;
    bool foreign = false;
    struct store_table old;
    sink_table_free(map_remove(&store->tables, slice_of_string(table->name)));
    enum status status;
    TRY(write_begin(store->db, store->turn, error));
    TRY_OR_FAIL(store_table_load(store, table->name, &arena, &id, &old, error));
    if (id == 0) {
        TRY_OR_FAIL(db_has_table(store->db, table->name, &foreign, error));
    }
    if (foreign) {
        status =
            error_set(error, STATUS_CONFLICT, "table \"%s\" exists and is not leat's", table->name);
        goto fail;
    }
    status =
        id == 0 ? create_table(store, table, error) : grow_table(store, id, &old, table, error);
    TRY_OR_FAIL(status);
    TRY_OR_FAIL(write_commit(store->db, store->turn, error));
    return STATUS_OK;

fail:
    write_rollback(store->db, store->turn);
    error_context(error, "store");
    return status;
}

/* ---- statements -------------------------------------------------------------------------------
 */

static char *upsert_sql(const struct store_table *table)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&sql, "INSERT INTO ");
    db_append_name(&sql, table->name);
    buffer_append_byte(&sql, '(');
    for (uint32_t i = 0; i < table->column_count; i++) {
        db_append_name(&sql, table->columns[i].name);
        buffer_append_string(&sql, ", ");
    }
    buffer_append_string(&sql, "leat_version) VALUES (");
    for (uint32_t i = 0; i < table->column_count; i++) {
        buffer_printf(&sql, "?%u, ", i + 1);
    }
    buffer_printf(&sql, "?%u) ON CONFLICT(", table->column_count + 1);
    append_key(&sql, table, false);
    buffer_append_string(&sql, ") DO UPDATE SET ");
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (key_position(table, i) == 0) {
            db_append_name(&sql, table->columns[i].name);
            buffer_append_string(&sql, " = excluded.");
            db_append_name(&sql, table->columns[i].name);
            buffer_append_string(&sql, ", ");
        }
    }
    buffer_append_string(&sql, "leat_version = excluded.leat_version"
                               " WHERE leat_version < excluded.leat_version");
    return mem_strdup(buffer_string(&sql));
}

static char *remove_sql(const struct store_table *table)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&sql, "DELETE FROM ");
    db_append_name(&sql, table->name);
    buffer_append_string(&sql, " WHERE leat_version < ?1");
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(&sql, " AND ");
        db_append_name(&sql, table->columns[table->key[i]].name);
        buffer_printf(&sql, " = ?%u", i + 2);
    }
    return mem_strdup(buffer_string(&sql));
}

enum status store_table_writer(struct store *store,
                               const struct store_table *table,
                               struct sink_table **ret_table,
                               struct error *error)
{
    struct sink_table *writer = map_get_string(&store->tables, table->name);
    if (writer == NULL) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        int64_t id;
        struct store_table made;
        TRY(store_table_load(store, table->name, &arena, &id, &made, error));
        if (id == 0) {
            return error_set(error, STATUS_NOT_FOUND, "there is no table \"%s\"", table->name);
        }
        int64_t gone = 0;
        if (!table->internal) {
            TRY(db_query_int(
                store->db,
                arena_printf(&arena, "SELECT EXISTS (SELECT 1 FROM leat_gone_%" PRId64 ")", id),
                &gone, error));
        }
        writer = mem_zalloc(sizeof(*writer));
        writer->id = id;
        writer->internal = table->internal;
        writer->has_gone = gone != 0;
        writer->upsert = upsert_sql(table);
        writer->remove = remove_sql(table);
        writer->gone_select =
            mem_printf("SELECT version FROM leat_gone_%" PRId64 " WHERE key = ?1", id);
        writer->gone_upsert =
            mem_printf("INSERT INTO leat_gone_%" PRId64 "(key, version) VALUES (?1, ?2)"
                       " ON CONFLICT(key) DO UPDATE SET version = max(version, excluded.version)",
                       id);
        map_put_string(&store->tables, table->name, writer);
    }
    *ret_table = writer;
    return STATUS_OK;
}
