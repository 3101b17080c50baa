#include "base/memory.h"
#include "ingest/fetch_internal.h"

#include "io/clock.h"

#include <string.h>

static enum status load_state(struct fetch *fetch, struct error *error)
{
    arena_reset(&fetch->state_arena);
    TRY(fetch->job.stage_ops->source_load(fetch->stage, fetch->job.source, &fetch->state_arena,
                                          &fetch->state, error));
    pthread_mutex_lock(&fetch->mutex);
    fetch->status.counts = fetch->state.counts;
    fetch->status.position = fetch->state.position;
    fetch->status.fetched_at_us = fetch->state.fetched_at_us;
    fetch->status.rate_used = fetch->state.rate_used;
    pthread_mutex_unlock(&fetch->mutex);
    return STATUS_OK;
}

enum status fetch_open_stage(struct fetch *fetch, struct error *error)
{
    fetch->at_stage = true;
    if (fetch->stage == NULL) {
        TRY(stage_open_fenced(fetch->job.stage_ops, fetch->job.stage_url, fetch->job.fence,
                              &fetch->stage, error));
    }
    return load_state(fetch, error);
}

enum status fetch_open(struct fetch *fetch, struct error *error)
{
    TRY(fetch_open_stage(fetch, error));
    fetch->at_stage = false;
    if (fetch->source == NULL) {
        TRY(fetch->job.ops->open(fetch->job.settings, fetch->job.source, &fetch->source, error));
    }
    if (!fetch->gate_open) {
        TRY(schema_gate_open(&fetch->gate, fetch->state.schema_id, error));
        fetch->gate_open = true;
    }
    return STATUS_OK;
}

void fetch_close(struct fetch *fetch)
{
    pager_drop(fetch->pager);
    if (fetch->source != NULL) {
        fetch->job.ops->close(fetch->source);
        fetch->source = NULL;
    }
    if (fetch->stage != NULL) {
        fetch->job.stage_ops->close(fetch->stage);
        fetch->stage = NULL;
    }
}

static bool is_interval(const struct fetch *fetch)
{
    return fetch->job.from_us != 0 || fetch->job.to_us != 0;
}

/* A fixed window, as most APIs count: it begins with the first page in it. A page is only asked for
 * if one like the last fits. */
int64_t fetch_rate_wait_us(struct fetch *fetch, int64_t now_us)
{
    if (fetch->job.rate_count <= 0) {
        return 0;
    }
    int64_t left_us = fetch->state.rate_window_us + fetch->job.rate_per_us - now_us;
    if (fetch->state.rate_window_us == 0 || left_us <= 0 || left_us > fetch->job.rate_per_us) {
        fetch->state.rate_window_us = now_us;
        fetch->state.rate_used = 0;
        return 0;
    }
    bool fits = fetch->state.rate_used == 0 ||
                fetch->state.rate_used + fetch->last_page_count <= fetch->job.rate_count;
    return fits && fetch->state.rate_used < fetch->job.rate_count ? 0 : left_us;
}

/* Would the page after one of `count` records be asked for at once? Only then it is fetched ahead,
 * so that no request is made that would not have been. */
static bool goes_on(const struct fetch *fetch, const struct source_page *page, int64_t now_us)
{
    const struct fetch_job *job = &fetch->job;
    int64_t count = (int64_t) page->count;
    if (page->end || page->cursor == NULL || atomic_load(&fetch->stopping)) {
        return false;
    }
    if (!job->eager && job->pages_per_tick > 0 && fetch->tick_pages + 1 >= job->pages_per_tick) {
        return false;
    }
    if (job->limit != NULL && !accept_limit_exceeds(job->limit, count)) {
        return false;
    }
    return job->rate_count <= 0 || (now_us < fetch->state.rate_window_us + job->rate_per_us &&
                                    fetch->state.rate_used + count < job->rate_count &&
                                    fetch->state.rate_used + count + count <= job->rate_count);
}

static void count_page(struct fetch *fetch, const struct stage_result *result, int64_t requests)
{
    metric_add(fetch->accepted, result->accepted);
    metric_add(fetch->unchanged, result->unchanged);
    metric_add(fetch->dead, result->dead);
    metric_add(fetch->requests, requests);
    pthread_mutex_lock(&fetch->mutex);
    fetch->status.pages++;
    fetch->status.accepted += result->accepted;
    fetch->status.failures = 0;
    error_clear(&fetch->status.error);
    pthread_mutex_unlock(&fetch->mutex);
    if (fetch->job.committed != NULL) {
        notify_ring(fetch->job.committed);
    }
}

/* Commits rows within what the accept limit leaves. */
static enum status commit_page(struct fetch *fetch,
                               const struct source_page *page,
                               const struct page_rows *rows,
                               int64_t now_us,
                               struct stage_result *ret_result,
                               struct error *error)
{
    int64_t reserved = -1;
    if (fetch->job.limit != NULL && rows->count > 0) {
        reserved = accept_limit_reserve(fetch->job.limit, (int64_t) rows->count);
    }
    struct stage_page commit = {
        .rows = rows->rows,
        .count = rows->count,
        .dead = rows->dead,
        .dead_count = rows->dead_count,
        .accept_max = reserved,
        .cursor = is_interval(fetch) ? NULL : page->cursor,
        .rate_window_us = fetch->state.rate_window_us,
        .rate_used = fetch->state.rate_used + (int64_t) page->count,
        .schema_id = fetch->gate.id,
        .requests = page->requests,
        .now_us = now_us,
    };
    enum status status = fetch->job.stage_ops->page_commit(fetch->stage, fetch->job.source, &commit,
                                                           ret_result, error);
    if (fetch->job.limit != NULL) {
        accept_limit_settle(fetch->job.limit, reserved,
                            status == STATUS_OK ? ret_result->accepted : 0);
    }
    return status;
}

