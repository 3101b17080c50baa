#include "base/memory.h"
#include "connectors/postgres/pg_schema.h"
#include "connectors/postgres/postgres_stage.h"
#include "connectors/postgres/stage_internal.h"

#include <inttypes.h>

#define STAGE_KIND    "staging"
#define STAGE_VERSION 1

/* The outbox is filled and emptied all the time: it is vacuumed by count, not by share. */
static const char *const schema_statements[] = {
    "CREATE TABLE IF NOT EXISTS leat_sources ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " source text NOT NULL UNIQUE,"
    " table_name text NOT NULL,"
    " epoch bigint NOT NULL DEFAULT 1,"
    " position bigint NOT NULL DEFAULT 0,"
    " cursor text,"
    " rate_window_us bigint NOT NULL DEFAULT 0,"
    " rate_used bigint NOT NULL DEFAULT 0,"
    " fetched_at timestamptz,"
    " schema_id integer NOT NULL DEFAULT 0,"
    " fetched bigint NOT NULL DEFAULT 0,"
    " accepted bigint NOT NULL DEFAULT 0,"
    " unchanged bigint NOT NULL DEFAULT 0,"
    " dead bigint NOT NULL DEFAULT 0,"
    " requests bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)",
    "CREATE TABLE IF NOT EXISTS leat_confirmed ("
    " source_id bigint PRIMARY KEY,"
    " position bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)",
    "CREATE TABLE IF NOT EXISTS leat_outbox ("
    " source_id bigint NOT NULL,"
    " position bigint NOT NULL,"
    " op smallint NOT NULL,"
    " key bytea NOT NULL,"
    " value bytea,"
    " accepted_us bigint NOT NULL,"
    " PRIMARY KEY (source_id, position)) WITH (autovacuum_vacuum_scale_factor = 0,"
    " autovacuum_vacuum_threshold = 50000, autovacuum_vacuum_insert_threshold = -1)",
    "CREATE TABLE IF NOT EXISTS leat_source_dead ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " pipeline text NOT NULL,"
    " source text NOT NULL,"
    " reason text NOT NULL,"
    " message text,"
    " place text,"
    " raw bytea,"
    " key text,"
    " schema_id integer NOT NULL,"
    " at timestamptz NOT NULL,"
    " retries integer NOT NULL DEFAULT 0)",
    NULL,
};

#define STATE_COLUMNS                                                                              \
    "epoch, position, cursor, rate_window_us, rate_used, fetched_at, schema_id, fetched, "         \
    "accepted, unchanged, dead, requests, source"

static void staged_source_free(struct staged_source *source)
{
    mem_free(source->look);
    mem_free(source->upsert);
    mem_free(source->remove);
    mem_free(source->find);
    mem_free(source->after);
    mem_free(source);
}

static void stage_close(struct stage *stage)
{
    if (stage == NULL) {
        return;
    }
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&stage->sources, &at)) != NULL;) {
        staged_source_free(entry->value);
    }
    map_deinit(&stage->sources);
    pg_close(stage->pg);
    mem_free(stage);
}

static enum status stage_open(const char *url, struct stage **ret_stage, struct error *error)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    map_init(&stage->sources);
    enum status status;
    TRY_OR_FAIL(pg_open(url, STAGE_KIND, &stage->pg, error));
    TRY_OR_FAIL(pg_schema_make(stage->pg, STAGE_KIND, STAGE_VERSION, schema_statements, error));
    *ret_stage = stage;
    return STATUS_OK;

fail:
    stage_close(stage);
    return status;
}

static enum status stage_fence(struct stage *stage, const struct fence *fence, struct error *error)
{
    return pg_fence(stage->pg, fence, error);
}

/* ---- sources -----------------------------------------------------------------------------------
 */

