/* leat's own tables, and the progress of tasks in one of them. */

#include "connectors/cassandra/store_internal.h"

#include <inttypes.h>

/* ---- values ------------------------------------------------------------------------------------
 */

struct slice cass_int(struct arena *arena, int64_t value, size_t bytes)
{
    uint8_t *at = arena_alloc(arena, bytes);
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t) ((uint64_t) value >> (8 * (bytes - 1 - i)));
    }
    return slice_of(at, bytes);
}

int64_t cass_int_of(struct slice bytes)
{
    struct cql_reader reader = cql_reader_of(bytes);
    return bytes.size == 4 ? cql_read_int(&reader) : bytes.size == 8 ? cql_read_long(&reader) : 0;
}

/* ---- the tables --------------------------------------------------------------------------------
 */

const char *cass_own_name(const struct store *store, const char *name, struct arena *arena)
{
    return arena_printf(arena, "\"%s\".%s", store->settings.keyspace, name);
}

static const struct store_column progress_columns[] = {
    {"task", NULL, STORE_PLAIN},
    {"number", NULL, STORE_PLAIN},
    {"content", NULL, STORE_PLAIN},
};

static const enum type_id progress_types[] = {TYPE_STRING, TYPE_BIGINT, TYPE_BINARY};

static const struct store_column dead_columns[] = {
    {"part", NULL, STORE_PLAIN},      {"id", NULL, STORE_PLAIN},
    {"hop", NULL, STORE_PLAIN},       {"pipeline", NULL, STORE_PLAIN},
    {"name", NULL, STORE_PLAIN},      {"reason", NULL, STORE_PLAIN},
    {"message", NULL, STORE_PLAIN},   {"place", NULL, STORE_PLAIN},
    {"raw", NULL, STORE_PLAIN},       {"key", NULL, STORE_PLAIN},
    {"schema_id", NULL, STORE_PLAIN}, {"identity", NULL, STORE_PLAIN},
    {"topic", NULL, STORE_PLAIN},     {"partition", NULL, STORE_PLAIN},
    {"offset", NULL, STORE_PLAIN},    {"version", NULL, STORE_PLAIN},
    {"at_us", NULL, STORE_PLAIN},     {"retries", NULL, STORE_PLAIN},
};

static const enum type_id dead_types[] = {
    TYPE_INT,    TYPE_BIGINT, TYPE_INT,    TYPE_STRING, TYPE_STRING, TYPE_STRING,
    TYPE_STRING, TYPE_STRING, TYPE_BINARY, TYPE_BINARY, TYPE_INT,    TYPE_STRING,
    TYPE_STRING, TYPE_INT,    TYPE_BIGINT, TYPE_BIGINT, TYPE_BIGINT, TYPE_INT,
};

static enum status ensure_own(struct store *store,
                              const char *name,
                              const struct store_column *columns,
                              const enum type_id *types,
                              uint32_t count,
                              uint32_t key_count,
                              struct error *error)
{
    static const uint32_t key[] = {0, 1};
    static const bool ascending[] = {false, false};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct store_column *typed = ARENA_ARRAY(&arena, struct store_column, count);
    for (uint32_t i = 0; i < count; i++) {
        typed[i] = columns[i];
        typed[i].type = type_plain(types[i]);
    }
    const struct store_table table = {
        .name = arena_printf(&arena, "%s.%s", store->settings.keyspace, name),
        .columns = typed,
        .column_count = count,
        .key = key,
        .key_count = key_count,
        .partition_count = 1,
        .key_descending = ascending,
        .internal = true,
    };
    return cass_table_ensure(store, &table, error);
}

enum status cass_own_tables(struct store *store, struct error *error)
{
    if (store->own_tables) {
        return STATUS_OK;
    }
    TRY(ensure_own(store, "leat_progress", progress_columns, progress_types,
                   ARRAY_SIZE(progress_columns), 1, error));
    TRY(ensure_own(store, "leat_dead", dead_columns, dead_types, ARRAY_SIZE(dead_columns), 2,
                   error));
    store->own_tables = true;
    return STATUS_OK;
}

enum status cass_own_there(struct store *store, bool *ret_there, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct cql_table found;
    const struct slice keyspace = slice_of_string(store->settings.keyspace);
    arena_init(&arena, 0);
    if (!store->own_tables) { /* the one that is made last */
        TRY(cql_session_query(store->session,
                              "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? "
                              "AND table_name = 'leat_dead'",
                              &keyspace, 1, &arena, &found, error));
        store->own_tables = found.row_count > 0;
    }
    *ret_there = store->own_tables;
    return STATUS_OK;
}

/* ---- progress ----------------------------------------------------------------------------------
 */

enum status
cass_progress_save(struct store *store, const struct store_progress *progress, struct error *error)
{
    static const uint8_t nothing;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    TRY(cass_own_tables(store, error));
    const struct slice values[] = {
        slice_of_string(progress->task),
        cass_int(&arena, progress->number, 8),
        progress->bytes.size == 0 ? slice_of(&nothing, 0) : progress->bytes,
        cass_int(&arena, progress->number, 8),
    };
    const char *cql = arena_printf(
        &arena, "INSERT INTO %s (task, number, content) VALUES (?, ?, ?) USING TIMESTAMP ?",
        cass_own_name(store, "leat_progress", &arena));
    return cql_session_query(store->session, cql, values, ARRAY_SIZE(values), &arena, NULL, error);
}

static struct store_progress
progress_of(const struct cql_table *found, uint32_t row, struct arena *arena)
{
    return (struct store_progress){
        .task = arena_string(arena, cql_table_cell(found, row, "task")),
        .number = cass_int_of(cql_table_cell(found, row, "number")),
        .bytes = cql_table_cell(found, row, "content"),
    };
}

enum status cass_progress_load(struct store *store,
                               const char *task,
                               struct arena *arena,
                               struct store_progress *ret_progress,
                               struct error *error)
{
    bool there;
    struct cql_table found = {0};
    const struct slice name = slice_of_string(task);
    TRY(cass_own_there(store, &there, error));
    if (there) {
        const char *cql = arena_printf(arena, "SELECT task, number, content FROM %s WHERE task = ?",
                                       cass_own_name(store, "leat_progress", arena));
        TRY(cql_session_query(store->session, cql, &name, 1, arena, &found, error));
    }
    if (found.row_count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no progress of \"%s\"", task);
    }
    *ret_progress = progress_of(&found, 0, arena);
    return STATUS_OK;
}

enum status cass_progress_list(struct store *store,
                               enum status (*visit)(void *context,
                                                    const struct store_progress *progress,
                                                    struct error *error),
                               void *context,
                               struct error *error)
{
    bool there;
    struct cql_table found = {0};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    TRY(cass_own_there(store, &there, error));
    if (there) {
        const char *cql = arena_printf(&arena, "SELECT task, number, content FROM %s",
                                       cass_own_name(store, "leat_progress", &arena));
        TRY(cql_session_query(store->session, cql, NULL, 0, &arena, &found, error));
    }
    for (uint32_t i = 0; i < found.row_count; i++) {
        struct store_progress progress = progress_of(&found, i, &arena);
        TRY(visit(context, &progress, error));
    }
    return STATUS_OK;
}
