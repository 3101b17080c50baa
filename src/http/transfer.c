/* One request through libcurl: options, callbacks, deadlines. */

#include "base/assert.h"
#include "http/address.h"
#include "http/client_internal.h"
#include "http/inflate.h"
#include "io/clock.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_BYTES_MAX_DEFAULT     ((size_t) 64 << 20)
#define INFLATED_BYTES_MAX_DEFAULT ((size_t) 256 << 20)
#define HEADER_BYTES_MAX           ((size_t) 256 << 10)
#define HEADERS_MAX                512
#define LOOK_AROUND_MS             100 /* how often cancel and deadlines are looked at */

static void enter(struct transfer *transfer, enum transfer_phase phase)
{
    transfer->phase = phase;
    transfer->progress_us = clock_monotonic_us();
}

static bool is_allowed_host(const struct transfer *transfer)
{
    const struct http_client_config *config = &transfer->client->config;
    for (size_t i = 0; i < config->allow_host_count; i++) {
        if (strcasecmp(config->allow_hosts[i], transfer->host) == 0) {
            return true;
        }
    }
    return false;
}

/* Runs for each address before it is connected to. */
static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void) purpose;
    struct transfer *transfer = context;
    if (transfer->client->config.refuse_private && address_is_special(&address->addr) &&
        !is_allowed_host(transfer)) {
        transfer->why = HTTP_ADDRESS_REFUSED;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Runs when a connection is there, new or kept, and the request is about to be sent. */
static int
on_connected(void *context, char *peer_address, char *own_address, int peer_port, int own_port)
{
    (void) peer_address;
    (void) own_address;
    (void) peer_port;
    (void) own_port;
    struct transfer *transfer = context;
    transfer->why = HTTP_OK; /* another address of the host was fine */
    enter(transfer, PHASE_WAITING);
    return CURL_PREREQFUNC_OK;
}

static int on_progress(
    void *context, curl_off_t total, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
    (void) total;
    (void) to_send;
    struct transfer *transfer = context;
    if (sent > transfer->uploaded) {
        transfer->uploaded = sent;
        transfer->progress_us = clock_monotonic_us();
    }
    size_t max = transfer->request->body_bytes_max;
    transfer->reply->wire_bytes = (size_t) received;
    if ((size_t) received > (max == 0 ? BODY_BYTES_MAX_DEFAULT : max)) {
        transfer->why = HTTP_TOO_LARGE;
        return 1;
    }
    return 0;
}

static const char *header_value(const struct transfer *transfer, const char *name)
{
    for (size_t i = 0; i < transfer->header_count; i++) {
        if (strcmp(transfer->headers[i].name, name) == 0) {
            return transfer->headers[i].value;
        }
    }
    return "";
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    enter(transfer, PHASE_RECEIVING);
    if (transfer->inflater == NULL) {
        size_t max = transfer->request->inflated_bytes_max;
        transfer->inflater = inflater_new(header_value(transfer, "content-encoding"),
                                          max == 0 ? INFLATED_BYTES_MAX_DEFAULT : max);
    }
    if (transfer->inflater == NULL) {
        transfer->why = HTTP_PROTOCOL;
        return 0;
    }
    struct slice piece = slice_of(data, size * count);
    switch (inflater_write(transfer->inflater, piece, &transfer->reply->body)) {
    case INFLATE_OK:
        return piece.size;
    case INFLATE_BROKEN:
        transfer->why = HTTP_PROTOCOL;
        return 0;
    case INFLATE_TOO_LARGE:
        transfer->why = HTTP_TOO_LARGE;
        return 0;
    }
    return 0;
}

/* Adds a header, or puts the value behind that of the same name. */
static void add_header(struct transfer *transfer, char *name, char *value)
{
    for (char *at = name; *at != '\0'; at++) {
        *at = (char) tolower((unsigned char) *at);
    }
    struct arena *arena = &transfer->reply->arena;
    for (size_t i = 0; i < transfer->header_count; i++) {
        struct http_pair *old = &transfer->headers[i];
        if (strcmp(old->name, name) == 0) {
            old->value = arena_printf(arena, "%s, %s", old->value, value);
            return;
        }
    }
    if (transfer->header_count == transfer->header_capacity) {
        size_t capacity = transfer->header_capacity * 2 + 16;
        transfer->headers = arena_grow(arena, transfer->headers,
                                       transfer->header_capacity * sizeof(struct http_pair),
                                       capacity * sizeof(struct http_pair));
        transfer->header_capacity = capacity;
    }
    transfer->headers[transfer->header_count++] = (struct http_pair){name, value};
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t bytes = size * count;
    struct slice line = slice_of(data, bytes);
    enter(transfer, PHASE_RECEIVING);
    transfer->header_bytes += bytes;
    if (transfer->header_bytes > HEADER_BYTES_MAX || transfer->header_count > HEADERS_MAX) {
        transfer->why = HTTP_TOO_LARGE;
        return 0;
    }
    if (bytes >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* the status line; 1xx ones go before */
        transfer->header_count = 0;
        return bytes;
    }
    while (line.size > 0 && isspace(line.data[line.size - 1])) {
        line.size--;
    }
    const uint8_t *colon = memchr(line.data, ':', line.size);
    if (colon == NULL || memchr(line.data, '\0', line.size) != NULL) {
        return bytes;
    }
    const uint8_t *value = colon + 1;
    const uint8_t *end = line.data + line.size;
    while (value < end && isspace(*value)) {
        value++;
    }
    struct arena *arena = &transfer->reply->arena;
    add_header(transfer, arena_string(arena, slice_of(line.data, (size_t) (colon - line.data))),
               arena_string(arena, slice_of(value, (size_t) (end - value))));
    return bytes;
}

static bool is_secret(const struct http_request_header *header)
{
    return header->secret || strcasecmp(header->name, "Authorization") == 0 ||
           strcasecmp(header->name, "Cookie") == 0;
}

static bool has_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The request's headers as libcurl wants them, to be freed by the caller. */
static struct curl_slist *make_headers(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    struct arena *arena = &transfer->reply->arena;
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (!has_header(request, "Accept-Encoding")) {
        list = curl_slist_append(list, "Accept-Encoding: gzip, deflate");
    }
    if (!has_header(request, "Content-Type")) {
        list = curl_slist_append(list, "Content-Type:");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_request_header *header = &request->headers[i];
        if (!transfer->same_origin && is_secret(header)) {
            continue;
        }
        const char *between = header->value[0] == '\0' ? ";" : ": ";
        list = curl_slist_append(
            list, arena_printf(arena, "%s%s%s", header->name, between, header->value));
    }
    return list;
}

static void set_method(CURL *easy, const struct transfer *transfer)
{
    const char *method = transfer->method;
    if (transfer->with_body) {
        const struct slice body = transfer->request->body;
        (void) curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void) curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                                body.data == NULL ? "" : (const char *) body.data);
        (void) curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body.size);
    }
    if (strcmp(method, "HEAD") == 0) {
        (void) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        (void) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_tls(CURL *easy, const struct http_client_config *config)
{
    bool by_name = !config->insecure && config->pin == NULL;
    (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, by_name ? 1L : 0L);
    (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, by_name ? 2L : 0L);
    if (config->pin != NULL) {
        (void) curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, config->pin);
    }
    (void) curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (config->ca_file != NULL) {
        (void) curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    }
    if (config->certificate_file != NULL) {
        (void) curl_easy_setopt(easy, CURLOPT_SSLCERT, config->certificate_file);
        (void) curl_easy_setopt(easy, CURLOPT_SSLKEY, config->key_file);
    }
}

