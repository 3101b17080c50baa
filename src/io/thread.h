#pragma once

/*
 * Worker threads: for libraries that block (SQLite, libpq, librdkafka, libcurl). A worker runs one
 * function until that returns; it is asked to stop, never killed. Workers take no signals.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct thread;

/* Starts `run(self, context)`. The name, at most 15 bytes of it, is what top and gdb show. */
MUST_USE enum status thread_start(const char *name,
                                  void (*run)(struct thread *self, void *context),
                                  void *context,
                                  struct thread **ret_thread,
                                  struct error *error);

/* In the worker: has the owner asked to stop? */
bool thread_stopping(struct thread *self);

/* In the worker: sleeps, but wakes up when asked to stop, and then returns true. */
bool thread_pause(struct thread *self, int64_t duration_us);

/* By the owner, from any thread, as often as wanted: asks to stop. Whatever else the worker waits
 * for (a queue, a notify) the owner closes or rings itself. */
void thread_stop(struct thread *thread);

/* By the owner: asks to stop, waits at most `timeout_us` (-1: for ever) until `run` has returned,
 * and frees. STATUS_AGAIN if it still runs then; the thread stays and may be joined again. */
MUST_USE enum status thread_join(struct thread *thread, int64_t timeout_us, struct error *error);
