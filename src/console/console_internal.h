#pragma once

/* What the files of the console share. */

#include "base/embedded.h"
#include "console/alerts.h"
#include "console/audit_trail.h"
#include "console/console.h"
#include "console/login.h"
#include "console/request.h"
#include "console/watch.h"
#include "http/server.h"
#include "io/thread.h"

#include <stdatomic.h>

struct console {
    struct console_provider provider;
    struct http_server *server;
    struct http_events *events;
    struct thread *publisher; /* one snapshot a second, while someone listens */
    struct watch *watch;
    struct http_route *routes; /* of console_endpoints, each through console_handle */
    struct login *login;       /* NULL: whoever reaches this is an admin */
    struct audit_trail *audit;
    struct alerts *alerts;
    struct thread *alerter; /* NULL: there is no rule */
    bool tls;
    bool loopback;
    atomic_bool stopping;
    int64_t started_us;
};

/* The files of page/, made by tools/embed.py. */
extern const struct embedded_file console_page[];
extern const size_t console_page_count;

/* api.c: everything that is answered. */
extern const struct console_endpoint console_endpoints[];
extern const size_t console_endpoint_count;

/* Takes the text. */
void console_reply_json(struct http_exchange *exchange, int status, struct buffer *text);

/* The provider's snapshot with what the watch knows. */
MUST_USE enum status console_look(struct console *console,
                                  struct arena *arena,
                                  struct console_snapshot *ret_snapshot,
                                  struct error *error);

/* ingest.c: what schedulers ask for. */
http_handler console_get_ingests;
http_handler console_get_ingest;
http_handler console_post_ingest;
http_handler console_cancel_ingest;

/* dags.c */
http_handler console_get_dags, console_get_dag, console_pause_dag, console_resume_dag;
http_handler console_run_dag, console_get_runs, console_get_run, console_get_run_log;
http_handler console_cancel_run, console_retry_run;

/* The status object, the data of each event; STATUS_AGAIN as of the provider. */
MUST_USE enum status
console_status(struct console *console, struct buffer *target, struct error *error);

/* guard.c: headers of every reply; true if the request was refused. A `before` of the server. */
bool console_guard(struct http_exchange *exchange, void *context);

/* access.c: who asks; whether that one may; what was changed. */

/* Never NULL; `role` CONSOLE_ANYONE for a stranger. */
const struct console_identity *console_who(const struct http_exchange *exchange);

/* Finds out who asks. True if it was refused, with the reply made. */
bool console_access_refused(struct console *console, struct http_exchange *exchange);

/* Runs the handler of the endpoint and notes what it changed. */
http_handler console_handle;
http_handler console_get_session, console_post_session, console_delete_session, console_get_audit;

/* api_alerts.c */
void console_watch_alerts(struct thread *self, void *context); /* a thread's function */
http_handler console_get_alerts, console_test_alert, console_post_silence, console_delete_silence;

/* api_log.c: handlers that ask the broker, the registry and the tables. */
http_handler console_get_topic, console_post_topic, console_patch_topic, console_delete_topic;
http_handler console_get_records, console_post_record, console_get_scan;
http_handler console_get_group, console_delete_group, console_reset_group;
http_handler console_get_subjects, console_get_subject, console_post_schema;
http_handler console_get_relations, console_post_query;

/* openapi.c: describes `console_endpoints`. */
void console_openapi_write(struct buffer *target);