static void set_options(struct transfer *transfer, struct curl_slist *headers)
{
    struct http_client *client = transfer->client;
    CURL *easy = client->easy;
    curl_easy_reset(easy);
    client->error_text[0] = '\0';
    (void) curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error_text);
    (void) curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
    (void) curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                            client->config.http2 ? (long) CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                                 : (long) CURL_HTTP_VERSION_NONE);
    /* libcurl 7.88 cannot use a kept connection that was begun with prior knowledge: the second
     * request ends in a framing error. */
    (void) curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, client->config.http2 ? 1L : 0L);
    (void) curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void) curl_easy_setopt(easy, CURLOPT_USERAGENT, client->config.user_agent);
    (void) curl_easy_setopt(easy, CURLOPT_PROXY, client->config.proxy);
    (void) curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    (void) curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 86400000L); /* we look ourselves */
    (void) curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void) curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    (void) curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    (void) curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    (void) curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void) curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void) curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
    (void) curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void) curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void) curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void) curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    set_method(easy, transfer);
    set_tls(easy, &client->config);
}

/* The next time-out: which one, and in how many µs; INT64_MAX if there is none. */
static int64_t next_timeout(const struct transfer *transfer, enum http_failure *ret_failure)
{
    static const enum http_failure kinds[] = {
        [PHASE_CONNECTING] = HTTP_TIMEOUT_CONNECT,
        [PHASE_WAITING] = HTTP_TIMEOUT_FIRST_BYTE,
        [PHASE_RECEIVING] = HTTP_TIMEOUT_IDLE,
    };
    const struct http_timeouts *timeouts = &transfer->request->timeouts;
    const int64_t limits[] = {timeouts->connect_us, timeouts->first_byte_us, timeouts->idle_us};
    int64_t now_us = clock_monotonic_us();
    int64_t limit_us = limits[transfer->phase];
    int64_t left_us = limit_us == 0 ? INT64_MAX : transfer->progress_us + limit_us - now_us;
    *ret_failure = kinds[transfer->phase];
    if (transfer->deadline_us != 0 && transfer->deadline_us - now_us < left_us) {
        left_us = transfer->deadline_us - now_us;
        *ret_failure = HTTP_TIMEOUT_TOTAL;
    }
    return left_us;
}

