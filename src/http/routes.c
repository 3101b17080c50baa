#include "http/server_internal.h"

#include <string.h>

/* The next segment of *path and moves behind it; false at the end. A last "/" makes no segment. */
static bool next_segment(const char **path, struct slice *ret_segment)
{
    const char *at = *path;
    if (*at == '/') {
        at++;
    }
    if (*at == '\0') {
        return false;
    }
    size_t size = strcspn(at, "/");
    *ret_segment = slice_of(at, size);
    *path = at + size;
    return true;
}

static size_t param_count(const char *pattern)
{
    size_t count = 0;
    for (; *pattern != '\0'; pattern++) {
        count += *pattern == '{';
    }
    return count;
}

/* Takes the parameter's name out of "{name}" or "{name*}". */
static struct slice param_name(struct slice segment, bool *ret_rest)
{
    *ret_rest = segment.data[segment.size - 2] == '*';
    return slice_of(segment.data + 1, segment.size - 2 - *ret_rest);
}

enum match {
    MATCH_NO,
    MATCH_YES,
    MATCH_MALFORMED
};

static enum match match_literal(struct slice pattern, struct slice segment, struct arena *arena)
{
    if (slice_equal(pattern, segment)) {
        return MATCH_YES;
    }
    if (memchr(segment.data, '%', segment.size) == NULL) {
        return MATCH_NO;
    }
    char *decoded = url_decode(segment, URL_PATH, arena);
    if (decoded == NULL) {
        return MATCH_MALFORMED;
    }
    return slice_equal_string(pattern, decoded) ? MATCH_YES : MATCH_NO;
}

/* Matches the path and fills `params`, which has room for those of the pattern. */
static enum match match_route(const struct http_route *route,
                              const char *path,
                              struct http_pair *params,
                              struct arena *arena)
{
    const char *pattern = route->pattern;
    struct slice wanted;
    struct slice segment;
    size_t count = 0;
    while (next_segment(&pattern, &wanted)) {
        bool is_param = wanted.size > 2 && wanted.data[0] == '{';
        bool rest = false;
        struct slice name = is_param ? param_name(wanted, &rest) : SLICE_EMPTY;
        if (rest) {
            segment = slice_of_string(*path == '/' ? path + 1 : path);
            path = "";
        } else if (!next_segment(&path, &segment)) {
            return MATCH_NO;
        }
        if (!is_param) {
            enum match match = match_literal(wanted, segment, arena);
            if (match != MATCH_YES) {
                return match;
            }
            continue;
        }
        if (segment.size == 0 && !rest) {
            return MATCH_NO;
        }
        params[count].name = arena_string(arena, name);
        params[count].value = url_decode(segment, URL_PATH, arena);
        if (params[count].value == NULL) {
            return MATCH_MALFORMED;
        }
        count++;
    }
    return next_segment(&path, &segment) ? MATCH_NO : MATCH_YES;
}

/* Adds a method to those of the path, once. */
static void allow_add(struct buffer *allow, const char *method)
{
    if (strstr(buffer_string(allow), method) == NULL) {
        buffer_append_string(allow, ", ");
        buffer_append_string(allow, method);
    }
    if (strcmp(method, "GET") == 0) {
        allow_add(allow, "HEAD");
    }
}

int route_find(struct http_call *call)
{
    struct http_exchange *exchange = &call->exchange;
    const struct http_server_config *config = &call->server->config;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct http_route *route = &config->routes[i];
        size_t count = param_count(route->pattern);
        struct http_pair *params = ARENA_ARRAY(&exchange->arena, struct http_pair, count);
        switch (match_route(route, exchange->path, params, &exchange->arena)) {
        case MATCH_NO:
            break;
        case MATCH_MALFORMED:
            return 400;
        case MATCH_YES:
            if (strcmp(route->method, exchange->method) == 0) {
                exchange->route = route;
                exchange->params = params;
                exchange->param_count = count;
                return 200;
            }
            if (call->allow.size == 0) {
                buffer_append_string(&call->allow, "OPTIONS");
            }
            allow_add(&call->allow, route->method);
        }
    }
    return call->allow.size == 0 ? 404 : 405;
}
