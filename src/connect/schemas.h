#pragma once

/*
 * The contract of the schema registry, as leat's hops use it. Safe from any thread.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

struct schemas;

struct schema_version {
    int32_t id;
    int32_t version;
    const char *text; /* Avro schema as JSON */
};

struct schemas_ops {
    const char *name; /* "embedded", "confluent" */

    enum status (*open)(const char *url, struct schemas **ret_schemas, struct error *error);
    void (*close)(struct schemas *schemas);

    /* Registers under a subject, or finds the same one. An incompatible schema is STATUS_CONFLICT
     * with the reason. */
    enum status (*register_schema)(struct schemas *schemas,
                                   const char *subject,
                                   const char *text,
                                   int32_t *ret_id,
                                   struct error *error);

    /* Would it be accepted now? STATUS_CONFLICT with the reason if not. Registers nothing. */
    enum status (*check)(struct schemas *schemas,
                         const char *subject,
                         const char *text,
                         struct error *error);

    /* STATUS_NOT_FOUND if there is none. Text in the arena. */
    enum status (*by_id)(struct schemas *schemas,
                         int32_t id,
                         struct arena *arena,
                         const char **ret_text,
                         struct error *error);

    enum status (*latest)(struct schemas *schemas,
                          const char *subject,
                          struct arena *arena,
                          struct schema_version *ret_version,
                          struct error *error);

    /* "BACKWARD", "FORWARD_TRANSITIVE", "NONE", ... for a subject. */
    enum status (*set_compatibility)(struct schemas *schemas,
                                     const char *subject,
                                     const char *level,
                                     struct error *error);
};
