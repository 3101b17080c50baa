#include "test.h"

#include "../http/raw.h"
#include "console/console.h"
#include "io/net.h"

#include <jansson.h>
#include <stdio.h>

/* ---- a provider that remembers what was ordered ---- */

struct fake {
    struct console_ingest_order order;
    char source[80], key[80];
    int64_t cancelled;
    enum status answer;
};

static enum status ingest_start(void *context,
                                const struct console_ingest_order *order,
                                struct arena *arena,
                                struct console_ingest *ret_ingest,
                                struct error *error)
{
    struct fake *fake = context;
    (void) arena;
    if (fake->answer != STATUS_OK) {
        return error_set(error, fake->answer, "not now");
    }
    fake->order = *order;
    (void) snprintf(fake->source, sizeof(fake->source), "%s", order->source);
    (void) snprintf(fake->key, sizeof(fake->key), "%s", order->key == NULL ? "-" : order->key);
    *ret_ingest = (struct console_ingest){
        .id = 7, .order = *order, .state = CONSOLE_INGEST_QUEUED, .asked_us = 1, .exit_code = -1};
    return STATUS_OK;
}

static enum status ingest_list(void *context,
                               int64_t id,
                               struct arena *arena,
                               struct console_ingest **ret_ingests,
                               size_t *ret_count,
                               struct error *error)
{
    const struct fake *fake = context;
    if (id != 0 && id != 7) {
        return error_set(error, STATUS_NOT_FOUND, "there is no order");
    }
    *ret_ingests = ARENA_NEW(arena, struct console_ingest);
    *ret_count = 1;
    **ret_ingests = (struct console_ingest){.id = 7,
                                            .order = {.source = "p.\"<s>\n", .limit = -1},
                                            .state = fake->cancelled == 7 ? CONSOLE_INGEST_CANCELLED
                                                                          : CONSOLE_INGEST_FAILED,
                                            .accepted = 3,
                                            .fault = {"unavailable", "gone \xff", NULL},
                                            .exit_code = 69};
    return STATUS_OK;
}

static enum status ingest_cancel(void *context, int64_t id, struct error *error)
{
    struct fake *fake = context;
    if (id != 7) {
        return error_set(error, STATUS_NOT_FOUND, "there is no order");
    }
    fake->cancelled = id;
    return STATUS_OK;
}

struct fixture {
    struct fake fake;
    struct console *console;
    uint16_t port;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error error = {0};
    struct net_address address;
    const struct console_config config = {.host = "127.0.0.1", .loopback = true};
    const struct console_provider provider = {.context = &fixture->fake,
                                              .ingest_start = ingest_start,
                                              .ingest_list = ingest_list,
                                              .ingest_cancel = ingest_cancel};
    assert_ok(console_start(&config, &provider, &fixture->console, &error), error);
    assert_ok(net_address_parse(console_address(fixture->console), &address, &error), error);
    fixture->port = address.port;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    console_stop(fixture->console);
    free(fixture);
    return 0;
}

