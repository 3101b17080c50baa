#pragma once

/*
 * A task's state in its state store, as internal tables of it:
 *
 *     leat_groups   stream, key -> value     groups of aggregates, as keyed_groups.h writes them
 *     leat_outbox   number -> bytes          rows not yet known to be in every sink's store
 */

#include "stream/task.h"

MUST_USE enum status checkpoint_tables(struct task_store *state, struct error *error);

/* Rows for the commit of the state: changed and removed groups, the new outbox entry (none if
 * `entry` is empty), and removal of entries that every store has: those up to `delivered`. */
size_t checkpoint_writes(struct processor *task,
                         struct slice entry,
                         int64_t delivered,
                         struct arena *arena,
                         struct store_write *ret_writes, /* room for CHECKPOINT_WRITES_MAX */
                         int64_t version);
#define CHECKPOINT_WRITES_MAX 4

/* The outbox entry of that number, new or instead of what it was. */
struct store_write
checkpoint_entry(struct arena *arena, int64_t number, struct slice entry, int64_t version);

/* The commit is durable: groups are clean, the entry waits. */
void checkpoint_done(struct processor *task, int64_t delivered);

/* Loads all groups into their aggregates. */
MUST_USE enum status checkpoint_load_groups(struct processor *task, struct error *error);

/* Back to the groups as they are stored: what a failed retry did in memory is undone. Nothing
 * without a state store. */
MUST_USE enum status checkpoint_reload_groups(struct processor *task, struct error *error);

/* Forgets all groups, together with the progress as it is now: a rebuild begins. */
MUST_USE enum status checkpoint_drop_groups(struct processor *task, struct error *error);

/* Calls `deliver` for each entry in order of number. */
MUST_USE enum status checkpoint_outbox(struct processor *task,
                                       enum status (*deliver)(struct processor *task,
                                                              int64_t number,
                                                              struct slice bytes,
                                                              struct error *error),
                                       struct error *error);
