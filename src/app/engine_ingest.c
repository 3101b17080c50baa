#include "app/engine_ingest.h"

#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"

#define WAITING_MAX    256  /* orders that have not ended */
#define REMEMBERED_MAX 1000 /* orders in all; the oldest that ended go first */

#define EXIT_STOPPED 143 /* as of a process that SIGTERM ended */

/* ---- life --------------------------------------------------------------------------------------
 */

void engine_ingests_init(struct engine *engine)
{
    list_init(&engine->ingests);
    engine->ingest_next_id = clock_now_us(); /* so that no later process gives one out again */
}

static void ingest_free(struct engine *engine, struct engine_ingest *ingest)
{
    list_remove(&ingest->link);
    engine->ingest_count--;
    accept_limit_deinit(&ingest->limit);
    mem_free((char *) (uintptr_t) ingest->view.order.key);
    mem_free((char *) (uintptr_t) ingest->view.order.source);
    mem_free((char *) (uintptr_t) ingest->view.fault.message);
    mem_free((char *) (uintptr_t) ingest->view.fault.hint);
    mem_free(ingest->targets);
    mem_free(ingest);
}

void engine_ingests_free(struct engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        /* Its worker looks at the order's limit. */
        if (engine->sources[i].ingest != NULL) {
            fetch_free(engine->sources[i].fetch);
            engine->sources[i].fetch = NULL;
        }
    }
    list_each (&engine->ingests, link) {
        ingest_free(engine, CONTAINER_OF(link, struct engine_ingest, link));
    }
}

struct engine_ingest *engine_ingest_find(struct engine *engine, int64_t id)
{
    list_each (&engine->ingests, link) {
        struct engine_ingest *ingest = CONTAINER_OF(link, struct engine_ingest, link);
        if (ingest->view.id == id) {
            ingest->looked_at_us = clock_monotonic_us();
            return ingest;
        }
    }
    return NULL;
}

static struct engine_ingest *find_key(struct engine *engine, const char *key)
{
    list_each (&engine->ingests, link) {
        struct engine_ingest *ingest = CONTAINER_OF(link, struct engine_ingest, link);
        if (key != NULL && ingest->view.order.key != NULL &&
            strcmp(ingest->view.order.key, key) == 0) {
            ingest->looked_at_us = clock_monotonic_us();
            return ingest;
        }
    }
    return NULL;
}

/* "PIPELINE.SOURCE", or the last part alone where it says which one is meant. */
static enum status find_source(struct engine *engine,
                               const char *name,
                               struct engine_source **ret_source,
                               struct error *error)
{
    *ret_source = NULL;
    for (size_t i = 0; i < engine->source_count; i++) {
        struct engine_source *source = &engine->sources[i];
        if (strcmp(source->name, name) == 0) {
            *ret_source = source;
            return STATUS_OK;
        }
        if (strcmp(source->topic->source, name) == 0) {
            if (*ret_source != NULL) {
                return error_set(error, STATUS_DATA,
                                 "\"%s\" may be \"%s\" or \"%s\": say which one", name,
                                 (*ret_source)->name, source->name);
            }
            *ret_source = source;
        }
    }
    if (*ret_source == NULL) {
        return error_set(error, STATUS_NOT_FOUND, "there is no source \"%s\" in this leat", name);
    }
    return STATUS_OK;
}

/* Makes room for one more; false if too many have not ended. */
static bool make_room(struct engine *engine)
{
    size_t waiting = 0;
    list_each (&engine->ingests, link) {
        struct engine_ingest *ingest = CONTAINER_OF(link, struct engine_ingest, link);
        if (ingest->phase != INGEST_ENDED) {
            waiting++;
        } else if (engine->ingest_count >= REMEMBERED_MAX) {
            ingest_free(engine, ingest);
        }
    }
    return waiting < WAITING_MAX;
}

