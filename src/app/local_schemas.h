#pragma once

/* The schemas of a data directory on which nothing runs: the registry's file, without its server.
 * The URL is the registry's directory; one that holds no registry yet has no schemas. */

#include "connect/schemas.h"
#include "registry/registry.h"

extern const struct schemas_ops local_schemas_ops;

/* The registry behind; NULL if there is none yet. */
struct registry *local_schemas_registry(struct schemas *schemas);
