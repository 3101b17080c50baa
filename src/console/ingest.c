/* Orders of schedulers: /api/v1/ingests. */

#include "base/node.h"
#include "base/time_text.h"
#include "console/console_internal.h"
#include "console/json_writer.h"

#include <stdlib.h>
#include <string.h>

#define GIVE_UP_DEFAULT_US (60 * US_PER_SECOND)
#define KEY_BYTES_MAX      1000

const char *console_ingest_state_name(enum console_ingest_state state)
{
    static const char *const names[] = {"queued", "fetching", "appending", "storing",
                                        "done",   "failed",   "cancelled"};
    return names[state];
}

/* ---- out ---------------------------------------------------------------------------------------
 */

/* 0 is a time that is not there, or not yet. */
static void write_time(struct json_writer *json, const char *key, int64_t time_us)
{
    if (time_us == 0) {
        json_writer_null(json, key);
    } else {
        json_writer_int(json, key, time_us);
    }
}

static void write_fault(struct json_writer *json, const struct console_fault *fault)
{
    if (fault->message == NULL) {
        json_writer_null(json, "fault");
        return;
    }
    json_writer_open(json, "fault", '{');
    json_writer_text(json, "status", fault->status);
    json_writer_text(json, "message", fault->message);
    json_writer_text(json, "hint", fault->hint);
    json_writer_close(json, '}');
}

static void write_interval(struct json_writer *json, const struct console_ingest_order *order)
{
    char text[TIME_TEXT_BYTES];
    bool given = order->from_us != 0 || order->to_us != 0;
    if (!given) {
        json_writer_null(json, "from");
        json_writer_null(json, "to");
        return;
    }
    (void) time_format(order->from_us, text);
    json_writer_text(json, "from", text);
    (void) time_format(order->to_us, text);
    json_writer_text(json, "to", text);
}

static void write_ingest(struct json_writer *json, const struct console_ingest *ingest)
{
    const struct console_ingest_order *order = &ingest->order;
    json_writer_open(json, NULL, '{');
    json_writer_int(json, "id", ingest->id);
    json_writer_text(json, "key", order->key);
    json_writer_text(json, "source", order->source);
    write_interval(json, order);
    if (order->limit < 0) {
        json_writer_null(json, "limit");
    } else {
        json_writer_int(json, "limit", order->limit);
    }
    json_writer_text(json, "state", console_ingest_state_name(ingest->state));
    write_time(json, "asked_us", ingest->asked_us);
    write_time(json, "started_us", ingest->started_us);
    write_time(json, "staged_us", ingest->staged_us);
    write_time(json, "ended_us", ingest->ended_us);
    json_writer_int(json, "pages", ingest->pages);
    json_writer_int(json, "requests", ingest->requests);
    json_writer_int(json, "fetched", ingest->fetched);
    json_writer_int(json, "accepted", ingest->accepted);
    json_writer_int(json, "unchanged", ingest->unchanged);
    json_writer_int(json, "refused", ingest->dead);
    write_fault(json, &ingest->fault);
    if (ingest->exit_code < 0) {
        json_writer_null(json, "exit_code");
    } else {
        json_writer_int(json, "exit_code", ingest->exit_code);
    }
    json_writer_close(json, '}');
}

static void
reply_ingest(struct http_exchange *exchange, int status, const struct console_ingest *ingest)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct json_writer json = {.target = &text};
    write_ingest(&json, ingest);
    http_reply_take(exchange, status, "application/json", &text);
}

/* ---- in ----------------------------------------------------------------------------------------
 */

static enum status parse_count(const struct node *item, int64_t *ret_count, struct error *error)
{
    char *end;
    long long value = strtoll(item->text, &end, 10);
    if (*item->text < '0' || *item->text > '9' || *end != '\0' || value < 1 || value == INT64_MAX) {
        return error_set(error, STATUS_DATA, "\"%s\" is \"%s\", no number from 1", item->key,
                         item->text);
    }
    *ret_count = value;
    return STATUS_OK;
}

