#include "base/time_text.h"
#include "connectors/http/http_internal.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNIX_SECONDS_MAX 253402300799.0 /* the end of the year 9999 */

/* What a status that is no success means. */
struct status_rule {
    int from, to;
    bool retriable;
    const char *hint;
};

static const struct status_rule status_rules[] = {
    {401, 401, false,
     "look at the credentials: \"token\", \"user\" and \"password\", or \"headers\""},
    {403, 403, false, "the credentials are known there but may not do this"},
    {404, 404, false, "look at \"url\""},
    {408, 408, true, NULL},
    {410, 410, false, "the address is gone for good; look at \"url\""},
    {425, 425, true, NULL},
    {429, 429, true, "a \"limit\" on the source keeps below what the API allows"},
    {400, 499, false, "look at \"url\", \"params\" and \"body\""},
    {500, 599, true, NULL},
    {300, 399, false, "a redirect that is not followed: look at \"url\" and \"redirects_max\""},
};

/* The beginning of a text, for a message: one line, printable. */
static const char *snippet(struct slice text, char target[121])
{
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < 120; i++) {
        uint8_t c = text.data[i];
        if (c <= ' ') {
            if (size > 0 && target[size - 1] != ' ') {
                target[size++] = ' ';
            }
        } else {
            target[size++] = c == 127 ? '?' : (char) c;
        }
    }
    if (size == 120) { /* not in the middle of a character */
        while (size > 0 && ((uint8_t) target[size - 1] & 0xc0) == 0x80) {
            size--;
        }
        size -= size > 0 && (uint8_t) target[size - 1] >= 0xc0;
    }
    target[size] = '\0';
    return target;
}

/* -1: absent, or no number that can be one of seconds. */
static int64_t header_number(const struct http_reply *reply, const char *name)
{
    const char *text = http_reply_value(reply, name);
    char *end;
    if (text == NULL) {
        return -1;
    }
    double value = strtod(text, &end);
    return end == text || !(value >= 0 && value <= UNIX_SECONDS_MAX) ? -1 : (int64_t) value;
}

/* When to come back: Retry-After, or the reset of the rate limit as seconds or as Unix time. */
static int64_t retry_after(const struct http_reply *reply)
{
    if (reply->retry_after_us >= 0) {
        return reply->retry_after_us;
    }
    if (reply->status != 429) {
        return -1;
    }
    static const char *const names[] = {"ratelimit-reset", "x-ratelimit-reset",
                                        "x-rate-limit-reset"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int64_t value = header_number(reply, names[i]);
        if (value > 1000000000) {
            int64_t left_us = value * US_PER_SECOND - clock_now_us();
            return left_us > 0 ? left_us : 0;
        }
        if (value >= 0) {
            return value * US_PER_SECOND;
        }
    }
    return -1;
}

static enum status bad_status(const struct http_reply *reply, struct error *error)
{
    struct status_rule rule = {0, 0, true, NULL};
    for (size_t i = ARRAY_SIZE(status_rules); i-- > 0;) {
        if (reply->status >= status_rules[i].from && reply->status <= status_rules[i].to) {
            rule = status_rules[i];
        }
    }
    char text[121];
    enum status status = rule.retriable ? STATUS_UNAVAILABLE : STATUS_CONFIG;
    error_set(error, status, "the answer is HTTP %d: %s", reply->status,
              snippet(buffer_slice(&reply->body), text));
    error_code(error, reply->status);
    if (rule.hint != NULL) {
        error_hint(error, "%s", rule.hint);
    }
    return status;
}

static enum status unusable(struct error *error, const char *what, struct slice text)
{
    char begin[121];
    error_set(error, STATUS_UNAVAILABLE, "%s: %s", what, snippet(text, begin));
    return STATUS_UNAVAILABLE;
}

enum status http_answer_check(const struct http_settings *settings,
                              const struct http_reply *reply,
                              bool *ret_empty,
                              int64_t *ret_retry_after_us,
                              struct error *error)
{
    *ret_empty = false;
    if (reply->status == 304 || reply->status == 204) {
        *ret_empty = true;
        return STATUS_OK;
    }
    if (reply->status < 200 || reply->status > 299) {
        *ret_retry_after_us = retry_after(reply);
        return bad_status(reply, error);
    }
    struct slice body = buffer_slice(&reply->body);
    const char *type = http_reply_value(reply, "content-type");
    size_t at = 0;
    while (at < body.size && strchr(" \t\r\n", body.data[at]) != NULL && body.data[at] != '\0') {
        at++;
    }
    if ((type != NULL && strncasecmp(type, "text/html", 9) == 0) ||
        (settings->format != RECORDS_CSV && at < body.size && body.data[at] == '<')) {
        return unusable(error, "the answer is a page of HTML, no data", body);
    }
    if (at == body.size && settings->format == RECORDS_JSON) {
        return unusable(error, "the answer is empty", body);
    }
    return STATUS_OK;
}

