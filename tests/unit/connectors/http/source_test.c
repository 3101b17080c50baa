/* The HTTP source against a server that answers from a script. */

#include "connectors/http/http_source.h"

#include "base/map.h"
#include "http/server.h"
#include "io/clock.h"
#include "source_contract.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>

/* ---- the server
 * ---------------------------------------------------------------------------------- */

struct answer {
    int status;            /* 0: 200 */
    const char *type;      /* NULL: application/json */
    const char *header[2]; /* name, value */
    const char *body;
    bool cut; /* end the connection in the middle */
};

static struct http_server *server;
static const struct answer *script;
static size_t script_count;
static size_t asked; /* requests so far */
static char requests[16][1024];

static enum status answer(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    const char *etag = http_header(exchange, "If-None-Match");
    const char *authorization = http_header(exchange, "Authorization");
    snprintf(requests[asked % 16], sizeof(requests[0]), "%s %s?%s%s%s%s%s%s%.*s", exchange->method,
             exchange->path, exchange->query,
             authorization == NULL ? "" : " auth=", authorization == NULL ? "" : authorization,
             etag == NULL ? "" : " etag=", etag == NULL ? "" : etag,
             exchange->body.size == 0 ? "" : " body=", SLICE_FORMAT(exchange->body));
    if (asked >= script_count) {
        asked++;
        http_reply_json(exchange, 500, SLICE("{}"));
        return STATUS_OK;
    }
    const struct answer *next = &script[asked++];
    if (next->cut) {
        http_reply_abort(exchange, false);
        return STATUS_OK;
    }
    if (next->header[0] != NULL) {
        http_reply_header(exchange, next->header[0], next->header[1]);
    }
    http_reply(exchange, next->status == 0 ? 200 : next->status,
               next->type == NULL ? "application/json" : next->type,
               slice_of_string(next->body == NULL ? "" : next->body));
    return STATUS_OK;
}

/* ---- the source
 * ---------------------------------------------------------------------------------- */

/* For the contract: what is asked alone decides. */
static enum status numbered(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    const char *page = http_query(exchange, "page");
    int number = page == NULL ? 0 : atoi(page);
    http_reply_json(exchange, 200,
                    number == 1   ? SLICE("[{\"a\":1},{\"a\":2}]")
                    : number == 2 ? SLICE("[{\"a\":3}]")
                                  : SLICE("[]"));
    return STATUS_OK;
}

struct fixture {
    struct arena arena; /* of settings */
    struct arena page_arena;
    struct source *source;
    struct source_page page;
    int64_t retry_after_us;
    atomic_bool cancelled;
    char cursor[512];
    bool has_cursor;
    int64_t from_us, to_us;
    struct error error;
};

static struct fixture f;

/* Settings from YAML in which "%" stands for the server's address. */
static void *read_settings(const char *yaml)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (; *yaml != '\0'; yaml++) {
        if (*yaml == '%') {
            buffer_append_string(&text, http_server_address(server));
        } else {
            buffer_append_byte(&text, (uint8_t) *yaml);
        }
    }
    struct node *node;
    assert_ok(node_parse(arena_copy(&f.arena, buffer_slice(&text)), "test.yaml", &f.arena, &node,
                         &f.error),
              f.error);
    void *settings = arena_zalloc(&f.arena, http_source_settings.struct_size);
    assert_ok(settings_read(&http_source_settings, node, &f.arena, settings, &f.error), f.error);
    return settings;
}

static enum status open_source(const char *yaml)
{
    void *settings = read_settings(yaml);
    f.has_cursor = false;
    asked = 0;
    return http_source_ops.open(settings, "test.http", &f.source, &f.error);
}

/* Fetches a page and, if it is one, moves the cursor as staging would. */
static enum status fetch(void)
{
    arena_reset(&f.page_arena);
    struct source_request request = {.cursor = f.has_cursor ? f.cursor : NULL,
                                     .from_us = f.from_us,
                                     .to_us = f.to_us,
                                     .cancelled = &f.cancelled};
    enum status status = http_source_ops.fetch(f.source, &request, &f.page_arena, &f.page,
                                               &f.retry_after_us, &f.error);
    if (status == STATUS_OK && f.page.cursor != NULL) {
        snprintf(f.cursor, sizeof(f.cursor), "%s", f.page.cursor);
        f.has_cursor = true;
    }
    return status;
}

