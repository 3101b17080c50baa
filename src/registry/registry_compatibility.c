/* Compatibility levels, and what they demand of a new schema. */

#include "codec/avro_schema.h"
#include "registry/avro_rules.h"
#include "registry/registry_internal.h"

#include <stdio.h>
#include <string.h>

#define FAULTS_MAX 16

static const char *const levels[] = {
    "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE",
    "FULL",     "FULL_TRANSITIVE",     "NONE"};

/* ---- levels ------------------------------------------------------------------------------------
 */

static const char *known_level(const char *text)
{
    for (size_t i = 0; text != NULL && i < ARRAY_SIZE(levels); i++) {
        if (strcmp(levels[i], text) == 0) {
            return levels[i];
        }
    }
    return NULL;
}

static enum status read_level(struct registry *registry,
                              const char *subject,
                              const char **ret_level,
                              struct error *error)
{
    struct db_statement *statement;
    *ret_level = NULL;
    TRY(db_prepare(registry->db, "SELECT level FROM config WHERE subject = ?1", &statement, error));
    statement_bind_text(statement, 1, slice_of_string(subject));
    bool row;
    enum status status = statement_step(statement, &row, error);
    if (status == STATUS_OK && row) {
        char level[64];
        (void) snprintf(level, sizeof(level), "%.*s",
                        SLICE_FORMAT(statement_column_text(statement, 0)));
        *ret_level = known_level(level);
    }
    statement_release(statement);
    return status;
}

enum status registry_level_locked(struct registry *registry,
                                  const char *subject,
                                  const char **ret_level,
                                  struct error *error)
{
    *ret_level = NULL;
    if (subject != NULL) {
        TRY(read_level(registry, subject, ret_level, error));
    }
    if (*ret_level == NULL) {
        TRY(read_level(registry, "", ret_level, error));
    }
    *ret_level = *ret_level == NULL ? "BACKWARD" : *ret_level;
    return STATUS_OK;
}

enum status registry_level(struct registry *registry,
                           const char *subject,
                           bool fallback,
                           const char **ret_level,
                           struct error *error)
{
    pthread_mutex_lock(&registry->mutex);
    enum status status;
    if (subject == NULL || fallback) {
        status = registry_level_locked(registry, subject, ret_level, error);
    } else {
        status = read_level(registry, subject, ret_level, error);
        if (status == STATUS_OK && *ret_level == NULL) {
            status = registry_refuse(
                error, STATUS_NOT_FOUND, 40408,
                "Subject '%s' does not have subject-level compatibility configured", subject);
        }
    }
    pthread_mutex_unlock(&registry->mutex);
    return status;
}

enum status registry_set_level(struct registry *registry,
                               const char *subject,
                               const char *level,
                               struct error *error)
{
    if (level != NULL && known_level(level) == NULL) {
        return registry_refuse(
            error, STATUS_DATA, 42203,
            "Invalid compatibility level. Valid values are none, backward, forward, full, "
            "backward_transitive, forward_transitive, and full_transitive");
    }
    if (subject != NULL && level != NULL) {
        TRY(registry_check_subject(subject, error));
    }
    pthread_mutex_lock(&registry->mutex);
    struct db_statement *statement;
    enum status status = db_prepare(
        registry->db,
        level == NULL ? "DELETE FROM config WHERE subject = ?1"
                      : "INSERT INTO config VALUES(?1, ?2) ON CONFLICT DO UPDATE SET level = ?2",
        &statement, error);
    if (status == STATUS_OK) {
        statement_bind_text(statement, 1, slice_of_string(subject == NULL ? "" : subject));
        if (level != NULL) {
            statement_bind_text(statement, 2, slice_of_string(level));
        }
        status = statement_run(statement, error);
        statement_release(statement);
    }
    pthread_mutex_unlock(&registry->mutex);
    return status;
}

/* ---- compatibility -----------------------------------------------------------------------------
 */

static void add_message(struct judgement *judgement, const char *message)
{
    size_t bytes = judgement->count * sizeof(*judgement->messages);
    judgement->messages = arena_grow(judgement->arena, judgement->messages, bytes,
                                     bytes + sizeof(*judgement->messages));
    judgement->messages[judgement->count++] = message;
}

