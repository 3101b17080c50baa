#include "registry/registry_server.h"

#include "base/memory.h"
#include "http/server.h"
#include "registry/registry.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

struct registry_server {
    struct registry *registry;
    struct http_server *http;
};

/* ---- replies -----------------------------------------------------------------------------------
 */

static void reply_json(struct http_exchange *exchange, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    http_reply(exchange, 200, CONTENT_TYPE, slice_of_string(text));
    free(text);
    json_decref(json);
}

static void reply_fault(struct http_exchange *exchange, int status, int code, const char *message)
{
    json_t *body = json_pack("{s:i,s:s}", "error_code", code, "message", message);
    char *text = json_dumps(body, JSON_COMPACT);
    http_reply(exchange, status, CONTENT_TYPE, slice_of_string(text));
    free(text);
    json_decref(body);
}

/* Failures of the registry are replies of the API, not of the server. */
static enum status answer(struct http_exchange *exchange, enum status status, struct error *error)
{
    if (status != STATUS_OK) {
        int code = error->code;
        int http = code == 409 ? 409 : code >= 40000 ? code / 100 : 500;
        reply_fault(exchange, http, code == 0 ? 50001 : code, error->message);
    }
    return STATUS_OK;
}

static void
on_error(struct http_exchange *exchange, int status, const struct error *error, void *context)
{
    (void) context;
    reply_fault(exchange, status, status, status == 404 ? "HTTP 404 Not Found" : error->message);
}

static struct registry *registry_of(void *context)
{
    return ((struct registry_server *) context)->registry;
}

static bool flag(const struct http_exchange *exchange, const char *name)
{
    const char *value = http_query(exchange, name);
    return value != NULL && strcmp(value, "true") == 0;
}

/* "3", "latest" in any case, "-1"; false: 42202. */
static bool version_of(struct http_exchange *exchange, int32_t *ret_version)
{
    const char *text = http_param(exchange, "version");
    if (strcasecmp(text, "latest") == 0 || strcmp(text, "-1") == 0) {
        *ret_version = -1;
        return true;
    }
    char *end;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char) text[0]) || *end != '\0' || value < 1 || value > INT32_MAX) {
        char message[300];
        (void) snprintf(message, sizeof(message),
                        "The specified version '%.100s' is not a valid version id. Allowed values "
                        "are between [1, 2^31-1] and the string \"latest\"",
                        text);
        reply_fault(exchange, 422, 42202, message);
        return false;
    }
    *ret_version = (int32_t) value;
    return true;
}

/* The schema text of a request body; NULL after a fault was answered. Free the body. */
static const char *schema_of(struct http_exchange *exchange, json_t **ret_body)
{
    *ret_body = json_loadb((const char *) exchange->body.data, exchange->body.size, 0, NULL);
    const json_t *type = json_object_get(*ret_body, "schemaType");
    const char *text = json_string_value(json_object_get(*ret_body, "schema"));
    if (*ret_body == NULL) {
        reply_fault(exchange, 400, 400, "Unrecognized JSON");
        return NULL;
    }
    if (type != NULL && (!json_is_string(type) || strcmp(json_string_value(type), "AVRO") != 0)) {
        reply_fault(exchange, 422, 42201, "Invalid schema: this registry keeps Avro schemas only");
        return NULL;
    }
    if (text == NULL) {
        reply_fault(exchange, 422, 42201, "Empty schema");
        return NULL;
    }
    return text;
}

/* ---- schemas -----------------------------------------------------------------------------------
 */

static enum status get_root(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_json(exchange, json_object());
    return STATUS_OK;
}

static enum status get_types(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_json(exchange, json_pack("[s]", "AVRO"));
    return STATUS_OK;
}

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

static enum status get_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema schema;
    enum status status = by_id(exchange, context, &schema, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    reply_json(exchange, json_pack("{s:s}", "schema", schema.text));
    return STATUS_OK;
}

