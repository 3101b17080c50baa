/* HTTP calls and mail. */

#include "http/client.h"
#include "http/mail.h"
#include "io/thread.h"
#include "orchestrate/task_keeper_internal.h"

#include <ctype.h>
#include <stdatomic.h>
#include <string.h>

#define CALL_US (60 * INT64_C(1000000))
#define ASK_US  INT64_C(100000)

struct watcher {
    struct task_keeper *keeper;
    atomic_bool cancel;
};

static void watch(struct thread *self, void *context)
{
    struct watcher *watcher = context;
    while (!thread_pause(self, ASK_US)) {
        if (task_keeper_stopping(watcher->keeper)) {
            atomic_store(&watcher->cancel, true);
            return;
        }
    }
}

/* The request, ended early if somebody wants the try to stop. */
static enum status call(struct task_keeper *keeper,
                        struct http_request *request,
                        struct http_reply *reply,
                        struct error *error)
{
    struct watcher watcher = {.keeper = keeper};
    struct thread *thread;
    struct http_client *client;
    const struct http_client_config config = {0};
    int64_t left = task_keeper_time_left(keeper);
    int64_t most = left == INT64_MAX ? 10 * CALL_US : left > 1 ? left : 1;
    request->timeouts = (struct http_timeouts){most < CALL_US ? most : CALL_US, most, most, most};
    request->redirects_max = 5;
    request->cancel = &watcher.cancel;
    TRY(http_client_new(&config, &client, error));
    enum status status = thread_start("watch", watch, &watcher, &thread, error);
    if (status == STATUS_OK) {
        status = http_request(client, request, reply, error);
        (void) !thread_join(thread, -1, NULL);
    }
    http_client_free(client);
    if (status == STATUS_CANCELLED) {
        keeper->result.outcome = TRY_STOPPED;
        keeper->result.message = "stopped on request";
    } else if (status != STATUS_OK) {
        task_keeper_fail(keeper, "%s", error->message);
    }
    return status;
}

/* "200", "2xx" */
static bool status_fits(const char *pattern, int status)
{
    char text[16];
    (void) snprintf(text, sizeof(text), "%03d", status);
    for (size_t i = 0; i < 3; i++) {
        if (pattern[i] != text[i] && tolower((unsigned char) pattern[i]) != 'x') {
            return false;
        }
    }
    return pattern[3] == '\0';
}

static void check_reply(struct task_keeper *keeper, const json_t *http, struct http_reply *reply)
{
    const json_t *wanted = json_object_get(http, "status");
    const char *contains = task_keeper_text(http, "contains");
    bool fits = false;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        fits = fits || status_fits(json_string_value(json_array_get(wanted, i)), reply->status);
    }
    struct slice body = buffer_slice(&reply->body);
    if (!fits) {
        task_keeper_fail(keeper, "the server answered with status %d: %.*s", reply->status,
                         (int) (body.size < 500 ? body.size : 500), (const char *) body.data);
    } else if (contains != NULL && (body.size == 0 || memmem(body.data, body.size, contains,
                                                             strlen(contains)) == NULL)) {
        task_keeper_fail(keeper, "the answer does not hold \"%s\"", contains);
    }
}

bool task_keeper_http(struct task_keeper *keeper, const json_t *http)
{
    const json_t *headers = json_object_get(http, "headers");
    struct http_request_header *lines =
        ARENA_ARRAY(&keeper->arena, struct http_request_header, json_object_size(headers) + 1);
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) headers, key, value)
    {
        lines[count++] = (struct http_request_header){key, json_string_value(value), true};
    }
    const char *body = task_keeper_text(http, "body");
    struct http_request request = {
        .method = task_keeper_text(http, "method"),
        .url = task_keeper_text(http, "url"),
        .headers = lines,
        .header_count = count,
        .body = slice_of_string(body),
    };
    struct http_reply reply;
    struct error error = {0};
    http_reply_init(&reply);
    if (call(keeper, &request, &reply, &error) == STATUS_OK) {
        task_keeper_log(keeper, "leat: status %d, %zu bytes", reply.status, reply.body.size);
        check_reply(keeper, http, &reply);
        buffer_clear(&keeper->output);
        buffer_append_slice(&keeper->output, buffer_slice(&reply.body));
    }
    http_reply_deinit(&reply);
    return keeper->result.outcome == TRY_SUCCESS;
}

bool task_keeper_post(struct task_keeper *keeper, const char *url, struct slice json)
{
    static const struct http_request_header headers[] = {
        {"Content-Type", "application/json", false}};
    struct http_request request = {
        .method = "POST", .url = url, .headers = headers, .header_count = 1, .body = json};
    struct http_reply reply;
    struct error error = {0};
    http_reply_init(&reply);
    bool fine = call(keeper, &request, &reply, &error) == STATUS_OK;
    if (fine && (reply.status < 200 || reply.status > 299)) {
        struct slice body = buffer_slice(&reply.body);
        task_keeper_fail(keeper, "the server answered with status %d: %.*s", reply.status,
                         (int) (body.size < 500 ? body.size : 500), (const char *) body.data);
        fine = false;
    }
    http_reply_deinit(&reply);
    return fine;
}

bool task_keeper_mail(struct task_keeper *keeper, const json_t *spec)
{
    const struct mail mail = {
        .server = task_keeper_text(spec, "server"),
        .from = task_keeper_text(spec, "from"),
        .to = task_keeper_words(keeper, json_object_get(spec, "to")),
        .subject = task_keeper_text(spec, "subject"),
        .text = task_keeper_text(spec, "text"),
        .user = task_keeper_text(spec, "user"),
        .password = task_keeper_text(spec, "password"),
        .timeout_us = CALL_US,
    };
    struct error error = {0};
    if (mail_send(&mail, &error) != STATUS_OK) {
        task_keeper_fail(keeper, "%s", error.message);
        return false;
    }
    task_keeper_log(keeper, "leat: sent a mail by %s", mail.server);
    return true;
}