static void play(const struct answer *answers, size_t count)
{
    script = answers;
    script_count = count;
}

#define PLAY(...)                                                                                  \
    static const struct answer answers[] = {__VA_ARGS__};                                          \
    play(answers, ARRAY_SIZE(answers))

static void assert_page(size_t count, bool end)
{
    assert_ok(fetch(), f.error);
    assert_int_equal(f.page.count, count);
    assert_int_equal(f.page.end, end);
}

static int setup(void **state)
{
    (void) state;
    arena_init(&f.arena, 0);
    arena_init(&f.page_arena, 0);
    f.source = NULL;
    f.from_us = f.to_us = 0;
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    if (f.source != NULL) {
        http_source_ops.close(f.source);
    }
    arena_deinit(&f.arena);
    arena_deinit(&f.page_arena);
    return 0;
}

/* ---- paging
 * -------------------------------------------------------------------------------------- */

static void pages(void **state)
{
    (void) state;
    PLAY({.body = "{\"results\":[{\"a\":1},{\"a\":2}],\"info\":{\"results\":2}}"},
         {.body = "{\"results\":[{\"a\":3}],\"info\":{\"results\":1}}"},
         {.body = "{\"results\":[],\"info\":{\"results\":0}}"},
         {.body = "{\"results\":[{\"a\":4}],\"info\":{\"results\":1}}"});
    assert_ok(open_source("{url: 'http://%/api/?x=1', params: {results: 2, 'a b': 'c&d'},"
                          " records: results, expect: {count: info.results},"
                          " next: {param: page}}"),
              f.error);
    assert_page(2, false);
    assert_string_equal(requests[0], "GET /api/?x=1&results=2&a%20b=c%26d&page=1");
    assert_string_equal(f.page.place, "page 1, results");
    assert_true(slice_equal_string(f.page.records[1].raw, "{\"a\":2}"));
    assert_int_equal(f.page.requests, 1);
    assert_page(1, false); /* a short page is not the end */
    assert_string_equal(f.cursor, "{\"page\":3}");
    assert_page(0, true);
    assert_string_equal(f.cursor, "{\"page\":3}");
    assert_page(1, false); /* more has come */
    assert_non_null(strstr(requests[3], "page=3"));
}

static void offsets(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1},{\"a\":2},{\"a\":3}]"}, {.body = "[{\"a\":4}]"}, {.body = "[]"});
    assert_ok(open_source("{url: 'http://%/', next: {param: skip, by: offset}}"), f.error);
    assert_page(3, false);
    assert_page(1, false);
    assert_page(0, true);
    assert_string_equal(requests[0], "GET /?skip=0");
    assert_string_equal(requests[1], "GET /?skip=3");
    assert_string_equal(requests[2], "GET /?skip=4");
}

static void cursors(void **state)
{
    (void) state;
    PLAY({.body = "{\"d\":[{\"a\":1}],\"next\":\"p 2\"}"},
         {.body = "{\"d\":[{\"a\":2}],\"next\":77}"}, {.body = "{\"d\":[{\"a\":3}],\"next\":null}"},
         {.body = "{\"d\":[{\"a\":3}],\"next\":\"x\"}"}, {.body = "{\"d\":[],\"next\":\"x\"}"},
         {.body = "{\"d\":[{\"a\":9}],\"next\":\"x\"}"});
    assert_ok(open_source("{url: 'http://%/', records: d,"
                          " next: {param: after, by: cursor, path: next}}"),
              f.error);
    assert_page(1, false);
    assert_string_equal(requests[0], "GET /?");
    assert_page(1, false);
    assert_string_equal(requests[1], "GET /?after=p%202");
    assert_page(1, true); /* the last page; it is asked again at the next tick */
    assert_string_equal(requests[2], "GET /?after=77");
    assert_page(1, false);
    assert_string_equal(requests[3], "GET /?after=77");
    assert_page(0, true); /* the same cursor without records: nothing new */
    assert_fails(fetch(), STATUS_PROTOCOL, f.error, "same page");
    assert_false(f.error.retriable);
}

