#include "test.h"

#include "connectors/generate/api_server.h"
#include "http/client.h"
#include "io/clock.h"
#include "io/file.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

/* A server and a client that asks it. */
struct session {
    struct api_server *server;
    struct http_client *client;
    struct http_reply reply;
    struct error error;
};

static struct session session_begin(struct api_server_config config)
{
    struct session session = {0};
    assert_ok(api_server_start(&config, &session.server, &session.error), session.error);
    assert_ok(http_client_new(&(struct http_client_config){0}, &session.client, &session.error),
              session.error);
    http_reply_init(&session.reply);
    return session;
}

static void session_end(struct session *session)
{
    http_reply_deinit(&session->reply);
    http_client_free(session->client);
    api_server_stop(session->server);
}

static enum http_failure ask(struct session *session, const char *rest)
{
    char url[256];
    (void) snprintf(url, sizeof(url), "%s%s", api_server_url(session->server), rest);
    const struct http_request request = {.url = url, .timeouts = HTTP_TIMEOUTS_DEFAULT};
    enum status status = http_request(session->client, &request, &session->reply, &session->error);
    assert_int_equal(status == STATUS_OK, session->reply.failure == HTTP_OK);
    return session->reply.failure;
}

/* The reply as JSON, or NULL; the caller gives it back. */
static json_t *json_of(const struct session *session)
{
    return json_loadb((const char *) session->reply.body.data, session->reply.body.size, 0, NULL);
}

static size_t user_count(const struct session *session)
{
    json_t *root = json_of(session);
    assert_non_null(root);
    size_t count = json_array_size(json_object_get(root, "results"));
    json_decref(root);
    return count;
}

static void answers_users(void **state)
{
    (void) state;
    struct session session = session_begin((struct api_server_config){0});
    assert_int_equal(ask(&session, "?results=12&seed=abc"), HTTP_OK);
    assert_int_equal(session.reply.status, 200);
    assert_int_equal(user_count(&session), 12);
    assert_string_equal(http_reply_value(&session.reply, "content-type"),
                        "application/json; charset=utf-8");
    assert_string_equal(http_reply_value(&session.reply, "access-control-allow-origin"), "*");
    assert_string_equal(http_reply_value(&session.reply, "cache-control"), "no-cache");
    (void) ask(&session, "1.2/?results=3&noinfo");
    assert_int_equal(user_count(&session), 3);
    (void) ask(&session, "1.3");
    assert_non_null(strstr(buffer_string(&session.reply.body), "\"version\":\"1.3\""));
    (void) ask(&session, "1.5/");
    assert_int_equal(session.reply.status, 404);
    assert_string_equal(buffer_string(&session.reply.body), "Not Found");
    (void) ask(&session, "?format=csv&results=2");
    assert_string_equal(http_reply_value(&session.reply, "content-type"),
                        "text/csv; charset=utf-8");
    (void) ask(&session, "?dl");
    assert_string_equal(http_reply_value(&session.reply, "content-disposition"),
                        "attachment; filename=download.json");
    (void) ask(&session, "?format=yaml");
    assert_int_equal(session.reply.status, 400);
    struct api_server_counts counts;
    api_server_counts(session.server, &counts);
    assert_int_equal(counts.users, 12 + 3 + 1 + 2 + 1);
    session_end(&session);
}