static enum status
get_text_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema schema;
    enum status status = by_id(exchange, context, &schema, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
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
        status = registry_list(registry_of(context), schema.id, flag(exchange, "deleted"),
                               &exchange->arena, &uses, &count, error);
    }
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, versions ? json_pack("{s:s,s:i}", "subject", uses[i].subject,
                                                         "version", uses[i].version)
                                             : json_string(uses[i].subject));
    }
    reply_json(exchange, list);
    return STATUS_OK;
}

static enum status
get_subjects_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    return usage_by_id(exchange, context, false, error);
}

static enum status
get_versions_by_id(struct http_exchange *exchange, void *context, struct error *error)
{
    return usage_by_id(exchange, context, true, error);
}

static enum status get_schemas(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *all;
    size_t count;
    const char *prefix = http_query(exchange, "subjectPrefix");
    bool latest = flag(exchange, "latestOnly");
    enum status status = registry_list(registry_of(context), 0, flag(exchange, "deleted"),
                                       &exchange->arena, &all, &count, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count || strcmp(all[i].subject, all[i + 1].subject) != 0;
        bool wanted = prefix == NULL || strncmp(all[i].subject, prefix, strlen(prefix)) == 0;
        if (wanted && (last || !latest)) {
            json_array_append_new(list, schema_json(&all[i]));
        }
    }
    reply_json(exchange, list);
    return STATUS_OK;
}

/* ---- subjects ----------------------------------------------------------------------------------
 */

static enum status get_subjects(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *all;
    size_t count;
    const char *prefix = http_query(exchange, "subjectPrefix");
    enum status status = registry_list(registry_of(context), 0, flag(exchange, "deleted"),
                                       &exchange->arena, &all, &count, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || strcmp(all[i].subject, all[i - 1].subject) != 0;
        if (first && (prefix == NULL || strncmp(all[i].subject, prefix, strlen(prefix)) == 0)) {
            json_array_append_new(list, json_string(all[i].subject));
        }
    }
    reply_json(exchange, list);
    return STATUS_OK;
}

static enum status get_versions(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *versions;
    size_t count;
    enum status status =
        registry_versions(registry_of(context), http_param(exchange, "subject"),
                          flag(exchange, "deleted"), &exchange->arena, &versions, &count, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_integer(versions[i].version));
    }
    reply_json(exchange, list);
    return STATUS_OK;
}

static enum status
one_version(struct http_exchange *exchange, void *context, bool text_only, struct error *error)
{
    int32_t version;
    struct registry_schema schema;
    if (!version_of(exchange, &version)) {
        return STATUS_OK;
    }
    enum status status =
        registry_version(registry_of(context), http_param(exchange, "subject"), version,
                         flag(exchange, "deleted"), &exchange->arena, &schema, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    if (text_only) {
        http_reply(exchange, 200, CONTENT_TYPE, slice_of_string(schema.text));
    } else {
        reply_json(exchange, schema_json(&schema));
    }
    return STATUS_OK;
}

static enum status get_version(struct http_exchange *exchange, void *context, struct error *error)
{
    return one_version(exchange, context, false, error);
}

static enum status
get_version_text(struct http_exchange *exchange, void *context, struct error *error)
{
    return one_version(exchange, context, true, error);
}

static enum status
get_referenced_by(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_json(exchange, json_array()); /* schemas here hold no references */
    return STATUS_OK;
}

static enum status post_version(struct http_exchange *exchange, void *context, struct error *error)
{
    json_t *body;
    int32_t id;
    const char *text = schema_of(exchange, &body);
    if (text != NULL) {
        enum status status = registry_register(registry_of(context),
                                               http_param(exchange, "subject"), text, &id, error);
        if (status == STATUS_OK) {
            reply_json(exchange, json_pack("{s:i}", "id", id));
        } else {
            (void) answer(exchange, status, error);
        }
    }
    json_decref(body);
    return STATUS_OK;
}

static enum status post_subject(struct http_exchange *exchange, void *context, struct error *error)
{
    json_t *body;
    struct registry_schema schema;
    const char *text = schema_of(exchange, &body);
    if (text != NULL) {
        enum status status =
            registry_lookup(registry_of(context), http_param(exchange, "subject"), text,
                            flag(exchange, "deleted"), &exchange->arena, &schema, error);
        if (status == STATUS_OK) {
            reply_json(exchange, schema_json(&schema));
        } else {
            (void) answer(exchange, status, error);
        }
    }
    json_decref(body);
    return STATUS_OK;
}

static enum status
delete_subject(struct http_exchange *exchange, void *context, struct error *error)
{
    struct registry_schema *versions;
    size_t count;
    bool permanent = flag(exchange, "permanent");
    const char *subject = http_param(exchange, "subject");
    enum status status = registry_versions(registry_of(context), subject, true, &exchange->arena,
                                           &versions, &count, error);
    if (status == STATUS_OK) {
        status = registry_delete(registry_of(context), subject, 0, permanent, error);
    }
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (permanent || !versions[i].deleted) {
            json_array_append_new(list, json_integer(versions[i].version));
        }
    }
    reply_json(exchange, list);
    return STATUS_OK;
}

