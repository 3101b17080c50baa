#pragma once

/* What a request may say: a settings table for each query and body, from which come the parser, the
 * errors and the OpenAPI description. A name that no row has is refused. */

#include "base/settings.h"
#include "console/log_view.h"
#include "console/users.h"
#include "http/server.h"

/* A row of the API: the route, what its query and its body may hold (NULL: nothing), and who may
 * ask for it. A change that an operator or an admin makes goes to the audit log, with the begin of
 * its body unless that is `secret`. */
struct console_endpoint {
    struct http_route route;
    const struct settings_table *query;
    const struct settings_table *body;
    enum console_role role;
    bool secret;
};

extern const struct settings_table console_seek_table;
extern const struct settings_table console_scan_table;
extern const struct settings_table console_topic_new_table;
extern const struct settings_table console_topic_change_table;
extern const struct settings_table console_produce_table;
extern const struct settings_table console_reset_table;
extern const struct settings_table console_schema_table;
extern const struct settings_table console_sql_table;
extern const struct settings_table console_dead_table;
extern const struct settings_table console_retry_table;
extern const struct settings_table console_history_table;
extern const struct settings_table console_runs_table, console_run_log_table; /* dags.c */
extern const struct settings_table console_run_new_table, console_run_retry_table;
extern const struct settings_table console_ingest_table; /* ingest.c reads it itself */

extern const struct settings_table console_login_table;
extern const struct settings_table console_audit_table;
extern const struct settings_table console_alert_test_table;
extern const struct settings_table console_silence_table;

struct console_alert_test {
    const char *receiver;
};

struct console_silence_body {
    const char *rule, *target, *why; /* NULL: every one, all, "" */
    int64_t for_us;
};

struct console_login_body {
    const char *user;
    const char *password;
};

struct console_audit_query {
    int64_t limit;
};

struct console_history_query {
    const char *prefix; /* of the names of series; NULL: all */
    int64_t span;       /* µs back from now */
};

/* STATUS_DATA or STATUS_CONFIG if it is not what the table says. */
MUST_USE enum status console_query_read(struct http_exchange *exchange,
                                        const struct settings_table *table,
                                        void *ret_struct,
                                        struct error *error);
MUST_USE enum status console_body_read(struct http_exchange *exchange,
                                       const struct settings_table *table,
                                       void *ret_struct,
                                       struct error *error);
