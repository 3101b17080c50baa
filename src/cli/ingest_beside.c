#include "cli/ingest_beside.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/time_text.h"
#include "cli/console_target.h"
#include "http/client.h"
#include "io/notify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define POLL_US (100 * INT64_C(1000))

struct call {
    struct arena arena;
    struct http_client *client;
    struct console_target target;
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum status status_of_name(const char *name)
{
    for (int status = STATUS_FAILED; name != NULL && status <= STATUS_INTERNAL; status++) {
        if (strcmp(status_name((enum status) status), name) == 0) {
            return (enum status) status;
        }
    }
    return STATUS_FAILED;
}

static enum status take_fault(const json_t *fault, enum status fallback, struct error *error)
{
    const char *message = text_of(fault, "message");
    const char *hint = text_of(fault, "hint");
    enum status status =
        fallback != STATUS_OK ? fallback : status_of_name(text_of(fault, "status"));
    (void) error_set(error, status, "%s",
                     message == NULL ? "the running leat refused it" : message);
    if (hint != NULL) {
        error_hint(error, "%s", hint);
    }
    return status;
}

/* An answer other than 2xx. A source that is not there is a mistake in the command, as it is when
 * nothing runs. */
static enum status refused(int http_status, const json_t *answer, struct error *error)
{
    enum status status = http_status == 503   ? STATUS_AGAIN
                         : http_status == 404 ? STATUS_CONFIG
                                              : STATUS_OK;
    return take_fault(json_object_get(answer, "error"), status, error);
}

/* `body` NULL: GET. The answer is the caller's. */
static enum status
ask(struct call *call, const char *path, const char *body, json_t **ret_answer, struct error *error)
{
    struct http_reply reply;
    http_reply_init(&reply);
    const struct http_request request = {
        .url = arena_printf(&call->arena, "%s%s", call->target.base, path),
        .headers = call->target.headers,
        .header_count = call->target.header_count,
        .body = slice_of_string(body),
        .timeouts = {3 * US_PER_SECOND, 30 * US_PER_SECOND, 30 * US_PER_SECOND, US_PER_MINUTE},
    };
    enum status status = http_request(call->client, &request, &reply, error);
    json_t *answer = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
    if (status == STATUS_OK && (reply.status < 200 || reply.status > 299)) {
        status = refused(reply.status, answer, error);
    } else if (status == STATUS_OK && answer == NULL) {
        status = error_set(error, STATUS_PROTOCOL, "the running leat's answer is no JSON");
    }
    http_reply_deinit(&reply);
    if (status != STATUS_OK) {
        json_decref(answer);
        return status;
    }
    *ret_answer = answer;
    return STATUS_OK;
}

static void append_text(struct buffer *body, const char *key, const char *value)
{
    if (value != NULL) {
        buffer_printf(body, ",\"%s\":", key);
        buffer_append_json(body, slice_of_string(value));
    }
}

static enum status
post(struct call *call, const struct ingest_beside *order, json_t **ret_answer, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer body = BUFFER_INIT;
    const char *name = arena_printf(&call->arena, "%s.%s", order->pipeline, order->source);
    buffer_printf(&body, "{\"give_up\":\"%" PRId64 "us\"", order->give_up_us);
    append_text(&body, "source", name);
    append_text(&body, "from", order->from);
    append_text(&body, "to", order->to);
    if (order->limit >= 0) {
        buffer_printf(&body, ",\"limit\":%" PRId64, order->limit);
    }
    buffer_append_byte(&body, '}');
    return ask(call, "/api/v1/ingests", buffer_string(&body), ret_answer, error);
}

static bool is_over(const struct ingest_beside *order, const char *state)
{
    static const char *const ends[] = {"done", "failed", "cancelled"};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (strcmp(state, ends[i]) == 0) {
            return true;
        }
    }
    return order->until_staged &&
           (strcmp(state, "appending") == 0 || strcmp(state, "storing") == 0);
}