enum status engine_ingest_start(struct engine *engine,
                                const struct console_ingest_order *order,
                                const struct engine_ingest **ret_ingest,
                                struct error *error)
{
    struct engine_source *source;
    *ret_ingest = find_key(engine, order->key);
    if (*ret_ingest != NULL) {
        return STATUS_OK;
    }
    TRY(find_source(engine, order->source, &source, error));
    if (engine->draining || engine->options.until_drained || engine->options.limit >= 0) {
        return error_set(error, STATUS_AGAIN, "this leat is about to end and takes no orders");
    }
    if (!make_room(engine)) {
        return error_set(error, STATUS_AGAIN, "%d orders wait already", WAITING_MAX);
    }
    struct engine_ingest *ingest = mem_zalloc(sizeof(*ingest));
    ingest->source = source;
    ingest->view.id = engine->ingest_next_id++;
    ingest->view.order = *order;
    ingest->view.order.key = mem_strdup(order->key);
    ingest->view.order.source = mem_strdup(source->name);
    ingest->view.asked_us = clock_now_us();
    ingest->view.exit_code = -1;
    ingest->looked_at_us = clock_monotonic_us();
    accept_limit_init(&ingest->limit, order->limit);
    list_append(&engine->ingests, &ingest->link);
    engine->ingest_count++;
    *ret_ingest = ingest;
    return STATUS_OK;
}

void engine_ingest_cancel(struct engine_ingest *ingest)
{
    ingest->cancelled = ingest->phase != INGEST_ENDED;
    if (ingest->phase == INGEST_FETCHING) {
        fetch_stop(ingest->source->fetch);
    }
}

/* ---- ends --------------------------------------------------------------------------------------
 */

static void end(struct engine_ingest *ingest, enum console_ingest_state state, int exit_code)
{
    ingest->phase = INGEST_ENDED;
    ingest->view.state = state;
    ingest->view.ended_us = clock_now_us();
    ingest->view.exit_code = exit_code;
    mem_free(ingest->targets);
    ingest->targets = NULL;
    logline(LOG_INFO, "ingest", "order has ended", LOG_INT("id", ingest->view.id),
            LOG_STRING("source", ingest->view.order.source),
            LOG_STRING("state", console_ingest_state_name(state)),
            LOG_INT("accepted", ingest->view.accepted),
            LOG_INT("unchanged", ingest->view.unchanged), LOG_INT("refused", ingest->view.dead));
}

static void end_failed(struct engine_ingest *ingest, const struct error *error)
{
    ingest->view.fault = (struct console_fault){
        .status = status_name(error->status),
        .message = mem_strdup(error->message),
        .hint = error->hint[0] != '\0' ? mem_strdup(error->hint) : NULL,
    };
    end(ingest, CONSOLE_INGEST_FAILED, status_exit_code(error->status));
}

static void end_stopped(struct engine_ingest *ingest)
{
    struct error error;
    if (ingest->cancelled) {
        end(ingest, CONSOLE_INGEST_CANCELLED, EXIT_STOPPED);
        return;
    }
    (void) error_set(&error, STATUS_AGAIN, "leat was stopped before the source was at its end");
    end_failed(ingest, &error);
}

static bool is_stopped(const struct engine *engine, const struct engine_ingest *ingest)
{
    return ingest->cancelled || engine->draining;
}

/* ---- fetching ----------------------------------------------------------------------------------
 */

/* The worker that follows one that has ended. Where none can be started, nothing works any more:
 * the old one stays, with its counts, until the engine has stopped. */
static enum status next_worker(struct engine *engine,
                               struct engine_source *source,
                               const struct fetch_job *job,
                               struct error *error)
{
    struct fetch_status status;
    struct fetch *worker;
    if (fetch_start(job, &worker, error) != STATUS_OK) {
        engine->failure = *error;
        return error->status;
    }
    fetch_status(source->fetch, &status);
    source->accepted_before += status.accepted;
    fetch_free(source->fetch);
    source->fetch = worker;
    return STATUS_OK;
}

