#pragma once

/* Intervals as text: ANSI literals, as Spark's casts read and write them. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* "INTERVAL '1 02:03:04.5' DAY TO SECOND"; needs 64 bytes; returns the length. */
size_t interval_format(int64_t interval_us, char *target);
/* "INTERVAL '1-2' YEAR TO MONTH" */
size_t interval_format_months(int64_t months, char *target);

/* "[-]d h:m:s[.f]" and that in an INTERVAL '...' DAY TO SECOND literal. */
bool interval_parse(struct slice text, int64_t *ret_us);
/* "[-]y-m", also as a literal. */
bool interval_parse_months(struct slice text, int64_t *ret_months);
