#pragma once

/*
 * Rows that a store refuses for what they hold (connect/store.h): their records become dead letters
 * of the sink, and count as dead instead of what they were counted as.
 *
 *     direct    the same transaction as the rows that are left: letters, counts, progress
 *     state     one transaction of the state store: letters, counts, and the outbox entry without
 *               the rows; then the store is asked again, without them. A crash in between delivers
 *               the shorter entry.
 *
 * The record's bytes are read from the topic again: batches do not keep them.
 */

#include "stream/task.h"

struct refusal {
    struct task_output *output; /* the refused rows are no longer in it */
    int64_t number;             /* its entry in the outbox */
    struct dead_letter *letters;
    bool *joins; /* one a letter: the record has a letter already, of another refusal */
    size_t letter_count;
    struct fate_counts moved;
};

/* Takes the rows out of the output and makes their letters; memory of the arena. Waits while the
 * log cannot be read. */
MUST_USE enum status refusal_make(struct processor *task,
                                  const struct task_store *store,
                                  const struct store_refusals *refused,
                                  struct refusal *refusal,
                                  struct arena *arena,
                                  struct error *error);

/* Adds the letters to those of the output; a record that has one there keeps one. */
void refusal_to_output(const struct refusal *refusal, struct arena *arena);

/* By the worker: all that a refusal changes, in one transaction of the state store. */
MUST_USE enum status
refusal_settle(struct processor *task, struct refusal *refusal, struct error *error);
