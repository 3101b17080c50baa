#include "cli/session.h"

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
    static const struct http_request_header headers[] = {
        {"Content-Type", "application/json", false}};
    static const struct http_client_config config = {0};
    struct http_client *client;
    TRY(http_client_new(&config, &client, error));
    const struct http_request request = {
        .url = arena_printf(&session->arena, "http://%s%s", session->workspace.running.http, path),
        .headers = headers,
        .header_count = body == NULL ? 0 : ARRAY_SIZE(headers),
        .body = slice_of_string(body),
        .timeouts = {3000000, 30000000, 30000000, 60000000},
    };
    enum status status = http_request(client, &request, reply, error);
    http_client_free(client);
    return status;
}