/* Drives the transfer until libcurl is done with it or a deadline passes. */
static enum http_failure drive(struct transfer *transfer, CURLcode *ret_code)
{
    CURLM *multi = transfer->client->multi;
    const atomic_bool *cancel = transfer->request->cancel;
    for (;;) {
        int running = 0;
        (void) curl_multi_perform(multi, &running);
        int left = 0;
        const CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL) {
            ASSERT(message->msg == CURLMSG_DONE);
            *ret_code = message->data.result;
            return transfer->why != HTTP_OK ? transfer->why
                                            : failure_of_curl(*ret_code, transfer->phase);
        }
        if (cancel != NULL && atomic_load(cancel)) {
            return HTTP_CANCELLED;
        }
        enum http_failure timeout;
        int64_t left_us = next_timeout(transfer, &timeout);
        if (left_us <= 0) {
            return timeout;
        }
        int wait_ms = left_us < LOOK_AROUND_MS * 1000 ? (int) (left_us / 1000) + 1 : LOOK_AROUND_MS;
        (void) curl_multi_poll(multi, NULL, 0, wait_ms, NULL);
    }
}

enum status transfer_run(struct transfer *transfer, struct error *error)
{
    struct http_client *client = transfer->client;
    struct curl_slist *headers = make_headers(transfer);
    set_options(transfer, headers);
    enter(transfer, PHASE_CONNECTING);
    (void) curl_multi_add_handle(client->multi, client->easy);
    CURLcode code = CURLE_OK;
    enum http_failure failure = drive(transfer, &code);
    (void) curl_multi_remove_handle(client->multi, client->easy);
    long status = 0;
    (void) curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (failure == HTTP_OK && transfer->inflater != NULL &&
        !inflater_is_whole(transfer->inflater)) {
        failure = HTTP_TRUNCATED;
    }
    if (code == CURLE_RECV_ERROR && strstr(client->error_text, "chunked") != NULL) {
        failure = HTTP_PROTOCOL; /* libcurl has no code of its own for broken chunks */
    }
    inflater_free(transfer->inflater);
    transfer->inflater = NULL;
    transfer->reply->status = (int) status;
    transfer->reply->headers = transfer->headers;
    transfer->reply->header_count = transfer->header_count;
    if (failure == HTTP_OK) {
        return STATUS_OK;
    }
    bool speaks = failure == HTTP_TLS || failure == HTTP_PROTOCOL || failure == HTTP_NOT_CONNECTED;
    const char *detail = client->error_text;
    if (code == CURLE_WRITE_ERROR) {
        detail = "its content encoding is broken or unknown";
    } else if (detail[0] == '\0') {
        detail = curl_easy_strerror(code);
    }
    return transfer_failed(transfer, failure, speaks ? detail : NULL, error);
}
