/*
 * Trying a record again that a source's own hop refused: it passes the schema gate as it is now and
 * is staged as a page of one. The letter goes, and its count moves, in that transaction.
 */

#include "app/engine_internal.h"
#include "app/engine_lead.h"
#include "ingest/rows.h"
#include "io/clock.h"

static struct engine_source *find_source(struct engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        if (name != NULL && strcmp(engine->sources[i].name, name) == 0) {
            return &engine->sources[i];
        }
    }
    return NULL;
}

/* The letter's text as rows for staging: one row, or one dead letter that says why not. */
static enum status make_rows(const struct engine_source *source,
                             struct schema_gate *gate,
                             const struct dead_letter *letter,
                             struct json_document *document,
                             struct arena *arena,
                             struct page_rows *ret_rows,
                             struct error *error)
{
    const struct fetch_job *job = &source->fetch_job;
    struct error fault = {0};
    struct source_record record = {.raw = letter->raw};
    if (json_parse(document, letter->raw, 0, &fault) != STATUS_OK) {
        record.value = UINT32_MAX;
        record.fault = fault.message;
    }
    const struct source_page page = {
        .document = document, .records = &record, .count = 1, .place = letter->place};
    const struct row_rules rules = {
        .pipeline = job->pipeline,
        .source = job->source,
        .key = job->key,
        .key_count = job->key_count,
        .ignore_changes = job->ignore_changes,
        .ignore_count = job->ignore_count,
        .record_bytes_max = job->record_bytes_max,
        .deleted_field = job->deleted_field,
        .deleted_equals = job->deleted_equals,
    };
    return rows_make(&rules, gate, &page, clock_now_us(), arena, ret_rows, error);
}

static enum status resolve(struct engine *engine,
                           struct engine_source *source,
                           struct stage *stage,
                           const struct dead_letter *letter,
                           bool *ret_resolved,
                           struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct json_document document CLEANUP(json_document_deinit);
    struct stage_source state;
    struct schema_gate gate;
    struct page_rows rows;
    struct stage_result result;
    arena_init(&arena, 0);
    json_document_init(&document);
    TRY(engine->roles.stage_ops->source_load(stage, source->name, &arena, &state, error));
    schema_gate_init(&gate, &source->fetch_job.schema);
    enum status status = schema_gate_open(&gate, state.schema_id, error);
    if (status == STATUS_OK) {
        status = make_rows(source, &gate, letter, &document, &arena, &rows, error);
    }
    if (status == STATUS_OK) {
        bool passes = rows.count == 1;
        status = engine->roles.stage_ops->dead_resolve(
            stage, source->name, letter->id, passes ? rows.rows : NULL,
            passes ? NULL : rows.dead[0].message, clock_now_us(), &result, error);
        *ret_resolved = passes;
    }
    schema_gate_deinit(&gate);
    TRY(status);
    TRY(engine->roles.stage_ops->source_load(stage, source->name, &arena, &state, error));
    fetch_counted(source->fetch, &state.counts);
    notify_ring(&source->staged);
    return STATUS_OK;
}

enum status engine_dead_source_retry(struct engine *engine,
                                     const struct dead_letter *letter,
                                     bool *ret_resolved,
                                     struct error *error)
{
    struct engine_source *source = find_source(engine, letter->name);
    struct stage *stage;
    *ret_resolved = false;
    if (source == NULL) {
        return error_set(error, STATUS_NOT_FOUND,
                         "no running pipeline has the source \"%s\" that refused dead letter %lld",
                         letter->name == NULL ? "" : letter->name, (long long) letter->id);
    }
    TRY(stage_open_fenced(engine->roles.stage_ops, engine->roles.stage_url, engine_fence(engine),
                          &stage, error));
    enum status status = resolve(engine, source, stage, letter, ret_resolved, error);
    engine->roles.stage_ops->close(stage);
    return status;
}
