#include "app/engine_internal.h"

#include "app/engine_lead.h"
#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"

#include <stdio.h>
#include <unistd.h>

#define TICK_US           (100 * INT64_C(1000))
#define MAINTAIN_FIRST_US (30 * INT64_C(1000000)) /* not while everything starts */

/* ---- totals ------------------------------------------------------------------------------------
 */

void engine_totals(struct engine *engine, struct engine_totals *ret_totals)
{
    struct engine_totals totals = {0};
    for (size_t i = 0; i < engine->source_count; i++) {
        struct fetch_status fetch;
        struct capture_status capture;
        fetch_status(engine->sources[i].fetch, &fetch);
        capture_status(engine->sources[i].capture, &capture);
        totals.source.fetched += fetch.counts.fetched;
        totals.source.accepted += fetch.counts.accepted;
        totals.source.unchanged += fetch.counts.unchanged;
        totals.source.dead += fetch.counts.dead;
        totals.source.requests += fetch.counts.requests;
        totals.accepted_new += engine->sources[i].accepted_before + fetch.accepted;
        totals.staged += capture.lag;
    }
    for (size_t i = 0; i < engine->topic_count; i++) {
        if (engine->topics[i].processor == NULL || engine->topics[i].topic->level > 0) {
            continue; /* records of a stream's topic are leat's own, not accepted ones */
        }
        struct processor_status status;
        engine->roles.processor_ops->status(engine->topics[i].processor, &status);
        totals.fate.stored += status.counts.stored;
        totals.fate.filtered += status.counts.filtered;
        totals.fate.late += status.counts.late;
        totals.fate.dead += status.counts.dead;
        totals.fate.foreign += status.counts.foreign;
    }
    totals.accepted = totals.source.accepted + totals.fate.foreign;
    *ret_totals = totals;
}

/* ---- start and stop ----------------------------------------------------------------------------
 */

static enum status publish(struct engine *engine, struct error *error)
{
    engine->addresses.pid = getpid();
    return data_dir_publish(&engine->data, &engine->addresses, error);
}

enum status engine_start(const char *const *files,
                         size_t file_count,
                         const struct engine_options *options,
                         struct engine **ret_engine,
                         struct error *error)
{
    struct engine *engine = mem_zalloc(sizeof(*engine));
    engine->options = *options;
    engine->data.lock = FILE_LOCK_NONE;
    arena_init(&engine->arena, 0);
    notify_init(&engine->progress);
    engine_asks_init(&engine->asks);
    engine_ingests_init(engine);
    accept_limit_init(&engine->limit, options->limit);
    enum status status;
    TRY_OR_FAIL(pipeline_files(files, file_count, &engine->arena, &files, &file_count, error));
    TRY_OR_FAIL(engine_pipelines_load(engine, files, file_count, error));
    TRY_OR_FAIL(engine_lead_check(engine, error));
    TRY_OR_FAIL(data_dir_open(options->data, &engine->data, error));
    TRY_OR_FAIL(roles_save(engine->profile, engine->data.path, error));
    TRY_OR_FAIL(engine_services_start(engine, error));
    TRY_OR_FAIL(publish(engine, error));
    engine->maintain_next_us = clock_monotonic_us() + MAINTAIN_FIRST_US;
    TRY_OR_FAIL(engine_lead_start(engine, error));
    *ret_engine = engine;
    return STATUS_OK;

fail:
    engine_free(engine);
    return status;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    engine_console_stop(engine);
    engine_ingests_free(engine);
    engine_pipelines_stop(engine);
    engine_lead_stop(engine);
    engine_services_stop(engine);
    data_dir_close(&engine->data);
    accept_limit_deinit(&engine->limit);
    engine_asks_deinit(&engine->asks);
    notify_deinit(&engine->progress);
    arena_deinit(&engine->arena);
    mem_free(engine);
}

void engine_wake(struct engine *engine)
{
    notify_ring(&engine->progress);
}

static void fail(struct engine *engine, const struct error *error)
{
    if (engine->failure.status == STATUS_OK) {
        engine->failure = *error;
    }
}

static bool refused_at(struct engine *engine,
                       const struct engine_source *source,
                       const struct fetch_status *fetch)
{
    struct capture_status capture;
    capture_status(source->capture, &capture);
    return engine_lead_refused(engine, &fetch->error) ||
           engine_lead_refused(engine, &capture.last_error);
}

/* A processor that ended for good ends the engine; a source only in `run`. */
static void look_for_failures(struct engine *engine)
{
    for (size_t i = 0; i < engine->topic_count; i++) {
        if (engine->topics[i].processor == NULL) {
            continue;
        }
        struct processor_status status;
        engine->roles.processor_ops->status(engine->topics[i].processor, &status);
        if (engine_lead_refused(engine, &status.last_error)) {
            continue;
        }
        if (!status.running && status.last_error.status != STATUS_OK) {
            fail(engine, &status.last_error);
        }
    }
    for (size_t i = 0; i < engine->source_count; i++) {
        struct fetch_status status;
        fetch_status(engine->sources[i].fetch, &status);
        if (refused_at(engine, &engine->sources[i], &status)) {
            continue;
        }
        if (status.end == FETCH_END_FAILED && engine->sources[i].ingest == NULL) {
            fail(engine, &status.error);
        }
    }
}

