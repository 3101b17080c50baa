/*
 * What stands between a browser and the console. Names and payloads from outside are hostile, and
 * so is any other page that is open in the same browser:
 *
 *   - nothing runs in the page but our own files (Content-Security-Policy without "unsafe-inline");
 *   - no other page may frame it or send it a change (Sec-Fetch-Site, or Origin against Host);
 *   - a change comes as JSON, or as a DELETE, which a form cannot send.
 *
 * Who may do what is access.c's.
 *
 * The names that a Host header may hold are checked by the server.
 */

#include "console/console_internal.h"

#include <string.h>
#include <strings.h>

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "img-src 'self'; connect-src 'self'; base-uri 'none'; "
                             "form-action 'none'; frame-ancestors 'none'";

/* "http://127.0.0.1:9021" of a request for "127.0.0.1:9021". */
static bool origin_is_own(const char *origin, const char *host)
{
    const char *after = strstr(origin, "://");
    return after != NULL && host != NULL && strcasecmp(after + 3, host) == 0;
}

static bool comes_from_elsewhere(const struct http_exchange *exchange)
{
    const char *site = http_header(exchange, "Sec-Fetch-Site");
    if (site != NULL) {
        return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    }
    const char *origin = http_header(exchange, "Origin");
    return origin != NULL && !origin_is_own(origin, http_header(exchange, "Host"));
}

static bool is_json(const struct http_exchange *exchange)
{
    const char *type = http_header(exchange, "Content-Type");
    size_t size = strlen("application/json");
    return type != NULL && strncasecmp(type, "application/json", size) == 0 &&
           (type[size] == '\0' || type[size] == ';' || type[size] == ' ');
}

static bool change_is_refused(struct http_exchange *exchange)
{
    if (strcmp(exchange->method, "GET") == 0) {
        return false;
    }
    if (comes_from_elsewhere(exchange)) {
        http_reply_message(exchange, 403, "another site's page may not change anything here");
        return true;
    }
    if (strcmp(exchange->method, "DELETE") != 0 && !is_json(exchange)) {
        http_reply_message(exchange, 415, "the body must be application/json");
        return true;
    }
    return false;
}

bool console_guard(struct http_exchange *exchange, void *context)
{
    struct console *console = context;
    http_reply_header(exchange, "Content-Security-Policy", policy);
    http_reply_header(exchange, "X-Content-Type-Options", "nosniff");
    http_reply_header(exchange, "Referrer-Policy", "no-referrer");
    http_reply_header(exchange, "Cross-Origin-Resource-Policy", "same-origin");
    http_reply_header(exchange, "Cache-Control", "no-store");
    if (console->tls && !console->loopback) {
        http_reply_header(exchange, "Strict-Transport-Security", "max-age=31536000");
    }
    return exchange->route != NULL &&
           (change_is_refused(exchange) || console_access_refused(console, exchange));
}
