#pragma once

/*
 * A bounded queue of messages between threads; what threads share, they share through one. A full
 * queue makes its writers wait: that is how pressure goes back to the source.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

/* Holds at most `items_max` items and, if `weight_max` is not 0, a weight (bytes, rows) of that. An
 * item heavier than the maximum passes alone. `name` is for messages. */
struct queue *queue_new(const char *name, size_t items_max, size_t weight_max);

/* No thread may use it any more. Items left in it are given to `discard` (may be NULL). */
void queue_free(struct queue *queue, void (*discard)(void *item));

/* Hands an item over. STATUS_AGAIN if there was no room within `timeout_us` (0: do not wait, -1:
 * for ever), STATUS_CANCELLED if the queue is closed; the item then stays the caller's. */
MUST_USE enum status
queue_push(struct queue *queue, void *item, size_t weight, int64_t timeout_us, struct error *error);

/* Takes up to `count` items at once, in their order; waits for the first. Returns how many: 0 if
 * none came within `timeout_us`, or if the queue is closed and empty (queue_finished). */
size_t queue_pop(struct queue *queue, void **ret_items, size_t count, int64_t timeout_us);

/* Nothing more goes in; what is in it can still be taken. Wakes everybody. */
void queue_close(struct queue *queue);

/* Closed, and all taken. */
bool queue_finished(struct queue *queue);

size_t queue_size(struct queue *queue);
size_t queue_weight(struct queue *queue);
