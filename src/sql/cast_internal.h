#pragma once

/* What the files of cast share. */

#include "sql/kernels.h"

struct cast {
    struct eval *eval;
    const struct column *from;
    const struct type *to;
    bool try_cast;
    struct expression call; /* stands for the cast in output_init */
};

/* Fails the row, or makes it null in a try_cast. The value is shown. */
void cast_fail(const struct cast *cast, struct output *output, int64_t row);

const struct column *cast_to_string(const struct cast *cast);
const struct column *cast_from_string(const struct cast *cast);

/* One value as Spark's CAST(x AS STRING) shows it inside arrays, maps and structs: nulls are
 * "null". */
void value_write_text(const struct column *column, int64_t row, struct buffer *target);
