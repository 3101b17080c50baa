/* Alerts over the API, and the thread that looks. */

#include "base/time_text.h"
#include "console/alert_tell.h"
#include "console/console_internal.h"
#include "console/json_writer.h"
#include "io/clock.h"

#include <stdlib.h>

#define LOOK_US US_PER_SECOND

static void look(struct console *console)
{
    struct arena arena;
    struct error error;
    struct console_snapshot snapshot;
    struct console_ingest *ingests = NULL;
    size_t count = 0;
    arena_init(&arena, 0);
    const struct console_provider *provider = &console->provider;
    if (console_look(console, &arena, &snapshot, &error) == STATUS_OK) {
        if (provider->ingest_list != NULL &&
            provider->ingest_list(provider->context, 0, &arena, &ingests, &count, &error) !=
                STATUS_OK) {
            count = 0;
        }
        alerts_look(console->alerts, &snapshot, ingests, count, clock_now_us());
    }
    arena_deinit(&arena);
}

void console_watch_alerts(struct thread *self, void *context)
{
    while (!thread_pause(self, LOOK_US)) {
        look(context);
    }
}

static void reply(struct http_exchange *exchange, struct console *console)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    alerts_write(console->alerts, clock_now_us(), &text);
    console_reply_json(exchange, 200, &text);
}

enum status console_get_alerts(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) error;
    reply(exchange, context);
    return STATUS_OK;
}

enum status console_test_alert(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_alert_test test;
    TRY(console_body_read(exchange, &console_alert_test_table, &test, error));
    TRY(alerts_test(console->alerts, test.receiver, clock_now_us(), error));
    reply(exchange, console);
    return STATUS_OK;
}

enum status console_post_silence(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    struct console_silence_body body;
    int64_t id;
    TRY(console_body_read(exchange, &console_silence_table, &body, error));
    TRY(alerts_silence(console->alerts, body.rule, body.target, console_who(exchange)->name,
                       body.why, clock_now_us() + body.for_us, &id, error));
    reply(exchange, console);
    return STATUS_OK;
}

enum status
console_delete_silence(struct http_exchange *exchange, void *context, struct error *error)
{
    struct console *console = context;
    const char *text = http_param(exchange, "id");
    char *end;
    long long id = strtoll(text, &end, 10);
    TRY(alerts_unsilence(console->alerts, *end == '\0' ? id : 0, error));
    reply(exchange, console);
    return STATUS_OK;
}
