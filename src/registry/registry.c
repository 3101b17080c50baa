#include "registry/registry_internal.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "codec/avro_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION_ID 0x6c656172 /* "lear" */

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS schemas("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS versions("
    " subject TEXT NOT NULL, version INTEGER NOT NULL, id INTEGER NOT NULL REFERENCES schemas,"
    " deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(subject, version));"
    "CREATE TABLE IF NOT EXISTS config("
    " subject TEXT PRIMARY KEY, level TEXT NOT NULL);";

enum status
registry_refuse(struct error *error, enum status status, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) error_set_va(error, status, format, arguments);
    va_end(arguments);
    error_code(error, code);
    return status;
}

enum status
registry_open(const char *directory, struct registry **ret_registry, struct error *error)
{
    struct registry *registry = mem_zalloc(sizeof(*registry));
    char path[1200];
    (void) snprintf(path, sizeof(path), "%s/registry.db", directory);
    const struct db_options options = {
        .flags = DB_CREATE, .application_id = APPLICATION_ID, .user_version = 1};
    pthread_mutex_init(&registry->mutex, NULL);
    enum status status = db_open(path, &options, &registry->db, error);
    if (status == STATUS_OK) {
        status = db_exec(registry->db, schema_sql, error);
    }
    if (status != STATUS_OK) {
        registry_close(registry);
        return status;
    }
    *ret_registry = registry;
    return STATUS_OK;
}

void registry_close(struct registry *registry)
{
    if (registry != NULL) {
        db_close(registry->db);
        pthread_mutex_destroy(&registry->mutex);
        mem_free(registry);
    }
}

/* ---- schema text -------------------------------------------------------------------------------
 */

