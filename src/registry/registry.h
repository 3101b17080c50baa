#pragma once

/*
 * The schema registry's contents: subjects with versions, schemas with ids, compatibility levels.
 * Kept in one SQLite file; every change is on disk before it is answered. Safe from any thread.
 *
 * Behaviour and error codes are those of Confluent's registry 7.x: `error->code` is its error_code
 * (40401, 42201, ...), 0 for failures of our own.
 */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct registry;

struct registry_schema {
    int32_t id;
    int32_t version; /* 0 where there is no subject to it */
    const char *subject;
    const char *text;
    bool deleted;
};

MUST_USE enum status
registry_open(const char *directory, struct registry **ret_registry, struct error *error);
void registry_close(struct registry *registry); /* NULL is fine */

/* Registers, or finds the same schema in the subject. An incompatible one: STATUS_CONFLICT, 409. */
MUST_USE enum status registry_register(struct registry *registry,
                                       const char *subject,
                                       const char *text,
                                       int32_t *ret_id,
                                       struct error *error);

/* The version under which the subject has this schema; 40401 or 40403. */
MUST_USE enum status registry_lookup(struct registry *registry,
                                     const char *subject,
                                     const char *text,
                                     bool deleted_too,
                                     struct arena *arena,
                                     struct registry_schema *ret_schema,
                                     struct error *error);

MUST_USE enum status registry_by_id(struct registry *registry,
                                    int32_t id,
                                    struct arena *arena,
                                    struct registry_schema *ret_schema,
                                    struct error *error);

/* `version` -1 is the newest; 40401, 40402. */
MUST_USE enum status registry_version(struct registry *registry,
                                      const char *subject,
                                      int32_t version,
                                      bool deleted_too,
                                      struct arena *arena,
                                      struct registry_schema *ret_schema,
                                      struct error *error);

/* All versions of a subject in order; 40401 if there are none. */
MUST_USE enum status registry_versions(struct registry *registry,
                                       const char *subject,
                                       bool deleted_too,
                                       struct arena *arena,
                                       struct registry_schema **ret_schemas,
                                       size_t *ret_count,
                                       struct error *error);

/* Every version of every subject that uses the schema id, or all (`id` 0), by subject, version. */
MUST_USE enum status registry_list(struct registry *registry,
                                   int32_t id,
                                   bool deleted_too,
                                   struct arena *arena,
                                   struct registry_schema **ret_schemas,
                                   size_t *ret_count,
                                   struct error *error);

/* Soft delete, or with `permanent` for ever what is soft-deleted. `version` 0: the whole subject.
 */
MUST_USE enum status registry_delete(struct registry *registry,
                                     const char *subject,
                                     int32_t version,
                                     bool permanent,
                                     struct error *error);

/* Would it be compatible with this version (0: with what the subject's level demands)? Messages say
 * why not. A subject without versions is compatible with everything. */
MUST_USE enum status registry_compatible(struct registry *registry,
                                         const char *subject,
                                         int32_t version,
                                         const char *text,
                                         struct arena *arena,
                                         const char ***ret_messages,
                                         size_t *ret_count,
                                         struct error *error);

/* The level of a subject, or the global one for `subject` NULL. `fallback`: the global one where
 * the subject has none; otherwise 40408. */
MUST_USE enum status registry_level(struct registry *registry,
                                    const char *subject,
                                    bool fallback,
                                    const char **ret_level,
                                    struct error *error);

/* 42203 for a word that is no level. `level` NULL removes. */
MUST_USE enum status registry_set_level(struct registry *registry,
                                        const char *subject,
                                        const char *level,
                                        struct error *error);
