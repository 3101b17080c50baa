#pragma once

/*
 * Runs a plan over complete data: `leat query` over tables and topics, and tests. Rows are pulled
 * from scans and pushed through the operators batch by batch; groups, sorted rows and the right
 * sides of joins are held in memory within a budget.
 *
 * A row that cannot be computed (a bad cast, an overflow) ends the query, as in Spark.
 */

#include "base/budget.h"
#include "sql/query.h"

struct batch_source {
    /* Begins to read the relation of a PLAN_SCAN. Rows for which its predicate, where it has one,
     * is not true may be left out. */
    enum status (*open)(void *context,
                        const struct plan *scan,
                        void **ret_reader,
                        struct error *error);
    /* The next rows with exactly the columns of scan->type, or NULL at the end; they live in
     * `arena`, which is reset before the next call. */
    enum status (*next)(void *reader,
                        struct arena *arena,
                        const struct batch **ret_batch,
                        struct error *error);
    void (*close)(void *reader);
    void *context;
};

/* Takes rows of the result; they are gone when it returns. */
typedef enum status batch_sink(void *context, const struct batch *batch, struct error *error);

struct batch_options {
    struct batch_source source;
    struct budget *budget; /* of what is held; NULL: no limit */
    int64_t now_us;        /* current_timestamp() */
};

/* STATUS_DATA if a row failed, with *ret_offset in the text; STATUS_LIMIT if the budget is used up;
 * otherwise what source and sink say. */
MUST_USE enum status batch_run(const struct plan *plan,
                               const struct batch_options *options,
                               batch_sink *sink,
                               void *sink_context,
                               size_t *ret_offset,
                               struct error *error);
