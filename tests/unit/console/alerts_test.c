#include "test.h"

#include "console/alerts.h"

#include <jansson.h>
#include <stdio.h>

#define S INT64_C(1000000)

/* ---- settings as a file has them ---- */

static struct {
    struct arena arena;
    struct alerts_settings settings;
    const struct alerts_settings *list[1];
    struct alerts *alerts;
} now;

/* What receivers were told, one letter each. */
static struct {
    char text[512];
    bool away;
} told;

static enum status
tell(const struct alert_receiver *receiver, const struct alert_news *news, struct error *error)
{
    size_t size = strlen(told.text);
    if (told.away) {
        return error_set(error, STATUS_UNAVAILABLE, "away");
    }
    (void) snprintf(told.text + size, sizeof(told.text) - size, "%s%s:%s:%s=%s ",
                    news->test     ? "?"
                    : news->firing ? "+"
                                   : "-",
                    receiver->mail != NULL ? "mail" : "hook", news->rule, news->target,
                    news->value);
    return STATUS_OK;
}

static enum status read_settings(const char *yaml, struct error *error)
{
    struct node *node;
    arena_init(&now.arena, 0);
    TRY(node_parse(slice_of_string(yaml), "alerts", &now.arena, &node, error));
    TRY(settings_read(&console_alerts_table, node, &now.arena, &now.settings, error));
    return alerts_check(&now.settings, error);
}

static void begin(const char *yaml)
{
    struct error error = {0};
    assert_ok(read_settings(yaml, &error), error);
    now.list[0] = &now.settings;
    told.text[0] = '\0';
    told.away = false;
    now.alerts = alerts_new(now.list, 1, tell);
    assert_true(alerts_wanted(now.alerts));
}

static void end(void)
{
    alerts_free(now.alerts);
    arena_deinit(&now.arena);
}

static void is_told(const char *wanted)
{
    assert_string_equal(told.text, wanted);
    told.text[0] = '\0';
}

/* ---- snapshots ---- */

static struct console_flow flow = {.pipeline = "p", .topic = "t"};
static struct console_source source = {.pipeline = "p", .name = "s"};

static void look(int64_t at_us)
{
    const struct console_ingest failed = {.state = CONSOLE_INGEST_FAILED, .ended_us = 0};
    const struct console_snapshot snapshot = {.flows = &flow,
                                              .flow_count = 1,
                                              .sources = &source,
                                              .source_count = 1,
                                              .disk_free = 5,
                                              .disk_total = 100};
    alerts_look(now.alerts, &snapshot, &failed, 1, at_us);
}

static void it_fires_after_a_while_and_ends_after_another(void **state)
{
    (void) state;
    begin("{rules: {slow: {when: lag, limit: 10, for: 5s, resolve: 3s}}, to: {hook: {webhook: "
          "\"http://h/\"}}}");
    flow.lag = 11;
    look(1 * S);
    look(5 * S);
    flow.lag = 10; /* at the limit is not above it */
    look(6 * S);
    flow.lag = 12;
    look(7 * S);
    look(11 * S);
    is_told("");
    look(12 * S);
    is_told("+hook:slow:p.t=12 ");
    look(13 * S);
    flow.lag = 0;
    look(14 * S);
    flow.lag = 20; /* back before it was over: nobody is told again */
    look(16 * S);
    look(30 * S);
    flow.lag = 1;
    look(31 * S);
    look(33 * S);
    is_told("");
    look(34 * S);
    is_told("-hook:slow:p.t=1 ");
    look(90 * S);
    is_told("");
    end();
}

static void who_was_away_hears_it_later(void **state)
{
    (void) state;
    begin("{rules: {slow: {when: lag, limit: 10, for: 0s, resolve: 0s, to: a}, other: {when: lag, "
          "limit: 10, for: 0s, to: b, only: x}}, "
          "to: {a: {webhook: \"http://h/\"}, b: {mail: m@x, server: \"smtp://x\", from: l@x}}}");
    told.away = true;
    flow.lag = 11;
    look(1 * S);
    told.away = false;
    look(2 * S);
    is_told("");
    look(31 * S);
    is_told("+hook:slow:p.t=11 ");
    told.away = true;
    flow.lag = 0;
    look(32 * S);
    flow.lag = 11;
    told.away = false;
    look(70 * S); /* it never heard of the end, and it fires again */
    is_told("");
    end();
}

static void a_silence_holds_back_what_is_told(void **state)
{
    struct error error = {0};
    int64_t id;
    (void) state;
    begin("{rules: {slow: {when: lag, limit: 10, for: 0s, resolve: 0s}}, to: {a: {webhook: "
          "\"http://h/\"}}}");
    assert_int_equal(alerts_silence(now.alerts, "fast", NULL, "", NULL, 9 * S, &id, &error),
                     STATUS_NOT_FOUND);
    assert_ok(alerts_silence(now.alerts, "slow", "p.", "me", NULL, 9 * S, &id, &error), error);
    flow.lag = 11;
    look(1 * S);
    look(8 * S);
    is_told("");
    look(9 * S);
    is_told("+hook:slow:p.t=11 ");
    assert_ok(alerts_silence(now.alerts, NULL, "q", "me", "x", 90 * S, &id, &error), error);
    flow.lag = 0;
    look(10 * S);
    is_told("-hook:slow:p.t=0 ");
    assert_ok(alerts_unsilence(now.alerts, id, &error), error);
    assert_int_equal(alerts_unsilence(now.alerts, id, &error), STATUS_NOT_FOUND);
    assert_int_equal(alerts_unsilence(now.alerts, 0, &error), STATUS_NOT_FOUND);
    end();
}

