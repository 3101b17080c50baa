/*
 * Dead letters of all stores as one list, and trying them again. Stores are read with handles of
 * the request's own; a retry goes to the processor that refused the record, by way of the engine.
 */

#include "app/engine_internal.h"

#include <stdio.h>

#define ASK_US       (2 * INT64_C(1000000))
#define PAGE_LETTERS 256

/* A store that may hold some. */
struct keeper {
    const char *name;            /* "staging", "tables", "state/PIPELINE.TOPIC" */
    const struct store_ops *ops; /* NULL: staging */
    const char *url;
};

struct keepers {
    struct arena *arena;
    struct keeper *items;
    size_t count;
};

static void list_keepers(struct engine *engine, void *argument)
{
    struct keepers *keepers = argument;
    struct arena *arena = keepers->arena;
    keepers->items = ARENA_ARRAY(arena, struct keeper, engine->topic_count + 2);
    keepers->items[keepers->count++] = (struct keeper){"staging", NULL, engine->roles.stage_url};
    keepers->items[keepers->count++] =
        (struct keeper){"tables", engine->roles.store_ops, engine->roles.store_url};
    for (size_t i = 0; i < engine->topic_count; i++) {
        const struct processor_job *job = &engine->topics[i].job;
        if (job->state_url != NULL && !roles_is_missing_file(job->state_url)) {
            keepers->items[keepers->count++] = (struct keeper){
                arena_printf(arena, "state/%s.%s", job->pipeline, job->topic),
                job->state_ops,
                arena_strdup(arena, job->state_url),
            };
        }
    }
}

/* ---- listing -----------------------------------------------------------------------------------
 */

struct collected {
    struct arena *arena;
    const struct console_dead_filter *filter;
    const char *store;
    struct dead_letter *letters;
    const char **stores; /* of each */
    size_t count, capacity;
    size_t of_store; /* of the present one */
    size_t visited;  /* in this page, also those left out */
    int64_t last_id;
};

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static struct dead_letter letter_copy(const struct dead_letter *letter, struct arena *arena)
{
    struct dead_letter copy = *letter;
    copy.pipeline = copy_text(arena, letter->pipeline);
    copy.name = copy_text(arena, letter->name);
    copy.reason = copy_text(arena, letter->reason);
    copy.message = copy_text(arena, letter->message);
    copy.place = copy_text(arena, letter->place);
    copy.topic = copy_text(arena, letter->topic);
    copy.raw = arena_copy(arena, letter->raw);
    copy.key = arena_copy(arena, letter->key);
    copy.identity.source = arena_copy(arena, letter->identity.source);
    if (letter->key.data == NULL) {
        copy.key = SLICE_EMPTY; /* null is not the same as empty */
    }
    if (letter->raw.data == NULL) {
        copy.raw = SLICE_EMPTY;
    }
    return copy;
}

static enum status collect(void *context, const struct dead_letter *letter, struct error *error)
{
    struct collected *list = context;
    (void) error;
    list->visited++;
    list->last_id = letter->id;
    if (list->filter->hop != NULL && strcmp(dead_hop_name(letter->hop), list->filter->hop) != 0) {
        return STATUS_OK;
    }
    if ((int64_t) list->of_store >= list->filter->limit) {
        return STATUS_OK;
    }
    if (list->count == list->capacity) {
        size_t wider = list->capacity == 0 ? 32 : list->capacity * 2;
        list->letters = arena_grow(list->arena, list->letters, list->count * sizeof(*list->letters),
                                   wider * sizeof(*list->letters));
        list->stores = arena_grow(list->arena, list->stores, list->count * sizeof(*list->stores),
                                  wider * sizeof(*list->stores));
        list->capacity = wider;
    }
    list->stores[list->count] = list->store;
    list->letters[list->count++] = letter_copy(letter, list->arena);
    list->of_store++;
    return STATUS_OK;
}

static enum status read_page(const struct engine *engine,
                             const struct keeper *keeper,
                             const struct dead_filter *filter,
                             struct collected *list,
                             struct error *error)
{
    enum status status;
    if (keeper->ops == NULL) {
        struct stage *stage;
        TRY(engine->roles.stage_ops->open(keeper->url, &stage, error));
        status = engine->roles.stage_ops->dead_list(stage, filter, collect, list, error);
        engine->roles.stage_ops->close(stage);
    } else {
        struct store *store;
        TRY(keeper->ops->open(keeper->url, true, &store, error));
        status = keeper->ops->dead_list(store, filter, collect, list, error);
        keeper->ops->close(store);
    }
    return status;
}

