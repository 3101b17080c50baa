#pragma once

/* What most commands begin and end with: a workspace, an arena, an error. */

#include "app/workspace.h"
#include "cli/command.h"
#include "http/client.h"

struct session {
    struct workspace workspace;
    struct arena arena;
    struct error error;
    enum status status;
};

/* Opens the data directory and, if `running` is not NULL, asks that leat runs on it: `running`
 * completes "cannot ...". What fails is in session->status. */
void session_open(struct session *session, const char *data, const char *running);

/* Closes; prints the error if there is one; returns the exit code. */
int session_end(struct session *session);

/* A request to the REST API of the running leat. `body` NULL: GET. */
MUST_USE enum status session_call(struct session *session,
                                  const char *path,
                                  const char *body,
                                  struct http_reply *reply,
                                  struct error *error);
