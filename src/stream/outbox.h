#pragma once

/*
 * Rows that a commit has decided on, as bytes in the state store, until every sink's store has
 * them.
 *
 *     repeated: sink name, row type as text, row count, parts byte (1 ops, 2 origins), [ops],
 *     [origins], versions, rows
 */

#include "base/buffer.h"
#include "stream/task.h"

void outbox_write(const struct task_output *output, struct buffer *target);

/* Reads the entry `number` back, for the sinks that exist now and do not have it. STATUS_CONFIG if
 * a table has changed since, STATUS_CORRUPT for bytes that are no entry. */
MUST_USE enum status outbox_read(struct processor *task,
                                 int64_t number,
                                 struct slice bytes,
                                 struct arena *arena,
                                 struct task_output *ret_output,
                                 struct error *error);

/* Adds a write to an output. */
void output_add_write(struct arena *arena, struct task_output *output, struct task_write write);
void output_add_dead(struct arena *arena, struct task_output *output, struct dead_letter letter);
