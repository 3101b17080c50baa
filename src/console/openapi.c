/* The API as OpenAPI 3.1, from the route table. */

#include "console/console_internal.h"
#include "console/json_writer.h"

#include <ctype.h>
#include <string.h>

/* "/page/{file*}" as "/page/{file}". */
static const char *path_of(const struct http_route *route, char *target, size_t size)
{
    size_t length = 0;
    for (const char *at = route->pattern; *at != '\0' && length + 1 < size; at++) {
        if (*at != '*') {
            target[length++] = *at;
        }
    }
    target[length] = '\0';
    return target;
}

static void write_parameters(struct json_writer *json, const char *path)
{
    json_writer_open(json, "parameters", '[');
    for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        json_writer_open(json, NULL, '{');
        json_writer_bytes(json, "name", slice_of(open + 1, strcspn(open + 1, "}")));
        json_writer_text(json, "in", "path");
        json_writer_bool(json, "required", true);
        json_writer_open(json, "schema", '{');
        json_writer_text(json, "type", "string");
        json_writer_close(json, '}');
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

static void write_operation(struct json_writer *json, const struct http_route *route, char *path)
{
    char method[16] = "";
    for (size_t i = 0; route->method[i] != '\0' && i + 1 < sizeof(method); i++) {
        method[i] = (char) tolower((unsigned char) route->method[i]);
    }
    json_writer_open(json, method, '{');
    json_writer_text(json, "summary", route->help);
    write_parameters(json, path);
    if (strcmp(method, "post") == 0) {
        json_writer_open(json, "requestBody", '{');
        json_writer_open(json, "content", '{');
        json_writer_open(json, "application/json", '{');
        json_writer_open(json, "schema", '{');
        json_writer_text(json, "type", "object");
        json_writer_close(json, '}');
        json_writer_close(json, '}');
        json_writer_close(json, '}');
        json_writer_close(json, '}');
    }
    json_writer_open(json, "responses", '{');
    json_writer_open(json, "200", '{');
    json_writer_text(json, "description", route->help);
    json_writer_close(json, '}');
    json_writer_open(json, "default", '{');
    json_writer_text(json, "description", "{\"error\": {\"status\", \"message\", \"hint\"}}");
    json_writer_close(json, '}');
    json_writer_close(json, '}');
    json_writer_close(json, '}');
}

/* Each path of the table has one method. */
void console_openapi_write(struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "openapi", "3.1.0");
    json_writer_open(&json, "info", '{');
    json_writer_text(&json, "title", "leat");
    json_writer_text(&json, "version", LEAT_VERSION);
    json_writer_close(&json, '}');
    json_writer_open(&json, "paths", '{');
    for (size_t i = 0; i < console_route_count; i++) {
        char path[200];
        (void) path_of(&console_routes[i], path, sizeof(path));
        json_writer_open(&json, path, '{');
        write_operation(&json, &console_routes[i], path);
        json_writer_close(&json, '}');
    }
    json_writer_close(&json, '}');
    json_writer_close(&json, '}');
}
