#pragma once

/* What the files of the registry's contents share. "_locked": the caller holds the mutex. */

#include "codec/avro_schema.h"
#include "registry/registry.h"
#include "store/sqlite.h"

#include <pthread.h>

struct registry {
    struct db *db;
    pthread_mutex_t mutex;
};

/* Sets the error with its code of the API; the texts are the ones that clients' tests match. */
PRINTF(4, 5)
enum status
registry_refuse(struct error *error, enum status status, int code, const char *format, ...);

/* Checks the text and gives the form under which equal schemas are one: no white space. The schema
 * is the caller's to release. */
MUST_USE enum status registry_normal_form(const char *text,
                                          struct arena *arena,
                                          const struct avro_schema **ret_schema,
                                          const char **ret_text,
                                          struct error *error);

MUST_USE enum status registry_versions_locked(struct registry *registry,
                                              const char *subject,
                                              bool deleted_too,
                                              struct arena *arena,
                                              struct registry_schema **ret_schemas,
                                              size_t *ret_count,
                                              struct error *error);

/* The level that holds for a subject: its own, the global one, or BACKWARD. */
MUST_USE enum status registry_level_locked(struct registry *registry,
                                           const char *subject,
                                           const char **ret_level,
                                           struct error *error);

/* 42208 for what cannot be the name of a subject. */
MUST_USE enum status registry_check_subject(const char *subject, struct error *error);

/* What speaks against a schema; no messages: nothing. */
struct judgement {
    struct arena *arena;
    const char **messages;
    size_t count;
};

/* Adds what a level has against `schema` after `versions`. */
MUST_USE enum status judgement_of_level(struct judgement *judgement,
                                        const struct avro_schema *schema,
                                        const struct registry_schema *versions,
                                        size_t count,
                                        const char *level,
                                        struct error *error);

/* The error of registering what has messages against it. */
enum status
judgement_refuse(const char *subject, const struct judgement *judgement, struct error *error);
