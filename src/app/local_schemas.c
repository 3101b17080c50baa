#include "app/local_schemas.h"

#include "base/memory.h"

#include <stdio.h>
#include <unistd.h>

struct schemas {
    struct registry *registry; /* NULL: the directory holds none */
};

static enum status local_open(const char *url, struct schemas **ret_schemas, struct error *error)
{
    struct schemas *schemas = mem_zalloc(sizeof(*schemas));
    char file[1200];
    (void) snprintf(file, sizeof(file), "%s/registry.db", url);
    if (access(file, F_OK) == 0) {
        enum status status = registry_open(url, &schemas->registry, error);
        if (status != STATUS_OK) {
            mem_free(schemas);
            return status;
        }
    }
    *ret_schemas = schemas;
    return STATUS_OK;
}

static void local_close(struct schemas *schemas)
{
    registry_close(schemas->registry);
    mem_free(schemas);
}

struct registry *local_schemas_registry(struct schemas *schemas)
{
    return schemas->registry;
}

static enum status need(const struct schemas *schemas, struct error *error)
{
    return schemas->registry != NULL
               ? STATUS_OK
               : error_set(error, STATUS_NOT_FOUND, "there are no schemas yet");
}

static enum status local_register(struct schemas *schemas,
                                  const char *subject,
                                  const char *text,
                                  int32_t *ret_id,
                                  struct error *error)
{
    TRY(need(schemas, error));
    return registry_register(schemas->registry, subject, text, ret_id, error);
}

static enum status
local_check(struct schemas *schemas, const char *subject, const char *text, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const char **messages;
    size_t count;
    if (schemas->registry == NULL) {
        return STATUS_OK;
    }
    TRY(registry_compatible(schemas->registry, subject, 0, text, &arena, &messages, &count, error));
    return count == 0 ? STATUS_OK : error_set(error, STATUS_CONFLICT, "%s", messages[0]);
}

static enum status local_by_id(struct schemas *schemas,
                               int32_t id,
                               struct arena *arena,
                               const char **ret_text,
                               struct error *error)
{
    struct registry_schema schema;
    TRY(need(schemas, error));
    TRY(registry_by_id(schemas->registry, id, arena, &schema, error));
    *ret_text = schema.text;
    return STATUS_OK;
}

static enum status local_latest(struct schemas *schemas,
                                const char *subject,
                                struct arena *arena,
                                struct schema_version *ret_version,
                                struct error *error)
{
    struct registry_schema schema;
    TRY(need(schemas, error));
    TRY(registry_version(schemas->registry, subject, -1, false, arena, &schema, error));
    *ret_version = (struct schema_version){schema.id, schema.version, schema.text};
    return STATUS_OK;
}

static enum status local_set_compatibility(struct schemas *schemas,
                                           const char *subject,
                                           const char *level,
                                           struct error *error)
{
    TRY(need(schemas, error));
    return registry_set_level(schemas->registry, subject, level, error);
}

const struct schemas_ops local_schemas_ops = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .register_schema = local_register,
    .check = local_check,
    .by_id = local_by_id,
    .latest = local_latest,
    .set_compatibility = local_set_compatibility,
};
