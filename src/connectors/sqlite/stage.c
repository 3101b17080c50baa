#include "base/memory.h"
#include "connectors/sqlite/sqlite_stage.h"
#include "connectors/sqlite/stage_internal.h"

#include <inttypes.h>

#define STAGE_APPLICATION_ID 0x6c656101
#define STAGE_VERSION        1

static const char schema_sql[] = "CREATE TABLE IF NOT EXISTS leat_sources ("
                                 " id INTEGER PRIMARY KEY,"
                                 " source TEXT NOT NULL UNIQUE,"
                                 " epoch INTEGER NOT NULL DEFAULT 1,"
                                 " position INTEGER NOT NULL DEFAULT 0,"
                                 " confirmed INTEGER NOT NULL DEFAULT 0,"
                                 " cursor TEXT,"
                                 " rate_window_us INTEGER NOT NULL DEFAULT 0,"
                                 " rate_used INTEGER NOT NULL DEFAULT 0,"
                                 " fetched_at_us INTEGER NOT NULL DEFAULT 0,"
                                 " schema_id INTEGER NOT NULL DEFAULT 0,"
                                 " fetched INTEGER NOT NULL DEFAULT 0,"
                                 " accepted INTEGER NOT NULL DEFAULT 0,"
                                 " unchanged INTEGER NOT NULL DEFAULT 0,"
                                 " dead INTEGER NOT NULL DEFAULT 0,"
                                 " requests INTEGER NOT NULL DEFAULT 0);"
                                 "CREATE TABLE IF NOT EXISTS leat_dead ("
                                 " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                 " pipeline TEXT NOT NULL,"
                                 " source TEXT NOT NULL,"
                                 " reason TEXT NOT NULL,"
                                 " message TEXT,"
                                 " place TEXT,"
                                 " raw BLOB,"
                                 " key TEXT,"
                                 " schema_id INTEGER NOT NULL,"
                                 " at_us INTEGER NOT NULL,"
                                 " retries INTEGER NOT NULL DEFAULT 0)";

#define STATE_COLUMNS                                                                              \
    "epoch, position, cursor, rate_window_us, rate_used, fetched_at_us, schema_id, fetched, "      \
    "accepted, unchanged, dead, requests, source"

static void staged_source_free(struct staged_source *source)
{
    if (source != NULL) {
        mem_free(source->upsert);
        mem_free(source->remove);
        mem_free(source->find);
        mem_free(source->after);
        mem_free(source->outbox_insert);
        mem_free(source->outbox_read);
        mem_free(source->outbox_delete);
        mem_free(source);
    }
}

static void stage_close(struct stage *stage)
{
    if (stage == NULL) {
        return;
    }
    size_t at = 0;
    for (struct map_entry *entry = map_next(&stage->sources, &at); entry != NULL;
         entry = map_next(&stage->sources, &at)) {
        staged_source_free(entry->value);
    }
    map_deinit(&stage->sources);
    db_close(stage->db);
    turn_put(stage->turn);
    mem_free(stage);
}

static enum status make_schema(struct stage *stage, struct error *error)
{
    TRY(write_begin(stage->db, stage->turn, error));
    enum status status = db_exec(stage->db, schema_sql, error);
    if (status == STATUS_OK) {
        status = write_commit(stage->db, stage->turn, error);
    }
    if (status != STATUS_OK) {
        write_rollback(stage->db, stage->turn);
    }
    return status;
}

static enum status stage_open(const char *url, struct stage **ret_stage, struct error *error)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    map_init(&stage->sources);
    const struct db_options options = {
        .flags = DB_CREATE,
        .application_id = STAGE_APPLICATION_ID,
        .user_version = STAGE_VERSION,
        .busy_timeout_us = 30 * (int64_t) 1000000,
        .cache_bytes = 16 * (int64_t) 1024 * 1024,
    };
    enum status status;
    bool exists = false;
    TRY_OR_FAIL(db_open(url, &options, &stage->db, error));
    stage->turn = turn_get(url);
    TRY_OR_FAIL(db_has_table(stage->db, "leat_dead", &exists, error));
    if (!exists) {
        TRY_OR_FAIL(make_schema(stage, error));
    }
    *ret_stage = stage;
    return STATUS_OK;

