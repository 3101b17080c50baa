#pragma once

/*
 * GROUP BY window(time, size, slide, start): each row is copied to every window that it falls into,
 * half-open [start, end), aligned to 1970-01-01T00:00Z plus `start`. Rows without a time fall into
 * none, as in Spark.
 */

#include "base/error.h"
#include "stream/run.h"

/* Replaces the rows by their copies, widened by a last column "window". */
MUST_USE enum status window_expand(struct run *run,
                                   const struct plan_window *window,
                                   struct rows *rows,
                                   struct error *error);