/* The schedule's worker comes back. While leat drains, the one that has ended stays. */
static void give_back(struct engine *engine, struct engine_source *source)
{
    struct error error;
    struct fetch_job job = source->fetch_job;
    job.wait_first = true;
    source->ingest = NULL;
    if (!engine->draining) {
        (void) !next_worker(engine, source, &job, &error);
    }
}

static void take_over(struct engine *engine, struct engine_ingest *ingest)
{
    struct engine_source *source = ingest->source;
    struct fetch_status status;
    if (!fetch_ended(source->fetch)) {
        return;
    }
    if (is_stopped(engine, ingest)) {
        end_stopped(ingest);
        give_back(engine, source);
        return;
    }
    fetch_status(source->fetch, &status);
    ingest->before = status.counts;
    struct fetch_job job = source->fetch_job;
    job.schedule = (struct fetch_schedule){0};
    job.pages_per_tick = 0;
    job.eager = true;
    job.until_end = true;
    job.from_us = ingest->view.order.from_us;
    job.to_us = ingest->view.order.to_us;
    job.limit = &ingest->limit;
    job.give_up_us = ingest->view.order.give_up_us;
    struct error error;
    if (next_worker(engine, source, &job, &error) != STATUS_OK) {
        end_failed(ingest, &error);
        source->ingest = NULL;
        return;
    }
    ingest->phase = INGEST_FETCHING;
    ingest->view.state = CONSOLE_INGEST_FETCHING;
    ingest->view.started_us = clock_now_us();
}

static int64_t since(int64_t now, int64_t before)
{
    return now > before ? now - before : 0;
}

static void fetch_on(struct engine *engine, struct engine_ingest *ingest)
{
    struct engine_source *source = ingest->source;
    struct console_ingest *view = &ingest->view;
    struct fetch_status status;
    bool ended = fetch_ended(source->fetch); /* before its last counts are read */
    fetch_status(source->fetch, &status);
    view->pages = status.pages;
    if (status.pages > 0) { /* before the first one the counts may not be loaded */
        view->fetched = since(status.counts.fetched, ingest->before.fetched);
        view->accepted = since(status.counts.accepted, ingest->before.accepted);
        view->unchanged = since(status.counts.unchanged, ingest->before.unchanged);
        view->dead = since(status.counts.dead, ingest->before.dead);
        view->requests = since(status.counts.requests, ingest->before.requests);
    }
    if (!ended) {
        return;
    }
    if (status.end == FETCH_END_FAILED) {
        end_failed(ingest, &status.error);
    } else if (status.end == FETCH_END_STOPPED) {
        end_stopped(ingest);
    } else {
        ingest->position = status.position;
        ingest->phase = INGEST_APPENDING;
        view->state = CONSOLE_INGEST_APPENDING;
        view->staged_us = clock_now_us();
    }
    give_back(engine, source);
}

/* ---- storing -----------------------------------------------------------------------------------
 */

static bool is_of_level(const struct engine_ingest *ingest, const struct engine_topic *topic)
{
    return topic->topology->pipeline == ingest->source->topology->pipeline &&
           topic->topic->level == ingest->level;
}

