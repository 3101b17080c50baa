/* The requests about schemas and subjects. */

#include "registry/registry_handlers.h"

#include <stdlib.h>
#include <string.h>

/* ---- schemas -----------------------------------------------------------------------------------
 */

static json_t *schema_json(const struct registry_schema *schema)
{
    return json_pack("{s:s,s:i,s:i,s:s}", "subject", schema->subject, "version", schema->version,
                     "id", schema->id, "schema", schema->text);
}

static enum status by_id(struct http_exchange *exchange,
                         void *context,
                         struct registry_schema *ret_schema,
                         struct error *error)
{
    const char *text = http_param(exchange, "id");
    char *end;
    long id = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || id < 0 || id > INT32_MAX) {
        (void) error_set(error, STATUS_NOT_FOUND, "HTTP 404 Not Found");
        error_code(error, 40400);
        return STATUS_NOT_FOUND;
    }
    return registry_by_id(registry_of(context), (int32_t) id, &exchange->arena, ret_schema, error);
}

enum status registry_get_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema schema;
    enum status status = by_id(exchange, context, &schema, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    registry_reply(exchange, json_pack("{s:s}", "schema", schema.text));
    return STATUS_OK;
}

enum status
registry_get_text_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema schema;
    enum status status = by_id(exchange, context, &schema, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    http_reply(exchange, 200, CONTENT_TYPE, slice_of_string(schema.text));
    return STATUS_OK;
}

static enum status
usage_by_id(struct http_exchange *exchange, void *context, bool versions, struct error *error)
{
    struct registry_schema schema;
    struct registry_schema *uses = NULL;
    size_t count = 0;
    enum status status = by_id(exchange, context, &schema, error);
    if (status == STATUS_OK) {
        status = registry_list(registry_of(context), schema.id, registry_flag(exchange, "deleted"),
                               &exchange->arena, &uses, &count, error);
    }
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, versions ? json_pack("{s:s,s:i}", "subject", uses[i].subject,
                                                         "version", uses[i].version)
                                             : json_string(uses[i].subject));
    }
    registry_reply(exchange, list);
    return STATUS_OK;
}

enum status
registry_get_subjects_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    return usage_by_id(exchange, context, false, error);
}

enum status
registry_get_versions_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    return usage_by_id(exchange, context, true, error);
}

enum status registry_get_schemas(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *all;
    size_t count;
    const char *prefix = http_query(exchange, "subjectPrefix");
    bool latest = registry_flag(exchange, "latestOnly");
    enum status status = registry_list(registry_of(context), 0, registry_flag(exchange, "deleted"),
                                       &exchange->arena, &all, &count, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count || strcmp(all[i].subject, all[i + 1].subject) != 0;
        bool wanted = prefix == NULL || strncmp(all[i].subject, prefix, strlen(prefix)) == 0;
        if (wanted && (last || !latest)) {
            json_array_append_new(list, schema_json(&all[i]));
        }
    }
    registry_reply(exchange, list);
    return STATUS_OK;
}

/* ---- subjects ----------------------------------------------------------------------------------
 */

enum status
registry_get_subjects(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *all;
    size_t count;
    const char *prefix = http_query(exchange, "subjectPrefix");
    enum status status = registry_list(registry_of(context), 0, registry_flag(exchange, "deleted"),
                                       &exchange->arena, &all, &count, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || strcmp(all[i].subject, all[i - 1].subject) != 0;
        if (first && (prefix == NULL || strncmp(all[i].subject, prefix, strlen(prefix)) == 0)) {
            json_array_append_new(list, json_string(all[i].subject));
        }
    }
    registry_reply(exchange, list);
    return STATUS_OK;
}

enum status
registry_get_versions(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *versions;
    size_t count;
    enum status status = registry_versions(registry_of(context), http_param(exchange, "subject"),
                                           registry_flag(exchange, "deleted"), &exchange->arena,
                                           &versions, &count, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_integer(versions[i].version));
    }
    registry_reply(exchange, list);
    return STATUS_OK;
}

static enum status
one_version(struct http_exchange *exchange, void *context, bool text_only, struct error *error)
{
    int32_t version;
    struct registry_schema schema;
    if (!registry_version_asked(exchange, &version)) {
        return STATUS_OK;
    }
    enum status status =
        registry_version(registry_of(context), http_param(exchange, "subject"), version,
                         registry_flag(exchange, "deleted"), &exchange->arena, &schema, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    if (text_only) {
        http_reply(exchange, 200, CONTENT_TYPE, slice_of_string(schema.text));
    } else {
        registry_reply(exchange, schema_json(&schema));
    }
    return STATUS_OK;
}

enum status registry_get_version(struct http_exchange *exchange, void *context, struct error *error)
{
    return one_version(exchange, context, false, error);
}

enum status
registry_get_version_text(struct http_exchange *exchange, void *context, struct error *error)
{
    return one_version(exchange, context, true, error);
}

enum status
registry_get_referenced_by(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    registry_reply(exchange, json_array()); /* schemas here hold no references */
    return STATUS_OK;
}

enum status
registry_post_version(struct http_exchange *exchange, void *context, struct error *error)
{
    json_t *body;
    int32_t id;
    const char *text = registry_schema_asked(exchange, &body);
    if (text != NULL) {
        enum status status = registry_register(registry_of(context),
                                               http_param(exchange, "subject"), text, &id, error);
        if (status == STATUS_OK) {
            registry_reply(exchange, json_pack("{s:i}", "id", id));
        } else {
            (void) registry_answer(exchange, status, error);
        }
    }
    json_decref(body);
    return STATUS_OK;
}

enum status
registry_post_subject(struct http_exchange *exchange, void *context, struct error *error)
{
    json_t *body;
    struct registry_schema schema;
    const char *text = registry_schema_asked(exchange, &body);
    if (text != NULL) {
        enum status status =
            registry_lookup(registry_of(context), http_param(exchange, "subject"), text,
                            registry_flag(exchange, "deleted"), &exchange->arena, &schema, error);
        if (status == STATUS_OK) {
            registry_reply(exchange, schema_json(&schema));
        } else {
            (void) registry_answer(exchange, status, error);
        }
    }
    json_decref(body);
    return STATUS_OK;
}

enum status
registry_delete_subject(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *versions;
    size_t count;
    bool permanent = registry_flag(exchange, "permanent");
    const char *subject = http_param(exchange, "subject");
    enum status status = registry_versions(registry_of(context), subject, true, &exchange->arena,
                                           &versions, &count, error);
    if (status == STATUS_OK) {
        status = registry_delete(registry_of(context), subject, 0, permanent, error);
    }
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (permanent || !versions[i].deleted) {
            json_array_append_new(list, json_integer(versions[i].version));
        }
    }
    registry_reply(exchange, list);
    return STATUS_OK;
}

enum status
registry_delete_version(struct http_exchange *exchange, void *context, struct error *error)
{
    int32_t version;
    struct registry_schema schema;
    const char *subject = http_param(exchange, "subject");
    if (!registry_version_asked(exchange, &version)) {
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    if (version == -1) {
        status = registry_version(registry_of(context), subject, -1, false, &exchange->arena,
                                  &schema, error);
        version = status == STATUS_OK ? schema.version : 0;
    }
    if (status == STATUS_OK) {
        status = registry_delete(registry_of(context), subject, version,
                                 registry_flag(exchange, "permanent"), error);
    }
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    registry_reply(exchange, json_integer(version));
    return STATUS_OK;
}
