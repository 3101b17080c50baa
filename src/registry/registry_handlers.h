#pragma once

/* What the files of the REST API share: pieces of requests and replies, and the handlers of schemas
 * and subjects for the table of routes. */

#include "http/server.h"
#include "registry/registry.h"

#include <jansson.h>

#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

struct registry *registry_of(void *context); /* of a handler */

/* 200 with the JSON, which is freed. */
void registry_reply(struct http_exchange *exchange, json_t *json);

/* Failures of the registry are replies of the API, not of the server: STATUS_OK. */
enum status
registry_answer(struct http_exchange *exchange, enum status status, struct error *error);

/* A query parameter that is "true". */
bool registry_flag(const struct http_exchange *exchange, const char *name);

/* "3", "latest" in any case, "-1"; false after 42202 was answered. */
bool registry_version_asked(struct http_exchange *exchange, int32_t *ret_version);

/* The schema text of a request body; NULL after a fault was answered. Free the body. */
const char *registry_schema_asked(struct http_exchange *exchange, json_t **ret_body);

enum status registry_get_by_id(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_text_by_id(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_subjects_by_id(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_versions_by_id(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_schemas(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_subjects(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_versions(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_version(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_version_text(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_get_referenced_by(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_post_version(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_post_subject(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_delete_subject(struct http_exchange *exchange, void *context, struct error *error);
enum status
registry_delete_version(struct http_exchange *exchange, void *context, struct error *error);