static void cursor_in_header(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1}]", .header = {"X-Next", "t1"}}, {.body = "[{\"a\":2}]"});
    assert_ok(open_source("{url: 'http://%/', next: {param: t, by: cursor, header: X-Next}}"),
              f.error);
    assert_page(1, false);
    assert_page(1, true);
    assert_string_equal(requests[1], "GET /?t=t1");
}

static void links(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1}]",
          .header = {"Link",
                     "</repos?page=0>; rel=\"prev\", </repos?page=2&q=a,b>; rel=\"next last\""}},
         {.body = "[{\"a\":2}]", .header = {"Link", "</repos?page=1>; rel=prev"}},
         {.body = "[{\"a\":3}]", .header = {"Link", "<http://elsewhere.example/>; rel=next"}});
    assert_ok(open_source("{url: 'http://%/repos', next: {by: link}}"), f.error);
    assert_page(1, false);
    assert_page(1, true);
    assert_string_equal(requests[1], "GET /repos?page=2&q=a,b");
    assert_fails(fetch(), STATUS_CONFIG, f.error, "elsewhere.example");
}

/* The client would take these for another host, or another URL, than a careless look tells. */
static void links_in_disguise(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1}]", .header = {"Link", "</r?from=http://cdn.example/>; rel=next"}},
         {.body = "[{\"a\":2}]", .header = {"Link", "<evil.example/?x://cdn.example/>; rel=next"}},
         {.body = "[{\"a\":3}]",
          .header = {"Link", "<http://cdn.example:x@evil.example/>; rel=next"}},
         {.body = "[{\"a\":3}]", .header = {"Link", "<//cdn.example\\@evil.example/>; rel=next"}});
    assert_ok(open_source("{url: 'http://%/r', next: {by: link}, allow_hosts: [cdn.example]}"),
              f.error);
    assert_page(1, false);
    assert_page(1, false);
    assert_string_equal(requests[1], "GET /r?from=http://cdn.example/");
    assert_fails(fetch(), STATUS_CONFIG, f.error, "another host");
    assert_string_equal(requests[2], "GET /evil.example/?x://cdn.example/");
    assert_fails(fetch(), STATUS_CONFIG, f.error, "another host");
}

static void url_in_body(void **state)
{
    (void) state;
    PLAY({.body = "{\"d\":[{\"a\":1}],\"next\":\"?p=2\"}"},
         {.body = "{\"d\":[{\"a\":2}],\"next\":\"?p=3\",\"more\":false}"});
    assert_ok(open_source("{url: 'http://%/v1/items?p=1', records: d,"
                          " next: {by: url, path: next, more: more}}"),
              f.error);
    assert_page(1, false);
    assert_page(1, true);
    assert_string_equal(requests[1], "GET /v1/items?p=2");
}

static void windows(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1}]"}, {.body = "[]"}, {.body = "[]"}, {.body = "[{\"a\":2}]"});
    clock_simulate(1767225600000000); /* 2026-01-01T00:00:00Z */
    assert_ok(open_source("{url: 'http://%/', next: {param: page},"
                          " window: {from: since, to: until, start: 2025-12-30, step: 1 day}}"),
              f.error);
    assert_page(1, false);
    assert_string_equal(
        requests[0], "GET /?since=2025-12-30T00%3A00%3A00Z&until=2025-12-31T00%3A00%3A00Z&page=1");
    assert_page(0, false); /* this window is over */
    assert_page(0, false); /* and the next one is empty */
    assert_string_equal(
        requests[2], "GET /?since=2025-12-31T00%3A00%3A00Z&until=2026-01-01T00%3A00%3A00Z&page=1");
    assert_page(0, true); /* the running one is not asked for */
    assert_int_equal(asked, 3);
    assert_int_equal(f.page.requests, 0);
    clock_simulate(1767225600000000 + 86400000000);
    assert_page(1, false);
    assert_non_null(strstr(requests[3], "since=2026-01-01"));
    clock_simulate(-1);
}

static void intervals(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1}]"});
    assert_ok(open_source("{url: 'http://%/day', params: {d: '${interval.start}'}}"), f.error);
    assert_fails(fetch(), STATUS_CONFIG, f.error, "interval");
    f.from_us = 1767225600000000;
    f.to_us = f.from_us + 86400000000;
    assert_page(1, true);
    assert_string_equal(requests[0], "GET /day?d=2026-01-01T00%3A00%3A00Z");
}

