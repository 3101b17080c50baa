#include "connectors/registry/confluent_schemas.h"

#include "base/map.h"
#include "base/memory.h"
#include "http/client.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>

#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

struct schemas {
    char *url; /* without a slash at the end */
    struct http_client *client;
    pthread_mutex_t mutex; /* the client and the map */
    struct map texts;      /* id as text -> schema text */
};

static enum status schemas_open(const char *url, struct schemas **ret_schemas, struct error *error)
{
    struct schemas *schemas = mem_zalloc(sizeof(*schemas));
    const struct http_client_config config = {0};
    schemas->url = mem_strdup(url);
    size_t length = strlen(schemas->url);
    while (length > 0 && schemas->url[length - 1] == '/') {
        schemas->url[--length] = '\0';
    }
    pthread_mutex_init(&schemas->mutex, NULL);
    map_init(&schemas->texts);
    enum status status = http_client_new(&config, &schemas->client, error);
    if (status != STATUS_OK) {
        mem_free(schemas->url);
        mem_free(schemas);
        return status;
    }
    *ret_schemas = schemas;
    return STATUS_OK;
}

static void schemas_close(struct schemas *schemas)
{
    size_t position = 0;
    for (struct map_entry *entry; (entry = map_next(&schemas->texts, &position)) != NULL;) {
        mem_free(entry->value);
    }
    map_deinit(&schemas->texts);
    http_client_free(schemas->client);
    pthread_mutex_destroy(&schemas->mutex);
    mem_free(schemas->url);
    mem_free(schemas);
}

/* A path segment, percent-encoded. */
static void append_segment(struct buffer *target, const char *text)
{
    for (const unsigned char *c = (const unsigned char *) text; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-_.~", *c) != NULL;
        if (plain) {
            buffer_append_byte(target, *c);
        } else {
            buffer_printf(target, "%%%02X", *c);
        }
    }
}

/* What the registry says in a failure's body. */
static enum status registry_failure(const struct http_reply *reply, struct error *error)
{
    json_t *body = json_loadb((const char *) reply->body.data, reply->body.size, 0, NULL);
    const char *message = json_string_value(json_object_get(body, "message"));
    enum status status = reply->status == 404                           ? STATUS_NOT_FOUND
                         : reply->status == 409                         ? STATUS_CONFLICT
                         : reply->status == 422                         ? STATUS_DATA
                         : reply->status == 401 || reply->status == 403 ? STATUS_CONFIG
                                                                        : STATUS_UNAVAILABLE;
    (void) error_set(error, status, "the schema registry answered %d: %s", reply->status,
                     message == NULL ? "(no message)" : message);
    error_code(error, (int) json_integer_value(json_object_get(body, "error_code")));
    json_decref(body);
    return status;
}

/* One call; the reply's JSON is the caller's to release. */
static enum status call(struct schemas *schemas,
                        const char *method,
                        const char *url,
                        json_t *body,
                        json_t **ret_reply,
                        struct error *error)
{
    static const struct http_request_header headers[] = {{"Accept", CONTENT_TYPE, false},
                                                         {"Content-Type", CONTENT_TYPE, false}};
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    struct http_request request = {
        .method = method,
        .url = url,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
        .body = slice_of_string(text),
        .timeouts = {5000000, 10000000, 10000000, 20000000},
    };
    struct http_reply reply;
    http_reply_init(&reply);
    pthread_mutex_lock(&schemas->mutex);
    enum status status = http_request(schemas->client, &request, &reply, error);
    pthread_mutex_unlock(&schemas->mutex);
    if (status != STATUS_OK) {
        error_context(error, "schema registry");
    } else if (reply.status != 200) {
        status = registry_failure(&reply, error);
    } else {
        json_error_t fault;
        *ret_reply =
            json_loadb((const char *) reply.body.data, reply.body.size, JSON_DECODE_ANY, &fault);
        if (*ret_reply == NULL) {
            status = error_set(error, STATUS_UNAVAILABLE,
                               "the schema registry's answer is no JSON: %s", fault.text);
        }
    }
    http_reply_deinit(&reply);
    json_decref(body);
    free(text);
    return status;
}

static const char *subject_url(struct schemas *schemas,
                               const char *before,
                               const char *subject,
                               const char *after,
                               struct buffer *target)
{
    buffer_clear(target);
    buffer_printf(target, "%s%s", schemas->url, before);
    append_segment(target, subject);
    buffer_append_string(target, after);
    return buffer_string(target);
}

