/* Tables: made, and grown by new columns. */

#include "connectors/postgres/pg_value.h"
#include "connectors/postgres/store_internal.h"

#include <strings.h>

static const char rebuild_hint[] =
    "\"leat rebuild\" makes the table anew from the topic; or give the sink another table";

static int key_position(const struct store_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->key[i] == column) {
            return (int) i + 1;
        }
    }
    return 0;
}

static bool is_descending(const struct store_table *table, uint32_t key)
{
    return table->key_descending != NULL && table->key_descending[key];
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

/* ---- making ------------------------------------------------------------------------------------
 */

static void send_column(struct store *store,
                        int64_t id,
                        const struct store_table *table,
                        uint32_t index,
                        uint32_t position)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    struct buffer type CLEANUP(buffer_deinit) = BUFFER_INIT;
    const struct store_column *column = &table->columns[index];
    int in_key = key_position(table, index);
    type_write(column->type, &type);
    pg_param_int8(&params, id);
    pg_param_int4(&params, (int32_t) position);
    pg_param_string(&params, column->name);
    pg_param_text(&params, buffer_slice(&type));
    pg_param_int4(&params, column->semantic == STORE_UUID);
    pg_param_int4(&params, in_key);
    pg_param_bool(&params, in_key > 0 && in_key <= (int) table->partition_count);
    pg_param_bool(&params, in_key > 0 && is_descending(table, (uint32_t) in_key - 1));
    (void) pg_send(
        store->pg,
        "INSERT INTO leat_columns(table_id, position, name, type, semantic,"
        " key_position, is_partition, descending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &params);
}

/* The schema of "space.table", if it is missing. */
static enum status make_space(struct store *store, const char *name, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    arena_init(&arena, 0);
    const char *schema;
    const char *table;
    TRY(pg_table_split(name, &arena, &schema, &table, error));
    if (schema == NULL) {
        return STATUS_OK;
    }
    pg_param_string(&params, schema);
    size_t found = pg_send(store->pg, "SELECT 1 FROM pg_namespace WHERE nspname = $1", &params);
    TRY(pg_wait(store->pg, error));
    if (pg_rows(store->pg, found) == 0) {
        struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
        buffer_append_string(&sql, "CREATE SCHEMA ");
        pg_append_name(&sql, schema);
        (void) pg_send_once(store->pg, buffer_string(&sql), NULL);
    }
    return STATUS_OK;
}

static void send_create(struct store *store, const char *place, const struct store_table *table)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer key CLEANUP(buffer_deinit) = BUFFER_INIT;
    bool descending = false;
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(&key, i == 0 ? "" : ", ");
        pg_append_name(&key, table->columns[table->key[i]].name);
        buffer_append_string(&key, is_descending(table, i) ? " DESC" : "");
        descending = descending || is_descending(table, i);
    }
    buffer_printf(&sql, "CREATE TABLE %s (", place);
    for (uint32_t i = 0; i < table->column_count; i++) {
        bool in_key = key_position(table, i) > 0;
        pg_append_name(&sql, table->columns[i].name);
        buffer_append_byte(&sql, ' ');
        pg_value_declare(&table->columns[i], in_key, &sql);
        buffer_append_string(&sql, in_key ? " NOT NULL, " : ", ");
    }
    buffer_append_string(&sql, "leat_version bigint NOT NULL");
    if (table->internal) { /* groups have keys of any length */
        buffer_append_string(&sql, ", leat_key bytea PRIMARY KEY");
    } else if (!descending) { /* a primary key has no order of its own */
        buffer_printf(&sql, ", PRIMARY KEY (%s)", buffer_string(&key));
    }
    buffer_append_byte(&sql, ')');
    (void) pg_send_once(store->pg, buffer_string(&sql), NULL);
    if (descending && !table->internal) {
        buffer_clear(&sql);
        buffer_printf(&sql, "CREATE UNIQUE INDEX ON %s (%s)", place, buffer_string(&key));
        (void) pg_send_once(store->pg, buffer_string(&sql), NULL);
    }
}

static enum status create_table(struct store *store,
                                const char *place,
                                const struct store_table *table,
                                struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    TRY(make_space(store, table->name, error));
    pg_param_string(&params, table->name);
    pg_param_int8(&params, table->ttl_us);
    pg_param_bool(&params, table->internal);
    size_t made =
        pg_send(store->pg,
                "INSERT INTO leat_tables(name, ttl_us, internal) VALUES ($1, $2, $3) RETURNING id",
                &params);
    TRY(pg_wait(store->pg, error));
    int64_t id = pg_int(pg_result(store->pg, made), 0, 0);
    for (uint32_t i = 0; i < table->column_count; i++) {
        send_column(store, id, table, i, i);
    }
    send_create(store, place, table);
    return pg_wait(store->pg, error);
}

/* ---- growing -----------------------------------------------------------------------------------
 */

static enum status
differs(const struct store_table *table, const char *column, const char *how, struct error *error)
{
    error_set(error, STATUS_CONFLICT, "table \"%s\": column \"%s\" %s", table->name, column, how);
    error_hint(error, "%s", rebuild_hint);
    return STATUS_CONFLICT;
}

