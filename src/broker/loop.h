#pragma once

/*
 * The broker's thread: a libuv loop, a mailbox for what other threads have to say to it, and the
 * deadlines. Everything of the broker but the mailbox is touched by this thread only, from
 * loop_start to loop_stop; before and after it by the thread that opens and frees the broker.
 */

#include "base/error.h"
#include "base/list.h"
#include "broker/deadline.h"

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

/* A message, embedded in what it is about. `handle` runs on the loop. */
struct mail {
    struct list link;
    void (*handle)(struct mail *mail);
};

struct loop {
    uv_loop_t uv;
    uv_timer_t timer; /* for the next deadline */
    uv_prepare_t prepare;
    uv_async_t wake;
    pthread_mutex_t mutex;
    struct list mails; /* under the mutex */
    struct deadlines deadlines;
    uv_thread_t thread;
    bool running;
};

MUST_USE enum status loop_init(struct loop *loop, struct error *error);

MUST_USE enum status loop_start(struct loop *loop, struct error *error);

/* Ends the thread. All other handles must be closed or closing. */
void loop_stop(struct loop *loop);

/* Handles that the caller added must be closed; lets their close callbacks run. */
void loop_deinit(struct loop *loop);

/* From any thread, but not after loop_stop. */
void loop_post(struct loop *loop, struct mail *mail);

/* Runs `function` on the loop and waits until it has returned. Not from the loop itself. Runs it
 * right here if the loop is not running. */
void loop_call(struct loop *loop, void (*function)(void *context), void *context);