/* Checks the text and gives the form under which equal schemas are one: no white space. */
enum status registry_normal_form(const char *text,
                                 struct arena *arena,
                                 const struct avro_schema **ret_schema,
                                 const char **ret_text,
                                 struct error *error)
{
    struct error fault;
    const struct avro_schema *schema;
    if (avro_schema_parse(slice_of_string(text), arena, &schema, &fault) != STATUS_OK) {
        (void) error_set(error, STATUS_DATA, "Invalid schema %.400s; nested error: %s", text,
                         fault.message);
        error_code(error, 42201);
        return STATUS_DATA;
    }
    struct buffer compact = BUFFER_INIT;
    avro_schema_write(schema, &compact);
    *ret_text = arena_string(arena, buffer_slice(&compact));
    buffer_deinit(&compact);
    *ret_schema = schema;
    return STATUS_OK;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static enum status read_schemas(struct registry *registry,
                                const char *sql,
                                const char *subject,
                                int64_t number,
                                struct arena *arena,
                                struct registry_schema **ret_schemas,
                                size_t *ret_count,
                                struct error *error)
{
    struct db_statement *statement;
    TRY(db_prepare(registry->db, sql, &statement, error));
    if (subject != NULL) {
        statement_bind_text(statement, 1, slice_of_string(subject));
    }
    statement_bind_int(statement, 2, number);
    struct registry_schema *schemas = NULL;
    size_t count = 0;
    bool row;
    enum status status;
    while ((status = statement_step(statement, &row, error)) == STATUS_OK && row) {
        size_t bytes = count * sizeof(*schemas);
        schemas = arena_grow(arena, schemas, bytes, bytes + sizeof(*schemas));
        schemas[count++] = (struct registry_schema){
            .subject = arena_string(arena, statement_column_text(statement, 0)),
            .version = (int32_t) statement_column_int(statement, 1),
            .id = (int32_t) statement_column_int(statement, 2),
            .text = arena_string(arena, statement_column_text(statement, 3)),
            .deleted = statement_column_int(statement, 4) != 0,
        };
    }
    statement_release(statement);
    *ret_schemas = schemas;
    *ret_count = count;
    return status;
}

#define SELECT_VERSIONS                                                                            \
    "SELECT subject, version, id, text, deleted FROM versions JOIN schemas USING(id) WHERE "

enum status registry_versions_locked(struct registry *registry,
                                     const char *subject,
                                     bool deleted_too,
                                     struct arena *arena,
                                     struct registry_schema **ret_schemas,
                                     size_t *ret_count,
                                     struct error *error)
{
    return read_schemas(registry, SELECT_VERSIONS "subject = ?1 AND deleted <= ?2 ORDER BY version",
                        subject, deleted_too, arena, ret_schemas, ret_count, error);
}

enum status registry_versions(struct registry *registry,
                              const char *subject,
                              bool deleted_too,
                              struct arena *arena,
                              struct registry_schema **ret_schemas,
                              size_t *ret_count,
                              struct error *error)
{
    pthread_mutex_lock(&registry->mutex);
    enum status status = registry_versions_locked(registry, subject, deleted_too, arena,
                                                  ret_schemas, ret_count, error);
    pthread_mutex_unlock(&registry->mutex);
    if (status == STATUS_OK && *ret_count == 0) {
        return registry_refuse(error, STATUS_NOT_FOUND, 40401, "Subject '%s' not found.", subject);
    }
    return status;
}

enum status registry_list(struct registry *registry,
                          int32_t id,
                          bool deleted_too,
                          struct arena *arena,
                          struct registry_schema **ret_schemas,
                          size_t *ret_count,
                          struct error *error)
{
    pthread_mutex_lock(&registry->mutex);
    char sql[300];
    (void) snprintf(sql, sizeof(sql),
                    SELECT_VERSIONS
                    "(?2 = 0 OR id = ?2) AND deleted <= %d ORDER BY subject, version",
                    deleted_too);
    enum status status =
        read_schemas(registry, sql, NULL, id, arena, ret_schemas, ret_count, error);
    pthread_mutex_unlock(&registry->mutex);
    return status;
}

enum status registry_by_id(struct registry *registry,
                           int32_t id,
                           struct arena *arena,
                           struct registry_schema *ret_schema,
                           struct error *error)
{
    struct registry_schema *schemas;
    size_t count;
    pthread_mutex_lock(&registry->mutex);
    enum status status = read_schemas(registry,
                                      "SELECT '', 0, id, text, 0 FROM schemas WHERE id = ?2"
                                      " AND id IN (SELECT id FROM versions)",
                                      NULL, id, arena, &schemas, &count, error);
    pthread_mutex_unlock(&registry->mutex);
    if (status == STATUS_OK && count == 0) {
        char text[16];
        (void) snprintf(text, sizeof(text), "%d", id);
        return registry_refuse(error, STATUS_NOT_FOUND, 40403, "Schema %s not found", text);
    }
    if (status == STATUS_OK) {
        *ret_schema = schemas[0];
    }
    return status;
}

enum status registry_version(struct registry *registry,
                             const char *subject,
                             int32_t version,
                             bool deleted_too,
                             struct arena *arena,
                             struct registry_schema *ret_schema,
                             struct error *error)
{
    struct registry_schema *schemas;
    size_t count;
    TRY(registry_versions(registry, subject, deleted_too, arena, &schemas, &count, error));
    for (size_t i = count; i > 0; i--) {
        if (version == -1 || schemas[i - 1].version == version) {
            *ret_schema = schemas[i - 1];
            return STATUS_OK;
        }
    }
    char text[16];
    (void) snprintf(text, sizeof(text), "%d", version);
    return registry_refuse(error, STATUS_NOT_FOUND, 40402, "Version %s not found.", text);
}

enum status registry_lookup(struct registry *registry,
                            const char *subject,
                            const char *text,
                            bool deleted_too,
                            struct arena *arena,
                            struct registry_schema *ret_schema,
                            struct error *error)
{
    const struct avro_schema *schema;
    const char *normal;
    TRY(registry_normal_form(text, arena, &schema, &normal, error));
    avro_schema_release(schema);
    struct registry_schema *schemas;
    size_t count;
    TRY(registry_versions(registry, subject, deleted_too, arena, &schemas, &count, error));
    for (size_t i = count; i > 0; i--) {
        if (strcmp(schemas[i - 1].text, normal) == 0) {
            *ret_schema = schemas[i - 1];
            return STATUS_OK;
        }
    }
    return registry_refuse(error, STATUS_NOT_FOUND, 40403, "Schema not found");
}

/* ---- subjects ----------------------------------------------------------------------------------
 */

enum status registry_check_subject(const char *subject, struct error *error)
{
    static const char *const reserved[] = {"", "__GLOBAL", "__EMPTY"};
    bool valid = utf8_valid((const uint8_t *) subject, strlen(subject));
    for (const char *at = subject; *at != '\0'; at++) {
        valid = valid && (uint8_t) *at >= 0x20 && *at != 0x7f;
    }
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        valid = valid && strcmp(subject, reserved[i]) != 0;
    }
    return valid ? STATUS_OK
                 : registry_refuse(error, STATUS_DATA, 42208,
                                   "The specified subject '%s' is not a valid.", subject);
}

/* ---- registering -------------------------------------------------------------------------------
 */

static enum status
schema_id(struct registry *registry, const char *text, int32_t *ret_id, struct error *error)
{
    struct db_statement *statement;
    TRY(db_prepare(registry->db, "INSERT OR IGNORE INTO schemas(text) VALUES(?1)", &statement,
                   error));
    statement_bind_text(statement, 1, slice_of_string(text));
    enum status status = statement_run(statement, error);
    statement_release(statement);
    if (status != STATUS_OK) {
        return status;
    }
    TRY(db_prepare(registry->db, "SELECT id FROM schemas WHERE text = ?1", &statement, error));
    statement_bind_text(statement, 1, slice_of_string(text));
    bool row;
    status = statement_step(statement, &row, error);
    *ret_id = status == STATUS_OK ? (int32_t) statement_column_int(statement, 0) : 0;
    statement_release(statement);
    return status;
}

static enum status
add_version(struct registry *registry, const char *subject, int32_t id, struct error *error)
{
    struct db_statement *statement;
    TRY(db_prepare(registry->db,
                   "INSERT INTO versions(subject, version, id)"
                   " SELECT ?1, coalesce(max(version), 0) + 1, ?2 FROM versions WHERE subject = ?1",
                   &statement, error));
    statement_bind_text(statement, 1, slice_of_string(subject));
    statement_bind_int(statement, 2, id);
    enum status status = statement_run(statement, error);
    statement_release(statement);
    return status;
}