static enum status
compare_key(const struct store_table *old, const struct store_table *table, struct error *error)
{
    bool same =
        old->key_count == table->key_count && old->partition_count == table->partition_count;
    for (uint32_t i = 0; same && i < table->key_count; i++) {
        same =
            strcasecmp(old->columns[old->key[i]].name, table->columns[table->key[i]].name) == 0 &&
            old->key_descending[i] == is_descending(table, i);
    }
    if (!same) {
        error_set(error, STATUS_CONFLICT, "table \"%s\" has another key than the sink asks for",
                  table->name);
        error_hint(error, "%s", rebuild_hint);
        return STATUS_CONFLICT;
    }
    return STATUS_OK;
}

/* Everything that is there must be as it was. */
static enum status
compare_columns(const struct store_table *old, const struct store_table *table, struct error *error)
{
    for (uint32_t i = 0; i < old->column_count; i++) {
        int at = find_column(table, old->columns[i].name);
        if (at < 0) {
            return differs(table, old->columns[i].name, "is no more among the sink's", error);
        }
        if (!type_equal(old->columns[i].type, table->columns[at].type) ||
            old->columns[i].semantic != table->columns[at].semantic) {
            struct arena arena CLEANUP(arena_deinit);
            arena_init(&arena, 0);
            return differs(table, old->columns[i].name,
                           arena_printf(&arena, "is %s there and %s now",
                                        type_text(old->columns[i].type, &arena),
                                        type_text(table->columns[at].type, &arena)),
                           error);
        }
    }
    return STATUS_OK;
}

static enum status grow_table(struct store *store,
                              int64_t id,
                              const char *place,
                              const struct store_table *old,
                              const struct store_table *table,
                              struct error *error)
{
    TRY(compare_key(old, table, error));
    TRY(compare_columns(old, table, error));
    uint32_t position = old->column_count;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (find_column(old, table->columns[i].name) >= 0) {
            continue;
        }
        struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
        buffer_printf(&sql, "ALTER TABLE %s ADD COLUMN ", place);
        pg_append_name(&sql, table->columns[i].name);
        buffer_append_byte(&sql, ' ');
        pg_value_declare(&table->columns[i], false, &sql);
        (void) pg_send_once(store->pg, buffer_string(&sql), NULL);
        send_column(store, id, table, i, position++);
    }
    if (old->ttl_us != table->ttl_us) {
        struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
        pg_param_int8(&params, id);
        pg_param_int8(&params, table->ttl_us);
        (void) pg_send(store->pg, "UPDATE leat_tables SET ttl_us = $2 WHERE id = $1", &params);
    }
    return STATUS_OK;
}

/* ---- ensuring ----------------------------------------------------------------------------------
 */

static enum status
check_table(const struct store *store, const struct store_table *table, struct error *error)
{
    if (table->key_count == 0) {
        return error_set(error, STATUS_CONFIG, "table \"%s\" has no key", table->name);
    }
    if (!table->internal && strncmp(table->name, "leat_", 5) == 0) {
        return error_set(
            error, STATUS_CONFIG,
            "table \"%s\": names that begin with leat_ are leat's own in schema \"%s\"",
            table->name, pg_schema(store->pg));
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        if (strcasecmp(name, "leat_version") == 0 || strcasecmp(name, "leat_key") == 0) {
            return error_set(error, STATUS_CONFIG,
                             "table \"%s\": \"%s\" is leat's own column; call yours otherwise",
                             table->name, name);
        }
        if (strlen(name) > PG_NAME_BYTES) {
            return error_set(
                error, STATUS_CONFIG,
                "table \"%s\", column \"%s\": names in PostgreSQL have at most %d bytes",
                table->name, name, PG_NAME_BYTES);
        }
        if (find_column(table, name) != (int) i) {
            return error_set(error, STATUS_CONFIG, "table \"%s\" has column \"%s\" twice",
                             table->name, name);
        }
    }
    return STATUS_OK;
}

/* Is there a table at that place? */
static enum status
exists(struct store *store, const char *place, bool *ret_exists, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_string(&params, place);
    size_t found = pg_send(store->pg, "SELECT to_regclass($1) IS NOT NULL", &params);
    TRY(pg_wait(store->pg, error));
    *ret_exists = pg_int(pg_result(store->pg, found), 0, 0) != 0;
    return STATUS_OK;
}

/* A table that somebody dropped is made again. */
static void forget(struct store *store, int64_t id)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, id);
    (void) pg_send(store->pg, "DELETE FROM leat_tables WHERE id = $1", &params);
    (void) pg_send(store->pg, "DELETE FROM leat_gone WHERE table_id = $1", &params);
}

static enum status ensure(struct store *store, const struct store_table *table, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    arena_init(&arena, 0);
    int64_t id;
    bool there;
    struct store_table old;
    TRY(pg_store_table_place(store, table->name, &text, error));
    const char *place = buffer_string(&text);
    pg_lock(store->pg, "tables", 0);
    TRY(exists(store, place, &there, error));
    TRY(pg_store_table_load(store, table->name, &arena, &id, &old, error));
    if (there && id == 0) {
        return error_set(error, STATUS_CONFLICT, "table \"%s\" exists and is not leat's",
                         table->name);
    }
    if (there) {
        return grow_table(store, id, place, &old, table, error);
    }
    if (id != 0) {
        forget(store, id);
    }
    return create_table(store, place, table, error);
}

enum status
pg_store_table_ensure(struct store *store, const struct store_table *table, struct error *error)
{
    enum status status;
    TRY(check_table(store, table, error));
    pg_sink_table_free(map_remove(&store->tables, slice_of_string(table->name)));
    TRY(pg_store_begin(store, PG_REPEATABLE, error));
    TRY_OR_FAIL(ensure(store, table, error));
    TRY_OR_FAIL(pg_commit(store->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}