static void fails_as_told(void **state)
{
    (void) state;
    static const char faults[] =
        "503:2,429,empty,html,truncated,cut,reset,error,badrecord:3,slow:1ms";
    struct session session = session_begin((struct api_server_config){.faults = faults});
    const char *query = "?results=5&seed=f";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&session, query), HTTP_OK);
        assert_int_equal(session.reply.status, 503);
        assert_non_null(strstr(buffer_string(&session.reply.body), "<html>"));
    }
    (void) ask(&session, query);
    assert_int_equal(session.reply.status, 429);
    assert_int_equal(session.reply.retry_after_us, 1000000);
    assert_non_null(strstr(buffer_string(&session.reply.body), "{\"error\":\"Whoa"));
    (void) ask(&session, query);
    assert_int_equal(session.reply.status, 200);
    assert_string_equal(buffer_string(&session.reply.body),
                        "{\"results\":[],\"info\":{\"seed\":\"f\",\"results\":5,\"page\":1,"
                        "\"version\":\"1.4\"}}");
    (void) ask(&session, query);
    assert_int_equal(session.reply.status, 200);
    assert_null(json_of(&session));
    assert_int_equal(ask(&session, query), HTTP_OK); /* truncated: the length fits, the JSON not */
    assert_int_equal(session.reply.status, 200);
    assert_null(json_of(&session));
    assert_true(session.reply.body.size > 1000);
    assert_int_equal(ask(&session, query), HTTP_TRUNCATED);
    /* on a connection of its own: on a kept one the library asks again by itself */
    assert_int_equal(ask(&session, query), HTTP_CLOSED);
    (void) ask(&session, query);
    assert_int_equal(strncmp(buffer_string(&session.reply.body), "{\"error\":\"Uh oh", 15), 0);
    static const char *const spoiled[] = {"\"uuid\":null,", "\"postcode\":{\"code\":1},",
                                          "\"number\":\"seven\","};
    for (size_t i = 0; i < ARRAY_SIZE(spoiled); i++) {
        (void) ask(&session, query);
        assert_int_equal(user_count(&session), 5);
        assert_non_null(strstr(buffer_string(&session.reply.body), spoiled[i]));
    }
    for (int i = 0; i < 3; i++) {
        (void) ask(&session, query);
        assert_int_equal(user_count(&session), 5);
    }
    struct api_server_counts counts;
    api_server_counts(session.server, &counts);
    assert_int_equal(counts.requests, 15);
    assert_int_equal(counts.faults, 13);
    session_end(&session);
}

static void limits_users(void **state)
{
    (void) state;
    struct session session =
        session_begin((struct api_server_config){.limit_users = 100, .limit_window_us = 600000000});
    /* a request begun below the limit is served whole */
    (void) ask(&session, "?results=99");
    (void) ask(&session, "?results=50");
    assert_int_equal(user_count(&session), 50);
    (void) ask(&session, "?results=1");
    assert_int_equal(session.reply.status, 429);
    assert_non_null(strstr(buffer_string(&session.reply.body), "requested 149 users"));
    assert_in_range(session.reply.retry_after_us, 1, 601000000);
    session_end(&session);
}

static void plays_recordings(void **state)
{
    (void) state;
    char directory[] = "/tmp/leat-replay-XXXXXX";
    char path[64];
    struct error error = {0};
    assert_non_null(mkdtemp(directory));
    static const char *const names[] = {"b.json", "a.json", "note.txt"};
    static const char *const texts[] = {"{ \"results\" : [2] }\n", "{\"results\":[1]}", "no"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        assert_ok(file_replace(path, slice_of_string(texts[i]), &error), error);
    }
    struct session session = session_begin((struct api_server_config){.replay_dir = directory});
    (void) ask(&session, "");
    assert_string_equal(buffer_string(&session.reply.body), texts[1]);
    (void) ask(&session, "?page=2&format=csv");
    assert_string_equal(buffer_string(&session.reply.body), texts[0]);
    (void) ask(&session, "?page=3");
    assert_int_equal(user_count(&session), 0);
    session_end(&session);
    struct api_server *server = NULL;
    for (size_t i = 0; i < 2; i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        (void) unlink(path);
    }
    assert_fails(
        api_server_start(&(struct api_server_config){.replay_dir = directory}, &server, &error),
        STATUS_NOT_FOUND, error, "no file *.json");
    assert_ok(directory_remove(directory, &error), error);
}

static void refuses_a_bad_start(void **state)
{
    (void) state;
    struct error error = {0};
    struct api_server *server = NULL;
    assert_fails(api_server_start(&(struct api_server_config){.faults = "x"}, &server, &error),
                 STATUS_USAGE, error, "fault \"x\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_users),       cmocka_unit_test(fails_as_told),
        cmocka_unit_test(limits_users),        cmocka_unit_test(plays_recordings),
        cmocka_unit_test(refuses_a_bad_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