static struct staged_source *staged_source_new(int64_t id, const char *table)
{
    struct buffer quoted CLEANUP(buffer_deinit) = BUFFER_INIT;
    pg_append_name(&quoted, table);
    const char *name = buffer_string(&quoted);
    struct staged_source *source = mem_zalloc(sizeof(*source));
    source->id = id;
    source->look = mem_printf("SELECT wanted.n, there.hash FROM unnest($1) WITH ORDINALITY"
                              " AS wanted(key, n) JOIN %s AS there ON there.key = wanted.key",
                              name);
    source->upsert =
        mem_printf("INSERT INTO %s AS there (key, json, hash, position, accepted_at)"
                   " SELECT key, json, hash, position, $5 FROM unnest($1, $2, $3, $4)"
                   " AS made(key, json, hash, position) ON CONFLICT (key) DO UPDATE SET"
                   " json = excluded.json, hash = excluded.hash, position = excluded.position,"
                   " accepted_at = excluded.accepted_at",
                   name);
    source->remove = mem_printf("DELETE FROM %s AS there USING unnest($1) AS gone(key)"
                                " WHERE there.key = gone.key",
                                name);
    source->find = mem_printf("SELECT json FROM %s WHERE key = ANY ($1)", name);
    source->after =
        mem_printf("SELECT key, json FROM %s WHERE key > ($1)[1] ORDER BY key LIMIT $2", name);
    return source;
}

/* The source's row; *ret_id 0: there is none. */
static enum status source_row(struct stage *stage,
                              const char *name,
                              struct arena *arena,
                              int64_t *ret_id,
                              const char **ret_table,
                              struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_string(&params, name);
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t row =
        pg_send(stage->pg, "SELECT id, table_name FROM leat_sources WHERE source = $1", &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    bool found = pg_rows(stage->pg, row) > 0;
    *ret_id = found ? pg_int(pg_result(stage->pg, row), 0, 0) : 0;
    *ret_table = found ? pg_string(pg_result(stage->pg, row), 0, 1, arena) : NULL;
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

static void send_make(struct stage *stage, const char *name, const char *table)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    struct buffer create CLEANUP(buffer_deinit) = BUFFER_INIT;
    pg_param_string(&params, name);
    pg_param_string(&params, table);
    (void) pg_send(stage->pg,
                   "INSERT INTO leat_sources(source, table_name) VALUES ($1, $2)"
                   " ON CONFLICT (source) DO NOTHING",
                   &params);
    pg_params_clear(&params);
    pg_param_string(&params, name);
    (void) pg_send(stage->pg,
                   "INSERT INTO leat_confirmed(source_id) SELECT id FROM leat_sources"
                   " WHERE source = $1 ON CONFLICT (source_id) DO NOTHING",
                   &params);
    buffer_append_string(&create, "CREATE TABLE IF NOT EXISTS ");
    pg_append_name(&create, table);
    buffer_append_string(&create, " (key text COLLATE \"C\" PRIMARY KEY,"
                                  " json text,"
                                  " hash bytea NOT NULL,"
                                  " position bigint NOT NULL,"
                                  " accepted_at timestamptz NOT NULL)");
    (void) pg_send_once(stage->pg, buffer_string(&create), NULL);
}

/* Row and table of a source that is new to the schema. */
static enum status source_make(struct stage *stage, const char *name, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    enum status status;
    TRY(pg_begin(stage->pg, PG_REPEATABLE, error));
    pg_lock(stage->pg, "sources", 0);
    send_make(stage, name, pg_name_fit(name, &arena));
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

enum status pg_stage_source_find(struct stage *stage,
                                 const char *name,
                                 const struct staged_source **ret_source,
                                 struct error *error)
{
    struct staged_source *source = map_get_string(&stage->sources, name);
    for (int attempt = 0; source == NULL; attempt++) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        int64_t id;
        const char *table;
        TRY(source_row(stage, name, &arena, &id, &table, error));
        if (id != 0) {
            source = staged_source_new(id, table);
            map_put_string(&stage->sources, name, source);
        } else if (attempt == 0) {
            TRY(source_make(stage, name, error));
        } else {
            return error_set(error, STATUS_CORRUPT, "staging at %s loses its source \"%s\"",
                             pg_shown(stage->pg), name);
        }
    }
    *ret_source = source;
    return STATUS_OK;
}

enum status pg_stage_source_lock(struct stage *stage,
                                 const struct staged_source *source,
                                 int64_t *ret_position,
                                 struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, source->id);
    size_t row = pg_send(
        stage->pg, "SELECT position FROM leat_sources WHERE id = $1 FOR NO KEY UPDATE", &params);
    TRY(pg_wait(stage->pg, error));
    if (pg_rows(stage->pg, row) == 0) {
        return error_set(error, STATUS_CORRUPT, "staging at %s lost a source", pg_shown(stage->pg));
    }
    *ret_position = pg_int(pg_result(stage->pg, row), 0, 0);
    return STATUS_OK;
}

