/* `leat alert`: what fires, tests of receivers, silences. */

#include "base/time_text.h"
#include "cli/session.h"

#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <string.h>

struct alert_options {
    const char *data, *target, *why;
    int64_t for_us;
    bool json, all;
};

static const struct alert_options defaults = {.for_us = US_PER_HOUR};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* `body` NULL: GET. The answer is the caller's; NULL after a failure. */
static json_t *ask(struct session *session, const char *path, const char *body)
{
    struct http_reply reply;
    http_reply_init(&reply);
    session->status = session_call(session, path, body, &reply, &session->error);
    json_t *answer = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
    if (session->status == STATUS_OK && (reply.status != 200 || answer == NULL)) {
        const char *message = text_of(json_object_get(answer, "error"), "message");
        session->status =
            error_set(&session->error,
                      reply.status == 404   ? STATUS_NOT_FOUND
                      : reply.status == 400 ? STATUS_USAGE
                                            : STATUS_FAILED,
                      "%s", message[0] == '\0' ? "the running leat refused it" : message);
    }
    http_reply_deinit(&reply);
    if (session->status != STATUS_OK) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

static void print_alerts(const json_t *answer, bool all)
{
    size_t i;
    const json_t *alert;
    size_t shown = 0;
    json_array_foreach(json_object_get(answer, "alerts"), i, alert)
    {
        if (all || strcmp(text_of(alert, "state"), "fine") != 0) {
            (void) printf("%-8s %-20s %-32s %s, limit %s\n", text_of(alert, "state"),
                          text_of(alert, "rule"), text_of(alert, "target"), text_of(alert, "value"),
                          text_of(alert, "limit"));
            shown++;
        }
    }
    if (shown == 0) {
        (void) printf("nothing fires; rules: %zu\n",
                      json_array_size(json_object_get(answer, "rules")));
    }
    json_array_foreach(json_object_get(answer, "silences"), i, alert)
    {
        char until[TIME_TEXT_BYTES];
        const char *rule = text_of(alert, "rule");
        (void) time_format(json_integer_value(json_object_get(alert, "until_us")), until);
        (void) printf("silence  %-20s %-32s until %s\n", rule[0] == '\0' ? "every rule" : rule,
                      text_of(alert, "target"), until);
    }
}

static int list_main(void *opaque, char **arguments, int count)
{
    const struct alert_options *alert = opaque;
    struct session session;
    (void) arguments;
    (void) count;
    session_open(&session, alert->data, "list alerts");
    json_t *answer = session.status == STATUS_OK ? ask(&session, "/api/v1/alerts", NULL) : NULL;
    if (answer != NULL && alert->json) {
        (void) json_dumpf(answer, stdout, JSON_COMPACT);
        (void) fputc('\n', stdout);
    } else if (answer != NULL) {
        print_alerts(answer, alert->all);
    }
    json_decref(answer);
    return session_end(&session);
}

static void append_text(struct buffer *body, const char *key, const char *value)
{
    if (value != NULL) {
        buffer_printf(body, "%s\"%s\":", body->size > 1 ? "," : "", key);
        buffer_append_json(body, slice_of_string(value));
    }
}

static int test_main(void *opaque, char **arguments, int count)
{
    const struct alert_options *alert = opaque;
    struct session session;
    CLEANUP(buffer_deinit) struct buffer body = BUFFER_INIT;
    (void) count;
    buffer_append_byte(&body, '{');
    append_text(&body, "receiver", arguments[0]);
    buffer_append_byte(&body, '}');
    session_open(&session, alert->data, "test a receiver");
    if (session.status == STATUS_OK) {
        json_t *answer = ask(&session, "/api/v1/alerts/test", buffer_string(&body));
        if (answer != NULL) {
            (void) printf("%s took a test\n", arguments[0]);
        }
        json_decref(answer);
    }
    return session_end(&session);
}

static int silence_main(void *opaque, char **arguments, int count)
{
    const struct alert_options *alert = opaque;
    struct session session;
    CLEANUP(buffer_deinit) struct buffer body = BUFFER_INIT;
    buffer_append_byte(&body, '{');
    append_text(&body, "rule", count > 0 ? arguments[0] : NULL);
    append_text(&body, "target", alert->target);
    append_text(&body, "why", alert->why);
    buffer_printf(&body, "%s\"for\":\"%" PRId64 "us\"}", body.size > 1 ? "," : "", alert->for_us);
    session_open(&session, alert->data, "silence alerts");
    if (session.status == STATUS_OK) {
        json_t *answer = ask(&session, "/api/v1/alerts/silences", buffer_string(&body));
        if (answer != NULL) {
            print_alerts(answer, false);
        }
        json_decref(answer);
    }
    return session_end(&session);
}

#define DATA_OPTION                                                                                \
    OPTION(alert_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP)

static const struct option list_options[] = {
    DATA_OPTION,
    OPTION(alert_options, all, "--all", 0, OPTION_FLAG, NULL, "also what is fine"),
    OPTION(alert_options, json, "--json", 0, OPTION_FLAG, NULL, "one object with all there is"),
};
static const struct option test_options[] = {DATA_OPTION};
static const struct option silence_options[] = {
    DATA_OPTION,
    OPTION(alert_options, for_us, "--for", 0, OPTION_DURATION, "TIME", "how long [1h]"),
    OPTION(alert_options,
           target,
           "--target",
           0,
           OPTION_STRING,
           "NAME",
           "only what begins with this: users, users.random_users"),
    OPTION(alert_options, why, "--why", 0, OPTION_STRING, "TEXT", "for those who look later"),
};

const struct command command_alert_list = {
    .name = "alert list",
    .summary = "what fires, and what is about to",
    .usage = "",
    .help = "examples:\n  leat alert list\n  leat alert list --json | jq .history",
    .options = list_options,
    .option_count = ARRAY_SIZE(list_options),
    .options_bytes = sizeof(struct alert_options),
    .defaults = &defaults,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = list_main,
};

const struct command command_alert_test = {
    .name = "alert test",
    .summary = "tells a receiver of alerts, to see whether it arrives",
    .usage = "RECEIVER",
    .help = "examples:\n  leat alert test team",
    .options = test_options,
    .option_count = ARRAY_SIZE(test_options),
    .options_bytes = sizeof(struct alert_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = test_main,
};

const struct command command_alert_silence = {
    .name = "alert silence",
    .summary = "holds back what alerts would tell",
    .usage = "[RULE]",
    .help = "What still fires when the silence ends is told then.\n\nexamples:\n"
            "  leat alert silence slow --for 2h --why 'the API moves'\n"
            "  leat alert silence --target users --for 30m",
    .options = silence_options,
    .option_count = ARRAY_SIZE(silence_options),
    .options_bytes = sizeof(struct alert_options),
    .defaults = &defaults,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = silence_main,
};