static bool is_nothing(const struct json_document *document, uint32_t value)
{
    const struct json_value *found = json_at(document, value);
    switch ((enum json_kind) found->kind) {
    case JSON_KIND_NULL:
    case JSON_KIND_FALSE:
        return true;
    case JSON_KIND_STRING:
        return found->size == 0;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        return found->count == 0;
    case JSON_KIND_NUMBER:
        return slice_equal_string(json_raw(document, value), "0");
    case JSON_KIND_TRUE:
        break;
    }
    return false;
}

enum status http_answer_check_body(const struct http_settings *settings,
                                   const struct json_document *document,
                                   size_t record_count,
                                   struct arena *arena,
                                   struct error *error)
{
    if (settings->format == RECORDS_JSON && settings->fail_if != NULL &&
        settings->fail_if[0] != '\0') {
        uint32_t value = json_path(document, 0, settings->fail_if);
        if (value != UINT32_MAX && !is_nothing(document, value)) {
            bool text = json_at(document, value)->kind == JSON_KIND_STRING;
            return unusable(error, "the API reports a failure",
                            text ? json_text(document, value, arena) : json_raw(document, value));
        }
    }
    const struct http_expect_settings *expect = settings->expect;
    if (expect == NULL) {
        return STATUS_OK;
    }
    if (expect->count != NULL && settings->format == RECORDS_JSON) {
        uint32_t value = json_path(document, 0, expect->count);
        int64_t announced = 0;
        if (value == UINT32_MAX || !json_int64(document, value, &announced)) {
            error_set(error, STATUS_UNAVAILABLE, "the answer announces no count at \"%s\"",
                      expect->count);
            error_hint(error, "look at \"expect.count\" if that is always so");
            return STATUS_UNAVAILABLE;
        }
        if ((int64_t) record_count < announced) {
            return error_set(error, STATUS_UNAVAILABLE,
                             "the answer has %zu records and announces %lld", record_count,
                             (long long) announced);
        }
    }
    if ((int64_t) record_count < expect->records_min) {
        return error_set(error, STATUS_UNAVAILABLE,
                         "the answer has %zu records, and at least %lld are expected", record_count,
                         (long long) expect->records_min);
    }
    return STATUS_OK;
}

/* The records of a good answer. What cannot be read as a whole is asked for again. */
enum status http_answer_read(const struct http_settings *settings,
                             const struct http_reply *reply,
                             struct json_document *document,
                             struct arena *arena,
                             struct source_page *page,
                             struct error *error)
{
    struct record_text_options options = {
        .format = (enum record_format) settings->format,
        .path = settings->records,
        .depth_max = (uint32_t) settings->depth_max,
        .first_place = settings->format == RECORDS_JSON ? 0 : 1,
    };
    struct slice body = buffer_slice(&reply->body);
    struct source_record *records;
    enum status status =
        record_text_read(&options, body, document, arena, &records, &page->count, error);
    if (status == STATUS_DATA) {
        /* An answer that reports its failure instead of records says more than "no records". */
        if (document->tape_size > 0 && settings->format == RECORDS_JSON &&
            json_parse(document, body, options.depth_max, NULL) == STATUS_OK) {
            struct error reported = {0};
            struct http_settings only_failure = *settings;
            only_failure.expect = NULL;
            if (http_answer_check_body(&only_failure, document, 0, arena, &reported) != STATUS_OK &&
                error != NULL) {
                *error = reported;
                return STATUS_UNAVAILABLE;
            }
        }
        error_context(error, "the answer cannot be used");
        if (error != NULL) {
            error->status = STATUS_UNAVAILABLE;
            error->retriable = true;
        }
        return STATUS_UNAVAILABLE;
    }
    TRY(status);
    page->records = records;
    page->document = document;
    page->place = settings->format == RECORDS_JSON && settings->records != NULL &&
                          settings->records[0] != '\0'
                      ? arena_printf(arena, "%s, %s", page->place, settings->records)
                      : page->place;
    return http_answer_check_body(settings, document, page->count, arena, error);
}
