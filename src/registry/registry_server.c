#include "registry/registry_server.h"

#include "base/memory.h"
#include "registry/registry_handlers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct registry_server {
    struct registry *registry;
    struct http_server *http;
};

/* ---- replies -----------------------------------------------------------------------------------
 */

void registry_reply(struct http_exchange *exchange, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    http_reply(exchange, 200, CONTENT_TYPE, slice_of_string(text));
    free(text);
    json_decref(json);
}

static void reply_fault(struct http_exchange *exchange, int status, int code, const char *message)
{
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&body, "{\"error_code\":%d,\"message\":", code);
    buffer_append_json(&body, slice_of_string(message)); /* may be cut within a character */
    buffer_append_byte(&body, '}');
    http_reply(exchange, status, CONTENT_TYPE, buffer_slice(&body));
}

enum status registry_answer(struct http_exchange *exchange, enum status status, struct error *error)
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

struct registry *registry_of(void *context)
{
    return ((struct registry_server *) context)->registry;
}

bool registry_flag(const struct http_exchange *exchange, const char *name)
{
    const char *value = http_query(exchange, name);
    return value != NULL && strcmp(value, "true") == 0;
}

bool registry_version_asked(struct http_exchange *exchange, int32_t *ret_version)
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

const char *registry_schema_asked(struct http_exchange *exchange, json_t **ret_body)
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
    if (json_array_size(json_object_get(*ret_body, "references")) > 0) {
        reply_fault(exchange, 422, 42201, "Invalid schema: this registry keeps no references");
        return NULL;
    }
    if (text == NULL) {
        reply_fault(exchange, 422, 42201, "Empty schema");
        return NULL;
    }
    return text;
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
    const char *text = registry_schema_asked(exchange, &body);
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
        return registry_answer(exchange, status, error);
    }
    json_t *reply = json_pack("{s:b}", "is_compatible", count == 0);
    if (registry_flag(exchange, "verbose")) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(list, json_string(messages[i]));
        }
        json_object_set_new(reply, "messages", list);
    }
    registry_reply(exchange, reply);
    return STATUS_OK;
}

static enum status
post_check_version(struct http_exchange *exchange, void *context, struct error *error)
{
    int32_t version;
    return registry_version_asked(exchange, &version) ? check(exchange, context, version, error)
                                                      : STATUS_OK;
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
                                        registry_flag(exchange, "defaultToGlobal"), &level, error);
    if (status != STATUS_OK) {
        return registry_answer(exchange, status, error);
    }
    registry_reply(exchange, json_pack("{s:s}", "compatibilityLevel", level));
    return STATUS_OK;
}

static enum status put_config(struct http_exchange *exchange, void *context, struct error *error)
{
    json_t *body = json_loadb((const char *) exchange->body.data, exchange->body.size, 0, NULL);
    const char *level = json_string_value(json_object_get(body, "compatibility"));
    enum status status = registry_set_level(registry_of(context), http_param(exchange, "subject"),
                                            level == NULL ? "" : level, error);
    if (status == STATUS_OK) {
        registry_reply(exchange, json_pack("{s:s}", "compatibility", level));
    } else {
        (void) registry_answer(exchange, status, error);
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
        return registry_answer(exchange, status, error);
    }
    registry_reply(exchange, json_pack("{s:s}", "compatibilityLevel", before));
    return STATUS_OK;
}

static enum status get_root(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    registry_reply(exchange, json_object());
    return STATUS_OK;
}

static enum status get_types(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    registry_reply(exchange, json_pack("[s]", "AVRO"));
    return STATUS_OK;
}

static enum status get_mode(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    registry_reply(exchange, json_pack("{s:s}", "mode", "READWRITE"));
    return STATUS_OK;
}

static enum status get_contexts(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    registry_reply(exchange, json_pack("[s]", "."));
    return STATUS_OK;
}

static enum status get_available(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    registry_reply(exchange, json_pack("{s:b}", "master_available", 1));
    return STATUS_OK;
}

static const struct http_route routes[] = {
    {"GET", "/", get_root, "empty object"},
    {"POST", "/", get_root, "empty object"},
    {"GET", "/schemas", registry_get_schemas, "all schemas"},
    {"GET", "/schemas/types", get_types, "kinds of schemas"},
    {"GET", "/schemas/ids/{id}", registry_get_by_id, "a schema by its id"},
    {"GET", "/schemas/ids/{id}/schema", registry_get_text_by_id, "its text alone"},
    {"GET", "/schemas/ids/{id}/subjects", registry_get_subjects_by_id, "subjects that use it"},
    {"GET", "/schemas/ids/{id}/versions", registry_get_versions_by_id, "versions that use it"},
    {"GET", "/subjects", registry_get_subjects, "names of subjects"},
    {"POST", "/subjects/{subject}", registry_post_subject, "look a schema up"},
    {"DELETE", "/subjects/{subject}", registry_delete_subject, "delete a subject"},
    {"GET", "/subjects/{subject}/versions", registry_get_versions, "numbers of versions"},
    {"POST", "/subjects/{subject}/versions", registry_post_version, "register a schema"},
    {"GET", "/subjects/{subject}/versions/{version}", registry_get_version, "one version"},
    {"DELETE", "/subjects/{subject}/versions/{version}", registry_delete_version,
     "delete a version"},
    {"GET", "/subjects/{subject}/versions/{version}/schema", registry_get_version_text,
     "its text alone"},
    {"GET", "/subjects/{subject}/versions/{version}/referencedby", registry_get_referenced_by,
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
