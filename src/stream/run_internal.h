#pragma once

/* What the operators of this folder share. */

#include "base/assert.h"
#include "stream/run.h"

struct eval;

/* Notes the rows that an evaluation failed on as failures of the run, and their origins as dead. */
void run_take_failures(struct run *run, const struct eval *eval, const int32_t *origin);

/* One failed row by itself. */
void run_add_failure(struct run *run,
                     int32_t input_row,
                     enum run_failure_kind kind,
                     const char *message);

/* The rows whose bit is set. */
struct rows
run_select(struct run *run, struct rows rows, const uint8_t *selection, int64_t selected);
