#include "app/engine_ask.h"

#include "app/engine_internal.h"

#include <errno.h>
#include <time.h>

/* On the stack of who asks, which leaves only when it is DONE or out of the list. */
struct engine_ask {
    void (*run)(struct engine *engine, void *argument);
    void *argument;
    struct engine_ask *next;

    enum {
        ASK_WAITING,
        ASK_RUNNING,
        ASK_DONE
    } state;
};

void engine_asks_init(struct engine_asks *asks)
{
    pthread_condattr_t attributes;
    *asks = (struct engine_asks){.first = NULL};
    (void) pthread_mutex_init(&asks->mutex, NULL);
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&asks->changed, &attributes);
    (void) pthread_condattr_destroy(&attributes);
}

void engine_asks_deinit(struct engine_asks *asks)
{
    (void) pthread_cond_destroy(&asks->changed);
    (void) pthread_mutex_destroy(&asks->mutex);
}

static void append(struct engine_asks *asks, struct engine_ask *ask)
{
    struct engine_ask **end = &asks->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = ask;
}

static void withdraw(struct engine_asks *asks, const struct engine_ask *ask)
{
    for (struct engine_ask **at = &asks->first; *at != NULL; at = &(*at)->next) {
        if (*at == ask) {
            *at = ask->next;
            return;
        }
    }
}

static struct timespec deadline_after(int64_t timeout_us)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + timeout_us % 1000000 * 1000;
    until.tv_sec += timeout_us / 1000000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    return until;
}

enum status engine_ask(struct engine *engine,
                       void (*run)(struct engine *engine, void *argument),
                       void *argument,
                       int64_t timeout_us,
                       struct error *error)
{
    struct engine_asks *asks = &engine->asks;
    struct engine_ask ask = {.run = run, .argument = argument};
    struct timespec until = deadline_after(timeout_us);
    (void) pthread_mutex_lock(&asks->mutex);
    if (!asks->closed) {
        append(asks, &ask);
    }
    (void) pthread_mutex_unlock(&asks->mutex);
    engine_wake(engine);
    (void) pthread_mutex_lock(&asks->mutex);
    while (ask.state != ASK_DONE && !(asks->closed && ask.state == ASK_WAITING)) {
        int waited = pthread_cond_timedwait(&asks->changed, &asks->mutex, &until);
        if (waited == ETIMEDOUT && ask.state == ASK_WAITING) {
            break;
        }
    }
    bool done = ask.state == ASK_DONE;
    bool closed = asks->closed;
    withdraw(asks, &ask);
    (void) pthread_mutex_unlock(&asks->mutex);
    if (done) {
        return STATUS_OK;
    }
    if (closed) {
        return error_set(error, STATUS_CANCELLED, "leat is stopping");
    }
    return error_set(error, STATUS_AGAIN, "leat is starting, or too busy to answer");
}

void engine_asks_serve(struct engine *engine)
{
    struct engine_asks *asks = &engine->asks;
    (void) pthread_mutex_lock(&asks->mutex);
    while (asks->first != NULL && !asks->closed) {
        struct engine_ask *ask = asks->first;
        asks->first = ask->next;
        ask->state = ASK_RUNNING;
        (void) pthread_mutex_unlock(&asks->mutex);
        ask->run(engine, ask->argument);
        (void) pthread_mutex_lock(&asks->mutex);
        ask->state = ASK_DONE;
        (void) pthread_cond_broadcast(&asks->changed);
    }
    (void) pthread_mutex_unlock(&asks->mutex);
}

void engine_asks_close(struct engine_asks *asks)
{
    (void) pthread_mutex_lock(&asks->mutex);
    asks->closed = true;
    (void) pthread_cond_broadcast(&asks->changed);
    (void) pthread_mutex_unlock(&asks->mutex);
}
