/*
 * Changes on their way to the log, as the outbox holds them. All that knows how capture gets them
 * stands here; page_commit only adds rows to leat_outbox.
 */

#include "connectors/postgres/stage_internal.h"

/* Changes behind a position, as many as fit. The sum runs over lengths, so that values beyond
 * `bytes_max` are not sent here; the first always is, or nothing would go on. */
static const char read_sql[] =
    "SELECT position, op, key, value, accepted_us FROM ("
    " SELECT *, sum(octet_length(key) + coalesce(octet_length(value), 0))"
    "  OVER (ORDER BY position) AS bytes, row_number() OVER (ORDER BY position) AS n"
    " FROM (SELECT * FROM leat_outbox WHERE source_id = $1 AND position > $2"
    "  ORDER BY position LIMIT $3) AS next) AS summed"
    " WHERE n = 1 OR bytes <= $4 ORDER BY position";

static int64_t fit(size_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t) number;
}

static struct stage_change change_of(const PGresult *rows, int row, struct arena *arena)
{
    struct slice value = pg_bytes(rows, row, 3);
    return (struct stage_change){
        .position = pg_int(rows, row, 0),
        .op = pg_int(rows, row, 1) == STAGE_DELETE ? STAGE_DELETE : STAGE_UPSERT,
        .key = arena_copy(arena, pg_bytes(rows, row, 2)),
        .value = value.data == NULL ? SLICE_EMPTY : arena_copy(arena, value),
        .accepted_us = pg_int(rows, row, 4),
    };
}

enum status pg_stage_changes_read(struct stage *stage,
                                  const char *name,
                                  int64_t after,
                                  size_t count_max,
                                  size_t bytes_max,
                                  struct arena *arena,
                                  struct stage_change **ret_changes,
                                  size_t *ret_count,
                                  struct error *error)
{
    const struct staged_source *source;
    TRY(pg_stage_source_find(stage, name, &source, error));
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, source->id);
    pg_param_int8(&params, after);
    pg_param_int8(&params, fit(count_max));
    pg_param_int8(&params, fit(bytes_max));
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t rows = pg_send(stage->pg, read_sql, &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    *ret_count = (size_t) pg_rows(stage->pg, rows);
    *ret_changes = ARENA_ARRAY(arena, struct stage_change, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_changes)[i] = change_of(pg_result(stage->pg, rows), (int) i, arena);
    }
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

/* Rows go from behind what was confirmed before: those in front of it are gone, and their places in
 * the index need not be walked over again. */
enum status pg_stage_changes_confirm(struct stage *stage,
                                     const char *name,
                                     int64_t position,
                                     struct error *error)
{
    const struct staged_source *source;
    TRY(pg_stage_source_find(stage, name, &source, error));
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, source->id);
    pg_param_int8(&params, position);
    TRY(pg_begin(stage->pg, PG_REPEATABLE, error));
    (void) pg_send(stage->pg,
                   "WITH before AS (SELECT position FROM leat_confirmed WHERE source_id = $1"
                   "  AND position < $2 FOR UPDATE),"
                   " moved AS (UPDATE leat_confirmed SET position = $2"
                   "  WHERE source_id = $1 AND EXISTS (SELECT FROM before))"
                   " DELETE FROM leat_outbox AS gone USING before WHERE gone.source_id = $1"
                   " AND gone.position > before.position AND gone.position <= $2",
                   &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

enum status pg_stage_changes_confirmed(struct stage *stage,
                                       const char *name,
                                       int64_t *ret_position,
                                       struct error *error)
{
    const struct staged_source *source;
    TRY(pg_stage_source_find(stage, name, &source, error));
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, source->id);
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t row =
        pg_send(stage->pg, "SELECT position FROM leat_confirmed WHERE source_id = $1", &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    *ret_position = pg_rows(stage->pg, row) == 0 ? 0 : pg_int(pg_result(stage->pg, row), 0, 0);
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}