static void one_page(void **state)
{
    (void) state;
    PLAY({.body = "[{\"a\":1}]", .header = {"ETag", "\"v1\""}}, {.status = 304},
         {.body = "[{\"a\":2}]"});
    assert_ok(open_source("{url: 'http://%/'}"), f.error);
    assert_page(1, true);
    assert_page(0, true);
    assert_string_equal(requests[1], "GET /? etag=\"v1\"");
    assert_page(1, true);
    assert_string_equal(f.cursor, "{}");
}

static void other_formats(void **state)
{
    (void) state;
    PLAY({.body = "id,name\n01,x\n", .type = "text/csv"});
    assert_ok(open_source("{url: 'http://%/', format: csv}"), f.error);
    assert_page(1, true);
    assert_true(slice_equal_string(f.page.records[0].raw, "{\"id\":\"01\",\"name\":\"x\"}"));
}

static void posts(void **state)
{
    (void) state;
    PLAY({.body = "[]"}, {.body = "[]"});
    assert_ok(open_source("{url: 'http://%/q', method: POST, body: '{\"q\": 1}', token: secret}"),
              f.error);
    assert_page(0, true);
    assert_string_equal(requests[0], "POST /q? auth=Bearer secret body={\"q\": 1}");
    http_source_ops.close(f.source);
    /* RFC 7617, section 2. */
    assert_ok(open_source("{url: 'http://%/', user: Aladdin, password: open sesame}"), f.error);
    play(answers, 2);
    assert_page(0, true);
    assert_string_equal(requests[0], "GET /? auth=Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

/* ---- answers that cannot be used --------------------------------------------------------------
 */

struct refusal {
    struct answer answer;
    enum status status;
    bool retriable;
    int64_t retry_after_us;
    const char *part;
};

static void refusals(void **state)
{
    (void) state;
    static const struct refusal cases[] = {
        {{.status = 500, .body = "{\"x\":1}"}, STATUS_UNAVAILABLE, true, -1, "HTTP 500"},
        {{.status = 503, .header = {"Retry-After", "7"}}, STATUS_UNAVAILABLE, true, 7000000, "503"},
        {{.status = 429, .header = {"Retry-After", "120"}, .body = "slow down"},
         STATUS_UNAVAILABLE,
         true,
         120000000,
         "slow down"},
        {{.status = 429, .header = {"X-RateLimit-Reset", "30"}},
         STATUS_UNAVAILABLE,
         true,
         30000000,
         "429"},
        {{.status = 408}, STATUS_UNAVAILABLE, true, -1, "408"},
        {{.status = 425}, STATUS_UNAVAILABLE, true, -1, "425"},
        {{.status = 401}, STATUS_CONFIG, false, -1, "401"},
        {{.status = 404}, STATUS_CONFIG, false, -1, "404"},
        {{.status = 422}, STATUS_CONFIG, false, -1, "422"},
        {{.type = "text/html", .body = "<html>maintenance</html>"},
         STATUS_UNAVAILABLE,
         true,
         -1,
         "HTML"},
        {{.body = " <!DOCTYPE html>"}, STATUS_UNAVAILABLE, true, -1, "HTML"},
        {{.body = ""}, STATUS_UNAVAILABLE, true, -1, "empty"},
        {{.body = "{\"results\":[{\"a\":1},{\"a\""},
         STATUS_UNAVAILABLE,
         true,
         -1,
         "cannot be used"},
        {{.body = "{\"error\":\"Uh oh, something has gone wrong.\"}"},
         STATUS_UNAVAILABLE,
         true,
         -1,
         "Uh oh"},
        {{.body = "{\"error\":\"Uh oh\",\"results\":[]}"}, STATUS_UNAVAILABLE, true, -1, "Uh oh"},
        {{.body = "{\"info\":{\"results\":0}}"}, STATUS_UNAVAILABLE, true, -1, "\"results\""},
        {{.body = "{\"results\":[{\"a\":1}],\"info\":{\"results\":2}}"},
         STATUS_UNAVAILABLE,
         true,
         -1,
         "1 records and announces 2"},
        {{.body = "{\"results\":[{\"a\":1}]}"}, STATUS_UNAVAILABLE, true, -1, "announces no count"},
        {{.cut = true}, STATUS_UNAVAILABLE, true, -1, ""},
    };
    assert_ok(open_source("{url: 'http://%/', records: results, expect: {count: info.results},"
                          " next: {param: page}}"),
              f.error);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        play(&cases[i].answer, 1);
        asked = 0;
        enum status status = fetch();
        if (status != cases[i].status || f.error.retriable != cases[i].retriable ||
            f.retry_after_us != cases[i].retry_after_us ||
            strstr(f.error.message, cases[i].part) == NULL) {
            fail_msg("case %zu: %s, retriable %d, after %lld: %s", i, status_name(status),
                     f.error.retriable, (long long) f.retry_after_us, f.error.message);
        }
        assert_false(f.has_cursor);
    }
    /* An "error" that says that there is none is no failure. */
    static const struct answer good = {
        .body = "{\"error\":null,\"results\":[{\"a\":1}],\"info\":{\"results\":1}}"};
    play(&good, 1);
    asked = 0;
    assert_page(1, false);
}

static void wrong_settings(void **state)
{
    (void) state;

    static const struct {
        const char *yaml, *part;
    } cases[] = {
        {"{url: 'ftp://x/'}", "http://"},
        {"{url: 'http://x/', next: {by: page}}", "parameter"},
        {"{url: 'http://x/', next: {param: p, path: a}}", "counts"},
        {"{url: 'http://x/', next: {param: p, by: cursor}}", "either"},
        {"{url: 'http://x/', next: {by: url}}", "path"},
        {"{url: 'http://x/', body: x}", "GET"},
        {"{url: 'http://x/', token: a, user: b}", "token"},
        {"{url: 'http://x/', window: {from: f, start: yesterday}}", "window.start"},
        {"{url: 'http://x/', format: csv, next: {param: p, more: m}}", "no JSON"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_fails(open_source(cases[i].yaml), STATUS_CONFIG, f.error, cases[i].part);
        f.source = NULL;
    }
}

static void foreign_cursor(void **state)
{
    (void) state;
    PLAY({.body = "[]"});
    assert_ok(open_source("{url: 'http://%/'}"), f.error);
    snprintf(f.cursor, sizeof(f.cursor), "garbage");
    f.has_cursor = true;
    assert_fails(fetch(), STATUS_CORRUPT, f.error, "garbage");
}

static void nobody_listens(void **state)
{
    (void) state;
    assert_ok(open_source("{url: 'http://127.0.0.1:1/'}"), f.error);
    assert_fails(fetch(), STATUS_UNAVAILABLE, f.error, "");
    assert_true(f.error.retriable);
    assert_string_equal(http_source_ops.describe(f.source), "GET http://127.0.0.1:1/");
}

int main(void)
{
    static const struct http_route routes[] = {
        {"GET", "/numbered", numbered, NULL},
        {"GET", "/{path*}", answer, NULL},
        {"POST", "/{path*}", answer, NULL},
    };
    struct http_server_config config = {
        .name = "script", .host = "127.0.0.1", .routes = routes, .route_count = ARRAY_SIZE(routes)};
    struct error error;
    if (http_server_start(&config, &server, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(cursors, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_in_header, setup, teardown),
        cmocka_unit_test_setup_teardown(links, setup, teardown),
        cmocka_unit_test_setup_teardown(links_in_disguise, setup, teardown),
        cmocka_unit_test_setup_teardown(url_in_body, setup, teardown),
        cmocka_unit_test_setup_teardown(windows, setup, teardown),
        cmocka_unit_test_setup_teardown(intervals, setup, teardown),
        cmocka_unit_test_setup_teardown(one_page, setup, teardown),
        cmocka_unit_test_setup_teardown(other_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(posts, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_cursor, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_listens, setup, teardown),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const records[] = {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}"};
    arena_init(&f.arena, 0);
    struct source_contract contract = {
        .ops = &http_source_ops,
        .settings = read_settings("{url: 'http://%/numbered', next: {param: page}}"),
        .records = records,
        .record_count = 3,
    };
    failures += source_contract(&contract);
    arena_deinit(&f.arena);
    http_server_stop(server, 1000000);
    return failures;
}
