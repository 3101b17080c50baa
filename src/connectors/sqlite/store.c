#include "base/memory.h"
#include "connectors/sqlite/sqlite_store.h"
#include "connectors/sqlite/store_internal.h"

#define STORE_APPLICATION_ID 0x6c656102
#define STORE_VERSION        1

static const char schema_sql[] = "CREATE TABLE IF NOT EXISTS leat_tables ("
                                 " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                 " name TEXT NOT NULL UNIQUE,"
                                 " ttl_us INTEGER NOT NULL,"
                                 " internal INTEGER NOT NULL);"
                                 "CREATE TABLE IF NOT EXISTS leat_columns ("
                                 " table_id INTEGER NOT NULL REFERENCES leat_tables(id),"
                                 " position INTEGER NOT NULL,"
                                 " name TEXT NOT NULL,"
                                 " type TEXT NOT NULL,"
                                 " semantic INTEGER NOT NULL,"
                                 " key_position INTEGER NOT NULL," /* from 1; 0: not of the key */
                                 " is_partition INTEGER NOT NULL,"
                                 " descending INTEGER NOT NULL,"
                                 " PRIMARY KEY (table_id, position));"
                                 "CREATE TABLE IF NOT EXISTS leat_progress ("
                                 " task TEXT NOT NULL PRIMARY KEY,"
                                 " number INTEGER NOT NULL,"
                                 " bytes BLOB NOT NULL);"
                                 "CREATE TABLE IF NOT EXISTS leat_dead ("
                                 " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                 " hop INTEGER NOT NULL,"
                                 " pipeline TEXT NOT NULL,"
                                 " name TEXT NOT NULL,"
                                 " reason TEXT NOT NULL,"
                                 " message TEXT,"
                                 " place TEXT,"
                                 " raw BLOB,"
                                 " key BLOB,"
                                 " schema_id INTEGER NOT NULL,"
                                 " identity TEXT,"
                                 " topic TEXT,"
                                 " partition INTEGER NOT NULL,"
                                 " offset INTEGER NOT NULL,"
                                 " version INTEGER NOT NULL,"
                                 " at_us INTEGER NOT NULL,"
                                 " retries INTEGER NOT NULL DEFAULT 0)";

static void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    size_t at = 0;
    for (struct map_entry *entry = map_next(&store->tables, &at); entry != NULL;
         entry = map_next(&store->tables, &at)) {
        sink_table_free(entry->value);
    }
    map_deinit(&store->tables);
    db_close(store->db);
    turn_put(store->turn);
    mem_free(store);
}

static enum status make_schema(struct store *store, struct error *error)
{
    TRY(write_begin(store->db, store->turn, error));
    enum status status = db_exec(store->db, schema_sql, error);
    if (status == STATUS_OK) {
        status = write_commit(store->db, store->turn, error);
    }
    if (status != STATUS_OK) {
        write_rollback(store->db, store->turn);
    }
    return status;
}

static enum status
store_open(const char *url, bool read_only, struct store **ret_store, struct error *error)
{
    struct store *store = mem_zalloc(sizeof(*store));
    store->read_only = read_only;
    map_init(&store->tables);
    const struct db_options options = {
        .flags = read_only ? DB_READ_ONLY : DB_CREATE,
        .application_id = STORE_APPLICATION_ID,
        .user_version = STORE_VERSION,
        .busy_timeout_us = 30 * (int64_t) 1000000,
        .cache_bytes = 32 * (int64_t) 1024 * 1024,
    };
    enum status status;
    bool exists = false;
    TRY_OR_FAIL(db_open(url, &options, &store->db, error));
    store->turn = turn_get(url);
    TRY_OR_FAIL(db_has_table(store->db, "leat_dead", &exists, error));
    store->empty = read_only && !exists;
    if (!exists && !read_only) {
        TRY_OR_FAIL(make_schema(store, error));
    }
    *ret_store = store;
    return STATUS_OK;

fail:
    error_context(error, "store");
    store_close(store);
    return status;
}

enum status store_progress_load(struct store *store,
                                const char *task,
                                struct arena *arena,
                                struct store_progress *ret_progress,
                                struct error *error)
{
    bool found = false;
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    if (!store->empty) {
        TRY(db_prepare(store->db, "SELECT number, bytes FROM leat_progress WHERE task = ?1",
                       &select, error));
        statement_bind_text(select, 1, slice_of_string(task));
        TRY(statement_step(select, &found, error));
    }
    if (!found) {
        return error_set(error, STATUS_NOT_FOUND, "task \"%s\" has no progress yet", task);
    }
    *ret_progress = (struct store_progress){
        .task = arena_strdup(arena, task),
        .number = statement_column_int(select, 0),
        .bytes = arena_copy(arena, statement_column_blob(select, 1)),
    };
    return STATUS_OK;
}

enum status store_progress_list(struct store *store,
                                enum status (*visit)(void *context,
                                                     const struct store_progress *progress,
                                                     struct error *error),
                                void *context,
                                struct error *error)
{
    if (store->empty) {
        return STATUS_OK;
    }
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "SELECT task, number, bytes FROM leat_progress ORDER BY task",
                   &select, error));
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        arena_reset(&arena);
        struct store_progress progress = {
            .task = arena_string(&arena, statement_column_text(select, 0)),
            .number = statement_column_int(select, 1),
            .bytes = statement_column_blob(select, 2),
        };
        TRY(visit(context, &progress, error));
        TRY(statement_step(select, &found, error));
    }
    return STATUS_OK;
}

const struct store_ops sqlite_store_ops = {
    .name = "sqlite",
    .atomic = true,
    .local = true,
    .open = store_open,
    .close = store_close,
    .table_ensure = store_table_ensure,
    .commit = store_commit,
    .progress_load = store_progress_load,
    .progress_list = store_progress_list,
    .dead_list = store_dead_list,
    .dead_update = store_dead_update,
    .dead_expire = store_dead_expire,
    .tables_list = store_tables_list,
    .table_describe = store_table_describe,
    .scan = store_scan,
    .expire = store_expire,
};