/* Inside a transaction and the lock. */
static enum status register_in(struct registry *registry,
                               const char *subject,
                               const struct avro_schema *schema,
                               const char *normal,
                               struct arena *arena,
                               int32_t *ret_id,
                               struct error *error)
{
    struct registry_schema *versions;
    size_t count;
    const char *level;
    TRY(registry_versions_locked(registry, subject, false, arena, &versions, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(versions[i].text, normal) == 0) {
            *ret_id = versions[i].id;
            return STATUS_OK;
        }
    }
    TRY(registry_level_locked(registry, subject, &level, error));
    struct judgement judgement = {.arena = arena};
    TRY(judgement_of_level(&judgement, schema, versions, count, level, error));
    if (judgement.count > 0) {
        return judgement_refuse(subject, &judgement, error);
    }
    TRY(schema_id(registry, normal, ret_id, error));
    return add_version(registry, subject, *ret_id, error);
}

enum status registry_register(struct registry *registry,
                              const char *subject,
                              const char *text,
                              int32_t *ret_id,
                              struct error *error)
{
    struct arena arena;
    const struct avro_schema *schema;
    const char *normal;
    TRY(registry_check_subject(subject, error));
    arena_init(&arena, 0);
    enum status status = registry_normal_form(text, &arena, &schema, &normal, error);
    if (status != STATUS_OK) {
        arena_deinit(&arena);
        return status;
    }
    pthread_mutex_lock(&registry->mutex);
    status = db_begin(registry->db, error);
    if (status == STATUS_OK) {
        status = register_in(registry, subject, schema, normal, &arena, ret_id, error);
        if (status == STATUS_OK) {
            status = db_commit(registry->db, error);
        }
        if (status != STATUS_OK) {
            db_rollback(registry->db);
        }
    }
    pthread_mutex_unlock(&registry->mutex);
    avro_schema_release(schema);
    arena_deinit(&arena);
    return status;
}

/* ---- deleting ----------------------------------------------------------------------------------
 */

static enum status check_deletable(const struct registry_schema *versions,
                                   size_t count,
                                   const char *subject,
                                   int32_t version,
                                   bool permanent,
                                   struct error *error)
{
    size_t found = 0;
    size_t live = 0;
    for (size_t i = 0; i < count; i++) {
        if (version == 0 || versions[i].version == version) {
            found++;
            live += !versions[i].deleted;
        }
    }
    char number[16];
    (void) snprintf(number, sizeof(number), "%d", version);
    if (count == 0) {
        return registry_refuse(error, STATUS_NOT_FOUND, 40401, "Subject '%s' not found.", subject);
    }
    if (found == 0) {
        return registry_refuse(error, STATUS_NOT_FOUND, 40402, "Version %s not found.", number);
    }
    if (permanent && live > 0) {
        return version == 0
                   ? registry_refuse(
                         error, STATUS_NOT_FOUND, 40405,
                         "Subject '%s' was not deleted first before being permanently deleted",
                         subject)
                   : registry_refuse(
                         error, STATUS_NOT_FOUND, 40407,
                         "Version %s was not deleted first before being permanently deleted",
                         number);
    }
    if (!permanent && live == 0) {
        return version == 0
                   ? registry_refuse(error, STATUS_NOT_FOUND, 40404,
                                     "Subject '%s' was soft deleted.Set permanent=true to delete "
                                     "permanently",
                                     subject)
                   : registry_refuse(error, STATUS_NOT_FOUND, 40406,
                                     "Version %s was soft deleted.Set permanent=true to delete "
                                     "permanently",
                                     number);
    }
    return STATUS_OK;
}

enum status registry_delete(struct registry *registry,
                            const char *subject,
                            int32_t version,
                            bool permanent,
                            struct error *error)
{
    struct arena arena;
    struct registry_schema *versions;
    size_t count;
    arena_init(&arena, 0);
    pthread_mutex_lock(&registry->mutex);
    enum status status =
        registry_versions_locked(registry, subject, true, &arena, &versions, &count, error);
    if (status == STATUS_OK) {
        status = check_deletable(versions, count, subject, version, permanent, error);
    }
    struct db_statement *statement;
    if (status == STATUS_OK) {
        status = db_prepare(
            registry->db,
            permanent ? "DELETE FROM versions WHERE subject = ?1 AND (?2 = 0 OR version = ?2)"
                      : "UPDATE versions SET deleted = 1 WHERE subject = ?1 AND"
                        " (?2 = 0 OR version = ?2)",
            &statement, error);
    }
    if (status == STATUS_OK) {
        statement_bind_text(statement, 1, slice_of_string(subject));
        statement_bind_int(statement, 2, version);
        status = statement_run(statement, error);
        statement_release(statement);
    }
    pthread_mutex_unlock(&registry->mutex);
    if (status == STATUS_OK && version == 0) { /* a subject that comes again begins anew */
        status = registry_set_level(registry, subject, NULL, error);
    }
    arena_deinit(&arena);
    return status;
}
