#include "cli/session.h"

#include "cli/console_target.h"

void session_open(struct session *session, const char *data, const char *running)
{
    *session = (struct session){0};
    arena_init(&session->arena, 0);
    session->status = workspace_open(data, &session->workspace, &session->error);
    if (session->status == STATUS_OK && running != NULL) {
        session->status = workspace_need_running(&session->workspace, running, &session->error);
    }
}

int session_end(struct session *session)
{
    workspace_close(&session->workspace);
    arena_deinit(&session->arena);
    (void) fflush(stdout);
    return session->status == STATUS_OK ? 0 : command_fail(&session->error);
}

enum status session_call(struct session *session,
                         const char *path,
                         const char *body,
                         struct http_reply *reply,
                         struct error *error)
{
    struct console_target target;
    struct http_client *client;
    TRY(console_target_find(session->workspace.path, NULL, &target, error));
    TRY(http_client_new(&target.client, &client, error));
    const struct http_request request = {
        .url = arena_printf(&session->arena, "%s%s", target.base, path),
        .headers = target.headers,
        .header_count = target.header_count,
        .body = slice_of_string(body),
        .timeouts = {3000000, 30000000, 30000000, 60000000},
    };
    enum status status = http_request(client, &request, reply, error);
    http_client_free(client);
    return status;
}
