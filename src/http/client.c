#include "http/client.h"

#include "base/memory.h"
#include "http/client_internal.h"
#include "io/clock.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#define RETRY_AFTER_SECONDS_MAX INT64_C(1000000000)

static void curl_begin(void)
{
    (void) curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_reply_init(struct http_reply *reply)
{
    *reply = (struct http_reply){.retry_after_us = -1};
    buffer_init(&reply->body);
    arena_init(&reply->arena, 4096);
}

void http_reply_deinit(struct http_reply *reply)
{
    buffer_deinit(&reply->body);
    arena_deinit(&reply->arena);
}

/* Forgets the last reply, keeps memory. */
static void reply_reset(struct http_reply *reply)
{
    struct buffer body = reply->body;
    struct arena arena = reply->arena;
    buffer_clear(&body);
    arena_reset(&arena);
    *reply = (struct http_reply){.body = body, .arena = arena, .retry_after_us = -1};
}

static char **copy_texts(const char *const *texts, size_t count)
{
    char **copies = mem_calloc(count, sizeof(*copies));
    for (size_t i = 0; i < count; i++) {
        copies[i] = mem_strdup(texts[i]);
    }
    return copies;
}

enum status http_client_new(const struct http_client_config *config,
                            struct http_client **ret_client,
                            struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, curl_begin);
    if (config->refuse_private && config->proxy != NULL) {
        return error_set(error, STATUS_CONFIG,
                         "private addresses cannot be refused through a proxy: it resolves the "
                         "names");
    }
    if ((config->certificate_file == NULL) != (config->key_file == NULL)) {
        return error_set(error, STATUS_CONFIG,
                         "a client certificate and its key must be given together");
    }
    struct http_client *client = mem_zalloc(sizeof(*client));
    struct http_client_config *own = &client->config;
    *own = *config;
    own->user_agent =
        mem_strdup(config->user_agent == NULL ? "leat/" LEAT_VERSION : config->user_agent);
    own->proxy = mem_strdup(config->proxy == NULL ? "" : config->proxy);
    own->ca_file = mem_strdup(config->ca_file);
    own->certificate_file = mem_strdup(config->certificate_file);
    own->key_file = mem_strdup(config->key_file);
    own->allow_hosts =
        (const char *const *) copy_texts(config->allow_hosts, config->allow_host_count);
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    if (client->multi == NULL || client->easy == NULL) {
        http_client_free(client);
        return error_set(error, STATUS_INTERNAL, "could not start the HTTP library");
    }
    *ret_client = client;
    return STATUS_OK;
}

static void free_text(const char *text)
{
    mem_free((void *) (uintptr_t) text);
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    struct http_client_config *config = &client->config;
    curl_easy_cleanup(client->easy);
    (void) curl_multi_cleanup(client->multi);
    for (size_t i = 0; i < config->allow_host_count; i++) {
        free_text(config->allow_hosts[i]);
    }
    mem_free((void *) (uintptr_t) config->allow_hosts);
    free_text(config->user_agent);
    free_text(config->proxy);
    free_text(config->ca_file);
    free_text(config->certificate_file);
    free_text(config->key_file);
    mem_free(client);
}

/* Scheme, host and port of a URL, in an arena; false if it is none of http or https. */
struct origin {
    const char *scheme;
    const char *host;
    const char *port;
};

static const char *url_part(CURLU *url, CURLUPart part, struct arena *arena)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        return NULL;
    }
    char *copy = arena_strdup(arena, text);
    curl_free(text);
    return copy;
}

static bool origin_read(const char *text, struct arena *arena, struct origin *ret_origin)
{
    CURLU *url = curl_url();
    bool fine = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    if (fine) {
        ret_origin->scheme = url_part(url, CURLUPART_SCHEME, arena);
        ret_origin->host = url_part(url, CURLUPART_HOST, arena);
        ret_origin->port = url_part(url, CURLUPART_PORT, arena);
        fine = ret_origin->scheme != NULL && ret_origin->host != NULL && ret_origin->port != NULL &&
               strncmp(ret_origin->scheme, "http", 4) == 0;
    }
    curl_url_cleanup(url);
    return fine;
}

static bool origin_equal(const struct origin *a, const struct origin *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcasecmp(a->host, b->host) == 0 &&
           strcmp(a->port, b->port) == 0;
}

/* Header names are tokens, values have no control characters (RFC 9110, 5.5). */
static bool headers_are_fine(const struct http_request *request, const char **ret_name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_request_header *header = &request->headers[i];
        *ret_name = header->name;
        if (header->name[0] == '\0') {
            return false;
        }
        for (const char *at = header->name; *at != '\0'; at++) {
            if (!isalnum((unsigned char) *at) && strchr("!#$%&'*+-.^_`|~", *at) == NULL) {
                return false;
            }
        }
        for (const char *at = header->value; *at != '\0'; at++) {
            if (((unsigned char) *at < ' ' && *at != '\t') || *at == 0x7f) {
                return false;
            }
        }
    }
    return true;
}

