/* Orders over REST: asked for on the threads of requests, done on the engine's. */

#include "app/engine_ingest.h"

#define ASK_US (2 * INT64_C(1000000))

static void copy(const struct engine_ingest *ingest, struct arena *arena, struct console_ingest *to)
{
    *to = ingest->view;
    to->order.key = arena_strdup(arena, to->order.key);
    to->order.source = arena_strdup(arena, to->order.source);
    to->fault.message = arena_strdup(arena, to->fault.message);
    to->fault.hint = arena_strdup(arena, to->fault.hint);
}

struct start_ask {
    const struct console_ingest_order *order;
    struct arena *arena;
    struct console_ingest *ingest;
    struct error *error;
    enum status status;
};

static void start(struct engine *engine, void *argument)
{
    struct start_ask *ask = argument;
    const struct engine_ingest *ingest;
    ask->status = engine_ingest_start(engine, ask->order, &ingest, ask->error);
    if (ask->status == STATUS_OK) {
        copy(ingest, ask->arena, ask->ingest);
    }
}

enum status engine_console_ingest_start(void *context,
                                        const struct console_ingest_order *order,
                                        struct arena *arena,
                                        struct console_ingest *ret_ingest,
                                        struct error *error)
{
    struct start_ask ask = {order, arena, ret_ingest, error, STATUS_OK};
    TRY(engine_ask(context, start, &ask, ASK_US, error));
    return ask.status;
}

struct list_ask {
    int64_t id;
    struct arena *arena;
    struct console_ingest *ingests;
    size_t count;
};

static void list(struct engine *engine, void *argument)
{
    struct list_ask *ask = argument;
    ask->ingests = ARENA_ARRAY(ask->arena, struct console_ingest, engine->ingest_count + 1);
    (void) engine_ingest_find(engine, ask->id); /* renews its lease */
    list_each (&engine->ingests, link) {
        const struct engine_ingest *ingest = CONTAINER_OF(link, struct engine_ingest, link);
        if (ask->id == 0 || ask->id == ingest->view.id) {
            copy(ingest, ask->arena, &ask->ingests[ask->count++]);
        }
    }
}

enum status engine_console_ingest_list(void *context,
                                       int64_t id,
                                       struct arena *arena,
                                       struct console_ingest **ret_ingests,
                                       size_t *ret_count,
                                       struct error *error)
{
    struct list_ask ask = {.id = id, .arena = arena};
    TRY(engine_ask(context, list, &ask, ASK_US, error));
    if (id != 0 && ask.count == 0) {
        return error_set(error, STATUS_NOT_FOUND,
                         "there is no order %lld; leat forgets them when it ends", (long long) id);
    }
    *ret_ingests = ask.ingests;
    *ret_count = ask.count;
    return STATUS_OK;
}

struct cancel_ask {
    int64_t id;
    bool found;
};

static void cancel(struct engine *engine, void *argument)
{
    struct cancel_ask *ask = argument;
    struct engine_ingest *ingest = engine_ingest_find(engine, ask->id);
    ask->found = ingest != NULL;
    if (ingest != NULL) {
        engine_ingest_cancel(ingest);
    }
}

enum status engine_console_ingest_cancel(void *context, int64_t id, struct error *error)
{
    struct cancel_ask ask = {.id = id};
    TRY(engine_ask(context, cancel, &ask, ASK_US, error));
    if (!ask.found) {
        return error_set(error, STATUS_NOT_FOUND, "there is no order %lld", (long long) id);
    }
    return STATUS_OK;
}
