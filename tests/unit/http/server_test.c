#include "test.h"

#include "http/client.h"
#include "http/server.h"
#include "raw.h"

#include <sched.h>
#include <stdio.h>

/* --- the server under test --- */

static struct http_events *events;

static enum status hello(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    http_reply_header(exchange, "X-Evil", "a\r\nSet-Cookie: b");
    http_reply(exchange, 200, "text/plain", SLICE("hello\n"));
    return STATUS_OK;
}

/* Tells all that it was asked. */
static enum status echo(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s|", exchange->method);
    for (size_t i = 0; i < exchange->param_count; i++) {
        buffer_printf(&text, "%s=%s|", exchange->params[i].name, exchange->params[i].value);
    }
    for (size_t i = 0; i < exchange->query_count; i++) {
        buffer_printf(&text, "%s:%s|", exchange->queries[i].name, exchange->queries[i].value);
    }
    const char *last = http_query(exchange, "a");
    buffer_printf(&text, "last=%s|%s|", last == NULL ? "-" : last, exchange->peer);
    const char *cookie = http_cookie(exchange, "session");
    buffer_printf(&text, "cookie=%s|", cookie == NULL ? "-" : cookie);
    buffer_append_slice(&text, exchange->body);
    http_reply_take(exchange, 200, "text/plain", &text);
    return STATUS_OK;
}

static enum status failing(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    http_reply(exchange, 200, "text/plain", SLICE("replaced"));
    (void) error_set(error, STATUS_NOT_FOUND, "topic \"%s\" does not exist", "a\"b");
    error_hint(error, "leat topic list");
    return STATUS_NOT_FOUND;
}

static enum status count_up(void *context, struct buffer *target, bool *ret_end)
{
    int *left = context;
    buffer_printf(target, "%d\n", *left);
    *ret_end = --*left == 0;
    return STATUS_OK;
}

static enum status break_off(void *context, struct buffer *target, bool *ret_end)
{
    (void) ret_end;
    int *left = context;
    buffer_append_string(target, "piece\n");
    return --*left == 0 ? STATUS_IO : STATUS_OK;
}

static void release(void *context)
{
    free(context);
}

static enum status stream(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    int *left = malloc(sizeof(*left));
    *left = 1000;
    bool cut = http_query(exchange, "cut") != NULL;
    const struct http_stream made = {
        .next = cut ? break_off : count_up, .release = release, .context = left, .size = -1};
    http_reply_stream(exchange, 200, "text/plain", &made);
    return STATUS_OK;
}

static enum status subscribe(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    http_reply_events(exchange, events, "snapshot", SLICE("first\nsecond"));
    return STATUS_OK;
}

static enum status abort_it(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    http_reply_abort(exchange, http_query(exchange, "reset") != NULL);
    return STATUS_OK;
}

static bool before(struct http_exchange *exchange, void *context)
{
    (void) context;
    const char *token = http_header(exchange, "X-Token");
    if (token != NULL && strcmp(token, "wrong") == 0) {
        http_reply_message(exchange, 401, "the token is wrong");
        return true;
    }
    return false;
}

static const struct http_route routes[] = {
    {"GET", "/", hello, "hello"},
    {"GET", "/subjects/{subject}/versions/{version}", echo, "echo"},
    {"POST", "/subjects/{subject}", echo, "echo"},
    {"DELETE", "/subjects/{subject}", echo, "echo"},
    {"GET", "/files/{file*}", echo, "echo"},
    {"GET", "/fail", failing, "fails"},
    {"GET", "/stream", stream, "stream"},
    {"GET", "/events", subscribe, "events"},
    {"GET", "/abort", abort_it, "abort"},
};

static const char *const hosts[] = {"127.0.0.1", "localhost"};

struct fixture {
    struct http_server *server;
    struct http_client *client;
    struct http_reply reply;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error error = {0};
    const struct http_server_config config = {
        .name = "test",
        .host = "127.0.0.1",
        .routes = routes,
        .route_count = ARRAY_SIZE(routes),
        .body_bytes_max = 100000,
        .hosts = hosts,
        .host_count = ARRAY_SIZE(hosts),
        .before = before,
    };
    events = http_events_new(4, 1000);
    assert_ok(http_server_start(&config, &fixture->server, &error), error);
    assert_ok(http_client_new(&(struct http_client_config){0}, &fixture->client, &error), error);
    http_reply_init(&fixture->reply);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_reply_deinit(&fixture->reply);
    http_client_free(fixture->client);
    http_server_stop(fixture->server, 1000000);
    http_events_free(events);
    free(fixture);
    return 0;
}