/* Ten minutes before the first look there were dead letters already: they are no news. */
static void dead_letters_of_the_last_minutes_count(void **state)
{
    (void) state;
    begin("{rules: {bad: {when: error-rate, limit: 10%, for: 0s, resolve: 0s}, dead: {when: "
          "dead-letters, limit: 4, for: 0s, resolve: 0s}}, "
          "to: {a: {webhook: \"http://h/\"}}}");
    source.fetched = 1000;
    source.dead = 900;
    look(1000 * S);
    is_told("");
    source.fetched = 1100;
    source.dead = 903;
    flow.dead = 2;
    look(1020 * S);
    is_told("+hook:dead:p=5 ");
    source.dead = 910;
    look(1030 * S);
    is_told("+hook:bad:p=12.0% ");
    look(1200 * S);
    look(1290 * S);
    is_told("");
    look(1331 * S);
    is_told("-hook:bad:p=0.0% -hook:dead:p=0 ");
    source.fetched = source.dead = flow.dead = 0;
    end();
}

static void the_other_measures(void **state)
{
    (void) state;
    begin(
        "{rules: {age: {when: lag-time, limit: 2 min, for: 0s}, fresh: {when: freshness, limit: "
        "1h, for: 0s}, "
        "fails: {when: failures, limit: 2, for: 0s}, runs: {when: failed-runs, limit: 0, for: 0s}, "
        "disk: {when: disk-free, limit: 10%, for: 0s}}, to: {a: {webhook: \"http://h/\"}}}");
    flow.lag_us = 121 * S;
    source.fetched_at_us = 1 * S;
    source.failures = 3;
    look(3500 * S);
    is_told("+hook:age:p.t=121 s +hook:fails:p.s=3 +hook:runs:orders=1 +hook:disk:disk=5.0% ");
    flow.lag_us = -1; /* not known is neither good nor bad */
    source.failures = 0;
    look(3602 * S);
    look(3640 * S);
    is_told("+hook:fresh:p.s=3601 s -hook:fails:p.s=0 -hook:runs:orders=0 ");
    source.fetched_at_us = 0;
    end();
}

static void mistakes_are_told(void **state)
{
    static const struct {
        const char *yaml, *told;
    } rows[] = {
        {"{rules: {a: {when: lag, limit: many}}}", "no number"},
        {"{rules: {a: {when: lag, limit: 5%}}}", "no number"},
        {"{rules: {a: {when: lag, limit: -1}}}", "no number"},
        {"{rules: {a: {when: disk-free, limit: 5}}}", "share such as 10%"},
        {"{rules: {a: {when: lag-time, limit: 5}}}", "5"},
        {"{rules: {a: {when: moon, limit: 5}}}", "moon"},
        {"{rules: {a: {when: lag, limit: 5, to: x}}}", "no receiver \"x\""},
        {"{to: {a: {}}}", "either a webhook or a mail"},
        {"{to: {a: {webhook: \"ftp://x\"}}}", "no http or https"},
        {"{to: {a: {mail: m@x}}}", "needs \"server\""},
        {"{to: {a: {mail: m@x, from: a@x, server: x}}}", "no smtp"},
        {"{to: {a: {mail: \"m@x\\r\\nBcc: y\", from: a@x, server: \"smtp://x\"}}}",
         "plain addresses"},
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error error = {0};
        assert_int_not_equal(read_settings(rows[i].yaml, &error), STATUS_OK);
        if (strstr(error.message, rows[i].told) == NULL) {
            fail_msg("%s: %s", rows[i].yaml, error.message);
        }
        arena_deinit(&now.arena);
    }
}

static void json_has_the_history_and_no_secret(void **state)
{
    struct buffer text = BUFFER_INIT;
    struct error error = {0};
    (void) state;
    begin("{rules: {slow: {when: lag, limit: 10, for: 0s}}, to: {a: {webhook: \"http://h/secret\", "
          "form: slack}}}");
    flow.lag = 11;
    look(1 * S);
    assert_ok(alerts_test(now.alerts, "a", 2 * S, &error), error);
    assert_int_equal(alerts_test(now.alerts, "b", 2 * S, &error), STATUS_NOT_FOUND);
    is_told("+hook:slow:p.t=11 ?hook:test:test=1 ");
    alerts_write(now.alerts, 3 * S, &text);
    assert_null(strstr(buffer_string(&text), "secret"));
    json_t *json = json_loads(buffer_string(&text), 0, NULL);
    json_t *event = json_array_get(json_object_get(json, "history"), 0);
    assert_string_equal(json_string_value(json_object_get(event, "event")), "firing");
    json_t *alert = json_array_get(json_object_get(json, "alerts"), 0);
    assert_string_equal(json_string_value(json_object_get(alert, "state")), "firing");
    json_decref(json);
    buffer_deinit(&text);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fires_after_a_while_and_ends_after_another),
        cmocka_unit_test(who_was_away_hears_it_later),
        cmocka_unit_test(a_silence_holds_back_what_is_told),
        cmocka_unit_test(dead_letters_of_the_last_minutes_count),
        cmocka_unit_test(the_other_measures),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(json_has_the_history_and_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