static enum status take_item(const struct node *item,
                             struct console_ingest_order *order,
                             bool *from,
                             bool *to,
                             struct error *error)
{
    struct slice text = slice_of_string(item->text);
    if (item->type == NODE_NULL) {
        return STATUS_OK;
    }
    if (item->type != NODE_SCALAR) {
        return error_set(error, STATUS_DATA, "\"%s\" is no text or number", item->key);
    }
    if (strcmp(item->key, "source") == 0) {
        order->source = item->text;
    } else if (strcmp(item->key, "key") == 0) {
        order->key = item->text;
    } else if (strcmp(item->key, "from") == 0) {
        *from = true;
        return time_parse(text, &order->from_us, error);
    } else if (strcmp(item->key, "to") == 0) {
        *to = true;
        return time_parse(text, &order->to_us, error);
    } else if (strcmp(item->key, "limit") == 0) {
        return parse_count(item, &order->limit, error);
    } else if (strcmp(item->key, "give_up") == 0) {
        return duration_parse(text, &order->give_up_us, error);
    } else if (strcmp(item->key, "lease") == 0) {
        return duration_parse(text, &order->lease_us, error);
    } else {
        return error_set(error, STATUS_DATA,
                         "\"%s\" is none of \"source\", \"from\", \"to\", \"limit\", \"give_up\", "
                         "\"lease\" and \"key\"",
                         item->key);
    }
    return STATUS_OK;
}

static enum status
check_order(const struct console_ingest_order *order, bool from, bool to, struct error *error)
{
    if (order->source == NULL) {
        return error_set(error, STATUS_DATA, "\"source\" is missing");
    }
    if (from != to) {
        return error_set(error, STATUS_DATA, "an interval needs both \"from\" and \"to\"");
    }
    if (from && order->from_us >= order->to_us) {
        return error_set(error, STATUS_DATA, "the interval ends before it begins");
    }
    if (order->give_up_us <= 0) {
        return error_set(error, STATUS_DATA, "\"give_up\" is no time to wait");
    }
    if (order->key != NULL && strlen(order->key) > KEY_BYTES_MAX) {
        return error_set(error, STATUS_LIMIT, "\"key\" is longer than %d bytes", KEY_BYTES_MAX);
    }
    return STATUS_OK;
}

static enum status order_of_body(struct http_exchange *exchange,
                                 struct console_ingest_order *ret_order,
                                 struct error *error)
{
    struct node *body;
    bool from = false;
    bool to = false;
    *ret_order = (struct console_ingest_order){.limit = -1, .give_up_us = GIVE_UP_DEFAULT_US};
    TRY(node_parse(exchange->body, "body", &exchange->arena, &body, error));
    if (body->type != NODE_MAP) {
        return error_set(error, STATUS_DATA, "the body is no JSON object");
    }
    for (size_t i = 0; i < body->count; i++) {
        TRY(take_item(body->items[i], ret_order, &from, &to, error));
    }
    return check_order(ret_order, from, to, error);
}

static enum status id_of_path(struct http_exchange *exchange, int64_t *ret_id, struct error *error)
{
    const char *text = http_param(exchange, "id");
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < 1) {
        return error_set(error, STATUS_NOT_FOUND, "\"%s\" is no number of an order", text);
    }
    *ret_id = value;
    return STATUS_OK;
}

/* ---- handlers ----------------------------------------------------------------------------------
 */

enum status console_post_ingest(struct http_exchange *exchange, void *context, struct error *error)
{
    const struct console *console = context;
    struct console_ingest_order order;
    struct console_ingest ingest;
    TRY(order_of_body(exchange, &order, error));
    TRY(console->provider.ingest_start(console->provider.context, &order, &exchange->arena, &ingest,
                                       error));
    reply_ingest(exchange, 202, &ingest);
    return STATUS_OK;
}

static enum status
reply_one(struct http_exchange *exchange, struct console *console, int64_t id, struct error *error)
{
    struct console_ingest *found;
    size_t count;
    TRY(console->provider.ingest_list(console->provider.context, id, &exchange->arena, &found,
                                      &count, error));
    reply_ingest(exchange, 200, &found[0]);
    return STATUS_OK;
}

enum status console_get_ingest(struct http_exchange *exchange, void *context, struct error *error)
{
    int64_t id;
    TRY(id_of_path(exchange, &id, error));
    return reply_one(exchange, context, id, error);
}

enum status console_get_ingests(struct http_exchange *exchange, void *context, struct error *error)
{
    const struct console *console = context;
    struct console_ingest *found;
    size_t count;
    TRY(console->provider.ingest_list(console->provider.context, 0, &exchange->arena, &found,
                                      &count, error));
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct json_writer json = {.target = &text};
    json_writer_open(&json, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        write_ingest(&json, &found[i]);
    }
    json_writer_close(&json, ']');
    http_reply_take(exchange, 200, "application/json", &text);
    return STATUS_OK;
}

enum status
console_cancel_ingest(struct http_exchange *exchange, void *context, struct error *error)
{
    const struct console *console = context;
    int64_t id;
    TRY(id_of_path(exchange, &id, error));
    TRY(console->provider.ingest_cancel(console->provider.context, id, error));
    return reply_one(exchange, context, id, error);
}
