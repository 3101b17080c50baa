#pragma once

/*
 * Where in which server: a postgresql:// URL as libpq reads it, with two parameters of our own that
 * libpq does not see:
 *
 *     schema   the schema that holds leat's own tables; "leat" if not given
 *     state    "PIPELINE.TOPIC": the state of one task, in a schema of its own beside the other
 *
 * Names of PostgreSQL have at most 63 bytes; longer ones are cut and keep a hash, so that they stay
 * different.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define PG_NAME_BYTES 63

struct pg_place {
    const char *url;    /* for libpq; may hold a password, so it is never printed */
    const char *shown;  /* "leat@localhost:5432/leat", for messages */
    const char *schema; /* not quoted */
};

/* STATUS_CONFIG for what libpq cannot read. Text lives in the arena. */
MUST_USE enum status pg_place_read(const char *url,
                                   struct arena *arena,
                                   struct pg_place *ret_place,
                                   struct error *error);

/* `name`, cut to what PostgreSQL takes as a name. */
const char *pg_name_fit(const char *name, struct arena *arena);

/* A quoted identifier. */
void pg_append_name(struct buffer *target, const char *name);

/* The schema and table of a name such as "space.table"; *ret_schema is NULL without a dot.
 * STATUS_CONFIG if a part is empty or too long. */
MUST_USE enum status pg_table_split(const char *name,
                                    struct arena *arena,
                                    const char **ret_schema,
                                    const char **ret_table,
                                    struct error *error);
