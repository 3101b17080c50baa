#include "test.h"

#include "../http/raw.h"
#include "console/console.h"
#include "io/net.h"

#include <jansson.h>
#include <stdio.h>

/* ---- a provider whose every name is hostile ---- */

#define HOSTILE "<script>\"\\\n\xff\xe2\x80\xae{}"

struct fake {
    bool busy;
    bool stopped;
    struct console_dead_filter asked; /* of the last retry; texts are copies */
    char hop[32], reason[32], store[32];
};

static enum status snapshot(void *context,
                            struct arena *arena,
                            struct console_snapshot *ret_snapshot,
                            struct error *error)
{
    static const struct console_sink sink = {HOSTILE, HOSTILE};
    static const struct console_stream stream = {HOSTILE, HOSTILE, &sink, 1};
    static const struct console_partition partition = {1, 5, 100};
    static const struct console_topic topic = {HOSTILE, &partition, 1};
    static const struct console_offset offsets[] = {{HOSTILE, 0, 2, 5, NULL},
                                                    {"gone", 0, 7, -1, NULL}};
    static const struct console_group group = {.id = HOSTILE,
                                               .state = "Stable",
                                               .protocol_type = "consumer",
                                               .member_count = 1,
                                               .offsets = offsets,
                                               .offset_count = 2};
    const struct fake *fake = context;
    if (fake->busy) {
        return error_set(error, STATUS_AGAIN, "too busy");
    }
    struct console_source *source = ARENA_NEW(arena, struct console_source);
    struct console_flow *flow = ARENA_NEW(arena, struct console_flow);
    *source = (struct console_source){.pipeline = HOSTILE,
                                      .name = HOSTILE,
                                      .topic = HOSTILE,
                                      .state = "retrying",
                                      .fetched = INT64_MAX,
                                      .fault = {"unavailable", HOSTILE, HOSTILE},
                                      .capture_state = "idle"};
    *flow = (struct console_flow){.pipeline = HOSTILE,
                                  .topic = HOSTILE,
                                  .running = !fake->stopped,
                                  .streams = &stream,
                                  .stream_count = 1,
                                  .stored = 4,
                                  .lag = -1,
                                  .watermark_us = INT64_MIN,
                                  .latency_us = 1500000};
    *ret_snapshot = (struct console_snapshot){.data = HOSTILE,
                                              .file = HOSTILE,
                                              .kafka = "k",
                                              .http = "h",
                                              .registry = "r",
                                              .sources = source,
                                              .source_count = 1,
                                              .flows = flow,
                                              .flow_count = 1,
                                              .topics = &topic,
                                              .topic_count = 1,
                                              .groups = &group,
                                              .group_count = 1};
    return STATUS_OK;
}

static enum status dead_list(void *context,
                             const struct console_dead_filter *filter,
                             struct arena *arena,
                             struct console_dead **ret_letters,
                             size_t *ret_count,
                             struct error *error)
{
    (void) context;
    (void) error;
    *ret_count = filter->limit == 2 ? 2 : 0;
    *ret_letters = ARENA_ARRAY(arena, struct console_dead, 2);
    (*ret_letters)[0] = (struct console_dead){
        .store = "staging", .id = 1, .hop = "source", .reason = HOSTILE, .raw = SLICE("{\"a\":1}")};
    (*ret_letters)[1] = (struct console_dead){.store = "tables",
                                              .id = 2,
                                              .hop = "sink",
                                              .topic = "t",
                                              .raw = SLICE("\0\0\xff"),
                                              .raw_bytes = 3};
    return STATUS_OK;
}

static void keep(char *target, const char *text)
{
    (void) snprintf(target, 32, "%s", text == NULL ? "-" : text);
}

static enum status dead_retry(void *context,
                              const struct console_dead_filter *filter,
                              struct console_retry_result *ret_result,
                              struct error *error)
{
    struct fake *fake = context;
    (void) error;
    fake->asked = *filter;
    keep(fake->hop, filter->hop);
    keep(fake->reason, filter->reason);
    keep(fake->store, filter->store);
    *ret_result = (struct console_retry_result){.tried = 3, .resolved = 2};
    return STATUS_OK;
}

/* ---- asking it ---- */

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
                                              .snapshot = snapshot,
                                              .dead_list = dead_list,
                                              .dead_retry = dead_retry};
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

