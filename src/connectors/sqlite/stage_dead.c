#include "connectors/sqlite/stage_internal.h"

enum status
stage_dead_insert(struct stage *stage, const struct dead_letter *letter, struct error *error)
{
    struct db_statement *insert CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db,
                   "INSERT INTO leat_dead(pipeline, source, reason, message, place, raw, key,"
                   " schema_id, at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   &insert, error));
    statement_bind_text(insert, 1, slice_of_string(letter->pipeline));
    statement_bind_text(insert, 2, slice_of_string(letter->name));
    statement_bind_text(insert, 3, slice_of_string(letter->reason));
    statement_bind_text(insert, 4, slice_of_string(letter->message));
    statement_bind_text(insert, 5, slice_of_string(letter->place));
    statement_bind_blob(insert, 6, letter->raw);
    statement_bind_text(insert, 7, letter->key);
    statement_bind_int(insert, 8, letter->schema_id);
    statement_bind_int(insert, 9, letter->at_us);
    return statement_run(insert, error);
}

static const char *text_of(struct db_statement *row, int column, struct arena *arena)
{
    return arena_string(arena, statement_column_text(row, column));
}

enum status stage_dead_list(struct stage *stage,
                            const struct dead_filter *filter,
                            dead_visit visit,
                            void *context,
                            struct error *error)
{
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db,
                   "SELECT id, pipeline, source, reason, message, place, raw, key, schema_id,"
                   " at_us, retries FROM leat_dead WHERE id > ?1 AND (?2 = 0 OR id = ?2)"
                   " AND (?3 IS NULL OR source = ?3) AND (?4 IS NULL OR reason = ?4)"
                   " ORDER BY id LIMIT ?5",
                   &select, error));
    statement_bind_int(select, 1, filter->after_id);
    statement_bind_int(select, 2, filter->id);
    if (filter->name == NULL) {
        statement_bind_null(select, 3);
    } else {
        statement_bind_text(select, 3, slice_of_string(filter->name));
    }
    if (filter->reason == NULL) {
        statement_bind_null(select, 4);
    } else {
        statement_bind_text(select, 4, slice_of_string(filter->reason));
    }
    statement_bind_int(select, 5, filter->limit == 0 ? 100 : filter->limit);
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        arena_reset(&arena);
        struct dead_letter letter = {
            .id = statement_column_int(select, 0),
            .hop = DEAD_SOURCE,
            .pipeline = text_of(select, 1, &arena),
            .name = text_of(select, 2, &arena),
            .reason = text_of(select, 3, &arena),
            .message = text_of(select, 4, &arena),
            .place = text_of(select, 5, &arena),
            .raw = statement_column_blob(select, 6),
            .key = statement_column_text(select, 7),
            .schema_id = (int32_t) statement_column_int(select, 8),
            .at_us = statement_column_int(select, 9),
            .retries = (int32_t) statement_column_int(select, 10),
        };
        TRY(visit(context, &letter, error));
        TRY(statement_step(select, &found, error));
    }
    return STATUS_OK;
}

/* A retry that failed: count it, keep the new reason. */
static enum status
retry_failed(struct stage *stage, int64_t id, const char *message, struct error *error)
{
    struct db_statement *update CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db,
                   "UPDATE leat_dead SET retries = retries + 1, message = ?2 WHERE id = ?1",
                   &update, error));
    statement_bind_int(update, 1, id);
    statement_bind_text(update, 2, slice_of_string(message));
    TRY(statement_run(update, error));
    if (db_changes(stage->db) == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld", (long long) id);
    }
    return STATUS_OK;
}

/* Inside the transaction: the letter goes, the counts move, the row is written. */
static enum status resolve(struct stage *stage,
                           const struct staged_source *source,
                           const char *name,
                           int64_t id,
                           const struct stage_row *row,
                           int64_t now_us,
                           struct stage_result *ret_result,
                           struct error *error)
{
    struct db_statement *remove CLEANUP(statement_release_pointer) = NULL;
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    struct db_statement *update CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "DELETE FROM leat_dead WHERE id = ?1 AND source = ?2", &remove,
                   error));
    statement_bind_int(remove, 1, id);
    statement_bind_text(remove, 2, slice_of_string(name));
    TRY(statement_run(remove, error));
    if (db_changes(stage->db) == 0) {
        return error_set(error, STATUS_NOT_FOUND, "source \"%s\" has no dead letter %lld", name,
                         (long long) id);
    }
    TRY(db_prepare(stage->db, "SELECT position FROM leat_sources WHERE id = ?1", &select, error));
    statement_bind_int(select, 1, source->id);
    bool found;
    TRY(statement_step(select, &found, error));
    struct stage_rows rows = {.rows = row, .count = 1, .accept_max = -1, .now_us = now_us};
    rows.result.position = statement_column_int(select, 0);
    statement_reset(select);
    TRY(stage_rows_write(stage, source, &rows, error));
    *ret_result = rows.result;
    TRY(db_prepare(stage->db,
                   "UPDATE leat_sources SET position = ?2, accepted = accepted + ?3,"
                   " unchanged = unchanged + ?4, dead = dead - 1 WHERE id = ?1",
                   &update, error));
    statement_bind_int(update, 1, source->id);
    statement_bind_int(update, 2, ret_result->position);
    statement_bind_int(update, 3, ret_result->accepted);
    statement_bind_int(update, 4, ret_result->unchanged);
    return statement_run(update, error);
}

enum status stage_dead_resolve(struct stage *stage,
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
    TRY(stage_source_find(stage, name, &source, error));
    enum status status;
    TRY(write_begin(stage->db, stage->turn, error));
    TRY_OR_FAIL(resolve(stage, source, name, id, row, now_us, ret_result, error));
    TRY_OR_FAIL(write_commit(stage->db, stage->turn, error));
    return STATUS_OK;

fail:
    write_rollback(stage->db, stage->turn);
    *ret_result = (struct stage_result){0};
    return status;
}

enum status
stage_dead_expire(struct stage *stage, int64_t before_us, int64_t *ret_removed, struct error *error)
{
    struct db_statement *remove CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "DELETE FROM leat_dead WHERE at_us < ?1", &remove, error));
    statement_bind_int(remove, 1, before_us);
    TRY(statement_run(remove, error));
    *ret_removed = db_changes(stage->db);
    return STATUS_OK;
}