static enum status
delete_version(struct http_exchange *exchange, void *context, struct error *error)
{
    int32_t version;
    struct registry_schema schema;
    const char *subject = http_param(exchange, "subject");
    if (!version_of(exchange, &version)) {
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
                                 flag(exchange, "permanent"), error);
    }
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    reply_json(exchange, json_integer(version));
    return STATUS_OK;
}

/* ---- compatibility and levels ------------------------------------------------------------------
 */

static enum status
check(struct http_exchange *exchange, void *context, int32_t version, struct error *error)
{
    json_t *body;
    const char **messages;
    size_t count;
    struct registry_schema newest;
    const char *text = schema_of(exchange, &body);
    if (text == NULL) {
        json_decref(body);
        return STATUS_OK;
    }
    const char *subject = http_param(exchange, "subject");
    if (version == -1) { /* the newest; a subject without versions is compatible with everything */
        version = registry_version(registry_of(context), subject, -1, false, &exchange->arena,
                                   &newest, NULL) == STATUS_OK
                      ? newest.version
                      : 0;
    }
    enum status status = registry_compatible(registry_of(context), subject, version, text,
                                             &exchange->arena, &messages, &count, error);
    json_decref(body);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    json_t *reply = json_pack("{s:b}", "is_compatible", count == 0);
    if (flag(exchange, "verbose")) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(list, json_string(messages[i]));
        }
        json_object_set_new(reply, "messages", list);
    }
    reply_json(exchange, reply);
    return STATUS_OK;
}

static enum status
post_check_version(struct http_exchange *exchange, void *context, struct error *error)
{
    int32_t version;
    return version_of(exchange, &version) ? check(exchange, context, version, error) : STATUS_OK;
}

static enum status post_check(struct http_exchange *exchange, void *context, struct error *error)
{
    return check(exchange, context, 0, error);
}

static enum status get_config(struct http_exchange *exchange, void *context, struct error *error)
{
    const char *level;
    const char *subject = http_param(exchange, "subject");
    enum status status = registry_level(registry_of(context), subject,
                                        flag(exchange, "defaultToGlobal"), &level, error);
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    reply_json(exchange, json_pack("{s:s}", "compatibilityLevel", level));
    return STATUS_OK;
}

static enum status put_config(struct http_exchange *exchange, void *context, struct error *error)
{
    json_t *body = json_loadb((const char *) exchange->body.data, exchange->body.size, 0, NULL);
    const char *level = json_string_value(json_object_get(body, "compatibility"));
    enum status status = registry_set_level(registry_of(context), http_param(exchange, "subject"),
                                            level == NULL ? "" : level, error);
    if (status == STATUS_OK) {
        reply_json(exchange, json_pack("{s:s}", "compatibility", level));
    } else {
        (void) answer(exchange, status, error);
    }
    json_decref(body);
    return STATUS_OK;
}

