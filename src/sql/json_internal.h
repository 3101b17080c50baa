#pragma once

/* JSON values as SQL sees them, on codec's reader. */

#include "codec/json.h"
#include "columnar/builder.h"

struct datetime_pattern;

/* Compact JSON as Jackson copies it: numbers with a fraction as DOUBLE has them. */
void json_write_compact(const struct json_document *document,
                        uint32_t index,
                        struct buffer *target);

/* A string without its quotes, other values as compact JSON; false for null. */
bool json_plain_text(const struct json_document *document,
                     uint32_t index,
                     struct arena *arena,
                     struct slice *ret_text);

struct json_options {
    const struct datetime_pattern *timestamp; /* NULL: as casts read and to_json writes */
    const struct datetime_pattern *date;
    bool fail_fast;
};

/* One value as one more row; what does not fit its type is null there, and makes the result
 * false. Names are compared with case, as Spark's from_json does. */
bool json_append(const struct json_document *document,
                 uint32_t index,
                 const struct json_options *options,
                 struct arena *arena,
                 struct column_builder *target);