int64_t http_retry_after_parse(const char *text, int64_t now_us)
{
    text += strspn(text, " \t");
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && text[digits + strspn(text + digits, " \t")] == '\0') {
        int64_t seconds = 0;
        for (size_t i = 0; i < digits && seconds < RETRY_AFTER_SECONDS_MAX; i++) {
            seconds = seconds * 10 + (text[i] - '0');
        }
        return (seconds < RETRY_AFTER_SECONDS_MAX ? seconds : RETRY_AFTER_SECONDS_MAX) * 1000000;
    }
    if (!isalpha((unsigned char) text[0]) || strchr(text, ':') == NULL) {
        return -1;
    }
    int64_t when = curl_getdate(text, NULL);
    if (when < 0 || when > INT64_MAX / 1000000) {
        return -1;
    }
    int64_t wait_us = when * 1000000 - now_us;
    if (wait_us > RETRY_AFTER_SECONDS_MAX * 1000000) {
        wait_us = RETRY_AFTER_SECONDS_MAX * 1000000;
    }
    return wait_us < 0 ? 0 : wait_us;
}

const char *http_reply_value(const struct http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcmp(reply->headers[i].name, name) == 0) {
            return reply->headers[i].value;
        }
    }
    return NULL;
}

/* Fills what callers ask for most from the headers. A Retry-After date counts from the server's
 * clock if it says what that is. */
static void read_headers(struct http_reply *reply)
{
    reply->etag = http_reply_value(reply, "etag");
    reply->last_modified = http_reply_value(reply, "last-modified");
    const char *retry_after = http_reply_value(reply, "retry-after");
    if (retry_after != NULL) {
        const char *date = http_reply_value(reply, "date");
        int64_t server_s = date == NULL ? -1 : curl_getdate(date, NULL);
        int64_t now_us = server_s < 0 ? clock_now_us() : server_s * 1000000;
        reply->retry_after_us = http_retry_after_parse(retry_after, now_us);
    }
}

/* Turns the transfer to where the reply points; `ret_again` false if it points nowhere. */
static enum status follow(struct transfer *transfer,
                          const struct origin *first,
                          int redirects,
                          bool *ret_again,
                          struct error *error)
{
    struct http_reply *reply = transfer->reply;
    int status = reply->status;
    bool moved = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    char *target = NULL;
    (void) curl_easy_getinfo(transfer->client->easy, CURLINFO_REDIRECT_URL, &target);
    *ret_again = moved && target != NULL && transfer->request->redirects_max > 0;
    if (!*ret_again) {
        return STATUS_OK;
    }
    if (redirects == transfer->request->redirects_max) {
        return transfer_failed(transfer, HTTP_REDIRECT_REFUSED, "there are too many", error);
    }
    struct origin next;
    target = arena_strdup(&reply->arena, target);
    if (!origin_read(target, &reply->arena, &next)) {
        return transfer_failed(transfer, HTTP_REDIRECT_REFUSED, "its target is no HTTP address",
                               error);
    }
    if (strcmp(first->scheme, "https") == 0 && strcmp(next.scheme, "https") != 0) {
        return transfer_failed(transfer, HTTP_REDIRECT_REFUSED, "it leads from https to http",
                               error);
    }
    if (status != 307 && status != 308 && strcmp(transfer->method, "HEAD") != 0) {
        transfer->method = "GET";
        transfer->with_body = false;
    }
    transfer->url = target;
    transfer->host = next.host;
    transfer->same_origin = transfer->same_origin && origin_equal(first, &next);
    transfer->headers = NULL;
    transfer->header_count = 0;
    transfer->header_capacity = 0;
    transfer->header_bytes = 0;
    transfer->uploaded = 0;
    transfer->why = HTTP_OK;
    buffer_clear(&reply->body);
    return STATUS_OK;
}

enum status http_request(struct http_client *client,
                         const struct http_request *request,
                         struct http_reply *reply,
                         struct error *error)
{
    reply_reset(reply);
    int64_t begin_us = clock_monotonic_us();
    bool with_body = request->body.size > 0;
    struct transfer transfer = {
        .client = client,
        .request = request,
        .reply = reply,
        .method = request->method != NULL ? request->method
                  : with_body             ? "POST"
                                          : "GET",
        .url = request->url,
        .same_origin = true,
        .deadline_us = request->timeouts.total_us == 0 ? 0 : begin_us + request->timeouts.total_us,
    };
    transfer.with_body = with_body || strcmp(transfer.method, "POST") == 0;
    struct origin first;
    const char *bad_name = NULL;
    if (!origin_read(request->url, &reply->arena, &first)) {
        return transfer_failed(&transfer, HTTP_BAD_REQUEST,
                               "the address is not one of http or https", error);
    }
    if (!headers_are_fine(request, &bad_name)) {
        const char *detail = arena_printf(
            &reply->arena, "the header \"%s\" holds characters that are not allowed", bad_name);
        return transfer_failed(&transfer, HTTP_BAD_REQUEST, detail, error);
    }
    transfer.host = first.host;
    enum status status = STATUS_OK;
    bool again = true;
    for (int redirects = 0; again && status == STATUS_OK; redirects++) {
        again = false;
        status = transfer_run(&transfer, error);
        if (status == STATUS_OK) {
            status = follow(&transfer, &first, redirects, &again, error);
        }
    }
    reply->url = arena_strdup(&reply->arena, transfer.url);
    reply->duration_us = clock_monotonic_us() - begin_us;
    read_headers(reply);
    return status;
}
