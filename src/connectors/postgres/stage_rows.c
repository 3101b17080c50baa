/* Rows as they stand, for sources that must know what they have said. */

#include "connectors/postgres/pg_text.h"
#include "connectors/postgres/stage_internal.h"

/* So many at once: they all come before the first is looked at. */
#define ROWS_MAX 1000

static void add_key(struct pg_params *params, struct slice written)
{
    pg_array_begin(params, PG_TEXT);
    buffer_append_slice(pg_array_open(params), written);
    pg_array_shut(params);
    pg_array_end(params);
}

static struct slice json_at(const PGresult *rows, int row, int column, struct arena *arena)
{
    return slice_of_string(pg_string(rows, row, column, arena));
}

enum status pg_stage_row_find(struct stage *stage,
                              const char *name,
                              struct slice key,
                              struct arena *arena,
                              struct slice *ret_json,
                              struct error *error)
{
    const struct staged_source *source;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    struct buffer written CLEANUP(buffer_deinit) = BUFFER_INIT;
    enum status status;
    *ret_json = SLICE_EMPTY;
    TRY(pg_stage_source_find(stage, name, &source, error));
    pg_index_text_write(key, &written);
    add_key(&params, buffer_slice(&written));
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t row = pg_send(stage->pg, source->find, &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    if (pg_rows(stage->pg, row) > 0) {
        *ret_json = json_at(pg_result(stage->pg, row), 0, 0, arena);
    }
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

enum status pg_stage_rows_after(struct stage *stage,
                                const char *name,
                                struct slice after,
                                size_t count_max,
                                size_t bytes_max,
                                struct arena *arena,
                                struct stage_row **ret_rows,
                                size_t *ret_count,
                                struct error *error)
{
    const struct staged_source *source;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    size_t bytes = 0;
    *ret_count = 0;
    TRY(pg_stage_source_find(stage, name, &source, error));
    add_key(&params, after);
    pg_param_int8(&params, count_max > ROWS_MAX ? ROWS_MAX : (int64_t) count_max);
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t rows = pg_send(stage->pg, source->after, &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    const PGresult *result = pg_result(stage->pg, rows);
    int count = pg_rows(stage->pg, rows);
    *ret_rows = ARENA_ARRAY(arena, struct stage_row, count);
    for (int i = 0; i < count && (i == 0 || bytes < bytes_max); i++) {
        struct stage_row *row = &(*ret_rows)[(*ret_count)++];
        row->key = arena_copy(arena, pg_bytes(result, i, 0)); /* as it is written there */
        row->json = json_at(result, i, 1, arena);
        bytes += row->json.size;
    }
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}
