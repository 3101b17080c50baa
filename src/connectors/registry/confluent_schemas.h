#pragma once

/* The registry's contract (connect/schemas.h) over the REST API of Confluent's registry and those
 * compatible with it, leat's own among them. Schemas by id are kept: they never change. */

#include "connect/schemas.h"

extern const struct schemas_ops confluent_schemas_ops;