/* Asks through the client; returns the body as text. */
static const char *
ask_with(struct fixture *fixture, const char *target, struct http_request request)
{
    char url[512];
    struct error error = {0};
    (void) snprintf(url, sizeof(url), "http://%s%s", http_server_address(fixture->server), target);
    request.url = url;
    request.timeouts = HTTP_TIMEOUTS_DEFAULT;
    assert_ok(http_request(fixture->client, &request, &fixture->reply, &error), error);
    return buffer_string(&fixture->reply.body);
}

static const char *ask(struct fixture *fixture, const char *method, const char *target)
{
    return ask_with(fixture, target, (struct http_request){.method = method});
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", text, part);
    }
}

/* --- tests --- */

static void answers(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(ask(fixture, "GET", "/"), "hello\n");
    assert_int_equal(fixture->reply.status, 200);
    assert_string_equal(http_reply_value(&fixture->reply, "content-type"), "text/plain");
    /* a line break in a header value cannot make a header */
    assert_string_equal(http_reply_value(&fixture->reply, "x-evil"), "a  Set-Cookie: b");
    assert_null(http_reply_value(&fixture->reply, "set-cookie"));
    assert_string_equal(ask(fixture, "HEAD", "/"), "");
    assert_int_equal(fixture->reply.status, 200);
    assert_string_equal(http_reply_value(&fixture->reply, "content-length"), "6");
}

static void decodes_parameters(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(ask(fixture, "GET", "/subjects/a%2Fb%20c+%C3%A9/versions/1?a=1&a=x+y%26&b"),
                        "GET|subject=a/b c+\xc3\xa9|version=1|a:1|a:x y&|b:|last=x y&|"
                        "127.0.0.1|cookie=-|");
    assert_string_equal(ask(fixture, "GET", "/subjects/s/versions/2/"),
                        "GET|subject=s|version=2|last=-|127.0.0.1|cookie=-|");
    assert_string_equal(ask(fixture, "GET", "/files/a/b%2e/c?a=%zz"),
                        "GET|file=a/b./c|a:%zz|last=%zz|127.0.0.1|cookie=-|");
    assert_string_equal(ask(fixture, "GET", "/files"), "GET|file=|last=-|127.0.0.1|cookie=-|");
    (void) ask(fixture, "GET", "/subjects//versions/1");
    assert_int_equal(fixture->reply.status, 404);
    (void) ask(fixture, "GET", "/subjects/a%00b/versions/1");
    assert_int_equal(fixture->reply.status, 400);
    (void) ask(fixture, "GET", "/subjects/a%4/versions/1");
    assert_int_equal(fixture->reply.status, 400);
    (void) ask(fixture, "GET", "/?a=%00");
    assert_int_equal(fixture->reply.status, 400);
}

static void tells_methods(void **state)
{
    struct fixture *fixture = *state;
    assert_contains(ask(fixture, "PUT", "/subjects/s"), "has no method PUT");
    assert_int_equal(fixture->reply.status, 405);
    assert_string_equal(http_reply_value(&fixture->reply, "allow"), "OPTIONS, POST, DELETE");
    (void) ask(fixture, "OPTIONS", "/");
    assert_int_equal(fixture->reply.status, 204);
    assert_string_equal(http_reply_value(&fixture->reply, "allow"), "OPTIONS, GET, HEAD");
    assert_contains(ask(fixture, "GET", "/nothing"), "\"status\":\"not-found\"");
    assert_int_equal(fixture->reply.status, 404);
}

static void reads_bodies(void **state)
{
    struct fixture *fixture = *state;
    const struct http_request_header header = {"Cookie", "x=1; session=s3; session2=4", true};
    struct http_request request = {
        .body = SLICE("{\"a\":1}"), .headers = &header, .header_count = 1};
    assert_string_equal(ask_with(fixture, "/subjects/s", request),
                        "POST|subject=s|last=-|127.0.0.1|cookie=s3|{\"a\":1}");
    static uint8_t large[100001];
    memset(large, 'x', sizeof(large));
    request.body = slice_of(large, 100000);
    assert_int_equal(strlen(ask_with(fixture, "/subjects/s", request)),
                     strlen("POST|subject=s|last=-|127.0.0.1|cookie=s3|") + 100000);
    request.body = slice_of(large, 100001);
    assert_contains(ask_with(fixture, "/subjects/s", request), "100001 bytes");
    assert_int_equal(fixture->reply.status, 413);
}

