#include "broker/producer_ids.h"

#include "base/list.h"
#include "base/memory.h"

#define BLOCK_IDS 1000

struct producer_ids {
    struct state *state;
    int64_t next;
    int64_t reserved; /* ids below this one may be handed out */
    bool reserving;   /* an entry is under way */
    struct list waiting;
};

struct waiter {
    struct list link;
    void (*done)(void *context, int64_t id);
    void *context;
};

struct producer_ids *producer_ids_new(void)
{
    struct producer_ids *ids = mem_zalloc(sizeof(*ids));
    list_init(&ids->waiting);
    return ids;
}

void producer_ids_use_state(struct producer_ids *ids, struct state *state)
{
    ids->state = state;
}

void producer_ids_free(struct producer_ids *ids)
{
    mem_free(ids);
}

void producer_ids_replay(struct producer_ids *ids, const struct producer_ids_record *record)
{
    ids->next = record->next_id;
    ids->reserved = record->next_id;
}

enum status
producer_ids_snapshot(struct producer_ids *ids, struct journal_writer *writer, struct error *error)
{
    struct producer_ids_record record = {.next_id = ids->reserved};
    return state_write(writer, &producer_ids_message, &record, error);
}

static void serve(struct producer_ids *ids, bool failed)
{
    struct list *link;
    while ((failed || ids->next < ids->reserved) && (link = list_pop(&ids->waiting)) != NULL) {
        struct waiter waiter = *CONTAINER_OF(link, struct waiter, link);
        mem_free(CONTAINER_OF(link, struct waiter, link));
        waiter.done(waiter.context, failed ? -1 : ids->next++);
    }
}

static void reserve_if_needed(struct producer_ids *ids);

static void on_reserved(void *context, enum status status, const struct error *error)
{
    (void) error;
    struct producer_ids *ids = context;
    ids->reserving = false;
    if (status == STATUS_OK) {
        ids->reserved += BLOCK_IDS;
    }
    serve(ids, status != STATUS_OK);
    reserve_if_needed(ids);
}

static void reserve_if_needed(struct producer_ids *ids)
{
    if (!list_empty(&ids->waiting) && !ids->reserving) {
        ids->reserving = true;
        struct producer_ids_record record = {.next_id = ids->reserved + BLOCK_IDS};
        state_append(ids->state, &producer_ids_message, &record, on_reserved, ids);
    }
}

void producer_ids_next(struct producer_ids *ids,
                       void (*done)(void *context, int64_t id),
                       void *context)
{
    struct waiter *waiter = mem_zalloc(sizeof(*waiter));
    *waiter = (struct waiter){.done = done, .context = context};
    list_append(&ids->waiting, &waiter->link);
    serve(ids, false);
    reserve_if_needed(ids);
}
