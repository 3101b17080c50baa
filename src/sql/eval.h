#pragma once

/*
 * Evaluates expressions over whole batches. A row may fail (a bad cast, an overflow, a division by
 * zero: ANSI mode) without failing the batch: it is marked, its result is null, and the first
 * failure of each row is kept for its dead letter.
 */

#include "sql/expression.h"

struct row_error {
    int64_t row;
    const char *message; /* "cannot cast 'abc' to INT", in the arena */
    size_t offset;       /* of the expression in the text */
};

struct eval {
    struct arena *arena; /* results live here */
    const struct batch *batch;
    int64_t now_us;           /* current_timestamp(): one value a batch */
    uint8_t *failed;          /* bitmap over the batch's rows, NULL until the first failure */
    struct row_error *errors; /* in the order found; one a row */
    size_t error_count, error_capacity;
    const uint8_t *active;                 /* rows that matter (inside CASE, AND, OR); NULL: all */
    uint64_t random_state;                 /* rand(), uuid(): not replayable */
    const struct column *const *variables; /* of lambdas, numbered as in EXPR_LAMBDA_VARIABLE */
    uint32_t variable_count;
};

void eval_init(struct eval *eval, struct arena *arena, const struct batch *batch, int64_t now_us);

/* The value of `expression` for every row. Never fails as a whole; look at eval->failed. Columns
 * may be shared with the batch. */
const struct column *eval_expression(struct eval *eval, const struct expression *expression);

/* The same, but a constant expression gives a column of length 1: what functions and filters that
 * treat constants apart call. */
const struct column *eval_expression_compact(struct eval *eval,
                                             const struct expression *expression);

static inline bool eval_failed(const struct eval *eval, int64_t row)
{
    return eval->failed != NULL && bit_get(eval->failed, row);
}

/* Runs a generator call (sql/function.h) over the batch. */
struct generated;
void eval_generate(struct eval *eval,
                   const struct expression *call,
                   bool outer,
                   struct generated *ret_generated);

/* Marks a row as failed (functions call this); the message is copied. Ignores inactive rows. */
void eval_fail(struct eval *eval, int64_t row, size_t offset, const char *format, ...) PRINTF(4, 5);