static void show(const struct ingest_beside *order, const json_t *answer, char *state, size_t size)
{
    const char *now = text_of(answer, "state");
    now = now == NULL ? "failed" : now;
    if (!order->quiet && strcmp(state, now) != 0) {
        (void) fprintf(stderr, "%s.%s: %s, accepted %" JSON_INTEGER_FORMAT "\n", order->pipeline,
                       order->source, now, json_integer_value(json_object_get(answer, "accepted")));
    }
    (void) snprintf(state, size, "%s", now);
}

/* Waits for the order of `answer` to be over; then that is how it ended. */
static enum status wait_for(struct call *call,
                            const struct ingest_beside *order,
                            const volatile bool *interrupted,
                            json_t **answer,
                            struct error *error)
{
    struct notify never;
    bool cancelled = false;
    char path[80];
    char state[16] = "";
    const json_int_t id = json_integer_value(json_object_get(*answer, "id"));
    enum status status = STATUS_OK;
    notify_init(&never);
    for (;;) {
        show(order, *answer, state, sizeof(state));
        if (is_over(order, state)) {
            break;
        }
        bool cancel = *interrupted && !cancelled;
        if (!cancel) {
            (void) notify_wait(&never, notify_seen(&never), POLL_US);
        }
        cancelled = cancelled || cancel;
        (void) snprintf(path, sizeof(path), "/api/v1/ingests/%" JSON_INTEGER_FORMAT "%s", id,
                        cancel ? "/cancel" : "");
        json_t *next;
        status = ask(call, path, cancel ? "{}" : NULL, &next, error);
        if (status != STATUS_OK) {
            error_context(error, "waiting for the running leat");
            status = error->status = STATUS_AGAIN; /* it stopped, or was started anew */
            break;
        }
        json_decref(*answer);
        *answer = next;
    }
    notify_deinit(&never);
    return status;
}

static enum status outcome(const json_t *answer, struct error *error)
{
    const char *state = text_of(answer, "state");
    if (state != NULL && strcmp(state, "cancelled") == 0) {
        return error_set(error, STATUS_CANCELLED, "stopped before the source was at its end");
    }
    if (state != NULL && strcmp(state, "failed") == 0) {
        return take_fault(json_object_get(answer, "fault"), STATUS_OK, error);
    }
    return STATUS_OK;
}

static enum status take_sum(struct call *call, struct ingest_sum *sum, struct error *error)
{
    json_t *answer;

    const struct {
        const char *name;
        int64_t *value;
    } fields[] = {
        {"accepted", &sum->accepted}, {"stored", &sum->stored},   {"filtered", &sum->filtered},
        {"late", &sum->late},         {"dead", &sum->dead},       {"unchanged", &sum->unchanged},
        {"refused", &sum->refused},   {"fetched", &sum->fetched},
    };

    TRY(ask(call, "/api/v1/status", NULL, &answer, error));
    const json_t *totals = json_object_get(answer, "totals");
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        *fields[i].value = json_integer_value(json_object_get(totals, fields[i].name));
    }
    json_decref(answer);
    return STATUS_OK;
}

enum status ingest_beside(const struct ingest_beside *order,
                          const volatile bool *interrupted,
                          struct ingest_sum *ret_sum,
                          struct error *error)
{
    struct call call;
    json_t *answer = NULL;
    *ret_sum = (struct ingest_sum){0};
    TRY(console_target_find(order->data, NULL, &call.target, error));
    TRY(http_client_new(&call.target.client, &call.client, error));
    arena_init(&call.arena, 0);
    enum status status = post(&call, order, &answer, error);
    if (status == STATUS_OK) {
        status = wait_for(&call, order, interrupted, &answer, error);
        ret_sum->accepted_new = json_integer_value(json_object_get(answer, "accepted"));
    }
    if (status == STATUS_OK) {
        status = outcome(answer, error);
    }
    if (status == STATUS_OK || status == STATUS_CANCELLED) {
        struct error ignored;
        (void) !take_sum(&call, ret_sum, status == STATUS_OK ? error : &ignored);
    }
    json_decref(answer);
    arena_deinit(&call.arena);
    http_client_free(call.client);
    return status;
}