void engine_tick(struct engine *engine, int64_t timeout_us)
{
    uint64_t seen = notify_seen(&engine->progress);
    engine_asks_serve(engine);
    (void) notify_wait(&engine->progress, seen, timeout_us < TICK_US ? timeout_us : TICK_US);
    struct error error = {0};
    if (engine_lead_tick(engine, &error) != STATUS_OK) {
        fail(engine, &error);
    }
    if (engine_pipelines_advance(engine, &error) != STATUS_OK && !error.retriable &&
        !engine_lead_refused(engine, &error)) {
        fail(engine, &error);
    }
    engine_ingests_advance(engine);
    look_for_failures(engine);
    engine_asks_serve(engine);
    engine_maintain(engine);
}

bool engine_finished(const struct engine *engine)
{
    if (engine->failure.status != STATUS_OK) {
        return true;
    }
    for (size_t i = 0; i < engine->source_count; i++) {
        struct fetch_status status;
        fetch_status(engine->sources[i].fetch, &status);
        if (status.end == FETCH_RUNNING || engine->sources[i].ingest != NULL) {
            return false;
        }
    }
    return engine->source_count > 0;
}

enum status engine_failure(const struct engine *engine, struct error *ret_error)
{
    *ret_error = engine->failure;
    return engine->failure.status;
}

/* ---- drain -------------------------------------------------------------------------------------
 */

struct drain {
    int64_t deadline_us;
    const volatile bool *abandon;
};

static enum status wait_for(struct engine *engine,
                            const struct drain *drain,
                            bool (*reached)(struct engine *engine),
                            const char *what,
                            struct error *error)
{
    while (!reached(engine)) {
        if (engine->failure.status != STATUS_OK) {
            *error = engine->failure;
            return error->status;
        }
        if (*drain->abandon || clock_monotonic_us() >= drain->deadline_us) {
            return error_set(error, STATUS_CANCELLED, "stopped before %s was drained", what);
        }
        engine_tick(engine, TICK_US / 10);
    }
    return STATUS_OK;
}

static bool sources_ended(struct engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        if (!fetch_ended(engine->sources[i].fetch)) {
            return false;
        }
    }
    return true;
}

static bool captures_ended(struct engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        if (!capture_ended(engine->sources[i].capture)) {
            return false;
        }
    }
    return true;
}

static bool processors_drained(struct engine *engine)
{
    for (size_t i = 0; i < engine->topic_count; i++) {
        struct processor *processor = engine->topics[i].processor;
        if (processor != NULL && engine->topics[i].topic->level <= engine->draining_level &&
            !engine->roles.processor_ops->drained(processor)) {
            return false;
        }
    }
    return true;
}

/* The jobs of one level: what they write is the input of the next. */
static enum status drain_processors(struct engine *engine, struct error *error)
{
    for (size_t i = 0; i < engine->topic_count; i++) {
        struct engine_topic *topic = &engine->topics[i];
        if (topic->processor == NULL || topic->topic->level != engine->draining_level) {
            continue;
        }
        struct arena arena;
        arena_init(&arena, 0);
        int64_t *offsets;
        int32_t count;
        enum status status = log_topic_ends(engine->log_ops, engine->log, topic->topic->spec.name,
                                            &arena, &offsets, &count, error);
        if (status == STATUS_OK) {
            engine->roles.processor_ops->drain(topic->processor, offsets, count);
        }
        arena_deinit(&arena);
        TRY(status);
    }
    return STATUS_OK;
}

enum status engine_drain(struct engine *engine,
                         int64_t timeout_us,
                         const volatile bool *abandon,
                         struct error *error)
{
    struct drain drain = {clock_monotonic_us() + timeout_us, abandon};
    engine->draining = true;
    engine_dags_stop(engine); /* tasks under way go on, in processes of their own */
    for (size_t i = 0; i < engine->source_count; i++) {
        fetch_stop(engine->sources[i].fetch);
    }
    TRY(wait_for(engine, &drain, sources_ended, "the source", error));
    for (size_t i = 0; i < engine->source_count; i++) {
        capture_drain(engine->sources[i].capture);
    }
    TRY(wait_for(engine, &drain, captures_ended, "staging", error));
    TRY(engine_pipelines_advance(engine, error));
    int levels = 0;
    for (size_t i = 0; i < engine->topic_count; i++) {
        int level = engine->topics[i].topic->level;
        levels = level > levels ? level : levels;
    }
    for (engine->draining_level = 0; engine->draining_level <= levels; engine->draining_level++) {
        TRY(drain_processors(engine, error));
        TRY(wait_for(engine, &drain, processors_drained, "the streams", error));
    }
    return STATUS_OK;
}