/* `reader` must read `writer`; adds a message for each fault. */
static void judge(struct judgement *judgement,
                  const struct avro_schema *reader,
                  const struct avro_schema *writer)
{
    struct avro_incompatibility faults[FAULTS_MAX];
    size_t count = avro_can_read(reader, writer, faults, FAULTS_MAX);
    for (size_t i = 0; i < count && i < FAULTS_MAX; i++) {
        add_message(judgement,
                    arena_printf(judgement->arena,
                                 "{errorType:'%s', description:'%s (path '%s')', "
                                 "additionalInfo:'%s'}",
                                 avro_fault_name(faults[i].fault),
                                 "the reader schema cannot read what the writer schema wrote",
                                 faults[i].path, faults[i].details));
    }
}

static enum status judge_version(struct judgement *judgement,
                                 const struct avro_schema *schema,
                                 const struct registry_schema *old,
                                 const char *level,
                                 struct error *error)
{
    const struct avro_schema *other;
    size_t before = judgement->count;
    TRY(avro_schema_parse(slice_of_string(old->text), judgement->arena, &other, error));
    if (strncmp(level, "FORWARD", 7) != 0) {
        judge(judgement, schema, other);
    }
    if (strncmp(level, "BACKWARD", 8) != 0) {
        judge(judgement, other, schema);
    }
    avro_schema_release(other);
    if (judgement->count > before) {
        add_message(judgement,
                    arena_printf(judgement->arena, "{oldSchemaVersion: %d}", old->version));
        add_message(judgement, arena_printf(judgement->arena, "{oldSchema: '%.2000s'}", old->text));
    }
    return STATUS_OK;
}

/* Newest first, as the level demands. */
enum status judgement_of_level(struct judgement *judgement,
                               const struct avro_schema *schema,
                               const struct registry_schema *versions,
                               size_t count,
                               const char *level,
                               struct error *error)
{
    if (strcmp(level, "NONE") == 0) {
        return STATUS_OK;
    }
    bool transitive = strstr(level, "_TRANSITIVE") != NULL;
    for (size_t i = count; i > 0 && judgement->count == 0; i--) {
        TRY(judge_version(judgement, schema, &versions[i - 1], level, error));
        if (!transitive) {
            break;
        }
    }
    if (judgement->count > 0) {
        add_message(judgement,
                    arena_printf(judgement->arena, "{validateFields: 'false', compatibility: '%s'}",
                                 level));
    }
    return STATUS_OK;
}

enum status registry_compatible(struct registry *registry,
                                const char *subject,
                                int32_t version,
                                const char *text,
                                struct arena *arena,
                                const char ***ret_messages,
                                size_t *ret_count,
                                struct error *error)
{
    const struct avro_schema *schema;
    const char *normal;
    struct judgement judgement = {.arena = arena};
    struct registry_schema *versions;
    size_t count;
    const char *level;
    TRY(registry_normal_form(text, arena, &schema, &normal, error));
    pthread_mutex_lock(&registry->mutex);
    enum status status =
        registry_versions_locked(registry, subject, false, arena, &versions, &count, error);
    if (status == STATUS_OK) {
        status = registry_level_locked(registry, subject, &level, error);
    }
    pthread_mutex_unlock(&registry->mutex);
    if (status == STATUS_OK && version > 0) {
        size_t at = 0;
        while (at < count && versions[at].version != version) {
            at++;
        }
        if (at == count) {
            char number[16];
            (void) snprintf(number, sizeof(number), "%d", version);
            status =
                registry_refuse(error, STATUS_NOT_FOUND, 40402, "Version %s not found.", number);
        } else {
            status = judgement_of_level(&judgement, schema, &versions[at], 1, level, error);
        }
    } else if (status == STATUS_OK) {
        status = judgement_of_level(&judgement, schema, versions, count, level, error);
    }
    avro_schema_release(schema);
    *ret_messages = judgement.messages;
    *ret_count = judgement.count;
    return status;
}

enum status
judgement_refuse(const char *subject, const struct judgement *judgement, struct error *error)
{
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text,
                  "Schema being registered is incompatible with an earlier schema for subject "
                  "\"%s\", details: [",
                  subject);
    for (size_t i = 0; i < judgement->count; i++) {
        buffer_printf(&text, "%s%s", i == 0 ? "" : ", ", judgement->messages[i]);
    }
    buffer_append_byte(&text, ']');
    (void) error_set(error, STATUS_CONFLICT, "%s", buffer_string(&text));
    error_code(error, 409);
    buffer_deinit(&text);
    return STATUS_CONFLICT;
}
