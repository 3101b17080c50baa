#pragma once

/*
 * One batch of a topic through one query. Rows keep their origin (the input row that they came
 * from), so that the fate of each record is known when all queries are done:
 *
 *     dead      an expression failed on it in some query        (a dead letter each)
 *     late      a stateful operator found it behind the watermark
 *     wanted    it reached a sink, or the state of an aggregate
 *     none      filtered
 */

#include "base/arena.h"
#include "base/error.h"
#include "columnar/column.h"
#include "sql/query.h"

#include <stdint.h>

struct aggregates;

/* Rows between operators. */
struct rows {
    const struct batch *batch;
    const int32_t *origin; /* input row of each; NULL: they come from state, not from one record */
};

enum run_failure_kind {
    RUN_FAILURE_QUERY,
    RUN_FAILURE_SINK
};

struct run_failure {
    enum run_failure_kind kind;
    int32_t input_row;   /* -1: a row that came from state */
    const char *message; /* in the arena */
    size_t offset;       /* in the query's text */
};

struct run {
    struct arena *arena; /* of the batch */
    int64_t now_us;      /* current_timestamp() of the batch */
    const struct batch *input;
    uint8_t *wanted; /* bitmaps over the input's rows, shared by all queries of the batch */
    uint8_t *late;
    uint8_t *dead;
    struct aggregates *aggregates; /* of the stream; NULL for a stateless one */
    int64_t watermark_us;          /* INT64_MIN: none */
    int64_t event_time_max_us;     /* newest time that a window operator saw; INT64_MIN: none */
    struct run_failure *failures;
    size_t failure_count, failure_capacity;
};

/* Sets everything up for an input; the bitmaps are borrowed. */
void run_init(struct run *run, struct arena *arena, const struct batch *input, int64_t now_us);

/* Runs the batch through a plan. Rows that the plan gives are for the sinks; their origins are not
 * yet marked wanted (see run_want), as a sink may still refuse them. */
MUST_USE enum status
run_plan(struct run *run, const struct plan *plan, struct rows *ret_rows, struct error *error);

/* Marks the origins of rows as wanted. */
void run_want(struct run *run, const struct rows *rows);

/* Input columns by name and, inside structs, by field, as `type` wants them. */
const struct column *
column_as(struct arena *arena, const struct column *column, const struct type *type);