/* Page by page, as a hop is told from others only here. */
static enum status read_keeper(const struct engine *engine,
                               const struct keeper *keeper,
                               struct collected *list,
                               struct error *error)
{
    struct dead_filter filter = {
        .id = list->filter->id,
        .name = list->filter->name,
        .reason = list->filter->reason,
        .limit = PAGE_LETTERS,
    };
    list->store = keeper->name;
    list->of_store = 0;
    do {
        list->visited = 0;
        TRY(read_page(engine, keeper, &filter, list, error));
        filter.after_id = list->last_id;
    } while (list->visited == PAGE_LETTERS && (int64_t) list->of_store < list->filter->limit);
    return STATUS_OK;
}

static enum status read_all(struct engine *engine, struct collected *list, struct error *error)
{
    struct keepers keepers = {.arena = list->arena};
    TRY(engine_ask(engine, list_keepers, &keepers, ASK_US, error));
    for (size_t i = 0; i < keepers.count; i++) {
        const struct keeper *keeper = &keepers.items[i];
        bool wanted = list->filter->store == NULL || strcmp(list->filter->store, keeper->name) == 0;
        bool there = keeper->ops == NULL || !roles_is_missing_file(keeper->url);
        if (wanted && there) {
            TRY(read_keeper(engine, keeper, list, error));
        }
    }
    return STATUS_OK;
}

enum status engine_console_dead_list(void *context,
                                     const struct console_dead_filter *filter,
                                     struct arena *arena,
                                     struct console_dead **ret_letters,
                                     size_t *ret_count,
                                     struct error *error)
{
    struct collected list = {.arena = arena, .filter = filter};
    TRY(read_all(context, &list, error));
    struct console_dead *letters = ARENA_ARRAY(arena, struct console_dead, list.count);
    for (size_t i = 0; i < list.count; i++) {
        const struct dead_letter *letter = &list.letters[i];
        size_t size = letter->raw.size;
        letters[i] = (struct console_dead){
            .store = list.stores[i],
            .id = letter->id,
            .hop = dead_hop_name(letter->hop),
            .pipeline = letter->pipeline,
            .name = letter->name,
            .reason = letter->reason,
            .message = letter->message,
            .place = letter->place,
            .topic = letter->hop == DEAD_SOURCE ? NULL : letter->topic,
            .partition = letter->partition,
            .offset = letter->offset,
            .at_us = letter->at_us,
            .retries = letter->retries,
            .raw = {letter->raw.data, size > CONSOLE_RAW_BYTES ? CONSOLE_RAW_BYTES : size},
            .raw_bytes = size,
        };
    }
    *ret_letters = letters;
    *ret_count = list.count;
    return STATUS_OK;
}

/* ---- trying again ------------------------------------------------------------------------------
 */

struct retry_ask {
    const struct dead_letter *letter;
    bool resolved;
    enum status status;
    struct error error;
};

static void retry_one(struct engine *engine, void *argument)
{
    struct retry_ask *ask = argument;
    const struct dead_letter *letter = ask->letter;
    if (letter->hop == DEAD_SOURCE) {
        ask->status = engine_dead_source_retry(engine, letter, &ask->resolved, &ask->error);
        return;
    }
    for (size_t i = 0; i < engine->topic_count; i++) {
        const struct engine_topic *topic = &engine->topics[i];
        if (topic->processor != NULL && letter->topic != NULL && letter->pipeline != NULL &&
            strcmp(topic->job.pipeline, letter->pipeline) == 0 &&
            strcmp(topic->job.topic, letter->topic) == 0) {
            ask->status = engine->roles.processor_ops->dead_retry(topic->processor, letter,
                                                                  &ask->resolved, &ask->error);
            return;
        }
    }
    ask->status =
        error_set(&ask->error, STATUS_NOT_FOUND,
                  "no running pipeline reads what dead letter %lld was", (long long) letter->id);
}

/* One letter a turn of the engine, so that it goes on with everything else in between. */
enum status engine_console_dead_retry(void *context,
                                      const struct console_dead_filter *filter,
                                      struct console_retry_result *ret_result,
                                      struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct collected list = {.arena = &arena, .filter = filter};
    *ret_result = (struct console_retry_result){0};
    TRY(read_all(context, &list, error));
    for (size_t i = 0; i < list.count; i++) {
        struct retry_ask ask = {.letter = &list.letters[i]};
        TRY(engine_ask(context, retry_one, &ask, ASK_US, error));
        if (ask.status != STATUS_OK) {
            if (error != NULL) {
                *error = ask.error;
            }
            return ask.status;
        }
        ret_result->tried++;
        ret_result->resolved += ask.resolved;
    }
    return STATUS_OK;
}
