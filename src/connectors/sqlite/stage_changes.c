#include "connectors/sqlite/stage_internal.h"

enum status stage_changes_read(struct stage *stage,
                               const char *name,
                               int64_t after,
                               size_t count_max,
                               size_t bytes_max,
                               struct arena *arena,
                               struct stage_change **ret_changes,
                               size_t *ret_count,
                               struct error *error)
{
    *ret_changes = NULL;
    *ret_count = 0;
    const struct staged_source *source;
    TRY(stage_source_find(stage, name, &source, error));
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, source->outbox_read, &select, error));
    statement_bind_int(select, 1, after);
    statement_bind_int(select, 2, count_max > INT64_MAX ? INT64_MAX : (int64_t) count_max);
    size_t capacity = 0;
    size_t count = 0;
    size_t bytes = 0;
    struct stage_change *changes = NULL;
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        struct slice key = statement_column_text(select, 2);
        struct slice value = statement_column_blob(select, 3);
        bytes += key.size + value.size;
        if (count > 0 && bytes > bytes_max) {
            break;
        }
        if (count == capacity) {
            size_t grown = capacity == 0 ? 64 : capacity * 2;
            changes = arena_grow(arena, changes, capacity * sizeof(changes[0]),
                                 grown * sizeof(changes[0]));
            capacity = grown;
        }
        changes[count++] = (struct stage_change){
            .position = statement_column_int(select, 0),
            .op = statement_column_int(select, 1) == STAGE_DELETE ? STAGE_DELETE : STAGE_UPSERT,
            .key = arena_copy(arena, key),
            .value = value.data == NULL ? SLICE_EMPTY : arena_copy(arena, value),
            .accepted_us = statement_column_int(select, 4),
        };
        TRY(statement_step(select, &found, error));
    }
    *ret_changes = changes;
    *ret_count = count;
    return STATUS_OK;
}

enum status
stage_changes_confirm(struct stage *stage, const char *name, int64_t position, struct error *error)
{
    const struct staged_source *source;
    TRY(stage_source_find(stage, name, &source, error));
    struct db_statement *confirm CLEANUP(statement_release_pointer) = NULL;
    struct db_statement *remove CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db,
                   "UPDATE leat_sources SET confirmed = max(confirmed, ?2) WHERE id = ?1", &confirm,
                   error));
    TRY(db_prepare(stage->db, source->outbox_delete, &remove, error));
    statement_bind_int(confirm, 1, source->id);
    statement_bind_int(confirm, 2, position);
    statement_bind_int(remove, 1, position);
    enum status status;
    TRY(write_begin(stage->db, stage->turn, error));
    TRY_OR_FAIL(statement_run(confirm, error));
    TRY_OR_FAIL(statement_run(remove, error));
    TRY_OR_FAIL(write_commit(stage->db, stage->turn, error));
    return STATUS_OK;

fail:
    write_rollback(stage->db, stage->turn);
    error_context(error, "staging");
    return status;
}

enum status stage_changes_confirmed(struct stage *stage,
                                    const char *name,
                                    int64_t *ret_position,
                                    struct error *error)
{
    const struct staged_source *source;
    TRY(stage_source_find(stage, name, &source, error));
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "SELECT confirmed FROM leat_sources WHERE id = ?1", &select, error));
    statement_bind_int(select, 1, source->id);
    bool found;
    TRY(statement_step(select, &found, error));
    *ret_position = statement_column_int(select, 0);
    return STATUS_OK;
}
