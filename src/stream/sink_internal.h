#pragma once

/* What the files of the sink binding share. */

#include "connect/store.h"

#include <stdbool.h>
#include <stdint.h>

#define SINK_KEY_WHOLE (-2) /* a key column that is the whole topic key (_key) */

/* RFC 9562 text: 8-4-4-4-12 hexadecimal digits in any case. */
bool sink_uuid_parse(struct slice text, uint8_t ret_uuid[16]);

/* The STRUCT type of a table's columns. */
const struct type *sink_table_type(const struct store_table *table, struct arena *arena);
