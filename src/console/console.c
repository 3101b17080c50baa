#include "console/console.h"

#include "base/assert.h"
#include "base/memory.h"
#include "console/alert_tell.h"
#include "console/console_internal.h"
#include "console/snapshot.h"
#include "io/clock.h"

#define PUBLISH_US       INT64_C(1000000)
#define STOP_US          INT64_C(500000)
#define BODY_BYTES_MAX   ((size_t) 16 << 20) /* a record to write */
#define QUEUE_EVENTS_MAX 16
#define QUEUE_BYTES_MAX  (4 * 1024 * 1024)

/* Of any port: who reaches this machine's loopback under another name was sent by a name server. */
static const char *const loopback_names[] = {"127.0.0.1", "localhost", "::1"};

enum status console_look(struct console *console,
                         struct arena *arena,
                         struct console_snapshot *ret_snapshot,
                         struct error *error)
{
    TRY(console->provider.snapshot(console->provider.context, arena, ret_snapshot, error));
    watch_complete(console->watch, arena, ret_snapshot, clock_now_us());
    return STATUS_OK;
}

enum status console_status(struct console *console, struct buffer *target, struct error *error)
{
    struct arena arena;
    struct console_snapshot snapshot;
    arena_init(&arena, 0);
    enum status status = console_look(console, &arena, &snapshot, error);
    if (status == STATUS_OK) {
        snapshot_write_status(&snapshot, console->started_us, target);
    }
    arena_deinit(&arena);
    return status;
}

static void observe(struct console *console)
{
    struct arena arena;
    struct console_snapshot snapshot;
    struct error error;
    arena_init(&arena, 0);
    if (console->provider.snapshot(console->provider.context, &arena, &snapshot, &error) ==
        STATUS_OK) {
        watch_observe(console->watch, &snapshot, clock_now_us());
    }
    arena_deinit(&arena);
}

static void publish(struct thread *self, void *context)
{
    struct console *console = context;
    struct buffer text;
    buffer_init(&text);
    int64_t observe_us = 0;
    while (!thread_pause(self, PUBLISH_US)) {
        struct error error;
        buffer_clear(&text);
        if (clock_monotonic_us() >= observe_us) {
            observe_us = clock_monotonic_us() + WATCH_US - PUBLISH_US / 2;
            observe(console);
        }
        if (http_events_subscribers(console->events) > 0 &&
            console_status(console, &text, &error) == STATUS_OK) {
            http_events_publish(console->events, "status", buffer_slice(&text));
        }
    }
    buffer_deinit(&text);
}

enum status console_start(const struct console_config *config,
                          const struct console_provider *provider,
                          struct console **ret_console,
                          struct error *error)
{
    struct console *console = mem_zalloc(sizeof(*console));
    console->provider = *provider;
    console->started_us = clock_now_us();
    console->events = http_events_new(QUEUE_EVENTS_MAX, QUEUE_BYTES_MAX);
    console->watch = watch_new(config->history);
    console->routes = mem_calloc(console_endpoint_count, sizeof(*console->routes));
    for (size_t i = 0; i < console_endpoint_count; i++) {
        console->routes[i] = console_endpoints[i].route;
        console->routes[i].handle = console_handle;
    }
    console->audit = audit_trail_new(config->audit);
    console->alerts = alerts_new(config->alerts, config->alert_count, alert_tell_by_network);
    console->tls = config->tls_key != NULL;
    console->loopback = config->loopback;
    const struct http_server_config server = {
        .name = "console",
        .host = config->host,
        .port = config->port,
        .routes = console->routes,
        .route_count = console_endpoint_count,
        .context = console,
        .body_bytes_max = BODY_BYTES_MAX,
        .hosts = config->loopback ? loopback_names : NULL,
        .host_count = config->loopback ? ARRAY_SIZE(loopback_names) : 0,
        .tls_certificate = config->tls_certificate,
        .tls_key = config->tls_key,
        .before = console_guard,
    };
    enum status status;
    if (config->users != NULL) {
        TRY_OR_FAIL(login_new(config->users, config->token, &console->login, error));
    }
    TRY_OR_FAIL(http_server_start(&server, &console->server, error));
    TRY_OR_FAIL(thread_start("console", publish, console, &console->publisher, error));
    if (alerts_wanted(console->alerts)) {
        TRY_OR_FAIL(
            thread_start("alerts", console_watch_alerts, console, &console->alerter, error));
    }
    *ret_console = console;
    return STATUS_OK;

fail:
    console_stop(console);
    return status;
}

const char *console_address(const struct console *console)
{
    return http_server_address(console->server);
}

void console_stop(struct console *console)
{
    if (console == NULL) {
        return;
    }
    alerts_stop(console->alerts);
    struct thread *const threads[] = {console->alerter, console->publisher};
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        if (threads[i] != NULL) {
            enum status joined = thread_join(threads[i], -1, NULL);
            ASSERT(joined == STATUS_OK);
        }
    }
    atomic_store(&console->stopping, true);
    http_server_stop(console->server, STOP_US);
    http_events_free(console->events);
    watch_free(console->watch);
    login_free(console->login);
    alerts_free(console->alerts);
    audit_trail_free(console->audit);
    mem_free(console->routes);
    mem_free(console);
}
