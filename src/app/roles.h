#pragma once

/*
 * Which engine does each role: the URLs of a profile, or leat's own parts. This is the one place
 * that knows which implementation stands behind a URL; the running engine and the commands beside
 * it both ask here.
 */

#include "app/pipeline.h"
#include "base/arena.h"
#include "base/error.h"
#include "connect/lock.h"
#include "connect/processor.h"
#include "connect/stage.h"
#include "connect/store.h"

struct roles {
    const struct stage_ops *stage_ops;
    const char *stage_url;
    const struct store_ops *store_ops; /* of tables */
    const char *store_url;
    const struct store_ops *state_ops; /* of what streams keep: an atomic store */
    const char *state_place;           /* a folder, or a URL; see roles_state_url */
    const struct processor_ops *processor_ops;
    const char *processor_url;             /* NULL: embedded */
    const char *const *processor_settings; /* of its session: name, value, ..., NULL */
    const char *checkpoints_url;           /* Spark's; NULL: none given */
    const struct lock_ops *lock_ops;       /* NULL: the data directory's file lock is enough */
    const char *lock_url;
    const char *log;                 /* HOST:PORT[,HOST:PORT]; NULL: the embedded broker */
    const char *const *log_settings; /* of librdkafka: name, value, ..., NULL */
    const char *schemas;             /* URL; NULL: the embedded registry */
};

/* What `profile` (NULL: embedded) comes to over the data directory `data`. Opens nothing. Text
 * lives in the arena or the profile. STATUS_CONFIG for a URL that no engine answers to, or that
 * this binary was built without. */
MUST_USE enum status roles_take(const struct profile_settings *profile,
                                const char *data,
                                struct arena *arena,
                                struct roles *ret_roles,
                                struct error *error);

/* Where the state of the job over a topic is, for roles->state_ops. */
const char *roles_state_url(const struct roles *roles,
                            struct arena *arena,
                            const char *pipeline,
                            const char *topic);

/* The same by its name, "PIPELINE.TOPIC". */
const char *roles_state_named(const struct roles *roles, struct arena *arena, const char *name);

/* Is it a file that is not there yet? False for servers: those say so when they are opened. */
bool roles_is_missing_file(const char *url);

/* The same engines everywhere? What two pipelines of one process must agree on. */
bool roles_equal(const struct roles *a, const struct roles *b);

/* Commands that run beside or after `leat up` find its engines in the data directory:
 * "engines.json", readable by its owner only, since URLs may hold passwords. */
MUST_USE enum status
roles_save(const struct profile_settings *profile, const char *data, struct error *error);

/* The profile saved there; *ret_profile is NULL if all is embedded. */
MUST_USE enum status roles_load(const char *data,
                                struct arena *arena,
                                const struct profile_settings **ret_profile,
                                struct error *error);
