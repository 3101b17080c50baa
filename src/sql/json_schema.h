#pragma once

/* Types from sample JSON, as Spark's schema_of_json infers them. */

#include "codec/json.h"
#include "columnar/type.h"

/* The inferred type as DDL: "STRUCT<a: BIGINT, b: ARRAY<STRING>>". STATUS_DATA if the text is no
 * JSON. */
MUST_USE enum status json_schema_of(struct slice text,
                                    struct arena *arena,
                                    struct slice *ret_schema,
                                    struct error *error);
