/* Everything that the console answers. The table at the end is the API; /api/v1/openapi.json is
 * made from it. */

#include "base/metrics.h"
#include "console/console_internal.h"
#include "console/json_writer.h"
#include "console/request.h"
#include "console/snapshot.h"
#include "console/watch.h"
#include "io/clock.h"

#include <string.h>

#define DEAD_LIMIT_MAX 1000

static enum status take_snapshot(struct http_exchange *exchange,
                                 struct console *console,
                                 struct console_snapshot *ret_snapshot,
                                 struct error *error)
{
    return console_look(console, &exchange->arena, ret_snapshot, error);
}

void console_reply_json(struct http_exchange *exchange, int status, struct buffer *text)
{
    http_reply_take(exchange, status, "application/json", text);
}

/* ---- the page ----------------------------------------------------------------------------------
 */

static const char *content_type(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };

    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < ARRAY_SIZE(types); i++) {
        if (strcmp(dot, types[i].end) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

static void reply_file(struct http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < console_page_count; i++) {
        if (strcmp(console_page[i].name, name) == 0) {
            http_reply_static(exchange, 200, content_type(name), console_page[i].bytes);
            return;
        }
    }
    http_reply_message(exchange, 404, "the page has no file \"%s\"", name);
}

static enum status get_page(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_file(exchange, "index.html");
    return STATUS_OK;
}

static enum status get_file(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    reply_file(exchange, http_param(exchange, "file"));
    return STATUS_OK;
}

/* ---- how things are ----------------------------------------------------------------------------
 */

static enum status get_status(struct http_exchange *exchange, void *context, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    TRY(console_status(context, &text, error));
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

static enum status reply_part(struct http_exchange *exchange,
                              struct console *console,
                              void (*write)(const struct console_snapshot *snapshot,
                                            struct buffer *target),
                              struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct console_snapshot snapshot;
    TRY(take_snapshot(exchange, console, &snapshot, error));
    write(&snapshot, &text);
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

static enum status get_sources(struct http_exchange *exchange, void *context, struct error *error)
{
    return reply_part(exchange, context, snapshot_write_sources, error);
}

static enum status get_topics(struct http_exchange *exchange, void *context, struct error *error)
{
    return reply_part(exchange, context, snapshot_write_topics, error);
}

static enum status get_groups(struct http_exchange *exchange, void *context, struct error *error)
{
    return reply_part(exchange, context, snapshot_write_groups, error);
}

/* A stream starts even while the engine is busy; the first event then comes a little later. */
static enum status get_events(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    bool known = console_status(console, &text, error) == STATUS_OK;
    http_reply_events(exchange, console->events, known ? "status" : NULL, buffer_slice(&text));
    return STATUS_OK;
}

/* ---- for machines ------------------------------------------------------------------------------
 */

/* Of the process, whatever the engine does; of the pipelines, if it has the time to say. */
static enum status get_metrics(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_snapshot snapshot;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    bool known = take_snapshot(exchange, console, &snapshot, error) == STATUS_OK;
    metrics_write(&text);
    buffer_printf(&text,
                  "# HELP leat_build_info The version.\n# TYPE leat_build_info gauge\n"
                  "leat_build_info{version=\"%s\"} 1\n"
                  "# HELP leat_start_timestamp_seconds When this process started.\n"
                  "# TYPE leat_start_timestamp_seconds gauge\n"
                  "leat_start_timestamp_seconds %.6f\n"
                  "# HELP leat_up Whether the engine answered in time.\n"
                  "# TYPE leat_up gauge\nleat_up %d\n",
                  LEAT_VERSION, (double) console->started_us / 1e6, known);
    if (known) {
        snapshot_write_metrics(&snapshot, &text);
    }
    http_reply_take(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
    return STATUS_OK;
}

static enum status get_livez(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    http_reply(exchange, 200, "text/plain; charset=utf-8", SLICE("ok\n"));
    return STATUS_OK;
}

static void reason(struct json_writer *json, bool *ready, const char *text)
{
    json_writer_text(json, NULL, text);
    *ready = false;
}

/* Ready: everything that should run does (strangers are not told what does not). A source that
 * retries is trouble, and shown as such, but restarting leat or sending its clients elsewhere would
 * not mend it. */
static void write_reasons(struct http_exchange *exchange,
                          const struct console_snapshot *snapshot,
                          struct json_writer *json,
                          bool *ret_ready)
{
    struct arena *arena = &exchange->arena;
    const char *why = snapshot->fault.message;
    if (snapshot->state == CONSOLE_DRAINING) {
        reason(json, ret_ready, "draining");
    } else if (snapshot->state == CONSOLE_FAILED) {
        reason(json, ret_ready, why != NULL ? why : "failed");
    }
    if (snapshot->role_fault.message != NULL) {
        reason(json, ret_ready, snapshot->role_fault.message);
    }
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        const struct console_flow *flow = &snapshot->flows[i];
        if (!flow->running && !flow->waits_for_schema) {
            why = flow->fault.message != NULL ? flow->fault.message : "stopped";
            reason(json, ret_ready,
                   arena_printf(arena, "pipeline \"%s\": topic \"%s\": %s", flow->pipeline,
                                flow->topic, why));
        }
    }
}

/* A stand-by is ready: for its turn. Who sends work to the leader alone looks at the role. */
static void write_role(const struct console_snapshot *snapshot, struct buffer *target)
{
    if (snapshot->role == NULL) {
        return;
    }
    buffer_printf(target, ",\"role\":\"%s\"", snapshot->role);
    if (snapshot->leader != NULL) {
        buffer_append_string(target, ",\"leader\":");
        buffer_append_json(target, slice_of_string(snapshot->leader));
    }
}

static enum status get_readyz(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console_snapshot snapshot = {0};
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer reasons = BUFFER_INIT;
    struct json_writer json = {.target = &reasons};
    bool ready = true;
    json_writer_open(&json, NULL, '[');
    if (take_snapshot(exchange, context, &snapshot, error) == STATUS_OK) {
        write_reasons(exchange, &snapshot, &json, &ready);
    } else {
        reason(&json, &ready, error->message);
    }
    json_writer_close(&json, ']');
    bool stranger = console_who(exchange)->role == CONSOLE_ANYONE;
    buffer_printf(&text, "{\"ready\":%s,\"reasons\":%s", ready ? "true" : "false",
                  stranger ? "[]" : buffer_string(&reasons));
    if (!stranger) {
        write_role(&snapshot, &text);
    }
    buffer_append_string(&text, "}");
    console_reply_json(exchange, ready ? 200 : 503, &text);
    return STATUS_OK;
}

static enum status get_openapi(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    console_openapi_write(&text);
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

/* ---- dead letters ------------------------------------------------------------------------------
 */

static enum status check_hop(const char *hop, struct error *error)
{
    if (hop != NULL && strcmp(hop, "source") != 0 && strcmp(hop, "process") != 0 &&
        strcmp(hop, "sink") != 0) {
        return error_set(error, STATUS_DATA,
                         "hop is \"%s\", not \"source\", \"process\" or "
                         "\"sink\"",
                         hop);
    }
    return STATUS_OK;
}

static enum status get_dead(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_dead_filter filter;
    TRY(console_query_read(exchange, &console_dead_table, &filter, error));
    TRY(check_hop(filter.hop, error));
    struct console_dead *letters;
    size_t count;
    TRY(console->provider.dead_list(console->provider.context, &filter, &exchange->arena, &letters,
                                    &count, error));
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    dead_write(letters, count, &text);
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

/* {"store": "tables", "id": 3}, or {"hop": "process", "name": "created_users", "reason": "cast"};
 * all may be left out. */
static enum status filter_of_body(struct http_exchange *exchange,
                                  struct console_dead_filter *ret_filter,
                                  struct error *error)
{
    TRY(console_body_read(exchange, &console_retry_table, ret_filter, error));
    ret_filter->limit = DEAD_LIMIT_MAX;
    if (ret_filter->id != 0 && ret_filter->store == NULL) {
        return error_set(error, STATUS_DATA, "\"id\" needs \"store\": each store counts its own");
    }
    return check_hop(ret_filter->hop, error);
}

static enum status retry_dead(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_dead_filter filter;
    struct console_retry_result result = {0};
    TRY(filter_of_body(exchange, &filter, error));
    TRY(console->provider.dead_retry(console->provider.context, &filter, &result, error));
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct json_writer json = {.target = &text};
    json_writer_open(&json, NULL, '{');
    json_writer_int(&json, "tried", result.tried);
    json_writer_int(&json, "resolved", result.resolved);
    json_writer_close(&json, '}');
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

/* ---- the past ----------------------------------------------------------------------------------
 */

static enum status get_history(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_history_query query;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    TRY(console_query_read(exchange, &console_history_table, &query, error));
    watch_history(console->watch, query.prefix, clock_now_us(), query.span, &text);
    console_reply_json(exchange, 200, &text);
    return STATUS_OK;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

#define ENDPOINT(method, path, handler, query_, body_, role_, help_)                               \
    {                                                                                              \
        .route = {method, path, handler, help_}, .query = (query_), .body = (body_),               \
        .role = (role_)                                                                            \
    }
/* What strangers may see: the page itself, how to log in, and whether this process works. */
#define OPEN(path, handler, help) ENDPOINT("GET", path, handler, NULL, NULL, CONSOLE_ANYONE, help)
#define GET(path, handler, help)  ENDPOINT("GET", path, handler, NULL, NULL, CONSOLE_VIEWER, help)
#define GET_BY(path, handler, query, help)                                                         \
    ENDPOINT("GET", path, handler, query, NULL, CONSOLE_VIEWER, help)
#define ASK(path, handler, body, help)                                                             \
    ENDPOINT("POST", path, handler, NULL, body, CONSOLE_VIEWER, help)
#define CHANGE(method, path, handler, body, help)                                                  \
    ENDPOINT(method, path, handler, NULL, body, CONSOLE_OPERATOR, help)
#define ADMIN(method, path, handler, body, help)                                                   \
    ENDPOINT(method, path, handler, NULL, body, CONSOLE_ADMIN, help)

/* clang-format off */
const struct console_endpoint console_endpoints[] = {
    OPEN("/", get_page, "The page."),
    OPEN("/page/{file*}", get_file, "A file of the page."),
    OPEN("/api/v1/session", console_get_session, "Who you are, and whether a login is needed."),
    {.route = {"POST", "/api/v1/session", console_post_session, "Logs in: the reply sets a cookie."},
     .body = &console_login_table, .secret = true},
    {.route = {"DELETE", "/api/v1/session", console_delete_session, "Logs out."}},
    {.route = {"GET", "/api/v1/audit", console_get_audit, "Who changed what, the newest first."},
     .query = &console_audit_table, .role = CONSOLE_ADMIN},
    GET("/api/v1/status", get_status, "Everything at once: totals, problems and all below."),
    GET("/api/v1/events", get_events, "The same as server-sent events, one a second."),
    GET_BY("/api/v1/history", get_history, &console_history_table, "Numbers over time, for charts."),
    GET("/api/v1/sources", get_sources, "Sources, with staging and capture."),
    GET("/api/v1/topics", get_topics, "Topics of the log, with their partitions."),
    ADMIN("POST", "/api/v1/topics", console_post_topic, &console_topic_new_table, "Makes a topic."),
    GET("/api/v1/topics/{topic}", console_get_topic, "One topic, with its settings."),
    ADMIN("PATCH", "/api/v1/topics/{topic}", console_patch_topic, &console_topic_change_table,
           "Changes settings, or adds partitions."),
    ADMIN("DELETE", "/api/v1/topics/{topic}", console_delete_topic, NULL, "Deletes a topic."),
    GET_BY("/api/v1/topics/{topic}/records", console_get_records, &console_seek_table,
           "A page of records."),
    {.route = {"POST", "/api/v1/topics/{topic}/records", console_post_record, "Writes a record."},
     .body = &console_produce_table, .role = CONSOLE_OPERATOR, .secret = true},
    GET_BY("/api/v1/topics/{topic}/scan", console_get_scan, &console_scan_table,
           "Searches a topic, or follows it: JSON lines."),
    GET("/api/v1/groups", get_groups, "Consumer groups, with lag and verdict."),
    GET("/api/v1/groups/{group}", console_get_group, "One group, with its members."),
    ADMIN("DELETE", "/api/v1/groups/{group}", console_delete_group, NULL,
           "Deletes a group that has no members."),
    CHANGE("POST", "/api/v1/groups/{group}/reset", console_reset_group, &console_reset_table,
           "Moves a group, or shows where it would go."),
    GET("/api/v1/schemas", console_get_subjects, "Subjects of the schema registry."),
    GET("/api/v1/schemas/{subject}", console_get_subject, "A subject with all its versions."),
    ADMIN("POST", "/api/v1/schemas/{subject}", console_post_schema, &console_schema_table,
           "Registers a version, or checks whether it could be."),
    GET("/api/v1/relations", console_get_relations, "Tables and topics that a query can read."),
    ASK("/api/v1/query", console_post_query, &console_sql_table,
           "Rows of a query over tables and topics."),
    GET_BY("/api/v1/dead", get_dead, &console_dead_table, "Refused records."),
    CHANGE("POST", "/api/v1/dead/retry", retry_dead, &console_retry_table,
           "Tries refused records again."),
    GET("/api/v1/ingests", console_get_ingests, "What was asked for beside the schedules."),
    CHANGE("POST", "/api/v1/ingests", console_post_ingest, &console_ingest_table,
           "Fetches a source once."),
    GET("/api/v1/ingests/{id}", console_get_ingest, "One of them: its state and counts."),
    CHANGE("POST", "/api/v1/ingests/{id}/cancel", console_cancel_ingest, NULL,
           "Ends it; what was accepted stays."),
    GET("/api/v1/alerts", console_get_alerts, "Rules, what fires, history, silences, receivers."),
    CHANGE("POST", "/api/v1/alerts/test", console_test_alert, &console_alert_test_table,
           "Tells a receiver, to see whether it arrives."),
    CHANGE("POST", "/api/v1/alerts/silences", console_post_silence, &console_silence_table,
           "Holds back what alerts would tell."),
    CHANGE("DELETE", "/api/v1/alerts/silences/{id}", console_delete_silence, NULL,
           "Ends a silence."),
    GET("/api/v1/dags", console_get_dags, "DAGs: schedule, when they are due, their last run."),
    GET("/api/v1/dags/{dag}", console_get_dag, "One DAG: its tasks and parameters."),
    CHANGE("POST", "/api/v1/dags/{dag}/run", console_run_dag, &console_run_new_table,
           "Runs it now."),
    CHANGE("POST", "/api/v1/dags/{dag}/pause", console_pause_dag, NULL,
           "Makes no more runs of its schedule."),
    CHANGE("POST", "/api/v1/dags/{dag}/resume", console_resume_dag, NULL,
           "Follows its schedule again."),
    GET_BY("/api/v1/runs", console_get_runs, &console_runs_table, "What ran, the newest first."),
    GET("/api/v1/runs/{run}", console_get_run, "One run: its tasks and tries."),
    GET_BY("/api/v1/runs/{run}/log", console_get_run_log, &console_run_log_table,
           "What a task wrote, from a byte on."),
    CHANGE("POST", "/api/v1/runs/{run}/cancel", console_cancel_run, NULL, "Ends it."),
    CHANGE("POST", "/api/v1/runs/{run}/retry", console_retry_run, &console_run_retry_table,
           "Runs what failed again."),
    GET("/api/v1/openapi.json", get_openapi, "This description."),
    GET("/metrics", get_metrics, "Metrics in Prometheus' text format."),
    OPEN("/livez", get_livez, "200 while this process serves."),
    OPEN("/readyz", get_readyz, "200 while all pipelines run, else 503 with the reasons."),
};
/* clang-format on */
const size_t console_endpoint_count = ARRAY_SIZE(console_endpoints);