/* The sum of the offsets that the topic has given out; 0 if it is not there. */
static enum status topic_records(struct engine *engine,
                                 const struct engine_topic *topic,
                                 int64_t *ret_records,
                                 struct error *error)
{
    struct arena arena;
    int64_t *ends;
    int32_t count = 0;
    *ret_records = 0;
    arena_init(&arena, 0);
    enum status status = log_topic_ends(engine->log_ops, engine->log, topic->topic->spec.name,
                                        &arena, &ends, &count, error);
    for (int32_t p = 0; status == STATUS_OK && p < count; p++) {
        *ret_records += ends[p];
    }
    arena_deinit(&arena);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What must have ended in the topics of this level; false: to be tried again. */
static bool set_targets(struct engine *engine, struct engine_ingest *ingest)
{
    struct error error;
    mem_free(ingest->targets);
    ingest->target_count = engine->topic_count;
    ingest->targets = mem_calloc(engine->topic_count + 1, sizeof(*ingest->targets));
    for (size_t i = 0; i < engine->topic_count; i++) {
        if (!is_of_level(ingest, &engine->topics[i])) {
            ingest->targets[i] = -1;
        } else if (topic_records(engine, &engine->topics[i], &ingest->targets[i], &error) !=
                   STATUS_OK) {
            mem_free(ingest->targets);
            ingest->targets = NULL;
            return false;
        }
    }
    return true;
}

static bool level_has_ended(struct engine *engine, const struct engine_ingest *ingest)
{
    for (size_t i = 0; i < ingest->target_count; i++) {
        struct processor *processor = engine->topics[i].processor;
        struct processor_status status = {.committed = 0}; /* of one that waits for its schema */
        if (ingest->targets[i] <= 0) {
            continue;
        }
        if (processor != NULL) {
            engine->roles.processor_ops->status(processor, &status);
        }
        if (status.committed < ingest->targets[i] && status.position < ingest->targets[i]) {
            return false;
        }
    }
    return true;
}

static void append_on(struct engine_ingest *ingest)
{
    struct capture_status status;
    capture_status(ingest->source->capture, &status);
    if (status.confirmed >= ingest->position) {
        ingest->phase = INGEST_STORING;
        ingest->view.state = CONSOLE_INGEST_STORING;
    }
}

static void store_on(struct engine *engine, struct engine_ingest *ingest)
{
    int levels = 0;
    for (size_t i = 0; i < engine->topic_count; i++) {
        int level = engine->topics[i].topic->level;
        levels = level > levels ? level : levels;
    }
    while (ingest->level <= levels) {
        if ((ingest->targets == NULL && !set_targets(engine, ingest)) ||
            !level_has_ended(engine, ingest)) {
            return;
        }
        mem_free(ingest->targets);
        ingest->targets = NULL;
        ingest->level++;
    }
    end(ingest, CONSOLE_INGEST_DONE, 0);
}

/* ---- each tick ---------------------------------------------------------------------------------
 */

static void begin(struct engine *engine, struct engine_ingest *ingest)
{
    if (is_stopped(engine, ingest)) {
        end_stopped(ingest);
    } else if (ingest->source->ingest == NULL) {
        ingest->source->ingest = ingest;
        ingest->phase = INGEST_TAKING_OVER;
        fetch_stop(ingest->source->fetch);
    }
}

/* Who gave the order is gone, as nobody asks about it. */
static bool lease_is_over(const struct engine_ingest *ingest)
{
    int64_t lease_us = ingest->view.order.lease_us;
    return lease_us > 0 && clock_monotonic_us() - ingest->looked_at_us > lease_us;
}

static void advance(struct engine *engine, struct engine_ingest *ingest)
{
    if (!ingest->cancelled && lease_is_over(ingest)) {
        engine_ingest_cancel(ingest);
    }
    if (ingest->phase == INGEST_QUEUED) {
        begin(engine, ingest);
    }
    if (ingest->phase == INGEST_TAKING_OVER) {
        take_over(engine, ingest);
    }
    if (ingest->phase == INGEST_FETCHING) {
        fetch_on(engine, ingest);
    }
    if ((ingest->phase == INGEST_APPENDING || ingest->phase == INGEST_STORING) &&
        ingest->cancelled) {
        end_stopped(ingest);
    }
    if (ingest->phase == INGEST_APPENDING) {
        append_on(ingest);
    }
    if (ingest->phase == INGEST_STORING) {
        store_on(engine, ingest);
    }
}

void engine_ingests_advance(struct engine *engine)
{
    list_each (&engine->ingests, link) {
        struct engine_ingest *ingest = CONTAINER_OF(link, struct engine_ingest, link);
        if (ingest->phase != INGEST_ENDED) {
            advance(engine, ingest);
        }
    }
}