static void refuses_a_large_chunked_body(void **state)
{
    struct fixture *fixture = *state;
    struct buffer text = BUFFER_INIT;
    buffer_append_string(&text,
                         "POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 200; i++) {
        buffer_printf(&text, "400\r\n%01024d\r\n", i);
    }
    buffer_append_string(&text, "0\r\n\r\n");
    struct buffer answer = raw_ask(http_server_port(fixture->server), text.data, text.size);
    assert_contains(buffer_string(&answer), "HTTP/1.1 413 ");
    buffer_deinit(&answer);
    buffer_deinit(&text);
}

static void turns_failures_into_replies(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(ask(fixture, "GET", "/fail"),
                        "{\"error\":{\"status\":\"not-found\",\"message\":\"topic \\\"a\\\"b\\\" "
                        "does not exist\",\"hint\":\"leat topic list\"}}\n");
    assert_int_equal(fixture->reply.status, 404);
    const struct http_request_header header = {"X-Token", "wrong", true};
    const struct http_request request = {.headers = &header, .header_count = 1};
    assert_contains(ask_with(fixture, "/nothing", request), "the token is wrong");
    assert_int_equal(fixture->reply.status, 401);
}

static void streams(void **state)
{
    struct fixture *fixture = *state;
    const char *text = ask(fixture, "GET", "/stream");
    assert_int_equal(strncmp(text, "1000\n999\n", 9), 0);
    assert_string_equal(text + strlen(text) - 5, "\n2\n1\n");
    assert_string_equal(http_reply_value(&fixture->reply, "transfer-encoding"), "chunked");
}

static void cuts_a_failed_stream(void **state)
{
    struct fixture *fixture = *state;
    char url[128];
    struct error error = {0};
    (void) snprintf(url, sizeof(url), "http://%s/stream?cut=1",
                    http_server_address(fixture->server));
    struct http_request request = {.url = url, .timeouts = HTTP_TIMEOUTS_DEFAULT};
    assert_fails(http_request(fixture->client, &request, &fixture->reply, &error), STATUS_PROTOCOL,
                 error, "ended before the reply was complete");
    assert_int_equal(fixture->reply.failure, HTTP_TRUNCATED);
    assert_true(error.retriable);
    (void) snprintf(url, sizeof(url), "http://%s/abort?reset",
                    http_server_address(fixture->server));
    assert_fails(http_request(fixture->client, &request, &fixture->reply, &error),
                 STATUS_UNAVAILABLE, error, "without a reply");
    assert_int_equal(fixture->reply.failure, HTTP_CLOSED);
}

