#pragma once

/*
 * The operators of batch_run: each stage takes batches, and gives its own to the next one. A batch
 * lives in scratch, which a stage behind may reset: after `push` to the next one nothing of scratch
 * may be touched.
 */

#include "sql/batch_run.h"
#include "sql/eval.h"

#define BATCH_ROWS 4096

struct batch_runner {
    const struct batch_options *options;
    struct arena scratch; /* of the batch on its way */
    size_t offset;        /* of a row error */
};

struct stage {
    enum status (*push)(struct stage *stage, const struct batch *batch, struct error *error);
    enum status (*finish)(struct stage *stage, struct error *error); /* passes on what is held */
    struct batch_runner *runner;
    const struct plan *plan;
    struct stage *next;
    bool holds; /* needs all its input, however little the next one wants */
    bool full;  /* wants no more */
};

/* Runs `plan` into `next`, and finishes it. */
MUST_USE enum status stage_run(struct batch_runner *runner,
                               const struct plan *plan,
                               struct stage *next,
                               struct error *error);

/* Batches of `columns` (a NULL one is not allowed) to the next stage. */
MUST_USE enum status stage_emit(struct stage *stage,
                                const struct type *type,
                                const struct column *const *columns,
                                int64_t length,
                                struct error *error);

/* STATUS_DATA if a row of this evaluation failed. */
MUST_USE enum status
stage_check(struct batch_runner *runner, const struct eval *eval, struct error *error);

struct eval stage_eval(struct batch_runner *runner, const struct batch *batch);

/* Rows for which a condition is true: a bitmap in scratch, and how many. */
MUST_USE enum status stage_select(struct batch_runner *runner,
                                  const struct batch *batch,
                                  const struct expression *condition,
                                  uint8_t **ret_selection,
                                  int64_t *ret_selected,
                                  struct error *error);

/* The memory that a stage holds, charged to the budget as it grows. */
struct held {
    struct arena arena;
    size_t charged;
};

void held_init(struct held *held);
MUST_USE enum status
held_charge(struct held *held, struct batch_runner *runner, size_t more, struct error *error);
void held_deinit(struct held *held, struct batch_runner *runner);

/* All rows of a stage's input as one batch. */
struct collected {
    struct held held;
    struct batch **batches;
    size_t count, capacity;
    int64_t rows;
};

MUST_USE enum status collect(struct collected *collected,
                             struct batch_runner *runner,
                             const struct batch *batch,
                             struct error *error);
const struct batch *collected_batch(struct collected *collected, const struct type *type);

/* batch_group.c, batch_sort.c, batch_join.c */
MUST_USE enum status stage_run_group(struct batch_runner *runner,
                                     const struct plan *plan,
                                     struct stage *next,
                                     struct error *error);
MUST_USE enum status stage_run_sort(struct batch_runner *runner,
                                    const struct plan *plan,
                                    struct stage *next,
                                    struct error *error);
MUST_USE enum status stage_run_join(struct batch_runner *runner,
                                    const struct plan *plan,
                                    struct stage *next,
                                    struct error *error);

/* batch_window.c: rows copied to their windows, with the column "window" behind the others. */
MUST_USE enum status batch_window(struct batch_runner *runner,
                                  const struct plan_window *window,
                                  const struct batch *batch,
                                  const struct batch **ret_batch,
                                  struct error *error);
