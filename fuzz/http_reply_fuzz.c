/*
 * Any bytes as the reply of an API: three bytes choose status, format and paging; header lines
 * follow, an empty line, the body. A usable answer has records that lie in its document, and leads
 * to a page on an allowed host, as libcurl understands the URL; the place survives its cursor. The
 * body is also taken as a piece of a URL, and a query.
 */

#include "base/assert.h"
#include "base/time_text.h"
#include "connectors/http/http_internal.h"
#include "http/url.h"

#include "fuzz.h"

#include <curl/curl.h>

#define HEADERS_MAX 32
#define OWN_HOST    "api.example"
#define OTHER_HOST  "cdn.example"

static const int statuses[] = {200, 200, 200, 200, 200, 200, 204,
                               304, 302, 401, 404, 429, 500, 503};

static void read_headers(struct http_reply *reply, const char *text)
{
    struct http_pair *pairs = ARENA_ARRAY(&reply->arena, struct http_pair, HEADERS_MAX);
    while (*text != '\0' && reply->header_count < HEADERS_MAX) {
        size_t size = strcspn(text, "\n");
        size_t name_size = strcspn(text, ":\n");
        if (name_size < size) {
            char *name = arena_string(&reply->arena, slice_of(text, name_size));
            for (char *at = name; *at != '\0'; at++) {
                *at = (char) (*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
            }
            const char *value = text + name_size + 1 + strspn(text + name_size + 1, " \t");
            size_t value_size = value < text + size ? (size_t) (text + size - value) : 0;
            pairs[reply->header_count++] =
                (struct http_pair){name, arena_string(&reply->arena, slice_of(value, value_size))};
        }
        text += size + (text[size] == '\n');
    }
    reply->headers = pairs;
}

static void read_reply(struct http_reply *reply, struct slice input)
{
    const uint8_t *blank = memmem(input.data, input.size, "\n\n", 2);
    size_t head = blank == NULL ? input.size : (size_t) (blank - input.data);
    read_headers(reply, arena_string(&reply->arena, slice_of(input.data, head)));
    if (blank != NULL) {
        buffer_append(&reply->body, blank + 2, input.size - head - 2);
    }
    reply->url = "https://" OWN_HOST "/v1/users?page=1";
    reply->etag = http_reply_value(reply, "etag");
    reply->last_modified = http_reply_value(reply, "last-modified");
    const char *wait = http_reply_value(reply, "retry-after");
    int64_t now_us = 1767225600 * US_PER_SECOND;
    reply->retry_after_us = wait == NULL ? -1 : http_retry_after_parse(wait, now_us);
    ASSERT(reply->retry_after_us >= -1);
}

static void assert_host_allowed(const char *url)
{
    char *host = NULL;
    CURLU *parsed = curl_url();
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        ASSERT(strcasecmp(host, OWN_HOST) == 0 || strcasecmp(host, OTHER_HOST) == 0);
    }
    curl_free(host);
    curl_url_cleanup(parsed);
}

static bool text_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void follow(const struct http_settings *settings,
                   const struct http_reply *reply,
                   const struct source_page *page,
                   struct arena *arena)
{
    struct http_place place = http_place_first(settings);
    struct http_place next;
    struct http_place again;
    struct http_request request;
    struct source_request asked = {0};
    bool end;
    if (http_place_next(settings, &place, reply, page->document, page->count, arena, &next, &end,
                        NULL) != STATUS_OK) {
        return;
    }
    int by = settings->next == NULL ? NEXT_PAGE : settings->next->by;
    if (next.text != NULL && (by == NEXT_LINK || by == NEXT_URL)) {
        assert_host_allowed(next.text);
    }
    (void) http_place_name(settings, &next, arena);
    const char *cursor = http_place_write(settings, &next, arena);
    if (http_place_read(settings, cursor, arena, &again, NULL) == STATUS_OK) {
        ASSERT(next.number == again.number && text_same(next.text, again.text));
        ASSERT(text_same(next.etag, again.etag) && text_same(next.modified, again.modified));
    }
    (void) !http_request_make(settings, &asked, &next, arena, &request, NULL);
}

static void
answer(const struct http_settings *settings, const struct http_reply *reply, struct arena *arena)
{
    struct error error = {0};
    struct json_document document;
    struct source_page page = {.place = "page"};
    int64_t wait_us = -1;
    bool empty;
    json_document_init(&document);
    if (http_answer_check(settings, reply, &empty, &wait_us, &error) == STATUS_OK && !empty) {
        if (http_answer_read(settings, reply, &document, arena, &page, &error) == STATUS_OK) {
            for (size_t i = 0; i < page.count; i++) {
                ASSERT((page.records[i].value == UINT32_MAX) == (page.records[i].fault != NULL));
                ASSERT(page.records[i].fault != NULL || page.records[i].value < document.tape_size);
            }
            follow(settings, reply, &page, arena);
        } else {
            ASSERT(error.message[0] != '\0');
        }
    }
    ASSERT(wait_us >= -1);
    json_document_deinit(&document);
}

static void try_url(struct slice text, struct arena *arena)
{
    struct buffer encoded = BUFFER_INIT;
    const struct http_pair *pairs;
    size_t count;
    url_encode(&encoded, text);
    bool has_nul = text.size > 0 && memchr(text.data, 0, text.size) != NULL;
    for (int form = URL_PATH; form <= URL_QUERY; form++) {
        const char *decoded = url_decode(buffer_slice(&encoded), (enum url_decoding) form, arena);
        ASSERT((decoded == NULL) == has_nul);
        ASSERT(has_nul || slice_equal_string(text, decoded));
    }
    buffer_deinit(&encoded);
    const char *string = arena_string(arena, text);
    if (url_query_parse(string, 64, arena, &pairs, &count)) {
        ASSERT(count <= 64);
    }
    const char *shown = url_without_secrets(string, arena);
    ASSERT(strpbrk(shown, "?#") == NULL && strlen(shown) <= strlen(string));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const allowed[] = {OTHER_HOST};
    if (size < 3) {
        return 0;
    }
    int by = data[2] % 8;
    struct http_expect_settings expect = {.count = "total"};
    struct http_next_settings next = {.by = by % 5, .param = "page", .start = -1};
    struct http_settings settings = {
        .url = "https://" OWN_HOST "/v1/users",
        .format = data[1] % 3,
        .depth_max = 64,
        .allow_hosts = {.items = (const char **) (uintptr_t) allowed, .count = 1},
    };
    if (settings.format == RECORDS_JSON) {
        settings.records = "data";
        settings.fail_if = "error";
        settings.expect = data[1] >= 128 ? &expect : NULL;
        next.more = "more";
        next.path = "next";
    } else if (next.by == NEXT_URL) {
        next.by = NEXT_LINK;
    }
    if (next.path == NULL) {
        next.header = "X-Next";
    }
    settings.next = by < 7 ? &next : NULL;
    struct arena arena;
    struct http_reply reply;
    arena_init(&arena, 0);
    http_reply_init(&reply);
    reply.status = statuses[data[0] % ARRAY_SIZE(statuses)];
    read_reply(&reply, slice_of(data + 3, size - 3));
    answer(&settings, &reply, &arena);
    try_url(buffer_slice(&reply.body), &arena);
    http_reply_deinit(&reply);
    arena_deinit(&arena);
    return 0;
}
