#pragma once

/* PostgreSQL's numeric in binary: digits to base 10000, the first with the weight 10000^weight;
 * sign; digits behind the point as shown. */

#include "base/buffer.h"
#include "columnar/type.h"

/* unscaled / 10^scale */
void pg_numeric_write(int128 unscaled, int scale, struct buffer *target);

/* STATUS_CORRUPT for what is no number of that scale, NaN and infinity included. */
MUST_USE enum status
pg_numeric_read(struct slice value, int scale, int128 *ret_unscaled, struct error *error);
