#pragma once

/* What makers of maps share: keys are unique and not null. */

#include "sql/list_output.h"

/* Ends the row of a MAP result, or fails it because of a null or duplicate key among the entries
 * added since the row began. `seen` is over the column of keys. */
void map_check_row(struct list_output *list, struct row_set *seen, int64_t row);