/* The answer as JSON, which is the caller's. */
static json_t *ask(const struct fixture *fixture, const char *request, const char *body, int status)
{
    char text[4096];
    int size = snprintf(text, sizeof(text),
                        "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        request, strlen(body), body);
    struct buffer reply = raw_ask(fixture->port, text, (size_t) size);
    const char *head = buffer_string(&reply);
    const char *end = strstr(head, "\r\n\r\n");
    assert_non_null(end);
    if (atoi(head + strlen("HTTP/1.1 ")) != status) {
        fail_msg("%s %s: not %d but %s", request, body, status, head);
    }
    json_t *json = json_loads(end + 4, 0, NULL);
    assert_non_null(json);
    buffer_deinit(&reply);
    return json;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- tests ---- */

static void an_order_comes_through_with_its_defaults(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer = ask(fixture, "POST /api/v1/ingests", "{\"source\": \"users.a\"}", 202);
    assert_string_equal(fixture->fake.source, "users.a");
    assert_string_equal(fixture->fake.key, "-");
    assert_int_equal(fixture->fake.order.limit, -1);
    assert_int_equal(fixture->fake.order.from_us, 0);
    assert_int_equal(fixture->fake.order.give_up_us, 60000000);
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 7);
    assert_string_equal(text_of(answer, "state"), "queued");
    assert_true(json_is_null(json_object_get(answer, "exit_code")));
    assert_true(json_is_null(json_object_get(answer, "from")));
    assert_true(json_is_null(json_object_get(answer, "ended_us")));
    json_decref(answer);
}

static void an_interval_limit_and_key_are_read(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer = ask(fixture, "POST /api/v1/ingests",
                         "{\"source\": \"s\", \"from\": \"2026-01-01T01:00:00+01:00\", "
                         "\"to\": \"2026-01-02\", \"limit\": 5, \"give_up\": \"2 min\", "
                         "\"lease\": \"10 min\", \"key\": \"dag/run/1\"}",
                         202);
    assert_true(fixture->fake.order.from_us == INT64_C(1767225600000000));
    assert_true(fixture->fake.order.to_us == INT64_C(1767312000000000));
    assert_int_equal(fixture->fake.order.limit, 5);
    assert_int_equal(fixture->fake.order.give_up_us, 120000000);
    assert_int_equal(fixture->fake.order.lease_us, 600000000);
    assert_string_equal(fixture->fake.key, "dag/run/1");
    assert_string_equal(text_of(answer, "from"), "2026-01-01T00:00:00.000000Z");
    json_decref(answer);
    /* what a client leaves empty is as if it were not there */
    json_decref(ask(fixture, "POST /api/v1/ingests",
                    "{\"source\": \"s\", \"from\": null, \"to\": null, \"limit\": null}", 202));
    assert_int_equal(fixture->fake.order.limit, -1);
}

static void mistakes_are_told(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"{}", "\"source\" is missing"},
        {"[]", "no JSON object"},
        {"", "no JSON object"},
        {"{\"source\": [1]}", "no text"},
        {"{\"source\": \"s\", \"form\": \"2026-01-01\"}", "\"form\" is none of"},
        {"{\"source\": \"s\", \"from\": \"2026-01-01\"}", "both"},
        {"{\"source\": \"s\", \"from\": \"2026-01-02\", \"to\": \"2026-01-01\"}", "before"},
        {"{\"source\": \"s\", \"from\": \"2026-13-01\", \"to\": \"2026-01-01\"}", "2026-13-01"},
        {"{\"source\": \"s\", \"limit\": 0}", "limit"},
        {"{\"source\": \"s\", \"limit\": \"x\"}", "limit"},
        {"{\"source\": \"s\", \"limit\": 99999999999999999999}", "limit"},
        {"{\"source\": \"s\", \"give_up\": \"soon\"}", "soon"},
        {"{\"source\": \"s\", \"give_up\": \"0s\"}", "give_up"},
        {"{\"source\": \"s\", \"lease\": \"long\"}", "long"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *answer = ask(*state, "POST /api/v1/ingests", cases[i].body, 400);
        const char *message = text_of(json_object_get(answer, "error"), "message");
        if (strstr(message, cases[i].message) == NULL) {
            fail_msg("%s: %s", cases[i].body, message);
        }
        json_decref(answer);
    }
}

static void who_is_stopping_says_so(void **state)
{
    struct fixture *fixture = *state;
    fixture->fake.answer = STATUS_AGAIN;
    json_decref(ask(fixture, "POST /api/v1/ingests", "{\"source\": \"s\"}", 503));
    fixture->fake.answer = STATUS_NOT_FOUND;
    json_decref(ask(fixture, "POST /api/v1/ingests", "{\"source\": \"s\"}", 404));
}

static void one_and_all_are_shown(void **state)
{
    json_t *one = ask(*state, "GET /api/v1/ingests/7", "", 200);
    assert_string_equal(text_of(one, "source"), "p.\"<s>\n");
    assert_string_equal(text_of(one, "state"), "failed");
    assert_string_equal(text_of(json_object_get(one, "fault"), "message"), "gone \xef\xbf\xbd");
    assert_int_equal(json_integer_value(json_object_get(one, "exit_code")), 69);
    json_decref(one);
    json_t *all = ask(*state, "GET /api/v1/ingests", "", 200);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    static const char *const unknown[] = {"8", "x", "0", "-7", "7x", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        char request[80];
        (void) snprintf(request, sizeof(request), "GET /api/v1/ingests/%s", unknown[i]);
        json_decref(ask(*state, request, "", 404));
    }
}

static void an_order_is_cancelled(void **state)
{
    struct fixture *fixture = *state;
    json_decref(ask(fixture, "POST /api/v1/ingests/8/cancel", "{}", 404));
    assert_int_equal(fixture->fake.cancelled, 0);
    json_t *answer = ask(fixture, "POST /api/v1/ingests/7/cancel", "{}", 200);
    assert_int_equal(fixture->fake.cancelled, 7);
    assert_string_equal(text_of(answer, "state"), "cancelled");
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_comes_through_with_its_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(an_interval_limit_and_key_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_stopping_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(one_and_all_are_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(an_order_is_cancelled, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
