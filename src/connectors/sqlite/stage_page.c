#include "connectors/sqlite/stage_internal.h"
#include "io/crash.h"

struct page_statements {
    struct db_statement *upsert;
    struct db_statement *remove;
    struct db_statement *outbox;
};

static void page_statements_release(struct page_statements *statements)
{
    statement_release(statements->upsert);
    statement_release(statements->remove);
    statement_release(statements->outbox);
}

/* Does the row change anything? */
static enum status write_row(struct stage *stage,
                             const struct page_statements *statements,
                             const struct stage_row *row,
                             int64_t position,
                             int64_t now_us,
                             bool *ret_changed,
                             struct error *error)
{
    struct db_statement *statement = statements->remove;
    if (row->op == STAGE_UPSERT) {
        statement = statements->upsert;
        statement_bind_text(statement, 2, row->json);
        statement_bind_blob(statement, 3, slice_of(row->hash, sizeof(row->hash)));
        statement_bind_int(statement, 4, position);
        statement_bind_int(statement, 5, now_us);
    }
    statement_bind_text(statement, 1, row->key);
    TRY(statement_run(statement, error));
    *ret_changed = db_changes(stage->db) > 0;
    if (!*ret_changed) {
        return STATUS_OK;
    }
    statement_bind_int(statements->outbox, 1, position);
    statement_bind_int(statements->outbox, 2, row->op);
    statement_bind_text(statements->outbox, 3, row->key);
    if (row->op == STAGE_DELETE) {
        statement_bind_null(statements->outbox, 4);
    } else {
        statement_bind_blob(statements->outbox, 4, row->value);
    }
    statement_bind_int(statements->outbox, 5, now_us);
    return statement_run(statements->outbox, error);
}

enum status stage_rows_write(struct stage *stage,
                             const struct staged_source *source,
                             struct stage_rows *rows,
                             struct error *error)
{
    struct page_statements statements = {0};
    struct stage_result *result = &rows->result;
    enum status status;
    TRY_OR_FAIL(db_prepare(stage->db, source->upsert, &statements.upsert, error));
    TRY_OR_FAIL(db_prepare(stage->db, source->remove, &statements.remove, error));
    TRY_OR_FAIL(db_prepare(stage->db, source->outbox_insert, &statements.outbox, error));
    while (rows->done < rows->count &&
           (rows->accept_max < 0 || result->accepted < rows->accept_max)) {
        bool changed = false;
        TRY_OR_FAIL(write_row(stage, &statements, &rows->rows[rows->done], result->position + 1,
                              rows->now_us, &changed, error));
        result->position += changed;
        result->accepted += changed;
        result->unchanged += !changed;
        rows->done++;
    }
    status = STATUS_OK;

fail:
    page_statements_release(&statements);
    return status;
}

static enum status source_position(struct stage *stage,
                                   const struct staged_source *source,
                                   int64_t *ret_position,
                                   struct error *error)
{
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db, "SELECT position FROM leat_sources WHERE id = ?1", &select, error));
    statement_bind_int(select, 1, source->id);
    bool found;
    TRY(statement_step(select, &found, error));
    *ret_position = statement_column_int(select, 0);
    return STATUS_OK;
}

/* State and counts of the source. A page that was cut leaves the cursor. */
static enum status source_update(struct stage *stage,
                                 const struct staged_source *source,
                                 const struct stage_page *page,
                                 const struct stage_result *result,
                                 struct error *error)
{
    struct db_statement *update CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(stage->db,
                   "UPDATE leat_sources SET position = ?2, cursor = coalesce(?3, cursor),"
                   " rate_window_us = ?4, rate_used = ?5, fetched_at_us = ?6, schema_id = ?7,"
                   " accepted = accepted + ?8, unchanged = unchanged + ?9, dead = dead + ?10,"
                   " fetched = fetched + ?8 + ?9 + ?10, requests = requests + ?11 WHERE id = ?1",
                   &update, error));
    statement_bind_int(update, 1, source->id);
    statement_bind_int(update, 2, result->position);
    if (page->cursor == NULL || result->cut) {
        statement_bind_null(update, 3);
    } else {
        statement_bind_text(update, 3, slice_of_string(page->cursor));
    }
    statement_bind_int(update, 4, page->rate_window_us);
    statement_bind_int(update, 5, page->rate_used);
    statement_bind_int(update, 6, page->now_us);
    statement_bind_int(update, 7, page->schema_id);
    statement_bind_int(update, 8, result->accepted);
    statement_bind_int(update, 9, result->unchanged);
    statement_bind_int(update, 10, result->dead);
    statement_bind_int(update, 11, page->requests);
    return statement_run(update, error);
}

enum status stage_page_commit(struct stage *stage,
                              const char *name,
                              const struct stage_page *page,
                              struct stage_result *ret_result,
                              struct error *error)
{
    *ret_result = (struct stage_result){0};
    struct stage_rows rows = {.rows = page->rows,
                              .count = page->count,
                              .accept_max = page->accept_max,
                              .now_us = page->now_us};
    struct stage_result *result = &rows.result;
    const struct staged_source *source;
    TRY(stage_source_find(stage, name, &source, error));
    TRY(write_begin(stage->db, stage->turn, error));
    enum status status;
    TRY_OR_FAIL(source_position(stage, source, &result->position, error));
    TRY_OR_FAIL(stage_rows_write(stage, source, &rows, error));
    result->cut = rows.done < page->count;
    /* A page that is cut comes again whole, with its dead letters. */
    for (size_t i = 0; i < page->dead_count && !result->cut; i++) {
        TRY_OR_FAIL(stage_dead_insert(stage, &page->dead[i], error));
        result->dead++;
    }
    TRY_OR_FAIL(source_update(stage, source, page, result, error));
    crash_point("stage.before_commit");
    TRY_OR_FAIL(write_commit(stage->db, stage->turn, error));
    crash_point("stage.after_commit");
    *ret_result = *result;
    return STATUS_OK;

fail:
    write_rollback(stage->db, stage->turn);
    error_context(error, "staging");
    return status;
}
