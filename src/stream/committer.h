#pragma once

/*
 * The last step of a task's commit, in a thread of its own, so that the next batch is read and
 * computed meanwhile:
 *
 *     worker      poll, decode, query, [state commit]   hand over   next batch ...
 *     committer                                         [direct commit | delivery of the rows]
 *
 * One batch is handed over at a time, in order: a task is never more than one batch ahead of what
 * is durable. Once a commit has failed for good nothing more is taken: memory is ahead of the disk,
 * and the task ends.
 *
 * The stores of sinks belong to the committer while a batch is with it, and to the worker after
 * committer_wait. All functions are called by the worker, start and stop by the task's owner.
 */

#include "stream/task.h"

struct committer;
struct refusal;

MUST_USE enum status committer_start(struct processor *task, struct error *error);

/* Waits for the batch that is with it; with the task's stop flag set that does not take long. */
void committer_stop(struct processor *task);

/* Waits for its turn, then takes the batch arena (the task gets an empty one) and the progress as
 * it is now. `newest_us`: when the newest record was accepted, 0 if there is none. The failure is
 * that of an earlier batch. */
MUST_USE enum status committer_hand_over(struct processor *task,
                                         const struct task_output *output,
                                         int64_t newest_us,
                                         struct error *error);

/* From the committer, or the worker where there is no committer yet: the worker, who owns state and
 * progress, stores what a refusal changes (refusal_settle). It does so the next time it waits or
 * looks. STATUS_CANCELLED if it no longer will. */
MUST_USE enum status
committer_settle(struct processor *task, struct refusal *refusal, struct error *error);

/* Waits until all that was handed over is durable. */
MUST_USE enum status committer_wait(struct processor *task, struct error *error);

/* The failure of an earlier batch, without waiting; a refusal that waits is settled. */
MUST_USE enum status committer_check(struct processor *task, struct error *error);