/* The reply to METHOD PATH; its status, and in `ret_body` the text behind the head. */
static int ask(const struct fixture *fixture,
               const char *request,
               const char *body,
               struct buffer *ret_reply,
               const char **ret_body)
{
    char text[1024];
    int size = snprintf(text, sizeof(text),
                        "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        request, strlen(body), body);
    *ret_reply = raw_ask(fixture->port, text, (size_t) size);
    const char *reply = buffer_string(ret_reply);
    const char *end = strstr(reply, "\r\n\r\n");
    assert_non_null(end);
    *ret_body = end + 4;
    return atoi(reply + strlen("HTTP/1.1 "));
}

static json_t *ask_json(const struct fixture *fixture, const char *request, int status)
{
    struct buffer reply;
    const char *body;
    json_error_t where;
    assert_int_equal(ask(fixture, request, "", &reply, &body), status);
    json_t *json = json_loads(body, 0, &where);
    if (json == NULL) {
        fail_msg("%s: %s in %s", request, where.text, body);
    }
    buffer_deinit(&reply);
    return json;
}

static void hostile_names_leave_json_whole(void **state)
{
    json_t *status = ask_json(*state, "GET /api/v1/status", 200);
    const char *shown = "<script>\"\\\n\xef\xbf\xbd\xe2\x80\xae{}";
    json_t *source = json_array_get(json_object_get(status, "sources"), 0);
    assert_string_equal(json_string_value(json_object_get(source, "name")), shown);
    assert_true(json_integer_value(json_object_get(source, "fetched")) == INT64_MAX);
    assert_true(json_is_null(json_object_get(source, "address")));
    json_t *flow = json_array_get(json_object_get(status, "flows"), 0);
    assert_true(json_is_null(json_object_get(flow, "lag")));
    assert_true(json_is_null(json_object_get(flow, "watermark_us")));
    json_t *problem = json_array_get(json_object_get(status, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "message")), shown);
    json_decref(status);
    json_t *groups = ask_json(*state, "GET /api/v1/groups", 200);
    json_t *group = json_array_get(groups, 0);
    assert_int_equal(json_integer_value(json_object_get(group, "lag")), 3);
    json_decref(groups);
}

static void metrics_escape_labels(void **state)
{
    struct buffer reply;
    const char *body;
    assert_int_equal(ask(*state, "GET /metrics", "", &reply, &body), 200);
    const char *label = "<script>\\\"\\\\\\n\xef\xbf\xbd\xe2\x80\xae{}";
    char wanted[400];
    (void) snprintf(wanted, sizeof(wanted),
                    "\nleat_records_stored_total{pipeline=\"%s\",topic=\"%s\"} 4\n", label, label);
    assert_non_null(strstr(body, wanted));
    assert_non_null(strstr(body, "leat_stream_latency_seconds{"));
    assert_non_null(strstr(body, "} 1.500000\n"));
    assert_null(strstr(body, "\nleat_stream_lag_records{"));                 /* not known */
    assert_null(strstr(body, "\nleat_stream_watermark_timestamp_seconds{")); /* none      */
    assert_non_null(strstr(body, "\nleat_up 1\n"));
    buffer_deinit(&reply);
}

static void a_busy_engine_is_told_and_probes_go_on(void **state)
{
    struct fixture *fixture = *state;
    struct buffer reply;
    const char *body;
    fixture->fake.busy = true;
    assert_int_equal(ask(fixture, "GET /api/v1/status", "", &reply, &body), 503);
    buffer_deinit(&reply);
    assert_int_equal(ask(fixture, "GET /livez", "", &reply, &body), 200);
    buffer_deinit(&reply);
    assert_int_equal(ask(fixture, "GET /metrics", "", &reply, &body), 200);
    assert_non_null(strstr(body, "\nleat_up 0\n"));
    buffer_deinit(&reply);
    json_t *ready = ask_json(fixture, "GET /readyz", 503);
    json_t *reason = json_array_get(json_object_get(ready, "reasons"), 0);
    assert_string_equal(json_string_value(reason), "too busy");
    json_decref(ready);
}

static void a_stopped_stream_is_not_ready(void **state)
{
    struct fixture *fixture = *state;
    json_decref(ask_json(fixture, "GET /readyz", 200));
    fixture->fake.stopped = true;
    json_t *ready = ask_json(fixture, "GET /readyz", 503);
    assert_true(json_is_false(json_object_get(ready, "ready")));
    assert_int_equal(json_array_size(json_object_get(ready, "reasons")), 1);
    json_decref(ready);
}