static struct row_rules rules_of(const struct fetch *fetch)
{
    return (struct row_rules){
        .pipeline = fetch->job.pipeline,
        .source = fetch->job.source,
        .key = fetch->job.key,
        .key_count = fetch->job.key_count,
        .ignore_changes = fetch->job.ignore_changes,
        .ignore_count = fetch->job.ignore_count,
        .record_bytes_max = fetch->job.record_bytes_max,
        .deleted_field = fetch->job.deleted_field,
        .deleted_equals = fetch->job.deleted_equals,
    };
}

/* ---- what staging has, for the source ----------------------------------------------------------
 */

static enum status staged_key(void *context,
                              struct slice json,
                              struct arena *arena,
                              struct slice *ret_key,
                              struct error *error)
{
    const struct row_rules rules = rules_of(context);
    return rows_key(&rules, json, arena, ret_key, error);
}

static enum status staged_row(void *context,
                              struct slice key,
                              struct arena *arena,
                              struct slice *ret_json,
                              struct error *error)
{
    struct fetch *fetch = context;
    return fetch->job.stage_ops->row_find(fetch->stage, fetch->job.source, key, arena, ret_json,
                                          error);
}

static enum status staged_rows(void *context,
                               struct slice after,
                               size_t count_max,
                               size_t bytes_max,
                               struct arena *arena,
                               struct source_staged_row **ret_rows,
                               size_t *ret_count,
                               struct error *error)
{
    struct fetch *fetch = context;
    struct stage_row *rows;
    TRY(fetch->job.stage_ops->rows_after(fetch->stage, fetch->job.source, after, count_max,
                                         bytes_max, arena, &rows, ret_count, error));
    *ret_rows = ARENA_ARRAY(arena, struct source_staged_row, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_rows)[i] = (struct source_staged_row){rows[i].key, rows[i].json};
    }
    return STATUS_OK;
}

/* A source that knows its schema declares it, unless the pipeline file does. */
static enum status take_schema(struct fetch *fetch, struct error *error)
{
    if (fetch->job.ops->schema == NULL || fetch->job.schema.declared != NULL) {
        return STATUS_OK;
    }
    const char *text = fetch->job.ops->schema(fetch->source);
    if (text == NULL || (fetch->source_schema != NULL && strcmp(text, fetch->source_schema) == 0)) {
        return STATUS_OK;
    }
    fetch->gate.policy.declared = text;
    int32_t id = fetch->gate.id != 0 ? fetch->gate.id : fetch->state.schema_id;
    enum status status = schema_gate_open(&fetch->gate, id, error);
    fetch->gate.policy.declared = NULL;
    TRY(status);
    mem_free(fetch->source_schema);
    fetch->source_schema = mem_strdup(text);
    return STATUS_OK;
}

enum status fetch_page(struct fetch *fetch, struct page_outcome *ret_outcome, struct error *error)
{
    *ret_outcome = (struct page_outcome){.retry_after_us = -1};
    arena_reset(&fetch->arena);
    const struct source_staged staged = {fetch, staged_key, staged_row, staged_rows};
    struct pager_page asked;
    struct source_request request = {
        .cursor = is_interval(fetch) ? fetch->interval_cursor : fetch->state.cursor,
        .from_us = fetch->job.from_us,
        .to_us = fetch->job.to_us,
        .cancelled = &fetch->stopping,
        .staged = &staged,
    };
    enum status status = pager_fetch(fetch->pager, fetch->source, &request, &asked, error);
    ret_outcome->retry_after_us = asked.retry_after_us;
    TRY(status);
    const struct source_page page = asked.page;
    if (page.count == 0 && page.cursor == NULL && page.requests == 0) {
        ret_outcome->end = page.end; /* nothing happened: no transaction for that */
        return STATUS_OK;
    }
    TRY(take_schema(fetch, error));
    int64_t now_us = clock_now_us();
    if (goes_on(fetch, &page, now_us)) {
        request.cursor = page.cursor;
        request.staged = NULL;
        pager_begin(fetch->pager, fetch->source, &request);
    }
    const struct row_rules rules = rules_of(fetch);
    struct page_rows rows;
    TRY(rows_make(&rules, &fetch->gate, &page, now_us, &fetch->arena, &rows, error));
    struct stage_result result;
    fetch->at_stage = true;
    TRY(commit_page(fetch, &page, &rows, now_us, &result, error));
    ret_outcome->end = page.end && !result.cut;
    ret_outcome->cut = result.cut;
    fetch->last_page_count = (int64_t) page.count;
    if (is_interval(fetch) && page.cursor != NULL && !result.cut) {
        mem_free(fetch->interval_cursor);
        fetch->interval_cursor = mem_strdup(page.cursor);
    }
    count_page(fetch, &result, page.requests);
    return load_state(fetch, error);
}
