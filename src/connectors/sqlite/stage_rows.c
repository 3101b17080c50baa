/* Rows as they stand, for sources that must know what they have said. */

#include "connectors/sqlite/stage_internal.h"

enum status stage_row_find(struct stage *stage,
                           const char *name,
                           struct slice key,
                           struct arena *arena,
                           struct slice *ret_json,
                           struct error *error)
{
    const struct staged_source *source;
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    bool found;
    *ret_json = SLICE_EMPTY;
    TRY(stage_source_find(stage, name, &source, error));
    TRY(db_prepare(stage->db, source->find, &select, error));
    statement_bind_text(select, 1, key);
    TRY(statement_step(select, &found, error));
    if (found) {
        *ret_json = arena_copy(arena, statement_column_text(select, 0));
    }
    return STATUS_OK;
}

enum status stage_rows_after(struct stage *stage,
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
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    bool found;
    size_t bytes = 0;
    size_t limit = count_max > 100000 ? 100000 : count_max;
    *ret_rows = ARENA_ARRAY(arena, struct stage_row, limit);
    *ret_count = 0;
    TRY(stage_source_find(stage, name, &source, error));
    TRY(db_prepare(stage->db, source->after, &select, error));
    statement_bind_text(select, 1, after);
    statement_bind_int(select, 2, (int64_t) limit);
    TRY(statement_step(select, &found, error));
    while (found && (*ret_count == 0 || bytes < bytes_max)) {
        struct stage_row *row = &(*ret_rows)[(*ret_count)++];
        row->key = arena_copy(arena, statement_column_text(select, 0));
        row->json = arena_copy(arena, statement_column_text(select, 1));
        bytes += row->json.size;
        TRY(statement_step(select, &found, error));
    }
    return STATUS_OK;
}