static void raw_bytes_that_are_no_text_come_in_hexadecimal(void **state)
{
    json_t *letters = ask_json(*state, "GET /api/v1/dead?limit=2", 200);
    json_t *text = json_array_get(letters, 0);
    json_t *bytes = json_array_get(letters, 1);
    assert_string_equal(json_string_value(json_object_get(text, "raw")), "{\"a\":1}");
    assert_string_equal(json_string_value(json_object_get(bytes, "raw_hex")), "0000ff");
    assert_null(json_object_get(bytes, "raw"));
    json_decref(letters);
    static const char *const refused[] = {"limit=0", "limit=1001", "limit=x", "id=-1", "hop=moon"};
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        char request[80];
        (void) snprintf(request, sizeof(request), "GET /api/v1/dead?%s", refused[i]);
        json_decref(ask_json(*state, request, 400));
    }
}

static void a_retry_passes_its_filter_on(void **state)
{
    struct fixture *fixture = *state;
    struct buffer reply;
    const char *body;
    assert_int_equal(ask(fixture, "POST /api/v1/dead/retry",
                         "{\"hop\": \"sink\", \"reason\": \"cast\"}", &reply, &body),
                     200);
    assert_string_equal(body, "{\"tried\":3,\"resolved\":2}");
    assert_string_equal(fixture->fake.hop, "sink");
    assert_string_equal(fixture->fake.reason, "cast");
    assert_string_equal(fixture->fake.store, "-");
    buffer_deinit(&reply);
    assert_int_equal(ask(fixture, "POST /api/v1/dead/retry", "{\"store\": \"tables\", \"id\": 9}",
                         &reply, &body),
                     200);
    assert_string_equal(fixture->fake.store, "tables");
    assert_int_equal(fixture->fake.asked.id, 9);
    buffer_deinit(&reply);
}

/* What a form of another page could send, JSON that is none, and names that no table has. */
static void a_body_is_json_as_its_table_says(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{",
        "{\"hop\": 1.5}",
        "{\"hop\": [1]}",
        "{\"x\": 1}",
        "{\"id\": -1}",
        "store: a",
        "{\"id\":1,\"id\":2}",
        "{\"name\": \"a\\u0000b\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct buffer reply;
        const char *body;
        assert_int_equal(ask(*state, "POST /api/v1/dead/retry", bodies[i], &reply, &body), 400);
        buffer_deinit(&reply);
    }
}

static void without_a_log_its_routes_say_so(void **state)
{
    json_decref(ask_json(*state, "GET /api/v1/topics/x", 503));
    json_decref(ask_json(*state, "GET /api/v1/topics/x/scan", 503));
    json_decref(ask_json(*state, "GET /api/v1/relations", 503));
}

/* Each parameter and field of the tables is described, each path once. */
static void the_description_is_made_from_the_tables(void **state)
{
    json_t *api = ask_json(*state, "GET /api/v1/openapi.json", 200);
    json_t *paths = json_object_get(api, "paths");
    json_t *topic = json_object_get(paths, "/api/v1/topics/{topic}");
    assert_int_equal(json_object_size(topic), 3);
    json_t *records =
        json_object_get(json_object_get(paths, "/api/v1/topics/{topic}/records"), "get");
    assert_int_equal(json_array_size(json_object_get(records, "parameters")), 7);
    json_t *body = json_object_get(json_object_get(topic, "patch"), "requestBody");
    json_t *schema = json_object_get(
        json_object_get(json_object_get(body, "content"), "application/json"), "schema");
    assert_int_equal(json_object_size(json_object_get(schema, "properties")), 2);
    json_decref(api);
}

static void two_consoles_cannot_have_one_port(void **state)
{
    struct fixture *fixture = *state;
    struct console *second;
    struct error error = {0};
    const struct console_config config = {.host = "127.0.0.1", .port = fixture->port};
    const struct console_provider provider = {.context = &fixture->fake,
                                              .snapshot = snapshot,
                                              .dead_list = dead_list,
                                              .dead_retry = dead_retry};
    assert_fails(console_start(&config, &provider, &second, &error), STATUS_UNAVAILABLE, error,
                 "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hostile_names_leave_json_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_escape_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(a_busy_engine_is_told_and_probes_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_stream_is_not_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_bytes_that_are_no_text_come_in_hexadecimal, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_retry_passes_its_filter_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_is_json_as_its_table_says, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_log_its_routes_say_so, setup, teardown),
        cmocka_unit_test_setup_teardown(the_description_is_made_from_the_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(two_consoles_cannot_have_one_port, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
