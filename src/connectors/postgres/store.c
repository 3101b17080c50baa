#include "base/memory.h"
#include "connectors/postgres/pg_schema.h"
#include "connectors/postgres/postgres_store.h"
#include "connectors/postgres/store_internal.h"

#define STORE_KIND    "store"
#define STORE_VERSION 1

/* An entry of an index has at most 2,704 bytes
 * (https://www.postgresql.org/docs/15/btree-implementation.html). */
#define KEY_BYTES_MAX 2600

static const char *const schema_statements[] = {
    "CREATE TABLE IF NOT EXISTS leat_tables ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " name text NOT NULL UNIQUE,"
    " ttl_us bigint NOT NULL,"
    " internal boolean NOT NULL)",
    "CREATE TABLE IF NOT EXISTS leat_columns ("
    " table_id bigint NOT NULL REFERENCES leat_tables(id) ON DELETE CASCADE,"
    " position integer NOT NULL,"
    " name text NOT NULL,"
    " type text NOT NULL,"
    " semantic integer NOT NULL,"
    " key_position integer NOT NULL," /* from 1; 0: not of the key */
    " is_partition boolean NOT NULL,"
    " descending boolean NOT NULL,"
    " PRIMARY KEY (table_id, position))",
    "CREATE TABLE IF NOT EXISTS leat_gone ("
    " table_id bigint NOT NULL,"
    " key bytea NOT NULL,"
    " version bigint NOT NULL,"
    " PRIMARY KEY (table_id, key))",
    "CREATE TABLE IF NOT EXISTS leat_progress ("
    " task text PRIMARY KEY,"
    " number bigint NOT NULL,"
    " bytes bytea NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 50)",
    "CREATE TABLE IF NOT EXISTS leat_dead ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " hop integer NOT NULL,"
    " pipeline text NOT NULL,"
    " name text NOT NULL,"
    " reason text NOT NULL,"
    " message text,"
    " place text,"
    " raw bytea,"
    " key bytea,"
    " schema_id integer NOT NULL,"
    " identity text,"
    " topic text,"
    " partition integer NOT NULL,"
    " \"offset\" bigint NOT NULL,"
    " version bigint NOT NULL,"
    " at timestamptz NOT NULL,"
    " retries integer NOT NULL DEFAULT 0)",
    NULL,
};

static void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&store->tables, &at)) != NULL;) {
        pg_sink_table_free(entry->value);
    }
    map_deinit(&store->tables);
    mem_free(store->open_task);
    pg_close(store->pg);
    mem_free(store);
}

static enum status
store_open(const char *url, bool read_only, struct store **ret_store, struct error *error)
{
    struct store *store = mem_zalloc(sizeof(*store));
    store->read_only = read_only;
    map_init(&store->tables);
    enum status status;
    TRY_OR_FAIL(pg_open(url, STORE_KIND, &store->pg, error));
    if (read_only) {
        int64_t version;
        TRY_OR_FAIL(pg_schema_version(store->pg, STORE_KIND, &version, error));
        store->empty = version == 0;
    } else {
        TRY_OR_FAIL(pg_schema_make(store->pg, STORE_KIND, STORE_VERSION, schema_statements, error));
    }
    *ret_store = store;
    return STATUS_OK;

fail:
    store_close(store);
    return status;
}

static enum status store_fence(struct store *store, const struct fence *fence, struct error *error)
{
    return pg_fence(store->pg, fence, error);
}

enum status pg_store_begin(struct store *store, enum pg_access access, struct error *error)
{
    TRY(pg_begin(store->pg, access, error));
    store->landed = store->landed || pg_was_committed(store->pg);
    return STATUS_OK;
}

/* ---- progress ----------------------------------------------------------------------------------
 */

/* Of one task, or of all (`task` NULL), in the arena. */
static enum status read_progress(struct store *store,
                                 const char *task,
                                 struct arena *arena,
                                 struct store_progress **ret_progress,
                                 size_t *ret_count,
                                 struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    *ret_count = 0;
    if (store->empty) {
        return STATUS_OK;
    }
    pg_param_string(&params, task);
    TRY(pg_store_begin(store, PG_READ, error));
    size_t rows = pg_send(store->pg,
                          "SELECT task, number, bytes FROM leat_progress"
                          " WHERE $1 IS NULL OR task = $1 ORDER BY task COLLATE \"C\"",
                          &params);
    TRY_OR_FAIL(pg_commit(store->pg, error));
    *ret_count = (size_t) pg_rows(store->pg, rows);
    *ret_progress = ARENA_ARRAY(arena, struct store_progress, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        const PGresult *found = pg_result(store->pg, rows);
        (*ret_progress)[i] = (struct store_progress){
            .task = pg_string(found, (int) i, 0, arena),
            .number = pg_int(found, (int) i, 1),
            .bytes = arena_copy(arena, pg_bytes(found, (int) i, 2)),
        };
    }
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}

static enum status store_progress_load(struct store *store,
                                       const char *task,
                                       struct arena *arena,
                                       struct store_progress *ret_progress,
                                       struct error *error)
{
    struct store_progress *found;
    size_t count;
    TRY(read_progress(store, task, arena, &found, &count, error));
    if (count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "task \"%s\" has no progress yet", task);
    }
    *ret_progress = found[0];
    return STATUS_OK;
}

static enum status store_progress_list(struct store *store,
                                       enum status (*visit)(void *context,
                                                            const struct store_progress *progress,
                                                            struct error *error),
                                       void *context,
                                       struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct store_progress *found;
    size_t count;
    TRY(read_progress(store, NULL, &arena, &found, &count, error));
    for (size_t i = 0; i < count; i++) {
        TRY(visit(context, &found[i], error));
    }
    return STATUS_OK;
}

const struct store_ops postgres_store_ops = {
    .name = "postgresql",
    .atomic = true,
    .key_bytes_max = KEY_BYTES_MAX,
    .open = store_open,
    .close = store_close,
    .fence = store_fence,
    .states_list = pg_store_states_list,
    .table_ensure = pg_store_table_ensure,
    .commit = pg_store_commit,
    .progress_load = store_progress_load,
    .progress_list = store_progress_list,
    .dead_list = pg_store_dead_list,
    .dead_update = pg_store_dead_update,
    .dead_expire = pg_store_dead_expire,
    .tables_list = pg_store_tables_list,
    .table_describe = pg_store_table_describe,
    .scan = pg_store_scan,
    .expire = pg_store_expire,
};
