#pragma once

/*
 * What other threads ask the owner of the engine to do: a short piece of work that engine_tick runs
 * between its own. So the engine needs no locks, and requests see it between changes, never in one.
 */

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct engine;
struct engine_ask;

struct engine_asks {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct engine_ask *first;
    bool closed;
};

void engine_asks_init(struct engine_asks *asks);
void engine_asks_deinit(struct engine_asks *asks);

/* Has `run` called by the owner, and waits until it returned. STATUS_AGAIN if the owner did not
 * come to it within `timeout_us`, STATUS_CANCELLED if the engine stops; then it was not called.
 * Safe from any thread but the owner's. */
MUST_USE enum status engine_ask(struct engine *engine,
                                void (*run)(struct engine *engine, void *argument),
                                void *argument,
                                int64_t timeout_us,
                                struct error *error);

/* By the owner: runs what was asked so far. */
void engine_asks_serve(struct engine *engine);

/* By the owner: nothing is served any more, and who waits is told so. */
void engine_asks_close(struct engine_asks *asks);
