#include "ingest/pager.h"

#include "base/memory.h"
#include "io/thread.h"

#include <pthread.h>
#include <string.h>

#define PAGE_ARENA_BYTES ((size_t) 1 << 20)

enum ahead {
    AHEAD_NONE,
    AHEAD_ASKED,   /* for the thread to take */
    AHEAD_RUNNING, /* the thread is in the source's call */
    AHEAD_DONE,    /* for the owner to take */
};

/* One call of the source and what it gave. */
struct call {
    struct source *source;
    struct source_request request;
    char *cursor; /* what request.cursor is; NULL: the very first page */
    struct arena arena;
    struct pager_page page;
    enum status status;
    struct error error;
};

struct pager {
    const struct source_ops *ops;
    atomic_bool *cancelled;
    struct thread *thread;
    bool cannot; /* there is no thread to be had */
    struct call calls[2];
    int turn; /* the call that the owner's page is in; the other one is the thread's */

    pthread_mutex_t mutex; /* of the two below; what is asked for lies in calls[!turn] */
    pthread_cond_t changed;
    enum ahead ahead;
    bool stop;
};

struct pager *pager_new(const struct source_ops *ops, atomic_bool *cancelled)
{
    struct pager *pager = mem_zalloc(sizeof(*pager));
    pager->ops = ops;
    pager->cancelled = cancelled;
    pthread_mutex_init(&pager->mutex, NULL);
    pthread_cond_init(&pager->changed, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(pager->calls); i++) {
        arena_init(&pager->calls[i].arena, PAGE_ARENA_BYTES);
    }
    return pager;
}

static void call_prepare(struct pager *pager,
                         struct call *call,
                         struct source *source,
                         const struct source_request *request)
{
    mem_free(call->cursor);
    call->cursor = request->cursor == NULL ? NULL : mem_strdup(request->cursor);
    call->source = source;
    call->request = *request;
    call->request.cursor = call->cursor;
    call->request.cancelled = pager->cancelled;
    error_clear(&call->error);
}

static void call_run(const struct pager *pager, struct call *call)
{
    arena_reset(&call->arena);
    call->page = (struct pager_page){.retry_after_us = -1};
    call->status = pager->ops->fetch(call->source, &call->request, &call->arena, &call->page.page,
                                     &call->page.retry_after_us, &call->error);
}

static void work(struct thread *self, void *context)
{
    (void) self;
    struct pager *pager = context;
    pthread_mutex_lock(&pager->mutex);
    for (;;) {
        while (pager->ahead != AHEAD_ASKED && !pager->stop) {
            pthread_cond_wait(&pager->changed, &pager->mutex);
        }
        if (pager->stop) {
            break;
        }
        pager->ahead = AHEAD_RUNNING;
        struct call *call = &pager->calls[!pager->turn];
        pthread_mutex_unlock(&pager->mutex);
        call_run(pager, call);
        pthread_mutex_lock(&pager->mutex);
        pager->ahead = AHEAD_DONE;
        pthread_cond_broadcast(&pager->changed);
    }
    pthread_mutex_unlock(&pager->mutex);
}

/* Waits for a call ahead. True if there was one. */
static bool settle(struct pager *pager)
{
    pthread_mutex_lock(&pager->mutex);
    bool asked = pager->ahead != AHEAD_NONE;
    while (pager->ahead == AHEAD_ASKED || pager->ahead == AHEAD_RUNNING) {
        pthread_cond_wait(&pager->changed, &pager->mutex);
    }
    pager->ahead = AHEAD_NONE;
    pthread_mutex_unlock(&pager->mutex);
    return asked;
}

static bool same_cursor(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

enum status pager_fetch(struct pager *pager,
                        struct source *source,
                        const struct source_request *request,
                        struct pager_page *ret_page,
                        struct error *error)
{
    bool ahead = settle(pager);
    pager->turn = !pager->turn;
    struct call *call = &pager->calls[pager->turn];
    if (!ahead || call->source != source || !same_cursor(call->cursor, request->cursor)) {
        call_prepare(pager, call, source, request);
        call_run(pager, call);
    }
    *ret_page = call->page;
    if (call->status != STATUS_OK && error != NULL) {
        *error = call->error;
    }
    return call->status;
}

void pager_begin(struct pager *pager, struct source *source, const struct source_request *request)
{
    if (!pager->ops->reads_ahead || pager->cannot) {
        return;
    }
    if (pager->thread == NULL &&
        thread_start("fetch-ahead", work, pager, &pager->thread, NULL) != STATUS_OK) {
        pager->cannot = true;
        return;
    }
    (void) settle(pager);
    call_prepare(pager, &pager->calls[!pager->turn], source, request);
    pthread_mutex_lock(&pager->mutex);
    pager->ahead = AHEAD_ASKED;
    pthread_cond_broadcast(&pager->changed);
    pthread_mutex_unlock(&pager->mutex);
}

void pager_drop(struct pager *pager)
{
    (void) settle(pager);
}

void pager_free(struct pager *pager)
{
    if (pager == NULL) {
        return;
    }
    pager_drop(pager);
    if (pager->thread != NULL) {
        pthread_mutex_lock(&pager->mutex);
        pager->stop = true;
        pthread_cond_broadcast(&pager->changed);
        pthread_mutex_unlock(&pager->mutex);
        (void) !thread_join(pager->thread, -1, NULL); /* waits for ever, so it cannot fail */
    }
    for (size_t i = 0; i < ARRAY_SIZE(pager->calls); i++) {
        mem_free(pager->calls[i].cursor);
        arena_deinit(&pager->calls[i].arena);
    }
    pthread_cond_destroy(&pager->changed);
    pthread_mutex_destroy(&pager->mutex);
    mem_free(pager);
}
