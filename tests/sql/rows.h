#pragma once

/* Rows of test files: lines of JSON as batches of a declared type. */

#include "columnar/column.h"

/* Reads one JSON object a line. Fields that are missing are null; times are ISO texts, binary is
 * base64, a map is an object. */
MUST_USE enum status rows_read(struct slice lines,
                               const struct type *type,
                               struct arena *arena,
                               struct batch **ret_batch,
                               struct error *error);

/* A canonical form of one JSON value: equal rows give equal texts. */
MUST_USE enum status rows_canonical(struct slice json, struct buffer *target, struct error *error);
