/* The API as OpenAPI 3.1, from the table of endpoints: paths from the routes, parameters and bodies
 * from the settings tables that also read them. */

#include "console/console_internal.h"
#include "console/json_writer.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* "/page/{file*}" as "/page/{file}". */
static void path_of(const struct http_route *route, char *target, size_t size)
{
    size_t length = 0;
    for (const char *at = route->pattern; *at != '\0' && length + 1 < size; at++) {
        if (*at != '*') {
            target[length++] = *at;
        }
    }
    target[length] = '\0';
}

/* A field of a query or body. Durations and sizes are texts such as "1h" and "4 KiB". */
static void write_schema(struct json_writer *json, const struct setting *row, bool in_body)
{
    json_writer_open(json, "schema", '{');
    switch (row->type) {
    case SETTING_INT:
        json_writer_text(json, "type", "integer");
        json_writer_int(json, "minimum", row->min);
        if (row->max != 0) {
            json_writer_int(json, "maximum", row->max);
        }
        break;
    case SETTING_BOOL:
        json_writer_text(json, "type", "boolean");
        break;
    case SETTING_CHOICE:
        json_writer_open(json, "enum", '[');
        for (size_t i = 0; row->choices[i] != NULL; i++) {
            json_writer_text(json, NULL, row->choices[i]);
        }
        json_writer_close(json, ']');
        break;
    case SETTING_PAIRS:
        json_writer_text(json, "type", "object");
        json_writer_open(json, "additionalProperties", '{');
        json_writer_text(json, "type", "string");
        json_writer_close(json, '}');
        break;
    default:
        json_writer_text(json, "type", "string");
        break;
    }
    if (row->default_text != NULL && row->type != SETTING_INT && row->type != SETTING_BOOL) {
        json_writer_text(json, "default", row->default_text);
    } else if (row->default_text != NULL) {
        json_writer_raw(json, "default", slice_of_string(row->default_text));
    }
    if (in_body) {
        json_writer_text(json, "description", row->help);
    }
    json_writer_close(json, '}');
}

static void write_parameter(struct json_writer *json,
                            struct slice name,
                            const char *in,
                            const struct setting *row)
{
    json_writer_open(json, NULL, '{');
    json_writer_bytes(json, "name", name);
    json_writer_text(json, "in", in);
    json_writer_bool(json, "required", row == NULL || (row->flags & SETTING_REQUIRED) != 0);
    if (row == NULL) {
        json_writer_open(json, "schema", '{');
        json_writer_text(json, "type", "string");
        json_writer_close(json, '}');
    } else {
        json_writer_text(json, "description", row->help);
        write_schema(json, row, false);
    }
    json_writer_close(json, '}');
}

static void
write_parameters(struct json_writer *json, const char *path, const struct settings_table *query)
{
    json_writer_open(json, "parameters", '[');
    for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        write_parameter(json, slice_of(open + 1, strcspn(open + 1, "}")), "path", NULL);
    }
    for (size_t i = 0; query != NULL && i < query->count; i++) {
        write_parameter(json, slice_of_string(query->rows[i].name), "query", &query->rows[i]);
    }
    json_writer_close(json, ']');
}

static void write_body(struct json_writer *json, const struct settings_table *body)
{
    json_writer_open(json, "requestBody", '{');
    json_writer_bool(json, "required", true);
    json_writer_open(json, "content", '{');
    json_writer_open(json, "application/json", '{');
    json_writer_open(json, "schema", '{');
    json_writer_text(json, "type", "object");
    json_writer_text(json, "description", body->help);
    json_writer_bool(json, "additionalProperties", false);
    json_writer_open(json, "properties", '{');
    for (size_t i = 0; i < body->count; i++) {
        /* write_schema writes the key "schema"; here the key is the field's name */
        struct buffer field CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct json_writer own = {.target = &field};
        write_schema(&own, &body->rows[i], true);
        struct slice text = buffer_slice(&field);
        size_t skip = strlen("\"schema\":");
        json_writer_raw(json, body->rows[i].name, slice_of(text.data + skip, text.size - skip));
    }
    json_writer_close(json, '}');
    json_writer_open(json, "required", '[');
    for (size_t i = 0; i < body->count; i++) {
        if ((body->rows[i].flags & SETTING_REQUIRED) != 0) {
            json_writer_text(json, NULL, body->rows[i].name);
        }
    }
    json_writer_close(json, ']');
    json_writer_close(json, '}');
    json_writer_close(json, '}');
    json_writer_close(json, '}');
    json_writer_close(json, '}');
}

static void
write_operation(struct json_writer *json, const struct console_endpoint *endpoint, const char *path)
{
    char method[16] = "";
    for (size_t i = 0; endpoint->route.method[i] != '\0' && i + 1 < sizeof(method); i++) {
        method[i] = (char) tolower((unsigned char) endpoint->route.method[i]);
    }
    json_writer_open(json, method, '{');
    json_writer_text(json, "summary", endpoint->route.help);
    write_parameters(json, path, endpoint->query);
    if (endpoint->body != NULL) {
        write_body(json, endpoint->body);
    }
    json_writer_open(json, "responses", '{');
    json_writer_open(json, "200", '{');
    json_writer_text(json, "description", endpoint->route.help);
    json_writer_close(json, '}');
    json_writer_open(json, "default", '{');
    json_writer_text(json, "description", "{\"error\": {\"status\", \"message\", \"hint\"}}");
    json_writer_close(json, '}');
    json_writer_close(json, '}');
    json_writer_close(json, '}');
}

/* Endpoints of one path stand together in the table. */
void console_openapi_write(struct buffer *target)
{
    struct json_writer json = {.target = target};
    const char *before = "";
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "openapi", "3.1.0");
    json_writer_open(&json, "info", '{');
    json_writer_text(&json, "title", "leat");
    json_writer_text(&json, "version", LEAT_VERSION);
    json_writer_close(&json, '}');
    json_writer_open(&json, "paths", '{');
    for (size_t i = 0; i < console_endpoint_count; i++) {
        const struct console_endpoint *endpoint = &console_endpoints[i];
        char path[200];
        path_of(&endpoint->route, path, sizeof(path));
        if (strcmp(endpoint->route.pattern, before) != 0) {
            if (i > 0) {
                json_writer_close(&json, '}');
            }
            json_writer_open(&json, path, '{');
        }
        before = endpoint->route.pattern;
        write_operation(&json, endpoint, path);
    }
    json_writer_close(&json, '}');
    json_writer_close(&json, '}');
    json_writer_close(&json, '}');
}
