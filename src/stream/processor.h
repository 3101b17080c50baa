#pragma once

/* The embedded processor: stream SQL in this process. One instance a topic. */

#include "connect/processor.h"
#include "stream/sink.h"

extern const struct processor_ops embedded_processor;

/* True if the rows of all records below these offsets (one a partition) are durable in the sinks.
 */
bool processor_has(struct processor *processor, const int64_t *offsets, int32_t partitions);

/* The offsets below which that is so, in the arena, and the highest version among those rows. */
int32_t processor_durable(struct processor *processor, struct arena *arena, int64_t **ret_offsets);
int64_t processor_version(struct processor *processor);

/* Of a job that awaits delivery: all records below these offsets are in the sinks. */
void processor_delivered(struct processor *processor, const int64_t *offsets, int32_t partitions);

/* Counts of a task from its stored progress, without running it: `leat audit`, status when nothing
 * runs. `keeper` is the store that holds it. STATUS_NOT_FOUND if it never ran. */
MUST_USE enum status processor_stored_status(const struct store_ops *ops,
                                             struct store *keeper,
                                             const char *pipeline,
                                             const char *topic,
                                             struct processor_status *ret_status,
                                             struct error *error);