static void checks_the_host(void **state)
{
    struct fixture *fixture = *state;

    static const struct {
        const char *request;
        const char *answer;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n", "HTTP/1.1 421"},
        {"GET / HTTP/1.1\r\nHost: LocalHost:1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"},
        {"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\nConnection: close\r\n\r\n",
         "HTTP/1.1 421"},
        {"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", "HTTP/1.1 421"},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 4"},
        {"GET / HTTP/1.0\r\n\r\n", " 421"},
        {"GET http://localhost/files/x?a=2 HTTP/1.1\r\nHost: localhost\r\nConnection: "
         "close\r\n\r\n",
         "file=x|a:2|"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buffer answer =
            raw_ask(http_server_port(fixture->server), rows[i].request, strlen(rows[i].request));
        assert_contains(buffer_string(&answer), rows[i].answer);
        buffer_deinit(&answer);
    }
}

/* What no library sends. The server must answer the next good request. */
static void survives_hostile_requests(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {
        "",
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\nx",
        "POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "99999999999999999999\r\n\r\n",
        "POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
        "chunked\r\n\r\nffffffffffffffffff\r\n",
        "POST /subjects/s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nshort",
        "GET /\x01\x02\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /?%&=&&=%%%&a=+ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nno colon here\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct buffer answer =
            raw_ask(http_server_port(fixture->server), texts[i], strlen(texts[i]));
        buffer_deinit(&answer);
    }
    struct buffer large = BUFFER_INIT;
    buffer_append_string(&large, "GET /");
    memset(buffer_reserve(&large, 200000), 'a', 200000);
    large.size += 200000;
    struct buffer answer = raw_ask(http_server_port(fixture->server), large.data, large.size);
    buffer_deinit(&answer);
    buffer_deinit(&large);
    assert_string_equal(ask(fixture, "GET", "/"), "hello\n");
}

static void sends_events(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = raw_connect(http_server_port(fixture->server));
    struct buffer text = BUFFER_INIT;
    raw_send(fd, request, strlen(request));
    raw_receive(fd, &text, "data: second\n\n");
    assert_contains(buffer_string(&text), "event: snapshot\ndata: first\ndata: second\n\n");
    assert_int_equal(http_events_subscribers(events), 1);
    http_events_publish(events, "tick", SLICE("1\r\n2"));
    raw_receive(fd, &text, "event: tick\ndata: 1\ndata: 2\n\n");
    assert_contains(buffer_string(&text), "event: tick\ndata: 1\ndata: 2\n\n");
    /* stopping the server ends the stream properly: the last chunk comes */
    http_server_stop(fixture->server, 1000000);
    fixture->server = NULL;
    raw_receive(fd, &text, NULL);
    assert_contains(buffer_string(&text), "\r\n0\r\n\r\n");
    assert_int_equal(http_events_subscribers(events), 0);
    (void) close(fd);
    buffer_deinit(&text);
}

static void drops_slow_subscribers(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = raw_connect(http_server_port(fixture->server));
    struct buffer text = BUFFER_INIT;
    raw_send(fd, request, strlen(request));
    raw_receive(fd, &text, "data: second\n\n");
    /* more than its queue and the socket's buffers hold, without reading */
    static uint8_t large[900];
    memset(large, 'x', sizeof(large));
    for (int i = 0; i < 200000 && http_events_dropped(events) == 0; i++) {
        http_events_publish(events, "tick", slice_of(large, sizeof(large)));
    }
    assert_int_equal(http_events_dropped(events), 1);
    raw_receive(fd, &text, "event: dropped");
    assert_contains(buffer_string(&text), "event: dropped");
    (void) close(fd);
    buffer_deinit(&text);
}

static void tells_a_taken_port(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct http_server *second = NULL;
    struct http_server_config config = {
        .name = "console", .host = "127.0.0.1", .port = http_server_port(fixture->server)};
    assert_fails(http_server_start(&config, &second, &error), STATUS_UNAVAILABLE, error,
                 http_server_address(fixture->server));
    config.host = "no such host";
    assert_fails(http_server_start(&config, &second, &error), STATUS_CONFIG, error,
                 "\"no such host\" is no address");
    config.host = "192.0.2.1";
    assert_fails(http_server_start(&config, &second, &error), STATUS_CONFIG, error, "192.0.2.1");
}

/* A handler that is in its work while the server stops: `entered` and `proceed` order the two. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool gate_entered;

static enum status finish_late(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    (void) pthread_mutex_lock(&gate);
    gate_entered = true;
    (void) pthread_cond_signal(&gate_moved);
    (void) pthread_mutex_unlock(&gate);
    while (!http_stopping(exchange)) {
        (void) sched_yield();
    }
    http_reply(exchange, 200, NULL, SLICE("finished"));
    return STATUS_OK;
}

static void
own_error(struct http_exchange *exchange, int status, const struct error *error, void *context)
{
    (void) context;
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%d: %s", status, error->message);
    http_reply_take(exchange, status, "text/plain", &text);
}

static void lets_running_requests_finish(void **state)
{
    (void) state;
    static const struct http_route late[] = {{"GET", "/late", finish_late, NULL}};
    static const char request[] = "GET /late HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char unknown[] = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const struct http_server_config config = {.name = "test",
                                              .host = "127.0.0.1",
                                              .routes = late,
                                              .route_count = 1,
                                              .on_error = own_error};
    struct http_server *server = NULL;
    struct error error = {0};
    assert_ok(http_server_start(&config, &server, &error), error);
    struct buffer answer = raw_ask(http_server_port(server), unknown, strlen(unknown));
    assert_contains(buffer_string(&answer), "404: the path \"/x\" does not exist");
    buffer_clear(&answer);
    int fd = raw_connect(http_server_port(server));
    raw_send(fd, request, strlen(request));
    (void) pthread_mutex_lock(&gate);
    while (!gate_entered) {
        (void) pthread_cond_wait(&gate_moved, &gate);
    }
    (void) pthread_mutex_unlock(&gate);
    http_server_stop(server, 5000000);
    raw_receive(fd, &answer, NULL);
    assert_contains(buffer_string(&answer), "\r\n\r\nfinished");
    assert_contains(buffer_string(&answer), "Connection: close");
    (void) close(fd);
    buffer_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decodes_parameters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_methods, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_large_chunked_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(turns_failures_into_replies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_a_failed_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_the_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_hostile_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sends_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drops_slow_subscribers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_a_taken_port, set_up, tear_down),
        cmocka_unit_test(lets_running_requests_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
