#include "console/alert_tell.h"

#include "base/attr.h"
#include "base/time_text.h"
#include "console/json_writer.h"
#include "http/client.h"
#include "http/mail.h"
#include "http/url.h"

#define MAIL_US (8 * US_PER_SECOND)

static const char *word_of(const struct alert_news *news)
{
    return news->test ? "TEST" : news->firing ? "FIRING" : "RESOLVED";
}

/* {"status", "rule", "when", "target", "value", "limit", "at", "test"} */
static void write_json(const struct alert_news *news, struct buffer *target)
{
    char at[TIME_TEXT_BYTES];
    struct json_writer json = {.target = target};
    (void) time_format(news->at_us, at);
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "status", news->firing ? "firing" : "resolved");
    json_writer_text(&json, "rule", news->rule);
    json_writer_text(&json, "when", news->measure);
    json_writer_text(&json, "target", news->target);
    json_writer_text(&json, "value", news->value);
    json_writer_text(&json, "limit", news->limit);
    json_writer_text(&json, "at", at);
    json_writer_bool(&json, "test", news->test);
    json_writer_close(&json, '}');
}

static void write_line(const struct alert_news *news, struct buffer *target)
{
    if (news->test) {
        buffer_append_string(target, "[TEST] a test of leat's alerts: nothing is wrong");
        return;
    }
    buffer_printf(target, "[%s] %s: %s of %s is %s, limit %s", word_of(news), news->rule,
                  news->measure, news->target, news->value, news->limit);
}

/* Slack takes &, < and > as entities only (its page "Formatting text for app surfaces"). */
static void write_slack(const struct alert_news *news, struct buffer *target)
{
    CLEANUP(buffer_deinit) struct buffer line = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer escaped = BUFFER_INIT;
    write_line(news, &line);
    for (const char *at = buffer_string(&line); *at != '\0'; at++) {
        if (*at == '&') {
            buffer_append_string(&escaped, "&amp;");
        } else if (*at == '<' || *at == '>') {
            buffer_append_string(&escaped, *at == '<' ? "&lt;" : "&gt;");
        } else {
            buffer_append_byte(&escaped, (uint8_t) *at);
        }
    }
    buffer_append_string(target, "{\"text\":");
    buffer_append_json(target, buffer_slice(&escaped));
    buffer_append_byte(target, '}');
}

static enum status
post(const struct alert_receiver *receiver, const struct alert_news *news, struct error *error)
{
    static const struct http_request_header headers[] = {
        {"Content-Type", "application/json", false}};
    static const struct http_client_config config = {0};
    struct http_client *client;
    struct http_reply reply;
    CLEANUP(buffer_deinit) struct buffer body = BUFFER_INIT;
    if (receiver->form == 1) {
        write_slack(news, &body);
    } else {
        write_json(news, &body);
    }
    TRY(http_client_new(&config, &client, error));
    http_reply_init(&reply);
    const struct http_request request = {
        .url = receiver->webhook,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
        .body = buffer_slice(&body),
        .timeouts = {3000000, 5000000, 5000000, 6000000},
        .body_bytes_max = 1 << 20,
    };
    enum status status = http_request(client, &request, &reply, error);
    if (status != STATUS_OK) { /* its message has the URL's path, which is Slack's secret */
        status = error_set(error, STATUS_UNAVAILABLE, "the webhook could not be reached: %s",
                           http_failure_name(reply.failure));
    } else if (reply.status < 200 || reply.status > 299) {
        status = error_set(error, STATUS_UNAVAILABLE, "the webhook answered %d", reply.status);
    }
    http_reply_deinit(&reply);
    http_client_free(client);
    return status;
}

static enum status
send(const struct alert_receiver *receiver, const struct alert_news *news, struct error *error)
{
    char at[TIME_TEXT_BYTES];
    CLEANUP(buffer_deinit) struct buffer subject = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    write_line(news, &subject);
    (void) time_format(news->at_us, at);
    buffer_printf(&text, "%s\n\nat      %s\nrule    %s\ntarget  %s\nvalue   %s\nlimit   %s\n",
                  buffer_string(&subject), at, news->rule, news->target, news->value, news->limit);
    const char *const to[] = {receiver->mail, NULL};
    const struct mail mail = {
        .server = receiver->server,
        .from = receiver->from,
        .to = to,
        .subject = buffer_string(&subject),
        .text = buffer_string(&text),
        .user = receiver->user,
        .password = receiver->password,
        .timeout_us = MAIL_US,
    };
    return mail_send(&mail, error);
}

enum status alert_tell_by_network(const struct alert_receiver *receiver,
                                  const struct alert_news *news,
                                  struct error *error)
{
    return receiver->mail != NULL ? send(receiver, news, error) : post(receiver, news, error);
}
