#pragma once

/*
 * The stateful operators of a stream: GROUP BY (with windows) and DISTINCT. State stays between
 * batches and is checkpointed by the task in the transaction of its progress.
 *
 * Semantics are Spark's. The watermark of a batch is the one that the batches before it made: a row
 * whose window has ended by then is late. After a batch that moved the watermark, the task runs one
 * more without rows. Each batch emits, then removes what the watermark has passed:
 *
 *     update     groups that changed in this batch
 *     append     groups whose window the watermark has passed, once
 *     complete   all groups; the watermark removes none and makes no row late
 */

#include "base/error.h"
#include "stream/keyed_groups.h"
#include "stream/run.h"

struct aggregates {
    enum output_mode mode;   /* APPEND, UPDATE or COMPLETE */
    const struct plan *plan; /* the stateful operator */
    struct keyed_groups groups;
    size_t bytes_max; /* of all groups */
    uint64_t batch;   /* serial of the running batch */
};

/* NULL in *ret_aggregates for a query without state. STATUS_CONFIG if its operators cannot run in
 * one stream (more than one that keeps state). */
MUST_USE enum status aggregates_new(const struct query *query,
                                    size_t bytes_max,
                                    struct aggregates **ret_aggregates,
                                    struct error *error);
void aggregates_free(struct aggregates *aggregates);

/* One batch through the operator: takes its input rows, leaves what is emitted. For run_plan. */
MUST_USE enum status
aggregates_run(struct run *run, const struct plan *plan, struct rows *rows, struct error *error);

/* Hash of an encoded key: what keyed_groups_get and keyed_groups_restore want. */
uint64_t aggregate_key_hash(struct slice key);