fail:
    error_context(error, "staging");
    stage_close(stage);
    return status;
}

/* Both tables of a source, and its statements. */
static struct staged_source *staged_source_new(int64_t id, const char *name, char **ret_create)
{
    struct buffer quoted CLEANUP(buffer_deinit) = BUFFER_INIT;
    db_append_name(&quoted, name);
    const char *table = buffer_string(&quoted);
    struct staged_source *source = mem_zalloc(sizeof(*source));
    source->id = id;
    source->upsert = mem_printf(
        "INSERT INTO %s(key, json, hash, position, accepted_at) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT(key) DO UPDATE SET json = excluded.json, hash = excluded.hash,"
        " position = excluded.position, accepted_at = excluded.accepted_at"
        " WHERE hash <> excluded.hash",
        table);
    source->remove = mem_printf("DELETE FROM %s WHERE key = ?1", table);
    source->find = mem_printf("SELECT json FROM %s WHERE key = ?1", table);
    source->after =
        mem_printf("SELECT key, json FROM %s WHERE key > ?1 ORDER BY key LIMIT ?2", table);
    source->outbox_insert =
        mem_printf("INSERT INTO leat_outbox_%" PRId64 "(position, op, key, value, accepted_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5)",
                   id);
    source->outbox_read =
        mem_printf("SELECT position, op, key, value, accepted_at FROM leat_outbox_%" PRId64
                   " WHERE position > ?1 ORDER BY position LIMIT ?2",
                   id);
    source->outbox_delete =
        mem_printf("DELETE FROM leat_outbox_%" PRId64 " WHERE position <= ?1", id);
    *ret_create = mem_printf("CREATE TABLE IF NOT EXISTS %s ("
                             " key TEXT NOT NULL UNIQUE,"
                             " json TEXT,"
                             " hash BLOB NOT NULL,"
                             " position INTEGER NOT NULL,"
                             " accepted_at TIMESTAMP NOT NULL);"
                             "CREATE TABLE IF NOT EXISTS leat_outbox_%" PRId64 " ("
                             " position INTEGER PRIMARY KEY,"
                             " op INTEGER NOT NULL,"
                             " key TEXT NOT NULL,"
                             " value BLOB,"
                             " accepted_at INTEGER NOT NULL)",
                             table, id);
    return source;
}

static enum status
source_id(struct stage *stage, const char *name, int64_t *ret_id, struct error *error)
{
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "SELECT id FROM leat_sources WHERE source = ?1", &select, error));
    statement_bind_text(select, 1, slice_of_string(name));
    bool found;
    TRY(statement_step(select, &found, error));
    *ret_id = found ? statement_column_int(select, 0) : 0;
    return STATUS_OK;
}

static enum status source_insert(struct stage *stage, const char *name, struct error *error)
{
    struct db_statement *insert CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "INSERT OR IGNORE INTO leat_sources(source) VALUES (?1)", &insert,
                   error));
    statement_bind_text(insert, 1, slice_of_string(name));
    return statement_run(insert, error);
}

/* Row and tables of a source that is new to the file, in one transaction. */
static enum status source_make(struct stage *stage,
                               const char *name,
                               struct staged_source **ret_source,
                               struct error *error)
{
    struct staged_source *source = NULL;
    char *create CLEANUP(mem_free_pointer) = NULL;
    int64_t id = 0;
    enum status status;
    TRY(write_begin(stage->db, stage->turn, error));
    TRY_OR_FAIL(source_insert(stage, name, error));
    TRY_OR_FAIL(source_id(stage, name, &id, error));
    source = staged_source_new(id, name, &create);
    TRY_OR_FAIL(db_exec(stage->db, create, error));
    TRY_OR_FAIL(write_commit(stage->db, stage->turn, error));
    *ret_source = source;
    return STATUS_OK;

fail:
    write_rollback(stage->db, stage->turn);
    staged_source_free(source);
    return status;
}