static enum status delete_config(struct http_exchange *exchange, void *context, struct error *error)
{
    const char *before;
    const char *subject = http_param(exchange, "subject");
    enum status status = registry_level(registry_of(context), subject, false, &before, error);
    if (status == STATUS_OK) {
        status = registry_set_level(registry_of(context), subject, NULL, error);
    }
    if (status != STATUS_OK) {
        return answer(exchange, status, error);
    }
    reply_json(exchange, json_pack("{s:s}", "compatibilityLevel", before));
    return STATUS_OK;
}

static enum status get_mode(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_json(exchange, json_pack("{s:s}", "mode", "READWRITE"));
    return STATUS_OK;
}

static enum status get_contexts(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_json(exchange, json_pack("[s]", "."));
    return STATUS_OK;
}

static enum status get_available(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_json(exchange, json_pack("{s:b}", "master_available", 1));
    return STATUS_OK;
}

static const struct http_route routes[] = {
    {"GET", "/", get_root, "empty object"},
    {"POST", "/", get_root, "empty object"},
    {"GET", "/schemas", get_schemas, "all schemas"},
    {"GET", "/schemas/types", get_types, "kinds of schemas"},
    {"GET", "/schemas/ids/{id}", get_by_id, "a schema by its id"},
    {"GET", "/schemas/ids/{id}/schema", get_text_by_id, "its text alone"},
    {"GET", "/schemas/ids/{id}/subjects", get_subjects_by_id, "subjects that use it"},
    {"GET", "/schemas/ids/{id}/versions", get_versions_by_id, "versions that use it"},
    {"GET", "/subjects", get_subjects, "names of subjects"},
    {"POST", "/subjects/{subject}", post_subject, "look a schema up"},
    {"DELETE", "/subjects/{subject}", delete_subject, "delete a subject"},
    {"GET", "/subjects/{subject}/versions", get_versions, "numbers of versions"},
    {"POST", "/subjects/{subject}/versions", post_version, "register a schema"},
    {"GET", "/subjects/{subject}/versions/{version}", get_version, "one version"},
    {"DELETE", "/subjects/{subject}/versions/{version}", delete_version, "delete a version"},
    {"GET", "/subjects/{subject}/versions/{version}/schema", get_version_text, "its text alone"},
    {"GET", "/subjects/{subject}/versions/{version}/referencedby", get_referenced_by,
     "schemas that refer to it"},
    {"POST", "/compatibility/subjects/{subject}/versions", post_check, "check against the level"},
    {"POST", "/compatibility/subjects/{subject}/versions/{version}", post_check_version,
     "check against one version"},
    {"GET", "/config", get_config, "global level"},
    {"PUT", "/config", put_config, "set the global level"},
    {"DELETE", "/config", delete_config, "back to BACKWARD"},
    {"GET", "/config/{subject}", get_config, "level of a subject"},
    {"PUT", "/config/{subject}", put_config, "set it"},
    {"DELETE", "/config/{subject}", delete_config, "remove it"},
    {"GET", "/mode", get_mode, "READWRITE"},
    {"GET", "/mode/{subject}", get_mode, "READWRITE"},
    {"GET", "/contexts", get_contexts, "the default context"},
    {"GET", "/master_available", get_available, "this one"},
};

/* ---- life --------------------------------------------------------------------------------------
 */

enum status registry_server_start(const char *directory,
                                  const char *host,
                                  uint16_t port,
                                  struct registry_server **ret_server,
                                  struct error *error)
{
    struct registry_server *server = mem_zalloc(sizeof(*server));
    const struct http_server_config config = {
        .name = "registry",
        .host = host,
        .port = port,
        .routes = routes,
        .route_count = ARRAY_SIZE(routes),
        .context = server,
        .on_error = on_error,
    };
    enum status status = registry_open(directory, &server->registry, error);
    if (status == STATUS_OK) {
        status = http_server_start(&config, &server->http, error);
    }
    if (status != STATUS_OK) {
        registry_server_stop(server);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

const char *registry_server_address(const struct registry_server *server)
{
    return http_server_address(server->http);
}

void registry_server_stop(struct registry_server *server)
{
    if (server != NULL) {
        http_server_stop(server->http, 1000000);
        registry_close(server->registry);
        mem_free(server);
    }
}
