/* Who asks, whether that one may, and what was changed. With no users file whoever reaches the
 * console is an admin without a name; off loopback app/ then does not start it. */

#include "base/time_text.h"
#include "console/console_internal.h"
#include "console/json_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COOKIE_PLAIN "leat_session"
#define COOKIE_TLS   "__Host-leat_session" /* only over TLS, of this host and of no other */

static const struct console_identity stranger = {.role = CONSOLE_ANYONE};
static const struct console_identity everybody = {.role = CONSOLE_ADMIN};

const struct console_identity *console_who(const struct http_exchange *exchange)
{
    return exchange->who == NULL ? &stranger : exchange->who;
}

static const char *cookie_name(const struct console *console)
{
    return console->tls ? COOKIE_TLS : COOKIE_PLAIN;
}

static const struct console_endpoint *endpoint_of(const struct console *console,
                                                  const struct http_exchange *exchange)
{
    return &console_endpoints[exchange->route - console->routes];
}

static bool is_change(const struct http_exchange *exchange)
{
    return strcmp(exchange->method, "GET") != 0;
}

/* ---- the audit log -----------------------------------------------------------------------------
 */

static void note(struct console *console,
                 struct http_exchange *exchange,
                 const struct console_identity *who,
                 int status)
{
    const struct console_endpoint *endpoint = endpoint_of(console, exchange);
    const struct audit_entry entry = {
        .who = who->name[0] == '\0' ? NULL : who->name,
        .role = who->name[0] == '\0' ? NULL : console_role_name(who->role),
        .peer = exchange->peer,
        .method = exchange->method,
        .path = exchange->path,
        .status = status,
        .body = endpoint->secret ? SLICE_EMPTY : exchange->body,
    };
    audit_trail_add(console->audit, &entry);
}

enum status console_handle(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    const struct console_endpoint *endpoint = endpoint_of(console, exchange);
    enum status status = endpoint->route.handle(exchange, context, error);
    if (is_change(exchange) && endpoint->role >= CONSOLE_OPERATOR) {
        int answered = status == STATUS_OK ? http_reply_status(exchange) : http_status_of(status);
        note(console, exchange, console_who(exchange), answered);
    }
    return status;
}

enum status console_get_audit(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_audit_query query;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    TRY(console_query_read(exchange, &console_audit_table, &query, error));
    TRY(audit_trail_read(console->audit, query.limit, &text, error));
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

/* ---- who may -----------------------------------------------------------------------------------
 */

/* What stands behind "Bearer" (RFC 6750); NULL if there is no such header. */
static const char *bearer_of(const struct http_exchange *exchange)
{
    const char *header = http_header(exchange, "Authorization");
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        return NULL;
    }
    return header + 7 + strspn(header + 7, " ");
}

static void find_out(struct console *console, struct http_exchange *exchange)
{
    if (console->login == NULL) {
        exchange->who = &everybody;
        return;
    }
    struct console_identity *who = ARENA_NEW(&exchange->arena, struct console_identity);
    const char *token = bearer_of(exchange);
    const char *session = token == NULL ? http_cookie(exchange, cookie_name(console)) : NULL;
    bool found = token != NULL     ? login_by_token(console->login, token, who)
                 : session != NULL ? login_by_session(console->login, session, who)
                                   : false;
    exchange->who = found ? who : &stranger;
}

bool console_access_refused(struct console *console, struct http_exchange *exchange)
{
    find_out(console, exchange);
    const struct console_endpoint *endpoint = endpoint_of(console, exchange);
    const struct console_identity *who = console_who(exchange);
    if (who->role >= endpoint->role) {
        return false;
    }
    if (who->role == CONSOLE_ANYONE) {
        http_reply_header(exchange, "WWW-Authenticate", "Bearer realm=\"leat\"");
        http_reply_message(exchange, 401, "log in first, or send a token");
        return true;
    }
    http_reply_message(exchange, 403, "\"%s\" is a %s; this needs the role %s", who->name,
                       console_role_name(who->role), console_role_name(endpoint->role));
    if (is_change(exchange)) {
        note(console, exchange, who, 403);
    }
    return true;
}

/* ---- sessions ----------------------------------------------------------------------------------
 */

static void reply_who(struct http_exchange *exchange,
                      const struct console *console,
                      const struct console_identity *who)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct json_writer json = {.target = &text};
    json_writer_open(&json, NULL, '{');
    json_writer_bool(&json, "login", console->login != NULL);
    json_writer_text(&json, "user", who->name[0] == '\0' ? NULL : who->name);
    json_writer_text(&json, "role", console_role_name(who->role));
    json_writer_close(&json, '}');
    console_reply_json(exchange, 200, &text);
}

enum status console_get_session(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) error;
    reply_who(exchange, context, console_who(exchange));
    return STATUS_OK;
}

static void
set_cookie(struct http_exchange *exchange, const struct console *console, const char *session)
{
    char cookie[200];
    (void) snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                    cookie_name(console), session, console->tls ? "; Secure" : "",
                    session[0] == '\0' ? "; Max-Age=0" : "");
    http_reply_header(exchange, "Set-Cookie", cookie);
}

static void refuse_login(struct http_exchange *exchange, int64_t wait_us)
{
    if (wait_us == 0) {
        http_reply_message(exchange, 401, "the name or the password is wrong");
        return;
    }
    char seconds[24];
    int64_t whole = (wait_us + US_PER_SECOND - 1) / US_PER_SECOND;
    (void) snprintf(seconds, sizeof(seconds), "%" PRId64, whole);
    http_reply_header(exchange, "Retry-After", seconds);
    http_reply_message(exchange, 429, "too many wrong passwords; wait %s s", seconds);
}

enum status console_post_session(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_login_body body;
    struct console_identity who = {0};
    char session[SECRET_BYTES];
    int64_t wait_us = 0;
    TRY(console_body_read(exchange, &console_login_table, &body, error));
    if (console->login == NULL) {
        return error_set(error, STATUS_CONFLICT, "this console has no login");
    }
    enum login_result result = login_with_password(console->login, exchange->peer, body.user,
                                                   body.password, session, &who, &wait_us);
    if (result == LOGIN_OK) {
        set_cookie(exchange, console, session);
        reply_who(exchange, console, &who);
    } else {
        (void) snprintf(who.name, sizeof(who.name), "%s", body.user);
        refuse_login(exchange, wait_us);
    }
    if (result != LOGIN_TOO_MANY) { /* those would fill the file */
        note(console, exchange, &who, http_reply_status(exchange));
    }
    return STATUS_OK;
}

enum status
console_delete_session(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    (void) error;
    if (console->login != NULL) {
        const char *session = http_cookie(exchange, cookie_name(console));
        if (session != NULL) {
            login_end(console->login, session);
        }
        set_cookie(exchange, console, "");
    }
    reply_who(exchange, console, console->login == NULL ? &everybody : &stranger);
    return STATUS_OK;
}
