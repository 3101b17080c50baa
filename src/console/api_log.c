/* Handlers that ask the broker, the schema registry and the tables, through console_log_view. */

#include "base/memory.h"
#include "console/console_internal.h"
#include "console/json_writer.h"

static enum status
view_of(struct console *console, const struct console_log_view **ret_view, struct error *error)
{
    *ret_view = console->provider.log;
    if (*ret_view == NULL) {
        return error_set(error, STATUS_UNAVAILABLE, "this console has no log to ask");
    }
    return STATUS_OK;
}

/* What most handlers begin with. */
#define BEGIN(context)                                                                             \
    struct console *console = (context);                                                           \
    void *provider = console->provider.context;                                                    \
    const struct console_log_view *view;                                                           \
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;                                       \
    TRY(view_of(console, &view, error))

static enum status done(struct http_exchange *exchange, struct buffer *text)
{
    if (text->size == 0) {
        buffer_append_string(text, "{}");
    }
    console_reply_json(exchange, 200, text);
    return STATUS_OK;
}

/* ---- topics ------------------------------------------------------------------------------------
 */

enum status console_get_topic(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->topic_show(provider, http_param(exchange, "topic"), &text, error));
    return done(exchange, &text);
}

enum status console_post_topic(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_topic_new topic;
    TRY(console_body_read(exchange, &console_topic_new_table, &topic, error));
    TRY(view->topic_create(provider, &topic, error));
    return done(exchange, &text);
}

enum status console_patch_topic(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_topic_change change;
    TRY(console_body_read(exchange, &console_topic_change_table, &change, error));
    TRY(view->topic_change(provider, http_param(exchange, "topic"), &change, error));
    return done(exchange, &text);
}

enum status console_delete_topic(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->topic_delete(provider, http_param(exchange, "topic"), error));
    return done(exchange, &text);
}

enum status console_get_records(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_seek seek;
    TRY(console_query_read(exchange, &console_seek_table, &seek, error));
    TRY(view->records(provider, http_param(exchange, "topic"), &seek, &text, error));
    return done(exchange, &text);
}

enum status console_post_record(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_produce record;
    TRY(console_body_read(exchange, &console_produce_table, &record, error));
    TRY(view->produce(provider, http_param(exchange, "topic"), &record, error));
    return done(exchange, &text);
}

/* ---- scans -------------------------------------------------------------------------------------
 */

/* Outlives the request: the pieces are asked for while the reply goes out. */
struct scan_stream {
    struct console *console;
    void *scan;
};

static enum status scan_next(void *context, struct buffer *target, bool *ret_end)
{
    struct scan_stream *stream = context;
    if (atomic_load(&stream->console->stopping)) {
        *ret_end = true;
        return STATUS_OK;
    }
    stream->console->provider.log->scan_next(stream->scan, target, ret_end);
    return STATUS_OK;
}

static void scan_release(void *context)
{
    struct scan_stream *stream = context;
    stream->console->provider.log->scan_close(stream->scan);
    mem_free(stream);
}

enum status console_get_scan(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    void *provider = console->provider.context;
    const struct console_log_view *view;
    TRY(view_of(console, &view, error));
    struct console_scan request;
    void *scan;
    TRY(console_query_read(exchange, &console_scan_table, &request, error));
    TRY(view->scan_open(provider, http_param(exchange, "topic"), &request, &scan, error));
    struct scan_stream *stream = mem_zalloc(sizeof(*stream));
    *stream = (struct scan_stream){console, scan};
    http_reply_stream(exchange, 200, "application/x-ndjson",
                      &(struct http_stream){scan_next, scan_release, stream, -1});
    return STATUS_OK;
}

/* ---- groups ------------------------------------------------------------------------------------
 */

enum status console_get_group(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->group_show(provider, http_param(exchange, "group"), &text, error));
    return done(exchange, &text);
}

enum status console_delete_group(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->group_delete(provider, http_param(exchange, "group"), error));
    return done(exchange, &text);
}

enum status console_reset_group(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_reset reset;
    TRY(console_body_read(exchange, &console_reset_table, &reset, error));
    TRY(view->group_reset(provider, http_param(exchange, "group"), &reset, &text, error));
    return done(exchange, &text);
}

/* ---- schemas -----------------------------------------------------------------------------------
 */

enum status console_get_subjects(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->subjects(provider, &text, error));
    return done(exchange, &text);
}

enum status console_get_subject(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->subject_show(provider, http_param(exchange, "subject"), &text, error));
    return done(exchange, &text);
}

enum status console_post_schema(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_schema_text schema;
    TRY(console_body_read(exchange, &console_schema_table, &schema, error));
    TRY(view->subject_save(provider, http_param(exchange, "subject"), &schema, &text, error));
    return done(exchange, &text);
}

/* ---- queries -----------------------------------------------------------------------------------
 */

enum status
console_get_relations(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    TRY(view->relations(provider, &text, error));
    return done(exchange, &text);
}

enum status console_post_query(struct http_exchange *exchange, void *context, struct error *error)
{
    BEGIN(context);
    struct console_sql sql;
    TRY(console_body_read(exchange, &console_sql_table, &sql, error));
    TRY(view->query(provider, &sql, &text, error));
    return done(exchange, &text);
}
