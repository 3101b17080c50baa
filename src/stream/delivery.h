#pragma once

/*
 * Records whose rows another engine brings to the sinks. The task that judges them knows at once
 * how each will end, but `stored` is what the sinks have: what a batch wanted waits, in the task's
 * progress, until the other engine's rows of it have arrived there.
 *
 *     batch ──► late, filtered, dead: counted        wanted ──► waiting, a partition and its end
 *     processor_delivered(offsets) ──► waiting entries that end there or before: stored
 *
 * Also here: which records are durable, as others ask it of a task from their threads.
 */

#include "stream/task.h"

/* What a batch wanted of a partition waits; the batch's records are in `counted` already. */
void delivery_defer(struct progress *progress, int32_t partition, int64_t stored, int64_t foreign);

/* Counts what ends at these offsets or before; true if there was any. */
bool delivery_confirm(struct progress *progress, const int64_t *offsets, int32_t partitions);

/* For the worker, between batches: counts what has been delivered, durably. */
MUST_USE enum status delivery_take(struct processor *task, struct error *error);

/* True if nothing waits for delivery of what the drain wants; always for other tasks. */
bool delivery_reached(struct processor *task);

/* Under the task's mutex: all below these offsets is in the stores, with versions up to this. */
void delivery_show_durable(struct processor *task,
                           const int64_t *offsets,
                           int32_t partitions,
                           int64_t version);