enum status stage_source_find(struct stage *stage,
                              const char *name,
                              const struct staged_source **ret_source,
                              struct error *error)
{
    struct staged_source *source = map_get_string(&stage->sources, name);
    if (source == NULL) {
        int64_t id;
        TRY(source_id(stage, name, &id, error));
        if (id == 0) {
            TRY(source_make(stage, name, &source, error));
        } else {
            char *create CLEANUP(mem_free_pointer) = NULL;
            source = staged_source_new(id, name, &create);
        }
        map_put_string(&stage->sources, name, source);
    }
    *ret_source = source;
    return STATUS_OK;
}

static struct slice text_copy(struct db_statement *row, int column, struct arena *arena)
{
    struct slice text = statement_column_text(row, column);
    return text.data == NULL ? SLICE_EMPTY : slice_of_string(arena_string(arena, text));
}

static struct stage_source state_of(struct db_statement *row, struct arena *arena)
{
    return (struct stage_source){
        .epoch = statement_column_int(row, 0),
        .position = statement_column_int(row, 1),
        .cursor = (const char *) text_copy(row, 2, arena).data,
        .rate_window_us = statement_column_int(row, 3),
        .rate_used = statement_column_int(row, 4),
        .fetched_at_us = statement_column_int(row, 5),
        .schema_id = (int32_t) statement_column_int(row, 6),
        .counts =
            {
                .fetched = statement_column_int(row, 7),
                .accepted = statement_column_int(row, 8),
                .unchanged = statement_column_int(row, 9),
                .dead = statement_column_int(row, 10),
                .requests = statement_column_int(row, 11),
            },
    };
}

static enum status stage_source_load(struct stage *stage,
                                     const char *name,
                                     struct arena *arena,
                                     struct stage_source *ret_source,
                                     struct error *error)
{
    const struct staged_source *source;
    TRY(stage_source_find(stage, name, &source, error));
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "SELECT " STATE_COLUMNS " FROM leat_sources WHERE id = ?1", &select,
                   error));
    statement_bind_int(select, 1, source->id);
    bool found;
    TRY(statement_step(select, &found, error));
    if (!found) {
        return error_set(error, STATUS_CORRUPT, "staging \"%s\" lost its source \"%s\"",
                         db_path(stage->db), name);
    }
    *ret_source = state_of(select, arena);
    return STATUS_OK;
}

static enum status stage_sources_list(struct stage *stage,
                                      enum status (*visit)(void *context,
                                                           const char *source,
                                                           const struct stage_source *state,
                                                           struct error *error),
                                      void *context,
                                      struct error *error)
{
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "SELECT " STATE_COLUMNS " FROM leat_sources ORDER BY source", &select,
                   error));
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        arena_reset(&arena);
        struct stage_source state = state_of(select, &arena);
        TRY(visit(context, (const char *) text_copy(select, 12, &arena).data, &state, error));
        TRY(statement_step(select, &found, error));
    }
    return STATUS_OK;
}

const struct stage_ops sqlite_stage_ops = {
    .name = "sqlite",
    .open = stage_open,
    .close = stage_close,
    .source_load = stage_source_load,
    .page_commit = stage_page_commit,
    .changes_read = stage_changes_read,
    .changes_confirm = stage_changes_confirm,
    .changes_confirmed = stage_changes_confirmed,
    .row_find = stage_row_find,
    .rows_after = stage_rows_after,
    .dead_list = stage_dead_list,
    .dead_resolve = stage_dead_resolve,
    .dead_expire = stage_dead_expire,
    .sources_list = stage_sources_list,
};
