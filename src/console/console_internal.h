#pragma once

/* What the files of the console share. */

#include "base/embedded.h"
#include "console/console.h"
#include "http/server.h"
#include "io/thread.h"

struct console {
    struct console_provider provider;
    struct http_server *server;
    struct http_events *events;
    struct thread *publisher; /* one snapshot a second, while someone listens */
    int64_t started_us;
};

/* The files of page/, made by tools/embed.py. */
extern const struct embedded_file console_page[];
extern const size_t console_page_count;

/* api.c: everything that is answered. */
extern const struct http_route console_routes[];
extern const size_t console_route_count;

/* ingest.c: what schedulers ask for. */
http_handler console_get_ingests;
http_handler console_get_ingest;
http_handler console_post_ingest;
http_handler console_cancel_ingest;

/* The status object, the data of each event; STATUS_AGAIN as of the provider. */
MUST_USE enum status
console_status(struct console *console, struct buffer *target, struct error *error);

/* guard.c: headers of every reply; true if the request was refused. A `before` of the server. */
bool console_guard(struct http_exchange *exchange, void *context);

/* openapi.c: describes `console_routes`. */
void console_openapi_write(struct buffer *target);