static struct stage_source state_of(const PGresult *rows, int row, struct arena *arena)
{
    return (struct stage_source){
        .epoch = pg_int(rows, row, 0),
        .position = pg_int(rows, row, 1),
        .cursor = pg_string(rows, row, 2, arena),
        .rate_window_us = pg_int(rows, row, 3),
        .rate_used = pg_int(rows, row, 4),
        .fetched_at_us = pg_null(rows, row, 5) ? 0 : pg_time_read(pg_int(rows, row, 5)),
        .schema_id = (int32_t) pg_int(rows, row, 6),
        .counts =
            {
                .fetched = pg_int(rows, row, 7),
                .accepted = pg_int(rows, row, 8),
                .unchanged = pg_int(rows, row, 9),
                .dead = pg_int(rows, row, 10),
                .requests = pg_int(rows, row, 11),
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
    TRY(pg_stage_source_find(stage, name, &source, error));
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, source->id);
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t row =
        pg_send(stage->pg, "SELECT " STATE_COLUMNS " FROM leat_sources WHERE id = $1", &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    if (pg_rows(stage->pg, row) == 0) {
        return error_set(error, STATUS_CORRUPT, "staging at %s lost its source \"%s\"",
                         pg_shown(stage->pg), name);
    }
    *ret_source = state_of(pg_result(stage->pg, row), 0, arena);
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

struct listed_source {
    const char *name;
    struct stage_source state;
};

static enum status read_sources(struct stage *stage,
                                struct arena *arena,
                                struct listed_source **ret_sources,
                                size_t *ret_count,
                                struct error *error)
{
    enum status status;
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t rows =
        pg_send(stage->pg,
                "SELECT " STATE_COLUMNS " FROM leat_sources ORDER BY source COLLATE \"C\"", NULL);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    *ret_count = (size_t) pg_rows(stage->pg, rows);
    *ret_sources = ARENA_ARRAY(arena, struct listed_source, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        const PGresult *found = pg_result(stage->pg, rows);
        (*ret_sources)[i].state = state_of(found, (int) i, arena);
        (*ret_sources)[i].name = pg_string(found, (int) i, 12, arena);
    }
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

static enum status stage_sources_list(struct stage *stage,
                                      enum status (*visit)(void *context,
                                                           const char *source,
                                                           const struct stage_source *state,
                                                           struct error *error),
                                      void *context,
                                      struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct listed_source *sources;
    size_t count;
    TRY(read_sources(stage, &arena, &sources, &count, error));
    for (size_t i = 0; i < count; i++) {
        TRY(visit(context, sources[i].name, &sources[i].state, error));
    }
    return STATUS_OK;
}

const struct stage_ops postgres_stage_ops = {
    .name = "postgresql",
    .open = stage_open,
    .close = stage_close,
    .hold = pg_stage_hold,
    .holds = pg_stage_holds,
    .release = pg_stage_release,
    .fence = stage_fence,
    .source_load = stage_source_load,
    .page_commit = pg_stage_page_commit,
    .changes_read = pg_stage_changes_read,
    .changes_confirm = pg_stage_changes_confirm,
    .changes_confirmed = pg_stage_changes_confirmed,
    .row_find = pg_stage_row_find,
    .rows_after = pg_stage_rows_after,
    .dead_list = pg_stage_dead_list,
    .dead_resolve = pg_stage_dead_resolve,
    .dead_expire = pg_stage_dead_expire,
    .sources_list = stage_sources_list,
};
