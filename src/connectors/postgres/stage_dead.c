#include "connectors/postgres/stage_internal.h"

void pg_stage_dead_insert(struct stage *stage, const struct dead_letter *letter)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_text(&params, slice_of_string(letter->pipeline));
    pg_param_text(&params, slice_of_string(letter->name));
    pg_param_text(&params, slice_of_string(letter->reason));
    pg_param_text(&params, slice_of_string(letter->message));
    pg_param_text(&params, slice_of_string(letter->place));
    pg_param_bytes(&params, letter->raw);
    pg_param_text(&params, letter->key);
    pg_param_int4(&params, letter->schema_id);
    pg_param_time(&params, letter->at_us);
    (void) pg_send(stage->pg,
                   "INSERT INTO leat_source_dead(pipeline, source, reason, message, place, raw,"
                   " key, schema_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   &params);
}

static struct slice text_of(const PGresult *rows, int row, int column, struct arena *arena)
{
    return slice_of_string(pg_string(rows, row, column, arena));
}

static struct dead_letter letter_of(const PGresult *rows, int row, struct arena *arena)
{
    return (struct dead_letter){
        .id = pg_int(rows, row, 0),
        .hop = DEAD_SOURCE,
        .pipeline = pg_string(rows, row, 1, arena),
        .name = pg_string(rows, row, 2, arena),
        .reason = pg_string(rows, row, 3, arena),
        .message = pg_string(rows, row, 4, arena),
        .place = pg_string(rows, row, 5, arena),
        .raw = arena_copy(arena, pg_bytes(rows, row, 6)),
        .key = text_of(rows, row, 7, arena),
        .schema_id = (int32_t) pg_int(rows, row, 8),
        .at_us = pg_time_read(pg_int(rows, row, 9)),
        .retries = (int32_t) pg_int(rows, row, 10),
    };
}

/* All that match, before any is visited: the visitor may use this handle. */
static enum status read_letters(struct stage *stage,
                                const struct dead_filter *filter,
                                struct arena *arena,
                                struct dead_letter **ret_letters,
                                size_t *ret_count,
                                struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, filter->after_id);
    pg_param_int8(&params, filter->id);
    pg_param_string(&params, filter->name);
    pg_param_string(&params, filter->reason);
    pg_param_int8(&params, filter->limit == 0 ? 100 : filter->limit);
    TRY(pg_begin(stage->pg, PG_READ, error));
    size_t rows = pg_send(stage->pg,
                          "SELECT id, pipeline, source, reason, message, place, raw, key,"
                          " schema_id, at, retries FROM leat_source_dead"
                          " WHERE id > $1 AND ($2 = 0 OR id = $2)"
                          " AND ($3 IS NULL OR source = $3) AND ($4 IS NULL OR reason = $4)"
                          " ORDER BY id LIMIT $5",
                          &params);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    *ret_count = (size_t) pg_rows(stage->pg, rows);
    *ret_letters = ARENA_ARRAY(arena, struct dead_letter, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_letters)[i] = letter_of(pg_result(stage->pg, rows), (int) i, arena);
    }
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

enum status pg_stage_dead_list(struct stage *stage,
                               const struct dead_filter *filter,
                               dead_visit visit,
                               void *context,
                               struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct dead_letter *letters;
    size_t count;
    TRY(read_letters(stage, filter, &arena, &letters, &count, error));
    for (size_t i = 0; i < count; i++) {
        TRY(visit(context, &letters[i], error));
    }
    return STATUS_OK;
}

/* ---- retries -----------------------------------------------------------------------------------
 */

/* A retry that failed: count it, keep the new reason. */
static enum status
retry_failed(struct stage *stage, int64_t id, const char *message, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, id);
    pg_param_string(&params, message);
    TRY(pg_begin(stage->pg, PG_WRITE, error));
    size_t update = pg_send(
        stage->pg, "UPDATE leat_source_dead SET retries = retries + 1, message = $2 WHERE id = $1",
        &params);
    TRY_OR_FAIL(pg_wait(stage->pg, error));
    if (pg_affected(stage->pg, update) == 0) {
        status = error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld", (long long) id);
        goto fail;
    }
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

/* Inside the transaction: the letter goes, the counts move, the row is written. */
static enum status resolve(struct stage *stage,
                           const struct staged_source *source,
                           const char *name,
                           int64_t id,
                           struct stage_rows *rows,
                           struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    TRY(pg_stage_source_lock(stage, source, &rows->result.position, error));
    pg_param_int8(&params, id);
    pg_param_string(&params, name);
    size_t removed =
        pg_send(stage->pg, "DELETE FROM leat_source_dead WHERE id = $1 AND source = $2", &params);
    TRY(pg_wait(stage->pg, error));
    if (pg_affected(stage->pg, removed) == 0) {
        return error_set(error, STATUS_NOT_FOUND, "source \"%s\" has no dead letter %lld", name,
                         (long long) id);
    }
    TRY(pg_stage_rows_write(stage, source, rows, error));
    pg_params_clear(&params);
    pg_param_int8(&params, source->id);
    pg_param_int8(&params, rows->result.position);
    pg_param_int8(&params, rows->result.accepted);
    pg_param_int8(&params, rows->result.unchanged);
    (void) pg_send(stage->pg,
                   "UPDATE leat_sources SET position = $2, accepted = accepted + $3,"
                   " unchanged = unchanged + $4, dead = dead - 1 WHERE id = $1",
                   &params);
    return STATUS_OK;
}

enum status pg_stage_dead_resolve(struct stage *stage,
                                  const char *name,
                                  int64_t id,
                                  const struct stage_row *row,
                                  const char *message,
                                  int64_t now_us,
                                  struct stage_result *ret_result,
                                  struct error *error)
{
    *ret_result = (struct stage_result){0};
    if (row == NULL) {
        return retry_failed(stage, id, message, error);
    }
    const struct staged_source *source;
    TRY(pg_stage_source_find(stage, name, &source, error));
    struct stage_rows rows = {.rows = row, .count = 1, .accept_max = -1, .now_us = now_us};
    enum status status;
    TRY(pg_begin(stage->pg, PG_WRITE, error));
    TRY_OR_FAIL(resolve(stage, source, name, id, &rows, error));
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    *ret_result = rows.result;
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}

enum status pg_stage_dead_expire(struct stage *stage,
                                 int64_t before_us,
                                 int64_t *ret_removed,
                                 struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_time(&params, before_us);
    TRY(pg_begin(stage->pg, PG_REPEATABLE, error));
    size_t removed = pg_send(stage->pg, "DELETE FROM leat_source_dead WHERE at < $1", &params);
    TRY_OR_FAIL(pg_wait(stage->pg, error));
    *ret_removed = pg_affected(stage->pg, removed);
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}
