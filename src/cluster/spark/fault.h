#pragma once

/*
 * What Spark says when it refuses: Java texts of several lines, the reason first, the place in the
 * SQL in one of two spellings, then a plan or the statement. Made into one sentence and a place.
 */

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

struct spark_fault {
    const char *message; /* one line, without the place */
    int line;            /* of the SQL text, from 1; 0: no place is given */
    int column;          /* from 0, in UTF-16 units as Java counts */
};

/* `text` as it comes from Spark; memory of the arena. */
struct spark_fault spark_fault_read(const char *text, struct arena *arena);

/* The byte of `sql` that a place means; the end of the text for places behind it. */
size_t spark_fault_offset(const struct spark_fault *fault, const char *sql);

/* The schema id that leat's own branch for unknown ids names in such a text; -1 if it is another
 * failure. */
int32_t spark_fault_schema_id(const char *text);
#define SPARK_UNKNOWN_ID "leat: unknown schema id "
