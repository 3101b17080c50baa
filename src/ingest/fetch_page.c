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
    if (fetch->stage == NULL) {
        TRY(stage_open_fenced(fetch->job.stage_ops, fetch->job.stage_url, fetch->job.fence,
                              &fetch->stage, error));
    }
    return load_state(fetch, error);
}

enum status fetch_open(struct fetch *fetch, struct error *error)
{
    TRY(fetch_open_stage(fetch, error));
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

enum status fetch_page(struct fetch *fetch, struct page_outcome *ret_outcome, struct error *error)
{
    *ret_outcome = (struct page_outcome){.retry_after_us = -1};
    arena_reset(&fetch->arena);
    struct source_request request = {
        .cursor = is_interval(fetch) ? fetch->interval_cursor : fetch->state.cursor,
        .from_us = fetch->job.from_us,
        .to_us = fetch->job.to_us,
        .cancelled = &fetch->stopping,
    };
    struct source_page page = {0};
    TRY(fetch->job.ops->fetch(fetch->source, &request, &fetch->arena, &page,
                              &ret_outcome->retry_after_us, error));
    if (page.count == 0 && page.cursor == NULL && page.requests == 0) {
        ret_outcome->end = page.end; /* nothing happened: no transaction for that */
        return STATUS_OK;
    }
    int64_t now_us = clock_now_us();
    struct row_rules rules = {
        .pipeline = fetch->job.pipeline,
        .source = fetch->job.source,
        .key = fetch->job.key,
        .key_count = fetch->job.key_count,
        .ignore_changes = fetch->job.ignore_changes,
        .ignore_count = fetch->job.ignore_count,
        .record_bytes_max = fetch->job.record_bytes_max,
    };
    struct page_rows rows;
    TRY(rows_make(&rules, &fetch->gate, &page, now_us, &fetch->arena, &rows, error));
    struct stage_result result;
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