static enum status schemas_register(struct schemas *schemas,
                                    const char *subject,
                                    const char *text,
                                    int32_t *ret_id,
                                    struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer url = BUFFER_INIT;
    json_t *reply = NULL;
    TRY(call(schemas, "POST", subject_url(schemas, "/subjects/", subject, "/versions", &url),
             json_pack("{s:s}", "schema", text), &reply, error));
    *ret_id = (int32_t) json_integer_value(json_object_get(reply, "id"));
    json_decref(reply);
    return STATUS_OK;
}

static enum status
schemas_check(struct schemas *schemas, const char *subject, const char *text, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer url = BUFFER_INIT;
    json_t *reply = NULL;
    enum status status = call(
        schemas, "POST",
        subject_url(schemas, "/compatibility/subjects/", subject, "/versions?verbose=true", &url),
        json_pack("{s:s}", "schema", text), &reply, error);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK; /* a new subject takes anything */
    }
    if (status == STATUS_OK && !json_is_true(json_object_get(reply, "is_compatible"))) {
        const char *reason =
            json_string_value(json_array_get(json_object_get(reply, "messages"), 0));
        status = error_set(error, STATUS_CONFLICT,
                           "the schema is not compatible with subject \"%s\": %s", subject,
                           reason == NULL ? "(no reason given)" : reason);
    }
    json_decref(reply);
    return status;
}

static const char *kept_text(struct schemas *schemas, const char *key, struct arena *arena)
{
    pthread_mutex_lock(&schemas->mutex);
    const char *text = arena_strdup(arena, map_get_string(&schemas->texts, key));
    pthread_mutex_unlock(&schemas->mutex);
    return text;
}

static enum status schemas_by_id(struct schemas *schemas,
                                 int32_t id,
                                 struct arena *arena,
                                 const char **ret_text,
                                 struct error *error)
{
    char key[16];
    (void) snprintf(key, sizeof(key), "%" PRId32, id);
    *ret_text = kept_text(schemas, key, arena);
    if (*ret_text != NULL) {
        return STATUS_OK;
    }
    CLEANUP(buffer_deinit) struct buffer url = BUFFER_INIT;
    json_t *reply = NULL;
    TRY(call(schemas, "GET", subject_url(schemas, "/schemas/ids/", key, "", &url), NULL, &reply,
             error));
    const char *text = json_string_value(json_object_get(reply, "schema"));
    if (text != NULL) {
        *ret_text = arena_strdup(arena, text);
        pthread_mutex_lock(&schemas->mutex);
        mem_free(map_put_string(&schemas->texts, key, mem_strdup(text)));
        pthread_mutex_unlock(&schemas->mutex);
    }
    json_decref(reply);
    return text != NULL
               ? STATUS_OK
               : error_set(error, STATUS_UNAVAILABLE,
                           "the schema registry's answer for id %" PRId32 " has no schema", id);
}

static enum status schemas_latest(struct schemas *schemas,
                                  const char *subject,
                                  struct arena *arena,
                                  struct schema_version *ret_version,
                                  struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer url = BUFFER_INIT;
    json_t *reply = NULL;
    TRY(call(schemas, "GET", subject_url(schemas, "/subjects/", subject, "/versions/latest", &url),
             NULL, &reply, error));
    const char *text = json_string_value(json_object_get(reply, "schema"));
    *ret_version = (struct schema_version){
        .id = (int32_t) json_integer_value(json_object_get(reply, "id")),
        .version = (int32_t) json_integer_value(json_object_get(reply, "version")),
        .text = arena_strdup(arena, text == NULL ? "" : text),
    };
    json_decref(reply);
    return STATUS_OK;
}

static enum status schemas_set_compatibility(struct schemas *schemas,
                                             const char *subject,
                                             const char *level,
                                             struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer url = BUFFER_INIT;
    json_t *reply = NULL;
    TRY(call(schemas, "PUT", subject_url(schemas, "/config/", subject, "", &url),
             json_pack("{s:s}", "compatibility", level), &reply, error));
    json_decref(reply);
    return STATUS_OK;
}

const struct schemas_ops confluent_schemas_ops = {
    .name = "confluent",
    .open = schemas_open,
    .close = schemas_close,
    .register_schema = schemas_register,
    .check = schemas_check,
    .by_id = schemas_by_id,
    .latest = schemas_latest,
    .set_compatibility = schemas_set_compatibility,
};
